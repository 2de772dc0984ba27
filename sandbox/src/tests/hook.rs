//! The hook: `plain` sends whatever comes, `keyed` once a key, and each refusal and fault in the hook's own form.

use super::*;
use serde_json::json;
use tokio::task::JoinHandle;

const PLAIN: &str = "/hook/plain";
const KEYED: &str = "/hook/keyed";
const TOKEN: &str = "token-of-peyvand";

fn message(key: &str) -> Value {
    json!({
        "key": key, "operation": "callback.request", "tracking": "K7M2", "language": "fa",
        "slots": {"phone_number": "09120000000", "description": "«فوری» زنگ بزنید"}
    })
}

fn post(world: &World, path: &str, body: &Value) -> RequestBuilder {
    world.with_token(Method::POST, path, TOKEN).json(body)
}

fn keyed(world: &World, key: &str, body: &Value) -> RequestBuilder {
    post(world, KEYED, body).header("idempotency-key", key)
}

async fn id(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The status of a refusal, which must be a problem that says the same.
async fn refused(request: RequestBuilder) -> u16 {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    status
}

fn line(id: &str, key: &str) -> Value {
    json!({"system": "hook", "number": id, "reference": key})
}

#[tokio::test]
async fn the_plain_hook_sends_a_message_each_time_it_is_asked() {
    let notes = Notes::new();
    let world = notes.world().await;
    assert_eq!(id(post(&world, PLAIN, &message("k"))).await, "msg-1");
    let with_key = post(&world, PLAIN, &message("k")).header("idempotency-key", "k");
    assert_eq!(id(with_key).await, "msg-2", "it knows no such header");
    assert_eq!(notes.lines(), [line("msg-1", "k"), line("msg-2", "k")]);
}

#[tokio::test]
async fn the_keyed_hook_sends_one_message_a_key() {
    let notes = Notes::new();
    let world = notes.world().await;
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    assert_eq!(id(keyed(&world, "\"k\"", &message("k"))).await, "msg-1", "the draft's form of the same key");
    assert_eq!(id(keyed(&world, "other", &message("k"))).await, "msg-2");
    assert_eq!(notes.lines(), [line("msg-1", "k"), line("msg-2", "k")]);
}

#[tokio::test]
async fn a_key_belongs_to_the_body_it_came_with() {
    let notes = Notes::new();
    let world = notes.world().await;
    assert_eq!(refused(post(&world, KEYED, &message("k"))).await, 400, "no key at all");
    for no_key in ["", "\"\"", "two words", &"k".repeat(256)] {
        assert_eq!(refused(keyed(&world, no_key, &message("k"))).await, 400);
    }
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    assert_eq!(refused(keyed(&world, "k", &message("another"))).await, 422);
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    assert_eq!(notes.lines().len(), 1);
}

/// A keyed request that a fault holds back, already at work.
async fn held(world: &World, delay_ms: u64) -> JoinHandle<reqwest::Result<Response>> {
    world.fault(Fault { delay_ms, count: Some(1), ..fault(KEYED) });
    let sent = tokio::spawn(keyed(world, "k", &message("k")).send());
    while world.sandbox.app.faults().list()[0].hits == 0 {
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test]
async fn a_key_at_work_is_a_conflict_and_holds_nobody_else() {
    let notes = Notes::new();
    let world = notes.world().await;
    let first = held(&world, 60_000).await;
    assert_eq!(refused(keyed(&world, "k", &message("k"))).await, 409);
    assert_eq!(refused(keyed(&world, "k", &message("another"))).await, 422);
    assert_eq!(id(keyed(&world, "free", &message("free"))).await, "msg-1");
    assert!(!first.is_finished());
    assert_eq!(notes.lines(), [line("msg-1", "free")]);
}

#[tokio::test]
async fn a_key_that_was_at_work_is_answered_when_the_first_request_is() {
    let notes = Notes::new();
    let world = notes.world().await;
    let first = held(&world, 200).await.await.unwrap().unwrap();
    assert_eq!(first.json::<Value>().await.unwrap()["id"], "msg-1");
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    assert_eq!(notes.lines(), [line("msg-1", "k")]);
}

#[tokio::test]
async fn only_a_message_that_went_out_uses_its_key_up() {
    let notes = Notes::new();
    let world = notes.world().await;
    world.fault(Fault { drop: true, count: Some(1), ..fault(KEYED) });
    assert!(keyed(&world, "k", &message("k")).send().await.is_err());
    world.fault(Fault { status: Some(503), count: Some(1), ..fault(KEYED) });
    assert_eq!(refused(keyed(&world, "k", &message("k"))).await, 503);
    assert_eq!(notes.lines(), [] as [Value; 0]);
    world.fault(Fault { drop_after_commit: true, count: Some(1), ..fault(KEYED) });
    assert!(keyed(&world, "k", &message("k")).send().await.is_err());
    assert_eq!(notes.lines(), [line("msg-1", "k")]);
    assert_eq!(id(keyed(&world, "k", &message("k"))).await, "msg-1");
    world.fault(Fault { drop_after_commit: true, count: Some(1), ..fault(PLAIN) });
    assert!(post(&world, PLAIN, &message("p")).send().await.is_err());
    assert_eq!(id(post(&world, PLAIN, &message("p"))).await, "msg-3", "a repeat goes out twice");
    assert_eq!(notes.lines().len(), 3);
}

#[tokio::test]
async fn without_the_right_token_nothing_goes_out() {
    let notes = Notes::new();
    let world = notes.world().await;
    for path in [PLAIN, KEYED, "/hook/none"] {
        for token in ["", "wrong", "token-of-peyvanD", "token-of-peyvand2"] {
            let request = world.with_token(Method::POST, path, token).json(&message("k"));
            assert_eq!(refused(request.header("idempotency-key", "k")).await, 401);
        }
        assert_eq!(world.request(Method::POST, path).json(&message("k")).send().await.unwrap().status(), 401);
    }
    assert_eq!(notes.lines(), [] as [Value; 0]);
    assert_eq!(refused(post(&world, "/hook/none", &message("k"))).await, 404);
    for path in [PLAIN, KEYED] {
        assert_eq!(refused(world.with_token(Method::GET, path, TOKEN)).await, 405);
    }
}

#[tokio::test]
async fn a_body_that_is_no_such_message_is_refused() {
    let notes = Notes::new();
    let world = notes.world().await;
    let mut wrong = vec![json!([]), json!("text"), json!({})];
    for name in ["key", "operation", "tracking", "language", "slots"] {
        let mut without = message("k");
        without.as_object_mut().unwrap().remove(name);
        wrong.push(without);
        let mut other_kind = message("k");
        other_kind[name] = json!(7);
        wrong.push(other_kind);
    }
    for body in &wrong {
        assert_eq!(refused(post(&world, PLAIN, body)).await, 400, "{body}");
        assert_eq!(refused(keyed(&world, "k", body)).await, 400, "{body}");
    }
    for broken in ["", "{", "key=k"] {
        let request = world.with_token(Method::POST, PLAIN, TOKEN).body(broken);
        assert_eq!(refused(request).await, 400);
    }
    let mut huge = message("k");
    huge["slots"]["description"] = json!("x".repeat(70_000));
    assert_eq!(refused(post(&world, PLAIN, &huge)).await, 413);
    assert_eq!(notes.lines(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_failure_of_a_fault_has_the_hooks_form_and_is_in_the_ledger() {
    let world = World::new().await;
    for status in [429, 500, 503] {
        let retry_after = Some("7".to_owned());
        world.fault(Fault { status: Some(status), retry_after, ..fault("/hook/") });
        assert_eq!(refused(post(&world, PLAIN, &message("k"))).await, status);
    }
    let seen = world.sandbox.requests();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|one| one.path == PLAIN && one.fault));
}
