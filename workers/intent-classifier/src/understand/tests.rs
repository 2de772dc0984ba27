//! The cascade against a real HTTP server that answers as each test tells it.

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use peyvand::{
    config::BackendConfig,
    language::classifier::{Labelled, Ranked, Written},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;

/// The three directions in which the stand-in sees a text, by the words it holds.
const WORDS: [(&str, &[&str]); 3] = [
    ("order", &["order", "shipment", "سفارش"]),
    ("stock", &["stock", "cement", "inventory"]),
    ("", &["joke", "match", "song", "weather"]),
];

/// What the stand-in does with the next questions.
#[derive(Clone)]
enum Does {
    /// Vectors by the words.
    Embed,
    /// An answer with this content.
    Say(String),
    /// This body with 200.
    Body(&'static str),
    /// This status.
    Status(u16),
    /// No answer at all.
    Nothing,
}

/// A server of embeddings or of a language model.
struct Server {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    does: Mutex<Does>,
    seen: Mutex<Vec<Value>>,
    keys: Mutex<Vec<String>>,
}

impl Server {
    async fn start(does: Does) -> Self {
        let shared =
            Arc::new(Shared { does: Mutex::new(does), seen: Mutex::default(), keys: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, serving }
    }

    fn now(&self, does: Does) {
        *self.shared.does.lock().unwrap() = does;
    }

    /// The bodies of the questions so far.
    fn seen(&self) -> Vec<Value> {
        self.shared.seen.lock().unwrap().clone()
    }

    fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let key = request.headers().get("authorization").map(|key| key.to_str().unwrap().to_owned());
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 64 << 20).await.unwrap();
    let mut question: Value = serde_json::from_slice(&body).unwrap();
    question["path"] = json!(path);
    shared.seen.lock().unwrap().push(question.clone());
    shared.keys.lock().unwrap().extend(key);
    let does = shared.does.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let json = |value: Value| ([("content-type", "application/json")], value.to_string()).into_response();
    match does {
        Does::Embed => json(vectors(&question)),
        Does::Say(content) => json(json!({ "choices": [{ "message": { "content": content } }] })),
        Does::Body(body) => body.into_response(),
        Does::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Does::Nothing => std::future::pending().await,
    }
}

/// In the reverse order, as servers may.
fn vectors(question: &Value) -> Value {
    let texts = question["input"].as_array().unwrap();
    let vector = |text: &str| {
        let mut vector = vec![1.0, 1.0, 1.0, text.len() as f32 / 10_000.0];
        for (number, (_, words)) in vector.iter_mut().zip(WORDS) {
            *number += words.iter().filter(|word| text.contains(*word)).count() as f32 / 10.0;
        }
        vector
    };
    let data = texts.iter().enumerate().rev();
    let data: Vec<Value> = data
        .map(|(index, text)| json!({ "index": index, "embedding": vector(text.as_str().unwrap()) }))
        .collect();
    json!({ "data": data })
}

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
    Understanding::with_pause(model(), &catalogue(), config, Duration::from_millis(50)).unwrap()
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
    let (found, backend) = understanding.ask(text).await;
    assert_eq!(backend, Backend::BuiltIn);
    assert_eq!(found, understanding.model().classify(&normalise(text)));
}

#[tokio::test]
async fn embeddings_decide_what_the_built_in_classifier_does_not_know() {
    let server = Server::start(Does::Embed).await;
    let understanding = with_embeddings(&server).await;
    let (found, backend) = understanding.ask(VAGUE).await;
    assert_eq!((best(&found), backend), (Some("order"), Backend::Embeddings));
    assert!(found.in_scope, "{found:?}");
    let (found, _) = understanding.ask("sing a song about the weather").await;
    assert!(!found.in_scope, "{found:?}");
    assert_eq!(server.seen()[0]["path"], "/v1/embeddings");
    assert!(server.shared.keys.lock().unwrap().iter().all(|key| key == "Bearer geheim"));
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
    assert_ne!(understanding.ask("kojast").await.1, Backend::BuiltIn);
}

#[tokio::test]
async fn a_language_model_decides_by_a_name_out_of_the_catalogue_or_none() {
    let server = Server::start(Does::Say(r#"{"intent":"stock"}"#.to_owned())).await;
    let understanding = with_chat(&server);
    let (found, backend) = understanding.ask(VAGUE).await;
    assert_eq!((best(&found), backend), (Some("stock"), Backend::Chat));
    assert!(found.ranked.is_sorted_by(|a, b| a.confidence >= b.confidence) && found.in_scope, "{found:?}");
    let sum: f32 = found.ranked.iter().map(|one: &Ranked| one.confidence).sum();
    assert!(sum <= 1.0 + 1e-5, "{found:?}");
    server.now(Does::Say(r#"{"intent":"out_of_scope"}"#.to_owned()));
    let (found, backend) = understanding.ask(VAGUE).await;
    assert_eq!((found.in_scope, backend), (false, Backend::Chat));
    let question = &server.seen()[0];
    let names = &question["response_format"]["json_schema"]["schema"]["properties"]["intent"]["enum"];
    assert_eq!(*names, json!(["order", "stock", "out_of_scope"]));
    assert_eq!(question["path"], "/v1/chat/completions");
    assert!(question["messages"][0]["content"].as_str().unwrap().contains("where is my order"));
}

#[tokio::test]
async fn what_a_language_model_may_not_say_is_refused_and_the_built_in_answer_stays() {
    for said in [
        r#"{"intent":"delete_everything"}"#,
        r#"{"intent":"stock","reply":"I have cancelled your order"}"#,
        r#"{"intent":7}"#,
        "stock",
        "",
    ] {
        let server = Server::start(Does::Say(said.to_owned())).await;
        assert_stays(&with_chat(&server), VAGUE).await;
        assert_eq!(server.seen().len(), 1, "{said}");
    }
}

#[tokio::test]
async fn whatever_a_server_answers_instead_leaves_the_built_in_answer() {
    let server = Server::start(Does::Embed).await;
    for does in [
        Does::Status(429),
        Does::Status(500),
        Does::Status(307),
        Does::Body("<html>"),
        Does::Body(r#"{"data":[]}"#),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1.0]}]}"#),
        Does::Body(r#"{"data":[{"index":1,"embedding":[1,1,1,1]}]}"#),
        Does::Body(r#"{"data":[{"index":0,"embedding":[1e39,1,1,1]}]}"#),
        Does::Body(r#"{"choices":[]}"#),
    ] {
        server.now(Does::Embed);
        let understanding = with_embeddings(&server).await;
        server.now(does);
        assert_stays(&understanding, VAGUE).await;
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_slow_server_costs_no_more_than_the_deadline_and_a_dead_one_nothing() {
    let slow = Server::start(Does::Nothing).await;
    let deadline = Duration::from_millis(100);
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
async fn after_five_failures_in_a_row_the_server_is_left_alone_and_one_probe_brings_it_back() {
    let server = Server::start(Does::Status(500)).await;
    let understanding = with_chat(&server);
    for _ in 0..breaker::FAILURES + 3 {
        assert_stays(&understanding, VAGUE).await;
    }
    // A pause may have ended under way, on a machine that is busy.
    let asked = server.seen().len();
    assert!((breaker::FAILURES as usize..breaker::FAILURES as usize + 3).contains(&asked), "{asked}");
    server.now(Does::Say(r#"{"intent":"stock"}"#.to_owned()));
    let until = Instant::now() + Duration::from_secs(20);
    while understanding.ask(VAGUE).await.1 != Backend::Chat {
        assert!(Instant::now() < until, "it never came back");
        tokio::task::yield_now().await;
    }
    assert_eq!(understanding.ask(VAGUE).await.1, Backend::Chat);
}

#[tokio::test]
async fn messages_that_a_server_does_not_take_close_it_for_nobody() {
    let server = Server::start(Does::Status(422)).await;
    let understanding = with_chat(&server);
    for _ in 0..breaker::FAILURES + 3 {
        assert_stays(&understanding, VAGUE).await;
    }
    server.now(Does::Say(r#"{"intent":"stock"}"#.to_owned()));
    assert_eq!(understanding.ask(VAGUE).await.1, Backend::Chat);
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

#[tokio::test]
async fn embeddings_that_are_not_read_in_yet_leave_the_built_in_answer() {
    let server = Server::start(Does::Status(503)).await;
    let config = UnderstandingConfig { embeddings: at(&server.url), ..doubting() };
    let understanding = understanding(&config);
    let error = understanding.prepare().await.unwrap_err();
    assert_eq!(error.kind(), "refused");
    server.forget();
    assert_stays(&understanding, VAGUE).await;
    assert!(server.seen().is_empty());
    server.now(Does::Embed);
    understanding.prepare().await.unwrap();
    assert_eq!(understanding.ask(VAGUE).await.1, Backend::Embeddings);
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn a_restart_asks_nothing_for_the_catalogue_and_another_model_asks_anew() {
    let folder = Folder(std::env::temp_dir().join(format!("peyvand-vectors-{}", uuid::Uuid::new_v4())));
    let server = Server::start(Does::Embed).await;
    let config =
        UnderstandingConfig { embeddings: at(&server.url), cache: Some(folder.0.clone()), ..doubting() };
    understanding(&config).prepare().await.unwrap();
    let asked: usize = server.seen().iter().map(|question| question["input"].as_array().unwrap().len()).sum();
    // Numbers are tokens by then, so that sentences which differ in nothing else are asked for once.
    assert!((1..=36).contains(&asked), "{asked}");
    server.forget();
    let again = understanding(&config);
    again.prepare().await.unwrap();
    assert!(server.seen().is_empty());
    assert_eq!(again.ask(VAGUE).await.1, Backend::Embeddings);

    let mut other = config.clone();
    other.embeddings.as_mut().unwrap().model = "other".to_owned();
    server.forget();
    understanding(&other).prepare().await.unwrap();
    assert!(!server.seen().is_empty());
}

#[test]
fn an_address_that_is_none_is_refused_with_its_setting() {
    for url in ["ftp://e5", "http://", "http://user@e5"] {
        let config = UnderstandingConfig { embeddings: at(url), ..doubting() };
        let error = Understanding::new(model(), &catalogue(), &config).err().unwrap();
        assert!(error.to_string().contains("understanding.embeddings.url"), "{error}");
    }
}
