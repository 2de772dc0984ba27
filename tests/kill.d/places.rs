//! SIGKILL at each named place on the way of a write.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use peyvand::event::{Envelope, Operation, OperationStatus, TurnDecided};
use peyvand_sandbox::Fault;

use crate::{
    judge::judge,
    process::{KILLED, Worker},
    scene::{Hook, Scene, WRITES, entry, target},
};

/// Connectors that are armed at the same time: with the witness as many as there are partitions, so that each has work.
const AT_ONCE: usize = 5;

/// Every place on the way of a write (src/worker/settle.rs, workers/connector/src/relay/).
const PLACES: &[&str] = &[
    "step.handled:3",
    "step.committed:3",
    "publish.sent:3",
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
            for (at, conversation) in conversations.iter().enumerate() {
                let _turn = scene.ask_for(conversation, WRITES[at % WRITES.len()]).await;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        for (worker, place) in armed.iter_mut().zip(places) {
            assert_eq!(worker.exit_code(), Some(KILLED), "it ended by itself and not at {place}");
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
    // A write that is slow by itself would be one line more.
    scene.give_time(20_000);
    let (connector, _) = scene.caught_up_connector().await;
    let mut writes = BTreeSet::new();
    for operation in WRITES {
        scene.lose_answers(operation, 10);
        for _ in 0..20 {
            writes.insert(entry(&scene.ask_for(&Scene::conversation(), operation).await).tracking());
        }
    }
    scene.all_done().await;
    let logged = connector.log();
    connector.kill();
    assert_eq!(scene.struck(), 10 * WRITES.len(), "no answer was lost");
    told_once_each(&scene, &writes, &logged);
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?}");
    scene.close().await;
}

/// Each answer that was lost is one line of the log, whichever system it was, and no line says what was written.
fn told_once_each(scene: &Scene, writes: &BTreeSet<String>, logged: &str) {
    let lost: Vec<&str> =
        logged.lines().filter(|line| line.contains("a write may be written or not")).collect();
    for operation in WRITES {
        let own: Vec<&&str> = lost.iter().filter(|line| line.contains(operation.name())).collect();
        assert_eq!(own.len(), 10, "{operation:?}: {own:?}");
        let told = writes.iter().filter(|write| own.iter().any(|line| line.contains(write.as_str())));
        assert_eq!(told.count(), 10, "{operation:?}: {own:?}");
        for word in [target(operation), "kind", "attempt"] {
            assert!(own.iter().all(|line| line.contains(word)), "{word}: {own:?}");
        }
    }
    let numbers = scene.journal().into_iter().map(|(number, _)| number);
    let written = ["+98912", "it came broken", "1000000018"].map(str::to_owned);
    for secret in scene.asked.values().cloned().chain(numbers).chain(written) {
        assert!(!lost.iter().any(|line| line.contains(&secret)), "{secret} is in the log");
    }
}

/// Applied or not, nobody can know: it is never sent again, the person is told so, and somebody decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_can_ask_for_is_sent_once_at_most_and_waits_for_a_person() {
    let mut scene = Scene::with(Hook::Forgets).await;
    // A write that is slow by itself waits for a person too.
    scene.give_time(5_000);
    let (connector, before) = scene.caught_up_connector().await;
    let call = Operation::CallbackRequest;
    scene.lose_answers(call, 3);
    let mut lost = Vec::new();
    for _ in 0..3 {
        lost.push(scene.ask_for(&Scene::conversation(), call).await);
    }
    scene.told(OperationStatus::Unknown, 3).await;
    // The connection is cut before anything is written: as far as we can know that is the same.
    scene.fault(call, Fault { drop: true, count: Some(2), ..Fault::default() });
    for _ in 0..2 {
        lost.push(scene.ask_for(&Scene::conversation(), call).await);
    }
    scene.told(OperationStatus::Unknown, 5).await;
    let follower = scene.ask_for(lost[0].event.conversation_id.as_str(), call).await;
    let other = scene.ask_for(&Scene::conversation(), call).await;
    scene.told(OperationStatus::Done, before + 1).await;
    let stands = |turn: &Envelope<TurnDecided>| {
        scene.journal().iter().filter(|(_, key)| *key == entry(turn).key()).count()
    };
    let standing: Vec<usize> = lost.iter().map(stands).collect();
    assert_eq!(standing, [1, 1, 1, 0, 0]);
    assert_eq!((stands(&other), stands(&follower)), (1, 0), "what follows waits for the decision");
    let (_, list) = scene.peyvand(&["outbox", "list"]);
    assert!(
        list.contains("5 writes wait") && list.matches("in_doubt (may be written)").count() == 5,
        "{list}"
    );
    for (turn, word) in lost.iter().zip(["done", "done", "done", "absent", "skip"]) {
        let tracking = entry(turn).tracking();
        let mut words = vec!["outbox", word, &tracking, "--by", "sara", "--why", "seen at the desk"];
        if word == "done" {
            words.extend(["--reference", "msg"]);
        }
        let (fine, said) = scene.peyvand(&words);
        assert!(fine, "{said}");
    }
    // Three by the person's word, one sent once more, the one that followed and the other one.
    scene.told(OperationStatus::Done, before + 6).await;
    connector.kill();
    let standing: Vec<usize> = lost.iter().chain([&follower, &other]).map(stands).collect();
    assert_eq!(standing, [1, 1, 1, 1, 0, 1, 1]);
    scene.close().await;
}
