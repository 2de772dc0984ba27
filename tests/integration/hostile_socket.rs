//! The WebSocket against senders that break its rules, are too loud, or say everything twice.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::HeaderValue,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::support::{Peyvand, data};

const PATIENCE: Duration = Duration::from_secs(30);
/// Larger than the program takes in one frame or message.
const TOO_LARGE: usize = 66 * 1024;

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn knock(peyvand: &Peyvand, query: &str, origin: Option<&str>) -> Result<Wire, Error> {
    let mut request = format!("ws://{}/v1/socket?{query}", peyvand.address()).into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", HeaderValue::from_str(origin)?);
    }
    connect_async(request).await.map(|(wire, _)| wire)
}

async fn connect(peyvand: &Peyvand, conversation: &str, after: i64) -> Wire {
    let mut wire =
        knock(peyvand, &format!("conversation_id={conversation}&after={after}"), None).await.unwrap();
    assert_eq!(next(&mut wire).await, json!({"type": "ready", "cursor": after}));
    wire
}

async fn next(wire: &mut Wire) -> Value {
    loop {
        match timeout(PATIENCE, wire.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("neither text nor ping: {other:?}"),
        }
    }
}

/// The next frame of a type; others are passed over.
async fn next_of(wire: &mut Wire, kind: &str) -> Value {
    loop {
        let frame = next(wire).await;
        if frame["type"] == kind {
            return frame;
        }
    }
}

async fn close_code(wire: &mut Wire) -> u16 {
    loop {
        match timeout(PATIENCE, wire.next()).await.unwrap().unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => panic!("closed without a code"),
            _other => {}
        }
    }
}

async fn say(wire: &mut Wire, client_id: &str, text: &str) {
    let message = json!({"type": "message", "client_message_id": client_id, "text": text});
    wire.send(Message::text(message.to_string())).await.unwrap();
}

/// A fresh socket is accepted and a message on it answered.
async fn still_serves(peyvand: &Peyvand) {
    let mut wire = connect(peyvand, &format!("web:{}", uuid::Uuid::new_v4()), 0).await;
    say(&mut wire, "good", "where is order 45001?").await;
    let reply = next_of(&mut wire, "reply").await;
    assert!(reply["text"].as_str().unwrap().contains("45001"), "{reply}");
}

fn status(result: Result<Wire, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("no HTTP answer: {other}"),
        Ok(_) => panic!("the handshake succeeded"),
    }
}

#[tokio::test]
async fn a_page_of_another_site_and_a_bad_handshake_are_turned_away() {
    let peyvand = Peyvand::up(data());
    let query = "conversation_id=web:a";
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "file://"] {
        assert_eq!(status(knock(&peyvand, query, Some(origin)).await), 403, "{origin}");
    }
    for (query, code) in
        [("", 400), ("conversation_id=a%0d%0ab", 422), ("conversation_id=a&after=-1", 400), ("after=0", 400)]
    {
        assert_eq!(status(knock(&peyvand, query, None).await), code, "{query}");
    }
    assert!(knock(&peyvand, query, Some(&peyvand.url)).await.is_ok());
    still_serves(&peyvand).await;
}

#[tokio::test]
async fn frames_that_break_the_rules_close_their_socket_with_its_code_and_no_other() {
    let peyvand = Peyvand::up(data());
    let mut bystander = connect(&peyvand, "web:bystander", 0).await;
    let text = |bytes: &[u8], last: bool| {
        Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), last))
    };
    for (frame, code) in [
        (Message::binary(vec![0, 1, 2]), 1003),
        (Message::binary(Vec::new()), 1003),
        (text(b"{\"type\":\"\xff\xfe\"}", true), 1007),
        (Message::Frame(Frame::message(vec![b'x'], OpCode::Data(Data::Continue), true)), 1002),
    ] {
        let mut wire = connect(&peyvand, "web:b", 0).await;
        let shown = format!("{frame:?}");
        wire.send(frame).await.unwrap();
        assert_eq!(close_code(&mut wire).await, code, "{shown}");
    }
    // A client has to mask what it sends.
    let mut wire = connect(&peyvand, "web:b", 0).await;
    let MaybeTlsStream::Plain(line) = wire.get_mut() else { panic!("not a plain connection") };
    line.write_all(&[0x81, 2, b'h', b'i']).await.unwrap();
    assert_eq!(close_code(&mut wire).await, 1002);
    say(&mut bystander, "m", "where is order 45001?").await;
    assert!(next_of(&mut bystander, "reply").await["text"].as_str().unwrap().contains("45001"));
}

