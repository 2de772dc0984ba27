//! The cascade against a real HTTP server that answers as each test tells it.

mod odd;
mod reading_in;
mod server;

use std::sync::OnceLock;

use peyvand::{
    config::BackendConfig,
    language::classifier::{Labelled, Ranked, Written},
};
use serde_json::json;
use server::{Does, Server};
use tokio::net::TcpListener;

use super::*;

fn catalogue() -> Catalogue {
    let mut sentences = Vec::new();
    for n in 0..12 {
        for (intent, text) in [
            ("order", format!("where is my order number {n}")),
            ("stock", format!("how much stock of cement {n}")),
        ] {
            sentences.push(Labelled { text, intent: Some(intent.to_owned()), written: Written::En });
        }
    }
    let background = (0..12).map(|n| format!("tell me joke {n}")).collect();
    Catalogue { sentences, background }
}

fn model() -> Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| catalogue().learn().unwrap()).clone()
}

fn at(url: &str) -> Option<BackendConfig> {
    Some(BackendConfig { url: url.to_owned(), model: "m".to_owned(), key: Some("geheim".to_owned().into()) })
}

/// Everything is doubted, so that every message with words goes on.
fn doubting() -> UnderstandingConfig {
    UnderstandingConfig { below: 2.0, deadline: Duration::from_secs(20), ..UnderstandingConfig::default() }
}

fn understanding(config: &UnderstandingConfig) -> Understanding {
    with_pause(config, Duration::from_millis(50))
}

fn with_pause(config: &UnderstandingConfig, pause: Duration) -> Understanding {
    Understanding::with_pause(model(), &catalogue(), config, pause).unwrap()
}

async fn with_embeddings(server: &Server) -> Understanding {
    let made = understanding(&UnderstandingConfig { embeddings: at(&server.url), ..doubting() });
    made.prepare().await.unwrap();
    server.forget();
    made
}

fn with_chat(server: &Server) -> Understanding {
    understanding(&UnderstandingConfig { chat: at(&server.url), ..doubting() })
}

const VAGUE: &str = "any news of the shipment";

fn best(found: &Classification) -> Option<&str> {
    found.ranked.first().map(|best| best.intent.as_str())
}

/// The built-in answer stays, and nobody else is said to have given it.
async fn assert_stays(understanding: &Understanding, text: &str) {
    let Understood { found, backend, .. } = understanding.ask(text).await;
    assert_eq!(backend, Backend::BuiltIn);
    assert_eq!(found, understanding.model().classify(&normalise(text)));
}

#[tokio::test]
async fn embeddings_decide_what_the_built_in_classifier_does_not_know() {
    let server = Server::start(Does::Embed).await;
    let understanding = with_embeddings(&server).await;
    let Understood { found, backend, .. } = understanding.ask(VAGUE).await;
    assert_eq!((best(&found), backend), (Some("order"), Backend::Embeddings));
    assert!(found.in_scope, "{found:?}");
    let Understood { found, .. } = understanding.ask("sing a song about the weather").await;
    assert!(!found.in_scope, "{found:?}");
    assert_eq!(server.seen()[0]["path"], "/v1/embeddings");
    assert!(server.keys().iter().all(|key| key == "Bearer geheim"));
}

#[tokio::test]
async fn a_message_that_is_sure_or_has_no_words_asks_nobody() {
    let server = Server::start(Does::Embed).await;
    let config = UnderstandingConfig { embeddings: at(&server.url), ..UnderstandingConfig::default() };
    let understanding = understanding(&config);
    understanding.prepare().await.unwrap();
    server.forget();
    for text in ["where is my order number 5", "45001", "09121234567", "👍", ""] {
        assert_stays(&understanding, text).await;
    }
    assert!(server.seen().is_empty(), "{:?}", server.seen());
    assert_ne!(understanding.ask("kojast").await.backend, Backend::BuiltIn);
}

