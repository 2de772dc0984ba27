//! `/v1/socket`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use peyvand::event::EventId;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Site, config};
use peyvand_channels::web::WebConfig;

const SOON: Duration = Duration::from_secs(20);

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn try_connect(site: &Site, query: &str, origin: Option<&str>) -> Result<Wire, Error> {
    let mut request = format!("ws://{}/v1/socket?{query}", site.address).into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", HeaderValue::from_str(origin)?);
    }
    connect_async(request).await.map(|(wire, _)| wire)
}

/// A socket that is ready.
async fn connect(site: &Site, conversation: &str, after: i64) -> Wire {
    let query = format!("conversation_id={conversation}&after={after}");
    let mut wire = try_connect(site, &query, None).await.unwrap();
    assert_eq!(next(&mut wire).await, json!({"type": "ready", "cursor": after}));
    wire
}

async fn next(wire: &mut Wire) -> Value {
    loop {
        match timeout(SOON, wire.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("neither text nor ping: {other:?}"),
        }
    }
}

async fn close_code(wire: &mut Wire) -> u16 {
    loop {
        match timeout(SOON, wire.next()).await.unwrap().unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => panic!("closed without a code"),
            Message::Text(_)
            | Message::Binary(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Frame(_) => {}
        }
    }
}

async fn send(wire: &mut Wire, value: &Value) {
    wire.send(Message::text(value.to_string())).await.unwrap();
}

fn message(client_id: &str, text: &str) -> Value {
    json!({"type": "message", "client_message_id": client_id, "text": text})
}

fn refused_with(result: Result<Wire, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("no HTTP answer: {other}"),
        Ok(_) => panic!("the handshake succeeded"),
    }
}

#[tokio::test]
async fn a_message_is_accepted_and_its_reply_pushed() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    send(&mut wire, &message("m-1", "answer:سفارش\nدر راه است")).await;
    let event_id = EventId::of_message("web", "demo", "web-1/m-1").to_string();
    assert_eq!(
        next(&mut wire).await,
        json!({"type": "accepted", "client_message_id": "m-1", "event_id": event_id})
    );
    let reply = next(&mut wire).await;
    assert_eq!(reply["type"], "reply");
    assert_eq!(reply["cursor"], 1);
    assert_eq!(reply["turn_id"], event_id.as_str());
    assert_eq!(reply["text"], "سفارش\nدر راه است");
    assert_eq!(reply["language"], "fa");
}

#[tokio::test]
async fn a_reconnect_resumes_after_the_cursor_without_loss_or_repeat() {
    let site = Site::start().await;
    let turn = EventId::of_message("web", "demo", "web-1/m-1");
    let mut wire = connect(&site, "web-1", 0).await;
    site.desk.reply("web-1", turn, "1");
    assert_eq!(next(&mut wire).await["text"], "1");
    drop(wire);
    for number in 2..=230 {
        site.desk.reply("web-1", turn, &number.to_string());
    }
    let mut wire = connect(&site, "web-1", 1).await;
    for number in 2..=230 {
        assert_eq!(next(&mut wire).await["text"], number.to_string());
    }
    site.desk.reply("web-1", turn, "231");
    assert_eq!(next(&mut wire).await["cursor"], 231);
}

#[tokio::test]
async fn a_cursor_the_database_does_not_know_begins_anew() {
    let site = Site::start().await;
    site.desk.reply("web-1", EventId::of_message("web", "demo", "web-1/m-1"), "first");
    let mut wire = try_connect(&site, "conversation_id=web-1&after=7", None).await.unwrap();
    assert_eq!(next(&mut wire).await, json!({"type": "ready", "cursor": 0}));
    assert_eq!(next(&mut wire).await["text"], "first");
}

#[tokio::test]
async fn a_message_resent_after_a_reconnect_is_no_second_turn() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    send(&mut wire, &message("m-1", "x")).await;
    let first = next(&mut wire).await;
    drop(wire);
    let mut wire = connect(&site, "web-1", 0).await;
    send(&mut wire, &message("m-1", "x")).await;
    assert_eq!(next(&mut wire).await, first);
    assert_eq!(site.desk.kept().messages.len(), 1);
}

#[tokio::test]
async fn a_bad_frame_is_refused_and_the_socket_stays_open() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    for (frame, code) in [
        ("hello".to_owned(), "not_json"),
        ("[1]".to_owned(), "not_json"),
        ("{}".to_owned(), "missing_field"),
        (json!({"type": "dance"}).to_string(), "unknown_type"),
        (json!({"type": "message", "text": "x"}).to_string(), "missing_field"),
        (json!({"type": "message", "client_message_id": 1, "text": "x"}).to_string(), "wrong_type"),
        (message("m-1", " ").to_string(), "empty_text"),
        (message("m-1", &"x".repeat(5_000)).to_string(), "text_too_large"),
        (message("a b", "x").to_string(), "bad_id"),
    ] {
        wire.send(Message::text(frame.clone())).await.unwrap();
        let answer = next(&mut wire).await;
        assert_eq!(answer["type"], "refused");
        assert_eq!(answer["code"], code, "{frame}");
        assert!(answer["message"]["fa"].is_string() && answer["message"]["en"].is_string());
    }
    send(&mut wire, &message("m-2", "x")).await;
    assert_eq!(next(&mut wire).await["type"], "accepted");
}

#[tokio::test]
async fn a_refusal_names_the_message_it_refuses() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    send(&mut wire, &message("m-1", "")).await;
    assert_eq!(next(&mut wire).await["client_message_id"], "m-1");
    send(&mut wire, &message(&"x".repeat(129), "y")).await;
    assert!(next(&mut wire).await.get("client_message_id").is_none());
}

