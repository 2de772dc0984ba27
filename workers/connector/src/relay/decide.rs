//! What is to be done with an entry and what came of it, decided purely: what is known, what the system can, what it
//! answered. The rules of reliability: resend only what is proven absent or safe to repeat; what nobody can know is a
//! person's to decide.

use std::time::Duration;

use peyvand::{
    event::FailureKind,
    store::{Known, Verdict},
    worker::backoff,
};

use crate::{
    system::{Capability, Looked, Sent},
    target::TargetError,
    write::Told,
};

/// An entry is given up after so many attempts that count, or at this age.
pub(super) const ATTEMPTS_MAX: u32 = 12;
pub(super) const AGE_MAX: Duration = Duration::from_secs(24 * 3600);
const UNCOUNTED_PAUSE: Duration = Duration::from_secs(15);
/// Nothing is put off for longer at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Write.
    Send,
    /// Ask whether it is written.
    Reconcile,
    /// Nothing: a person decides.
    Park(&'static str),
}

/// How long the system has to be waited for before its silence means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// How long something written may stay unseen.
    pub(super) visible_within: Duration,
    /// How long the system may work on a request that nobody waits for any more.
    pub(super) works_for: Duration,
}

/// What an entry needs.
pub(super) fn next(
    capability: Capability,
    known: Known,
    (attempts, tried): (u32, bool),
    age: Duration,
) -> Act {
    // The first attempt is made whatever the age: it may have waited behind another, or for a relay.
    let exhausted = attempts > ATTEMPTS_MAX || (tried && age > AGE_MAX);
    match (known, capability) {
        (Known::Unsent, _) if exhausted => Act::Park("exhausted"),
        (Known::Unsent, _) => Act::Send,
        (Known::InDoubt { .. }, Capability::Blind) => Act::Park("in_doubt"),
        (Known::InDoubt { .. }, _) if exhausted => Act::Park("in_doubt"),
        (Known::InDoubt { .. }, Capability::Key | Capability::Upsert) => Act::Send,
        (Known::InDoubt { .. }, Capability::Search { .. }) => Act::Reconcile,
    }
}

/// What an attempt to write means. `was` is what was known before it: a repeat that did not arrive proves nothing about
/// the first. `chance` is 0 to 1 and spreads repeats.
pub(super) fn after_send(
    capability: Capability,
    was: Known,
    sent: Sent,
    attempts: u32,
    chance: f64,
) -> Verdict {
    match sent {
        Sent::Done { reference } => Verdict::Done { reference },
        Sent::Refused { class } => match was {
            Known::Unsent => Verdict::Refused { class },
            // The first attempt may have been taken, and the refusal be of the second only.
            Known::InDoubt { .. } => Verdict::Parked { class: "conflict", unsent: false },
        },
        Sent::NotSent(error) => {
            let (after, class, counts) = (pause(&error, attempts, chance), error.kind(), counts(&error));
            match was {
                Known::Unsent => Verdict::Again { after, class, counts },
                Known::InDoubt { .. } => Verdict::Doubt { after, class, absent: false, counts },
            }
        }
        Sent::MaybeSent(error) => {
            let after = pause(&error, attempts, chance);
            match capability {
                Capability::Blind => Verdict::Parked { class: "in_doubt", unsent: false },
                // It is safe to repeat, so a system that is away is waited for, whether it took the request or not.
                Capability::Key | Capability::Upsert => {
                    Verdict::Doubt { after, class: error.kind(), absent: false, counts: counts(&error) }
                }
                Capability::Search { visible_within } => Verdict::Doubt {
                    after: after.max(visible_within),
                    class: error.kind(),
                    absent: false,
                    counts: true,
                },
            }
        }
    }
}

