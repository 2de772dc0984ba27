//! A dead letter: the record that could not be worked on, its payload sealed, with where it came from and why in its headers.
//! No clock and no IO; only the nonce of a seal is random.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    bus::{Headers, NewRecord, Record},
    codec::{self, ENVELOPE, EVENT_ID, PAYLOAD_BYTES_MAX, TRACEPARENT},
    event::{EventId, ID_BYTES_MAX},
    seal::{SealError, SealKeys},
    topics,
};

/// How often a record may be redriven.
pub const REDRIVES_MAX: u32 = 3;
/// How often a record was redriven.
pub(super) const REDRIVE_COUNT: &str = "x-redrive-count";
/// Which redrive it came by.
const REDRIVE_ID: &str = "x-redrive-id";
/// The name space of the ids of redrives. Never changed: the same redrive has the same id in every version.
const REDRIVES: Uuid = Uuid::from_u128(0x7f1c_5a0e_93d2_4c48_a5b7_0d6e_2f88_c3b1);
/// When it failed for the first time; kept over every redrive.
const FIRST_FAILURE: &str = "x-first-failure-ms";
const PAYLOAD_MODE: &str = "x-payload-mode";
const KEY_ID: &str = "x-payload-key-id";
const SAID_BYTES_MAX: usize = 256;
/// Original headers stand behind this. Only the envelope's, and only short ones: a foreign record's own may hold anything.
const ORIGINAL: &str = "x-o-";
const ORIGINAL_BYTES_MAX: usize = 256;
/// What a seal is about: a payload opens in no other letter than the one of this record for this group.
const ABOUT: [&str; 4] = ["x-orig-topic", "x-orig-partition", "x-orig-offset", "x-group"];

/// Why a record is a dead letter, in words that are safe for everybody.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// One of a closed set.
    pub(super) class: &'static str,
    /// The code of whoever refused it.
    pub(super) code: Option<String>,
    /// What our own code says about it; never anything of the record's.
    pub(super) said: Option<String>,
    /// How often it was tried in this process.
    pub(super) attempts: u32,
    /// When it failed first and last in this process, milliseconds since 1970-01-01 UTC.
    pub(super) first_failure_ms: i64,
    pub(super) last_failure_ms: i64,
}

/// Why a dead letter is not redriven, or its payload not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedriveRefusal {
    /// It was redriven too often.
    #[error("it was redriven {REDRIVES_MAX} times already; mend the cause, or drop it")]
    TooOften,
    /// Its payload is not in the letter.
    #[error("its payload was too large to keep; look it up at its origin")]
    Pointer,
    /// Its payload is in the letter and cannot be opened.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// It is no dead letter of ours.
    #[error("it is not on a topic of dead letters")]
    NotALetter,
}

/// How a letter keeps its payload.
enum Mode {
    /// As it was, by an earlier version.
    Raw,
    /// Sealed with one of the installation's keys.
    Sealed,
    /// Not at all: the headers say where it lies.
    Pointer,
}

impl Mode {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Sealed => "sealed",
            Self::Pointer => "pointer",
        }
    }

    fn of(letter: &Record) -> Option<Self> {
        let said = letter.headers.text(PAYLOAD_MODE)?;
        [Self::Raw, Self::Sealed, Self::Pointer].into_iter().find(|mode| mode.as_str() == said)
    }
}

/// Writes the dead letters of a process.
#[derive(Clone, Debug)]
pub struct LetterWriter {
    /// What the process is called in them, such as `HOST:PID`.
    pub worker: String,
    /// What their payloads are sealed with.
    pub keys: Arc<SealKeys>,
}

/// A letter itself, and no later one at its place: `TOPIC:PARTITION:OFFSET@MILLISECONDS`, the time being when it was put there.
pub fn letter_name(letter: &Record) -> String {
    let Record { place, offset, timestamp_ms, .. } = letter;
    format!("{}:{}:{}@{timestamp_ms}", place.topic, place.partition, offset.0)
}

/// The id of a letter's redrive: the same however often it is begun, so that a second record of it is known for one.
pub fn redrive_id(letter: &Record) -> Uuid {
    Uuid::new_v5(&REDRIVES, letter_name(letter).as_bytes())
}

/// The id of the redrive that a record came by.
pub fn redriven_by(record: &Record) -> Option<Uuid> {
    record.headers.text(REDRIVE_ID)?.parse().ok()
}

/// The payload of a letter as it was; `None` when the record had none.
///
/// # Errors
/// [`RedriveRefusal`] says why it cannot be had.
pub fn payload_of(letter: &Record, keys: &SealKeys) -> Result<Option<Vec<u8>>, RedriveRefusal> {
    match Mode::of(letter).ok_or(RedriveRefusal::NotALetter)? {
        Mode::Pointer => Err(RedriveRefusal::Pointer),
        Mode::Raw => Ok(letter.value.clone()),
        Mode::Sealed => {
            let Some(sealed) = &letter.value else { return Ok(None) };
            let key_id = letter.headers.text(KEY_ID).ok_or(SealError::Broken)?;
            Ok(Some(keys.open(key_id, &about(&letter.headers), sealed)?))
        }
    }
}

