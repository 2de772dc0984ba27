//! The seam to the database: what one step of a conversation reads and commits. SQL stays behind it; it may not
//! know workers, codecs or the log.

mod error;
mod outbox;
mod parking;
mod postgres;
mod publishing;
mod row;
mod runs;
mod sqlite;
mod step;
mod watch;

use std::{collections::HashMap, time::Duration};

use tokio::sync::{mpsc, oneshot};

use crate::{
    event::{ConversationId, TenantId},
    language::slots::ProductName,
};

pub use error::StoreError;
pub use outbox::{
    Audit, Claimed, Decided, Decision, Depth, Known, Lease, NewEntry, PUT_OFF_LIMIT, Parked, Settled,
    Settlement, Verdict,
};
pub use parking::{
    Kept, ParkedConversation, ParkedDecision, ParkedFate, ParkedLease, ParkedRecord, ParkedRoom, ParkedSize,
    ParkedTurn, ParkedVerb, ToPark, Why,
};
pub use postgres::{Alone, PostgresStore};
pub use publishing::PublishingTurn;
pub use runs::RecordAt;
pub use sqlite::SqliteStore;
pub use step::{Commit, Found, LeftBehind, Outgoing, Step, StepKey, StoredReply};

/// The database of an installation: SQLite on one machine, PostgreSQL where several processes share it. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    /// One file, one process.
    Sqlite(SqliteStore),
    /// A server, any number of processes.
    Postgres(PostgresStore),
}

impl Store {
    /// What is known for a step before it is worked on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn look(&self, key: &StepKey) -> Result<Found, StoreError> {
        match self {
            Self::Sqlite(store) => store.look(key).await,
            Self::Postgres(store) => store.look(key).await,
        }
    }

    /// Commits a step: inbox row, state, outgoing events and replies, all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same step may be tried again.
    pub async fn commit(&self, step: Step) -> Result<Commit, StoreError> {
        match self {
            Self::Sqlite(store) => store.commit(step).await,
            Self::Postgres(store) => store.commit(step).await,
        }
    }

    /// Forgets outgoing events that are published. It rides with a later commit; when it is lost, the events are
    /// published twice and their readers drop the repeats.
    pub async fn published(&self, group: &'static str, conversation_id: ConversationId, through: i64) {
        match self {
            Self::Sqlite(store) => store.published(group, conversation_id, through).await,
            Self::Postgres(store) => store.published(group, conversation_id, through).await,
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
        match self {
            Self::Sqlite(store) => store.replies_after(conversation_id, after, limit).await,
            Self::Postgres(store) => store.replies_after(conversation_id, after, limit).await,
        }
    }

    /// Drops at most `limit` inbox rows that are at least this old by the database's clock, and says how many. An event
    /// that comes again after its row is dropped is worked on again.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_inbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.prune_inbox(older_than, limit).await,
            Self::Postgres(store) => store.prune_inbox(older_than, limit).await,
        }
    }

    /// Keeps a tenant's product names in place of the earlier ones.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was kept, or when it is not known.
    pub async fn keep_products(&self, tenant: &TenantId, names: &[ProductName]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.keep_products(tenant, names).await,
            Self::Postgres(store) => store.keep_products(tenant, names).await,
        }
    }

    /// The product names kept for a tenant; empty when none were kept yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn products(&self, tenant: &TenantId) -> Result<Vec<ProductName>, StoreError> {
        match self {
            Self::Sqlite(store) => store.products(tenant).await,
            Self::Postgres(store) => store.products(tenant).await,
        }
    }

    /// Leases at most `limit` heads of a target's outbox that are due, and marks their entries in doubt: whoever gets one
    /// may send it, until the lease ends.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased, or when it is not known: a lease nobody knows of expires.
    pub async fn claim(&self, target: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        match self {
            Self::Sqlite(store) => store.claim(target, limit, lease).await,
            Self::Postgres(store) => store.claim(target, limit, lease).await,
        }
    }

    /// Commits what became of entries and keeps what is told about them, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same may be tried again.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        match self {
            Self::Sqlite(store) => store.settle(settlements).await,
            Self::Postgres(store) => store.settle(settlements).await,
        }
    }

    /// How full the outbox of a target is.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn depth(&self, target: &str) -> Result<Depth, StoreError> {
        match self {
            Self::Sqlite(store) => store.depth(target).await,
            Self::Postgres(store) => store.depth(target).await,
        }
    }

    /// What has waited for its publication at least this long in a group: whoever kept it is gone. One page of at most `limit`
    /// events that wait, of the conversations after this one.
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
        match self {
            Self::Sqlite(store) => store.left_behind(group, older_than, after, limit).await,
            Self::Postgres(store) => store.left_behind(group, older_than, after, limit).await,
        }
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
        match self {
            Self::Sqlite(store) => store.pending(group, conversation_id).await,
            Self::Postgres(store) => store.pending(group, conversation_id).await,
        }
    }

    /// Drops at most `limit` finished outbox entries that are at least this old, and says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_outbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.prune_outbox(older_than, limit).await,
            Self::Postgres(store) => store.prune_outbox(older_than, limit).await,
        }
    }

    /// At most `limit` entries that wait for a person's decision, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        match self {
            Self::Sqlite(store) => store.parked(limit).await,
            Self::Postgres(store) => store.parked(limit).await,
        }
    }

    /// Carries out a person's decision about a parked entry and notes it in the audit, in one transaction; `false` when the
    /// entry does not wait for one (any more).
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known: look at the entry again.
    pub async fn decide(&self, decided: Decided) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.decide(decided).await,
            Self::Postgres(store) => store.decide(decided).await,
        }
    }

    /// Notes what a person did by hand.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was noted, or when it is not known.
    pub async fn note(&self, audits: Vec<Audit>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.note(audits).await,
            Self::Postgres(store) => store.note(audits).await,
        }
    }

    /// The subjects of what was done by hand with a tool, and when last: milliseconds since 1970 by the database's clock.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn noted(&self, tool: &'static str) -> Result<HashMap<String, i64>, StoreError> {
        match self {
            Self::Sqlite(store) => store.noted(tool).await,
            Self::Postgres(store) => store.noted(tool).await,
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.ping().await,
            Self::Postgres(store) => store.ping().await,
        }
    }

    /// Tells the other processes that a conversation has new replies. Never waits and may be lost, so whoever waits for
    /// replies looks again from time to time. One process alone has nobody to tell.
    pub fn announce(&self, conversation_id: &ConversationId) {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(store) => store.announce(conversation_id),
        }
    }

    /// The conversations that any process announces from soon after this call on; `None` where there is one process.
    pub fn announcements(&self) -> Option<mpsc::Receiver<ConversationId>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.announcements()),
        }
    }

    /// Carries out what is queued and lets go of the database. Who still uses the store is told `Unavailable`.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// What a task answers to what it was asked, or that it has ended. A question that comes in while the task ends may stay in its
/// queue for as long as anybody can ask, so the answer alone must not be waited for.
async fn answer_of<Q, A>(asked: &mpsc::Sender<Q>, answer: oneshot::Receiver<A>) -> Result<A, StoreError> {
    tokio::select! {
        biased;
        answer = answer => answer.map_err(|_| StoreError::closed()),
        () = asked.closed() => Err(StoreError::closed()),
    }
}

impl From<SqliteStore> for Store {
    fn from(store: SqliteStore) -> Self {
        Self::Sqlite(store)
    }
}

impl From<PostgresStore> for Store {
    fn from(store: PostgresStore) -> Self {
        Self::Postgres(store)
    }
}
