//! The contract of a system that is written to: it says how sure a repeat is, it says of every attempt whether something
//! may have been written, and it can be asked afterwards. It knows no outbox and decides nothing.

use std::time::Duration;

use futures_util::future::BoxFuture;
use peyvand::event::Operation;

use crate::{target::TargetError, write::Write};

/// What makes a second attempt safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// The system keeps our key and takes the same request once.
    Key,
    /// The record has our key for its own: writing it again changes nothing.
    Upsert,
    /// Our key is in a field that can be searched, and what was written can be seen after this time at the latest.
    Search {
        /// How long something written may stay unseen.
        visible_within: Duration,
    },
    /// Nothing does: what was sent once is never sent again.
    Blind,
}

/// What one attempt to write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The system has it, under this number.
    Done {
        /// The system's number.
        reference: String,
    },
    /// The system understood and will not have it, now or later.
    Refused {
        /// Why, as a bounded word.
        class: &'static str,
    },
    /// Nothing was written.
    NotSent(TargetError),
    /// Something may have been written.
    MaybeSent(TargetError),
}

/// What the system says about a write when it is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It has it, under this number.
    Found {
        /// The system's number.
        reference: String,
    },
    /// It has something else under our key.
    Different,
    /// It has nothing under our key at this moment.
    Absent,
    /// It cannot say.
    CannotTell(TargetError),
}

/// One kind of write in one system.
pub trait Writer: Send + Sync {
    /// What is written.
    fn operation(&self) -> Operation;

    /// What makes a second attempt safe.
    fn capability(&self) -> Capability;

    /// Writes, once. It ends within the target's deadline.
    fn send<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Sent>;

    /// Asks for what was written under the write's key. It ends within the target's deadline.
    fn reconcile<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Looked>;
}
