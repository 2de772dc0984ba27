use super::*;
use crate::bus::{Offset, TimestampType, Topic, TopicPartition};

fn keys() -> SealKeys {
    SealKeys::parse("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=").unwrap()
}

fn of(group: &'static str, record: &Record, cause: &Cause) -> NewRecord {
    LetterWriter { worker: "host:1".to_owned(), keys: Arc::new(keys()) }.letter(group, record, cause)
}

fn cause(class: &'static str, first: i64) -> Cause {
    Cause { class, code: None, said: None, attempts: 3, first_failure_ms: first, last_failure_ms: first + 7 }
}

fn read(letter: NewRecord) -> Record {
    let place = TopicPartition { topic: letter.topic, partition: 3 };
    let NewRecord { key, value, headers, .. } = letter;
    let timestamp_type = TimestampType::LogAppendTime;
    Record { place, offset: Offset(9), timestamp_ms: 1, timestamp_type, key, value, headers }
}

fn record(key: usize, value: usize) -> Record {
    Record {
        place: TopicPartition { topic: Topic::new("t"), partition: 3 },
        offset: Offset(9),
        timestamp_ms: 1,
        timestamp_type: TimestampType::LogAppendTime,
        key: Some(vec![b'k'; key]),
        value: Some(vec![b'v'; value]),
        headers: Headers::default(),
    }
}

#[test]
fn a_small_record_is_kept_byte_by_byte_with_its_origin_and_only_its_own_letter_opens_it() {
    let letter = of("g", &record(4, 30), &cause("malformed", 100));
    assert_eq!(letter.topic.as_str(), "t.g.dlq");
    let seen = letter.value.as_deref().unwrap();
    assert!(!seen.windows(2).any(|two| two == b"vv"), "the payload lies open");
    let letter = read(letter);
    assert_eq!(payload_of(&letter, &keys()), Ok(Some(vec![b'v'; 30])));
    let mut moved = letter.clone();
    moved.headers.push("x-orig-offset", "10");
    assert_eq!(payload_of(&moved, &keys()), Err(RedriveRefusal::Sealed(SealError::Broken)));
    let header = |name| letter.headers.text(name);
    let time = (header("x-orig-timestamp"), header("x-orig-timestamp-type"));
    assert_eq!(time, (Some("1"), Some("LogAppendTime")));
    assert_eq!(header("x-orig-key-sha256").map(str::len), Some(64));
    assert_eq!(header("x-worker"), Some("host:1"));
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
        let again = redriven(&letter, &keys()).unwrap();
        assert_eq!(
            (again.topic.as_str(), &again.key, &again.value),
            ("t.g.redrive", &first.key, &first.value)
        );
        assert_eq!((again.headers.text("event-id"), again.headers.get("authorization")), (Some("e"), None));
        assert_eq!(again.headers.text(REDRIVE_COUNT), Some(round.to_string().as_str()));
        let id = redrive_id(&letter);
        assert_eq!(again.headers.text(REDRIVE_ID), Some(id.to_string().as_str()));
        at = read(again);
        assert_eq!(redriven_by(&at), Some(id));
    }
    let last = read(of("g", &at, &cause("permanent", 900)));
    assert_eq!(redriven(&last, &keys()), Err(RedriveRefusal::TooOften));
    assert_eq!(redriven(&first, &keys()), Err(RedriveRefusal::NotALetter));
}

#[test]
fn a_payload_over_the_limit_is_pointed_at_and_its_key_only_kept_when_it_is_one() {
    let letter = of("g", &record(ID_BYTES_MAX + 1, PAYLOAD_BYTES_MAX + 1), &cause("too_large", 100));
    assert_eq!((letter.key, letter.value), (None, None));
    assert_eq!(letter.headers.text("x-payload-mode"), Some("pointer"));
    assert_eq!(letter.headers.text("x-payload-sha256").map(str::len), Some(64));
}

#[test]
fn letters_of_an_earlier_version_and_those_of_no_payload_are_redriven_as_they_were() {
    let mut raw = read(of("g", &record(4, 3), &cause("permanent", 100)));
    raw.headers.push(PAYLOAD_MODE, "raw");
    raw.value = Some(b"as it was".to_vec());
    assert_eq!(redriven(&raw, &keys()).unwrap().value.as_deref(), Some(&b"as it was"[..]));
    let none = Record { value: None, ..record(4, 0) };
    let none = read(of("g", &none, &cause("empty", 100)));
    assert_eq!(redriven(&none, &keys()).unwrap().value, None);
}

#[test]
fn the_id_of_a_redrive_is_that_of_its_letter_and_of_no_later_one_at_its_place() {
    let letter = read(of("g", &record(4, 3), &cause("permanent", 100)));
    assert_eq!(redrive_id(&letter), redrive_id(&letter.clone()));
    let later = Record { timestamp_ms: 2, ..letter.clone() };
    assert_ne!(redrive_id(&letter), redrive_id(&later));
    assert_eq!(letter_name(&letter), "t.g.dlq:3:9@1");
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
