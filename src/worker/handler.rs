//! What a worker is made of: it takes an event and the conversation's state and returns values. It never publishes,
//! commits or sleeps.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    bus::{NewRecord, Record, Topic},
    codec::{self, CodecError, Schemas},
    event::{Envelope, Event},
    store::{NewEntry, StoredReply},
};

/// What a worker reads: one event, or an enum of several.
pub trait Input: Sized + Send + Sync + 'static {
    /// Reads one of the worker's events from a record of one of its topics.
    ///
    /// # Errors
    /// [`CodecError`] when the record is not that event.
    fn decode(schemas: &Schemas, record: &Record) -> Result<Envelope<Self>, CodecError>;
}

impl<E: Event> Input for E {
    fn decode(schemas: &Schemas, record: &Record) -> Result<Envelope<Self>, CodecError> {
        codec::decode(schemas, record)
    }
}

/// One worker's thinking.
pub trait Handler: Send + Sync + 'static {
    /// The consumer group, which is also the worker's name in the topic table.
    const GROUP: &'static str;
    /// What becomes of a conversation one of whose records cannot be worked on.
    const ON_FAILURE: OnFailure = OnFailure::Continue;
    /// What it reads.
    type In: Input;
    /// What it remembers of a conversation.
    type State: Serialize + DeserializeOwned + Default + Send + 'static;

    /// Whether an event is anything to this worker, whatever is remembered of its conversation. What is not is passed by, and
    /// costs the database nothing.
    fn concerns(&self, _input: &Self::In) -> bool {
        true
    }

    /// Works on one event. Called again after a crash or a lost race, so it may not change anything outside.
    fn handle(
        &self,
        input: &Envelope<Self::In>,
        state: Self::State,
    ) -> impl Future<Output = Result<Outcome<Self::State>, HandlerError>> + Send;

    /// How long it may take for one event, its tries included: more than whatever it asks has for an answer. What takes longer
    /// hangs, and is tried again later.
    fn longest(&self) -> Duration {
        LONGEST
    }

    /// Waits until there is room of our own for what follows from this event, as long as it takes.
    fn room(&self, _input: &Envelope<Self::In>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// How long a record waits for what its conversation says next, counted from its own time, when it may be a part only.
    fn may_go_on(&self, _input: &Envelope<Self::In>) -> Option<Duration> {
        None
    }

    /// Whether it stands by itself after all, by what is remembered of the conversation.
    fn stands_alone(&self, _input: &Envelope<Self::In>, _state: &Self::State) -> bool {
        true
    }

    /// Whether the next event of the conversation goes on with this one, by what both say: a replay has to come to the same.
    fn goes_on(&self, _input: &Envelope<Self::In>, _next: &Envelope<Self::In>) -> bool {
        false
    }

    /// What is remembered of an event that goes on in the next one; nothing else happens with it.
    fn begun(&self, _input: &Envelope<Self::In>, state: Self::State) -> Self::State {
        state
    }

    /// The outcome is committed and published: wake whoever waits for it. Nothing else.
    fn settled(&self, _input: &Envelope<Self::In>) {}
}

/// How long a handler may take for one event, its tries included, where it says nothing else. Shorter than a stop waits.
const LONGEST: Duration = Duration::from_secs(10);
/// What it may take beside a system's own deadline.
const BESIDE: Duration = Duration::from_secs(5);

/// How long a handler may take that asks a server which has this deadline.
pub fn longer_than(deadline: Duration) -> Duration {
    deadline.saturating_add(BESIDE).max(LONGEST)
}

/// What becomes of a conversation one of whose records cannot be worked on, after all tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The record becomes a dead letter and the next one is worked on: none of them hangs on another.
    Continue,
    /// The conversation waits for a person: what follows may hang on what failed.
    Hold,
}

/// What a handler wants to happen.
#[derive(Debug)]
pub struct Outcome<S> {
    /// The new state; `None` leaves it.
    pub state: Option<S>,
    /// The events that follow, in order.
    pub emit: Vec<Emit>,
    /// Replies to keep for their channel.
    pub replies: Vec<StoredReply>,
    /// Writes to systems that are intended: they commit with everything else and are sent afterwards.
    pub entries: Vec<NewEntry>,
}

impl<S> Outcome<S> {
    /// Nothing changes and nothing follows.
    pub(super) fn is_empty(&self) -> bool {
        self.state.is_none() && self.emit.is_empty() && self.replies.is_empty() && self.entries.is_empty()
    }
}

impl<S> Default for Outcome<S> {
    fn default() -> Self {
        Self { state: None, emit: Vec::new(), replies: Vec::new(), entries: Vec::new() }
    }
}

type Encode = Box<dyn FnOnce(&Schemas, Envelope<()>) -> Result<NewRecord, CodecError> + Send>;

/// An event that follows, waiting for its envelope.
pub struct Emit(Encode);

impl Emit {
    /// An event for a topic.
    pub fn new<E: Event>(topic: &'static str, event: E) -> Self {
        Self(Box::new(move |schemas, bare| codec::encode(schemas, Topic::new(topic), &bare.map(|()| event))))
    }

    pub(super) fn encode(self, schemas: &Schemas, bare: Envelope<()>) -> Result<NewRecord, CodecError> {
        (self.0)(schemas, bare)
    }
}

impl std::fmt::Debug for Emit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emit")
    }
}

/// Why a handler has no outcome.
#[derive(Debug, Error)]
pub enum HandlerError {
    /// It may succeed in a moment.
    #[error("the handler cannot work just now: {0}")]
    Transient(&'static str),
    /// It never will.
    #[error("the handler cannot work on this event: {0}")]
    Permanent(&'static str),
}
