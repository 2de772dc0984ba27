//! How far each group has read, in memory: a store is a note here, the writer takes the notes along. Knows neither
//! epochs nor SQL. Bounded by groups times partitions.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::bus::{NextOffset, TopicPartition};

/// One group's place.
pub(super) type Reading = (String, TopicPartition);

#[derive(Default)]
struct Notes {
    stored: HashMap<Reading, NextOffset>,
    unwritten: HashSet<Reading>,
}

/// The stored offsets of all groups, and which of them are not in the file yet.
#[derive(Default)]
pub(super) struct Offsets {
    notes: Mutex<Notes>,
    noted: Notify,
}

impl Offsets {
    /// What the file knows.
    pub(super) fn of_file(stored: HashMap<Reading, NextOffset>) -> Self {
        Self { notes: Mutex::new(Notes { stored, unwritten: HashSet::new() }), noted: Notify::new() }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset a group reads next.
    pub(super) fn get(&self, group: &str, place: &TopicPartition) -> Option<NextOffset> {
        self.notes().stored.get(&(group.to_owned(), place.clone())).copied()
    }

    /// Notes an offset, unless it lies before the one that is there.
    pub(super) fn advance(&self, group: &str, place: &TopicPartition, next: NextOffset) {
        if self.get(group, place).is_none_or(|have| have < next) {
            self.set(group, place, next);
        }
    }

    /// Notes an offset, backwards too.
    pub(super) fn set(&self, group: &str, place: &TopicPartition, next: NextOffset) {
        let reading = (group.to_owned(), place.clone());
        let mut notes = self.notes();
        let _before = notes.stored.insert(reading.clone(), next);
        let _known = notes.unwritten.insert(reading);
        drop(notes);
        self.noted.notify_one();
    }

    /// Waits until something is noted.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// Takes what is not in the file yet; `put_back` when it could not be written.
    pub(super) fn take_unwritten(&self) -> Vec<(Reading, NextOffset)> {
        let mut notes = self.notes();
        let taken = std::mem::take(&mut notes.unwritten);
        taken
            .into_iter()
            .filter_map(|reading| {
                let next = notes.stored.get(&reading).copied()?;
                Some((reading, next))
            })
            .collect()
    }

    /// These are still not in the file.
    pub(super) fn put_back(&self, taken: Vec<(Reading, NextOffset)>) {
        if taken.is_empty() {
            return;
        }
        self.notes().unwritten.extend(taken.into_iter().map(|(reading, _)| reading));
        self.noted.notify_one();
    }
}
