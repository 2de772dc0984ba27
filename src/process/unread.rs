//! Partitions that have records which are not given to us: the members are there, the brokers answer, there is room for more,
//! and still nothing comes. It looks as well as a quiet night to everything else. Pure.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::bus::{NextOffset, TopicPartition, kafka::Lag};

/// Where the partitions of this process stood when they were last seen to move.
#[derive(Debug, Default)]
pub(super) struct Unread(HashMap<TopicPartition, Sight>);

/// A partition that stands.
#[derive(Debug)]
struct Sight {
    /// What is read next.
    position: NextOffset,
    /// The end it had then.
    end: NextOffset,
    since: Instant,
}

impl Unread {
    /// Looks at what is read next in each partition of ours and at how far the groups are in all; the partition that has stood
    /// before its end for the longest time, and for how long. A position also moves over what is no record (marks and aborted
    /// records of transactions), so one that is before the end has something before it.
    pub(super) fn look(
        &mut self,
        positions: &HashMap<TopicPartition, NextOffset>,
        lags: &[Lag],
        now: Instant,
    ) -> Option<(TopicPartition, Duration)> {
        // Also where nobody says how far the group is just now.
        self.0.retain(|place, seen| positions.get(place) == Some(&seen.position));
        for lag in lags {
            let Some(position) = positions.get(&lag.place).copied() else { continue };
            if self.0.get(&lag.place).is_none_or(|seen| position >= seen.end) {
                self.0.insert(lag.place.clone(), Sight { position, end: lag.end, since: now });
            }
        }
        let standing = self.0.iter().filter(|(_, seen)| seen.position < seen.end);
        let longest = standing.min_by(|(a, one), (b, other)| one.since.cmp(&other.since).then(a.cmp(b)))?;
        Some((longest.0.clone(), now.saturating_duration_since(longest.1.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Topic;

    fn place(partition: i32) -> TopicPartition {
        TopicPartition { topic: Topic::new("t"), partition }
    }

    /// Seconds, and of each partition what is read next and its end; how long which one has stood.
    fn looks(looks: &[(u64, &[(i64, i64)])]) -> Vec<Option<(i32, u64)>> {
        let (mut unread, start) = (Unread::default(), Instant::now());
        let look = |(seconds, all): &(u64, &[(i64, i64)])| {
            let each = || all.iter().zip(0_i32..);
            let positions = each().map(|((next, _), at)| (place(at), NextOffset(*next))).collect();
            let lags: Vec<Lag> = each()
                .map(|((_, end), at)| Lag {
                    place: place(at),
                    committed: None,
                    begin: NextOffset(0),
                    end: NextOffset(*end),
                })
                .collect();
            let longest = unread.look(&positions, &lags, start + Duration::from_secs(*seconds));
            longest.map(|(place, long)| (place.partition, long.as_secs()))
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_quiet_night_and_a_busy_day_stand_nowhere() {
        assert_eq!(looks(&[(0, &[(7, 7)]), (900, &[(7, 7)]), (930, &[(9, 9)])]), [None, None, None]);
        // Always something before it, always another.
        assert_eq!(
            looks(&[(0, &[(0, 50)]), (30, &[(40, 90)]), (60, &[(80, 99)])]),
            [Some((0, 0)), Some((0, 0)), Some((0, 0))]
        );
    }

    #[test]
    fn a_partition_that_goes_on_having_records_and_gives_none_stands_for_longer_and_longer() {
        assert_eq!(
            looks(&[
                (0, &[(7, 7), (3, 3)]),
                (600, &[(7, 8), (3, 4)]),
                (630, &[(7, 9), (4, 4)]),
                (660, &[(7, 9), (4, 5)]),
                (690, &[(9, 9), (4, 5)]),
            ]),
            [None, Some((0, 0)), Some((0, 30)), Some((0, 60)), Some((1, 30))],
        );
    }

    #[test]
    fn a_partition_that_moved_while_nobody_could_say_how_far_the_group_is_stands_no_more() {
        let (mut unread, start, minute) = (Unread::default(), Instant::now(), Duration::from_secs(60));
        let lag = Lag { place: place(0), committed: None, begin: NextOffset(0), end: NextOffset(9) };
        let at = |next| HashMap::from([(place(0), NextOffset(next))]);
        assert!(unread.look(&at(7), std::slice::from_ref(&lag), start).is_some());
        assert!(unread.look(&at(7), &[], start + minute).is_some_and(|(_, long)| long == minute));
        assert_eq!(unread.look(&at(9), &[], start + 2 * minute), None);
    }

    #[test]
    fn a_partition_that_is_another_members_by_now_stands_no_more_and_begins_anew_when_it_comes_back() {
        assert_eq!(
            looks(&[(0, &[(7, 9)]), (60, &[(7, 9)]), (90, &[]), (120, &[(7, 9)])]),
            [Some((0, 0)), Some((0, 60)), None, Some((0, 0))]
        );
    }
}
