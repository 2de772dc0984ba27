//! Questions to a system that is away are answered at once, with what it last failed by, and only one now and then goes out
//! to see whether it is back. Without it each question to a system that hangs would hold its conversation, and its share of
//! what the worker may have open, until its deadline. It may not know what is asked.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    breaker::{Breaker, Pauses, State},
    target::TargetError,
};

/// A person waits for each answer: a system that is back is to be noticed soon.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The questions of this process to one system.
pub(crate) struct Gate {
    target: String,
    ways: Mutex<Ways>,
}

struct Ways {
    breaker: Breaker,
    last_failure: TargetError,
}

/// Leave to ask one question.
struct Leave<'a> {
    gate: &'a Gate,
    is_probe: bool,
}

impl Gate {
    /// For questions that take `deadline` at most. Nothing goes out for as long at least, so that what went out before is
    /// over when the first probe is made.
    pub(crate) fn new(target: &str, deadline: Duration) -> Self {
        let first = FIRST_PAUSE.max(deadline);
        let breaker = Breaker::new(Pauses { first, longest: LONGEST_PAUSE.max(first) });
        let target = target.to_owned();
        let last_failure = TargetError::Unavailable { target: target.clone() };
        Self { target, ways: Mutex::new(Ways { breaker, last_failure }) }
    }

    /// Asks, or fails at once as the system last failed.
    pub(crate) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        let leave = self.leave(Instant::now())?;
        let answer = question.await;
        leave.note(&answer, Instant::now());
        answer
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, now: Instant) -> Result<Leave<'_>, TargetError> {
        let mut ways = self.ways();
        if ways.breaker.room(1, now) > 0 {
            return Ok(Leave { gate: self, is_probe: ways.breaker.state() == State::Probing });
        }
        metrics::counter!("peyvand_questions_refused_total", "target" => self.target.clone()).increment(1);
        Err(ways.last_failure.clone())
    }
}

impl Leave<'_> {
    fn note<T>(mut self, answer: &Result<T, TargetError>, now: Instant) {
        let away = match answer {
            // The system was not asked, or asks for a pause: neither says that it is away.
            Err(TargetError::Busy { .. }) => return,
            Ok(_) => None,
            Err(error) => (!error.is_there()).then_some(error),
        };
        let mut ways = self.gate.ways();
        if let Some(error) = away {
            ways.last_failure = error.clone();
        }
        let was = ways.breaker.state();
        ways.breaker.note(away.is_none(), now);
        let (was_open, is_open) = (was != State::Closed, ways.breaker.state() != State::Closed);
        drop(ways);
        self.is_probe = false;
        let target = self.gate.target.as_str();
        match (was_open, is_open) {
            (false, true) => {
                tracing::warn!(target, "the system is away; questions fail at once until a probe finds it")
            }
            (true, false) => tracing::info!(target, "the system is back; questions go out again"),
            (true, true) | (false, false) => {}
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.gate.ways().breaker.give_back(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(5);

    fn slow() -> Result<(), TargetError> {
        Err(TargetError::Slow { target: "sap".to_owned() })
    }

    fn busy() -> Result<(), TargetError> {
        Err(TargetError::Busy { target: "sap".to_owned(), retry_after: None })
    }

    /// Whether a question goes out, and what comes of it.
    fn asked(gate: &Gate, answer: Result<(), TargetError>, now: Instant) -> (bool, Result<(), TargetError>) {
        match gate.leave(now) {
            Ok(leave) => {
                leave.note(&answer, now);
                (true, answer)
            }
            Err(error) => (false, Err(error)),
        }
    }

    /// One to a system that is found away at this moment.
    fn away(now: Instant) -> Gate {
        let gate = Gate::new("sap", DEADLINE);
        for _ in 0..10 {
            assert_eq!(asked(&gate, slow(), now), (true, slow()));
        }
        gate
    }

    #[test]
    fn a_system_that_is_away_is_asked_by_one_question_now_and_then_and_by_all_when_it_is_back() {
        let now = Instant::now();
        let gate = away(now);
        assert_eq!(asked(&gate, Ok(()), now), (false, slow()), "it fails as the system last did");
        let later = now + DEADLINE;
        let probe = gate.leave(later).ok();
        assert!(probe.is_some());
        assert_eq!(asked(&gate, Ok(()), later), (false, slow()), "one probe at a time");
        drop(probe);
        assert_eq!(asked(&gate, Ok(()), later), (true, Ok(())), "a probe that was given up is made again");
        let (one, other) = (gate.leave(later), gate.leave(later));
        assert!(one.is_ok() && other.is_ok());
    }

    #[test]
    fn a_system_that_comes_back_is_noticed_within_half_a_minute() {
        let mut now = Instant::now();
        let gate = away(now);
        for pause in [5, 10, 20, 30, 30].map(Duration::from_secs) {
            assert_eq!(asked(&gate, slow(), now + pause - Duration::from_millis(1)), (false, slow()));
            now += pause;
            assert_eq!(asked(&gate, slow(), now), (true, slow()), "after {pause:?}");
        }
    }

    #[test]
    fn a_system_that_has_no_room_is_not_away() {
        let now = Instant::now();
        let gate = Gate::new("sap", DEADLINE);
        for _ in 0..30 {
            assert_eq!(asked(&gate, busy(), now), (true, busy()));
        }
        let gate = away(now);
        let later = now + DEADLINE;
        assert_eq!(asked(&gate, busy(), later), (true, busy()));
        assert_eq!(
            asked(&gate, Ok(()), later),
            (true, Ok(())),
            "that probe said nothing, so the next is made"
        );
    }

    #[tokio::test]
    async fn a_question_that_is_given_up_says_nothing_of_the_system() {
        let gate = Gate::new("sap", DEADLINE);
        for _ in 0..30 {
            assert_eq!(gate.ask(pending::<Result<(), TargetError>>()).now_or_never(), None);
        }
        assert_eq!(gate.ask(std::future::ready(Ok(()))).await, Ok(()));
    }
}
