//! The seam between a channel and the rest of Peyvand, so that a channel can be built and tested without log or
//! database. It may not know HTTP.

use futures_util::future::BoxFuture;
use peyvand::event::{ConversationId, EventId, MessageReceived};
use peyvand::store::StoredReply;
use thiserror::Error;
use tokio::sync::watch;

/// Where a channel hands messages in and fetches replies.
pub trait Desk: Send + Sync + 'static {
    /// Publishes a message and waits for the log's acknowledgement. The event id is
    /// `EventId::of_message(channel, tenant, channel_message_id)`, so the same message is always the same event.
    fn publish(&self, message: MessageReceived) -> BoxFuture<'_, Result<EventId, DeskError>>;

    /// Replies after a cursor, oldest first, at most `limit`.
    fn replies_after(
        &self,
        conversation: &ConversationId,
        after: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredReply>, DeskError>>;

    /// A receiver that changes whenever the conversation may have new replies.
    fn watch(&self, conversation: &ConversationId) -> watch::Receiver<u64>;
}

/// Why the desk cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeskError {
    /// The log or the database cannot be used just now.
    #[error("the message desk cannot be used just now; try again in a moment")]
    Unavailable,
}

impl DeskError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
        }
    }
}
