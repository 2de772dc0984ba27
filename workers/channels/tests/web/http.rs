//! `POST /v1/messages` and `GET /v1/conversations/{id}/replies`.

use std::time::{Duration, Instant};

use peyvand::event::EventId;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::{Site, config};
use peyvand_channels::web::WebConfig;

fn message(client_id: &str, text: &str) -> Value {
    json!({"conversation_id": "web-1", "client_message_id": client_id, "text": text})
}

async fn post(site: &Site, query: &str, body: &Value) -> Response {
    Client::new().post(site.url(&format!("/v1/messages{query}"))).json(body).send().await.unwrap()
}

async fn post_bytes(site: &Site, kind: Option<&str>, body: Vec<u8>) -> Response {
    let mut request = Client::new().post(site.url("/v1/messages")).body(body);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    request.send().await.unwrap()
}

/// Status and code of a refusal that speaks both languages.
async fn refusal(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].clone();
    assert!(message["en"].as_str().is_some_and(|text| text.is_ascii() || text.contains('“')), "{body}");
    assert!(message["fa"].as_str().is_some_and(|text| text.contains(' ') && !text.is_ascii()), "{body}");
    (status, body["error"]["code"].as_str().unwrap().to_owned(), message)
}

#[tokio::test]
async fn a_message_is_taken_and_named_by_its_event() {
    let site = Site::start().await;
    let mut body = message("m-1", "سفارش ۴۵۰۰۱ کجاست؟");
    body["language"] = json!("fa");
    let response = post(&site, "", &body).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let taken: Value = response.json().await.unwrap();
    let event_id = EventId::of_message("web", "demo", "web-1/m-1").to_string();
    assert_eq!(taken, json!({"event_id": event_id, "conversation_id": "web-1"}));
    let kept = site.desk.kept();
    assert_eq!(kept.messages[0].text.expose(), "سفارش ۴۵۰۰۱ کجاست؟");
    assert_eq!(kept.messages[0].channel.as_str(), "web");
}