#[tokio::test]
async fn a_language_model_decides_by_a_name_out_of_the_catalogue_or_none() {
    let server = Server::start(Does::Say(r#"{"intent":"stock"}"#.to_owned())).await;
    let understanding = with_chat(&server);
    let Understood { found, backend, .. } = understanding.ask(VAGUE).await;
    assert_eq!((best(&found), backend), (Some("stock"), Backend::Chat));
    assert!(found.ranked.is_sorted_by(|a, b| a.confidence >= b.confidence) && found.in_scope, "{found:?}");
    let sum: f32 = found.ranked.iter().map(|one: &Ranked| one.confidence).sum();
    assert!(sum <= 1.0 + 1e-5, "{found:?}");
    server.now(Does::Say(r#"{"intent":"out_of_scope"}"#.to_owned()));
    let Understood { found, backend, .. } = understanding.ask(VAGUE).await;
    assert_eq!((found.in_scope, backend), (false, Backend::Chat));
    let question = &server.seen()[0];
    let names = &question["response_format"]["json_schema"]["schema"]["properties"]["intent"]["enum"];
    assert_eq!(*names, json!(["order", "stock", "out_of_scope"]));
    assert_eq!(question["path"], "/v1/chat/completions");
    assert!(question["messages"][0]["content"].as_str().unwrap().contains("where is my order"));
}

#[tokio::test]
async fn a_slow_server_costs_no_more_than_the_deadline_and_a_dead_one_nothing() {
    let slow = Server::start(Does::Nothing).await;
    let deadline = Duration::from_secs(1);
    let config = UnderstandingConfig { chat: at(&slow.url), deadline, ..doubting() };
    let patient = understanding(&config);
    let began = Instant::now();
    assert_stays(&patient, VAGUE).await;
    let took = began.elapsed();
    assert!(took >= deadline && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(slow.seen().len(), 1);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_stays(&understanding(&UnderstandingConfig { chat: at(&nobody), ..doubting() }), VAGUE).await;
}

#[tokio::test]
async fn a_slow_server_of_embeddings_leaves_the_language_model_its_time() {
    let (slow, chat) = (
        Server::start(Does::Embed).await,
        Server::start(Does::Say(r#"{"intent":"stock"}"#.to_owned())).await,
    );
    let deadline = Duration::from_secs(2);
    let config =
        UnderstandingConfig { embeddings: at(&slow.url), chat: at(&chat.url), deadline, ..doubting() };
    let understanding = understanding(&config);
    understanding.prepare().await.unwrap();
    slow.now(Does::Nothing);
    assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Chat);
    chat.now(Does::Nothing);
    let began = Instant::now();
    assert_stays(&understanding, VAGUE).await;
    let took = began.elapsed();
    assert!(took >= deadline && took < deadline * 2, "{took:?}");
}

#[tokio::test]
async fn no_personal_value_leaves_to_either_server() {
    let text = "please call 09121234567 or mail a.b@example.com about order 45001, card 6037701689095443, \
                IR820540102680020817909002, my shipment";
    let values = ["0912", "1234567", "a.b@example.com", "45001", "6037701689095443", "8205401026"];
    let embeddings = Server::start(Does::Embed).await;
    let chat = Server::start(Does::Say(r#"{"intent":"order"}"#.to_owned())).await;
    let config = UnderstandingConfig { embeddings: at(&embeddings.url), chat: at(&chat.url), ..doubting() };
    let understanding = understanding(&config);
    understanding.prepare().await.unwrap();
    embeddings.forget();
    understanding.ask(text).await;
    for server in [&embeddings, &chat] {
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        let sent = seen[0].to_string();
        for value in values {
            assert!(!sent.contains(value), "{value}: {sent}");
        }
        assert!(sent.contains("<phone>") && sent.contains("<email>") && sent.contains("<order>"), "{sent}");
    }
}

#[tokio::test]
async fn no_more_than_so_many_messages_wait_for_a_server_at_once() {
    let slow = Server::start(Does::Nothing).await;
    let deadline = Duration::from_secs(2);
    let config = UnderstandingConfig { chat: at(&slow.url), deadline, calls_max: 2, ..doubting() };
    let understanding = understanding(&config);
    let ask = || assert_stays(&understanding, VAGUE);
    tokio::join!(ask(), ask(), ask(), ask());
    // Those that waited had nothing of their time left when a place was free.
    assert_eq!(slow.seen().len(), 2);
}

#[test]
fn an_address_that_is_none_is_refused_with_its_setting() {
    for url in
        ["ftp://e5", "http://", "http://user@e5", "http://:word@e5", "http://e5/?key=word", "http://e5/#a"]
    {
        let config = UnderstandingConfig { embeddings: at(url), ..doubting() };
        let error = Understanding::new(model(), &catalogue(), &config).err().unwrap();
        assert!(error.to_string().contains("understanding.embeddings.url"), "{error}");
    }
}
