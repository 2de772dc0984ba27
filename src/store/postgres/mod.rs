//! The database of several processes. Each task below owns the one connection it works with: nobody else can find a
//! transaction half done on it, and a caller that goes away cancels nothing. What is right follows from locked rows and
//! unique keys, never from what this process remembers.

mod announce;
mod commit;
mod link;
mod look;
mod operator;
mod outbox;
mod outbox_statements;
mod parking;
mod parking_operator;
mod parking_statements;
mod read;
mod runs;
mod schema;
mod statements;
mod unopposed;

use std::{collections::HashMap, time::Duration};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::link::Link;
pub use self::operator::Alone;
use super::{
    Audit, Claimed, Commit, Decided, Depth, Found, LeftBehind, Outgoing, Parked, Settled, Settlement, Step,
    StepKey, StoreError, StoredReply, answer_of, publishing::Turns, row,
};
use crate::{
    event::{ConversationId, TenantId},
    language::slots::ProductName,
    privacy::Sensitive,
};

/// Commands that may wait for each task.
const QUEUE: usize = 512;
/// Steps that share one commit, and looks that share one statement.
const BATCH: usize = 128;
/// Conversations that may wait to be announced or to be heard of; more are dropped.
const NOTICES: usize = 4096;

/// The store of several processes, in one PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    link: Link,
    writer: mpsc::Sender<commit::Command>,
    looks: mpsc::Sender<look::Ask>,
    reads: mpsc::Sender<read::Ask>,
    relays: mpsc::Sender<outbox::Ask>,
    parking: mpsc::Sender<parking::What>,
    notices: mpsc::Sender<ConversationId>,
    closed: CancellationToken,
    pub(super) turns: Turns,
}

impl PostgresStore {
    /// Connects to a database whose schema is the one of this version. Takes six connections, and one more for each
    /// [`PostgresStore::announcements`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached, [`StoreError::Migration`] when its schema is another one.
    pub async fn connect(
        url: &Sensitive<String>,
        password: Option<&Sensitive<String>>,
    ) -> Result<Self, StoreError> {
        let link = Link::new(url, password)?;
        schema::check(&link).await?;
        let closed = CancellationToken::new();
        let (writer, commands) = mpsc::channel(QUEUE);
        let (looks, asked) = mpsc::channel(QUEUE);
        let (reads, wanted) = mpsc::channel(QUEUE);
        let (relays, relayed) = mpsc::channel(QUEUE);
        let (parking, parked) = mpsc::channel(QUEUE);
        let (notices, noted) = mpsc::channel(NOTICES);
        drop(tokio::spawn(commit::Writer::new(link.clone()).run(commands)));
        drop(tokio::spawn(look::run(link.clone(), asked, closed.clone())));
        drop(tokio::spawn(read::run(link.clone(), wanted, closed.clone())));
        drop(tokio::spawn(outbox::run(link.clone(), relayed, closed.clone())));
        drop(tokio::spawn(parking::run(link.clone(), parked, closed.clone())));
        drop(tokio::spawn(announce::notify(link.clone(), noted, closed.clone())));
        Ok(Self { link, writer, looks, reads, relays, parking, notices, closed, turns: Turns::default() })
    }

    /// Makes the tables, or brings them to this version. For an operator or one process at a time, by a direct
    /// connection (no pooler).
    ///
    /// # Errors
    /// [`StoreError::Migration`] when the tables are of a newer version or were changed by hand.
    pub async fn migrate(
        url: &Sensitive<String>,
        password: Option<&Sensitive<String>>,
    ) -> Result<(), StoreError> {
        schema::migrate(&Link::new(url, password)?).await
    }

