//! A server that takes no writes: a standby after a failover, or one whose owner has stopped them. It is told, left by every task of a
//! process, and what was asked of it is done once afterwards.

use std::time::{Duration, Instant};

use peyvand::{
    event::TenantId,
    store::{Commit, Step, Store, StoreError},
};
use sqlx::{AssertSqlSafe, Executor};

use super::{
    database::{Database, LONG},
    stage::{GROUP, conversation, done, fresh, key, replies, reply, step},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_server_that_takes_no_writes_is_committed_once_when_it_takes_them_again() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    done(&store, step(&key("c", "1"), 0)).await;
    store.ping().await.unwrap();
    database.take_writes(false).await;
    database.end_all_connections().await;
    let second = Step { replies: vec![reply("2", "two")], ..step(&key("c", "2"), 1) };
    for _ in 0..3 {
        let refused = [
            store.ping().await.unwrap_err(),
            store.commit(second.clone()).await.unwrap_err(),
            store.look(&second.key).await.unwrap_err(),
            store.claim("sap", 1, LONG).await.unwrap_err(),
        ];
        // The first time each only learns that its connection has ended.
        assert!(refused.iter().all(StoreError::is_transient), "{refused:?}");
    }
    let refused = store.ping().await.unwrap_err().to_string();
    assert!(refused.contains("takes no writes") && refused.contains("25006"), "{refused}");
    database.take_writes(true).await;
    let mut commits = Vec::new();
    let until = Instant::now() + LONG;
    while commits.len() < 2 {
        assert!(Instant::now() < until, "it takes no writes though the server does");
        match store.commit(second.clone()).await {
            Ok(commit) => commits.push(commit),
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    assert_eq!(commits, [Commit::Done(Vec::new()), Commit::Seen(Vec::new())]);
    assert_eq!(replies(&store, "c", 0, 10).await, [(1, "two".to_owned())]);
    store.ping().await.unwrap();
    store.close().await;
    database.drop().await;
}

/// A session is turned by a trigger into one that takes no more writes, as a connection through a proxy is when the server
/// behind it is demoted. Whoever sees it first, by a write or by the question for a sign of life, all leave that server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_demoted_is_left_by_those_who_only_read_too() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    let tenant = TenantId::parse("demo").unwrap();
    let ask_all = async || {
        store.ping().await.unwrap();
        assert_eq!(store.look(&key("c", "none")).await.unwrap(), fresh((0, 0), None));
        assert_eq!(store.claim("sap", 1, LONG).await.unwrap(), []);
        assert_eq!(store.pending(GROUP, &conversation("c")).await.unwrap(), []);
    };
    let mut beside = database.beside().await;
    let demote = "CREATE FUNCTION demote() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('default_transaction_read_only', 'on', false); RETURN NULL; END $$";
    beside.execute(demote).await.unwrap();
    for (table, seen_by_a_write) in [("inbox", true), ("product_names", false)] {
        done(&store, step(&key(table, table), 0)).await;
        ask_all().await;
        let before = database.connections().await;
        let trigger = format!("CREATE TRIGGER demotes AFTER INSERT ON {table} EXECUTE FUNCTION demote()");
        beside.execute(AssertSqlSafe(trigger)).await.unwrap();
        if seen_by_a_write {
            done(&store, step(&key("last", "last"), 0)).await;
        } else {
            store.keep_products(&tenant, &[]).await.unwrap();
        }
        beside.execute(AssertSqlSafe(format!("DROP TRIGGER demotes ON {table}"))).await.unwrap();
        let refused = match seen_by_a_write {
            true => store.commit(step(&key("next", "next"), 0)).await.unwrap_err(),
            false => store.ping().await.unwrap_err(),
        };
        assert!(refused.is_transient() && refused.to_string().contains("25006"), "{refused}");
        done(&store, step(&key(&format!("{table}-2"), &format!("{table}-2")), 0)).await;
        ask_all().await;
        let until = Instant::now() + LONG;
        while !database.connections().await.is_disjoint(&before) {
            assert!(Instant::now() < until, "{table}: a connection to the demoted server is kept");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    store.close().await;
    database.drop().await;
}
