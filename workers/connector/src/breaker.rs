//! The circuit breaker of one target: a system that is away is asked by one probe now and then instead of by everything
//! that waits. Pure; time is an argument.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The window that is looked at, and how many calls in it say something.
const WINDOW: Duration = Duration::from_secs(30);
const CALLS_MIN: usize = 20;
const CALLS_KEPT: usize = 1000;
/// As many failures in a row open it, whatever the window says.
const IN_A_ROW: u32 = 10;

/// How long nothing goes through at first, and at most: each probe that fails doubles it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Everything goes through.
    Closed,
    /// Nothing goes through before this moment.
    Open(Instant),
    /// One call is under way to find out.
    Probing,
}

/// One target's breaker in this process.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    calls: VecDeque<(Instant, bool)>,
    in_a_row: u32,
    pause: Duration,
    pauses: Pauses,
}

impl Breaker {
    pub(crate) fn new(pauses: Pauses) -> Self {
        Self { state: State::Closed, calls: VecDeque::new(), in_a_row: 0, pause: pauses.first, pauses }
    }

    /// How many of `wanted` calls may begin now. One that is let through to probe is under way until its result is noted
    /// or given back.
    pub(crate) fn room(&mut self, wanted: usize, now: Instant) -> usize {
        match self.state {
            State::Closed => wanted,
            State::Open(until) if now >= until && wanted > 0 => {
                self.state = State::Probing;
                1
            }
            State::Open(_) | State::Probing => 0,
        }
    }

    /// The probe found nothing to do.
    pub(crate) fn give_back(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Open(now);
        }
    }

    /// Notes what a call came to: whether the system was there.
    pub(crate) fn note(&mut self, there: bool, now: Instant) {
        self.calls.push_back((now, there));
        while self.calls.len() > CALLS_KEPT
            || self.calls.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            let _old = self.calls.pop_front();
        }
        self.in_a_row = if there { 0 } else { self.in_a_row + 1 };
        match (self.state, there) {
            (State::Probing | State::Open(_), true) => {
                *self = Self::new(self.pauses);
            }
            (State::Probing, false) => {
                self.pause = (self.pause * 2).min(self.pauses.longest);
                self.state = State::Open(now + self.pause);
            }
            (State::Closed, false) if self.is_failing() => self.state = State::Open(now + self.pause),
            (State::Closed | State::Open(_), _) => {}
        }
    }

    fn is_failing(&self) -> bool {
        let failures = self.calls.iter().filter(|(_, there)| !there).count();
        self.in_a_row >= IN_A_ROW || (self.calls.len() >= CALLS_MIN && failures * 2 >= self.calls.len())
    }

    /// How it stands, for those who look.
    pub(crate) fn state(&self) -> State {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PAUSES: Pauses = Pauses { first: Duration::from_secs(15), longest: Duration::from_secs(300) };

    #[test]
    fn ten_failures_in_a_row_open_it_and_one_success_closes_it_again() {
        let (mut breaker, start) = (Breaker::new(PAUSES), Instant::now());
        for n in 0..9 {
            breaker.note(false, start + n * SECOND);
            assert_eq!(breaker.room(4, start + n * SECOND), 4);
        }
        breaker.note(false, start + 9 * SECOND);
        assert_eq!(breaker.room(4, start + 10 * SECOND), 0);
        assert_eq!(breaker.room(4, start + 24 * SECOND), 1);
        assert_eq!(breaker.room(4, start + 24 * SECOND), 0, "one probe at a time");
        breaker.note(true, start + 25 * SECOND);
        assert_eq!(breaker.room(4, start + 25 * SECOND), 4);
    }

    #[test]
    fn each_failed_probe_doubles_the_pause_up_to_five_minutes() {
        let (mut breaker, mut now) = (Breaker::new(PAUSES), Instant::now());
        for _ in 0..10 {
            breaker.note(false, now);
        }
        for seconds in [15, 30, 60, 120, 240, 300, 300] {
            assert_eq!(breaker.room(1, now + (seconds - 1) * SECOND), 0);
            now += seconds * SECOND;
            assert_eq!(breaker.room(1, now), 1, "after {seconds} s");
            breaker.note(false, now);
        }
    }

    #[test]
    fn half_of_twenty_calls_that_fail_open_it_and_old_ones_do_not_count() {
        let (mut breaker, start) = (Breaker::new(PAUSES), Instant::now());
        for n in 0..19 {
            breaker.note(n % 2 == 0, start);
        }
        assert_eq!(breaker.state(), State::Closed);
        let mut late = Breaker::new(PAUSES);
        for n in 0..18 {
            late.note(n % 2 == 0, start);
        }
        late.note(false, start + 60 * SECOND);
        assert_eq!(late.state(), State::Closed);
        breaker.note(false, start);
        assert_ne!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_probe_that_finds_nothing_to_do_leaves_the_next_one_free() {
        let (mut breaker, start) = (Breaker::new(PAUSES), Instant::now());
        for _ in 0..10 {
            breaker.note(false, start);
        }
        assert_eq!(breaker.room(1, start + 15 * SECOND), 1);
        breaker.give_back(start + 15 * SECOND);
        assert_eq!(breaker.room(1, start + 16 * SECOND), 1);
    }
}
