//! What becomes of records.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use peyvand::bus::{ConsumerEvent, Epoch, Headers, NewRecord, Record, Topic};

use super::backing::{Backing, PARTITIONS, spec};
use super::reader::{Reader, fill, places, record, text};

/// Key, value and headers of one record together.
const LIMIT: usize = 1 << 20;

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub(crate) async fn records_of_one_key_stay_in_order(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    for number in 0..50 {
        producer.send(record(&topic, "k", &number.to_string())).await.unwrap();
    }
    let read = Reader::of(log.join("g")).records(50).await;
    let values: Vec<String> = read.iter().map(|(record, _)| text(record)).collect();
    assert_eq!(values, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    let offsets: Vec<i64> = read.iter().map(|(record, _)| record.offset.0).collect();
    assert_eq!(offsets, (0..50).collect::<Vec<_>>());
}

pub(crate) async fn a_record_arrives_as_it_was_sent(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    let mut headers = Headers::default();
    for (name, value) in [("a", "1"), ("b", ""), ("a", "2"), ("نام", "سلام")] {
        headers.push(name, value);
    }
    let shapes = [
        (Some("k"), Some("v"), Headers::default()),
        (Some("k"), None, headers.clone()),
        (Some("k"), Some(""), headers),
        (Some(""), Some("v"), Headers::default()),
        (None, Some("v"), Headers::default()),
    ];
    let before = now_ms();
    let mut reader = Reader::of(log.join("g"));
    for (key, value, headers) in shapes {
        let new = NewRecord {
            topic: topic.clone(),
            key: key.map(Into::into),
            value: value.map(Into::into),
            headers,
        };
        let (place, offset) = producer.send(new.clone()).await.unwrap();
        let (got, _) = reader.records(1).await.remove(0);
        assert_eq!((&got.place, got.offset), (&place, offset));
        assert_eq!((got.key, got.value, got.headers), (new.key, new.value, new.headers));
        assert!((before..=now_ms()).contains(&got.timestamp_ms), "{before} {}", got.timestamp_ms);
    }
}

/// Hashes from the tests of Kafka's own Java client.
pub(crate) async fn a_key_is_on_the_partition_where_the_java_client_puts_it(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    for (key, hash) in [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ] {
        let (place, _) = producer.send(record(&topic, key, "v")).await.unwrap();
        assert_eq!(place.partition, (hash & i32::MAX) % PARTITIONS, "{key}");
    }
}

pub(crate) async fn a_record_at_the_limit_is_taken_and_one_over_it_refused(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    // Four bytes for the number of headers, one for the key.
    let full = "x".repeat(LIMIT - 5);
    producer.send(record(&topic, "k", &full)).await.unwrap();
    let refused = producer.send(record(&topic, "k", &format!("{full}x"))).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), ("too_large", false));
    producer.send(record(&topic, "k", "next")).await.unwrap();
    let read = Reader::of(log.join("g")).records(2).await;
    assert_eq!((text(&read[0].0).len(), text(&read[1].0).as_str()), (full.len(), "next"));
}

pub(crate) async fn a_record_for_an_unknown_topic_is_refused_and_the_next_is_taken(log: impl Backing) {
    let producer = log.producer();
    let nowhere = Topic::new(format!("{}-nowhere", log.topic()));
    let refused = producer.send(record(&nowhere, "k", "v")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_transient()), ("unknown_topic", false));
    producer.send(record(&log.topic(), "k", "v")).await.unwrap();
}

/// Sends `many` records under each of so many keys: side by side, and those of one key one after the other.
async fn send_lanes(log: &impl Backing, lanes: usize, many: std::ops::Range<usize>) {
    let (producer, topic) = (log.producer(), log.topic());
    let lane = async |lane: usize| {
        for number in many.clone() {
            producer.send(record(&topic, &format!("k{lane}"), &number.to_string())).await.unwrap();
        }
    };
    join_all((0..lanes).map(lane)).await;
}