/// What the system's word about an earlier attempt means. Absent is believed only when it was said twice, as far apart as
/// something written may stay unseen, and no earlier than the system may still be at work on the attempt: it goes on with a
/// request after its client has hung up. The times are the database's, and on PostgreSQL no longer than this process has
/// itself seen its clock go on: a clock that is set makes nothing absent there.
pub(super) fn after_look(
    Patience { visible_within, works_for }: Patience,
    known: Known,
    looked: Looked,
    attempts: u32,
    chance: f64,
) -> Verdict {
    let (since, absent_for) = match known {
        Known::Unsent => (Duration::ZERO, None),
        Known::InDoubt { since, absent_for } => (since, absent_for),
    };
    match looked {
        Looked::Found { reference } => Verdict::Done { reference },
        Looked::Different => Verdict::Parked { class: "conflict", unsent: false },
        Looked::CannotTell(error) => Verdict::Doubt {
            after: pause(&error, attempts, chance),
            class: error.kind(),
            absent: false,
            counts: counts(&error),
        },
        Looked::Absent => {
            let proven = absent_for.is_some_and(|absent| absent >= visible_within)
                && since >= works_for + visible_within;
            if proven {
                Verdict::Again { after: Duration::ZERO, class: "absent", counts: true }
            } else {
                let after = visible_within.max((works_for + visible_within).saturating_sub(since));
                // To look once more before it is time does no harm.
                let after = after.min(LONGEST_PAUSE);
                Verdict::Doubt { after, class: "absent", absent: true, counts: false }
            }
        }
    }
}

/// What the person is told of a verdict. Pauses are told nothing: the tracking number stands.
pub(super) fn told(verdict: &Verdict) -> Option<Told> {
    match verdict {
        Verdict::Done { reference } => Some(Told::Done { reference: reference.clone() }),
        Verdict::Refused { .. } => Some(Told::Refused),
        Verdict::Again { .. } | Verdict::Doubt { .. } => None,
        Verdict::Parked { unsent: true, .. } => Some(Told::Failed(FailureKind::Unavailable)),
        Verdict::Parked { .. } => Some(Told::Unknown),
    }
}

/// A system that is away, asks for a pause or refuses our credentials costs no attempt: nothing is wrong with the entry.
fn counts(error: &TargetError) -> bool {
    match error {
        TargetError::Unavailable { .. } | TargetError::Busy { .. } | TargetError::Misconfigured { .. } => {
            false
        }
        TargetError::Slow { .. } | TargetError::Unreadable { .. } => true,
    }
}

/// Full jitter over an exponentially growing pause; a pause that the system asks for wins.
fn pause(error: &TargetError, attempts: u32, chance: f64) -> Duration {
    if let TargetError::Busy { retry_after: Some(asked), .. } = error {
        return (*asked).min(LONGEST_PAUSE);
    }
    if !counts(error) {
        // These attempts are not counted, so the pause cannot grow with them.
        return UNCOUNTED_PAUSE.mul_f64(chance.clamp(0.5, 1.0));
    }
    backoff(attempts, chance)
}

#[cfg(test)]
mod tests {
    use peyvand::store::PUT_OFF_LIMIT;
    use proptest::prelude::*;

    use super::*;

    const SEARCH: Capability = Capability::Search { visible_within: Duration::from_secs(5) };
    const ALL: [Capability; 4] = [Capability::Key, Capability::Upsert, SEARCH, Capability::Blind];

    fn errors() -> Vec<TargetError> {
        let target = || "sap".to_owned();
        vec![
            TargetError::Unavailable { target: target() },
            TargetError::Slow { target: target() },
            TargetError::Busy { target: target(), retry_after: None },
            TargetError::Busy { target: target(), retry_after: Some(Duration::from_secs(86_400)) },
            TargetError::Misconfigured { target: target() },
            TargetError::Unreadable { target: target() },
        ]
    }

    fn doubt(since: u64, absent_for: Option<u64>) -> Known {
        Known::InDoubt { since: Duration::from_secs(since), absent_for: absent_for.map(Duration::from_secs) }
    }

    #[test]
    fn what_may_have_been_written_is_never_sent_again_where_nothing_makes_that_safe() {
        let mut verdicts = Vec::new();
        for error in errors() {
            verdicts.push(after_send(Capability::Blind, Known::Unsent, Sent::MaybeSent(error), 1, 0.5));
        }
        assert!(
            verdicts.iter().all(|verdict| *verdict == Verdict::Parked { class: "in_doubt", unsent: false })
        );
        assert_eq!(next(Capability::Blind, doubt(1, None), (1, true), Duration::ZERO), Act::Park("in_doubt"));
    }

    #[test]
    fn a_system_that_is_away_costs_no_attempt_where_a_repeat_is_safe_even_if_it_may_have_taken_the_request() {
        for capability in [Capability::Key, Capability::Upsert] {
            for known in [Known::Unsent, doubt(9, None)] {
                for error in errors() {
                    let counted = counts(&error);
                    let verdict = after_send(capability, known, Sent::MaybeSent(error), 2, 0.5);
                    assert!(
                        matches!(verdict, Verdict::Doubt { absent: false, counts, .. } if counts == counted),
                        "{capability:?} {verdict:?}"
                    );
                }
            }
        }
        assert_eq!(errors().iter().filter(|error| counts(error)).count(), 2, "slow, unreadable");
    }

