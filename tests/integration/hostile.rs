//! Whatever comes in over HTTP, the program refuses it by name in both languages, within its time, and goes on serving.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};
use uuid::Uuid;

use crate::support::{Peyvand, data};

/// Longer than any limit of the program's own.
const PATIENCE: Duration = Duration::from_secs(40);
/// What a head and a body may take, with room for a busy machine.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10 + 5);
const BODY_TIME_MAX: Duration = Duration::from_secs(15 + 5);
const BODY_BYTES_MAX: usize = 64 * 1024;
const TEXT_BYTES_MAX: usize = 4096;

/// A well-formed message.
fn message() -> Value {
    json!({"conversation_id": "web:h", "client_message_id": Uuid::new_v4().to_string(), "text": "where is order 45001?"})
}

fn with(field: &str, value: Value) -> Vec<u8> {
    let mut message = message();
    message[field] = value;
    message.to_string().into_bytes()
}

fn without(field: &str) -> Vec<u8> {
    let mut message = message();
    message.as_object_mut().unwrap().remove(field);
    message.to_string().into_bytes()
}

fn head(peyvand: &Peyvand, method: &str, path: &str, more: &str) -> Vec<u8> {
    let address = peyvand.address();
    format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}\r\n").into_bytes()
}

fn post(peyvand: &Peyvand, body: &[u8]) -> Vec<u8> {
    let more = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    [head(peyvand, "POST", "/v1/messages", &more), body.to_vec()].concat()
}

/// Everything that comes until the program closes the connection.
async fn heard(mut line: TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, line.read_to_end(&mut bytes)).await;
    // A reset after the answer is a close too.
    assert!(end.is_ok(), "the connection was not closed");
    String::from_utf8(bytes).unwrap()
}

async fn exchange(peyvand: &Peyvand, bytes: &[u8]) -> String {
    let mut line = TcpStream::connect(peyvand.address()).await.unwrap();
    // The program may have answered and closed before all was sent.
    let _sent = line.write_all(bytes).await;
    heard(line).await
}

fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or("0").parse().unwrap()
}

/// Status and code of a refusal that speaks both languages.
fn refusal(answer: &str) -> (u16, String) {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"));
    for language in ["fa", "en"] {
        assert!(body["error"]["message"][language].as_str().is_some_and(|text| text.len() > 10), "{answer}");
    }
    (status(answer), body["error"]["code"].as_str().unwrap().to_owned())
}

