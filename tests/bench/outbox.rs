//! The outbox on PostgreSQL: what it costs a step to intend a write as well, how fast entries can be leased and settled, and how
//! long one claim takes. The server's own rate of commits in the same minute stands beside it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use peyvand::{
    bus::{Headers, NewRecord, Topic},
    event::{ConversationId, EntryId, EventId},
    store::{Commit, NewEntry, PostgresStore, Settled, Settlement, Step, StepKey, Store, Verdict},
};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    figures::{Latencies, median},
    left_behind,
    process::{self, Settings},
};

const GROUP: &str = "connector";
const STEPS: usize = 20_000;
/// Steps of a round in which one waits for the other.
const ALONE: usize = 2_000;
const AT_ONCE: [usize; 4] = [1, 16, 64, 256];
const ROUNDS: usize = 3;
const CLAIMED: u32 = 1000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!(
            "\noutbox on PostgreSQL, {STEPS} steps a round ({ALONE} one after the other), each of a new conversation"
        );
        println!("  the server alone: {:.0} commits/s of one row, 16 connections", commits().await);
        let settings = Settings::new(&[]).await;
        let store: Store = PostgresStore::connect(&settings.0["PEYVAND_DATABASE_URL"].clone().into(), None)
            .await
            .unwrap()
            .into();
        business(&store).await;
        drain(&store).await;
        added_latency(&store).await;
        store.close().await;
        left_behind::run().await;
    });
}

/// Commits of one small row each, by sixteen connections.
pub(crate) async fn commits() -> f64 {
    let url = process::database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("CREATE TABLE bench_commit (id bigserial PRIMARY KEY, at timestamptz)").await.unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    let mut working = JoinSet::new();
    for _ in 0..16 {
        let url = url.clone();
        working.spawn(async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let mut done = 0_u32;
            while Instant::now() < until {
                connection.execute("INSERT INTO bench_commit (at) VALUES (now())").await.unwrap();
                done += 1;
            }
            done
        });
    }
    f64::from(working.join_all().await.into_iter().sum::<u32>()) / 5.0
}

fn record() -> NewRecord {
    NewRecord {
        topic: Topic::new("chat.operation.updated"),
        key: Some(b"c".to_vec()),
        value: Some(vec![b'x'; 300]),
        headers: Headers::default(),
    }
}

/// A step of a conversation nobody has worked on, with one event that follows; `round` and `number` make it new.
fn step(round: usize, number: usize, target: Option<&str>) -> Step {
    let conversation_id = ConversationId::parse(format!("bench:{round}:{number}")).unwrap();
    let event_id = EventId::of_message("bench", &round.to_string(), &number.to_string());
    let entry = target.map(|target| NewEntry {
        id: EntryId::of(&event_id, target, "sales_order_create"),
        target: target.to_owned(),
        conversation_id: conversation_id.clone(),
        operation: "sales_order_create".to_owned(),
        payload: vec![b'x'; 600],
    });
    Step {
        key: StepKey { group: GROUP, conversation_id, event_id, fingerprint: [7; 32] },
        version: 0,
        last_seq: 0,
        state: None,
        outgoing: vec![record()],
        replies: Vec::new(),
        entries: entry.into_iter().collect(),
    }
}

/// Steps a second, so many at once.
async fn commit_all(store: &Store, round: usize, target: Option<&'static str>, at_once: usize) -> f64 {
    let steps = if at_once == 1 { ALONE } else { STEPS };
    let (places, began) = (Arc::new(Semaphore::new(at_once)), Instant::now());
    let mut working = JoinSet::new();
    for number in 0..steps {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let store = store.clone();
        working.spawn(async move {
            let step = step(round, number, target);
            let (group, conversation) = (step.key.group, step.key.conversation_id.clone());
            let Commit::Done(outgoing) = store.commit(step).await.unwrap() else { panic!("not committed") };
            store.published(group, conversation, outgoing.last().unwrap().seq).await;
            drop(place);
        });
    }
    drop(working.join_all().await);
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let steps = steps as f64;
    steps / began.elapsed().as_secs_f64()
}

