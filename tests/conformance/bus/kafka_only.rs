//! What only a cluster can show.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use peyvand::{
    bus::{
        BusError, Consumer, ConsumerEvent, NextOffset, Topic,
        kafka::{KafkaBus, KafkaConfig},
    },
    privacy::Sensitive,
};
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer as _},
};

use super::backing::{Backing, Kafka, PARTITIONS, spec, told};
use super::reader::{Reader, fill, record};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_start_is_refused_when_a_topic_is_missing_or_has_other_partitions() {
    let log = Kafka::open().await;
    let topic = log.topic();
    log.bus.check_topics(&[spec(&topic, PARTITIONS)]).await.unwrap();
    let kind = async |wanted| log.bus.check_topics(&[wanted]).await.unwrap_err().kind();
    assert_eq!(kind(spec(&topic, PARTITIONS + 1)).await, "partitions");
    assert_eq!(kind(spec(&Topic::new(format!("{topic}-nowhere")), 1)).await, "unknown_topic");
    assert!(log.bus.topics().await.unwrap().contains(&(topic, PARTITIONS)));
}

#[tokio::test]
async fn the_lag_is_what_a_group_has_not_settled() {
    let log = Kafka::open().await;
    let topic = log.topic();
    fill(&log.producer(), &topic, 4, 3).await;
    let mut reader = Reader::of(log.join("g"));
    let read = reader.records(12).await;
    let settled = read[0].0.place.clone();
    for (record, epoch) in read.iter().filter(|(record, _)| record.place == settled) {
        reader.store(record, *epoch);
    }
    reader.close().await;
    let lags = log.bus.lag(&log.group("g"), std::slice::from_ref(&topic)).await.unwrap();
    assert_eq!(lags.len(), 4);
    for lag in lags {
        let committed = (lag.place == settled).then_some(NextOffset(3));
        assert_eq!((lag.end, lag.committed), (NextOffset(3), committed));
        assert_eq!(lag.behind(), if committed.is_some() { 0 } else { 3 });
    }
}

/// The commit comes on a timer, long before anybody leaves.
#[tokio::test]
async fn what_is_settled_is_committed_while_the_member_stays() {
    let log = Kafka::open().await;
    log.producer().send(record(&log.topic(), "k", "v")).await.unwrap();
    let mut reader = Reader::of(log.join("g"));
    let (read, epoch) = reader.records(1).await.remove(0);
    reader.store(&read, epoch);
    let committed = async { while log.committed("g", &read.place).await != Some(NextOffset(1)) {} };
    tokio::time::timeout(Duration::from_secs(20), committed).await.expect("nothing was committed");
}

#[tokio::test]
async fn a_ping_is_answered_and_counts_as_contact() {
    let log = Kafka::open().await;
    log.bus.ping(Duration::from_secs(10)).await.unwrap();
    assert!(log.bus.last_contact().is_some_and(|ago| ago < Duration::from_secs(10)));
}

fn by_tls(password: &str) -> KafkaBus {
    let properties = [
        ("security.protocol", "sasl_ssl".to_owned()),
        ("ssl.ca.location", told("PEYVAND_TEST_KAFKA_CA")),
        ("sasl.mechanism", "SCRAM-SHA-512".to_owned()),
        ("sasl.username", "peyvand".to_owned()),
        ("sasl.password", password.to_owned()),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), Sensitive::new(value)));
    KafkaBus::open(KafkaConfig {
        brokers: told("PEYVAND_TEST_KAFKA_TLS"),
        properties: BTreeMap::from(properties),
        group_instance_id: None,
    })
    .unwrap()
}

#[tokio::test]
async fn records_travel_by_tls_with_a_password_and_not_with_a_wrong_one() {
    let log = Kafka::open().await;
    let bus = by_tls("for-tests");
    bus.producer().send(record(&log.topic(), "k", "by tls")).await.unwrap();
    let consumer = bus.consumer(&log.group("tls"), std::slice::from_ref(&log.topic())).unwrap();
    let mut reader = Reader::of(consumer);
    assert_eq!(reader.records(1).await[0].0.value.as_deref(), Some(b"by tls".as_slice()));
    reader.close().await;
    assert!(by_tls("guessed").ping(Duration::from_secs(5)).await.is_err());
}

/// Lets go of what is asked back until the log says why this member is over.
async fn end_of(mut member: Box<dyn Consumer>) -> BusError {
    let ended = async {
        loop {
            match member.next(100).await {
                Ok(ConsumerEvent::Revoking(_, let_go)) => let_go.now(),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let Ok(over) = tokio::time::timeout(PATIENCE, ended).await else {
        panic!("it was never told that it is over")
    };
    over
}

/// A program of somebody else's in a group of ours, with librdkafka's own way of sharing out.
struct Stranger(BaseConsumer);

impl Stranger {
    fn join(group: &str, topic: &Topic) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", told("PEYVAND_TEST_KAFKA")).set("group.id", group);
        config.set("partition.assignment.strategy", "range").set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic.as_str()]).unwrap();
        Self(consumer)
    }

    fn partitions(&self) -> usize {
        self.0.assignment().unwrap().count()
    }

    /// Reads until a record says this; it holds every partition then.
    fn reads(&self, wanted: &str) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(Ok(message)) = self.0.poll(Duration::from_millis(100))
                && message.payload() == Some(wanted.as_bytes())
            {
                return assert_eq!(self.partitions(), usize::try_from(PARTITIONS).unwrap());
            }
        }
        panic!("the stranger did not read {wanted}");
    }
}

#[tokio::test]
async fn a_member_whose_group_shares_out_in_another_way_ends_with_advice_and_leaves_the_others_in_peace() {
    let log = Kafka::open().await;
    let producer = log.producer();
    let stranger = Stranger::join(&log.group("g"), &log.topic());
    producer.send(record(&log.topic(), "k", "before")).await.unwrap();
    stranger.reads("before");
    let refused = end_of(log.join("g")).await.to_string();
    assert!(refused.contains("in another way; stop the programs"), "{refused}");
    producer.send(record(&log.topic(), "k", "after")).await.unwrap();
    stranger.reads("after");
}

#[tokio::test]
async fn of_two_processes_with_one_name_the_first_ends_with_advice_and_the_second_goes_on() {
    let log = Kafka::open().await;
    let named = || {
        let (brokers, name) = (told("PEYVAND_TEST_KAFKA"), Some("one-name".to_owned()));
        let config = KafkaConfig { brokers, group_instance_id: name, ..KafkaConfig::default() };
        let bus = KafkaBus::open(config).unwrap();
        bus.consumer(&log.group("g"), std::slice::from_ref(&log.topic())).unwrap()
    };
    let producer = log.producer();
    producer.send(record(&log.topic(), "k", "one")).await.unwrap();
    let mut first = Reader::of(named());
    let (read, epoch) = first.records(1).await.remove(0);
    first.store(&read, epoch);
    while log.committed("g", &read.place).await != Some(NextOffset(1)) {}
    let mut second = Reader::of(named());
    let (fenced, ()) = tokio::join!(end_of(first.consumer), second.hold(4));
    let fenced = fenced.to_string();
    assert!(fenced.contains("group_instance_id") && fenced.contains("give each process its own"), "{fenced}");
    producer.send(record(&log.topic(), "k", "two")).await.unwrap();
    let next = second.records(1).await.remove(0).0;
    assert_eq!(next.value.as_deref(), Some(b"two".as_slice()));
    second.close().await;
}
