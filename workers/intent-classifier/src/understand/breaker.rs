//! Keeps messages from waiting for a server that is away: after some failures in a row nobody asks it any more but one probe
//! after each pause. Time is an argument.

use std::time::{Duration, Instant};

/// As many failures in a row stop the asking.
pub(super) const FAILURES: u32 = 5;

/// One server's breaker in this process.
#[derive(Debug)]
pub(super) struct Breaker {
    pause: Duration,
    in_a_row: u32,
    next_probe: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, in_a_row: 0, next_probe: None }
    }

    /// Whether a call may begin now. A probe whose result is never noted, because its message was given up, only costs
    /// another pause.
    pub(super) fn lets_through(&mut self, now: Instant) -> bool {
        match self.next_probe {
            None => true,
            Some(at) if now < at => false,
            Some(_) => {
                self.next_probe = Some(now + self.pause);
                true
            }
        }
    }

    /// Notes whether the server was there.
    pub(super) fn note(&mut self, there: bool, now: Instant) {
        if there {
            *self = Self::new(self.pause);
            return;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row >= FAILURES {
            self.next_probe = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(15);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PAUSE);
        for _ in 0..FAILURES {
            assert!(breaker.lets_through(now));
            breaker.note(false, now);
        }
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_probe_goes_through_after_the_pause() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.lets_through(now + PAUSE / 2));
        assert!(breaker.lets_through(now + PAUSE));
        assert!(!breaker.lets_through(now + PAUSE), "one at a time");
        breaker.note(true, now + PAUSE);
        assert!(breaker.lets_through(now + PAUSE));
    }

    #[test]
    fn a_probe_that_fails_or_is_given_up_costs_another_pause() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(breaker.lets_through(now + PAUSE));
        breaker.note(false, now + PAUSE);
        assert!(!breaker.lets_through(now + PAUSE + PAUSE / 2));
        assert!(breaker.lets_through(now + 2 * PAUSE));
        assert!(breaker.lets_through(now + 3 * PAUSE));
    }

    #[test]
    fn failures_that_are_not_in_a_row_open_nothing() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PAUSE);
        for n in 0..20 {
            breaker.note(n % FAILURES == 0, now);
            assert!(breaker.lets_through(now));
        }
    }
}
