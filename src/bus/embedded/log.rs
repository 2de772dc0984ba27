//! The one writer of the log: takes what is queued, commits it together, then answers. It owns the only connection
//! that writes, so nothing else may change the file; a commit that fails is answered and the log goes on.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{SqliteConnection, SqliteTransaction};
use sqlx::{Connection, Sqlite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::retention;
use super::shared::{Heads, Known, Place, Shared, of_sqlite};
use crate::bus::{BusError, NewRecord, NextOffset, Offset, TopicPartition, TopicSpec};

/// Records and bytes of one transaction.
const MOST_RECORDS: usize = 512;
const MOST_BYTES: usize = 4 << 20;
/// How long a stored offset may be only in memory.
const NOTED_FOR: Duration = Duration::from_millis(200);

/// An answer to wait for.
pub(super) type Answer<T> = oneshot::Sender<Result<T, BusError>>;

/// What the writer is asked for.
pub(super) enum Command {
    /// Append a record whose size is checked.
    Append(Append),
    /// Make sure that topics are there.
    Create(Vec<TopicSpec>, Answer<()>),
    /// Drop the oldest records of a partition, some at a time; answers whether there may be more.
    Trim(Place, TopicSpec, i64, Answer<bool>),
    /// Bring the stored offsets into the file.
    Flush(Answer<()>),
    /// Bring everything into the file and end.
    Close(Answer<()>),
}

/// A record on its way into the file.
pub(super) struct Append {
    pub(super) place: Place,
    pub(super) record: NewRecord,
    pub(super) headers: Vec<u8>,
    pub(super) size: usize,
    pub(super) answer: Answer<Offset>,
}

/// The task that writes.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) appended: watch::Sender<u64>,
    /// Held as long as this task lives: nobody else may write the file.
    pub(super) lock: File,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut flush_at: Option<Instant> = None;
        let mut closing = None;
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => break,
                    Some(command) => if let Some(answer) = self.work(command).await {
                        closing = Some(answer);
                        break;
                    },
                },
                () = self.shared.offsets.noted(), if flush_at.is_none() => {
                    flush_at = Some(Instant::now() + NOTED_FOR);
                }
                () = until(flush_at), if flush_at.is_some() => {
                    flush_at = None;
                    if let Err(error) = self.flush().await {
                        tracing::warn!(kind = error.kind(), "stored offsets could not be written; trying again");
                    }
                }
            }
        }
        self.end(closing).await;
    }

    async fn end(mut self, closing: Option<Answer<()>>) {
        let flushed = self.flush().await;
        let closed = self.connection.close().await.map_err(|error| of_sqlite(&error));
        drop(self.lock);
        match closing {
            Some(answer) => reply(answer, flushed.and(closed)),
            None => {
                if let Err(error) = flushed.and(closed) {
                    tracing::warn!(kind = error.kind(), "the log could not be closed cleanly");
                }
            }
        }
    }

    /// Carries out a command and the appends queued behind it; gives the answer of a close.
    async fn work(&mut self, command: Command) -> Option<Answer<()>> {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            match command {
                Command::Append(first) => next = self.append_queued(first).await,
                Command::Create(specs, answer) => reply(answer, self.create(specs).await),
                Command::Trim(place, spec, now_ms, answer) => {
                    let trimmed = retention::trim(&mut self.connection, place, &spec, now_ms).await;
                    reply(answer, trimmed.map_err(|error| of_sqlite(&error)));
                }
                Command::Flush(answer) => reply(answer, self.flush().await),
                Command::Close(answer) => return Some(answer),
            }
        }
        None
    }

    /// Commits this record with those that are queued; gives the first command that is no append.
    async fn append_queued(&mut self, first: Append) -> Option<Command> {
        let mut bytes = first.size;
        let mut batch = vec![first];
        let mut other = None;
        while batch.len() < MOST_RECORDS && bytes < MOST_BYTES && other.is_none() {
            match self.commands.try_recv() {
                Ok(Command::Append(append)) => {
                    bytes += append.size;
                    batch.push(append);
                }
                Ok(command) => other = Some(command),
                Err(_) => break,
            }
        }
        self.append(batch).await;
        other
    }

    async fn append(&mut self, batch: Vec<Append>) {
        let notes = self.shared.offsets.take_unwritten();
        let mut heads = self.shared.heads.lock_copy();
        match commit(&mut self.connection, &batch, &notes, &mut heads).await {
            Ok(offsets) => {
                self.shared.heads.replace(heads);
                self.appended.send_modify(|count| *count = count.wrapping_add(1));
                for (append, offset) in batch.into_iter().zip(offsets) {
                    reply(append.answer, Ok(offset));
                }
            }
            Err(error) => {
                self.shared.offsets.put_back(notes);
                self.look_again().await;
                for append in batch {
                    reply(append.answer, Err(of_sqlite(&error)));
                }
            }
        }
    }

    /// After a failed commit the file is the truth about what it holds.
    async fn look_again(&mut self) {
        match read_heads(&mut self.connection).await {
            Ok(heads) => self.shared.heads.replace(heads),
            Err(error) => tracing::warn!(kind = of_sqlite(&error).kind(), "the log could not be read again"),
        }
    }

    async fn flush(&mut self) -> Result<(), BusError> {
        let notes = self.shared.offsets.take_unwritten();
        if notes.is_empty() {
            return Ok(());
        }
        let written = flush(&mut self.connection, &notes).await;
        if written.is_err() {
            self.shared.offsets.put_back(notes);
        }
        written.map_err(|error| of_sqlite(&error))
    }

    async fn create(&mut self, specs: Vec<TopicSpec>) -> Result<(), BusError> {
        for spec in &specs {
            let found = self.shared.known(&spec.topic).map_or(spec.partitions.max(0), |k| k.spec.partitions);
            if found != spec.partitions || found == 0 {
                return Err(BusError::Partitions {
                    topic: spec.topic.clone(),
                    found,
                    wanted: spec.partitions,
                });
            }
        }
        let known = create(&mut self.connection, specs).await.map_err(|error| of_sqlite(&error))?;
        self.shared.learn(known);
        Ok(())
    }
}

