//! The queue of one conversation behind the record of it that is settled. Whoever settles that one may look at what comes next,
//! and wait for it for a while; taking it is the pump's alone.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::bus::Record;

/// What waits behind a record.
#[derive(Debug, Default)]
pub struct Lane {
    waiting: Mutex<VecDeque<Record>>,
    came: Notify,
    /// Nothing comes any more.
    is_over: AtomicBool,
}

impl Lane {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, record: Record) {
        self.waiting().push_back(record);
        self.came.notify_one();
    }

    pub(super) fn pop(&self) -> Option<Record> {
        self.waiting().pop_front()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Takes out everything that waits: its partition goes, and nothing comes any more.
    pub(super) fn end(&self) -> VecDeque<Record> {
        self.is_over.store(true, Ordering::Release);
        self.came.notify_one();
        std::mem::take(&mut *self.waiting())
    }

    /// The sum of something over everything that waits.
    pub(super) fn sum(&self, of: impl Fn(&Record) -> usize) -> usize {
        self.waiting().iter().map(of).sum()
    }

    /// The record that is next, as soon as there is one; `None` when none came in time.
    pub(super) async fn next_until(&self, until: Instant) -> Option<Record> {
        loop {
            let next = self.waiting().front().cloned();
            if next.is_some() || self.is_over.load(Ordering::Acquire) {
                return next;
            }
            timeout_at(until, self.came.notified()).await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bus::{Headers, Offset, TimestampType, Topic, TopicPartition};

    fn record(offset: i64) -> Record {
        Record {
            place: TopicPartition { topic: Topic::new("t"), partition: 0 },
            offset: Offset(offset),
            timestamp_ms: 0,
            timestamp_type: TimestampType::default(),
            key: None,
            value: None,
            headers: Headers::default(),
        }
    }

    #[tokio::test]
    async fn what_is_next_is_seen_when_it_comes_and_stays_in_the_lane() {
        let lane = Lane::default();
        let soon = Instant::now() + Duration::from_millis(5);
        assert!(lane.next_until(soon).await.is_none());
        assert!(Instant::now() >= soon, "it was not waited for");
        let until = Instant::now() + Duration::from_secs(60);
        let (next, ()) = tokio::join!(lane.next_until(until), async { lane.push(record(7)) });
        assert_eq!(next.unwrap().offset, Offset(7));
        assert_eq!(lane.pop().unwrap().offset, Offset(7));
        assert!(lane.pop().is_none());
    }
}
