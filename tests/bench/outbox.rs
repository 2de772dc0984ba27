//! The outbox on PostgreSQL: what it costs a step to intend a write as well, how fast entries can be leased and settled, and how
//! long one claim takes. The server's own rate of commits in the same minute stands beside it. The steps are taken again on a
//! server whose commits wait for a slow disk: on a fast one it is the processors that are short, whatever a step does.

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
const ROUNDS: usize = 3;
const CLAIMED: u32 = 1000;

/// How long a commit waits for the disk, and the steps of a round for each width.
struct Disk {
    name: &'static str,
    /// Settings of PostgreSQL, as its clients may name them in the address.
    settings: &'static str,
    /// Steps at once, and how many of them are a round.
    rounds: &'static [(usize, usize)],
}

const DISKS: [Disk; 2] = [
    Disk {
        name: "the disk as it is",
        settings: "",
        rounds: &[(1, 2_000), (16, 20_000), (64, 20_000), (256, 20_000)],
    },
    Disk {
        name: "commits that wait 3.5 ms more (commit_delay)",
        settings: "?options=-c%20commit_delay%3D3500%20-c%20commit_siblings%3D0",
        rounds: &[(1, 1_000), (16, 5_000), (64, 10_000)],
    },
];

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!("\noutbox on PostgreSQL, each step of a new conversation, in turn, median of {ROUNDS}");
        let settings = Settings::new(&[]).await;
        let database = &settings.0["PEYVAND_DATABASE_URL"];
        for disk in DISKS {
            println!(
                "  {}: the server alone makes {:.0} commits/s of one row, 16 connections",
                disk.name,
                commits(disk.settings).await
            );
            let store = open(&format!("{database}{}", disk.settings)).await;
            business(&store, &disk).await;
            store.close().await;
        }
        let store = open(database).await;
        drain(&store).await;
        added_latency(&store).await;
        store.close().await;
        left_behind::run().await;
    });
}

async fn open(url: &str) -> Store {
    PostgresStore::connect(&url.to_owned().into(), None).await.unwrap().into()
}

/// Commits of one small row each, by sixteen connections.
pub(crate) async fn commits(settings: &str) -> f64 {
    let url = format!("{}{settings}", process::database().await);
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
fn step(round: &str, number: usize, target: Option<&str>) -> Step {
    let conversation_id = ConversationId::parse(format!("bench:{round}:{number}")).unwrap();
    let event_id = EventId::of_message("bench", round, &number.to_string());
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
async fn commit_all(
    store: &Store,
    round: &str,
    target: Option<&'static str>,
    (at_once, steps): (usize, usize),
) -> f64 {
    let (places, began) = (Arc::new(Semaphore::new(at_once)), Instant::now());
    let mut working = JoinSet::new();
    for number in 0..steps {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (store, round) = (store.clone(), round.to_owned());
        working.spawn(async move {
            let step = step(&round, number, target);
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
async fn business(store: &Store, disk: &Disk) {
    let first = uuid::Uuid::new_v4();
    let mut rounds = 0..;
    let mut round = || format!("{first}.{}", rounds.next().unwrap());
    for (at_once, steps) in disk.rounds.iter().copied() {
        let (mut without, mut with, mut relayed, mut in_time) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            without.push(commit_all(store, &round(), None, (at_once, steps)).await);
            with.push(commit_all(store, &round(), Some("bench"), (at_once, steps)).await);
            let all_committed = CancellationToken::new();
            let relay = tokio::spawn(relay(store.clone(), "relayed", all_committed.clone()));
            relayed.push(commit_all(store, &round(), Some("relayed"), (at_once, steps)).await);
            let waiting = store.depth("relayed").await.unwrap().waiting;
            all_committed.cancel();
            let settled = u64::from(relay.await.unwrap());
            in_time.push(share(settled - waiting.min(settled), settled));
        }
        let (without, with, relayed) = (median(without), median(with), median(relayed));
        println!(
            "  {at_once:>5} steps at once: {without:.0}/s, with a write in the outbox {with:.0}/s: {:.2} of it, and a relay beside \
             them {relayed:.0}/s: {:.2} of that, {:.2} of the writes settled by then",
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
    let kept = DISKS.iter().flat_map(|disk| disk.rounds).map(|(_, steps)| ROUNDS * steps).sum();
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
        let committed = store.commit(step("latency", number, Some("latency"))).await.unwrap();
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