#[tokio::test]
async fn a_missing_or_wrongly_typed_field_is_refused_by_its_name() {
    let site = Site::start().await;
    for field in ["conversation_id", "client_message_id", "text"] {
        let mut body = message("m-1", "x");
        body.as_object_mut().unwrap().remove(field);
        let (status, code, words) = refusal(post(&site, "", &body).await).await;
        assert_eq!((status, code.as_str()), (400, "missing_field"));
        assert!(words["en"].as_str().unwrap().contains(field), "{words}");
    }
    for field in ["conversation_id", "client_message_id", "text", "language"] {
        let mut body = message("m-1", "x");
        body[field] = json!(7);
        let (status, code, words) = refusal(post(&site, "", &body).await).await;
        assert_eq!((status, code.as_str()), (400, "wrong_type"));
        assert!(words["fa"].as_str().unwrap().contains(field), "{words}");
    }
    assert!(site.desk.kept().messages.is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_in_utf8_is_refused() {
    let site = Site::start().await;
    for (body, expected) in [
        (b"".to_vec(), "not_json"),
        (b"{".to_vec(), "not_json"),
        (b"[]".to_vec(), "not_json"),
        (b"\"x\"".to_vec(), "not_json"),
        ("[".repeat(5_000).into_bytes(), "not_json"),
        (b"{\"text\":\"\xff\"}".to_vec(), "not_utf8"),
    ] {
        let (status, code, _) = refusal(post_bytes(&site, Some("application/json"), body).await).await;
        assert_eq!((status, code.as_str()), (400, expected));
    }
}

#[tokio::test]
async fn another_content_type_than_json_is_refused() {
    let site = Site::start().await;
    let body = message("m-1", "x").to_string().into_bytes();
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
    {
        let (status, code, _) = refusal(post_bytes(&site, kind, body.clone()).await).await;
        assert_eq!((status, code.as_str()), (415, "wrong_content_type"), "{kind:?}");
    }
    let taken = post_bytes(&site, Some("Application/JSON; charset=utf-8"), body).await;
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_body_or_text_over_its_limit_is_refused() {
    let site = Site::start().await;
    let (status, code, _) = refusal(post(&site, "", &message("m-1", &"x".repeat(4097))).await).await;
    assert_eq!((status, code.as_str()), (413, "text_too_large"));
    let (status, code, _) = refusal(post(&site, "", &message("m-1", &"x".repeat(70_000))).await).await;
    assert_eq!((status, code.as_str()), (413, "body_too_large"));
    assert_eq!(post(&site, "", &message("m-1", &"x".repeat(4096))).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_empty_text_a_bad_id_and_an_unknown_language_are_refused() {
    let site = Site::start().await;
    let with = |field: &str, value: &str| {
        let mut body = message("m-1", "x");
        body[field] = json!(value);
        body
    };
    for (body, expected) in [
        (with("text", " \n"), "empty_text"),
        (with("text", "a\0b"), "unreadable_text"),
        (with("conversation_id", "a/b"), "bad_id"),
        (with("conversation_id", ""), "bad_id"),
        (with("client_message_id", "a b"), "bad_id"),
        (with("client_message_id", &"x".repeat(129)), "bad_id"),
        (with("language", "de"), "unknown_language"),
    ] {
        let (status, code, _) = refusal(post(&site, "", &body).await).await;
        assert_eq!((status, code.as_str()), (422, expected), "{body}");
    }
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_are_refused_in_both_languages() {
    let site = Site::start().await;
    let unknown = reqwest::get(site.url("/v1/nothing")).await.unwrap();
    assert_eq!(refusal(unknown).await.0, 404);
    let get = reqwest::get(site.url("/v1/messages")).await.unwrap();
    assert_eq!(get.headers()["allow"], "POST");
    assert_eq!(refusal(get).await.0, 405);
    let delete = Client::new().delete(site.url("/")).send().await.unwrap();
    assert_eq!(refusal(delete).await.0, 405);
}

#[tokio::test]
async fn a_desk_that_cannot_serve_is_a_503_with_a_time_to_come_back() {
    let site = Site::start().await;
    site.desk.kept().down = true;
    let response = post(&site, "", &message("m-1", "x")).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(refusal(response).await.0, 503);
    let response = reqwest::get(site.url("/v1/conversations/web-1/replies")).await.unwrap();
    assert_eq!(refusal(response).await.0, 503);
}

#[tokio::test]
async fn a_repeated_client_message_is_the_same_event_and_no_second_turn() {
    let site = Site::start().await;
    let first: Value = post(&site, "?wait=5", &message("m-1", "answer:۱")).await.json().await.unwrap();
    let second: Value = post(&site, "?wait=60", &message("m-1", "answer:۱")).await.json().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first["replies"][0]["text"], "۱");
    assert_eq!(first["replies"][0]["language"], "fa");
    let kept = site.desk.kept();
    assert_eq!((kept.messages.len(), kept.calls), (1, 2));
}

#[tokio::test]
async fn waiting_ends_with_the_reply_of_this_turn_and_no_other() {
    let site = Site::start().await;
    let other = EventId::of_message("web", "demo", "web-1/other");
    for number in 0..250 {
        site.desk.reply("web-1", other, &number.to_string());
    }
    let mine = EventId::of_message("web", "demo", "web-1/m-1");
    let body = message("m-1", "x");
    let (response, ()) = tokio::join!(post(&site, "?wait=30", &body), async {
        while site.desk.kept().messages.is_empty() {
            tokio::task::yield_now().await;
        }
        site.desk.reply("web-1", other, "not this one");
        site.desk.reply("web-1", mine, "سلام\nخط دوم");
    });
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["replies"].as_array().unwrap().len(), 1);
    assert_eq!(answer["replies"][0]["text"], "سلام\nخط دوم");
}

#[tokio::test]
async fn a_wait_without_a_reply_ends_empty_when_its_time_is_over() {
    let site = Site::start().await;
    let began = Instant::now();
    let answer: Value = post(&site, "?wait=1", &message("m-1", "x")).await.json().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(answer["replies"], json!([]));
}

#[tokio::test]
async fn a_wait_out_of_range_is_refused_before_anything_is_published() {
    let site = Site::with(WebConfig { wait_max: Duration::from_secs(10), ..config() }).await;
    for wait in ["0", "11", "-1", "1.5", "soon", "", "99999999999999999999"] {
        let refused = post(&site, &format!("?wait={wait}"), &message("m-1", "x")).await;
        let (status, code, words) = refusal(refused).await;
        assert_eq!((status, code.as_str()), (400, "bad_parameter"), "{wait}");
        assert!(words["en"].as_str().unwrap().contains("wait"));
    }
    assert!(site.desk.kept().messages.is_empty());
}

#[tokio::test]
async fn a_stop_ends_a_waiting_request_with_what_is_known() {
    let site = Site::start().await;
    let body = message("m-1", "x");
    let (response, ()) = tokio::join!(post(&site, "?wait=60", &body), async {
        while site.desk.kept().messages.is_empty() {
            tokio::task::yield_now().await;
        }
        site.stop.cancel();
    });
    assert_eq!(response.status(), StatusCode::OK);
    site.server.await.unwrap();
}

#[tokio::test]
async fn replies_are_read_page_by_page_after_a_cursor() {
    let site = Site::start().await;
    let turn = EventId::of_message("web", "demo", "web-1/m-1");
    for number in 1..=130 {
        site.desk.reply("web-1", turn, &number.to_string());
    }
    let read = async |after: i64| -> Value {
        let url = site.url(&format!("/v1/conversations/web-1/replies?after={after}"));
        reqwest::get(url).await.unwrap().json().await.unwrap()
    };
    let first = read(0).await;
    assert_eq!(first["replies"].as_array().unwrap().len(), 100);
    assert_eq!(first["cursor"], 100);
    let second = read(100).await;
    assert_eq!(second["replies"].as_array().unwrap().len(), 30);
    assert_eq!(second["replies"][0]["text"], "101");
    assert_eq!(second["replies"][0]["turn_id"], turn.to_string());
    assert_eq!(read(130).await, json!({"replies": [], "cursor": 130}));
}

#[tokio::test]
async fn a_bad_cursor_or_conversation_is_refused() {
    let site = Site::start().await;
    for (path, status) in [
        ("/v1/conversations/web-1/replies?after=-1", 400),
        ("/v1/conversations/web-1/replies?after=x", 400),
        ("/v1/conversations/a%20b/replies", 422),
        ("/v1/conversations/%ff/replies", 422),
    ] {
        assert_eq!(refusal(reqwest::get(site.url(path)).await.unwrap()).await.0, status, "{path}");
    }
}
