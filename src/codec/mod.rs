//! Events as bytes on the wire: Confluent's format (a zero byte, four bytes of schema id, the Avro datum), with the
//! envelope in the headers. Decoding trusts nothing: it reads with the writer's schema straight into the event, takes
//! the whole input and caps every allocation. Only `registry` touches the network.

mod committed;
mod doubts;
mod inspect;
mod masked;
mod registry;
mod schemas;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use apache_avro::util::max_allocation_bytes;
use thiserror::Error;

pub use committed::{Committed, decode_committed};
pub use inspect::Flaw;
pub use masked::masked;
pub use registry::{Registry, RegistryConfig, RegistryError};
pub use schemas::{Learned, RELEASED, Released, Schemas, newest};

use crate::{
    bus::{Headers, NewRecord, Record, Topic},
    event::{ConversationId, Envelope, Event, EventId},
};

/// Largest payload and largest single allocation while decoding, in bytes. With its headers and key, a record of this
/// size fits into the log's limit of 1 MiB, as an event and as a dead letter.
pub const PAYLOAD_BYTES_MAX: usize = (1 << 20) - (64 << 10);
/// Largest sum of header names and values, in bytes.
pub const HEADER_BYTES_MAX: usize = 8 << 10;

const MAGIC: u8 = 0;
const PREFIX: usize = 5;

pub(crate) const EVENT_ID: &str = "event-id";
const EVENT_TYPE: &str = "event-type";
const CORRELATION_ID: &str = "correlation-id";
const CAUSATION_ID: &str = "causation-id";
const OCCURRED_AT_MS: &str = "occurred-at-ms";
pub(crate) const TRACEPARENT: &str = "traceparent";
/// The headers of an envelope.
pub(crate) const ENVELOPE: &[&str] =
    &[EVENT_ID, EVENT_TYPE, CORRELATION_ID, CAUSATION_ID, OCCURRED_AT_MS, TRACEPARENT];

/// Why a record is not the event it should be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CodecError {
    /// No payload, or fewer bytes than the prefix.
    #[error("the record has no payload of at least {PREFIX} bytes")]
    Empty,
    /// Too large a payload or too large headers.
    #[error("the record's payload or headers are over the limit")]
    TooLarge,
    /// The first byte is not zero.
    #[error("the payload is not in Confluent's wire format: its first byte is not 0")]
    NotAvro,
    /// Nobody knows the schema id.
    #[error("schema id {0} is unknown")]
    UnknownSchema(u32),
    /// The schema with this id is not one to read with.
    #[error("the schema with id {0} is refused: {reason}", reason = .1.as_str())]
    RefusedSchema(u32, Flaw),
    /// A schema of another event.
    #[error("the payload is written with the schema of another event; {0} is expected here")]
    WrongEvent(&'static str),
    /// The datum does not fit its schema.
    #[error("the payload does not fit its schema")]
    Malformed,
    /// Bytes after the datum.
    #[error("the payload has bytes after its end")]
    TrailingBytes,
    /// A header that is missing or cannot be read.
    #[error("the header {0} is missing or cannot be read")]
    Header(&'static str),
    /// The key is not the conversation.
    #[error("the record's key is not its conversation id")]
    WrongKey,
}

impl CodecError {
    /// A bounded label for metrics and dead letters.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::NotAvro => "not_avro",
            Self::UnknownSchema(_) => "unknown_schema",
            Self::RefusedSchema(_, Flaw::Incompatible) => "incompatible_schema",
            Self::RefusedSchema(_, Flaw::NotOurs) => "wrong_event",
            Self::RefusedSchema(
                _,
                Flaw::Unreadable | Flaw::TooLarge | Flaw::Recursive | Flaw::Weightless,
            ) => "refused_schema",
            Self::WrongEvent(_) => "wrong_event",
            Self::Malformed => "malformed",
            Self::TrailingBytes => "trailing_bytes",
            Self::Header(_) => "header",
            Self::WrongKey => "wrong_key",
        }
    }
}