/// The numbers of each key, in the order they came.
fn by_lane(read: &[(Record, Epoch)]) -> HashMap<Vec<u8>, Vec<usize>> {
    let mut lanes = HashMap::<_, Vec<usize>>::new();
    for (record, _) in read {
        lanes.entry(record.key.clone().unwrap()).or_default().push(text(record).parse().unwrap());
    }
    lanes
}

pub(crate) async fn keys_that_are_sent_side_by_side_keep_their_order(log: impl Backing) {
    send_lanes(&log, 40, 0..25).await;
    let read = Reader::of(log.join("g")).records(1000).await;
    let lanes = by_lane(&read);
    assert_eq!(lanes.len(), 40);
    assert!(lanes.values().all(|lane| *lane == (0..25).collect::<Vec<_>>()), "{lanes:?}");
}

pub(crate) async fn topics_are_made_once_and_never_with_other_partitions(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    producer.send(record(&topic, "k", "v")).await.unwrap();
    log.create_topics(&[spec(&topic, PARTITIONS)]).await.unwrap();
    let other = Topic::new(format!("{topic}-other"));
    let refused = log.create_topics(&[spec(&other, 1), spec(&topic, PARTITIONS + 1)]).await.unwrap_err();
    assert_eq!(refused.kind(), "partitions");
    assert_eq!(log.create_topics(&[spec(&other, 0)]).await.unwrap_err().kind(), "partitions");
    assert_eq!(text(&Reader::of(log.join("g")).records(1).await[0].0), "v");
    log.create_topics(&[spec(&other, 1)]).await.unwrap();
    assert_eq!(producer.send(record(&other, "k", "v")).await.unwrap().0.partition, 0);
}

pub(crate) async fn a_waiting_member_is_woken_by_a_record(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    let mut reader = Reader::of(log.join("g"));
    reader.hold(4).await;
    let (read, sent) = tokio::join!(reader.records(1), producer.send(record(&topic, "k", "late")));
    assert_eq!(sent.unwrap(), (read[0].0.place.clone(), read[0].0.offset));
}

pub(crate) async fn no_more_records_come_than_there_is_room_for(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    fill(&producer, &topic, 4, 25).await;
    let mut reader = Reader::of(log.join("g"));
    reader.hold(4).await;
    // The reader itself looks that no answer is larger than its room.
    let mut read = reader.records(1).await;
    assert!(reader.soon(0, Duration::from_millis(300)).await.is_none(), "something without room");
    while read.len() < 100 {
        let ConsumerEvent::Records(records) = reader.event(7).await else { continue };
        read.extend(records);
    }
    let mut once = places(&read);
    once.dedup();
    assert_eq!(once.len(), 100);
}

pub(crate) async fn a_next_that_is_given_up_loses_nothing(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    let mut reader = Reader::of(log.join("g"));
    reader.hold(4).await;
    let sending = async {
        for number in 0..200 {
            producer.send(record(&topic, "k", &number.to_string())).await.unwrap();
        }
    };
    let reading = async {
        let mut read = Vec::new();
        while read.len() < 200 {
            if let Some(ConsumerEvent::Records(records)) = reader.soon(3, Duration::from_micros(300)).await {
                read.extend(records);
            }
        }
        read
    };
    let ((), read) = tokio::join!(sending, reading);
    let numbers: Vec<usize> = read.iter().map(|(record, _)| text(record).parse().unwrap()).collect();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

/// More than any backing reads ahead, and longer than it waits before it stops reading.
pub(crate) async fn a_member_that_was_saturated_reads_everything_afterwards(log: impl Backing) {
    let mut reader = Reader::of(log.join("g"));
    reader.hold(4).await;
    for round in 0..3 {
        let sent = round * 50..(round + 1) * 50;
        send_lanes(&log, 50, sent.clone()).await;
        assert!(reader.soon(0, Duration::from_millis(1500)).await.is_none(), "something without room");
        let mut read = Vec::new();
        while read.len() < 2500 {
            let ConsumerEvent::Records(records) = reader.event(100).await else { continue };
            read.extend(records);
        }
        let lanes = by_lane(&read);
        assert!(lanes.values().all(|lane| *lane == sent.clone().collect::<Vec<_>>()), "{lanes:?}");
    }
}
