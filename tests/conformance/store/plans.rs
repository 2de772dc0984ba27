//! How PostgreSQL finds rows: a statement first carried out while the tables are empty, as those of a queue mostly are, may
//! not read them whole when they have filled. The evidence is the server's own count of what it has read.

use std::time::Duration;

use peyvand::store::{Settlement, Step, Store};
use sqlx::{AssertSqlSafe, Executor};

use super::{
    database::Database,
    outbox::{self, TARGET},
    stage::{GROUP, conversation, done, key, record, reply, seen, step},
};

/// Rows that are nobody's concern: read by key none of them is met, read whole all of them.
const OTHERS: i64 = 20_000;
const CONVERSATIONS: usize = 8;

/// Everything a conversation does on its way, for some conversations.
async fn work(store: &Store, round: &str) {
    for number in 0..CONVERSATIONS {
        let name = format!("{round}-{number}");
        let own = key(&name, &name);
        store.look(&own).await.unwrap();
        let entries = vec![outbox::entry(&name, &name)];
        let first = Step {
            state: Some(vec![1]),
            outgoing: vec![record("1")],
            replies: vec![reply(&name, "words")],
            entries,
            ..step(&own, 0)
        };
        let outgoing = done(store, first).await;
        assert_eq!(seen(store, &own).await, outgoing);
        store.published(GROUP, conversation(&name), outgoing[0].seq).await;
        let settlements = store.claim(TARGET, 10, Duration::from_secs(60)).await.unwrap().into_iter();
        let settlements: Vec<_> = settlements
            .map(|claimed| Settlement {
                lease: claimed.lease,
                verdict: outbox::finished(),
                group: GROUP,
                outgoing: vec![record("2")],
            })
            .collect();
        assert_eq!(settlements.len(), 1);
        store.settle(settlements).await.unwrap();
        assert!(!store.pending(GROUP, &conversation(&name)).await.unwrap().is_empty());
        // Once as it was read, and once after something was told meanwhile.
        let goes_on = key(&name, &format!("{name}-on"));
        let next = Step { last_seq: 2, outgoing: vec![record("3")], ..step(&goes_on, 1) };
        assert_eq!(done(store, next).await.last().unwrap().seq, 3);
        let opposed = key(&name, &format!("{name}-opposed"));
        let last = Step { last_seq: 2, outgoing: vec![record("4")], ..step(&opposed, 2) };
        assert_eq!(done(store, last).await.last().unwrap().seq, 4);
        store.published(GROUP, conversation(&name), i64::MAX).await;
        assert!(seen(store, &own).await.is_empty());
    }
}

/// The evidence is the server's own count of what was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_nobody_is_in_the_way_of_writes_its_conversation_once() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    for version in 0..8 {
        let own = key("c", &version.to_string());
        done(&store, Step { last_seq: version, outgoing: vec![record("x")], ..step(&own, version) }).await;
    }
    store.close().await;
    drop(store);
    let _deadlocks = database.deadlocks().await;
    let written: (i64, i64) =
        sqlx::query_as("SELECT n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'conversation'")
            .fetch_one(&mut database.beside().await)
            .await
            .unwrap();
    assert_eq!(written, (1, 7));
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_made_while_the_tables_were_empty_reads_no_full_table_later() {
    let database = Database::migrated().await;
    let mut beside = database.beside().await;
    beside.execute("VACUUM ANALYZE").await.unwrap();
    let store: Store = database.connect().await.into();
    work(&store, "early").await;
    let fill = [
        format!(
            "INSERT INTO inbox (consumer_group, event_id, fingerprint) SELECT '{GROUP}', gen_random_uuid(), '' FROM n"
        ),
        format!(
            "INSERT INTO conversation (consumer_group, conversation_id, version, last_seq) SELECT '{GROUP}', 'x' || n, 1, 1 FROM n"
        ),
        format!(
            "INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, headers) SELECT '{GROUP}', 'x' || n, 1, 't', '[]' FROM n"
        ),
        "INSERT INTO reply (conversation_id, cursor, event_id, turn_id, tenant, language, text)
           SELECT 'x' || n, 1, gen_random_uuid(), gen_random_uuid(), 't', 'fa', '' FROM n"
            .to_owned(),
        format!(
            "INSERT INTO outbox_head (target, conversation_id, next_seq, done_seq) SELECT '{TARGET}', 'x' || n, 2, 1 FROM n"
        ),
        format!(
            "INSERT INTO outbox (id, target, conversation_id, seq, operation, payload, state)
             SELECT gen_random_uuid(), '{TARGET}', 'x' || n, 1, 'test', '', 'done' FROM n"
        ),
    ];
    for statement in fill {
        let (into, from) = statement.split_once("FROM n").unwrap();
        let statement = format!("{into} FROM generate_series(1, {OTHERS}) AS n{from}");
        beside.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    work(&store, "late").await;
    drop(beside);
    // A connection tells what it has read at its end.
    store.close().await;
    drop(store);
    let _deadlocks = database.deadlocks().await;
    let read: Vec<(String, i64)> = sqlx::query_as(
        "SELECT relname::text, (seq_tup_read + COALESCE(
           (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0))::bigint
         FROM pg_stat_user_tables t WHERE n_tup_ins >= $1",
    )
    .bind(OTHERS)
    .fetch_all(&mut database.beside().await)
    .await
    .unwrap();
    assert_eq!(read.len(), 6, "every table was filled");
    let whole: Vec<_> = read.into_iter().filter(|(_, read)| *read >= OTHERS).collect();
    assert!(whole.is_empty(), "these tables were read whole: {whole:?}");
    database.drop().await;
}