    #[test]
    fn a_repeat_that_did_not_arrive_says_nothing_about_the_first_attempt() {
        for capability in ALL {
            for error in errors() {
                let verdict = after_send(capability, doubt(9, None), Sent::NotSent(error), 2, 0.5);
                assert!(matches!(verdict, Verdict::Doubt { .. }), "{capability:?} {verdict:?}");
            }
        }
        let refused = after_send(Capability::Key, doubt(9, None), Sent::Refused { class: "x" }, 2, 0.5);
        assert_eq!(refused, Verdict::Parked { class: "conflict", unsent: false });
    }

    #[test]
    fn absence_is_believed_only_when_it_was_said_twice_and_late_enough() {
        let patience = Patience { visible_within: Duration::from_secs(5), works_for: Duration::from_secs(3) };
        let look = |since, absent| after_look(patience, doubt(since, absent), Looked::Absent, 1, 0.5);
        for (since, absent) in [(0, None), (100, None), (100, Some(4)), (7, Some(7))] {
            assert!(matches!(look(since, absent), Verdict::Doubt { absent: true, .. }), "{since} {absent:?}");
        }
        assert!(matches!(look(8, Some(5)), Verdict::Again { .. }));
    }

    #[test]
    fn however_long_a_system_may_work_it_is_looked_at_again_within_a_quarter_of_an_hour() {
        const { assert!(LONGEST_PAUSE.as_secs() < PUT_OFF_LIMIT.as_secs()) };
        for works_for in [Duration::from_secs(600), Duration::from_secs(24 * 3600)] {
            let patience = Patience { visible_within: Duration::from_secs(600), works_for };
            let verdict = after_look(patience, doubt(0, None), Looked::Absent, 1, 0.5);
            assert!(
                matches!(verdict, Verdict::Doubt { after, absent: true, .. } if after == LONGEST_PAUSE),
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn a_pause_that_the_system_asks_for_is_kept_and_bounded() {
        let busy = |seconds| TargetError::Busy {
            target: "sap".to_owned(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(pause(&busy(7), 9, 0.1), Duration::from_secs(7));
        assert_eq!(pause(&busy(999_999), 1, 0.1), LONGEST_PAUSE);
    }

    proptest! {
        #[test]
        fn only_proof_or_a_safe_repeat_leads_to_another_attempt(
            which in 0..4_usize, error in 0..6_usize, attempts in 0..40_u32, chance in 0.0..1.0_f64,
        ) {
            let capability = ALL[which];
            let error = errors().swap_remove(error);
            let verdict = after_send(capability, Known::Unsent, Sent::MaybeSent(error), attempts, chance);
            // Nothing that may be written is ever called unsent.
            let unsent = matches!(verdict, Verdict::Again { .. });
            prop_assert!(!unsent, "{verdict:?}");
        }

        #[test]
        fn no_absence_is_believed_before_the_system_can_have_ended(
            since in 0..60_u64, absent in proptest::option::of(0..60_u64), visible in 0..20_u64, works in 0..40_u64,
        ) {
            let seconds = Duration::from_secs;
            let patience = Patience { visible_within: seconds(visible), works_for: seconds(works) };
            let verdict = after_look(patience, doubt(since, absent), Looked::Absent, 1, 0.5);
            let again = matches!(verdict, Verdict::Again { .. });
            prop_assert_eq!(again, absent.is_some_and(|absent| absent >= visible) && since >= visible + works);
        }

        #[test]
        fn every_pause_is_bounded(error in 0..6_usize, attempts in 0..1000_u32, chance in -1.0..2.0_f64) {
            prop_assert!(pause(&errors()[error], attempts, chance) <= LONGEST_PAUSE);
        }

        #[test]
        fn an_entry_ends_some_day(which in 0..4_usize, in_doubt: bool, attempts in 13..99_u32) {
            let known = if in_doubt { doubt(1, None) } else { Known::Unsent };
            prop_assert!(matches!(next(ALL[which], known, (attempts, true), Duration::ZERO), Act::Park(_)));
            prop_assert!(matches!(next(ALL[which], known, (1, true), AGE_MAX * 2), Act::Park(_)));
            let first = next(ALL[which], Known::Unsent, (1, false), AGE_MAX * 2);
            prop_assert_eq!(first, Act::Send);
        }
    }
}
