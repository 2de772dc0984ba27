//! What writer, readers and members know together: topics, how far each partition goes, stored offsets. In memory,
//! true to the file; only the writer changes topics and heads.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};

use super::offsets::Offsets;
use crate::bus::{BusError, Topic, TopicPartition, TopicSpec};

/// A partition as the file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) topic_id: i64,
    pub(super) partition: i32,
}

/// A topic that is there.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) topic_id: i64,
    pub(super) spec: TopicSpec,
}

/// The offset each partition gives next; a partition without records may be missing.
pub(super) type Heads = HashMap<Place, i64>;

/// The heads behind their lock.
#[derive(Default)]
pub(super) struct SharedHeads(Mutex<Heads>);

impl SharedHeads {
    /// All of them as they are now.
    pub(super) fn lock_copy(&self) -> Heads {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The offset a partition gives next.
    pub(super) fn of(&self, place: Place) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).copied().unwrap_or(0)
    }

    /// These are the heads from now on.
    pub(super) fn replace(&self, heads: Heads) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = heads;
    }
}

/// What everybody knows.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) topics: RwLock<BTreeMap<Topic, Known>>,
    pub(super) heads: SharedHeads,
    pub(super) offsets: Offsets,
}

impl Shared {
    /// A topic, when it is there.
    pub(super) fn known(&self, topic: &Topic) -> Option<Known> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(topic).cloned()
    }

    /// All topics.
    pub(super) fn all(&self) -> Vec<Known> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// These topics are there from now on.
    pub(super) fn learn(&self, topics: Vec<Known>) {
        let mut known = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(topics.into_iter().map(|topic| (topic.spec.topic.clone(), topic)));
    }

    /// The place of a partition in the file.
    pub(super) fn place(&self, place: &TopicPartition) -> Result<Place, BusError> {
        match self.known(&place.topic) {
            Some(known) if (0..known.spec.partitions).contains(&place.partition) => {
                Ok(Place { topic_id: known.topic_id, partition: place.partition })
            }
            Some(known) => Err(BusError::Partitions {
                topic: place.topic.clone(),
                found: known.spec.partitions,
                wanted: place.partition.saturating_add(1),
            }),
            None => Err(BusError::UnknownTopic(place.topic.clone())),
        }
    }
}

/// SQLite's answer as ours. Its texts name tables and states, never values.
pub(super) fn of_sqlite(error: &sqlx::Error) -> BusError {
    match error {
        sqlx::Error::PoolClosed => BusError::Closed,
        other => BusError::Unavailable(format!(
            "its file could not be used ({other}); check the disk's free space and that no other program holds the file"
        )),
    }
}
