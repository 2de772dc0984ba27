use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::json;

use super::{
    Pulses, Watch,
    tests::{classes, dead, message, message_of, next, no_more, stage},
};
use crate::{
    bus::{NewRecord, Topic},
    codec::{self, Registry, RegistryConfig, Schemas},
    topics,
};

/// How a registry was asked for schemas: how often, and at most how often at once.
#[derive(Default)]
struct Asked {
    times: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Asked {
    fn times(&self) -> usize {
        self.times.load(Ordering::SeqCst)
    }
}

/// A registry that has every schema of this version under the ids 1 to 5, and MessageReceived also as 77, which it can
/// only give after it has answered so.
async fn registry_that_first_answers(first: &'static [(u16, &'static str)]) -> (Registry, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let counted = Arc::clone(&asked);
    let by_subject = async |Path(subject): Path<String>| {
        let id = codec::newest().position(|one| one.subject() == subject).unwrap() + 1;
        Json(json!({"subject": subject, "id": id, "version": 1}))
    };
    let by_id = move |Path(id): Path<u32>| {
        let asked = Arc::clone(&counted);
        async move {
            let before = asked.times.fetch_add(1, Ordering::SeqCst);
            asked.most.fetch_max(asked.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Time enough for another to be asked beside it, if anybody did.
            tokio::time::sleep(Duration::from_millis(2)).await;
            asked.open.fetch_sub(1, Ordering::SeqCst);
            let schema = json!({"schema": codec::RELEASED[0].text}).to_string();
            match (id, first.get(before)) {
                (77, Some((status, body))) => (StatusCode::from_u16(*status).unwrap(), (*body).to_owned()),
                (77, None) => (StatusCode::OK, schema),
                _ => (StatusCode::NOT_FOUND, String::new()),
            }
        }
    };
    let router =
        Router::new().route("/subjects/{subject}", post(by_subject)).route("/schemas/ids/{id}", get(by_id));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap(), asked)
}

/// A record that says it was written with this schema.
fn under_id(id: u32, record: NewRecord) -> NewRecord {
    let mut value = record.value.clone().unwrap();
    value[1..5].copy_from_slice(&id.to_be_bytes());
    NewRecord { value: Some(value), ..record }
}

#[tokio::test]
async fn a_record_waits_for_a_registry_that_is_away_and_an_unknown_schema_is_asked_for_once() {
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(&[(503, ""), (503, "")]).await;
    let schemas =
        Schemas::from_registry(registry).await.unwrap().asking_again_after(Duration::from_millis(20));
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    stage.send(under_id(77, message("1", "hi"))).await;
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    assert_eq!(asked.times(), 3, "twice in vain, then learned");
    let mut letters = stage.watch(dead());
    for id in ["2", "3"] {
        stage.send(under_id(78, message(id, "hi"))).await;
        assert_eq!(next(&mut letters).await.headers.text("x-error-class"), Some("unknown_schema"));
    }
    assert_eq!(asked.times(), 6, "three times, and then it is kept in mind for a while");
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_schema_that_the_registry_hears_of_too_late_costs_no_letter_and_nobody_waits_but_its_records() {
    const PAUSE: Duration = Duration::from_secs(5);
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(&[(404, "{\"error_code\": 40403}"), (404, "")]).await;
    let schemas = Schemas::from_registry(registry).await.unwrap().asking_again_after(PAUSE);
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    let (mut letters, mut answers) = (stage.watch(dead()), stage.watch(Topic::new(topics::DELIVERY_UPDATED)));
    let began = Instant::now();
    for n in 0..10 {
        stage.send(under_id(77, message_of(&format!("late-{n}"), &n.to_string(), "hi"))).await;
    }
    let known = codec::newest().position(|one| one.topic == topics::MESSAGE_RECEIVED).unwrap() + 1;
    stage.send(under_id(u32::try_from(known).unwrap(), message_of("other", "known", "hi"))).await;
    let first = next(&mut answers).await;
    assert_eq!(first.key.as_deref(), Some(&b"other"[..]));
    assert!(began.elapsed() < 2 * PAUSE, "the others waited too");
    for _ in 0..10 {
        next(&mut answers).await;
    }
    assert!(began.elapsed() >= 2 * PAUSE);
    assert_eq!(asked.times(), 3, "for all of its records together");
    no_more(&mut letters).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_registry_that_answers_anything_but_no_costs_no_letter_and_heals_by_itself() {
    const ODD: &[(u16, &str)] = &[
        (401, "{\"error_code\": 401, \"message\": \"who are you\"}"),
        (429, ""),
        (500, "{\"error_code\": 50001, \"message\": \"no store\"}"),
        (200, "{\"schema\": "),
        (200, "<html>sign in</html>"),
        (200, "{\"id\": 77}"),
    ];
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(ODD).await;
    let schemas = Schemas::from_registry(registry).await.unwrap();
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    let (mut letters, mut answers) = (stage.watch(dead()), stage.watch(Topic::new(topics::DELIVERY_UPDATED)));
    for id in ["1", "2"] {
        stage.send(under_id(77, message(id, "hi"))).await;
    }
    for _ in 0..2 {
        next(&mut answers).await;
    }
    assert_eq!(asked.times(), ODD.len() + 1, "each answer once, and then it is known");
    no_more(&mut letters).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_flood_of_invented_schemas_is_waited_for_by_few_and_the_next_is_served() {
    const MANY: u32 = 200;
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(&[]).await;
    let schemas = Schemas::from_registry(registry).await.unwrap();
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    let mut letters = stage.watch(dead());
    for n in 0..MANY {
        for round in 0..2 {
            let record = message_of(&n.to_string(), &format!("{round}-{n}"), "hi");
            stage.send(under_id(1000 + n, record)).await;
        }
    }
    let many = usize::try_from(MANY).unwrap();
    assert_eq!(classes(&mut letters, 2 * many).await, vec!["unknown_schema"; 2 * many]);
    // Two more times for each of those that found a place among the sixteen in doubt.
    let times = asked.times();
    assert!((many + 2 * 16..2 * many).contains(&times), "{times} questions");
    assert_eq!(asked.most.load(Ordering::SeqCst), 1, "one after the other");
    stage.send(under_id(77, message("last", "hi"))).await;
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}
