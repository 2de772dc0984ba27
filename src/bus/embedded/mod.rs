//! The log of one machine: Kafka's promises that Peyvand leans on, kept in one SQLite file. Not a broker: one process
//! opens it, and past one machine it is Kafka.

mod assignment;
mod group;
mod headers;
mod log;
mod member;
mod offsets;
mod open;
mod partitioner;
mod reader;
mod retention;
mod shared;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::sqlite::SqlitePool;
use tokio::sync::{mpsc, oneshot, watch};

use self::group::Groups;
use self::log::{Answer, Append, Command};
use self::shared::{Place, Shared};
use super::record::MOST_RECORD_BYTES;
use super::{
    BusError, Consumer, NewRecord, NextOffset, Offset, Producer, Record, Topic, TopicPartition, TopicSpec,
};

/// Records of one `read_from`.
const MOST_READ: usize = 1000;

/// What a test may shorten.
#[derive(Clone, Copy)]
struct Limits {
    busy: Duration,
    let_go: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { busy: Duration::from_secs(5), let_go: group::LET_GO_WITHIN }
    }
}

/// A log in one file. Cheap to clone; close it before the process ends.
#[derive(Clone)]
pub struct EmbeddedBus {
    inner: Arc<Inner>,
}

struct Inner {
    commands: mpsc::Sender<Command>,
    appended: watch::Receiver<u64>,
    reads: SqlitePool,
    shared: Arc<Shared>,
    groups: Groups,
    limits: Limits,
    keyless: AtomicU32,
}

impl EmbeddedBus {
    /// Opens the log at this path, or makes it. A second process is refused: a `bus.lock` beside the file is held.
    pub async fn open(path: &Path) -> Result<Self, BusError> {
        Self::open_with(path, Limits::default()).await
    }

    async fn open_with(path: &Path, limits: Limits) -> Result<Self, BusError> {
        let inner = Arc::new(open::open(path, limits).await?);
        drop(tokio::spawn(enforce_each_minute(Arc::downgrade(&inner))));
        Ok(Self { inner })
    }

    /// Makes sure that these topics are there. Limits of a topic may change, its number of partitions never.
    pub async fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let topics = topics.to_vec();
        self.inner.ask(|answer| Command::Create(topics, answer)).await
    }

    /// The topics that are there.
    pub fn topics(&self) -> Vec<TopicSpec> {
        self.inner.shared.all().into_iter().map(|known| known.spec).collect()
    }

    /// A producer.
    pub fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(self.clone())
    }

    /// Joins a group as a new member. A group without a stored offset starts at the earliest record. Needs a runtime.
    pub fn consumer(&self, group: &str, topics: &[Topic]) -> Result<Box<dyn Consumer>, BusError> {
        let inner = Arc::clone(&self.inner);
        let appended = self.inner.appended.clone();
        Ok(Box::new(member::Member::join(inner, appended, group, topics)?))
    }

    /// The first record of a partition appended at this time or later.
    pub async fn offsets_for_time(
        &self,
        place: &TopicPartition,
        timestamp_ms: i64,
    ) -> Result<Option<Offset>, BusError> {
        let found = self.inner.shared.place(place)?;
        reader::first_since(&self.inner.reads, found, timestamp_ms).await
    }

    /// Reads without a group: from an offset on, at most `limit` (and never over 1000) records.
    pub async fn read_from(
        &self,
        place: &TopicPartition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<Record>, BusError> {
        let found = self.inner.shared.place(place)?;
        reader::read(&self.inner.reads, found, place, from.0, limit.min(MOST_READ)).await
    }

    /// The offset that a partition gives to its next record.
    pub fn end(&self, place: &TopicPartition) -> Result<NextOffset, BusError> {
        Ok(NextOffset(self.inner.shared.heads.of(self.inner.shared.place(place)?)))
    }

    /// How far a group has settled a partition.
    pub fn committed(&self, group: &str, place: &TopicPartition) -> Option<NextOffset> {
        self.inner.shared.offsets.get(group, place)
    }

    /// Sets how far a group has settled a partition, backwards too. Refused while the group has a member.
    pub async fn seek(&self, group: &str, place: &TopicPartition, next: NextOffset) -> Result<(), BusError> {
        let _there = self.inner.shared.place(place)?;
        let offsets = &self.inner.shared.offsets;
        if !self.inner.groups.while_empty(group, || offsets.set(group, place, next)) {
            return Err(BusError::Unavailable(format!(
                "group {group} is being read; stop its workers before moving its offset"
            )));
        }
        self.inner.flush().await
    }

    /// Drops what is older or more than the topics keep.
    pub async fn enforce_retention(&self, now_ms: i64) -> Result<(), BusError> {
        self.inner.enforce_retention(now_ms).await
    }

    /// Brings everything into the file and frees it. Who still uses the log is told `Closed`.
    pub async fn close(&self) -> Result<(), BusError> {
        self.inner.reads.close().await;
        match self.inner.ask(Command::Close).await {
            Err(BusError::Closed) => Ok(()),
            other => other,
        }
    }
}

impl Producer for EmbeddedBus {
    fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
        Box::pin(self.inner.send(record))
    }
}

impl Inner {
    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, BusError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| BusError::Closed)?;
        answered.await.map_err(|_| BusError::Closed)?
    }

    async fn flush(&self) -> Result<(), BusError> {
        self.ask(Command::Flush).await
    }

    async fn send(&self, record: NewRecord) -> Result<(TopicPartition, Offset), BusError> {
        let topic = record.topic.clone();
        let known = self.shared.known(&topic).ok_or_else(|| BusError::UnknownTopic(topic.clone()))?;
        let size = record.size();
        if size > MOST_RECORD_BYTES {
            return Err(BusError::TooLarge { topic, size, limit: MOST_RECORD_BYTES });
        }
        let partition = match &record.key {
            Some(key) => partitioner::of_key(key, known.spec.partitions),
            None => partitioner::of_turn(self.keyless.fetch_add(1, Ordering::Relaxed), known.spec.partitions),
        };
        let place = Place { topic_id: known.topic_id, partition };
        let headers = headers::encode(&record.headers);
        let offset =
            self.ask(|answer| Command::Append(Append { place, record, headers, size, answer })).await?;
        Ok((TopicPartition { topic, partition }, offset))
    }

    async fn enforce_retention(&self, now_ms: i64) -> Result<(), BusError> {
        for known in self.shared.all() {
            for partition in 0..known.spec.partitions {
                let place = Place { topic_id: known.topic_id, partition };
                let trim = |answer| Command::Trim(place, known.spec.clone(), now_ms, answer);
                while self.ask(trim).await? {}
            }
        }
        Ok(())
    }

    /// Takes away at this moment what members of a group were asked for and still keep.
    fn take_away_at(self: &Arc<Self>, group: &str, moment: Instant) {
        let (inner, group) = (Arc::downgrade(self), group.to_owned());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        drop(runtime.spawn(async move {
            tokio::time::sleep_until(moment.into()).await;
            if let Some(inner) = inner.upgrade() {
                inner.groups.expire(&group, Instant::now());
            }
        }));
    }
}

async fn enforce_each_minute(inner: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let Some(inner) = inner.upgrade() else { return };
        match inner.enforce_retention(log::now_ms()).await {
            Ok(()) => {}
            Err(BusError::Closed) => return,
            Err(error) => {
                tracing::warn!(kind = error.kind(), "old records could not be dropped; trying again")
            }
        }
    }
}
