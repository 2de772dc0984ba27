//! The logs under test, each with a topic of the test's own.

use std::path::PathBuf;
use std::sync::Arc;

use peyvand::bus::embedded::EmbeddedBus;
use peyvand::bus::{BusError, Consumer, NextOffset, Producer, Topic, TopicPartition, TopicSpec};
use uuid::Uuid;

pub(crate) const PARTITIONS: i32 = 4;

/// A log that is open, with the topic of this test.
pub(crate) trait Backing: Sized {
    async fn open() -> Self;
    /// Closes the log and opens it again.
    async fn open_again(self) -> Self;
    fn topic(&self) -> Topic;
    fn producer(&self) -> Arc<dyn Producer>;
    fn join(&self, group: &str) -> Box<dyn Consumer>;
    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError>;
    /// What the log itself says a group has settled.
    async fn committed(&self, group: &str, place: &TopicPartition) -> Option<NextOffset>;
}

pub(crate) fn spec(topic: &Topic, partitions: i32) -> TopicSpec {
    TopicSpec { topic: topic.clone(), partitions, retention_ms: -1, retention_bytes: -1 }
}

pub(crate) struct Embedded {
    bus: EmbeddedBus,
    file: PathBuf,
    topic: Topic,
}

impl Embedded {
    async fn at(file: PathBuf, topic: Topic) -> Self {
        let bus = EmbeddedBus::open(&file).await.unwrap();
        bus.create_topics(&[spec(&topic, PARTITIONS)]).await.unwrap();
        Self { bus, file, topic }
    }
}

impl Backing for Embedded {
    async fn open() -> Self {
        let folder = std::env::temp_dir().join(format!("peyvand-bus-{}", Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        Self::at(folder.join("bus.sqlite"), Topic::new("t")).await
    }

    async fn open_again(self) -> Self {
        self.bus.close().await.unwrap();
        Self::at(self.file, self.topic).await
    }

    fn topic(&self) -> Topic {
        self.topic.clone()
    }

    fn producer(&self) -> Arc<dyn Producer> {
        self.bus.producer()
    }

    fn join(&self, group: &str) -> Box<dyn Consumer> {
        self.bus.consumer(group, std::slice::from_ref(&self.topic)).unwrap()
    }

    async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.bus.create_topics(topics).await
    }

    async fn committed(&self, group: &str, place: &TopicPartition) -> Option<NextOffset> {
        self.bus.committed(group, place)
    }
}

#[cfg(feature = "stack-tests")]
pub(crate) use on_kafka::{Kafka, told};

#[cfg(feature = "stack-tests")]
mod on_kafka {
    use peyvand::bus::kafka::{KafkaBus, KafkaConfig};

    use super::*;

    /// The topic is also in the group's name: tests that run at the same time do not meet.
    pub(crate) struct Kafka {
        pub(crate) bus: KafkaBus,
        topic: Topic,
    }

    pub(crate) fn brokers() -> String {
        told("PEYVAND_TEST_KAFKA")
    }

    #[expect(clippy::disallowed_methods, reason = "what the servers are that tests/stack has started")]
    pub(crate) fn told(name: &str) -> String {
        std::env::var(name).unwrap_or_else(|_| {
            panic!("{name} is not set; run tests/run, or: tests/stack up && eval \"$(tests/stack env)\"")
        })
    }

    impl Kafka {
        fn connect() -> KafkaBus {
            KafkaBus::open(KafkaConfig { brokers: brokers(), ..KafkaConfig::default() }).unwrap()
        }

        pub(crate) fn group(&self, group: &str) -> String {
            format!("{group}-{}", self.topic)
        }
    }

    impl Backing for Kafka {
        async fn open() -> Self {
            let (bus, topic) = (Self::connect(), Topic::new(format!("t-{}", Uuid::new_v4())));
            bus.create_topics(&[spec(&topic, PARTITIONS)]).await.unwrap();
            Self { bus, topic }
        }

        async fn open_again(self) -> Self {
            self.bus.close().await.unwrap();
            Self { bus: Self::connect(), topic: self.topic }
        }

        fn topic(&self) -> Topic {
            self.topic.clone()
        }

        fn producer(&self) -> Arc<dyn Producer> {
            self.bus.producer()
        }

        fn join(&self, group: &str) -> Box<dyn Consumer> {
            self.bus.consumer(&self.group(group), std::slice::from_ref(&self.topic)).unwrap()
        }

        async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
            self.bus.create_topics(topics).await
        }

        async fn committed(&self, group: &str, place: &TopicPartition) -> Option<NextOffset> {
            let lags = self.bus.lag(&self.group(group), std::slice::from_ref(&place.topic)).await.unwrap();
            lags.into_iter().find(|lag| lag.place == *place).unwrap().committed
        }
    }
}