#[tokio::test]
async fn too_many_messages_at_once_are_refused_as_too_fast() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    for number in 0..60 {
        send(&mut wire, &message(&format!("m-{number}"), "x")).await;
    }
    let mut refused = 0;
    for _ in 0..60 {
        refused += usize::from(next(&mut wire).await["code"] == "too_fast");
    }
    let taken = site.desk.kept().messages.len();
    assert!(taken >= 20 && refused > 0, "{taken} taken, {refused} refused");
    assert_eq!(taken + refused, 60);
}

#[tokio::test]
async fn a_desk_that_comes_back_delivers_what_was_missed() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    site.desk.kept().down = true;
    site.desk.reply("web-1", EventId::of_message("web", "demo", "web-1/m-1"), "late");
    send(&mut wire, &message("m-1", "x")).await;
    assert_eq!(next(&mut wire).await["code"], "unavailable");
    site.desk.kept().down = false;
    assert_eq!(next(&mut wire).await["text"], "late");
}

#[tokio::test]
async fn a_page_of_another_site_may_not_connect() {
    let site = Site::start().await;
    let query = "conversation_id=web-1";
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"] {
        assert_eq!(refused_with(try_connect(&site, query, Some(origin)).await), 403, "{origin}");
    }
    let own = format!("http://{}", site.address);
    assert!(try_connect(&site, query, Some(&own)).await.is_ok());
}

#[tokio::test]
async fn a_handshake_without_conversation_or_with_a_bad_cursor_is_refused() {
    let site = Site::start().await;
    for (query, status) in [
        ("", 400),
        ("conversation_id=", 422),
        ("conversation_id=a%20b", 422),
        ("conversation_id=a&after=x", 400),
    ] {
        assert_eq!(refused_with(try_connect(&site, query, None).await), status, "{query}");
    }
    let plain = reqwest::get(site.url("/v1/socket?conversation_id=a")).await.unwrap();
    assert_eq!(plain.status(), 400);
}

#[tokio::test]
async fn one_socket_more_than_there_is_room_for_is_told_to_come_back() {
    let site = Site::with(WebConfig { sockets_max: 1, ..config() }).await;
    let first = connect(&site, "web-1", 0).await;
    assert_eq!(refused_with(try_connect(&site, "conversation_id=web-2", None).await), 503);
    drop(first);
    let free = async {
        while try_connect(&site, "conversation_id=web-2", None).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, free).await.expect("the place is free again");
}

#[tokio::test]
async fn an_oversize_frame_closes_the_socket_with_1009() {
    let site = Site::start().await;
    for bytes in [66 * 1024, 2 * 1024 * 1024] {
        let mut wire = connect(&site, "web-1", 0).await;
        let (mut out, mut back) = wire.split();
        // The server stops reading, so the frame may never be taken whole: it is sent while the answer is awaited.
        let sending = tokio::spawn(async move { out.send(Message::text("x".repeat(bytes))).await.is_ok() });
        let frame = timeout(SOON, back.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(&frame, Message::Close(Some(close)) if u16::from(close.code) == 1009), "{frame:?}");
        sending.abort();
        wire = connect(&site, "web-1", 0).await;
        drop(wire);
    }
}

#[tokio::test]
async fn a_binary_frame_closes_the_socket_with_1003() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    wire.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut wire).await, 1003);
}

#[tokio::test]
async fn a_stop_closes_open_sockets_with_1001() {
    let site = Site::start().await;
    let mut wire = connect(&site, "web-1", 0).await;
    site.stop.cancel();
    assert_eq!(close_code(&mut wire).await, 1001);
    // The client answers the close while it reads on.
    assert!(timeout(SOON, wire.next()).await.unwrap().is_none_or(|end| end.is_err()));
    timeout(SOON, site.server).await.expect("the server ends").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_among_two_thousand_idle_sockets_still_gets_its_reply() {
    let site = Site::start().await;
    let mut idle = Vec::new();
    for number in 0..2_000 {
        idle.push(connect(&site, &format!("idle-{number}"), 0).await);
    }
    send(&mut idle[1_234], &message("m-1", "answer:here")).await;
    assert_eq!(next(&mut idle[1_234]).await["type"], "accepted");
    assert_eq!(next(&mut idle[1_234]).await["text"], "here");
    let turn = EventId::of_message("web", "demo", "idle-7/m-1");
    site.desk.reply("idle-7", turn, "also here");
    assert_eq!(next(&mut idle[7]).await["text"], "also here");
}

#[tokio::test]
async fn the_buttons_of_a_reply_come_by_the_socket_and_by_http_alike() {
    let site = Site::start().await;
    let turn = EventId::of_message("web", "demo", "web-1/m-1");
    site.desk.reply_with("web-1", turn, "بله یا نه؟", &[("بله", "بله"), ("<b>نه</b>", "نه")]);
    site.desk.reply("web-1", turn, "plain");
    let expected = json!([{"label": "بله", "value": "بله"}, {"label": "<b>نه</b>", "value": "نه"}]);
    let mut wire = connect(&site, "web-1", 0).await;
    assert_eq!(next(&mut wire).await["buttons"], expected);
    assert_eq!(next(&mut wire).await["buttons"], json!([]));
    let url = site.url("/v1/conversations/web-1/replies");
    let page: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(page["replies"][0]["buttons"], expected);
    let body = json!({"conversation_id": "web-1", "client_message_id": "m-1", "text": "x"});
    let waiting = reqwest::Client::new().post(site.url("/v1/messages?wait=5")).json(&body);
    let answer: Value = waiting.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["replies"][0]["buttons"], expected);
}
