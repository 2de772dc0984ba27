//! The database of one machine. Steps of several conversations share one commit: a single writer takes what has queued
//! up, so a commit's fsync is paid once for all of them. It may not be opened by two processes.

mod commit;
mod left_behind;
mod operator;
mod outbox;
mod parking;
mod parking_operator;
mod runs;

use std::{collections::HashMap, path::Path, time::Duration};

use sqlx::{
    Row,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Audit, Claimed, Commit, Decided, Depth, Found, LeftBehind, Outgoing, Parked, Settled, Settlement, Step,
    StepKey, StoreError, StoredReply, answer_of,
    publishing::Turns,
    row::{self, OutgoingRow, ReplyRow},
};
use crate::{
    event::{ConversationId, TenantId},
    language::slots::ProductName,
};

/// Steps that may wait for the writer.
const QUEUE: usize = 256;
/// Steps that share one commit.
const BATCH: usize = 128;
/// How long a wait for a reader is worth a warning.
const SLOW: Duration = Duration::from_secs(10);

/// What the writer is asked to do.
enum Command {
    Commit(Box<Step>, oneshot::Sender<Result<Commit, StoreError>>),
    Published { group: &'static str, conversation_id: ConversationId, through: i64 },
    Prune { older_than: Duration, limit: u32, answer: oneshot::Sender<u64> },
    Barrier(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// The store of one machine, in one SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: mpsc::Sender<Command>,
    /// The writer's one connection, for what needs no batch.
    writer_pool: SqlitePool,
    pub(super) turns: Turns,
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
        // Ten thousand sockets that open at once wait for a moment here, and that is no news.
        let readers = SqlitePoolOptions::new().max_connections(2).acquire_slow_threshold(SLOW);
        let readers = readers.connect_with(options.read_only(true)).await?;
        let (writer, commands) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer_pool.clone(), commands));
        Ok(Self { readers, writer, writer_pool, turns: Turns::default() })
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
            return Ok(Found::Seen(self.pending(key.group, &key.conversation_id).await?));
        }
        let state = sqlx::query(
            "SELECT version, last_seq, state, EXISTS (SELECT 1 FROM parked_conversation p
               WHERE p.consumer_group = c.consumer_group AND p.conversation_id = c.conversation_id)
             FROM conversation c WHERE consumer_group = ? AND conversation_id = ?",
        )
        .bind(key.group)
        .bind(key.conversation_id.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(match state {
            Some(row) => {
                let (version, last_seq, state) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                Found::Fresh { version, last_seq, state, parked: row.try_get(3)? }
            }
            None => Found::Fresh { version: 0, last_seq: 0, state: None, parked: false },
        })
    }

    /// Commits a step: inbox row, state, outgoing events and replies, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same step may be tried again.
    pub async fn commit(&self, step: Step) -> Result<Commit, StoreError> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Commit(Box::new(step), answer);
        self.writer.send(command).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.writer, answered).await?
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
            "SELECT cursor, event_id, turn_id, tenant, language, text, buttons, parts FROM reply
             WHERE conversation_id = ? AND cursor > ? ORDER BY cursor LIMIT ?",
        )
        .bind(conversation_id.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(reply_of).collect()
    }

    /// Drops at most `limit` inbox rows that are at least this old, and says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_inbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Prune { older_than, limit, answer };
        self.writer.send(command).await.map_err(|_| StoreError::closed())?;
        let pruned = answer_of(&self.writer, answered).await;
        pruned.map_err(|_| StoreError::Unavailable("its writer could not prune".to_owned()))
    }

    /// Carries out what is queued and lets go of the file. Who still uses the store is told `Unavailable`.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writer.send(Command::Close(done)).await.is_ok() {
            // The writer answers by its end; there is nothing to learn from how.
            let _ended = closed.await;
        }
        self.readers.close().await;
    }

    /// Keeps a tenant's product names in place of the earlier ones.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was kept.
    pub async fn keep_products(&self, tenant: &TenantId, names: &[ProductName]) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO product_names (tenant, names) VALUES (?, ?)
             ON CONFLICT DO UPDATE SET names = excluded.names, kept_at = unixepoch()",
        )
        .bind(tenant.as_str())
        .bind(row::names_to_bytes(names)?)
        .execute(&self.writer_pool)
        .await?;
        Ok(())
    }

    /// The product names kept for a tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn products(&self, tenant: &TenantId) -> Result<Vec<ProductName>, StoreError> {
        let kept = sqlx::query("SELECT names FROM product_names WHERE tenant = ?")
            .bind(tenant.as_str())
            .fetch_optional(&self.readers)
            .await?;
        kept.map_or(Ok(Vec::new()), |found| row::names_of_bytes(found.try_get(0)?))
    }

    /// Leases the heads of a target that are due, and marks their entries in doubt.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased.
    pub async fn claim(&self, target: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let pool = self.writer_pool.clone();
        to_its_end(outbox::claim(pool, target.to_owned(), limit, lease)).await
    }

    /// Commits what became of entries, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        to_its_end(outbox::settle(self.writer_pool.clone(), settlements)).await
    }

    /// How full the outbox of a target is.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn depth(&self, target: &str) -> Result<Depth, StoreError> {
        outbox::depth(&mut *self.readers.acquire().await?, target).await
    }

    /// Conversations of a group with events that wait for their publication for so long that nobody can be at it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn left_behind(
        &self,
        group: &'static str,
        older_than: Duration,
        after: Option<&ConversationId>,
        limit: u32,
    ) -> Result<LeftBehind, StoreError> {
        self.wait_for_queued().await?;
        left_behind::left_behind(&mut *self.readers.acquire().await?, group, older_than, (after, limit)).await
    }

    /// The events of a conversation that wait for their publication, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn pending(
        &self,
        group: &'static str,
        conversation_id: &ConversationId,
    ) -> Result<Vec<Outgoing>, StoreError> {
        outbox::pending(&mut *self.readers.acquire().await?, group, conversation_id.as_str()).await
    }

    /// Drops at most `limit` finished entries that are at least this old, and says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_outbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        to_its_end(outbox::prune(self.writer_pool.clone(), older_than, limit)).await
    }

    /// Entries that wait for a person's decision, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        operator::parked(&mut *self.readers.acquire().await?, limit).await
    }

    /// Carries out a person's decision; `false` when the entry does not wait for one.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed.
    pub async fn decide(&self, decided: Decided) -> Result<bool, StoreError> {
        to_its_end(operator::decide(self.writer_pool.clone(), decided)).await
    }

    /// Notes what a person did by hand.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was noted.
    pub async fn note(&self, audits: Vec<Audit>) -> Result<(), StoreError> {
        to_its_end(operator::note(self.writer_pool.clone(), audits)).await
    }

    /// The subjects of what was done by hand with a tool, and when last: milliseconds since 1970 by the database's clock.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn noted(&self, tool: &'static str) -> Result<HashMap<String, i64>, StoreError> {
        operator::noted(&mut *self.readers.acquire().await?, tool).await
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
        self.writer.send(Command::Barrier(done)).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.writer, waiting).await
    }
}

