//! The server's clock is set while we work: nothing is proven by it, and nothing waits for it to come back.

use std::time::{Duration, Instant};

use peyvand::{
    store::{Known, Store, Verdict},
    worker::publish,
};
use sqlx::{AssertSqlSafe, Executor};
use tokio::time::timeout;

use super::{
    database::{Database, LONG},
    outbox::{self, left_behind},
    parking,
    publishing::{Log, says},
    stage::{GROUP, conversation},
};

/// The rows' times are moved, which is for their differences what a step of the server's clock is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_the_servers_clock_makes_nothing_long_absent_and_keeps_nothing_for_ever() {
    let began = Instant::now();
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    let mut beside = database.beside().await;
    let mut moved = async |what: &str| {
        for table in what.split(';') {
            beside.execute(AssertSqlSafe(format!("UPDATE {table}"))).await.unwrap();
        }
    };
    outbox::enqueue(&store, "c", "1", 0).await;
    let absent = Verdict::Doubt { after: Duration::ZERO, class: "absent", absent: true, counts: false };
    let first = outbox::claim_one(&store).await;
    outbox::settle(&store, &first, absent.clone()).await;
    moved("outbox SET last_sent_at = now() - interval '1 hour', absent_at = now() - interval '1 hour'").await;
    let second = outbox::claim_one(&store).await;
    let Known::InDoubt { since, absent_for: Some(absent_for) } = second.known else {
        panic!("expected an absence and got {second:?}")
    };
    assert!(since <= began.elapsed() && absent_for <= began.elapsed(), "{since:?} {absent_for:?}");
    assert!(since > Duration::ZERO, "what was watched counts");
    outbox::settle(&store, &second, absent).await;
    // Put off as nothing ever is, under a lease as nobody has, sent and absent in the future.
    moved(
        "outbox_head SET due_at = now() + interval '1 hour', lease_until = now() + interval '1 hour';
         outbox SET last_sent_at = now() + interval '1 hour', absent_at = now() + interval '1 hour'",
    )
    .await;
    let third = outbox::claim_one(&store).await;
    let nothing = Known::InDoubt { since: Duration::ZERO, absent_for: None };
    assert_eq!(third.known, nothing, "nothing is known of a time that has not come");
    moved("outbox_head SET lease_until = now() - interval '1 second'").await;
    let fourth = outbox::claim_one(&store).await;
    assert!(matches!(fourth.known, Known::InDoubt { since, absent_for: None } if since > Duration::ZERO));
    // A pause that exists is kept.
    moved("outbox_head SET lease_until = NULL, due_at = now() + interval '15 minutes'").await;
    assert_eq!(outbox::claim(&store, 10).await, []);
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_holds_up_no_publication() {
    let database = Database::migrated().await;
    let [dead, living]: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    let _never_published = says(&dead, "first", 0).await;
    let mut beside = database.beside().await;
    beside.execute("UPDATE outgoing SET kept_at = kept_at + interval '1 hour'").await.unwrap();
    let left = left_behind(&living, GROUP, Duration::from_secs(10)).await;
    assert_eq!(left, ["c"], "nobody would ever look after it");
    let (log, producer) = Log::begin();
    let second = says(&living, "second", 1).await;
    let c = conversation("c");
    timeout(LONG, publish(&living, &producer, GROUP, &c, second)).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), ["first", "second"]);
    for store in [dead, living] {
        store.close().await;
    }
    drop(beside);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_holds_up_no_conversation_that_waits() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    let mut beside = database.beside().await;
    parking::park(&store, "a", "1", parking::FAILED).await;
    let ahead = "UPDATE parked_conversation SET due_at = now() + interval '1 hour', lease_until = now() + interval '1 hour'";
    beside.execute(ahead).await.unwrap();
    let (turn, _) = parking::turn(&store).await;
    assert_eq!(parking::claim(&store).await.len(), 0, "one has it");
    // A pause that exists is kept.
    let pause = peyvand::store::ParkedFate::Later { after: Duration::from_secs(300), class: None };
    assert!(store.settle_parked(turn.lease, pause).await.unwrap());
    assert_eq!(parking::claim(&store).await.len(), 0);
    store.close().await;
    drop(beside);
    database.drop().await;
}
