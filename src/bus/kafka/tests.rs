//! What takes long or a broken cluster on the real thing, on librdkafka's own small cluster inside this process.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use super::*;
use crate::bus::{ConsumerEvent, Epoch, Headers, LetGo, NewRecord};

const PATIENCE: Duration = Duration::from_secs(60);

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 2, 1).unwrap();
    cluster
}

fn bus(brokers: &str, limits: Limits) -> KafkaBus {
    KafkaBus::open_with(KafkaConfig { brokers: brokers.to_owned(), ..KafkaConfig::default() }, limits)
        .unwrap()
}

async fn event(consumer: &mut Box<dyn Consumer>) -> Result<ConsumerEvent, BusError> {
    timeout(PATIENCE, consumer.next(10)).await.expect("nothing happened")
}

/// Until the member is asked to let go; what it held by then.
async fn asked(consumer: &mut Box<dyn Consumer>) -> (Vec<TopicPartition>, LetGo) {
    loop {
        if let ConsumerEvent::Revoking(places, let_go) = event(consumer).await.unwrap() {
            return (places, let_go);
        }
    }
}

fn record(value: &str) -> NewRecord {
    NewRecord {
        topic: Topic::new("t"),
        key: Some(b"k".to_vec()),
        value: Some(value.into()),
        headers: Headers::default(),
    }
}

#[tokio::test]
async fn a_topic_that_never_comes_ends_its_member() {
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits { missing: Duration::ZERO, ..Limits::default() });
    let mut consumer = bus.consumer("g", &[Topic::new("t"), Topic::new("nowhere")]).unwrap();
    loop {
        match event(&mut consumer).await {
            Ok(_) => {}
            Err(BusError::UnknownTopic(topic)) => break assert_eq!(topic.as_str(), "nowhere"),
            Err(other) => panic!("{other}"),
        }
    }
    consumer.close().await.unwrap();
}

#[tokio::test]
async fn partitions_that_are_not_let_go_are_lost_in_the_end() {
    let cluster = cluster();
    let limits = Limits { let_go: Duration::from_millis(200), ..Limits::default() };
    let bus = bus(&cluster.bootstrap_servers(), limits);
    let mut one = bus.consumer("g", &[Topic::new("t")]).unwrap();
    assert!(matches!(event(&mut one).await.unwrap(), ConsumerEvent::Assigned(held) if held.len() == 2));
    let mut other = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let (places, _kept) = asked(&mut one).await;
    loop {
        if let ConsumerEvent::Lost(lost) = event(&mut one).await.unwrap() {
            break assert_eq!(lost, places);
        }
    }
    let came = loop {
        if let ConsumerEvent::Assigned(came) = event(&mut other).await.unwrap() {
            break came;
        }
    };
    assert_eq!(came.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), places);
}

