//! The log as any other program sees it: by librdkafka alone, with nothing of Peyvand's.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

use crate::process::server;

const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(10);

/// A record as it lies in a topic.
pub(crate) struct Shown {
    pub(crate) key: String,
    headers: Vec<(String, String)>,
}

impl Shown {
    /// A header's text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Publishes records to a topic, each with its key, perhaps a payload, and an event id of its own.
#[allow(dead_code, reason = "not every test program publishes")]
pub(crate) async fn publish(topic: &str, records: &[(&str, Option<&[u8]>)]) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"))
        .set("partitioner", "murmur2_random")
        .set("message.max.bytes", "4000000")
        .create()
        .unwrap();
    let sent = records.iter().map(|(key, payload)| {
        let id = uuid::Uuid::new_v4().to_string();
        let headers = OwnedHeaders::new().insert(Header { key: "event-id", value: Some(&id) });
        let mut record = FutureRecord::<str, [u8]>::to(topic).key(*key).headers(headers);
        record.payload = *payload;
        producer.send(record, PATIENCE)
    });
    for sent in join_all(sent).await {
        let _place = sent.map_err(|(error, _)| error).unwrap();
    }
}

/// Every record that is in a topic now.
pub(crate) async fn all_of(topic: &'static str) -> Vec<Shown> {
    tokio::task::spawn_blocking(move || read(topic)).await.unwrap()
}

fn read(topic: &str) -> Vec<Shown> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"))
        .set("group.id", "nobody")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).unwrap();
    let (mut from, mut left, mut ends) = (TopicPartitionList::new(), 0, BTreeMap::new());
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), ANSWER).unwrap();
        from.add_partition_offset(topic, partition.id(), Offset::Offset(low)).unwrap();
        left += high - low;
        ends.insert(partition.id(), high);
    }
    consumer.assign(&from).unwrap();
    let until = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while left > 0 {
        assert!(Instant::now() < until, "{topic} could not be read to its end");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        if message.offset() >= ends[&message.partition()] {
            // It came since: what lies before the ends of the other partitions is still to be read.
            continue;
        }
        left -= 1;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|one| (one.key.to_owned(), text(one.value.unwrap_or_default()))).collect()
        });
        all.push(Shown {
            key: text(message.key().unwrap_or_default()),
            headers: headers.unwrap_or_default(),
        });
    }
    all
}
