//! The limit: librdkafka in the shortest loop that keeps the same promise. Consume, copy, produce with acks from all and
//! idempotence, store an offset only when everything before it is acknowledged. Key order is the partition's.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use crate::{deployment::server, figures::cpu};

/// How far each partition is acknowledged. Acknowledgements of one partition come in order.
#[derive(Default)]
struct Acknowledged(Mutex<(HashMap<i32, i64>, usize)>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Box<(i32, i64)>;

    fn delivery(&self, result: &DeliveryResult<'_>, origin: Box<(i32, i64)>) {
        assert!(result.is_ok(), "a record was not delivered");
        let mut state = self.0.lock().unwrap();
        state.0.insert(origin.0, origin.1 + 1);
        state.1 += 1;
    }
}

pub(crate) fn consumer(group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"))
        .set("group.id", group)
        .set("enable.auto.offset.store", "false")
        .set("auto.commit.interval.ms", "1000")
        .set("auto.offset.reset", "earliest")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.queue.backoff.ms", "10")
        .create()
        .unwrap()
}

pub(crate) fn producing(linger_ms: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"))
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("linger.ms", linger_ms);
    config
}

/// The next record; a poll that only moved partitions gives none.
pub(crate) fn next(consumer: &BaseConsumer) -> rdkafka::message::BorrowedMessage<'_> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            return message.unwrap();
        }
    }
    panic!("no record came for 30 seconds")
}

/// Copies `records` records from one topic to another; gives processor time and wall time from the first record on.
pub(crate) fn pass(from: &str, to: &str, records: usize) -> (Duration, Duration) {
    let consumer = consumer(&format!("bare-{}", uuid::Uuid::new_v4()));
    consumer.subscribe(&[from]).unwrap();
    let producer: BaseProducer<Acknowledged> =
        producing("0").create_with_context(Acknowledged::default()).unwrap();
    let mut began = None;
    let (mut taken, mut stored_at) = (0, Instant::now());
    loop {
        match consumer.poll(if taken < records { Duration::from_millis(10) } else { Duration::ZERO }) {
            Some(message) => {
                let message = message.unwrap();
                began.get_or_insert_with(|| (cpu(), Instant::now()));
                send(&producer, to, &message);
                taken += 1;
                if taken % 64 == 0 {
                    producer.poll(Duration::ZERO);
                }
            }
            None => {
                producer.poll(Duration::from_millis(1));
            }
        }
        if stored_at.elapsed() >= Duration::from_millis(100) || taken == records {
            stored_at = Instant::now();
            store(&consumer, &producer, from);
        }
        if producer.context().0.lock().unwrap().1 == records {
            break;
        }
    }
    let (cpu_before, wall) = began.unwrap();
    (cpu().saturating_sub(cpu_before), wall.elapsed())
}

fn send(producer: &BaseProducer<Acknowledged>, to: &str, message: &rdkafka::message::BorrowedMessage<'_>) {
    let origin = Box::new((message.partition(), message.offset()));
    let mut record = BaseRecord::with_opaque_to(to, origin)
        .key(message.key().unwrap_or_default())
        .payload(message.payload().unwrap_or_default());
    while let Err((error, back)) = producer.send(record) {
        assert!(matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)), "{error}");
        producer.poll(Duration::from_millis(1));
        record = back;
    }
}

fn store(consumer: &BaseConsumer, producer: &BaseProducer<Acknowledged>, from: &str) {
    let mut list = TopicPartitionList::new();
    for (partition, next) in &producer.context().0.lock().unwrap().0 {
        list.add_partition_offset(from, *partition, Offset::Offset(*next)).unwrap();
    }
    if list.count() > 0 {
        consumer.store_offsets(&list).unwrap();
    }
}
