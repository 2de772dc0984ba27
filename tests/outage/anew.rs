//! A topic is deleted and made anew while a worker reads it, or while none does: what is in it then is worked on once, whatever
//! is remembered of the records that had these offsets before.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use peyvand::topics;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};
use sqlx::{Connection, PgConnection};

use crate::{
    away::Away,
    crash::{DEAD, shown},
    letters::{decided, delete},
    process::{ready, server},
    scene::{Scene, conversation, until},
};

const PATIENCE: Duration = Duration::from_secs(90);

fn conversations(many: usize) -> HashSet<String> {
    (0..many).map(|_| conversation()).collect()
}

async fn send(scene: &Scene, conversations: &HashSet<String>) {
    scene.send(conversations.iter().map(|talk| scene.message(talk, "hello")).collect()).await;
}

/// How often each of these was worked on, as the database counts it: a repeat of a decision has the same id and tells nothing.
async fn rounds(scene: &Scene, conversations: &HashSet<String>) -> BTreeSet<i64> {
    let mut database = PgConnection::connect(&scene.settings.0["PEYVAND_DATABASE_URL"]).await.unwrap();
    let ids: Vec<&str> = conversations.iter().map(String::as_str).collect();
    let query = "SELECT version FROM conversation WHERE consumer_group = 'intent-classifier' AND conversation_id = ANY ($1)";
    let all: Vec<i64> = sqlx::query_scalar(query).bind(ids).fetch_all(&mut database).await.unwrap();
    assert_eq!(all.len(), conversations.len());
    all.into_iter().collect()
}

/// Whether the broker has a topic with nothing in it.
async fn is_empty(topic: &'static str) -> bool {
    let ask = move || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"));
        let onlooker: BaseConsumer = config.create().unwrap();
        let Ok(found) = onlooker.fetch_metadata(Some(topic), PATIENCE) else { return false };
        let partitions = found.topics().iter().flat_map(|topic| topic.partitions());
        let ends: Result<Vec<i64>, _> = partitions
            .map(|one| onlooker.fetch_watermarks(topic, one.id(), PATIENCE).map(|(_, end)| end))
            .collect();
        ends.is_ok_and(|ends| !ends.is_empty() && ends.iter().all(|end| *end == 0))
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

async fn is_worked_on_once(is_reading: bool) {
    let mut scene = Scene::open("http://127.0.0.1:1", &[]).await;
    // The partitions' epochs go up with each new leader, and begin anew with the topic: old ones look newer then.
    Away::kill("kafka").await.end().await;
    let worker = scene.settings.spawn("intent-classifier", None);
    ready(&worker, "intent-classifier").await;
    let before = conversations(40);
    send(&scene, &before).await;
    until("the decisions", PATIENCE, async || decided(&before).await == before).await;
    let reading = if is_reading {
        Some(worker)
    } else {
        // Without farewell: the records of before are remembered.
        worker.kill();
        None
    };
    delete(topics::MESSAGE_RECEIVED).await;
    let (fine, said) = scene.settings.peyvand(&["topics", "create"]);
    assert!(fine, "{said}");
    // The broker learns of both a moment later than whoever asked for them, and takes records into the old one until then.
    until("the new topic", PATIENCE, async || is_empty(topics::MESSAGE_RECEIVED).await).await;
    scene.know_topics_anew();
    // More than before, so that each old offset is one of these too.
    let after = conversations(120);
    send(&scene, &after).await;
    let worker = reading.unwrap_or_else(|| scene.settings.spawn("intent-classifier", None));
    until("the new decisions", PATIENCE, async || decided(&after).await == after).await;
    assert_eq!(rounds(&scene, &after).await, BTreeSet::from([1]));
    assert_eq!(shown(DEAD, after).await.len(), 0, "an innocent became a dead letter");
    ready(&worker, "intent-classifier").await;
    let behind = async || scene.behind("intent-classifier", topics::MESSAGE_RECEIVED).await;
    until("the end of the lag", PATIENCE, async || behind().await == 0).await;
    worker.stop();
}

/// Left out of the tests of every change: see `tests/run --help`.
mod nightly {
    use super::*;

    #[tokio::test]
    async fn what_is_in_a_topic_that_is_made_anew_under_its_worker_is_worked_on_once() {
        is_worked_on_once(true).await;
    }

    #[tokio::test]
    async fn what_is_in_a_topic_that_was_made_anew_after_its_worker_was_killed_is_worked_on_once() {
        is_worked_on_once(false).await;
    }
}
