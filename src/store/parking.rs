//! Conversations of a group whose next record could not be worked on: that record and those that follow it wait here, in their
//! order, so that the partition goes on. The shapes that both databases take and give. Time is the database's alone.

use std::{fmt, time::Duration};

use super::{Audit, StepKey, Store, StoreError};
use crate::{
    bus::{Offset, Record, TopicPartition},
    event::{ConversationId, EventId},
};

/// How much may wait in the database; with more, the lanes of such records wait, and in the end the whole worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedRoom {
    /// Of all conversations of a group together.
    pub all: ParkedSize,
    /// Of one conversation.
    pub one: ParkedSize,
}

/// Records, and the bytes of their keys, payloads and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedSize {
    /// Records.
    pub records: u32,
    /// Bytes; the record that passes the limit is still taken.
    pub bytes: u64,
}

impl Default for ParkedRoom {
    fn default() -> Self {
        let all = ParkedSize { records: 100_000, bytes: 1 << 30 };
        Self { all, one: ParkedSize { records: 10_000, bytes: 128 << 20 } }
    }
}

impl ParkedRoom {
    /// Whether one more record of a conversation may wait.
    pub(super) fn has_room(&self, all: ParkedSize, one: ParkedSize) -> bool {
        let fits =
            |waits: ParkedSize, max: ParkedSize| waits.records < max.records && waits.bytes < max.bytes;
        fits(all, self.all) && fits(one, self.one)
    }
}

impl ParkedSize {
    /// From the columns of a database. A process of an older version that takes away what it never counted leaves less than
    /// nothing: that is nothing, or its group would be full for ever.
    pub(super) fn of(records: i64, bytes: i64) -> Self {
        Self {
            records: u32::try_from(records.max(0)).unwrap_or(u32::MAX),
            bytes: u64::try_from(bytes.max(0)).unwrap_or(u64::MAX),
        }
    }
}

/// A record that is to wait.
#[derive(Clone, Debug)]
pub struct ToPark {
    /// Which event it is.
    pub key: StepKey,
    /// The record, as it was read.
    pub record: Record,
    /// Why.
    pub why: Why,
    /// How much may wait.
    pub room: ParkedRoom,
}

impl ToPark {
    /// The size of the record, its headers as they are kept.
    pub(super) fn bytes(&self, headers: &str) -> i64 {
        let field = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let bytes = field(&self.record.key) + field(&self.record.value) + headers.len();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }
}

/// Why a record is to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Others of its conversation wait before it.
    Follows,
    /// It is the first of them.
    First {
        /// Why it waits, as a bounded word.
        class: &'static str,
        /// Whether it waits for a person and not for time.
        held: bool,
    },
}

/// What became of a record that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It waits.
    Parked,
    /// Nothing of its conversation waits any more, or it was worked on already: look again.
    Free,
    /// The same event id waits with other bytes.
    Conflict,
    /// Too much of the group or of the conversation waits already.
    Full,
}

/// The right to work on the first waiting record of a conversation, until it expires or somebody else has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedLease {
    /// The group.
    pub group: &'static str,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Counts the leases of this conversation; an older one changes nothing any more.
    pub generation: i64,
    /// The record's place in the order.
    pub pos: i64,
}

/// A waiting record whose turn it is.
#[derive(Clone, Debug)]
pub struct ParkedTurn {
    /// The right to work on it.
    pub lease: ParkedLease,
    /// The record, as it was read; what its time says is not kept.
    pub record: Record,
    /// How often it was begun since it was parked, this time included.
    pub attempts: u32,
    /// How many of its rounds were begun before this one and have not ended: the process ended with them.
    pub begun: u32,
    /// How long it waits.
    pub age: Duration,
}

/// What became of a waiting record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedFate {
    /// Its effect is committed and published, or it is dead-lettered: the next one's turn has come.
    Done,
    /// It could not be worked on: again after this time.
    Later {
        /// The pause.
        after: Duration,
        /// Why, as a bounded word, where it is known.
        class: Option<&'static str>,
    },
    /// It was not begun with: again after this time, and this time does not count.
    NotYet(Duration),
    /// A person has to decide.
    Held {
        /// Why, as a bounded word.
        class: &'static str,
    },
}

impl ParkedFate {
    /// After what time its conversation's turn comes again, none when its next record's has come; and why it waits.
    pub(super) fn pause_and_class(self) -> (Option<Duration>, Option<&'static str>) {
        match self {
            Self::Done => (None, None),
            Self::Later { after, class } => (Some(after), class),
            Self::NotYet(after) => (Some(after), None),
            Self::Held { class } => (Some(Duration::ZERO), Some(class)),
        }
    }

    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// Whether the time it was begun counts.
    pub(super) fn counts(self) -> bool {
        !matches!(self, Self::NotYet(_))
    }
}

/// A conversation that waits, for those who look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedConversation {
    /// The group.
    pub group: String,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Why it waits, as a bounded word.
    pub class: String,
    /// Whether it waits for a person.
    pub held: bool,
    /// How often its first record was tried in vain.
    pub attempts: u32,
    /// How many records wait.
    pub records: u64,
    /// How long it waits.
    pub age: Duration,
}

