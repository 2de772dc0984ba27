//! How far one stay of a partition is settled. Pure: it sees offsets go in and out, in any order, and says up to where
//! everything is settled. It may not know records, clocks or the bus's consumer.

use std::collections::VecDeque;

use crate::bus::{NextOffset, Offset};

/// Settled offsets that lie behind an open one are dropped when there are so many more of them than open ones.
const SETTLED_MORE: usize = 1024;

/// The offsets of one partition in one epoch.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In rising order; the first is open.
    records: VecDeque<(Offset, State)>,
    open: usize,
    highest_settled: Option<Offset>,
    stored: Option<NextOffset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Settled,
}

impl Ledger {
    /// A record was handed out. Offsets may have gaps.
    pub fn observe(&mut self, offset: Offset) {
        if self.records.back().is_none_or(|(last, _)| *last < offset) {
            self.records.push_back((offset, State::Open));
        } else {
            match self.place(offset) {
                Ok(at) if self.records[at].1 == State::Open => return,
                Ok(at) => self.records[at].1 = State::Open,
                Err(at) => self.records.insert(at, (offset, State::Open)),
            }
        }
        self.open += 1;
    }

    /// A record is settled. Gives the offset to store when the contiguous front moved; a second settling or an
    /// offset that was never handed out changes nothing.
    pub fn settle(&mut self, offset: Offset) -> Option<NextOffset> {
        let at = self.place(offset).ok()?;
        if self.records[at].1 == State::Settled {
            return None;
        }
        self.records[at].1 = State::Settled;
        self.open -= 1;
        self.highest_settled = self.highest_settled.max(Some(offset));
        self.forget_settled();
        let front = match self.records.front() {
            Some((lowest, _)) => NextOffset(lowest.0),
            None => self.highest_settled?.next(),
        };
        self.stored.is_none_or(|stored| front > stored).then(|| {
            self.stored = Some(front);
            front
        })
    }

    /// How many records are handed out and not settled.
    pub fn open(&self) -> usize {
        self.open
    }

    fn place(&self, offset: Offset) -> Result<usize, usize> {
        self.records.binary_search_by_key(&offset, |(one, _)| *one)
    }

    fn forget_settled(&mut self) {
        while self.records.front().is_some_and(|(_, state)| *state == State::Settled) {
            self.records.pop_front();
        }
        if self.records.len() > 2 * self.open + SETTLED_MORE {
            self.records.retain(|(_, state)| *state == State::Open);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settling_out_of_order_stores_only_the_contiguous_front() {
        let mut ledger = Ledger::default();
        (10..13).for_each(|offset| ledger.observe(Offset(offset)));
        assert_eq!(ledger.settle(Offset(12)), Some(NextOffset(10)));
        assert_eq!(ledger.settle(Offset(10)), Some(NextOffset(11)));
        assert_eq!(ledger.settle(Offset(11)), Some(NextOffset(13)));
        assert_eq!(ledger.settle(Offset(11)), None);
    }

    #[test]
    fn a_record_that_stays_open_keeps_no_room_for_what_is_settled_behind_it() {
        let mut ledger = Ledger::default();
        ledger.observe(Offset(0));
        (1..100_000).for_each(|offset| {
            ledger.observe(Offset(offset));
            let _ = ledger.settle(Offset(offset));
            assert!(ledger.records.len() <= 2 + SETTLED_MORE, "{}", ledger.records.len());
        });
        assert_eq!(ledger.settle(Offset(0)), Some(NextOffset(100_000)));
    }

    #[test]
    fn a_record_that_is_handed_out_again_is_open_again() {
        let mut ledger = Ledger::default();
        (0..3).for_each(|offset| ledger.observe(Offset(offset)));
        assert_eq!(ledger.settle(Offset(1)), Some(NextOffset(0)));
        ledger.observe(Offset(1));
        assert_eq!((ledger.open(), ledger.settle(Offset(0))), (3, Some(NextOffset(1))));
    }

    proptest! {
        #[test]
        fn the_stored_offset_never_passes_an_open_record_and_never_goes_back(
            order in Just((0..60i64).map(|n| n * 3).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let mut ledger = Ledger::default();
            let mut open: BTreeSet<i64> = order.iter().copied().collect();
            order.iter().for_each(|offset| ledger.observe(Offset(*offset)));
            let mut stored = i64::MIN;
            for offset in order {
                open.remove(&offset);
                if let Some(NextOffset(next)) = ledger.settle(Offset(offset)) {
                    prop_assert!(next > stored);
                    prop_assert!(open.iter().all(|still| *still >= next));
                    stored = next;
                }
            }
            prop_assert_eq!((stored, ledger.open()), (59 * 3 + 1, 0));
        }
    }
}