/// What an intended write costs its step, and what it costs the steps that a relay works off their writes beside them.
async fn business(store: &Store) {
    let mut rounds = 0..;
    let mut round = || rounds.next().unwrap();
    for at_once in AT_ONCE {
        let (mut without, mut with, mut relayed, mut in_time) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            without.push(commit_all(store, round(), None, at_once).await);
            with.push(commit_all(store, round(), Some("bench"), at_once).await);
            let all_committed = CancellationToken::new();
            let relay = tokio::spawn(relay(store.clone(), "relayed", all_committed.clone()));
            relayed.push(commit_all(store, round(), Some("relayed"), at_once).await);
            let waiting = store.depth("relayed").await.unwrap().waiting;
            all_committed.cancel();
            let settled = u64::from(relay.await.unwrap());
            in_time.push(share(settled - waiting.min(settled), settled));
        }
        let (without, with, relayed) = (median(without), median(with), median(relayed));
        println!(
            "  {at_once:>3} steps at once: {without:.0}/s, with a write in the outbox {with:.0}/s: {:.2} of it, and a relay beside \
             them {relayed:.0}/s: {:.2} of that, {:.2} of the writes settled by then (in turn, median of {ROUNDS})",
            with / without,
            relayed / with,
            median(in_time)
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Leases and settles entries, with one event told a write, until there are none and no more come; gives how many.
async fn relay(store: Store, target: &'static str, no_more: CancellationToken) -> u32 {
    let mut settled = 0;
    loop {
        let is_last = no_more.is_cancelled();
        let claimed = store.claim(target, CLAIMED, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            if is_last {
                return settled;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let settlements: Vec<Settlement> = claimed
            .into_iter()
            .map(|claimed| Settlement {
                lease: claimed.lease,
                verdict: Verdict::Done { reference: "45500".to_owned() },
                group: GROUP,
                outgoing: vec![record()],
            })
            .collect();
        let conversations: Vec<_> = settlements.iter().map(|one| one.lease.conversation_id.clone()).collect();
        for (conversation, done) in conversations.into_iter().zip(store.settle(settlements).await.unwrap()) {
            let Settled::Committed(outgoing) = done else { panic!("fenced") };
            store.published(GROUP, conversation, outgoing.last().unwrap().seq).await;
            settled += 1;
        }
    }
}

/// Everything that the steps before have kept.
async fn drain(store: &Store) {
    let (began, all_committed) = (Instant::now(), CancellationToken::new());
    all_committed.cancel();
    let settled = relay(store.clone(), "bench", all_committed).await;
    let kept = AT_ONCE.map(|at_once| ROUNDS * if at_once == 1 { ALONE } else { STEPS }).iter().sum();
    assert_eq!(usize::try_from(settled), Ok(kept), "writes are lost or doubled");
    println!(
        "  drain: {settled} entries leased and settled, {:.0}/s (one relay, {CLAIMED} at a time)",
        f64::from(settled) / began.elapsed().as_secs_f64()
    );
}

/// From the commit that keeps an entry to the lease that lets it be sent.
async fn added_latency(store: &Store) {
    let mut all = Vec::new();
    for number in 0..1000 {
        let committed = store.commit(step(999, number, Some("latency"))).await.unwrap();
        assert!(matches!(committed, Commit::Done(_)));
        let began = Instant::now();
        let claimed = store.claim("latency", 8, Duration::from_secs(60)).await.unwrap();
        all.push(began.elapsed());
        assert_eq!(claimed.len(), 1);
        let lease = claimed.into_iter().next().unwrap().lease;
        let verdict = Verdict::Done { reference: "1".to_owned() };
        drop(
            store
                .settle(vec![Settlement { lease, verdict, group: GROUP, outgoing: Vec::new() }])
                .await
                .unwrap(),
        );
    }
    println!("  {}", Latencies::of(all).line("committed to leased: one claim"));
}
