//! Whether the database's clock can be believed. How long ago something was sent is a difference of two of its times, and when
//! somebody sets that clock in between, the difference is wrong by as much. So nothing counts as longer ago than this process
//! has watched that clock go like its own, which nobody can set. It may not decide how long is long enough.

use std::time::{Duration, Instant};

/// More than a question takes on its way, less than anything written is waited for.
const TOLERANCE: Duration = Duration::from_secs(2);

/// What this process has seen of the database's clock.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<Seen>);

#[derive(Debug)]
struct Seen {
    /// When the clock showed `clock`: seconds since 1970.
    at: Instant,
    clock: f64,
    /// From when on it is believed.
    from: Instant,
}

impl Watch {
    /// Begins, unless it has begun before.
    pub(super) fn begin(&mut self, at: Instant, clock: f64) {
        let _begun = self.0.get_or_insert(Seen { at, clock, from: at });
    }

    /// The clock showed this. When it did not go like ours, all begins anew, and later by `lease`: the leases of others may
    /// have ended too early, and they work on under them.
    pub(super) fn note(&mut self, at: Instant, clock: f64, lease: Duration) {
        self.begin(at, clock);
        let goes_like_ours = self.0.as_ref().is_some_and(|seen| {
            let ours = at.saturating_duration_since(seen.at).as_secs_f64();
            (clock - seen.clock - ours).abs() <= TOLERANCE.as_secs_f64()
        });
        if !goes_like_ours {
            tracing::warn!("the database's clock was set; what is in doubt is waited for anew");
            self.0 = Some(Seen { at, clock, from: at + lease });
        }
    }

    /// At most so long ago can something be said to have happened.
    pub(super) fn at_most(&self, now: Instant, ago: Duration) -> Duration {
        let watched = self.0.as_ref().map_or(Duration::ZERO, |seen| now.saturating_duration_since(seen.from));
        ago.min(watched)
    }
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

    #[test]
    fn who_has_seen_nothing_of_the_clock_believes_nothing() {
        assert_eq!(Watch::default().at_most(Instant::now(), LONG_AGO), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_goes_like_ours_is_believed_as_far_back_as_it_was_watched() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        for second in [0.0_f64, 1.0, 40.0, 3600.0] {
            // An answer that took a second to come.
            watch.note(begun + seconds(second), 1e9 + second + 1.0, LEASE);
        }
        let now = begun + seconds(3600.0);
        assert_eq!(watch.at_most(now, LONG_AGO), seconds(3600.0));
        assert_eq!(watch.at_most(now, seconds(7.0)), seconds(7.0));
    }

    proptest! {
        #[test]
        fn after_a_step_of_the_clock_all_is_waited_for_anew(
            before in 0.0..90_000.0_f64, step in 2.1..90_000.0_f64, forward: bool, after in 0.0..1000.0_f64,
        ) {
            let (begun, mut watch) = (Instant::now(), Watch::default());
            watch.begin(begun, 1e9);
            let step = if forward { step } else { -step };
            let seen_at = begun + seconds(before);
            watch.note(seen_at, 1e9 + before + step, LEASE);
            let now = seen_at + LEASE + seconds(after);
            watch.note(now, 1e9 + before + step + LEASE.as_secs_f64() + after, LEASE);
            prop_assert_eq!(watch.at_most(now, LONG_AGO), now - seen_at - LEASE);
            prop_assert_eq!(watch.at_most(seen_at, LONG_AGO), Duration::ZERO);
        }
    }
}