/// A caller that goes away may not leave a transaction half done on the writer's one connection.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(StoreError::closed()))
}

fn migrations() -> Migrator {
    let step = include_str!("../../schemas/sql/sqlite/0001_step.sql");
    let age = include_str!("../../schemas/sql/sqlite/0002_inbox_age.sql");
    let names = include_str!("../../schemas/sql/sqlite/0003_product_names.sql");
    let outbox = include_str!("../../schemas/sql/sqlite/0004_outbox.sql");
    let audit = include_str!("../../schemas/sql/sqlite/0005_audit.sql");
    let crash_guard = include_str!("../../schemas/sql/sqlite/0006_crash_guard.sql");
    let parked = include_str!("../../schemas/sql/sqlite/0007_parked.sql");
    let reach = include_str!("../../schemas/sql/sqlite/0008_reach.sql");
    let parked_begun = include_str!("../../schemas/sql/sqlite/0009_parked_begun.sql");
    let parked_size = include_str!("../../schemas/sql/sqlite/0010_parked_size.sql");
    let reply_extras = include_str!("../../schemas/sql/sqlite/0011_reply_extras.sql");
    let written = include_str!("../../schemas/sql/sqlite/0012_record_at_work_written.sql");
    let all = [
        (1, "step", step),
        (2, "inbox age", age),
        (3, "product names", names),
        (4, "outbox", outbox),
        (5, "audit", audit),
        (6, "crash guard", crash_guard),
        (7, "parked", parked),
        (8, "reach", reach),
        (9, "parked begun", parked_begun),
        (10, "parked size", parked_size),
        (11, "reply extras", reply_extras),
        (12, "record at work written", written),
    ];
    let all = all.map(|(version, name, sql)| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(all.to_vec())
}

async fn write(pool: SqlitePool, mut commands: mpsc::Receiver<Command>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut closing = None;
    while closing.is_none() && commands.recv_many(&mut batch, BATCH).await > 0 {
        closing = commit::together(&pool, batch.drain(..)).await;
    }
    // What came behind the closing is dropped, and its callers are told so.
    drop(commands);
    pool.close().await;
    drop(closing);
}

fn outgoing_of(row: &SqliteRow) -> Result<Outgoing, StoreError> {
    OutgoingRow {
        seq: row.try_get(0)?,
        topic: row.try_get(1)?,
        key: row.try_get(2)?,
        value: row.try_get(3)?,
        headers: row.try_get(4)?,
        elsewhere_for: None,
    }
    .try_into()
}

fn reply_of(row: &SqliteRow) -> Result<StoredReply, StoreError> {
    ReplyRow {
        cursor: row.try_get(0)?,
        event_id: row.try_get(1)?,
        turn_id: row.try_get(2)?,
        tenant: row.try_get(3)?,
        language: row.try_get(4)?,
        text: row.try_get(5)?,
        buttons: row.try_get(6)?,
        parts: row.try_get(7)?,
    }
    .try_into()
}
