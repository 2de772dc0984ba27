//! Facts that are true because they were read from the log: an event is published only after the commit that made it.

use std::ops::Deref;

use super::{CodecError, Schemas, decode};
use crate::{
    bus::Record,
    event::{Envelope, Event},
};

/// An event that was read from the log, and so was committed before. Nothing else can make one, so whoever demands it,
/// as the words "it is done" do, cannot be given a hope instead of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed<E>(E);

impl<E> Deref for Committed<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.0
    }
}

/// Reads an event from a record, as a fact.
///
/// # Errors
/// [`CodecError`], one kind for each way in which a record can be wrong.
pub fn decode_committed<E: Event>(
    schemas: &Schemas,
    record: &Record,
) -> Result<Envelope<Committed<E>>, CodecError> {
    Ok(decode(schemas, record)?.map(Committed))
}