#[tokio::test]
async fn a_closed_bus_ends_its_members_and_its_producer() {
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    let producer = bus.producer();
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    bus.close().await.unwrap();
    let record = NewRecord { topic: Topic::new("t"), key: None, value: None, headers: Headers::default() };
    assert!(matches!(producer.send(record).await, Err(BusError::Closed)));
    while let Ok(_before) = event(&mut consumer).await {}
    assert!(matches!(event(&mut consumer).await, Err(BusError::Closed)));
    assert!(matches!(bus.consumer("g", &[Topic::new("t")]), Err(BusError::Closed)));
    consumer.close().await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_and_does_not_hold_up_closing() {
    let bus = bus("127.0.0.1:1", Limits::default());
    let refused = bus.ping(Duration::from_millis(200)).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    assert_eq!(bus.last_contact(), None);
    let mut consumer = bus.consumer("g", &[Topic::new("t")]).unwrap();
    assert!(timeout(Duration::from_millis(300), consumer.next(1)).await.is_err(), "silence is not an end");
    consumer.close().await.unwrap();
    bus.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_of_a_broker_is_a_contact() {
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    bus.ping(PATIENCE).await.unwrap();
    assert!(bus.last_contact().is_some_and(|ago| ago < PATIENCE));
}

#[tokio::test]
async fn a_follower_reads_what_comes_after_it_began_and_nothing_from_before() {
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    let producer = bus.producer();
    // In any of the partitions.
    let spread = |value: &str| NewRecord { key: Some(value.into()), ..record(value) };
    for number in 0..20 {
        producer.send(spread(&format!("before {number}"))).await.unwrap();
    }
    let mut follower = bus.follow(&[Topic::new("t")]).await.unwrap();
    for number in 0..20 {
        producer.send(spread(&format!("after {number}"))).await.unwrap();
    }
    let mut read = Vec::new();
    while read.len() < 20 {
        match event(&mut follower).await.unwrap() {
            ConsumerEvent::Records(records) => {
                assert!(records.len() <= 10, "no more than there is room for");
                read.extend(
                    records.into_iter().map(|(record, _)| String::from_utf8(record.value.unwrap()).unwrap()),
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let places = read.iter().filter(|value| value.starts_with("after")).count();
    assert_eq!(places, 20, "{read:?}");
    assert!(matches!(bus.follow(&[Topic::new("nowhere")]).await, Err(BusError::UnknownTopic(_))));
    bus.close().await.unwrap();
    assert!(matches!(event(&mut follower).await, Err(BusError::Closed)));
}

#[tokio::test]
async fn a_topic_that_refuses_this_user_is_told_until_it_takes_a_record() {
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    let producer = bus.producer();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refused]);
    assert_eq!(bus.refused_topic(), None);
    producer.send(record("refused")).await.unwrap_err();
    let why = bus.refused_topic().unwrap();
    assert!(why.contains("do not let this user write t; allow it by an ACL"), "{why}");
    let taken = crate::worker::patiently(|| producer.send(record("taken")));
    timeout(PATIENCE, taken).await.expect("it is refused for ever");
    assert_eq!(bus.refused_topic(), None);
}

/// What is in the log, from outside the group and the producer.
async fn written(bus: &KafkaBus) -> Vec<String> {
    let mut values = Vec::new();
    for found in bus.scan(&[Topic::new("t")], 100).await.unwrap() {
        assert_eq!(found.value, None, "many values are held at once");
        let record = bus.record_at(found.place, found.offset).await.unwrap().unwrap();
        values.push(String::from_utf8(record.value.unwrap()).unwrap());
    }
    values
}

#[tokio::test]
async fn a_record_that_the_brokers_cannot_keep_safe_for_a_while_is_written_once_in_the_end() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS as REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as TIMED_OUT,
    };
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    let producer = bus.producer();
    cluster.request_errors(RDKafkaApiKey::Produce, &[REPLICAS, TIMED_OUT, REPLICAS]);
    producer.send(record("refused")).await.unwrap();
    producer.send(record("next")).await.unwrap();
    assert_eq!(bus.refused_topic(), None);
    assert_eq!(written(&bus).await, ["refused", "next"]);
}

/// A member of a group with one partition, and what the log says that the group has settled there.
struct Settling<'a> {
    bus: &'a KafkaBus,
    member: Box<dyn Consumer>,
    held: Option<(TopicPartition, Epoch)>,
    committed: Option<NextOffset>,
}

impl Settling<'_> {
    /// Goes on for a moment; what is settled never goes back.
    async fn turn(&mut self) {
        match timeout(Duration::from_millis(100), self.member.next(10)).await {
            Ok(Ok(ConsumerEvent::Records(records))) => {
                let (record, epoch) = records.into_iter().next_back().unwrap();
                self.held = Some((record.place, epoch));
            }
            Ok(Ok(ConsumerEvent::Revoking(_, let_go))) => let_go.now(),
            Ok(Ok(_)) | Err(_) => {}
            Ok(Err(error)) => panic!("{error}"),
        }
        let lags = self.bus.lag("g", &[Topic::new("t")]).await.unwrap();
        let committed = lags.into_iter().filter_map(|lag| lag.committed).max();
        assert!(committed >= self.committed, "{committed:?} after {:?}", self.committed);
        self.committed = committed;
    }

    fn settle(&self, next: i64) {
        let (place, epoch) = self.held.as_ref().unwrap();
        self.member.store(place, *epoch, NextOffset(next));
    }
}

