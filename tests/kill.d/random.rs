//! Kills at random times from a printed seed, of every sort of worker, while SAP drops requests, loses answers, is slow and asks
//! for pauses.

use std::time::{Duration, Instant};

use peyvand::event::{Operation, OperationStatus};
use peyvand_sandbox::Fault;
use serde_json::json;

use crate::{
    crew::{Crew, told_of_persons},
    judge::judge,
    offsets,
    scene::{Hook, Scene, WRITES, entry},
};

const CONVERSATIONS: usize = 40;

/// xorshift64*: the same run from the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

#[allow(clippy::disallowed_methods, reason = "tests/kill says how often and from which seed")]
fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_random_times_leave_every_write_exactly_once() {
    let kills = setting("PEYVAND_TEST_KILLS", 8);
    let seed = setting("PEYVAND_TEST_SEED", 0x5eed);
    println!("seed {seed}, {kills} kills");
    let mut dice = Dice(seed.max(1));
    let mut scene = Scene::open().await;
    offsets::skip_what_was_before().await;
    let (places, replies) = (offsets::Watching::begin(), scene.replies());
    let conversations: Vec<String> = (0..CONVERSATIONS).map(|_| Scene::conversation()).collect();
    let mut killed_at = vec![killed_before_its_mark(&mut scene, &conversations).await];
    let mut crew = Crew::begin(&scene).await;
    // The sandbox remembers its newest requests only, and the last of a long run meet no fault.
    let mut has_struck = false;
    while (killed_at.len() as u64) < kills {
        for _ in 0..dice.below(30) {
            let conversation = &conversations[usize::try_from(dice.below(CONVERSATIONS as u64)).unwrap()];
            let operation = WRITES[usize::try_from(dice.below(3)).unwrap()];
            let _turn = scene.ask_for(conversation, operation).await;
        }
        scene.order_by_message().await;
        // A few: a worker whose messages are broken one after the other stops.
        if killed_at.len() < 3 {
            scene.say_who().await;
        }
        trouble(&scene, &mut dice);
        tokio::time::sleep(Duration::from_millis(200 + dice.below(2800))).await;
        crew.kill_one(&scene, |limit| dice.below(limit)).await;
        killed_at.push(Instant::now());
        has_struck |= scene.struck() > 0;
    }
    scene.no_faults();
    scene.all_done().await;
    let untold = replies.missing(&scene).await;
    offsets::until_nothing_is_left().await;
    let seen = places.end().await;
    assert_eq!(told_of_persons(&crew.end(&scene).await), None, "it was said aloud");
    assert_eq!(seen.went_back, [] as [String; 0], "a group's place went back");
    assert!(seen.moves > 0, "no group moved");
    // What the slowest request may still do is part of the verdict.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(has_struck || scene.struck() > 0, "no system has failed");
    let mut verdict = judge(&scene);
    verdict.lost += untold;
    let [p50, p99] = recovery(&scene, &killed_at);
    println!(
        "{}",
        json!({
            "seed": seed, "kills": killed_at.len(), "messages": verdict.messages,
            "duplicates_delivered": verdict.duplicates_delivered, "lost": verdict.lost, "doubled": verdict.doubled,
            "reordered": verdict.reordered, "recover_ms_p50": p50, "recover_ms_p99": p99,
        })
    );
    assert!(verdict.is_clean(), "{verdict:?}");
    assert!(!killed_at.is_empty() && verdict.messages > 0, "nothing happened");
    assert!(verdict.duplicates_delivered > 0, "no event came twice");
    scene.close().await;
}

