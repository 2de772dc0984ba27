//! SIGKILL while a conversation is parked, while it is resumed and while it is handed back to its lane.

use std::time::{Duration, Instant};

use peyvand::event::{Operation, OperationStatus};
use serde_json::Value;

use crate::{
    judge::judge,
    process::{Worker, ready},
    scene::{Scene, WRITES},
};

const PATIENCE: Duration = Duration::from_secs(180);

/// A connector that panics at this conversation; `failpoint` is where it ends itself.
fn panicking(scene: &Scene, conversation: &str, failpoint: Option<&str>) -> Worker {
    let panics = [("PEYVAND_TEST_PANIC", conversation)];
    scene
        .begin_with("connector", panics.into_iter().chain(failpoint.map(|at| ("PEYVAND_TEST_FAILPOINT", at))))
}

async fn until_ended(worker: &mut Worker, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !worker.has_ended() {
        assert!(Instant::now() < until, "nobody was killed at {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many records of the conversation wait for a person.
fn held(scene: &Scene, conversation: &str) -> u64 {
    let (fine, said) = scene.peyvand(&["parked", "list", "--json"]);
    assert!(fine, "{said}");
    let all = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut own = all.filter(|one| one["conversation"] == conversation && one["held"] == true);
    own.next().map_or(0, |one| one["records"].as_u64().unwrap())
}

async fn until_held(scene: &Scene, conversation: &str, records: u64) {
    let until = Instant::now() + PATIENCE;
    while held(scene, conversation) != records {
        assert!(Instant::now() < until, "{} of {records} records wait", held(scene, conversation));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_conversation_goes_on_in_order_whoever_is_killed_on_its_way() {
    let mut scene = Scene::open().await;
    let (first, _) = scene.caught_up_connector().await;
    first.stop();
    let (talk, other) = (Scene::conversation(), Scene::conversation());
    for operation in [WRITES[0], WRITES[0], WRITES[1], WRITES[0]] {
        let _turn = scene.ask_for(&talk, operation).await;
    }
    let mut killed = panicking(&scene, &talk, Some("park.kept"));
    until_ended(&mut killed, "park.kept").await;
    let connector = panicking(&scene, &talk, None);
    ready(&connector, "connector").await;
    until_held(&scene, &talk, 4).await;
    let before = scene.done();
    let _turn = scene.ask_for(&other, Operation::SalesOrderCreate).await;
    scene.told(OperationStatus::Done, before + 1).await;
    connector.stop();
    // The fault is mended, and the next ones are killed while they make good for it.
    let (fine, said) =
        scene.peyvand(&["parked", "resume", "connector", &talk, "--by", "sara", "--why", "mended"]);
    assert!(fine && said.contains("parked.resume is noted"), "{said}");
    for place in ["park.worked", "park.settled"] {
        let mut killed = scene.begin_connector(Some(place));
        until_ended(&mut killed, place).await;
    }
    let connector = scene.connector(None).await;
    let _turn = scene.ask_for(&talk, Operation::SalesOrderCreate).await;
    scene.all_done().await;
    let (_, list) = scene.peyvand(&["parked", "list"]);
    assert!(list.contains("0 conversations wait."), "{list}");
    connector.stop();
    let verdict = judge(&scene);
    println!("{verdict:?}");
    assert!(verdict.is_clean(), "{verdict:?}");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_record_that_kills_is_held_after_three_ends_and_the_others_are_done() {
    let mut scene = Scene::open().await;
    let (first, _) = scene.caught_up_connector().await;
    first.stop();
    let (talk, other) = (Scene::conversation(), Scene::conversation());
    let _turn = scene.ask_for(&talk, Operation::SalesOrderCreate).await;
    let connector = panicking(&scene, &talk, None);
    ready(&connector, "connector").await;
    until_held(&scene, &talk, 1).await;
    connector.stop();
    let resume = || {
        let (fine, said) =
            scene.peyvand(&["parked", "resume", "connector", &talk, "--by", "sara", "--why", "mended"]);
        assert!(fine, "{said}");
    };
    resume();
    let kills = format!("park.begun={talk}");
    for _ in 0..3 {
        let mut killed = scene.begin_connector(Some(&kills));
        until_ended(&mut killed, &kills).await;
    }
    let connector = scene.begin_connector(Some(&kills));
    until_held(&scene, &talk, 1).await;
    let (_, list) = scene.peyvand(&["parked", "list"]);
    assert!(list.contains("crash_loop"), "{list}");
    connector.kill();
    resume();
    let connector = scene.connector(None).await;
    let _turn = scene.ask_for(&other, Operation::SalesOrderCreate).await;
    scene.all_done().await;
    connector.stop();
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?}");
    scene.close().await;
}