#[tokio::test]
async fn what_is_settled_is_committed_in_the_end_whatever_the_coordinator_said_before_and_never_backwards() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS as LOADING,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR as ELSEWHERE, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as REBALANCE,
    };
    let cluster = cluster();
    let bus = bus(&cluster.bootstrap_servers(), Limits::default());
    for value in ["one", "two", "three"] {
        bus.producer().send(record(value)).await.unwrap();
    }
    let member = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let mut group = Settling { bus: &bus, member, held: None, committed: None };
    let until = Instant::now() + PATIENCE;
    while group.held.is_none() {
        assert!(Instant::now() < until, "nothing was read");
        group.turn().await;
    }
    for (next, error) in (1..).zip([ELSEWHERE, LOADING, REBALANCE]) {
        let before = group.committed;
        cluster.request_errors(RDKafkaApiKey::OffsetCommit, &[error; 10_000]);
        group.settle(next);
        // Twice as long as it takes to commit when all is well.
        let refused = Instant::now() + Duration::from_secs(2);
        while Instant::now() < refused {
            group.turn().await;
        }
        assert_eq!(group.committed, before, "{error:?} was not heard");
        cluster.clear_request_errors(RDKafkaApiKey::OffsetCommit);
        let until = Instant::now() + PATIENCE;
        while group.committed != Some(NextOffset(next)) {
            assert!(Instant::now() < until, "{error:?}: {:?} is committed", group.committed);
            group.turn().await;
        }
    }
    group.member.close().await.unwrap();
}

#[tokio::test]
async fn a_member_whose_thread_stood_still_loses_its_partitions_stores_nothing_from_before_and_comes_back() {
    let cluster = cluster();
    let poll = Duration::from_millis(settings::SESSION_TIMEOUT_MS);
    let limits = Limits { poll, ..Limits::default() };
    let bus = bus(&cluster.bootstrap_servers(), limits);
    let topics = [Topic::new("t")];
    for value in ["one", "two", "three"] {
        bus.producer().send(record(value)).await.unwrap();
    }
    let member = member::Member::join(&bus.config, limits, &bus.health, "g", &topics).unwrap();
    let shared = Arc::clone(&member.shared);
    let mut sleeper = Settling { bus: &bus, member: Box::new(member), held: None, committed: None };
    while sleeper.held.is_none() {
        sleeper.turn().await;
    }
    sleeper.settle(1);
    while sleeper.committed != Some(NextOffset(1)) {
        sleeper.turn().await;
    }
    let still = shared.desk.hold();
    bus.producer().send(record("four")).await.unwrap();
    let stands = poll + Duration::from_secs(2);
    let until = Instant::now() + 2 * PATIENCE;
    while bus.last_turn().unwrap() < stands {
        assert!(Instant::now() < until, "its thread goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Its worker does not know that it stands still.
    sleeper.settle(2);
    let member = bus.consumer("g", &topics).unwrap();
    let mut other = Settling { bus: &bus, member, held: None, committed: sleeper.committed };
    while other.held.is_none() {
        assert!(Instant::now() < until, "nobody took over");
        other.turn().await;
    }
    other.settle(3);
    while other.committed != Some(NextOffset(3)) {
        assert!(Instant::now() < until, "{:?}", other.committed);
        other.turn().await;
    }
    drop(still);
    let (mut lost, mut came) = (Vec::new(), Vec::new());
    while came.is_empty() {
        assert!(Instant::now() < until, "it did not come back after it lost {lost:?}");
        // Looks whether what is committed goes back.
        other.turn().await;
        match timeout(Duration::from_millis(100), sleeper.member.next(10)).await {
            Ok(Ok(ConsumerEvent::Lost(places))) => lost.extend(places),
            Ok(Ok(ConsumerEvent::Assigned(places))) => came = places,
            Ok(Ok(ConsumerEvent::Revoking(_, let_go))) => let_go.now(),
            Ok(Ok(ConsumerEvent::Records(_))) | Err(_) => {}
            Ok(Err(error)) => panic!("{error}"),
        }
    }
    let (_, before) = sleeper.held.clone().unwrap();
    assert!(came.iter().all(|(_, epoch)| *epoch > before));
    sleeper.settle(99);
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        other.turn().await;
    }
    assert_eq!(other.committed, Some(NextOffset(3)), "what the sleeper settled counts");
    assert_eq!(lost.len(), 2, "{lost:?}");
}