async fn still_serves(peyvand: &Peyvand) {
    let answer = peyvand.ask(&format!("web:{}", Uuid::new_v4()), "where is order 45001?").await;
    assert!(answer.contains("45001"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_no_message_is_refused_by_name_and_a_good_one_is_answered() {
    let peyvand = Peyvand::up(data());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_field = format!("{{\"text\":{deep}}}");
    for (body, code, name) in [
        (b"".to_vec(), 400, "not_json"),
        (b"{\"text\":".to_vec(), 400, "not_json"),
        (b"[]".to_vec(), 400, "not_json"),
        (b"{\"text\":\"\\ud800\"}".to_vec(), 400, "not_json"),
        (deep.into_bytes(), 400, "not_json"),
        (deep_field.into_bytes(), 400, "not_json"),
        (b"{\"text\":\"\xff\xfe\"}".to_vec(), 400, "not_utf8"),
        (without("conversation_id"), 400, "missing_field"),
        (without("client_message_id"), 400, "missing_field"),
        (without("text"), 400, "missing_field"),
        (with("conversation_id", json!(7)), 400, "wrong_type"),
        (with("client_message_id", json!({})), 400, "wrong_type"),
        (with("text", json!(["x"])), 400, "wrong_type"),
        (with("language", json!(true)), 400, "wrong_type"),
        (with("conversation_id", json!("")), 422, "bad_id"),
        (with("conversation_id", json!("../a b")), 422, "bad_id"),
        (with("conversation_id", json!("x".repeat(10_000))), 422, "bad_id"),
        (with("client_message_id", json!("a\r\nb")), 422, "bad_id"),
        (with("client_message_id", json!("x".repeat(129))), 422, "bad_id"),
        (with("language", json!("xx")), 422, "unknown_language"),
        (with("text", json!("")), 422, "empty_text"),
        (with("text", json!(" \n\u{a0}\t")), 422, "empty_text"),
        (with("text", json!("\u{200b}\u{200f}\u{202e}\u{2066}\u{feff}")), 422, "empty_text"),
        (with("text", json!("a\0b")), 422, "unreadable_text"),
        (with("text", json!("x".repeat(TEXT_BYTES_MAX + 1))), 413, "text_too_large"),
        (with("text", json!("ش".repeat(TEXT_BYTES_MAX / 2 + 1))), 413, "text_too_large"),
    ] {
        let answer = exchange(&peyvand, &post(&peyvand, &body)).await;
        let start = String::from_utf8_lossy(&body).chars().take(100).collect::<String>();
        assert_eq!(refusal(&answer), (code, name.to_owned()), "{start}");
    }
    still_serves(&peyvand).await;
    assert_eq!(peyvand.replies("web:h").await, 0, "a refused message was answered");
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_with_and_without_a_length() {
    let peyvand = Peyvand::up(data());
    let large = with("text", json!("x".repeat(BODY_BYTES_MAX)));
    let answer = exchange(&peyvand, &post(&peyvand, &large)).await;
    assert_eq!(refusal(&answer), (413, "body_too_large".to_owned()));
    // Refused by what it promises: not one byte of the body is waited for.
    let promise = "content-type: application/json\r\ncontent-length: 99999999999\r\n";
    let answer = exchange(&peyvand, &head(&peyvand, "POST", "/v1/messages", promise)).await;
    assert_eq!(refusal(&answer), (413, "body_too_large".to_owned()));
    let unsaid = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let mut chunked = head(&peyvand, "POST", "/v1/messages", unsaid);
    for _ in 0..=BODY_BYTES_MAX / 1024 {
        chunked.extend(format!("400\r\n{}\r\n", " ".repeat(1024)).bytes());
    }
    let answer = exchange(&peyvand, &chunked).await;
    assert_eq!(refusal(&answer), (413, "body_too_large".to_owned()));
    still_serves(&peyvand).await;
}

/// Sends one byte a second until the other side closes; gives what was heard and how long it took.
async fn drip(peyvand: &Peyvand, start: &[u8], drop: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let mut line = TcpStream::connect(peyvand.address()).await.unwrap();
    line.write_all(start).await.unwrap();
    let (mut back, mut out) = line.into_split();
    let dripping = async {
        let mut each = interval(Duration::from_secs(1));
        loop {
            each.tick().await;
            if out.write_all(drop).await.is_err() {
                return std::future::pending::<()>().await;
            }
        }
    };
    let mut bytes = Vec::new();
    let ended = tokio::select! {
        ended = timeout(PATIENCE, back.read_to_end(&mut bytes)) => ended.is_ok(),
        () = dripping => false,
    };
    assert!(ended, "a slow sender was held for {PATIENCE:?}");
    (String::from_utf8(bytes).unwrap(), began.elapsed())
}

#[tokio::test]
async fn a_slow_sender_is_let_go_within_the_time_and_others_are_served_meanwhile() {
    let peyvand = Peyvand::up(data());
    let promise = "content-type: application/json\r\ncontent-length: 1000\r\n";
    let start = head(&peyvand, "POST", "/v1/messages", promise);
    let (body, header, silent, ()) = tokio::join!(
        drip(&peyvand, &start, b" "),
        drip(&peyvand, b"GET / HTTP/1.1\r\nx: ", b"x"),
        drip(&peyvand, b"", b""),
        still_serves(&peyvand),
    );
    assert_eq!(refusal(&body.0), (408, "slow_body".to_owned()));
    assert!(body.1 <= BODY_TIME_MAX, "a slow body was held for {:?}", body.1);
    assert!(header.1 <= HEAD_TIME_MAX, "a slow head was held for {:?}", header.1);
    assert!(silent.1 <= HEAD_TIME_MAX, "a silent connection was held for {:?}", silent.1);
    still_serves(&peyvand).await;
}

#[tokio::test]
async fn a_flood_of_headers_is_refused_and_a_good_message_is_answered() {
    let peyvand = Peyvand::up(data());
    let many: String = (0..5_000).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(2 << 20));
    for flood in [many, long] {
        let answer = exchange(&peyvand, &head(&peyvand, "GET", "/", &flood)).await;
        assert!(matches!(status(&answer), 0 | 400 | 431), "{}", &answer[..answer.len().min(80)]);
    }
    let address = format!("/{}", "a".repeat(100_000));
    let answer = exchange(&peyvand, &head(&peyvand, "GET", &address, "")).await;
    assert!(matches!(status(&answer), 0 | 400 | 414 | 431), "{}", &answer[..answer.len().min(80)]);
    still_serves(&peyvand).await;
}

#[tokio::test]
async fn a_wrong_address_method_type_or_parameter_is_refused_by_name() {
    let peyvand = Peyvand::up(data());
    let json = "content-type: application/json\r\ncontent-length: 2\r\n";
    let text = "content-type: text/plain\r\ncontent-length: 2\r\n";
    for (method, path, headers, code, name) in [
        ("GET", "/v1/nothing", "", 404, "not_found"),
        ("GET", "/../../etc/passwd", "", 404, "not_found"),
        ("GET", "/%2e%2e/%00", "", 404, "not_found"),
        ("GET", "/v1/messages", "", 405, "method_not_allowed"),
        ("DELETE", "/", "", 405, "method_not_allowed"),
        ("BREW", "/v1/messages", "", 405, "method_not_allowed"),
        ("POST", "/v1/socket", json, 405, "method_not_allowed"),
        ("GET", "/v1/socket?conversation_id=a", "", 400, "not_a_websocket"),
        ("POST", "/v1/messages", text, 415, "wrong_content_type"),
        ("POST", "/v1/messages", "content-length: 2\r\n", 415, "wrong_content_type"),
        ("POST", "/v1/messages?wait=0", json, 400, "bad_parameter"),
        ("POST", "/v1/messages?wait=61", json, 400, "bad_parameter"),
        ("POST", "/v1/messages?wait=-1", json, 400, "bad_parameter"),
        ("POST", "/v1/messages?wait=1e1", json, 400, "bad_parameter"),
        ("POST", "/v1/messages?wait=", json, 400, "bad_parameter"),
        ("GET", "/v1/conversations/a/replies?after=-1", "", 400, "bad_parameter"),
        ("GET", "/v1/conversations/a/replies?after=99999999999999999999", "", 400, "bad_parameter"),
        ("GET", "/v1/conversations/a%20b/replies", "", 422, "bad_id"),
        ("GET", "/v1/conversations/%ff/replies", "", 422, "bad_id"),
    ] {
        let body: &[u8] = if headers.is_empty() { b"" } else { b"{}" };
        let answer = exchange(&peyvand, &[&head(&peyvand, method, path, headers), body].concat()).await;
        assert_eq!(refusal(&answer), (code, name.to_owned()), "{method} {path}");
    }
    still_serves(&peyvand).await;
}

#[tokio::test]
async fn what_is_not_http_or_says_two_lengths_is_turned_away() {
    let peyvand = Peyvand::up(data());
    let body = message().to_string();
    let twice =
        format!("content-type: application/json\r\ncontent-length: {}\r\ncontent-length: 2\r\n", body.len());
    let twice = [head(&peyvand, "POST", "/v1/messages", &twice), body.into_bytes()].concat();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n".to_vec(),
        twice,
    ] {
        let answer = exchange(&peyvand, &bytes).await;
        assert!(matches!(status(&answer), 0 | 400 | 505), "{bytes:?} got {answer:?}");
    }
    still_serves(&peyvand).await;
    assert_eq!(peyvand.replies("web:h").await, 0);
}
