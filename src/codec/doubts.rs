//! Schema ids that the registry did not know when it was asked. It may hear of a schema a moment after the first record that
//! is written with it, so an id is in doubt for some seconds before nobody knows it. Few are in doubt at a time, so that a
//! flood of invented ids is not waited for. Goes by times that it is given; asks nobody.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::schemas::Learned;

/// How often an id is asked for before nobody knows it, and the pause between.
const TRIES: u32 = 3;
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Ids in doubt at a time; others that come meanwhile are asked for once.
const IN_DOUBT_MAX: usize = 16;
/// Ids kept in mind at most, and for how long one that nobody knows is not asked for again.
const KEPT_MAX: usize = 10_000;
const UNKNOWN_FOR: Duration = Duration::from_secs(30);

/// What the registry did not know.
pub(super) struct Doubts {
    ids: HashMap<u32, Doubt>,
    again_after: Duration,
}

struct Doubt {
    asked: Instant,
    times: u32,
}

impl Default for Doubts {
    fn default() -> Self {
        Self { ids: HashMap::new(), again_after: AGAIN_AFTER }
    }
}

impl Doubts {
    #[cfg(test)]
    pub(super) fn asking_again_after(again_after: Duration) -> Self {
        Self { again_after, ..Self::default() }
    }

    /// What is known without asking.
    pub(super) fn known(&self, id: u32, now: Instant) -> Option<Learned> {
        let doubt = self.ids.get(&id)?;
        let ago = now.saturating_duration_since(doubt.asked);
        if doubt.times >= TRIES {
            return (ago < UNKNOWN_FOR).then_some(Learned::Unknown);
        }
        let left = self.again_after.saturating_sub(ago);
        (!left.is_zero()).then_some(Learned::NotYet(left))
    }

    /// The registry was asked and does not know it. One that had its time before is not waited for again.
    pub(super) fn refused(&mut self, id: u32, now: Instant) -> Learned {
        let times = match self.ids.get(&id) {
            Some(doubt) => (doubt.times + 1).min(TRIES),
            None if self.in_doubt(now) >= IN_DOUBT_MAX => TRIES,
            None => 1,
        };
        if self.ids.len() >= KEPT_MAX {
            self.ids.retain(|_, doubt| doubt.times < TRIES);
        }
        self.ids.insert(id, Doubt { asked: now, times });
        if times < TRIES { Learned::NotYet(self.again_after) } else { Learned::Unknown }
    }

    /// It is known after all.
    pub(super) fn forget(&mut self, id: u32) {
        self.ids.remove(&id);
    }

    /// Nobody waits for one that was not asked for again when it was time: its records are another process's by now.
    fn in_doubt(&self, now: Instant) -> usize {
        let is_waited_for = |doubt: &&Doubt| {
            doubt.times < TRIES && now.saturating_duration_since(doubt.asked) < 2 * self.again_after
        };
        self.ids.values().filter(is_waited_for).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_YET: Learned = Learned::NotYet(AGAIN_AFTER);

    #[test]
    fn an_id_is_asked_for_three_times_in_ten_seconds_and_then_once_in_half_a_minute() {
        let (mut doubts, start) = (Doubts::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(doubts.known(7, at(0)), None);
        assert_eq!(doubts.refused(7, at(0)), NOT_YET);
        assert_eq!(doubts.known(7, at(4_000)), Some(Learned::NotYet(Duration::from_secs(1))));
        assert_eq!(doubts.known(7, at(5_000)), None);
        assert_eq!(doubts.refused(7, at(5_000)), NOT_YET);
        assert_eq!(doubts.known(7, at(9_999)), Some(Learned::NotYet(Duration::from_millis(1))));
        assert_eq!(doubts.refused(7, at(10_000)), Learned::Unknown);
        assert_eq!(doubts.known(7, at(39_999)), Some(Learned::Unknown));
        assert_eq!(doubts.known(7, at(40_000)), None);
        assert_eq!(doubts.refused(7, at(40_000)), Learned::Unknown, "it had its time");
        doubts.forget(7);
        assert_eq!(doubts.known(7, at(40_000)), None);
    }

    #[test]
    fn sixteen_ids_are_in_doubt_at_a_time_and_places_of_those_that_are_not_asked_for_again_are_free() {
        let (mut doubts, start) = (Doubts::default(), Instant::now());
        assert!((0..16).all(|id| doubts.refused(id, start) == NOT_YET));
        assert!((16..99).all(|id| doubts.refused(id, start) == Learned::Unknown));
        let later = start + 2 * AGAIN_AFTER;
        assert_eq!(doubts.refused(99, later), NOT_YET);
    }

    #[test]
    fn what_is_kept_in_mind_of_a_flood_is_bounded() {
        let (mut doubts, start) = (Doubts::default(), Instant::now());
        for id in 0..30_000 {
            let _said = doubts.refused(id, start);
            assert!(doubts.ids.len() <= KEPT_MAX);
        }
    }
}
