//! Whether the database's clock can be believed. How long ago something was sent is a difference of two of its times, and when
//! somebody sets that clock in between, the difference is wrong by as much. So nothing counts as longer ago than this process
//! has watched that clock go like its own, which nobody can set. It may not decide how long is long enough.

use std::time::{Duration, Instant};

/// More than two clocks drift apart between two sights, less than anything written is waited for.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The database's clock as it was seen once: it showed this at some time between the question and the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) asked: Instant,
    pub(super) answered: Instant,
    /// Seconds since 1970.
    pub(super) clock: f64,
}

/// What this process has seen of the database's clock.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<Sight>,
    /// From when on the clock is believed.
    from: Option<Instant>,
    /// The longest lease anybody was given here.
    lease: Duration,
}

impl Watch {
    /// The clock was seen. When it did not go like ours, all begins anew, and later by the longest lease: the leases of others
    /// may have ended too early, and they work on under them.
    pub(super) fn note(&mut self, sight: Sight, lease: Duration) {
        self.lease = self.lease.max(lease);
        match self.last {
            None => self.from = Some(sight.asked),
            Some(last) if went_like_ours(last, sight) => {}
            Some(_) => {
                tracing::warn!("the database's clock was set; what is in doubt is waited for anew");
                self.from = Some(sight.answered + self.lease);
            }
        }
        self.last = Some(sight);
    }

    /// At most so long ago can something be said to have happened.
    pub(super) fn at_most(&self, now: Instant, ago: Duration) -> Duration {
        let watched = self.from.map_or(Duration::ZERO, |from| now.saturating_duration_since(from));
        ago.min(watched)
    }
}

/// A server that answers late has shown its time early or late: neither says that it was set.
fn went_like_ours(last: Sight, sight: Sight) -> bool {
    let least = sight.asked.saturating_duration_since(last.answered).as_secs_f64();
    let most = sight.answered.saturating_duration_since(last.asked).as_secs_f64();
    let went = sight.clock - last.clock;
    let tolerance = TOLERANCE.as_secs_f64();
    (least - tolerance..=most + tolerance).contains(&went)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEASE: Duration = Duration::from_secs(30);
    const LONG_AGO: Duration = Duration::from_secs(1_000_000);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Asked so many seconds after the beginning, and answered within so many.
    fn sight(begun: Instant, asked: f64, took: f64, clock: f64) -> Sight {
        Sight { asked: begun + seconds(asked), answered: begun + seconds(asked + took), clock: 1e9 + clock }
    }

    #[test]
    fn who_has_seen_nothing_of_the_clock_believes_nothing() {
        assert_eq!(Watch::default().at_most(Instant::now(), LONG_AGO), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_goes_like_ours_is_believed_as_far_back_as_it_was_watched() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        for second in [0.0_f64, 1.0, 40.0, 3600.0] {
            watch.note(sight(begun, second, 1.0, second + 1.0), LEASE);
        }
        let now = begun + seconds(3600.0);
        assert_eq!(watch.at_most(now, LONG_AGO), seconds(3600.0));
        assert_eq!(watch.at_most(now, seconds(7.0)), seconds(7.0));
    }

    #[test]
    fn a_server_that_stood_still_before_it_answered_has_not_set_its_clock() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        watch.note(sight(begun, 0.0, 0.1, 0.0), LEASE);
        watch.note(sight(begun, 10.0, 25.0, 34.9), LEASE);
        watch.note(sight(begun, 36.0, 0.1, 36.0), LEASE);
        let now = begun + seconds(40.0);
        assert_eq!(watch.at_most(now, LONG_AGO), seconds(40.0));
    }

    #[test]
    fn clocks_that_drift_apart_for_days_are_believed() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        for hour in 0..240 {
            let ours = f64::from(hour) * 3600.0;
            watch.note(sight(begun, ours, 0.1, ours * 1.000_1), LEASE);
        }
        let now = begun + seconds(239.0 * 3600.0);
        assert_eq!(watch.at_most(now, LONG_AGO), seconds(239.0 * 3600.0));
    }

    proptest! {
        #[test]
        fn after_a_step_of_the_clock_all_is_waited_for_anew(
            before in 0.0..90_000.0_f64, step in 2.2..90_000.0_f64, forward: bool, after in 0.0..1000.0_f64,
        ) {
            let (begun, mut watch) = (Instant::now(), Watch::default());
            watch.note(sight(begun, 0.0, 0.0, 0.0), LEASE);
            let step = if forward { step } else { -step };
            watch.note(sight(begun, before, 0.1, before + step), Duration::ZERO);
            let seen_at = begun + seconds(before + 0.1);
            let later = before + 0.1 + LEASE.as_secs_f64() + after;
            watch.note(sight(begun, later, 0.0, later + step), Duration::ZERO);
            let now = begun + seconds(later);
            let believed = now - seen_at - LEASE;
            prop_assert_eq!(watch.at_most(now, LONG_AGO), believed);
            prop_assert_eq!(watch.at_most(seen_at, LONG_AGO), Duration::ZERO);
        }
    }
}
