//! SIGKILL at each named place on the way of a write.

use std::time::{Duration, Instant};

use crate::{judge::judge, process::Worker, scene::Scene};

/// Connectors that are armed at the same time: with the witness as many as there are partitions, so that each has work.
const AT_ONCE: usize = 5;

/// Every place on the way of a write (src/worker/settle.rs, workers/connector/src/relay/).
const PLACES: &[&str] = &[
    "step.handled:3",
    "step.committed:3",
    "step.published:3",
    "relay.claimed:3",
    "relay.before_call:3",
    "relay.after_call:3",
    "relay.before_settle:3",
    "relay.after_settle:3",
    "relay.published:3",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_place_leaves_every_write_exactly_once() {
    let mut scene = Scene::open().await;
    let witness = scene.connector(None).await;
    for places in PLACES.chunks(AT_ONCE) {
        let mut armed: Vec<Worker> = places.iter().map(|place| scene.begin_connector(Some(place))).collect();
        let conversations: Vec<String> = (0..12).map(|_| Scene::conversation()).collect();
        let until = Instant::now() + Duration::from_secs(120);
        while !armed.iter_mut().all(Worker::has_ended) {
            assert!(Instant::now() < until, "not all of {places:?} were passed");
            for conversation in &conversations {
                let _turn = scene.ask(conversation).await;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        println!("killed at {places:?} after {} writes", scene.asked.len());
        scene.all_done().await;
    }
    witness.kill();
    let verdict = judge(&scene);
    println!("{verdict:?}");
    assert!(verdict.is_clean(), "{verdict:?}");
    assert!(verdict.duplicates_delivered > 0, "no kill came between a publication and its mark");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_stands_once_and_is_told() {
    let mut scene = Scene::open().await;
    let connector = scene.connector(None).await;
    scene.lose_answers(10);
    for _ in 0..20 {
        let _turn = scene.ask(&Scene::conversation()).await;
    }
    scene.all_done().await;
    connector.kill();
    assert_eq!(scene.struck(), 10, "no answer was lost");
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?}");
    scene.close().await;
}
