//! Intended writes to systems: the shapes that both databases take and give. An entry is enqueued by the step that
//! decides it, in the same transaction; a relay leases heads (the first unfinished entry of a conversation for a system),
//! sends, and settles. Time is the database's alone.

use std::{fmt, time::Duration};

use super::Outgoing;
use crate::{
    bus::NewRecord,
    event::{ConversationId, EntryId},
};

/// Nothing may be put off for so long: what is due later than that was put off before the database's clock was set back.
pub const PUT_OFF_LIMIT: Duration = Duration::from_secs(20 * 60);

/// A write that a step intends.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its idempotency key.
    pub id: EntryId,
    /// The configured system.
    pub target: String,
    /// The conversation it belongs to. The entries of one conversation for one system are sent one after the other.
    pub conversation_id: ConversationId,
    /// The operation's name, for those who look.
    pub operation: String,
    /// What is to be written, opaque to the store.
    pub payload: Vec<u8>,
}

impl fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload holds what a person wrote.
        write!(f, "NewEntry({} {} {})", self.id, self.target, self.operation)
    }
}

/// The right to send the first unfinished entry of a conversation, until it expires or somebody else has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The system.
    pub target: String,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Counts the leases of this head; an older one changes nothing any more.
    pub generation: i64,
    /// The entry's place among those of its conversation and system, from 1.
    pub seq: i64,
}

/// What is known of an entry's way so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was never sent, or is proven not to have arrived. It is marked in doubt by now: send it.
    Unsent,
    /// It was sent and nobody knows what became of it: ask the system before anything else.
    InDoubt {
        /// How long ago it was last sent.
        since: Duration,
        /// How long ago the system first said that it has no such thing; `None` when it never did.
        absent_for: Option<Duration>,
    },
}

/// An entry whose turn it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The right to send it.
    pub lease: Lease,
    /// Its idempotency key.
    pub id: EntryId,
    /// Its operation's name.
    pub operation: String,
    /// What is to be written.
    pub payload: Vec<u8>,
    /// What is known of it.
    pub known: Known,
    /// How often it was sent or asked about, this time included. Attempts that did not count are not in it.
    pub attempts: u32,
    /// Whether anybody had it before.
    pub tried: bool,
    /// How long ago it was enqueued.
    pub age: Duration,
}

impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claimed({} {:?} attempt {})", self.id, self.known, self.attempts)
    }
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The system has it, under this number of its own.
    Done {
        /// The system's number.
        reference: String,
    },
    /// The system will not have it; it never will be written.
    Refused {
        /// Why, as a bounded word.
        class: &'static str,
    },
    /// It is proven that the system does not have it: send it (again), but not before this time has passed.
    Again {
        /// The pause.
        after: Duration,
        /// Why, as a bounded word.
        class: &'static str,
        /// Whether this attempt counts. A system that is known to be away costs none.
        counts: bool,
    },
    /// Nobody knows: ask the system again after this time.
    Doubt {
        /// The pause.
        after: Duration,
        /// Why, as a bounded word.
        class: &'static str,
        /// Whether the system has just said that it has no such thing.
        absent: bool,
        /// Whether this attempt counts.
        counts: bool,
    },
    /// A person has to decide. The conversation's writes to this system stand still until then, the others go on.
    Parked {
        /// Why, as a bounded word.
        class: &'static str,
        /// Whether it is known that the system does not have it.
        unsent: bool,
    },
}

/// The end of one turn of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The right by which it was worked on.
    pub lease: Lease,
    /// What became of it.
    pub verdict: Verdict,
    /// The group whose events tell about it.
    pub group: &'static str,
    /// What the conversation is told, in order.
    pub outgoing: Vec<NewRecord>,
}

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is committed; these events of the conversation wait for their publication, in order, earlier ones included.
    Committed(Vec<Outgoing>),
    /// Somebody else has the lease; nothing was changed.
    Fenced,
}

/// How full the outbox of a target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Entries that are not finished.
    pub waiting: u64,
    /// Of those, entries whose outcome is unknown.
    pub in_doubt: u64,
    /// Conversations whose writes wait for a person.
    pub parked: u64,
    /// The age of the oldest unfinished entry.
    pub oldest: Duration,
}

/// An entry that waits for a person's decision.
#[derive(Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its idempotency key.
    pub id: EntryId,
    /// The system.
    pub target: String,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its operation's name.
    pub operation: String,
    /// What is to be written.
    pub payload: Vec<u8>,
    /// Why it waits, as a bounded word.
    pub class: String,
    /// Whether it may have been written.
    pub in_doubt: bool,
    /// How often it was sent or asked about.
    pub attempts: u32,
    /// How long ago it was enqueued.
    pub age: Duration,
    /// How many entries of the conversation wait behind it.
    pub behind: u64,
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parked({} {} {})", self.id, self.target, self.class)
    }
}

/// What a person decides about a parked entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on as before: what is in doubt is asked after again.
    Resume,
    /// It was looked for and is not there: send it again.
    Absent,
    /// It was looked for and is there, under this number.
    Done {
        /// The system's number.
        reference: String,
    },
    /// It is not to be written any more.
    Skip,
}

impl Decision {
    /// One word for the audit.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Resume => "outbox.resume",
            Self::Absent => "outbox.absent",
            Self::Done { .. } => "outbox.done",
            Self::Skip => "outbox.skip",
        }
    }

    /// The entry's state by it; `None` leaves it.
    pub(super) const fn state(&self) -> Option<&'static str> {
        match self {
            Self::Resume => None,
            Self::Absent => Some("pending"),
            Self::Done { .. } => Some("done"),
            Self::Skip => Some("skipped"),
        }
    }

    /// Whether the entry is finished by it, and the next one's turn has come.
    pub(super) const fn finishes(&self) -> bool {
        match self {
            Self::Resume | Self::Absent => false,
            Self::Done { .. } | Self::Skip => true,
        }
    }

    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Done { reference } => Some(reference),
            Self::Resume | Self::Absent | Self::Skip => None,
        }
    }
}

/// A decision with who made it and why, and what the conversation is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Which entry.
    pub id: EntryId,
    /// Whether it was in doubt when it was looked at. If that has changed since, the decision was about something else.
    pub in_doubt: bool,
    /// What.
    pub decision: Decision,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
    /// The group whose events tell about it.
    pub group: &'static str,
    /// What the conversation is told, in order; a relay publishes it.
    pub outgoing: Vec<NewRecord>,
}

/// Something that a person did by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Who.
    pub who: String,
    /// What, as `<tool>.<verb>`.
    pub what: &'static str,
    /// With what.
    pub subject: String,
    /// Why.
    pub why: String,
}
