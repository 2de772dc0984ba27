//! The seam between Peyvand and the log that carries its records. It knows no events: bytes, keys, topics, offsets.

pub mod embedded;
pub mod kafka;
mod record;

use std::time::Duration;

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::sync::oneshot;

pub use record::{
    Epoch, Headers, NewRecord, NextOffset, Offset, Record, TimestampType, Topic, TopicPartition,
};

/// How long every log leaves what is asked back with a worker, at least, before it is taken away.
pub const LET_GO_WITHIN_MIN: Duration = Duration::from_secs(20);

/// Publishes records.
pub trait Producer: Send + Sync {
    /// Publishes one record and waits until the log has it for good; gives its place. The future may be dropped, the
    /// record may then be there or not.
    fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>>;
}

/// A member of a consumer group.
pub trait Consumer: Send {
    /// The next thing that happens to this member: at most `room` records at once, and with no room only changes of its
    /// partitions. Cancel-safe: a dropped future loses nothing.
    fn next(&mut self, room: usize) -> BoxFuture<'_, Result<ConsumerEvent, BusError>>;

    /// Stores how far a partition is settled. Kept durably soon after (and before the partition is given away), never
    /// backwards, and ignored when the epoch is over.
    fn store(&self, place: &TopicPartition, epoch: Epoch, next: NextOffset);

    /// Leaves the group: stored offsets are kept, partitions are free for others.
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), BusError>>;
}

/// What happens to a member of a group.
#[derive(Debug)]
pub enum ConsumerEvent {
    /// These partitions are read by this member from now on; records follow.
    Assigned(Vec<(TopicPartition, Epoch)>),
    /// These partitions go to another member: finish what runs, store, then let go. Others wait for it, so be quick.
    Revoking(Vec<TopicPartition>, LetGo),
    /// These partitions are gone already (the group lost this member): forget what runs.
    Lost(Vec<TopicPartition>),
    /// Records of assigned partitions, those of one partition in their order. Some may be of a stay that is over.
    Records(Vec<(Record, Epoch)>),
}

/// Says that revoked partitions are let go; dropping it says so too.
#[derive(Debug)]
pub struct LetGo(Option<oneshot::Sender<()>>);

impl LetGo {
    /// A handle and what it wakes: the receiver ends when the handle is used or dropped.
    pub fn new() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    /// The partitions are let go.
    pub fn now(mut self) {
        if let Some(waiting) = self.0.take() {
            // Nobody waits any more when the consumer is closing; that is as good as an answer.
            let _closing = waiting.send(());
        }
    }
}

/// A topic to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub topic: Topic,
    /// Its partitions; part of the order contract, never changed in place.
    pub partitions: i32,
    /// How long records are kept.
    pub retention_ms: i64,
    /// How many bytes a partition keeps.
    pub retention_bytes: i64,
}

/// What can go wrong with the log.
#[derive(Debug, Error)]
pub enum BusError {
    /// A topic that does not exist.
    #[error("topic {0} does not exist; create it with `peyvand topics create`")]
    UnknownTopic(Topic),
    /// A topic that exists with another number of partitions.
    #[error(
        "topic {topic} has {found} partitions and {wanted} are expected; the order of conversations hangs on it"
    )]
    Partitions {
        /// The topic.
        topic: Topic,
        /// What is there.
        found: i32,
        /// What was asked for.
        wanted: i32,
    },
    /// A record over the limit.
    #[error("a record of {size} bytes for {topic} is over the limit of {limit} bytes")]
    TooLarge {
        /// Where it should go.
        topic: Topic,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Settings of the log that cannot be used.
    #[error("the settings of the log cannot be used: {0}")]
    Settings(String),
    /// The log cannot be reached or written just now.
    #[error("the log cannot be used just now: {0}")]
    Unavailable(String),
    /// The log is closed.
    #[error("the log is closed")]
    Closed,
}

impl BusError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::UnknownTopic(_) => "unknown_topic",
            Self::Partitions { .. } => "partitions",
            Self::TooLarge { .. } => "too_large",
            Self::Settings(_) => "settings",
            Self::Unavailable(_) => "unavailable",
            Self::Closed => "closed",
        }
    }

    /// Whether the same call may succeed later without anybody mending anything.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::UnknownTopic(_)
            | Self::Partitions { .. }
            | Self::TooLarge { .. }
            | Self::Settings(_)
            | Self::Closed => false,
        }
    }
}
