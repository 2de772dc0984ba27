//! Opens the file of the log: locks it, makes its tables, reads what must be known before the first record.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite};
use tokio::sync::{mpsc, watch};

use super::group::Groups;
use super::log::{Writer, read_heads};
use super::offsets::{Offsets, Reading};
use super::shared::{Known, Shared, SharedHeads, of_sqlite};
use super::{Inner, Limits};
use crate::bus::{BusError, NextOffset, Topic, TopicPartition, TopicSpec};

/// Commands waiting for the writer.
const QUEUED: usize = 512;
const READERS: u32 = 4;

pub(super) async fn open(path: &Path, limits: Limits) -> Result<Inner, BusError> {
    let lock = lock(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(limits.busy);
    let mut connection = options.connect().await.map_err(|error| of_sqlite(&error))?;
    let shared = Arc::new(read(&mut connection).await.map_err(|error| of_sqlite(&error))?);
    let reads = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await
        .map_err(|error| of_sqlite(&error))?;
    let (commands, queued) = mpsc::channel(QUEUED);
    let (appended, watching) = watch::channel(0);
    let writer = Writer { connection, commands: queued, shared: Arc::clone(&shared), appended, lock };
    drop(tokio::spawn(writer.run()));
    Ok(Inner {
        commands,
        appended: watching,
        reads,
        shared,
        groups: Groups::default(),
        limits,
        keyless: std::sync::atomic::AtomicU32::new(0),
    })
}

fn lock(path: &Path) -> Result<File, BusError> {
    let beside = path.with_file_name("bus.lock");
    let file = File::options().create(true).truncate(false).write(true).open(beside).map_err(|error| {
        BusError::Unavailable(format!(
            "its data directory cannot be written ({}); check that it exists and who owns it",
            error.kind()
        ))
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(BusError::Unavailable(
            "another peyvand is running on this data directory; stop it first or choose another directory"
                .to_owned(),
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(BusError::Unavailable(format!(
            "its data directory cannot be locked ({}); keep it on a local disk",
            error.kind()
        ))),
    }
}

async fn read(connection: &mut SqliteConnection) -> Result<Shared, sqlx::Error> {
    let _made = sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *connection).await?;
    let topics = sqlx::query_as::<Sqlite, (i64, String, i32, i64, i64)>(
        "SELECT id, name, partitions, retention_ms, retention_bytes FROM topic",
    )
    .fetch_all(&mut *connection)
    .await?;
    let stored = sqlx::query_as::<Sqlite, (String, String, i32, i64)>(
        r#"SELECT group_name, topic, "partition", next_offset FROM group_offset"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    let heads = SharedHeads::default();
    heads.replace(read_heads(connection).await?);
    let stored: HashMap<Reading, NextOffset> = stored
        .into_iter()
        .map(|(group, topic, partition, next)| {
            ((group, TopicPartition { topic: Topic::new(topic), partition }), NextOffset(next))
        })
        .collect();
    let shared = Shared { heads, offsets: Offsets::of_file(stored), ..Shared::default() };
    shared.learn(topics.into_iter().map(known).collect());
    Ok(shared)
}

fn known((topic_id, name, partitions, retention_ms, retention_bytes): (i64, String, i32, i64, i64)) -> Known {
    Known { topic_id, spec: TopicSpec { topic: Topic::new(name), partitions, retention_ms, retention_bytes } }
}
