//! A dead letter: the record that could not be worked on, with where it came from and why in its headers. Pure.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    bus::{Headers, NewRecord, Record},
    codec::{ENVELOPE, EVENT_ID, PAYLOAD_BYTES_MAX},
    event::{EventId, ID_BYTES_MAX},
    topics,
};

/// How often a record may be redriven.
pub const REDRIVES_MAX: u32 = 3;
/// How often a record was redriven.
pub(super) const REDRIVE_COUNT: &str = "x-redrive-count";
/// Original headers stand behind this. Only the envelope's, and only short ones: a foreign record's own may hold anything.
const ORIGINAL: &str = "x-o-";
const ORIGINAL_BYTES_MAX: usize = 256;

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
    Ok(NewRecord { topic, key: letter.key.clone(), value: letter.value.clone(), headers })
}

/// The dead letter of a record for a group. A payload or key over the limits is not copied: the headers say where it
/// lies and what its hash is.
pub(super) fn of(group: &'static str, record: &Record, class: &'static str) -> NewRecord {
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
    headers.push("x-error-class", class);
    headers.push("x-payload-mode", if fits { "raw" } else { "pointer" });
    headers.push("x-payload-bytes", payload.len().to_string());
    headers.push("x-payload-sha256", hex(&Sha256::digest(payload)));
    if let Some(count) = record.headers.text(REDRIVE_COUNT).and_then(|text| text.parse::<u32>().ok()) {
        headers.push(REDRIVE_COUNT, count.to_string());
    }
    for name in ENVELOPE {
        let value =
            record.headers.text(name).filter(|value| value.len() <= ORIGINAL_BYTES_MAX && value.is_ascii());
        if let Some(value) = value {
            headers.push(format!("{ORIGINAL}{name}"), value);
        }
    }
    if let Some(id) = record.headers.text(EVENT_ID).and_then(|id| EventId::try_from(id.to_owned()).ok()) {
        headers.push("x-event-id", id.to_string());
    }
    NewRecord {
        topic: topics::dead_letters(&record.place.topic, group),
        key: record.key.clone().filter(|key| key.len() <= ID_BYTES_MAX),
        value: record.value.clone().filter(|_| fits),
        headers,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Offset, Topic, TopicPartition};

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
        let letter = of("g", &record(4, 3), "malformed");
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
            let letter = of("g", &at, "permanent");
            let lies = Record {
                place: TopicPartition { topic: letter.topic, partition: 3 },
                key: letter.key,
                value: letter.value,
                headers: letter.headers,
                ..at
            };
            let again = redriven(&lies).unwrap();
            assert_eq!(
                (again.topic.as_str(), &again.key, &again.value),
                ("t.g.redrive", &first.key, &first.value)
            );
            assert_eq!(
                (again.headers.text("event-id"), again.headers.get("authorization")),
                (Some("e"), None)
            );
            assert_eq!(again.headers.text(REDRIVE_COUNT), Some(round.to_string().as_str()));
            at = Record {
                place: TopicPartition { topic: again.topic, partition: 3 },
                key: again.key,
                value: again.value,
                headers: again.headers,
                ..lies
            };
        }
        let letter = of("g", &at, "permanent");
        let place = TopicPartition { topic: letter.topic, partition: 3 };
        let last = Record { place, key: letter.key, value: letter.value, headers: letter.headers, ..at };
        assert_eq!(redriven(&last), Err(RedriveRefusal::TooOften));
        assert_eq!(redriven(&first), Err(RedriveRefusal::NotALetter));
    }

    #[test]
    fn a_payload_over_the_limit_is_pointed_at_and_its_key_only_kept_when_it_is_one() {
        let letter = of("g", &record(ID_BYTES_MAX + 1, PAYLOAD_BYTES_MAX + 1), "too_large");
        assert_eq!((letter.key, letter.value), (None, None));
        assert_eq!(letter.headers.text("x-payload-mode"), Some("pointer"));
        assert_eq!(letter.headers.text("x-payload-sha256").map(str::len), Some(64));
    }
}