/// A record that waits, for those who look: nothing of what it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct ParkedRecord {
    /// Where it was read.
    pub place: TopicPartition,
    /// Where in it.
    pub offset: Offset,
    /// Which event.
    pub event_id: EventId,
    /// The size of its payload.
    pub bytes: u64,
    /// How long it waits.
    pub age: Duration,
}

/// What a person decides about a conversation that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedVerb {
    /// Try it again now.
    Resume,
    /// Its first record, when it is this event, is not to be worked on; the others are.
    Skip(EventId),
    /// None of its waiting records is to be worked on.
    Drop,
}

impl ParkedVerb {
    /// One word for the audit.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resume => "parked.resume",
            Self::Skip(_) => "parked.skip",
            Self::Drop => "parked.drop",
        }
    }
}

/// A person's decision, with who made it and why.
#[derive(Clone, Debug)]
pub struct ParkedDecision {
    /// The group.
    pub group: String,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// What.
    pub verb: ParkedVerb,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
}

impl ParkedDecision {
    /// What is noted of it; `events` are those that are not worked on.
    pub(super) fn audit(&self, events: &[EventId]) -> Audit {
        let events: String = events.iter().map(|event| format!(" {event}")).collect();
        Audit {
            who: self.who.clone(),
            what: self.verb.word(),
            subject: format!("{} {}{events}", self.group, self.conversation_id),
            why: self.why.clone(),
        }
    }
}

impl fmt::Debug for ParkedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParkedRecord({} {} at {})", self.event_id, self.place, self.offset.0)
    }
}

impl Store {
    /// Lets a record wait, behind those of its conversation that wait already.
    ///
    /// # Errors
    /// [`StoreError`] when it was not kept, or when it is not known; the same may be tried again.
    pub async fn park(&self, to_park: ToPark) -> Result<Kept, StoreError> {
        match self {
            Self::Sqlite(store) => store.park(to_park).await,
            Self::Postgres(store) => store.park(to_park).await,
        }
    }

    /// Leases at most `limit` conversations of a group whose time has come.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased, or when it is not known: a lease nobody knows of expires.
    pub async fn claim_parked(
        &self,
        group: &'static str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ParkedTurn>, StoreError> {
        match self {
            Self::Sqlite(store) => store.claim_parked(group, limit, lease).await,
            Self::Postgres(store) => store.claim_parked(group, limit, lease).await,
        }
    }

    /// Whoever has a lease begins its round, as the so-many-eth that may not end, or (with none) is not suspected any more; the
    /// lease counts anew from now on. `false` when it has run out.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known; the same may be tried again.
    pub async fn parked_begun(
        &self,
        lease: &ParkedLease,
        begun: u32,
        anew: Duration,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.parked_begun(lease, begun, anew).await,
            Self::Postgres(store) => store.parked_begun(lease, begun, anew).await,
        }
    }

    /// Whether a lease is still the newest one: otherwise somebody else works on the record, or a person has decided.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn has_parked_lease(&self, lease: &ParkedLease) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.has_parked_lease(lease).await,
            Self::Postgres(store) => store.has_parked_lease(lease).await,
        }
    }

    /// Commits what became of a waiting record; a conversation with no other waits no more. `false` when somebody else has
    /// the lease.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known; the same may be tried again.
    pub async fn settle_parked(&self, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.settle_parked(lease, fate).await,
            Self::Postgres(store) => store.settle_parked(lease, fate).await,
        }
    }

    /// At most `limit` conversations that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_conversations(&self, limit: u32) -> Result<Vec<ParkedConversation>, StoreError> {
        match self {
            Self::Sqlite(store) => store.parked_conversations(limit).await,
            Self::Postgres(store) => store.parked_conversations(limit).await,
        }
    }

    /// The first `limit` waiting records of a conversation, in their order.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_records(
        &self,
        group: &str,
        conversation_id: &ConversationId,
        limit: u32,
    ) -> Result<Vec<ParkedRecord>, StoreError> {
        match self {
            Self::Sqlite(store) => store.parked_records(group, conversation_id, limit).await,
            Self::Postgres(store) => store.parked_records(group, conversation_id, limit).await,
        }
    }

    /// Carries out a person's decision and notes it in the audit, in one transaction; the events that are not worked on by it,
    /// `None` when the conversation does not wait (any more) or another record is its first. What is not worked on counts as
    /// worked on from then on: should it come again, nothing follows from it.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known: look at the conversation again.
    pub async fn decide_parked(&self, decision: ParkedDecision) -> Result<Option<Vec<EventId>>, StoreError> {
        match self {
            Self::Sqlite(store) => store.decide_parked(decision).await,
            Self::Postgres(store) => store.decide_parked(decision).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_nothing_waits_as_nothing_and_too_much_to_count_is_full() {
        let room = ParkedRoom::default();
        let nothing = ParkedSize { records: 0, bytes: 0 };
        assert_eq!(ParkedSize::of(-1, -200), nothing);
        assert_eq!(ParkedSize::of(2, -1), ParkedSize { records: 2, bytes: 0 });
        assert!(room.has_room(ParkedSize::of(-5, -5), ParkedSize::of(i64::MIN, i64::MIN)));
        assert!(!room.has_room(ParkedSize::of(i64::MAX, 0), nothing));
        assert!(!room.has_room(nothing, ParkedSize::of(0, i64::MAX)));
    }
}