/// Who asked may be gone; that changes nothing in the log.
fn reply<T>(answer: Answer<T>, result: Result<T, BusError>) {
    drop(answer.send(result));
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

async fn commit(
    connection: &mut SqliteConnection,
    batch: &[Append],
    notes: &[((String, TopicPartition), NextOffset)],
    heads: &mut Heads,
) -> Result<Vec<Offset>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let timestamp = now_ms();
    let mut offsets = Vec::with_capacity(batch.len());
    for append in batch {
        let head = heads.entry(append.place).or_insert(0);
        insert(&mut transaction, append, *head, timestamp).await?;
        offsets.push(Offset(*head));
        *head += 1;
    }
    write_notes(&mut transaction, notes).await?;
    transaction.commit().await?;
    Ok(offsets)
}

async fn insert(
    transaction: &mut SqliteTransaction<'_>,
    append: &Append,
    offset: i64,
    timestamp: i64,
) -> Result<(), sqlx::Error> {
    let size = i64::try_from(append.size).unwrap_or(i64::MAX);
    let _one = sqlx::query::<Sqlite>(
        r#"INSERT INTO record (topic_id, "partition", "offset", timestamp_ms, size, "key", value, headers)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)"#,
    )
    .bind(append.place.topic_id)
    .bind(append.place.partition)
    .bind(offset)
    .bind(timestamp)
    .bind(size)
    .bind(append.record.key.as_deref())
    .bind(append.record.value.as_deref())
    .bind(append.headers.as_slice())
    .execute(&mut **transaction)
    .await?;
    let _one = sqlx::query::<Sqlite>(
        r#"INSERT INTO head (topic_id, "partition", next_offset, bytes) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset, bytes = bytes + excluded.bytes"#,
    )
    .bind(append.place.topic_id)
    .bind(append.place.partition)
    .bind(offset + 1)
    .bind(size)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn flush(
    connection: &mut SqliteConnection,
    notes: &[((String, TopicPartition), NextOffset)],
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    write_notes(&mut transaction, notes).await?;
    transaction.commit().await
}

async fn write_notes(
    transaction: &mut SqliteTransaction<'_>,
    notes: &[((String, TopicPartition), NextOffset)],
) -> Result<(), sqlx::Error> {
    for ((group, place), next) in notes {
        let _one = sqlx::query::<Sqlite>(
            r#"INSERT INTO group_offset (group_name, topic, "partition", next_offset) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset"#,
        )
        .bind(group)
        .bind(place.topic.as_str())
        .bind(place.partition)
        .bind(next.0)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

async fn create(connection: &mut SqliteConnection, specs: Vec<TopicSpec>) -> Result<Vec<Known>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut known = Vec::with_capacity(specs.len());
    for spec in specs {
        let (topic_id,) = sqlx::query_as::<Sqlite, (i64,)>(
            "INSERT INTO topic (name, partitions, retention_ms, retention_bytes) VALUES (?, ?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET retention_ms = excluded.retention_ms,
                 retention_bytes = excluded.retention_bytes
             RETURNING id",
        )
        .bind(spec.topic.as_str())
        .bind(spec.partitions)
        .bind(spec.retention_ms)
        .bind(spec.retention_bytes)
        .fetch_one(&mut *transaction)
        .await?;
        known.push(Known { topic_id, spec });
    }
    transaction.commit().await?;
    Ok(known)
}

/// The offset that each partition gives next.
pub(super) async fn read_heads(connection: &mut SqliteConnection) -> Result<Heads, sqlx::Error> {
    let rows =
        sqlx::query_as::<Sqlite, (i64, i32, i64)>(r#"SELECT topic_id, "partition", next_offset FROM head"#)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(topic_id, partition, next)| (Place { topic_id, partition }, next)).collect())
}
