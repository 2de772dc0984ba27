//! Which partitions a member holds, in which epoch, and how far they are settled: a store is a note here, the poll
//! thread brings the notes to librdkafka. Knows no client. Bounded by the partitions of the member.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bus::{Epoch, NextOffset, Offset, TopicPartition};

/// One number for the whole process: an epoch names its stay alone.
static EPOCHS: AtomicU64 = AtomicU64::new(0);

/// A partition's stay with this member.
struct Stay {
    place: TopicPartition,
    /// The first offset that is not settled; none before the first record of the stay, when nothing can be settled.
    settled: Option<NextOffset>,
    unsaid: bool,
}

/// A settled offset on its way to librdkafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) epoch: Epoch,
    pub(super) place: TopicPartition,
    pub(super) next: NextOffset,
}

/// The stays of a member.
#[derive(Default)]
pub(super) struct Stays(Mutex<BTreeMap<Epoch, Stay>>);

impl Stays {
    fn stays(&self) -> MutexGuard<'_, BTreeMap<Epoch, Stay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These partitions are held from now on, each in an epoch of its own.
    pub(super) fn begin(&self, places: &[TopicPartition]) -> Vec<(TopicPartition, Epoch)> {
        let mut stays = self.stays();
        stays.retain(|_, stay| !places.contains(&stay.place));
        let mut begun = Vec::with_capacity(places.len());
        for place in places {
            let epoch = Epoch(EPOCHS.fetch_add(1, Ordering::Relaxed) + 1);
            let _new = stays.insert(epoch, Stay { place: place.clone(), settled: None, unsaid: false });
            begun.push((place.clone(), epoch));
        }
        begun
    }

    /// These partitions are held no longer.
    pub(super) fn end(&self, places: &[TopicPartition]) {
        self.stays().retain(|_, stay| !places.contains(&stay.place));
    }

    /// All partitions that are held.
    pub(super) fn places(&self) -> Vec<TopicPartition> {
        self.stays().values().map(|stay| stay.place.clone()).collect()
    }

    /// The stay to which a record belongs that was just read.
    pub(super) fn of_record(
        &self,
        topic: &str,
        partition: i32,
        offset: Offset,
    ) -> Option<(TopicPartition, Epoch)> {
        let mut stays = self.stays();
        let held = |stay: &Stay| stay.place.partition == partition && stay.place.topic.as_str() == topic;
        let (epoch, stay) = stays.iter_mut().find(|(_, stay)| held(stay))?;
        // What lies before the first record was settled by an earlier stay and never goes back.
        let _first = stay.settled.get_or_insert(NextOffset(offset.0));
        Some((stay.place.clone(), *epoch))
    }

    /// Notes how far a partition is settled, unless the epoch is over or it was settled further.
    pub(super) fn note(&self, place: &TopicPartition, epoch: Epoch, next: NextOffset) {
        let mut stays = self.stays();
        let Some(stay) = stays.get_mut(&epoch) else { return };
        if stay.settled.is_some_and(|settled| settled < next) && stay.place == *place {
            stay.settled = Some(next);
            stay.unsaid = true;
        }
    }

    /// Takes the notes that librdkafka does not have yet.
    pub(super) fn take_notes(&self) -> Vec<Note> {
        let mut stays = self.stays();
        let unsaid = stays.iter_mut().filter(|(_, stay)| stay.unsaid);
        unsaid
            .filter_map(|(epoch, stay)| {
                stay.unsaid = false;
                let next = stay.settled?;
                Some(Note { epoch: *epoch, place: stay.place.clone(), next })
            })
            .collect()
    }

    /// librdkafka did not take this note; it is brought again.
    pub(super) fn put_back(&self, note: &Note) {
        if let Some(stay) = self.stays().get_mut(&note.epoch) {
            stay.unsaid = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Topic;

    fn place(partition: i32) -> TopicPartition {
        TopicPartition { topic: Topic::new("t"), partition }
    }

    fn held(stays: &Stays, partition: i32) -> Epoch {
        stays.begin(&[place(partition)]).remove(0).1
    }

    #[test]
    fn a_note_is_taken_once_and_again_when_it_is_put_back() {
        let stays = Stays::default();
        let epoch = held(&stays, 0);
        assert_eq!(stays.of_record("t", 0, Offset(4)), Some((place(0), epoch)));
        stays.note(&place(0), epoch, NextOffset(5));
        let note = Note { epoch, place: place(0), next: NextOffset(5) };
        assert_eq!(stays.take_notes(), std::slice::from_ref(&note));
        assert_eq!(stays.take_notes(), []);
        stays.put_back(&note);
        assert_eq!(stays.take_notes(), [note]);
    }

    #[test]
    fn only_a_forward_note_of_the_current_epoch_counts() {
        let stays = Stays::default();
        let before = held(&stays, 0);
        let epoch = held(&stays, 0);
        stays.note(&place(0), epoch, NextOffset(9));
        let _record = stays.of_record("t", 0, Offset(4));
        for (place, epoch, next) in
            [(place(0), before, 9), (place(1), epoch, 9), (place(0), epoch, 4), (place(0), epoch, 3)]
        {
            stays.note(&place, epoch, NextOffset(next));
        }
        assert_eq!(stays.take_notes(), []);
    }

    #[test]
    fn a_record_of_a_partition_that_is_not_held_belongs_nowhere() {
        let stays = Stays::default();
        let _epoch = held(&stays, 0);
        stays.end(&[place(0)]);
        assert_eq!(stays.of_record("t", 0, Offset(0)), None);
    }
}
