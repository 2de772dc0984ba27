//! How far one stay of a partition is settled. Pure: it sees offsets go in and out, in any order, and says up to where
//! everything is settled. It may not know records, clocks or the bus's consumer.

use std::collections::BTreeSet;

use crate::bus::{NextOffset, Offset};

/// The offsets of one partition in one epoch.
#[derive(Debug, Default)]
pub struct Ledger {
    open: BTreeSet<Offset>,
    highest_settled: Option<Offset>,
    stored: Option<NextOffset>,
}

impl Ledger {
    /// A record was handed out. Offsets may have gaps.
    pub fn observe(&mut self, offset: Offset) {
        self.open.insert(offset);
    }

    /// A record is settled. Gives the offset to store when the contiguous front moved; a second settling or an
    /// offset that was never handed out changes nothing.
    pub fn settle(&mut self, offset: Offset) -> Option<NextOffset> {
        if !self.open.remove(&offset) {
            return None;
        }
        self.highest_settled = self.highest_settled.max(Some(offset));
        let front = match (self.open.first(), self.highest_settled) {
            (Some(lowest), _) => NextOffset(lowest.0),
            (None, Some(highest)) => highest.next(),
            (None, None) => return None,
        };
        self.stored.is_none_or(|stored| front > stored).then(|| {
            self.stored = Some(front);
            front
        })
    }

    /// How many records are handed out and not settled.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
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