/// The record of a dead letter once more, for the group that could not work on it.
///
/// # Errors
/// [`RedriveRefusal`] says why it may not be.
pub fn redriven(letter: &Record, keys: &SealKeys) -> Result<NewRecord, RedriveRefusal> {
    let topic = topics::redrive_of(&letter.place.topic).ok_or(RedriveRefusal::NotALetter)?;
    let value = payload_of(letter, keys)?;
    let count: u32 = letter.headers.text(REDRIVE_COUNT).and_then(|text| text.parse().ok()).unwrap_or(0);
    if count >= REDRIVES_MAX {
        return Err(RedriveRefusal::TooOften);
    }
    let mut headers = Headers::default();
    for (name, value) in &letter.headers.0 {
        if let Some(name) = name.strip_prefix(ORIGINAL) {
            headers.push(name, value.as_slice());
        }
    }
    headers.push(REDRIVE_COUNT, (count + 1).to_string());
    headers.push(REDRIVE_ID, redrive_id(letter).to_string());
    if let Some(first) = number(&letter.headers, FIRST_FAILURE) {
        headers.push(FIRST_FAILURE, first.to_string());
    }
    Ok(NewRecord { topic, key: letter.key.clone(), value, headers })
}

impl LetterWriter {
    /// The dead letter of a record for a group. A payload or key over the limits is not copied: the headers say where it
    /// lies and what its hash is. Nor is a payload that cannot be sealed.
    pub(super) fn letter(&self, group: &'static str, record: &Record, cause: &Cause) -> NewRecord {
        let mut headers = Headers::default();
        headers.push("x-dlq-version", "2");
        origin(&mut headers, record);
        headers.push("x-group", group);
        headers.push("x-worker", self.worker.as_str());
        headers.push("x-worker-version", env!("CARGO_PKG_VERSION"));
        why(&mut headers, record, cause);
        let value = self.payload(&mut headers, record);
        if let Some(count) = record.headers.text(REDRIVE_COUNT).and_then(|text| text.parse::<u32>().ok()) {
            headers.push(REDRIVE_COUNT, count.to_string());
        }
        if let Some(id) = redriven_by(record) {
            headers.push(REDRIVE_ID, id.to_string());
        }
        envelope(&mut headers, record);
        NewRecord {
            topic: topics::dead_letters(&record.place.topic, group),
            key: record.key.clone().filter(|key| key.len() <= ID_BYTES_MAX),
            value,
            headers,
        }
    }

    /// What is kept of the payload, and how.
    fn payload(&self, headers: &mut Headers, record: &Record) -> Option<Vec<u8>> {
        let payload = record.value.as_deref().unwrap_or_default();
        headers.push("x-payload-bytes", payload.len().to_string());
        if let Some(id) = codec::schema_id(payload) {
            headers.push("x-schema-id", id.to_string());
        }
        if record.value.is_none() {
            headers.push(PAYLOAD_MODE, Mode::Sealed.as_str());
            return None;
        }
        let fits = payload.len() <= PAYLOAD_BYTES_MAX;
        let sealed = fits.then(|| self.keys.seal(&about(headers), payload)).flatten();
        let mode = sealed.as_ref().map_or(Mode::Pointer, |_| Mode::Sealed);
        headers.push(PAYLOAD_MODE, mode.as_str());
        let Some(sealed) = sealed else {
            // It tells the one at the origin from another. Beside a seal it would let anybody try what is under it.
            headers.push("x-payload-sha256", hex(&Sha256::digest(payload)));
            return None;
        };
        headers.push(KEY_ID, sealed.key_id.as_str());
        Some(sealed.bytes)
    }
}

fn about(headers: &Headers) -> Vec<u8> {
    let values = ABOUT.map(|name| headers.get(name).unwrap_or_default());
    values.join(&b'\n')
}

fn origin(headers: &mut Headers, record: &Record) {
    headers.push("x-orig-topic", record.place.topic.as_str());
    headers.push("x-orig-partition", record.place.partition.to_string());
    headers.push("x-orig-offset", record.offset.0.to_string());
    headers.push("x-orig-timestamp", record.timestamp_ms.to_string());
    headers.push("x-orig-timestamp-type", record.timestamp_type.as_str());
    if let Some(key) = &record.key {
        headers.push("x-orig-key-sha256", hex(&Sha256::digest(key)));
    }
}

fn why(headers: &mut Headers, record: &Record, cause: &Cause) {
    headers.push("x-error-class", cause.class);
    if let Some(code) = &cause.code {
        headers.push("x-error-code", code.as_str());
    }
    if let Some(said) = &cause.said {
        let end = (0..=SAID_BYTES_MAX.min(said.len())).rev().find(|end| said.is_char_boundary(*end));
        headers.push("x-error-msg", &said[..end.unwrap_or_default()]);
    }
    headers.push("x-attempts", cause.attempts.to_string());
    // Only our own redriven records have failed before; what another program writes there is its own affair.
    let before = topics::is_redrive(&record.place.topic).then(|| number(&record.headers, FIRST_FAILURE));
    let first = before.flatten().map_or(cause.first_failure_ms, |before| before.min(cause.first_failure_ms));
    headers.push(FIRST_FAILURE, first.to_string());
    headers.push("x-last-failure-ms", cause.last_failure_ms.to_string());
}

fn envelope(headers: &mut Headers, record: &Record) {
    for name in ENVELOPE {
        let value =
            record.headers.text(name).filter(|value| value.len() <= ORIGINAL_BYTES_MAX && value.is_ascii());
        if let Some(value) = value {
            headers.push(format!("{ORIGINAL}{name}"), value);
        }
    }
    if let Some(trace) = record.headers.text(TRACEPARENT).filter(|trace| is_trace_parent(trace)) {
        headers.push("x-trace-parent", trace);
    }
    if let Some(id) = record.headers.text(EVENT_ID).and_then(|id| EventId::try_from(id.to_owned()).ok()) {
        headers.push("x-event-id", id.to_string());
    }
}

/// W3C's `version-trace-parent-flags`, in hexadecimal digits.
fn is_trace_parent(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([2, 32, 16, 2]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn number(headers: &Headers, name: &str) -> Option<i64> {
    headers.text(name)?.parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
