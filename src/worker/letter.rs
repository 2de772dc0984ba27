//! A dead letter: the record that could not be worked on, with where it came from and why in its headers. Pure.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    bus::{Headers, NewRecord, Record},
    codec::{self, ENVELOPE, EVENT_ID, PAYLOAD_BYTES_MAX, TRACEPARENT},
    event::{EventId, ID_BYTES_MAX},
    topics,
};

/// How often a record may be redriven.
pub const REDRIVES_MAX: u32 = 3;
/// How often a record was redriven.
pub(super) const REDRIVE_COUNT: &str = "x-redrive-count";
/// When it failed for the first time; kept over every redrive.
const FIRST_FAILURE: &str = "x-first-failure-ms";
const SAID_BYTES_MAX: usize = 256;
/// Original headers stand behind this. Only the envelope's, and only short ones: a foreign record's own may hold anything.
const ORIGINAL: &str = "x-o-";
const ORIGINAL_BYTES_MAX: usize = 256;

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

/// Why a dead letter is not redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RedriveRefusal {
    /// It was redriven too often.
    #[error("it was redriven {REDRIVES_MAX} times already; mend the cause, or drop it")]
    TooOften,
    /// Its payload is not in the letter.
    #[error("its payload was too large to keep; look it up at its origin")]
    Pointer,
    /// It is no dead letter of ours.
    #[error("it is not on a topic of dead letters")]
    NotALetter,
}

/// The record of a dead letter once more, for the group that could not work on it. Pure.
///
/// # Errors
/// [`RedriveRefusal`] says why it may not be.
pub fn redriven(letter: &Record) -> Result<NewRecord, RedriveRefusal> {
    let topic = topics::redrive_of(&letter.place.topic).ok_or(RedriveRefusal::NotALetter)?;
    if letter.headers.text("x-payload-mode") != Some("raw") {
        return Err(RedriveRefusal::Pointer);
    }
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
    if let Some(first) = number(&letter.headers, FIRST_FAILURE) {
        headers.push(FIRST_FAILURE, first.to_string());
    }
    Ok(NewRecord { topic, key: letter.key.clone(), value: letter.value.clone(), headers })
}

