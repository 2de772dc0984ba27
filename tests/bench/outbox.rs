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

use crate::{
    figures::{Latencies, median},
    left_behind,
    process::{self, Settings},
};

const GROUP: &str = "connector";
const STEPS: usize = 20_000;
const AT_ONCE: usize = 256;
const ROUNDS: usize = 4;
const CLAIMED: u32 = 1000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!(
            "\noutbox on PostgreSQL, {STEPS} steps a round, each of a new conversation, {AT_ONCE} at once"
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

/// Steps a second.
async fn commit_all(store: &Store, round: usize, target: Option<&'static str>) -> f64 {
    let (places, began) = (Arc::new(Semaphore::new(AT_ONCE)), Instant::now());
    let mut working = JoinSet::new();
    for number in 0..STEPS {
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
    let steps = STEPS as f64;
    steps / began.elapsed().as_secs_f64()
}

async fn business(store: &Store) {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(commit_all(store, 2 * round, None).await);
        with.push(commit_all(store, 2 * round + 1, Some("bench")).await);
    }
    let (without, with) = (median(without), median(with));
    println!(
        "  steps: {without:.0}/s, with a write in the outbox {with:.0}/s: {:.2} of it (in turn, median of {ROUNDS})",
        with / without
    );
}

/// Leases and settles everything that the steps before have kept, with one event told a write.
async fn drain(store: &Store) {
    let (began, mut drained) = (Instant::now(), 0_u32);
    loop {
        let claimed = store.claim("bench", CLAIMED, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            break;
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
        for (conversation, settled) in conversations.into_iter().zip(store.settle(settlements).await.unwrap())
        {
            let Settled::Committed(outgoing) = settled else { panic!("fenced") };
            store.published(GROUP, conversation, outgoing.last().unwrap().seq).await;
            drained += 1;
        }
    }
    println!(
        "  drain: {drained} entries leased and settled, {:.0}/s (one relay, {CLAIMED} at a time)",
        f64::from(drained) / began.elapsed().as_secs_f64()
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
