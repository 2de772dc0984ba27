//! A record that kills its process, with others around it that do not.

use std::{collections::HashSet, time::Duration};

use peyvand::topics;

use crate::{
    kcat,
    process::ready,
    scene::{Scene, conversation, until},
};

pub(crate) const DEAD: &str = "chat.message.received.intent-classifier.dlq";

/// The first end finds nobody careful; three more convict the record.
const ENDS_MAX: usize = 4;

pub(crate) async fn shown(topic: &'static str, keys: HashSet<String>) -> Vec<kcat::Shown> {
    tokio::task::spawn_blocking(move || kcat::all(topic, |shown| keys.contains(&shown.key))).await.unwrap()
}

/// Restarts the classifier until a record has had its last victim; gives how many it had.
async fn ends(scene: &Scene, poison: &str, keys: &HashSet<String>) -> usize {
    let armed = format!("record.begun={poison}");
    for ends in 0..=ENDS_MAX {
        let mut worker =
            scene.settings.spawn("intent-classifier", Some(("PEYVAND_TEST_FAILPOINT", armed.as_str())));
        let mut ended = false;
        until("an end of the process or a letter", Duration::from_secs(60), async || {
            ended = worker.has_ended();
            ended || !shown(DEAD, keys.clone()).await.is_empty()
        })
        .await;
        if !ended {
            until("the decisions", Duration::from_secs(30), async || {
                // One that was killed after it was published is there twice.
                let decided = shown(topics::TURN_DECIDED, keys.clone()).await;
                decided.iter().map(|one| &one.key).collect::<HashSet<_>>().len() >= keys.len() - 1
            })
            .await;
            ready(&worker, "intent-classifier").await;
            worker.stop();
            return ends;
        }
    }
    panic!("the record goes on killing");
}

async fn convicts_only_the_killer(more: &[(&str, String)]) {
    let scene = Scene::open("http://127.0.0.1:1", more).await;
    let poison = conversation();
    let innocent: Vec<String> = (0..40).map(|_| conversation()).collect();
    let mut messages: Vec<_> = innocent.iter().map(|talk| scene.message(talk, "hello")).collect();
    messages.insert(20, scene.message(&poison, "hello"));
    scene.send(messages).await;
    let keys: HashSet<String> = innocent.iter().chain([&poison]).cloned().collect();
    let ends = ends(&scene, &poison, &keys).await;
    assert!((3..=ENDS_MAX).contains(&ends), "{ends} processes ended at it");
    let letters = shown(DEAD, keys.clone()).await;
    assert_eq!(letters.iter().map(|letter| &letter.key).collect::<Vec<_>>(), [&poison]);
    assert!(letters[0].headers.contains("x-error-class=crash_loop"), "{}", letters[0].headers);
    assert!(!letters[0].value.is_empty(), "its bytes are kept");
    let decided = shown(topics::TURN_DECIDED, keys).await;
    let once: HashSet<&String> = decided.iter().map(|one| &one.key).collect();
    assert_eq!(once, innocent.iter().collect());
}

#[tokio::test]
async fn a_record_that_kills_its_process_under_one_name_is_convicted_alone() {
    convicts_only_the_killer(&[("PEYVAND_KAFKA_GROUP_INSTANCE_ID", conversation())]).await;
}

#[tokio::test]
async fn a_record_that_kills_one_process_after_the_other_is_convicted_alone() {
    convicts_only_the_killer(&[]).await;
}