/// Makes a record of an event.
///
/// # Errors
/// [`CodecError::Malformed`] when the event does not fit its own schema, [`CodecError::TooLarge`] when it is too large.
pub fn encode<E: Event>(
    schemas: &Schemas,
    topic: Topic,
    envelope: &Envelope<E>,
) -> Result<NewRecord, CodecError> {
    let current = schemas.current(E::NAME)?;
    let mut value = vec![MAGIC];
    value.extend_from_slice(&current.id.to_be_bytes());
    current.writer.write_ser(&mut value, &envelope.event).map_err(|_| CodecError::Malformed)?;
    if value.len() > PAYLOAD_BYTES_MAX {
        return Err(CodecError::TooLarge);
    }
    let mut headers = Headers::default();
    headers.push(EVENT_ID, envelope.event_id.to_string());
    headers.push(EVENT_TYPE, E::NAME);
    headers.push(CORRELATION_ID, envelope.correlation_id.to_string());
    if let Some(cause) = envelope.causation_id {
        headers.push(CAUSATION_ID, cause.to_string());
    }
    headers.push(OCCURRED_AT_MS, envelope.occurred_at_ms.to_string());
    if let Some(traceparent) = &envelope.traceparent {
        headers.push(TRACEPARENT, traceparent.as_str());
    }
    let key = envelope.event.conversation_id().as_str().as_bytes().to_vec();
    Ok(NewRecord { topic, key: Some(key), value: Some(value), headers })
}

/// Reads an event from a record.
///
/// # Errors
/// [`CodecError`], one kind for each way in which a record can be wrong.
pub fn decode<E: Event>(schemas: &Schemas, record: &Record) -> Result<Envelope<E>, CodecError> {
    if record.headers.size() > HEADER_BYTES_MAX {
        return Err(CodecError::TooLarge);
    }
    let event: E = datum(schemas, record.value.as_deref().ok_or(CodecError::Empty)?)?;
    if record.key.as_deref() != Some(event.conversation_id().as_str().as_bytes()) {
        return Err(CodecError::WrongKey);
    }
    let event_id = match event.own_id() {
        Some(id) => id,
        None => id_header(record, EVENT_ID)?.ok_or(CodecError::Header(EVENT_ID))?,
    };
    let occurred_at_ms = match record.headers.text(OCCURRED_AT_MS) {
        Some(text) => text.parse().map_err(|_| CodecError::Header(OCCURRED_AT_MS))?,
        None => record.timestamp_ms,
    };
    Ok(Envelope {
        event_id,
        correlation_id: id_header(record, CORRELATION_ID)?.unwrap_or(event_id),
        causation_id: id_header(record, CAUSATION_ID)?,
        occurred_at_ms,
        traceparent: record.headers.text(TRACEPARENT).map(ToOwned::to_owned),
        event,
    })
}

/// The conversation a record claims to belong to: its key, when that is a conversation id.
pub fn conversation_of(record: &Record) -> Option<ConversationId> {
    let key = std::str::from_utf8(record.key.as_deref()?).ok()?;
    ConversationId::parse(key).ok()
}

/// The id of the schema a payload says it is written with.
pub(crate) fn schema_id(payload: &[u8]) -> Option<u32> {
    let ([MAGIC, id @ ..], _) = payload.split_first_chunk::<PREFIX>()? else { return None };
    Some(u32::from_be_bytes(*id))
}

fn datum<E: Event>(schemas: &Schemas, value: &[u8]) -> Result<E, CodecError> {
    let (prefix, body) = value.split_first_chunk::<PREFIX>().ok_or(CodecError::Empty)?;
    if value.len() > PAYLOAD_BYTES_MAX {
        return Err(CodecError::TooLarge);
    }
    let [magic, id @ ..] = *prefix;
    if magic != MAGIC {
        return Err(CodecError::NotAvro);
    }
    let writer = schemas.by_id(u32::from_be_bytes(id))?;
    if writer.event != E::NAME {
        return Err(CodecError::WrongEvent(E::NAME));
    }
    // The first call in a process fixes the limit, so it stands before every decode.
    max_allocation_bytes(PAYLOAD_BYTES_MAX);
    let mut input = Cursor::new(body);
    let event = writer.reader.read_deser(&mut input).map_err(|_| CodecError::Malformed)?;
    if input.position() != body.len() as u64 {
        return Err(CodecError::TrailingBytes);
    }
    Ok(event)
}

fn id_header(record: &Record, name: &'static str) -> Result<Option<EventId>, CodecError> {
    let Some(value) = record.headers.get(name) else { return Ok(None) };
    let text = std::str::from_utf8(value).map_err(|_| CodecError::Header(name))?;
    EventId::try_from(text.to_owned()).map(Some).map_err(|_| CodecError::Header(name))
}
