//! What a process says about itself while a server is away.

use std::time::Duration;

use serde_json::Value;

use crate::{
    away::Away,
    process::{Worker, ready},
    scene::{Scene, conversation, until},
};

pub(crate) async fn asked(worker: &Worker, path: &str) -> (u16, Value) {
    let answer = reqwest::get(format!("{}{path}", worker.health)).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) async fn measured(worker: &Worker, name: &str) -> Option<f64> {
    let text = reqwest::get(format!("{}/metrics", worker.health)).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn a_worker_without_kafka_is_alive_and_not_ready_until_it_is_back() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let worker = scene.settings.spawn("intent-classifier", None);
    ready(&worker, "intent-classifier").await;
    scene.send(vec![scene.message(&conversation(), "hello")]).await;
    until("the lag", Duration::from_secs(60), async || measured(&worker, "peyvand_lag{").await.is_some())
        .await;
    assert!(measured(&worker, "peyvand_open_records{").await.is_some());
    let away = Away::kill("kafka").await;
    until("the news", Duration::from_secs(30), async || asked(&worker, "/health/ready").await.0 == 503).await;
    // Long enough for the statistics to say it too.
    until("the silence", Duration::from_secs(60), async || {
        measured(&worker, "peyvand_last_contact_seconds").await.is_some_and(|ago| ago > 30.0)
    })
    .await;
    assert_eq!(asked(&worker, "/health/ready").await.1["for"], "kafka");
    assert_eq!(asked(&worker, "/health/live").await.0, 200, "a new start would not bring Kafka back");
    away.end().await;
    ready(&worker, "intent-classifier").await;
    until("contact", Duration::from_secs(60), async || {
        measured(&worker, "peyvand_last_contact_seconds").await.is_some_and(|ago| ago < 20.0)
    })
    .await;
    worker.stop();
}

#[tokio::test]
async fn a_worker_without_its_database_is_alive_and_not_ready_until_it_is_back() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let worker = scene.settings.spawn("reply", None);
    ready(&worker, "reply").await;
    let away = Away::kill("postgres").await;
    until("the news", Duration::from_secs(30), async || {
        asked(&worker, "/health/ready").await.1["for"] == "database"
    })
    .await;
    assert_eq!(asked(&worker, "/health/live").await.0, 200);
    away.end().await;
    ready(&worker, "reply").await;
    worker.stop();
}