/// Kills that come at random may all miss the moment between a publication and its mark, and a run in which nothing came twice
/// proves nothing: the first one comes there, to a connector that is alone, so that every conversation is its own.
async fn killed_before_its_mark(scene: &mut Scene, conversations: &[String]) -> Instant {
    let mut armed = scene.begin_connector(Some("publish.sent:3"));
    let until = Instant::now() + Duration::from_secs(120);
    while !armed.has_ended() {
        assert!(Instant::now() < until, "it published nothing");
        for conversation in conversations.iter().take(12) {
            let _turn = scene.ask_for(conversation, WRITES[0]).await;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Instant::now()
}

/// One of the ways in which a system fails, for a few of its next writes.
fn trouble(scene: &Scene, dice: &mut Dice) {
    let operation = WRITES[usize::try_from(dice.below(3)).unwrap()];
    let none = Fault { count: Some(1 + u32::try_from(dice.below(4)).unwrap()), ..Fault::default() };
    let fault = match dice.below(7) {
        0 => Fault { drop_after_commit: true, ..none },
        1 => Fault { drop: true, ..none },
        2 => Fault { half_body: true, ..none },
        3 => Fault { status: Some(503), ..none },
        // Without a word of the system's own Salesforce's quota is waited for for minutes.
        4 => Fault { status: Some(429), retry_after: Some("1".to_owned()), ..none },
        5 => match operation {
            Operation::CaseCreate => Fault { expire_token: true, ..none },
            Operation::CallbackRequest => Fault { status: Some(500), ..none },
            Operation::SalesOrderCreate
            | Operation::OrderStatus
            | Operation::OrderList
            | Operation::StockLevel => Fault { expire_csrf: true, ..none },
        },
        // Longer than we wait, and longer than anything written stays unseen: it is carried out long after we gave up.
        _ => Fault { delay_ms: 4000, ..none },
    };
    scene.fault(operation, fault);
}

/// How long after a kill the next write was told to be done.
fn recovery(scene: &Scene, killed_at: &[Instant]) -> [u128; 2] {
    let heard = scene.heard.lock().unwrap();
    let mut done: Vec<Instant> = heard
        .values()
        .flat_map(|heard| &heard.steps)
        .filter(|(_, status, _, _)| *status == OperationStatus::Done)
        .map(|(.., at)| *at)
        .collect();
    done.sort_unstable();
    let mut times: Vec<u128> = killed_at
        .iter()
        .filter_map(|kill| done.iter().find(|at| *at > kill).map(|at| at.duration_since(*kill).as_millis()))
        .collect();
    times.sort_unstable();
    let at = |percent: usize| {
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    [at(50), at(99)]
}

/// Where nothing makes a repeat safe, a kill may leave a write that nobody can know of: it stands once at most, whatever is told
/// to be done stands, and the rest waits for a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_leave_a_write_that_nobody_can_ask_for_once_at_most() {
    let kills = setting("PEYVAND_TEST_KILLS", 8).div_ceil(4).max(3);
    let mut dice = Dice(setting("PEYVAND_TEST_SEED", 0x5eed).max(1));
    let mut scene = Scene::with(Hook::Forgets).await;
    // A write that is slow by itself waits for a person too.
    scene.give_time(5_000);
    let (mut connector, _) = scene.caught_up_connector().await;
    let call = Operation::CallbackRequest;
    let mut turns = Vec::new();
    for _ in 0..kills {
        scene.lose_answers(call, 1);
        for number in 0..10 + dice.below(40) {
            if number == 5 {
                // Some are under way for sure when the kill comes.
                scene.fault(call, Fault { delay_ms: 300, ..Fault::default() });
            }
            // A conversation each: one that waits for a person holds up its own writes only.
            turns.push(scene.ask_for(&Scene::conversation(), call).await);
        }
        tokio::time::sleep(Duration::from_millis(500 + dice.below(1500))).await;
        connector.kill();
        connector = scene.connector(None).await;
    }
    scene.no_faults();
    scene.settled(scene.asked.len()).await;
    connector.kill();
    let standing = |turn| scene.journal().iter().filter(|(_, key)| *key == entry(turn).key()).count();
    let heard = scene.heard.lock().unwrap().clone();
    let (mut done, mut parked) = (0, 0);
    for turn in &turns {
        let stands = standing(turn);
        assert!(stands <= 1, "sent {stands} times");
        let steps = &heard[&turn.event.turn_id].steps;
        if steps.iter().any(|(_, status, _, _)| *status == OperationStatus::Done) {
            assert_eq!(stands, 1, "told to be done and nowhere to be found");
            done += 1;
        } else {
            parked += 1;
        }
    }
    println!("{kills} kills: {done} done, {parked} wait for a person");
    assert!(done > 0 && parked > 0, "nothing was lost, or everything");
    let (_, list) = scene.peyvand(&["outbox", "list"]);
    assert!(list.contains(&format!("{parked} writes wait")), "{list}");
    scene.close().await;
}
