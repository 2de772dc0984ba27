//! Dead letters that cannot be written, and a process that ends while it writes one.

use std::{collections::HashSet, time::Duration};

use peyvand::{bus::NewRecord, event::EventId, topics};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

use crate::{
    crash::{DEAD, shown},
    health::asked,
    process::{ready, server},
    scene::{Scene, conversation, until},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A message that nobody can read.
pub(crate) fn broken(scene: &Scene, conversation: &str) -> (NewRecord, EventId) {
    let (mut record, id) = scene.message_and_id(conversation, "hello");
    record.value.as_mut().unwrap().truncate(6);
    (record, id)
}

/// The headers of each letter of a conversation.
async fn letters(conversation: &str) -> Vec<String> {
    let letters = shown(DEAD, HashSet::from([conversation.to_owned()])).await;
    letters.into_iter().map(|letter| letter.headers).collect()
}

pub(crate) async fn decided(conversations: &HashSet<String>) -> HashSet<String> {
    shown(topics::TURN_DECIDED, conversations.clone()).await.into_iter().map(|one| one.key).collect()
}

/// Kills the process at a place, at which the letter is written already or not, and starts it again.
async fn killed_at(place: &str, written: usize) {
    let scene =
        Scene::open("http://127.0.0.1:1", &[("PEYVAND_KAFKA_GROUP_INSTANCE_ID", conversation())]).await;
    let poison = conversation();
    let neighbours: HashSet<String> = (0..20).map(|_| conversation()).collect();
    let (record, id) = broken(&scene, &poison);
    let mut records: Vec<_> = neighbours.iter().map(|talk| scene.message(talk, "hello")).collect();
    records.insert(10, record);
    let mut worker = scene.settings.spawn("intent-classifier", Some(("PEYVAND_TEST_FAILPOINT", place)));
    scene.send(records).await;
    until("the end of the process", PATIENCE, async || worker.has_ended()).await;
    assert_eq!(letters(&poison).await.len(), written);
    let worker = scene.settings.spawn("intent-classifier", None);
    until("the letter", PATIENCE, async || letters(&poison).await.len() > written).await;
    until("the neighbours", PATIENCE, async || decided(&neighbours).await == neighbours).await;
    ready(&worker, "intent-classifier").await;
    worker.stop();
    let id = format!("x-event-id={id}");
    let all = letters(&poison).await;
    assert!(all.iter().all(|headers| headers.contains(&id)), "{id} {all:?}");
}

#[tokio::test]
async fn a_process_that_ends_before_it_writes_a_letter_writes_it_after_its_next_start() {
    killed_at("letter.made", 0).await;
}

#[tokio::test]
async fn a_process_that_ends_after_it_wrote_a_letter_writes_it_again_under_the_same_id() {
    killed_at("letter.sent", 1).await;
}

pub(crate) async fn delete(topic: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"));
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    admin.delete_topics(&[topic], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    // What is written before the brokers have carried it out goes with the topic.
    until("the topic's end", PATIENCE, async || {
        let seen = admin.inner().fetch_metadata(None, PATIENCE).unwrap();
        seen.topics().iter().all(|one| one.name() != topic)
    })
    .await;
}

#[tokio::test]
async fn a_worker_whose_letters_have_no_topic_says_so_loses_nothing_and_goes_on_when_it_is_there() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let worker = scene.settings.spawn("intent-classifier", None);
    ready(&worker, "intent-classifier").await;
    delete(DEAD).await;
    let (poison, innocent) = (conversation(), conversation());
    scene.send(vec![broken(&scene, &poison).0, scene.message(&innocent, "hello")]).await;
    let neighbours = HashSet::from([innocent]);
    until("the neighbour", PATIENCE, async || decided(&neighbours).await == neighbours).await;
    until("the news", PATIENCE, async || asked(&worker, "/health/ready").await.1["for"] == "topic").await;
    let why = asked(&worker, "/health/ready").await.1["why"].to_string();
    assert!(why.contains(DEAD) && why.contains("peyvand topics create"), "{why}");
    assert!(worker.log().contains(&format!("topic {DEAD} does not exist")));
    assert_eq!(asked(&worker, "/health/live").await.0, 200, "a new start would not bring the topic back");
    let (fine, said) = scene.settings.peyvand(&["topics", "create"]);
    assert!(fine, "{said}");
    until("the letter", PATIENCE, async || letters(&poison).await.len() == 1).await;
    ready(&worker, "intent-classifier").await;
    worker.stop();
}
