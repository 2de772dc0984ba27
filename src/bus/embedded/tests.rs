use std::{path::PathBuf, time::Duration};

use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::bus::{Consumer, ConsumerEvent, Epoch, Headers, NewRecord, NextOffset, Record, TopicSpec};

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("peyvand-bus-{}", Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn log(folder: &std::path::Path) -> EmbeddedBus {
    let bus = EmbeddedBus::open(&folder.join("bus.sqlite")).await.unwrap();
    let topic = Topic::new("t");
    bus.create_topics(&[TopicSpec { topic, partitions: 4, retention_ms: -1, retention_bytes: -1 }])
        .await
        .unwrap();
    bus
}

fn record(key: &str, value: &str) -> NewRecord {
    NewRecord {
        topic: Topic::new("t"),
        key: Some(key.into()),
        value: Some(value.into()),
        headers: Headers::default(),
    }
}

async fn next_record(consumer: &mut Box<dyn Consumer>) -> (Record, Epoch) {
    loop {
        match timeout(Duration::from_secs(20), consumer.next(1)).await.unwrap().unwrap() {
            ConsumerEvent::Records(records) => return records.into_iter().next().unwrap(),
            ConsumerEvent::Revoking(_, let_go) => let_go.now(),
            ConsumerEvent::Assigned(_) | ConsumerEvent::Lost(_) => {}
        }
    }
}

#[tokio::test]
async fn records_of_one_key_stay_in_order_and_arrive_as_they_were_sent() {
    let bus = log(&folder()).await;
    let producer = bus.producer();
    let mut headers = Headers::default();
    headers.push("a", "1");
    headers.push("a", "2");
    producer.send(NewRecord { value: None, headers: headers.clone(), ..record("k", "") }).await.unwrap();
    for number in 0..20 {
        producer.send(record("k", &number.to_string())).await.unwrap();
    }
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let (first, _) = next_record(&mut consumer).await;
    assert_eq!((first.value, first.headers), (None, headers));
    for number in 0..20 {
        let (got, _) = next_record(&mut consumer).await;
        assert_eq!(got.value.unwrap(), number.to_string().into_bytes());
    }
}

#[tokio::test]
async fn a_group_goes_on_at_its_stored_offset_after_the_log_was_opened_again() {
    let folder = folder();
    let bus = log(&folder).await;
    for value in ["one", "two"] {
        bus.producer().send(record("k", value)).await.unwrap();
    }
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let (first, epoch) = next_record(&mut consumer).await;
    consumer.store(&first.place, epoch, first.offset.next());
    consumer.close().await.unwrap();
    bus.close().await.unwrap();
    let bus = log(&folder).await;
    let (second, _) = next_record(&mut bus.consumer("g", &[Topic::new("t")]).unwrap()).await;
    assert_eq!(second.value.unwrap(), b"two");
}

#[tokio::test]
async fn a_store_of_an_earlier_stay_or_an_earlier_offset_changes_nothing() {
    let bus = log(&folder()).await;
    bus.producer().send(record("k", "one")).await.unwrap();
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let (got, epoch) = next_record(&mut consumer).await;
    consumer.store(&got.place, epoch, NextOffset(1));
    consumer.store(&got.place, Epoch(epoch.0 + 1000), NextOffset(9));
    consumer.store(&got.place, epoch, NextOffset(0));
    let place = got.place.clone();
    consumer.close().await.unwrap();
    assert_eq!(bus.committed("g", &place), Some(NextOffset(1)));
}

#[tokio::test]
async fn a_second_process_on_the_same_log_is_refused() {
    let folder = folder();
    let _bus = log(&folder).await;
    let refused = EmbeddedBus::open(&folder.join("bus.sqlite")).await.err().unwrap();
    assert_eq!(refused.kind(), "unavailable");
}

#[tokio::test]
async fn a_too_large_record_and_an_unknown_topic_are_refused_and_the_next_record_is_taken() {
    let bus = log(&folder()).await;
    let producer = bus.producer();
    let large = "x".repeat(3 << 20);
    assert_eq!(producer.send(record("k", &large)).await.unwrap_err().kind(), "too_large");
    let elsewhere = NewRecord { topic: Topic::new("nowhere"), ..record("k", "v") };
    assert_eq!(producer.send(elsewhere).await.unwrap_err().kind(), "unknown_topic");
    assert!(producer.send(record("k", "v")).await.is_ok());
}

#[tokio::test]
async fn an_append_wakes_a_consumer_that_waits() {
    let bus = log(&folder()).await;
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let producer = bus.producer();
    let (got, sent) = tokio::join!(next_record(&mut consumer), producer.send(record("k", "late")));
    sent.unwrap();
    assert_eq!(got.0.value.unwrap(), b"late");
}
