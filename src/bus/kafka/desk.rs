//! Where the poll thread lays down what it has and the member takes it: changes of partitions first, then records,
//! at last why it is over. Bounded; knows no client.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use tokio::sync::Notify;

use crate::bus::{BusError, ConsumerEvent, Epoch, Record, Topic, TopicPartition};

/// Records and bytes that may lie ready; the batch that passes a limit is still taken.
const MOST_RECORDS: usize = 1024;
const MOST_BYTES: usize = 8 << 20;
/// Changes that may wait. A member that does not look at so many is not at work any more.
const MOST_CHANGES: usize = 64;

/// Why no more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The member, the bus or the cluster ended it.
    Closed,
    /// A topic of the member is not there.
    UnknownTopic(Topic),
    /// The group does not take the member as it is set up; what to do.
    Refused(&'static str),
}

impl From<Over> for BusError {
    fn from(over: Over) -> Self {
        match over {
            Over::Closed => Self::Closed,
            Over::UnknownTopic(topic) => Self::UnknownTopic(topic),
            Over::Refused(advice) => Self::Settings(advice.to_owned()),
        }
    }
}

/// How empty the desk must be to take a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Below its limits.
    NotFull,
    /// Below half of them: reading begins again only when it is worth it.
    Half,
}

/// Records on their way, with their bytes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<(Record, Epoch)>,
    pub(super) bytes: usize,
}

#[derive(Default)]
struct Laid {
    changes: VecDeque<ConsumerEvent>,
    records: VecDeque<(Record, Epoch)>,
    bytes: usize,
    over: Option<Over>,
    poller_waits: bool,
}

/// The desk between a poll thread and its member.
#[derive(Default)]
pub(super) struct Desk {
    laid: Mutex<Laid>,
    arrived: Notify,
    poller: OnceLock<Thread>,
    closing: AtomicBool,
}

/// The bytes a record counts.
pub(super) fn weight(record: &Record) -> usize {
    record.key.as_ref().map_or(0, Vec::len)
        + record.value.as_ref().map_or(0, Vec::len)
        + record.headers.size()
}

