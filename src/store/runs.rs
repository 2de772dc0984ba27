//! Which processes work, how far they may have read, and which records they were at when one ended without farewell. The last
//! is written only by workers that have reason to be careful.

use std::time::Duration;

use super::{Store, StoreError};
use crate::bus::{Offset, Record, TopicPartition};

/// A process that was silent for so long is history: nobody looks for what it was at any more.
pub(super) const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// A record of a partition. A topic that is made anew begins its offsets anew, so it is known by its time as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordAt {
    /// Its place in its partition.
    pub offset: Offset,
    /// When it was written, as the log says it.
    pub written_ms: i64,
}

impl RecordAt {
    /// The time in what was noted before times were.
    pub const NO_TIME: i64 = -1;
}

impl From<&Record> for RecordAt {
    fn from(record: &Record) -> Self {
        Self { offset: record.offset, written_ms: record.timestamp_ms }
    }
}

impl Store {
    /// A process of a group begins under a name; says whether one of this name had begun and not ended.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known; the same again is then told that one had begun.
    pub async fn run_begun(&self, group: &'static str, run: &str) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.run_begun(group, run).await,
            Self::Postgres(store) => store.run_begun(group, run).await,
        }
    }

    /// A process of a group is alive. One process alone has nobody to show it to.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn run_lives(&self, group: &'static str, run: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.run_lives(group, run).await,
        }
    }

    /// A process of a group ends in order: what it noted is forgotten, besides that a dead one may have been further than it came.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn run_ended(&self, group: &'static str, run: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.run_ended(group, run).await,
            Self::Postgres(store) => store.run_ended(group, run).await,
        }
    }

    /// A process reads a partition from now on. When one that read it before ended without farewell, which has not ended in order
    /// and was silent for this long by the database's clock, says up to which record (not included) that one may have been.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known; the same again is then told the same.
    pub async fn partition_taken(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        silent: Duration,
    ) -> Result<Option<Offset>, StoreError> {
        match self {
            // One process at a time: what another one left, a dead one left.
            Self::Sqlite(store) => store.partition_taken(group, run, place).await,
            Self::Postgres(store) => store.partition_taken(group, run, place, silent).await,
        }
    }

    /// A process is past what a dead one may have been at, and goes on up to this record (not included), or further when it said
    /// so before. Changes nothing when another process has taken the partition.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn reach_moved(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        reach: Offset,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.reach_moved(group, run, place, reach).await,
            Self::Postgres(store) => store.reach_moved(group, run, place, reach).await,
        }
    }

    /// A process begins to work on a record, for the so-many-eth time; `false`, and nothing is noted, when another process has
    /// taken the partition.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn record_begun(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        record: RecordAt,
        times: u32,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.record_begun(group, run, place, record, times).await,
            Self::Postgres(store) => store.record_begun(group, run, place, record, times).await,
        }
    }

    /// A record has its fate. What another process has noted of it stays, when that one has the partition.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn record_done(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        offset: Offset,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.record_done(group, run, place, offset).await,
            Self::Postgres(store) => store.record_done(group, run, place, offset).await,
        }
    }

    /// The records of a partition at which processes may have ended, and how often each was begun. What a process other than
    /// the asking one began that lives, which was not silent for this long by the database's clock, does not count.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn records_at_work(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        silent: Duration,
    ) -> Result<Vec<(RecordAt, u32)>, StoreError> {
        match self {
            // One process at a time: no other one lives.
            Self::Sqlite(store) => store.records_at_work(group, place).await,
            Self::Postgres(store) => store.records_at_work(group, run, place, silent).await,
        }
    }
}
