//! A topic is deleted and made anew while a worker reads it, or while none does: what is in it then is worked on once, whatever
//! is remembered of the records that had these offsets before.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use peyvand::topics;

use crate::{
    crash::{DEAD, shown},
    letters::{decided, delete},
    process::ready,
    scene::{Scene, conversation, until},
};

const PATIENCE: Duration = Duration::from_secs(90);

fn conversations(many: usize) -> HashSet<String> {
    (0..many).map(|_| conversation()).collect()
}

async fn send(scene: &Scene, conversations: &HashSet<String>) {
    scene.send(conversations.iter().map(|talk| scene.message(talk, "hello")).collect()).await;
}

/// How many decisions each of these has; one that came to the log twice counts once.
async fn decisions(conversations: &HashSet<String>) -> BTreeMap<String, usize> {
    let mut ids: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for one in shown(topics::TURN_DECIDED, conversations.clone()).await {
        let id = one.headers.split(',').find(|header| header.starts_with("event-id=")).unwrap();
        ids.entry(one.key).or_default().insert(id.to_owned());
    }
    ids.into_iter().map(|(key, ids)| (key, ids.len())).collect()
}

async fn is_worked_on_once(is_reading: bool) {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
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
    // More than before, so that each old offset is one of these too.
    let after = conversations(120);
    send(&scene, &after).await;
    // What the topic of before took in its last moment is gone with it.
    let after = shown(topics::MESSAGE_RECEIVED, after).await.into_iter().map(|one| one.key);
    let after: HashSet<String> = after.collect();
    assert!(after.len() > before.len(), "{} records are too few to have the old offsets", after.len());
    let worker = reading.unwrap_or_else(|| scene.settings.spawn("intent-classifier", None));
    until("the new decisions", PATIENCE, async || decided(&after).await == after).await;
    assert!(decisions(&after).await.values().all(|many| *many == 1));
    assert_eq!(shown(DEAD, after).await.len(), 0, "an innocent became a dead letter");
    ready(&worker, "intent-classifier").await;
    let behind = async || scene.behind("intent-classifier", topics::MESSAGE_RECEIVED).await;
    until("the end of the lag", PATIENCE, async || behind().await == 0).await;
    worker.stop();
}

#[tokio::test]
async fn what_is_in_a_topic_that_is_made_anew_under_its_worker_is_worked_on_once() {
    is_worked_on_once(true).await;
}

#[tokio::test]
async fn what_is_in_a_topic_that_was_made_anew_after_its_worker_was_killed_is_worked_on_once() {
    is_worked_on_once(false).await;
}