#[tokio::test]
async fn a_message_over_the_limit_closes_its_socket_with_1009_whole_or_in_pieces() {
    let peyvand = Peyvand::up(data());
    let whole = vec![Message::text("x".repeat(TOO_LARGE))];
    let huge = vec![Message::text("x".repeat(8 << 20))];
    let piece = |kind| Message::Frame(Frame::message(vec![b'x'; 8 * 1024], OpCode::Data(kind), false));
    let pieces = std::iter::once(piece(Data::Text)).chain((0..10).map(|_| piece(Data::Continue))).collect();
    for frames in [whole, huge, pieces] {
        let (mut out, mut back) = connect(&peyvand, "web:c", 0).await.split();
        // The program stops reading, so the rest may never be taken: it is sent while the answer is awaited.
        let sending = tokio::spawn(async move {
            for frame in frames {
                if out.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let frame = timeout(PATIENCE, back.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(&frame, Message::Close(Some(close)) if u16::from(close.code) == 1009), "{frame:?}");
        sending.abort();
    }
    still_serves(&peyvand).await;
}

#[tokio::test]
async fn a_text_frame_that_is_no_message_is_refused_and_the_socket_lives() {
    let peyvand = Peyvand::up(data());
    let mut wire = connect(&peyvand, "web:d", 0).await;
    for (frame, code) in [
        ("".to_owned(), "not_json"),
        ("[".repeat(10_000), "not_json"),
        ("{}".to_owned(), "missing_field"),
        (json!({"type": 1}).to_string(), "wrong_type"),
        (json!({"type": "reply", "text": "x"}).to_string(), "unknown_type"),
        (json!({"type": "message", "client_message_id": "a", "text": "\u{202e}"}).to_string(), "empty_text"),
        (
            json!({"type": "message", "client_message_id": "a", "text": "x".repeat(4097)}).to_string(),
            "text_too_large",
        ),
        (json!({"type": "message", "client_message_id": "a b", "text": "x"}).to_string(), "bad_id"),
        (
            json!({"type": "message", "client_message_id": "a", "text": "x", "language": "zz"}).to_string(),
            "unknown_language",
        ),
    ] {
        wire.send(Message::text(frame)).await.unwrap();
        let refused = next(&mut wire).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("refused"), &json!(code)), "{refused}");
        assert!(refused["message"]["fa"].is_string() && refused["message"]["en"].is_string());
    }
    say(&mut wire, "good", "where is order 45001?").await;
    assert!(next_of(&mut wire, "reply").await["text"].as_str().unwrap().contains("45001"));
}

#[tokio::test]
async fn a_flood_is_refused_as_too_fast_and_what_was_taken_is_answered_once() {
    let peyvand = Peyvand::up(data());
    let mut wire = connect(&peyvand, "web:e", 0).await;
    const FLOOD: usize = 80;
    for number in 0..FLOOD {
        say(&mut wire, &format!("m-{number}"), "thanks").await;
    }
    let (mut taken, mut refused, mut replies) = (0, 0, 0);
    while taken + refused < FLOOD || replies < taken {
        let frame = next(&mut wire).await;
        match frame["type"].as_str() {
            Some("accepted") => taken += 1,
            Some("reply") => replies += 1,
            Some("refused") => {
                assert_eq!(frame["code"], "too_fast");
                refused += 1;
            }
            _other => panic!("{frame}"),
        }
    }
    assert!(taken >= 20 && refused > 0, "{taken} taken, {refused} refused");
    // The socket lives: when its pause is over, a message is taken and answered.
    loop {
        say(&mut wire, "after", "where is order 45001?").await;
        if next(&mut wire).await["type"] == "accepted" {
            break;
        }
    }
    assert!(next_of(&mut wire, "reply").await["text"].as_str().unwrap().contains("45001"));
    assert_eq!(peyvand.replies("web:e").await, (taken + 1).min(100), "one reply a message");
}

#[tokio::test]
async fn one_client_message_over_socket_and_http_is_one_event_and_one_turn() {
    let peyvand = Peyvand::up(data());
    let mut wire = connect(&peyvand, "web:f", 0).await;
    say(&mut wire, "m-1", "where is order 45001?").await;
    say(&mut wire, "m-1", "where is order 45001?").await;
    let first = next_of(&mut wire, "accepted").await;
    let posted = peyvand.send("web:f", "m-1", "where is order 45001?").await;
    assert_eq!(posted["event_id"], first["event_id"]);
    let mut other = connect(&peyvand, "web:f", 0).await;
    say(&mut other, "m-1", "where is order 45001?").await;
    assert_eq!(next_of(&mut other, "accepted").await["event_id"], first["event_id"]);
    // A later turn comes after whatever the repeats caused.
    peyvand.ask("web:f", "where is order 45002?").await;
    assert_eq!(peyvand.replies("web:f").await, 2);
}

#[tokio::test]
async fn a_socket_resumes_after_its_cursor_without_loss_or_repeat() {
    let peyvand = Peyvand::up(data());
    let mut wire = connect(&peyvand, "web:g", 0).await;
    say(&mut wire, "m-1", "where is order 45001?").await;
    let cursor = next_of(&mut wire, "reply").await["cursor"].as_i64().unwrap();
    drop(wire);
    peyvand.ask("web:g", "where is order 45002?").await;
    peyvand.ask("web:g", "where is order 45003?").await;
    let mut wire = connect(&peyvand, "web:g", cursor).await;
    for number in ["45002", "45003"] {
        let reply = next(&mut wire).await;
        assert!(reply["text"].as_str().unwrap().contains(number), "{reply}");
    }
    let mut all = connect(&peyvand, "web:g", 0).await;
    for number in ["45001", "45002", "45003"] {
        assert!(next(&mut all).await["text"].as_str().unwrap().contains(number));
    }
}
