//! A dead letter: the record that could not be worked on, with where it came from and why in its headers. Pure.

use sha2::{Digest, Sha256};

use crate::{
    bus::{Headers, NewRecord, Record},
    codec::{EVENT_ID, PAYLOAD_BYTES_MAX},
    event::{EventId, ID_BYTES_MAX},
    topics,
};

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
    fn a_payload_over_the_limit_is_pointed_at_and_its_key_only_kept_when_it_is_one() {
        let letter = of("g", &record(ID_BYTES_MAX + 1, PAYLOAD_BYTES_MAX + 1), "too_large");
        assert_eq!((letter.key, letter.value), (None, None));
        assert_eq!(letter.headers.text("x-payload-mode"), Some("pointer"));
        assert_eq!(letter.headers.text("x-payload-sha256").map(str::len), Some(64));
    }
}
