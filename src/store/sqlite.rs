//! The database of one machine. Steps of several conversations share one commit: a single writer takes what has queued
//! up, so a commit's fsync is paid once for all of them. It may not be opened by two processes.

mod commit;

use std::{path::Path, time::Duration};

use sqlx::{
    Row,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Commit, Found, Outgoing, Step, StepKey, StoreError, StoredReply};
use crate::{
    bus::{Headers, NewRecord, Topic},
    event::{ConversationId, EventId, TenantId},
};

/// Steps that may wait for the writer.
const QUEUE: usize = 256;
/// Steps that share one commit.
const BATCH: usize = 128;

/// What the writer is asked to do.
enum Command {
    Commit(Box<Step>, oneshot::Sender<Result<Commit, StoreError>>),
    Published { group: &'static str, conversation_id: ConversationId, through: i64 },
    Barrier(oneshot::Sender<()>),
}

/// The store of one machine, in one SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: mpsc::Sender<Command>,
}

impl SqliteStore {
    /// Opens the file, making it and its tables when they are not there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened, [`StoreError::Migration`] when it is of another version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let writer_pool = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrations().run(&writer_pool).await.map_err(|error| StoreError::Migration(error.to_string()))?;
        let readers =
            SqlitePoolOptions::new().max_connections(2).connect_with(options.read_only(true)).await?;
        let (writer, commands) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer_pool, commands));
        Ok(Self { readers, writer })
    }

    /// What is known for a step before it is worked on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn look(&self, key: &StepKey) -> Result<Found, StoreError> {
        let seen = sqlx::query("SELECT fingerprint FROM inbox WHERE consumer_group = ? AND event_id = ?")
            .bind(key.group)
            .bind(key.event_id.as_bytes().as_slice())
            .fetch_optional(&self.readers)
            .await?;
        if let Some(row) = seen {
            let fingerprint: Vec<u8> = row.try_get(0)?;
            if fingerprint != key.fingerprint {
                return Ok(Found::Conflict);
            }
            self.wait_for_queued().await?;
            return Ok(Found::Seen(self.outgoing(key).await?));
        }
        let state = sqlx::query(
            "SELECT version, state FROM conversation WHERE consumer_group = ? AND conversation_id = ?",
        )
        .bind(key.group)
        .bind(key.conversation_id.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(match state {
            Some(row) => Found::Fresh { version: row.try_get(0)?, state: row.try_get(1)? },
            None => Found::Fresh { version: 0, state: None },
        })
    }

    /// Commits a step: inbox row, state, outgoing events and replies, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same step may be tried again.
    pub async fn commit(&self, step: Step) -> Result<Commit, StoreError> {
        let (answer, answered) = oneshot::channel();
        let closed = || StoreError::Unavailable("it is closed".to_owned());
        self.writer.send(Command::Commit(Box::new(step), answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Forgets outgoing events that are published. It rides with a later commit; when it is lost, the events are
    /// published twice and their readers drop the repeats.
    pub async fn published(&self, group: &'static str, conversation_id: ConversationId, through: i64) {
        let command = Command::Published { group, conversation_id, through };
        if self.writer.send(command).await.is_err() {
            tracing::debug!(group, "the store closed before published events were forgotten");
        }
    }

    /// Replies of a conversation after a cursor, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn replies_after(
        &self,
        conversation_id: &ConversationId,
        after: i64,
        limit: u16,
    ) -> Result<Vec<StoredReply>, StoreError> {
        let rows = sqlx::query(
            "SELECT cursor, event_id, turn_id, tenant, language, text FROM reply
             WHERE conversation_id = ? AND cursor > ? ORDER BY cursor LIMIT ?",
        )
        .bind(conversation_id.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(reply_of).collect()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Waits until what is queued for the writer is carried out, so that events known to be published are forgotten.
    async fn wait_for_queued(&self) -> Result<(), StoreError> {
        let (done, waiting) = oneshot::channel();
        let closed = || StoreError::Unavailable("it is closed".to_owned());
        self.writer.send(Command::Barrier(done)).await.map_err(|_| closed())?;
        waiting.await.map_err(|_| closed())
    }

    async fn outgoing(&self, key: &StepKey) -> Result<Vec<Outgoing>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, topic, key, value, headers FROM outgoing
             WHERE consumer_group = ? AND conversation_id = ? ORDER BY seq",
        )
        .bind(key.group)
        .bind(key.conversation_id.as_str())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(outgoing_of).collect()
    }
}

fn migrations() -> Migrator {
    let sql = sqlx::SqlSafeStr::into_sql_str(include_str!("../../schemas/sql/sqlite/0001_step.sql"));
    Migrator::with_migrations(vec![Migration::new(1, "step".into(), MigrationType::Simple, sql, false)])
}

async fn write(pool: SqlitePool, mut commands: mpsc::Receiver<Command>) {
    let mut batch = Vec::with_capacity(BATCH);
    while commands.recv_many(&mut batch, BATCH).await > 0 {
        commit::together(&pool, batch.drain(..)).await;
    }
    pool.close().await;
}

fn outgoing_of(row: &SqliteRow) -> Result<Outgoing, StoreError> {
    let headers: String = row.try_get(4)?;
    let headers =
        serde_json::from_str(&headers).map_err(|_| StoreError::Unreadable { what: "record header" })?;
    let topic: String = row.try_get(1)?;
    Ok(Outgoing {
        seq: row.try_get(0)?,
        record: NewRecord {
            topic: Topic::new(topic),
            key: row.try_get(2)?,
            value: row.try_get(3)?,
            headers: Headers(headers),
        },
    })
}

fn reply_of(row: &SqliteRow) -> Result<StoredReply, StoreError> {
    let unreadable = |what| StoreError::Unreadable { what };
    let (event_id, turn_id): (Vec<u8>, Vec<u8>) = (row.try_get(1)?, row.try_get(2)?);
    let id = |bytes: &[u8]| Uuid::from_slice(bytes).map(EventId::from).map_err(|_| unreadable("event id"));
    let (tenant, language, text): (String, String, String) =
        (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    Ok(StoredReply {
        cursor: row.try_get(0)?,
        event_id: id(&event_id)?,
        turn_id: id(&turn_id)?,
        tenant: TenantId::parse(tenant).map_err(|_| unreadable("tenant"))?,
        language: language.parse().map_err(|_| unreadable("language"))?,
        text: text.into(),
    })
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
                Self::Unreadable { what: "row" }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}
