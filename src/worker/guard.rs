//! Stops a worker that makes dead letters of everything: after a bad release the log is to wait for the mended one and
//! not to be emptied. Counts only what is our own fault; an outsider who publishes rubbish must not be able to stop
//! anybody. Pure: the time is an argument.

use std::time::Duration;

use thiserror::Error;

/// Letters of our own making that may follow one another with no success between.
pub(super) const ROW_MAX: u32 = 20;
/// The share of such letters among the records of the window, and from how many records on it is looked at.
const SHARE_PERCENT_MAX: u64 = 5;
const ENOUGH: u64 = 200;
const SLOT: Duration = Duration::from_secs(10);
/// Slots of the window: five minutes.
const SLOTS: usize = 30;

/// Why a worker takes no more records.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the worker {group} stopped itself: {rule} could not be worked on, the last for the cause {class}. The fault is its own \
     and not the records', so going on would make dead letters of good records. Nothing is lost: the records from here on \
     wait in the log. Look at the letters with `peyvand dlq list`, mend the cause or start the release before this one, then \
     redrive them. To go on all the same, set worker.letters_guard (PEYVAND_WORKER_LETTERS_GUARD) to off"
)]
pub struct Tripped {
    /// The worker.
    pub group: &'static str,
    /// The cause of the letter that was not written any more.
    pub class: &'static str,
    /// What was too much.
    pub rule: Rule,
}

/// What is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rule {
    /// No success between them.
    #[error("{0} records in a row")]
    Row(u32),
    /// Too large a share of the last minutes.
    #[error("{letters} of the last {records} records")]
    Share {
        /// Letters of our own making.
        letters: u64,
        /// All records, those of foreign making left out.
        records: u64,
    },
}

/// The records of ten seconds.
#[derive(Clone, Copy, Default)]
struct Slot {
    number: u64,
    records: u64,
    letters: u64,
}

/// Counts the fates of one worker's records.
pub(super) struct LettersGuard {
    group: &'static str,
    row: u32,
    slots: [Slot; SLOTS],
    tripped: Option<Tripped>,
}

impl LettersGuard {
    pub(super) fn new(group: &'static str) -> Self {
        Self { group, row: 0, slots: [Slot::default(); SLOTS], tripped: None }
    }

    /// A record was worked on with success; one that was passed by is none.
    pub(super) fn success(&mut self, at: Duration) {
        self.row = 0;
        self.slot(at).records += 1;
    }

    /// A record is to become a letter by our own fault. Once it may not, none may.
    pub(super) fn letter(&mut self, class: &'static str, at: Duration) -> Result<(), Tripped> {
        if let Some(tripped) = &self.tripped {
            return Err(tripped.clone());
        }
        self.row += 1;
        let slot = self.slot(at);
        slot.records += 1;
        slot.letters += 1;
        let Some(rule) = self.too_much(at) else { return Ok(()) };
        Err(self.tripped.insert(Tripped { group: self.group, class, rule }).clone())
    }

    /// Why no more records are taken.
    pub(super) fn tripped(&self) -> Option<Tripped> {
        self.tripped.clone()
    }

    fn too_much(&self, at: Duration) -> Option<Rule> {
        if self.row > ROW_MAX {
            return Some(Rule::Row(self.row));
        }
        let oldest = number(at).saturating_sub(SLOTS as u64 - 1);
        let (mut records, mut letters) = (0, 0);
        for slot in self.slots.iter().filter(|slot| slot.number >= oldest) {
            records += slot.records;
            letters += slot.letters;
        }
        let over = records >= ENOUGH && letters * 100 > records * SHARE_PERCENT_MAX;
        over.then_some(Rule::Share { letters, records })
    }

    fn slot(&mut self, at: Duration) -> &mut Slot {
        let number = number(at);
        let index = usize::try_from(number % SLOTS as u64).unwrap_or_default();
        let slot = &mut self.slots[index];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        slot
    }
}

/// The slot of a time; the first is 1, so that an unused one belongs to none.
fn number(at: Duration) -> u64 {
    at.as_secs() / SLOT.as_secs() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::ZERO;

    fn seconds(many: u64) -> Duration {
        Duration::from_secs(many)
    }

    #[test]
    fn twenty_in_a_row_are_let_through_and_the_next_is_not() {
        let mut guard = LettersGuard::new("g");
        (0..ROW_MAX).for_each(|_| guard.letter("panic", START).unwrap());
        let tripped = guard.letter("permanent", START).unwrap_err();
        assert_eq!(tripped, Tripped { group: "g", class: "permanent", rule: Rule::Row(21) });
        guard.success(START);
        assert_eq!(guard.letter("panic", START), Err(tripped), "a late success does not make it well again");
    }

    #[test]
    fn one_success_between_begins_the_row_anew() {
        let mut guard = LettersGuard::new("g");
        for _ in 0..3 {
            (0..ROW_MAX).for_each(|_| guard.letter("panic", START).unwrap());
            guard.success(START);
        }
        assert_eq!(guard.tripped(), None);
    }

    #[test]
    fn one_in_twenty_of_the_last_five_minutes_is_let_through_and_one_more_is_not() {
        let mut guard = LettersGuard::new("g");
        (0..190).for_each(|_| guard.success(START));
        (0..9).for_each(|_| guard.letter("exhausted", START).unwrap());
        guard.letter("exhausted", START).unwrap();
        let tripped = guard.letter("exhausted", seconds(299)).unwrap_err();
        assert_eq!(tripped.rule, Rule::Share { letters: 11, records: 201 });
    }

    #[test]
    fn few_records_and_old_ones_say_nothing_about_the_share() {
        let mut guard = LettersGuard::new("g");
        (0..180).for_each(|_| guard.success(START));
        (0..19).for_each(|_| guard.letter("panic", START).unwrap());
        let later = seconds(300);
        (0..300).for_each(|_| guard.success(later));
        guard.letter("panic", later).unwrap();
    }

    #[test]
    fn the_words_name_the_cause_the_way_to_look_and_the_way_on() {
        let words = Tripped { group: "reply", class: "panic", rule: Rule::Row(21) }.to_string();
        for part in
            ["reply", "21 records in a row", "panic", "peyvand dlq list", "PEYVAND_WORKER_LETTERS_GUARD"]
        {
            assert!(words.contains(part), "{words}");
        }
    }

    proptest! {
        /// The same, by a list of everything that ever happened.
        #[test]
        fn it_trips_exactly_when_the_whole_history_says_so(
            steps in prop::collection::vec((0..40u64, 0..12u8), 1..900)
        ) {
            let mut guard = LettersGuard::new("g");
            let (mut at, mut row, mut history) = (0, 0, Vec::new());
            for (wait, what) in steps {
                at += if wait < 38 { 0 } else { wait };
                let is_letter = what == 0;
                history.push((at / 10, is_letter));
                row = if is_letter { row + 1 } else { 0 };
                if !is_letter {
                    guard.success(seconds(at));
                    continue;
                }
                let recent: Vec<bool> =
                    history.iter().filter(|(slot, _)| slot + 30 > at / 10).map(|(_, letter)| *letter).collect();
                let letters = recent.iter().filter(|letter| **letter).count();
                let too_much = row > 20 || recent.len() >= 200 && letters * 20 > recent.len();
                prop_assert_eq!(guard.letter("panic", seconds(at)).is_err(), too_much);
                if too_much {
                    break;
                }
            }
        }
    }
}
