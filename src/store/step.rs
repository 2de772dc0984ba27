//! One step of one conversation in one worker: the shapes that both databases take and give.

use std::time::Duration;

use super::NewEntry;
use crate::{
    bus::NewRecord,
    event::{Button, ConversationId, EventId, TenantId},
    language::script::Language,
    privacy::Sensitive,
};

/// Which event is worked on, for which group and conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepKey {
    /// The consumer group.
    pub group: &'static str,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The event.
    pub event_id: EventId,
    /// SHA-256 of the payload: the same event id with other bytes is refused.
    pub fingerprint: [u8; 32],
}

/// What the database has for a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Not worked on yet: the conversation's state in this group (none at first) and its version.
    Fresh {
        /// Opaque to the store.
        state: Option<Vec<u8>>,
        /// Counts the commits of this conversation in this group, from 0.
        version: i64,
        /// The place of its newest event in the conversation's order, 0 before the first.
        last_seq: i64,
        /// Whether earlier records of the conversation wait for their turn in this group: then this one has to wait as well.
        parked: bool,
    },
    /// Already worked on: what it left unpublished, in order.
    Seen(Vec<Outgoing>),
    /// The same event id was seen with other bytes.
    Conflict,
}

/// An event that waits for its publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its place in the conversation's order, from 1.
    pub seq: i64,
    /// What to publish.
    pub record: NewRecord,
    /// For how long it has been another process's to publish, by the database's clock; `None` where it is this one's.
    pub elsewhere_for: Option<Duration>,
}

/// A page of events that wait for their publication for so long that whoever kept them is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// By conversation, in order. Only one that fills the whole page may have more.
    pub conversations: Vec<(ConversationId, Vec<Outgoing>)>,
    /// Whom the next page follows; `None` when this one is the last.
    pub next_after: Option<ConversationId>,
}

/// Keys, values and headers on a page in bytes; the event that passes it is still on it.
pub(super) const PAGE_BYTES: u32 = 8 << 20;

/// An event that waits, as a page is read.
pub(super) struct WaitingRow {
    pub(super) conversation_id: ConversationId,
    pub(super) outgoing: Outgoing,
    pub(super) is_old: bool,
    /// The bytes of the page up to this one.
    pub(super) bytes_through: i64,
}

impl LeftBehind {
    /// A page of at most so many events, in order of conversations and of their events: those of a conversation are left behind
    /// when its first one is old. Where a full page ends within a conversation, that one is left to the next page, whole.
    pub(super) fn of_page(rows: Vec<WaitingRow>, limit: u32) -> Self {
        let is_full = rows.last().is_some_and(|last| last.bytes_through >= i64::from(PAGE_BYTES))
            || u32::try_from(rows.len()).is_ok_and(|read| read >= limit);
        let mut all: Vec<(ConversationId, Vec<Outgoing>, bool)> = Vec::new();
        for WaitingRow { conversation_id, outgoing, is_old, .. } in rows {
            match all.last_mut() {
                Some((current, events, _)) if *current == conversation_id => events.push(outgoing),
                Some(_) | None => all.push((conversation_id, vec![outgoing], is_old)),
            }
        }
        if is_full && all.len() > 1 {
            let _cut = all.pop();
        }
        let next_after = all.last().filter(|_| is_full).map(|(last, _, _)| last.clone());
        all.retain(|(_, _, is_old)| *is_old);
        let conversations = all.into_iter().map(|(conversation, events, _)| (conversation, events)).collect();
        Self { conversations, next_after }
    }
}

/// A reply kept for its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// Its place in the conversation, from 1; a reader's cursor. Assigned by the store; 0 before.
    pub cursor: i64,
    /// The reply.
    pub event_id: EventId,
    /// The message it answers.
    pub turn_id: EventId,
    /// Whose assistant speaks.
    pub tenant: TenantId,
    /// The language of the text.
    pub language: Language,
    /// The words.
    pub text: Sensitive<String>,
    /// Answers that the channel may offer.
    pub buttons: Vec<Button>,
    /// The earlier messages that it answers too.
    pub parts: Vec<EventId>,
}

/// What one step changes, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which step.
    pub key: StepKey,
    /// The version that was read; another one now means that somebody was faster.
    pub version: i64,
    /// The place of the newest event that was read with it. Where it still holds, PostgreSQL commits in one go; what is told of
    /// a write moves it alone, and the step wins all the same.
    pub last_seq: i64,
    /// The conversation's new state; `None` leaves it.
    pub state: Option<Vec<u8>>,
    /// The events that follow, in order.
    pub outgoing: Vec<NewRecord>,
    /// Replies to keep.
    pub replies: Vec<StoredReply>,
    /// Writes to systems that are intended from now on.
    pub entries: Vec<NewEntry>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is done; these events of the conversation wait for their publication, in order. Besides the step's own there may be
    /// earlier ones that another process left: who publishes, publishes all of them.
    Done(Vec<Outgoing>),
    /// Somebody else has done it meanwhile; what is left unpublished.
    Seen(Vec<Outgoing>),
    /// The conversation moved on meanwhile, or this event was seen with other bytes: look again and decide again.
    Moved,
}
