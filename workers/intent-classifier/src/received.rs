//! What the worker reads: what a person says, and what came of what was decided, so that a word may point back to it.

use peyvand::{
    bus::Record,
    codec::{self, CodecError, Schemas},
    event::{Envelope, EventId, MessageReceived, OperationUpdated},
    topics,
    worker::Input,
};

/// One event that the worker reads.
pub enum Received {
    /// A person says something.
    Message(Box<MessageReceived>),
    /// An operation took a step.
    Operation(Box<OperationUpdated>),
}

impl Input for Received {
    fn decode(schemas: &Schemas, record: &Record) -> Result<Envelope<Self>, CodecError> {
        if topics::origin(&record.place.topic) == topics::OPERATION_UPDATED {
            return Ok(codec::decode(schemas, record)?.map(|event| Self::Operation(Box::new(event))));
        }
        Ok(codec::decode(schemas, record)?.map(|event| Self::Message(Box::new(event))))
    }
}

/// A message with what its envelope says of it.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) id: EventId,
    pub(crate) occurred_at_ms: i64,
    pub(crate) event: &'a MessageReceived,
}

impl<'a> Message<'a> {
    /// `None` when it is no message of a person.
    pub(crate) fn of(input: &'a Envelope<Received>) -> Option<Self> {
        match &input.event {
            Received::Message(event) => {
                Some(Self { id: input.event_id, occurred_at_ms: input.occurred_at_ms, event })
            }
            Received::Operation(_) => None,
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.event.text.expose()
    }
}