    /// What is known for a step before it is worked on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn look(&self, key: &StepKey) -> Result<Found, StoreError> {
        match self.look_once(key).await? {
            Found::Seen(pending) if !pending.is_empty() => {
                self.forget_published().await?;
                self.look_once(key).await
            }
            found @ (Found::Fresh { .. } | Found::Seen(_) | Found::Conflict) => Ok(found),
        }
    }

    async fn look_once(&self, key: &StepKey) -> Result<Found, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ask = look::Ask { key: key.clone(), answer };
        self.looks.send(ask).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.looks, answered).await?
    }

    /// Commits a step: inbox row, state, outgoing events and replies, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the database will never take it; otherwise nothing was committed, or it is not
    /// known, and the same step may be tried again.
    pub async fn commit(&self, step: Step) -> Result<Commit, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.tell(commit::Command::Commit(Box::new(commit::Asked { step, answer }))).await?;
        answer_of(&self.writer, answered).await?
    }

    /// Forgets outgoing events that are published. It rides with a later commit; when it is lost, the events are
    /// published twice and their readers drop the repeats.
    pub async fn published(&self, group: &'static str, conversation_id: ConversationId, through: i64) {
        let published = commit::Published { group, conversation_id, through };
        if self.tell(commit::Command::Published(published)).await.is_err() {
            tracing::debug!(group, "the store closed before published events were forgotten");
        }
    }

    /// Leases the heads of a target that are due, and marks their entries in doubt.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased, or when it is not known: a lease nobody knows of expires.
    pub async fn claim(&self, target: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let target = target.to_owned();
        self.relay(|answer| outbox::Ask::Claim { target, limit, lease, answer }).await
    }

    /// Commits what became of entries, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same may be tried again.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.relay(|answer| outbox::Ask::Settle { settlements, answer }).await
    }

    /// How full the outbox of a target is.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn depth(&self, target: &str) -> Result<Depth, StoreError> {
        let target = target.to_owned();
        self.relay(|answer| outbox::Ask::Depth { target, answer }).await
    }

    /// A page of the events of a group that wait for their publication for so long that nobody can be at it.
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
        if after.is_none() {
            self.forget_published().await?;
        }
        let after = after.cloned();
        self.relay(|answer| outbox::Ask::LeftBehind { group, older_than, after, limit, answer }).await
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
        let conversation_id = conversation_id.as_str().to_owned();
        self.relay(|answer| outbox::Ask::Pending { group, conversation_id, answer }).await
    }

    /// Drops at most `limit` finished entries that are at least this old, and says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_outbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        self.relay(|answer| outbox::Ask::Prune { older_than, limit, answer }).await
    }

    /// Entries that wait for a person's decision, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        self.relay(|answer| outbox::Ask::Parked { limit, answer }).await
    }

    /// Carries out a person's decision; `false` when the entry does not wait for one.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known.
    pub async fn decide(&self, decided: Decided) -> Result<bool, StoreError> {
        self.relay(|answer| outbox::Ask::Decide { decided: Box::new(decided), answer }).await
    }

    /// Notes what a person did by hand.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was noted, or when it is not known.
    pub async fn note(&self, audits: Vec<Audit>) -> Result<(), StoreError> {
        self.relay(|answer| outbox::Ask::Note { audits, answer }).await
    }

    /// The subjects of what was done by hand with a tool, and when last: milliseconds since 1970 by the database's clock.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn noted(&self, tool: &'static str) -> Result<HashMap<String, i64>, StoreError> {
        self.relay(|answer| outbox::Ask::Noted { tool, answer }).await
    }

    /// That nobody else works with this while what is given lives: a process that dies gives it back. `None` when somebody does.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn alone(&self, with: &str) -> Result<Option<Alone>, StoreError> {
        Ok(operator::alone(&self.link, with).await?)
    }

    async fn relay<T>(&self, ask: impl FnOnce(read::Answer<T>) -> outbox::Ask) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.relays.send(ask(answer)).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.relays, answered).await?
    }

    /// Waits until what is known to be published is forgotten: only the writer knows it yet.
    async fn forget_published(&self) -> Result<(), StoreError> {
        let (done, waiting) = oneshot::channel();
        self.tell(commit::Command::Barrier(done)).await?;
        answer_of(&self.writer, waiting).await?
    }

    async fn tell(&self, command: commit::Command) -> Result<(), StoreError> {
        self.writer.send(command).await.map_err(|_| StoreError::closed())
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
        let conversation_id = conversation_id.clone();
        self.read(|answer| read::Ask::Replies { conversation_id, after, limit, answer }).await
    }

    /// Drops at most `limit` inbox rows that are at least this old by the server's clock, and says how many.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn prune_inbox(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        self.read(|answer| read::Ask::Prune { older_than, limit, answer }).await
    }

    /// Keeps a tenant's product names in place of the earlier ones.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was kept, or when it is not known.
    pub async fn keep_products(&self, tenant: &TenantId, names: &[ProductName]) -> Result<(), StoreError> {
        let (tenant, names) = (tenant.clone(), row::names_to_bytes(names)?);
        self.read(|answer| read::Ask::KeepProducts { tenant, names, answer }).await
    }

    /// The product names kept for a tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked or holds something unreadable.
    pub async fn products(&self, tenant: &TenantId) -> Result<Vec<ProductName>, StoreError> {
        let tenant = tenant.clone();
        self.read(|answer| read::Ask::Products { tenant, answer }).await
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(read::Ask::Ping).await
    }

    async fn read<T>(&self, ask: impl FnOnce(read::Answer<T>) -> read::Ask) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.reads.send(ask(answer)).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.reads, answered).await?
    }

    /// Tells all processes that a conversation has new replies; never waits and may be lost.
    pub fn announce(&self, conversation_id: &ConversationId) {
        if self.notices.try_send(conversation_id.clone()).is_err() {
            metrics::counter!("peyvand_announcements_dropped_total").increment(1);
        }
    }

    /// The conversations that any process announces from soon after this call on, this process included.
    pub fn announcements(&self) -> mpsc::Receiver<ConversationId> {
        let (heard, hearing) = mpsc::channel(NOTICES);
        drop(tokio::spawn(announce::listen(self.link.clone(), heard, self.closed.clone())));
        hearing
    }

    /// Carries out what is queued and lets go of the connections. Who still uses the store is told `Unavailable`.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.tell(commit::Command::Close(done)).await.is_ok() {
            // The writer answers by its end; there is nothing to learn from how.
            let _ended = closed.await;
        }
        self.closed.cancel();
    }
}
