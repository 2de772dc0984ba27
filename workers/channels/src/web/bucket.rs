//! How fast one socket may speak. Pure: the time is an argument.

use std::time::{Duration, Instant};

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    burst: u32,
    refill_each: Duration,
    tokens: u32,
    counted_at: Instant,
}

impl Bucket {
    /// A full bucket of `burst` tokens that gets one token back in each `refill_each`.
    pub(super) fn new(burst: u32, refill_each: Duration, now: Instant) -> Self {
        Self { burst, refill_each, tokens: burst, counted_at: now }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.counted_at);
        let earned =
            u32::try_from(passed.as_nanos() / self.refill_each.as_nanos().max(1)).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(earned).min(self.burst);
        // The unfinished part of a token stays on the clock; a full bucket earns nothing and starts afresh.
        self.counted_at = match self.refill_each.checked_mul(earned) {
            Some(spent) if self.tokens < self.burst => self.counted_at + spent,
            Some(_) | None => now.max(self.counted_at),
        };
        let had = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EACH: Duration = Duration::from_millis(200);

    #[test]
    fn a_burst_passes_and_the_next_one_waits_for_its_token() {
        let start = Instant::now();
        let mut bucket = Bucket::new(20, EACH, start);
        assert!((0..20).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        assert!(!bucket.take(start + EACH - Duration::from_millis(1)));
        assert!(bucket.take(start + EACH));
        assert!(!bucket.take(start + EACH));
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_refill_pass(steps in prop::collection::vec(0_u64..1_000, 1..300)) {
            let start = Instant::now();
            let mut bucket = Bucket::new(20, EACH, start);
            let (mut now, mut passed) = (start, 0_u128);
            for step in steps {
                now += Duration::from_millis(step);
                passed += u128::from(bucket.take(now));
            }
            prop_assert!(passed <= 20 + (now - start).as_millis() / EACH.as_millis());
        }
    }
}
