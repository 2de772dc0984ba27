//! The log on Apache Kafka, by librdkafka. One producer a process, one thread a consumer; offsets are stored only when
//! a record is settled and committed by librdkafka itself, so that a member never moves what is not its own.

mod anew;
mod cluster;
mod desk;
mod follow;
mod health;
#[cfg(test)]
mod health_tests;
mod member;
mod message;
mod poller;
mod producer;
mod rebalance;
mod refusals;
mod scan;
mod settings;
mod stays;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::health::Health;
pub use self::health::Membership;
use self::producer::Publisher;
use super::{
    BusError, Consumer, LET_GO_WITHIN_MIN, NextOffset, Offset, Producer, Record, Topic, TopicPartition,
    TopicSpec,
};
use crate::privacy::Sensitive;

/// How long closing waits for records on their way, and how long when no broker was heard of late: those that stop have
/// waited for it already.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
const FLUSH_ALONE: Duration = Duration::from_secs(2);
const OF_LATE: Duration = Duration::from_secs(15);

/// What a test may shorten.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long a worker may keep what is asked back; below the time after which the group takes a member for dead.
    let_go: Duration,
    /// How long a topic of a member may be missing.
    missing: Duration,
    /// How long the thread of a member may not poll before the group goes on without it. Not below the session.
    poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            let_go: LET_GO_WITHIN_MIN,
            missing: Duration::from_secs(60),
            poll: Duration::from_secs(5 * 60),
        }
    }
}

/// Where the cluster is and how it is spoken to.
#[derive(Clone, Debug, Default)]
pub struct KafkaConfig {
    /// Addresses to begin with: `host:port`, separated by commas.
    pub brokers: String,
    /// Further properties of librdkafka (`security.protocol`, `sasl.*`, `ssl.*` and others). Those on which Peyvand's
    /// promises hang are refused, and so are unknown ones.
    pub properties: BTreeMap<String, Sensitive<String>>,
    /// A name of this process that stays the same when it is started again: its groups then wait for it instead of
    /// sharing its partitions out. No two running processes may have the same.
    pub group_instance_id: Option<String>,
}

/// How far a group is in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The partition.
    pub place: TopicPartition,
    /// What the group reads next; none when it has never settled anything here.
    pub committed: Option<NextOffset>,
    /// The first offset that the partition still has.
    pub begin: NextOffset,
    /// The offset that the partition gives to its next record.
    pub end: NextOffset,
}

impl Lag {
    /// How many offsets the group has before it; records may be fewer. It begins again where its own place is not in the log.
    pub fn behind(&self) -> u64 {
        let next =
            self.committed.filter(|place| (self.begin..=self.end).contains(place)).unwrap_or(self.begin);
        u64::try_from(self.end.0.saturating_sub(next.0)).unwrap_or_default()
    }
}

/// The log on a Kafka cluster. Cheap to clone; close it before the process ends.
#[derive(Clone)]
pub struct KafkaBus {
    config: Arc<KafkaConfig>,
    limits: Limits,
    publisher: Arc<Publisher>,
    health: Arc<Health>,
}

impl KafkaBus {
    /// Makes the producer. The cluster need not be up.
    pub fn open(config: KafkaConfig) -> Result<Self, BusError> {
        Self::open_with(config, Limits::default())
    }

    fn open_with(config: KafkaConfig, limits: Limits) -> Result<Self, BusError> {
        settings::check(&config)?;
        let health = Arc::new(Health::new());
        let publisher = Arc::new(Publisher::new(&config, Arc::clone(&health))?);
        Ok(Self { config: Arc::new(config), limits, publisher, health })
    }

    /// The producer, the same for the whole process.
    pub fn producer(&self) -> Arc<dyn Producer> {
        let publisher: Arc<Publisher> = Arc::clone(&self.publisher);
        publisher
    }

    /// Joins a group as a new member. A group without a stored offset starts at the earliest record. A topic that
    /// does not exist is told by the member when it is still missing after a minute.
    pub fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, BusError> {
        Ok(Box::new(member::Member::join(&self.config, self.limits, &self.health, group, topics)?))
    }

    /// Creates the topics that are missing. One that is there with another number of partitions is refused; its other
    /// settings are left to the operator.
    pub async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        cluster::create(&self.config, &self.publisher, topics).await
    }

    /// Whether all these topics are there with their number of partitions.
    pub async fn check_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        cluster::look(&self.publisher).await?.check(topics)
    }

    /// The topics that are there, with their number of partitions.
    pub async fn topics(&self) -> Result<Vec<(Topic, i32)>, BusError> {
        Ok(cluster::look(&self.publisher).await?.topics)
    }

    /// Whether a broker answers within this time.
    pub async fn ping(&self, within: Duration) -> Result<(), BusError> {
        let _shown = cluster::shown(&self.publisher, within).await?;
        self.health.heard(Duration::ZERO);
        Ok(())
    }

    /// How far a group is in each partition of these topics. Asks every partition: for operators and now and then.
    pub async fn lag(&self, group: &str, topics: &[Topic]) -> Result<Vec<Lag>, BusError> {
        cluster::lag(&self.config, &self.publisher, group, topics).await
    }

    /// Every record that is in these topics now, at most `limit` of a partition, oldest first. For operators: it is all held
    /// in memory, so it comes without its value; [`KafkaBus::record_at`] gives a record whole.
    pub async fn scan(&self, topics: &[Topic], limit: usize) -> Result<Vec<Record>, BusError> {
        scan::scan(&self.config, &self.publisher, topics, limit).await
    }

    /// The record that is at a place now. For operators.
    pub async fn record_at(&self, place: TopicPartition, offset: Offset) -> Result<Option<Record>, BusError> {
        scan::one(&self.config, &self.publisher, place, offset).await
    }

    /// Reads what comes into these topics from now on, outside of every group: offsets are not stored, and nothing stays on the
    /// brokers.
    pub async fn follow(&self, topics: &[Topic]) -> Result<Box<dyn Consumer>, BusError> {
        let places = cluster::look(&self.publisher).await?.places(topics)?;
        Ok(Box::new(follow::Follower::begin(&self.config, &self.health, places).await?))
    }

    /// How long ago a broker was last heard, by the member that has heard none for the longest time. It is looked at every
    /// ten seconds; without members it is the last answer to the producer or to `ping`.
    pub fn last_contact(&self) -> Option<Duration> {
        self.health.last_contact()
    }

    /// How long ago the thread of the slowest member turned; none without members.
    pub fn last_turn(&self) -> Option<Duration> {
        self.health.last_turn()
    }

    /// How the groups serve the members of this process; none without members.
    pub fn membership(&self) -> Option<Membership> {
        self.health.membership()
    }

    /// What the members of this process read next in each partition that they read, as librdkafka tells it every ten seconds.
    pub fn positions(&self) -> HashMap<TopicPartition, NextOffset> {
        self.health.positions()
    }

    /// Why a topic does not take what is written to it: its last record was refused, and that does not pass by itself.
    pub fn refused_topic(&self) -> Option<String> {
        self.publisher.refusals.now(Instant::now())
    }

    /// Waits a few seconds for records on their way, then ends the producer. Who still uses the log is told `Closed`.
    pub async fn close(&self) -> Result<(), BusError> {
        self.health.end();
        let publisher = Arc::clone(&self.publisher);
        let is_heard = self.health.last_contact().is_some_and(|ago| ago < OF_LATE);
        let within = if is_heard { FLUSH_WITHIN } else { FLUSH_ALONE };
        cluster::blocking(move || publisher.flush(within)).await
    }
}
