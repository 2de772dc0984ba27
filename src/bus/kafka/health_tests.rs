//! What librdkafka itself says of a group that serves a member and of those that refuse one, and of records that do not come.

use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{KafkaBus, KafkaConfig, Membership};
use crate::bus::{Consumer, ConsumerEvent, Headers, NewRecord, Topic};

const MINUTE: Duration = Duration::from_secs(60);

fn refusing(
    api: RDKafkaApiKey,
    error: RDKafkaRespErr,
) -> (MockCluster<'static, DefaultProducerContext>, KafkaBus) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    cluster.request_errors(api, &[error; 10_000]);
    let brokers = cluster.bootstrap_servers();
    (cluster, KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap())
}

async fn told(bus: &KafkaBus, patience: Duration) -> Membership {
    let until = Instant::now() + patience;
    loop {
        let membership = bus.membership().unwrap();
        if membership.joined || Instant::now() > until {
            return membership;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_member_that_is_refused_by_its_group_or_its_topic_is_never_served_and_one_without_partitions_is() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED as GROUP,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as TOPIC,
    };
    let topics = [Topic::new("t")];
    let (_one, group) = refusing(RDKafkaApiKey::JoinGroup, GROUP);
    let (_two, topic) = refusing(RDKafkaApiKey::ListOffsets, TOPIC);
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let fine = KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap();
    let _refused = [group.consumer("g", &topics).unwrap(), topic.consumer("g", &topics).unwrap()];
    // One of them has the only partition.
    let mut members = [fine.consumer("g", &topics).unwrap(), fine.consumer("g", &topics).unwrap()];
    let [one, other] = &mut members;
    let serving = async { tokio::join!(serve(one), serve(other)) };
    let looking = async {
        assert!(told(&fine, MINUTE).await.joined);
        for (what, refused) in [("group", &group), ("topic", &topic)] {
            let membership = told(refused, Duration::from_secs(2)).await;
            let (joined, unserved) = (membership.joined, membership.unserved);
            assert!(!joined && unserved > Duration::from_secs(9), "{what}: {membership:?}");
        }
    };
    tokio::select! {
        _ = serving => panic!("a member ended"),
        () = looking => {}
    }
}

#[tokio::test]
async fn a_member_whose_records_do_not_come_stands_before_the_end_of_its_partition() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let bus = KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap();
    let topics = [Topic::new("t")];
    let mut member = bus.consumer("g", &topics).unwrap();
    let send = async || {
        let record =
            NewRecord { topic: topics[0].clone(), key: None, value: None, headers: Headers::default() };
        bus.producer().send(record).await.unwrap();
    };
    // Where it stands and what there is.
    let stands = async |next: i64, end: i64| {
        let until = Instant::now() + MINUTE;
        loop {
            let (positions, lags) = (bus.positions(), bus.lag("g", &topics).await.unwrap());
            let at = positions.get(&lags[0].place).map(|next| next.0);
            if (at, lags[0].end.0) == (Some(next), end) {
                return;
            }
            assert!(Instant::now() < until, "{at:?} {lags:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let looking = async {
        send().await;
        stands(1, 1).await;
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE;
        cluster.request_errors(RDKafkaApiKey::Fetch, &[refused; 10_000]);
        send().await;
        send().await;
        // What is told of it is up to ten seconds old.
        let told_twice = Instant::now() + Duration::from_secs(25);
        while Instant::now() < told_twice {
            stands(1, 3).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        cluster.clear_request_errors(RDKafkaApiKey::Fetch);
        stands(3, 3).await;
    };
    tokio::select! {
        () = serve(&mut member) => panic!("the member ended"),
        () = looking => {}
    }
}

async fn serve(member: &mut Box<dyn Consumer>) {
    while let Ok(event) = member.next(1).await {
        if let ConsumerEvent::Revoking(_, let_go) = event {
            let_go.now();
        }
    }
}