impl Desk {
    fn laid(&self) -> MutexGuard<'_, Laid> {
        self.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As long as this is kept, whoever lays something down stands still.
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.laid()
    }

    /// The thread that polls says who it is, to be woken.
    pub(super) fn polled_by(&self, thread: Thread) {
        self.poller.get_or_init(|| thread);
    }

    fn wake_poller(&self) {
        if let Some(thread) = self.poller.get() {
            thread.unpark();
        }
    }

    /// The member leaves.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake_poller();
    }

    /// Whether the member leaves.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Lays a change down.
    pub(super) fn change(&self, change: ConsumerEvent) {
        let mut laid = self.laid();
        if laid.changes.len() < MOST_CHANGES {
            laid.changes.push_back(change);
        } else {
            let _first = laid.over.get_or_insert(Over::Closed);
        }
        drop(laid);
        self.arrived.notify_one();
    }

    /// Records of these partitions are of no use any more.
    pub(super) fn take_away(&self, places: &[TopicPartition]) {
        let mut laid = self.laid();
        laid.records.retain(|(record, _)| !places.contains(&record.place));
        laid.bytes = laid.records.iter().map(|(record, _)| weight(record)).sum();
    }

    /// Lays a batch down when there is room, and gives whether there was.
    pub(super) fn offer(&self, batch: &mut Batch, fill: Fill) -> bool {
        let mut laid = self.laid();
        let part = match fill {
            Fill::NotFull => 1,
            Fill::Half => 2,
        };
        if laid.records.len() >= MOST_RECORDS / part || laid.bytes >= MOST_BYTES / part {
            laid.poller_waits = true;
            return false;
        }
        laid.poller_waits = false;
        laid.bytes += std::mem::take(&mut batch.bytes);
        laid.records.extend(batch.records.drain(..));
        drop(laid);
        self.arrived.notify_one();
        true
    }

    /// No more comes.
    pub(super) fn end(&self, over: Over) {
        let _first = self.laid().over.get_or_insert(over);
        self.arrived.notify_one();
    }

    /// What is next for the member; cancel-safe, because nothing is taken before it is given.
    pub(super) async fn next(&self, room: usize) -> Result<ConsumerEvent, BusError> {
        loop {
            if let Some(event) = self.take(room) {
                return event;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self, room: usize) -> Option<Result<ConsumerEvent, BusError>> {
        let mut laid = self.laid();
        if let Some(change) = laid.changes.pop_front() {
            return Some(Ok(change));
        }
        if let Some(over) = &laid.over {
            return Some(Err(over.clone().into()));
        }
        if room == 0 || laid.records.is_empty() {
            return None;
        }
        let many = room.min(laid.records.len());
        let taken: Vec<(Record, Epoch)> = laid.records.drain(..many).collect();
        laid.bytes = laid.bytes.saturating_sub(taken.iter().map(|(record, _)| weight(record)).sum());
        let wake = std::mem::take(&mut laid.poller_waits);
        drop(laid);
        if wake {
            self.wake_poller();
        }
        Some(Ok(ConsumerEvent::Records(taken)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Headers, Offset, TimestampType};

    fn batch(partition: i32, many: usize, value: usize) -> Batch {
        let record = Record {
            place: TopicPartition { topic: Topic::new("t"), partition },
            offset: Offset(0),
            timestamp_ms: 0,
            timestamp_type: TimestampType::default(),
            key: None,
            value: Some(vec![0; value]),
            headers: Headers::default(),
        };
        Batch { records: vec![(record, Epoch(1)); many], bytes: many * value }
    }

    fn taken(desk: &Desk, room: usize) -> Option<usize> {
        match desk.take(room)?.unwrap() {
            ConsumerEvent::Records(records) => Some(records.len()),
            _ => None,
        }
    }

    #[test]
    fn a_change_comes_before_the_records_that_were_laid_down_earlier() {
        let desk = Desk::default();
        assert!(desk.offer(&mut batch(0, 2, 1), Fill::NotFull));
        desk.change(ConsumerEvent::Lost(Vec::new()));
        assert!(matches!(desk.take(0), Some(Ok(ConsumerEvent::Lost(_)))));
        assert_eq!(
            (taken(&desk, 0), taken(&desk, 1), taken(&desk, 9), taken(&desk, 9)),
            (None, Some(1), Some(1), None)
        );
    }

    #[test]
    fn a_full_desk_takes_a_batch_again_when_something_was_taken() {
        let desk = Desk::default();
        assert!(desk.offer(&mut batch(0, MOST_RECORDS, 1), Fill::NotFull));
        let mut next = batch(0, 1, 1);
        assert!(!desk.offer(&mut next, Fill::NotFull));
        assert_eq!(taken(&desk, 1), Some(1));
        assert!(!desk.offer(&mut next, Fill::Half));
        assert!(desk.offer(&mut next, Fill::NotFull) && next.records.is_empty() && next.bytes == 0);
    }

    #[test]
    fn bytes_fill_the_desk_as_well() {
        let desk = Desk::default();
        assert!(desk.offer(&mut batch(0, 1, MOST_BYTES), Fill::NotFull));
        assert!(!desk.offer(&mut batch(0, 1, 1), Fill::NotFull));
        desk.take_away(&[TopicPartition { topic: Topic::new("t"), partition: 0 }]);
        assert!(desk.offer(&mut batch(0, 1, 1), Fill::NotFull));
    }

    #[test]
    fn the_end_is_told_again_and_again_and_after_the_changes() {
        let desk = Desk::default();
        desk.change(ConsumerEvent::Lost(Vec::new()));
        desk.end(Over::UnknownTopic(Topic::new("t")));
        desk.end(Over::Closed);
        assert!(matches!(desk.take(1), Some(Ok(ConsumerEvent::Lost(_)))));
        for _ in 0..2 {
            assert!(matches!(desk.take(1), Some(Err(BusError::UnknownTopic(_)))));
        }
    }

    #[test]
    fn a_member_that_does_not_look_at_its_changes_is_told_that_it_is_over() {
        let desk = Desk::default();
        for _ in 0..=MOST_CHANGES {
            desk.change(ConsumerEvent::Lost(Vec::new()));
        }
        for _ in 0..MOST_CHANGES {
            assert!(matches!(desk.take(1), Some(Ok(ConsumerEvent::Lost(_)))));
        }
        assert!(matches!(desk.take(1), Some(Err(BusError::Closed))));
    }
}
