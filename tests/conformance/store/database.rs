//! A database of one test on the real server, and what the test does to it by connections of its own.

use std::{collections::BTreeSet, time::Duration};

use peyvand::{privacy::Sensitive, store::PostgresStore};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::timeout;

/// Longer than anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A database of one test.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn empty() -> Self {
        let Some(server) = std::env::var_os("PEYVAND_TEST_POSTGRES") else {
            panic!("PEYVAND_TEST_POSTGRES is not set: run these tests by tests/run, which starts the servers")
        };
        let server = server.into_string().unwrap();
        let name = format!("store_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        Self { server, name }
    }

    pub(crate) async fn migrated() -> Self {
        let database = Self::empty().await;
        PostgresStore::migrate(&database.url(), None).await.unwrap();
        database
    }

    pub(crate) fn url(&self) -> Sensitive<String> {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        Sensitive::new(format!("{server}/{}", self.name))
    }

    pub(crate) async fn connect(&self) -> PostgresStore {
        PostgresStore::connect(&self.url(), None).await.unwrap()
    }

    /// A connection besides the store.
    pub(crate) async fn beside(&self) -> PgConnection {
        PgConnection::connect(self.url().expose()).await.unwrap()
    }

    pub(crate) async fn drop(self) {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    /// How often the server had to break a circle of waiting, as it counts itself once a connection has ended.
    pub(crate) async fn deadlocks(&self) -> i64 {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let query = "SELECT deadlocks, (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname)
                     FROM pg_stat_database d WHERE d.datname = $1";
        loop {
            let (deadlocks, connections): (i64, i64) =
                sqlx::query_as(query).bind(&self.name).fetch_one(&mut admin).await.unwrap();
            if connections == 0 {
                return deadlocks;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until so many connections wait for a row.
    pub(crate) async fn wait_for_waiting(&self, count: i64) {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
        let waiting = async {
            while sqlx::query_scalar::<_, i64>(query).bind(&self.name).fetch_one(&mut admin).await.unwrap()
                < count
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, waiting).await.unwrap();
    }

    /// The connections of stores, by the numbers of their processes on the server.
    pub(crate) async fn connections(&self) -> BTreeSet<i32> {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let query = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name = 'peyvand'";
        let pids: Vec<i32> = sqlx::query_scalar(query).bind(&self.name).fetch_all(&mut admin).await.unwrap();
        pids.into_iter().collect()
    }

    /// What a standby is for those who connect from now on: all can be read and nothing written.
    pub(crate) async fn take_writes(&self, writes: bool) {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let read_only = if writes { "off" } else { "on" };
        let set = format!("ALTER DATABASE {} SET default_transaction_read_only = {read_only}", self.name);
        admin.execute(AssertSqlSafe(set)).await.unwrap();
    }

    pub(crate) async fn end_all_connections(&self) {
        let mut admin = PgConnection::connect(&self.server).await.unwrap();
        let ended = sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&self.name)
            .execute(&mut admin);
        ended.await.unwrap();
    }
}
