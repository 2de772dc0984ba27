use std::{fs, path::Path};

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};
use proptest::prelude::*;

use super::*;
use crate::{
    bus::{Offset, TimestampType, TopicPartition},
    event::{
        CHANNEL_BYTES_MAX, CHANNEL_MESSAGE_ID_BYTES_MAX, DeliveryUpdated, MessageReceived, OperationUpdated,
        ReplyReady, TurnDecided,
    },
};

pub(super) fn envelope<E>(event: E) -> Envelope<E> {
    let id = EventId::of_message("web", "demo", "1");
    Envelope {
        event_id: id.derived("test", 0),
        correlation_id: id,
        causation_id: Some(id),
        occurred_at_ms: 1_795_000_000_000,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        event,
    }
}

fn read_back(record: NewRecord) -> Record {
    Record {
        place: TopicPartition { topic: record.topic, partition: 0 },
        offset: Offset(7),
        timestamp_ms: 1,
        timestamp_type: TimestampType::default(),
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}

fn message() -> MessageReceived {
    let text = fs::read_to_string("schemas/examples/message_received.persian.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

fn message_record() -> Record {
    read_back(encode(&Schemas::embedded(), Topic::new("t"), &envelope(message())).unwrap())
}

fn round_trip<E: Event + PartialEq + std::fmt::Debug>(json: &str) {
    let sent = envelope(serde_json::from_str::<E>(json).unwrap());
    let got = decode::<E>(
        &Schemas::embedded(),
        &read_back(encode(&Schemas::embedded(), Topic::new("t"), &sent).unwrap()),
    )
    .unwrap();
    assert_eq!((&got.event, got.causation_id), (&sent.event, sent.causation_id));
}

#[test]
fn every_example_is_written_and_read_back_as_it_was() {
    let mut seen = 0;
    for entry in fs::read_dir("schemas/examples").unwrap() {
        let path = entry.unwrap().path();
        let json = fs::read_to_string(&path).unwrap();
        match path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap() {
            "message_received" => round_trip::<MessageReceived>(&json),
            "turn_decided" => round_trip::<TurnDecided>(&json),
            "operation_updated" => round_trip::<OperationUpdated>(&json),
            "reply_ready" => round_trip::<ReplyReady>(&json),
            "delivery_updated" => round_trip::<DeliveryUpdated>(&json),
            other => panic!("{other} is no event"),
        }
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} examples");
}

/// A message as another program writes it, with these texts of its channel's.
fn foreign_message(channel: &str, channel_message_id: &str) -> Record {
    let text = |text: &str| {
        let mut bytes = varint(text.len());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    let mut record = message_record();
    let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
    let prefix = record.value.unwrap()[..PREFIX].to_vec();
    let parts = ["demo", &key, channel, channel_message_id, "hi"].map(text).concat();
    // No language.
    record.value = Some([&prefix[..], &parts, &[0]].concat());
    record
}

/// A length as Avro writes it.
fn varint(length: usize) -> Vec<u8> {
    let mut rest = length << 1;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

#[test]
fn a_message_whose_channel_or_id_is_empty_too_long_or_of_two_lines_is_malformed() {
    let read = |channel: &str, id: &str| {
        decode::<MessageReceived>(&Schemas::embedded(), &foreign_message(channel, id)).map(|_| ())
    };
    let (channel, id) = ("c".repeat(CHANNEL_BYTES_MAX), "m".repeat(CHANNEL_MESSAGE_ID_BYTES_MAX));
    assert_eq!(read(&channel, &id), Ok(()));
    for (channel, id) in [
        ("", "m"),
        ("c", ""),
        ("c\nd", "m"),
        ("c", "m\n"),
        (&format!("{channel}c"), "m"),
        ("c", &format!("{id}m")),
    ] {
        assert_eq!(read(channel, id), Err(CodecError::Malformed), "{channel:?} {id:?}");
    }
}

#[test]
fn the_current_schemas_read_every_released_one() {
    let mut seen = 0;
    for entry in fs::read_dir("schemas/released").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
        let released = Schema::parse_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let current = fs::read_to_string(Path::new("schemas").join(format!("{name}.avsc"))).unwrap();
        let current = Schema::parse_str(&current).unwrap();
        SchemaCompatibility::can_read(&released, &current).unwrap();
        seen += 1;
    }
    assert!(seen >= 5);
}

#[test]
fn a_message_cut_at_any_byte_is_refused() {
    let whole = message_record();
    let bytes = whole.value.clone().unwrap();
    for length in 0..bytes.len() {
        let cut = Record { value: Some(bytes[..length].to_vec()), ..whole.clone() };
        assert!(decode::<MessageReceived>(&Schemas::embedded(), &cut).is_err(), "{length} bytes were taken");
    }
}

#[test]
fn each_kind_of_rubbish_is_refused_for_its_own_reason() {
    let good = message_record();
    let with = |value: Option<Vec<u8>>| Record { value, ..good.clone() };
    let refused = |record: Record| decode::<MessageReceived>(&Schemas::embedded(), &record).unwrap_err();
    let bytes = good.value.clone().unwrap();
    assert_eq!(refused(with(None)), CodecError::Empty);
    assert_eq!(refused(with(Some(b"{\"text\":\"hi\"}".to_vec()))), CodecError::NotAvro);
    assert_eq!(refused(with(Some(vec![0, 0, 0, 0, 9, 1]))), CodecError::UnknownSchema(9));
    assert_eq!(refused(with(Some(vec![0; PAYLOAD_BYTES_MAX + 1]))), CodecError::TooLarge);
    assert_eq!(refused(with(Some([bytes.as_slice(), &[0]].concat()))), CodecError::TrailingBytes);
    assert_eq!(refused(Record { key: Some(b"other".to_vec()), ..good.clone() }), CodecError::WrongKey);
    assert_eq!(
        decode::<ReplyReady>(&Schemas::embedded(), &good).unwrap_err(),
        CodecError::WrongEvent("ReplyReady")
    );
}

#[test]
fn a_message_of_a_client_without_headers_gets_the_id_of_its_channel_message() {
    let bare = Record { headers: Headers::default(), ..message_record() };
    let got = decode::<MessageReceived>(&Schemas::embedded(), &bare).unwrap();
    assert_eq!(got.event_id, EventId::of_message("web", "demo", "m-1"));
    assert_eq!((got.correlation_id, got.occurred_at_ms), (got.event_id, 1));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let value = [&[0, 0, 0, 3, 233][..], &body].concat();
        let _any = decode::<MessageReceived>(&Schemas::embedded(), &Record { value: Some(value), ..message_record() });
    }
}