/// The dead letter of a record for a group. A payload or key over the limits is not copied: the headers say where it
/// lies and what its hash is.
pub(super) fn of(group: &'static str, record: &Record, cause: &Cause) -> NewRecord {
    let payload = record.value.as_deref().unwrap_or_default();
    let fits = payload.len() <= PAYLOAD_BYTES_MAX;
    let mut headers = Headers::default();
    headers.push("x-dlq-version", "1");
    headers.push("x-orig-topic", record.place.topic.as_str());
    headers.push("x-orig-partition", record.place.partition.to_string());
    headers.push("x-orig-offset", record.offset.0.to_string());
    headers.push("x-orig-timestamp", record.timestamp_ms.to_string());
    headers.push("x-group", group);
    headers.push("x-worker-version", env!("CARGO_PKG_VERSION"));
    why(&mut headers, record, cause);
    headers.push("x-payload-mode", if fits { "raw" } else { "pointer" });
    headers.push("x-payload-bytes", payload.len().to_string());
    headers.push("x-payload-sha256", hex(&Sha256::digest(payload)));
    if let Some(id) = codec::schema_id(payload) {
        headers.push("x-schema-id", id.to_string());
    }
    if let Some(count) = record.headers.text(REDRIVE_COUNT).and_then(|text| text.parse::<u32>().ok()) {
        headers.push(REDRIVE_COUNT, count.to_string());
    }
    envelope(&mut headers, record);
    NewRecord {
        topic: topics::dead_letters(&record.place.topic, group),
        key: record.key.clone().filter(|key| key.len() <= ID_BYTES_MAX),
        value: record.value.clone().filter(|_| fits),
        headers,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Offset, Topic, TopicPartition};

    fn cause(class: &'static str, first: i64) -> Cause {
        Cause {
            class,
            code: None,
            said: None,
            attempts: 3,
            first_failure_ms: first,
            last_failure_ms: first + 7,
        }
    }

    fn read(letter: NewRecord) -> Record {
        let place = TopicPartition { topic: letter.topic, partition: 3 };
        let NewRecord { key, value, headers, .. } = letter;
        Record { place, offset: Offset(9), timestamp_ms: 1, key, value, headers }
    }

    fn record(key: usize, value: usize) -> Record {
        Record {
            place: TopicPartition { topic: Topic::new("t"), partition: 3 },
            offset: Offset(9),
            timestamp_ms: 1,
            key: Some(vec![b'k'; key]),
            value: Some(vec![b'v'; value]),
            headers: Headers::default(),
        }
    }

    #[test]
    fn a_small_record_is_kept_byte_by_byte_with_its_origin() {
        let letter = of("g", &record(4, 3), &cause("malformed", 100));
        assert_eq!((letter.topic.as_str(), letter.value.as_deref()), ("t.g.dlq", Some(&b"vvv"[..])));
        let header = |name| letter.headers.text(name);
        assert_eq!(header("x-error-class"), Some("malformed"));
        assert_eq!((header("x-orig-partition"), header("x-orig-offset")), (Some("3"), Some("9")));
    }

    #[test]
    fn a_redriven_letter_is_the_record_again_with_its_envelope_and_counts_its_rounds() {
        let mut first = record(4, 3);
        first.headers.push("event-id", "e");
        first.headers.push("authorization", "secret");
        let mut at = first.clone();
        for round in 1..=REDRIVES_MAX {
            let letter = read(of("g", &at, &cause("permanent", 100 * i64::from(round))));
            assert_eq!(letter.headers.text("x-first-failure-ms"), Some("100"), "the first failure of all");
            let last = (100 * round + 7).to_string();
            assert_eq!(letter.headers.text("x-last-failure-ms"), Some(last.as_str()));
            let again = redriven(&letter).unwrap();
            assert_eq!(
                (again.topic.as_str(), &again.key, &again.value),
                ("t.g.redrive", &first.key, &first.value)
            );
            assert_eq!(
                (again.headers.text("event-id"), again.headers.get("authorization")),
                (Some("e"), None)
            );
            assert_eq!(again.headers.text(REDRIVE_COUNT), Some(round.to_string().as_str()));
            at = read(again);
        }
        let last = read(of("g", &at, &cause("permanent", 900)));
        assert_eq!(redriven(&last), Err(RedriveRefusal::TooOften));
        assert_eq!(redriven(&first), Err(RedriveRefusal::NotALetter));
    }

    #[test]
    fn a_payload_over_the_limit_is_pointed_at_and_its_key_only_kept_when_it_is_one() {
        let letter = of("g", &record(ID_BYTES_MAX + 1, PAYLOAD_BYTES_MAX + 1), &cause("too_large", 100));
        assert_eq!((letter.key, letter.value), (None, None));
        assert_eq!(letter.headers.text("x-payload-mode"), Some("pointer"));
        assert_eq!(letter.headers.text("x-payload-sha256").map(str::len), Some(64));
    }
    #[test]
    fn a_letter_says_what_was_tried_and_what_refused_it_and_takes_no_time_from_strangers() {
        let mut foreign = record(4, 6);
        foreign.value = Some(vec![0, 0, 0, 1, 2, 9]);
        foreign.headers.push(FIRST_FAILURE, "5");
        foreign.headers.push("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let cause = Cause {
            code: Some("22021".to_owned()),
            said: Some("ü".repeat(200)),
            ..cause("refused_by_database", 100)
        };
        let letter = of("g", &foreign, &cause);
        let header = |name| letter.headers.text(name);
        assert_eq!((header("x-attempts"), header("x-error-code")), (Some("3"), Some("22021")));
        assert_eq!((header("x-first-failure-ms"), header("x-schema-id")), (Some("100"), Some("258")));
        assert_eq!(header("x-error-msg").map(str::len), Some(256));
        assert_eq!(header("x-trace-parent"), header("x-o-traceparent"));
        foreign.headers.push("traceparent", "call 0912 000 0000");
        foreign.value = Some(b"{}".to_vec());
        let letter = of("g", &foreign, &cause);
        assert_eq!((letter.headers.get("x-trace-parent"), letter.headers.get("x-schema-id")), (None, None));
    }
}
