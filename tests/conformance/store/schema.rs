//! The tables' version on a server: which ones a program makes, works with and refuses.

use std::time::Duration;

use peyvand::store::{PostgresStore, Settled, Step, Store, StoreError};
use sqlx::{AssertSqlSafe, Executor};

use super::{
    database::Database,
    outbox::{claim_one, entry, finished, left_behind, settle},
    stage::{GROUP, done, fresh, key, record, replies, reply, step},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_another_version_is_refused_with_the_way_out() {
    let database = Database::empty().await;
    let refusal =
        async |database: &Database| match PostgresStore::connect(&database.url(), None).await.unwrap_err() {
            StoreError::Migration(text) => text,
            other => panic!("expected Migration and got {other}"),
        };
    assert!(refusal(&database).await.contains("peyvand database migrate"));
    let url = database.url();
    let (one, two) = tokio::join!(PostgresStore::migrate(&url, None), PostgresStore::migrate(&url, None));
    one.unwrap();
    two.unwrap();
    PostgresStore::migrate(&url, None).await.unwrap();
    let store: Store = database.connect().await.into();
    assert_eq!(store.look(&key("c", "1")).await.unwrap(), fresh((0, 0), None));
    store.close().await;
    let mut beside = database.beside().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99, 'newer', true, '', 0)";
    beside.execute(newer).await.unwrap();
    assert!(refusal(&database).await.contains("newer"));
    assert_eq!(PostgresStore::migrate(&url, None).await.unwrap_err().kind(), "migration");
    database.drop().await;
}

/// A whole step of a new conversation with an event, a reply and a write, which is leased and settled; what is left is found.
async fn works(store: &Store, name: &str) {
    let step = Step {
        outgoing: vec![record("a")],
        replies: vec![reply(name, "سلام")],
        entries: vec![entry(name, name)],
        state: Some(b"state".to_vec()),
        ..step(&key(name, name), 0)
    };
    let conversation_id = step.key.conversation_id.clone();
    let outgoing = done(store, step).await;
    assert_eq!(outgoing.len(), 1);
    assert_eq!(store.pending(GROUP, &conversation_id).await.unwrap(), outgoing);
    assert_eq!(left_behind(store, GROUP, Duration::ZERO).await, [name]);
    assert_eq!(replies(store, name, 0, 10).await.len(), 1);
    let settled = settle(store, &claim_one(store).await, finished()).await;
    assert!(matches!(settled, Settled::Committed(_)));
    store.published(GROUP, conversation_id, outgoing[0].seq).await;
    assert_eq!(left_behind(store, GROUP, Duration::ZERO).await, [""; 0]);
}

/// What a later version's `peyvand database migrate` does, under a process of this version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_a_later_version_only_added_to_is_worked_with() {
    let database = Database::migrated().await;
    let running: Store = database.connect().await.into();
    works(&running, "before").await;
    let mut beside = database.beside().await;
    let tables =
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut beside).await.unwrap();
    assert!(tables.len() > 8, "{tables:?}");
    for table in tables {
        let add = format!("ALTER TABLE {table} ADD later text, ADD bytes_through bigint NOT NULL DEFAULT 7");
        beside.execute(AssertSqlSafe(add)).await.unwrap();
    }
    let migrated = async |version: i64, name: &str, beside: &mut sqlx::PgConnection| {
        let note = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                    VALUES ($1, $2, true, '', 0)";
        sqlx::query(note).bind(version).bind(name).execute(beside).await.unwrap();
    };
    migrated(98, "expand by two columns", &mut beside).await;
    works(&running, "after").await;
    PostgresStore::migrate(&database.url(), None).await.unwrap();
    let started: Store = database.connect().await.into();
    works(&started, "started").await;
    migrated(99, "contract", &mut beside).await;
    let refused = PostgresStore::connect(&database.url(), None).await.unwrap_err();
    assert!(refused.to_string().contains("newer"), "{refused}");
    assert!(PostgresStore::migrate(&database.url(), None).await.unwrap_err().to_string().contains("newer"));
    running.close().await;
    started.close().await;
    database.drop().await;
}
