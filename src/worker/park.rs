//! A record that cannot be worked on holds up its conversation and nothing else: it waits in the database, what follows it in
//! its conversation waits behind it, and the partition goes on. Whoever has the conversation's lease tries again until it goes,
//! or until a person decides. How long and when is decided purely; it may not decide what an event means.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Fate, Handler, OnFailure, backoff, chance, patiently,
    settle::{By, Failed, Reason, Settler, Worked},
};
use crate::{
    bus::Record,
    failpoint::failpoint,
    store::{Kept, ParkedFate, ParkedTurn, StepKey, ToPark, Why},
};

/// A record is given up after so many rounds of tries, or at this age.
const ROUNDS_MAX: u32 = 12;
const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is looked for conversations whose time has come, and how many are worked on at once.
const LOOK_EACH: Duration = Duration::from_secs(1);
const AT_ONCE: u32 = 16;
/// A round that takes longer may be begun by another as well, and has its effect once all the same.
const LEASE: Duration = Duration::from_secs(30);
/// How long a round may take when the worker stops.
const DRAIN: Duration = Duration::from_secs(12);
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// Where a record goes that could not be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WayOut {
    /// To the dead letters; its conversation goes on.
    Letter,
    /// It waits, for time or for a person.
    Wait { held: bool },
}

/// What may pass by itself waits. What will not is a dead letter, or holds its conversation where the worker is one of those.
/// What nobody could decode concerns no conversation.
fn way_out(reason: &Reason, on_failure: OnFailure) -> WayOut {
    match (reason, on_failure) {
        (Reason::Handler { class: "exhausted", .. }, _) => WayOut::Wait { held: false },
        (
            Reason::Handler { class: "panic", .. } | Reason::Refused { .. } | Reason::State,
            OnFailure::Hold,
        ) => WayOut::Wait { held: true },
        (
            Reason::Handler { .. }
            | Reason::Refused { .. }
            | Reason::State
            | Reason::Codec(_)
            | Reason::Conflict
            | Reason::Unwritable(_)
            | Reason::CrashLoop,
            _,
        ) => WayOut::Letter,
    }
}

/// What becomes of a waiting record after one more round in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Again(Duration),
    Held,
    Letter,
}

fn after_round(way: WayOut, on_failure: OnFailure, rounds: u32, age: Duration, chance: f64) -> Round {
    let is_over = rounds >= ROUNDS_MAX || age > AGE_MAX;
    match (way, on_failure) {
        (WayOut::Wait { held: false }, _) if !is_over => Round::Again(backoff(rounds, chance)),
        (WayOut::Wait { held: false }, OnFailure::Hold) | (WayOut::Wait { held: true }, _) => Round::Held,
        (WayOut::Wait { held: false }, OnFailure::Continue) | (WayOut::Letter, _) => Round::Letter,
    }
}

impl<H: Handler> Settler<H> {
    /// Carries out the fate of a record that its lane could not work on.
    pub(super) async fn failed(&self, key: &StepKey, record: &Record, failed: Failed) -> Fate {
        let held = match way_out(&failed.reason, H::ON_FAILURE) {
            WayOut::Letter => return self.dead_letter(record, failed).await,
            WayOut::Wait { held } => held,
        };
        if held && self.is_too_much(&failed.reason) {
            return Fate::Held;
        }
        let class = failed.reason.class();
        tracing::warn!(
            group = H::GROUP, place = %record.place, offset = record.offset.0, class, held,
            "a record could not be worked on; its conversation waits, look at it with `peyvand parked list`"
        );
        metrics::counter!("peyvand_parked_total", "group" => H::GROUP, "class" => class).increment(1);
        let _kept = self.keep(key, record, Why::Failed { class, held }).await;
        Fate::Settled
    }

    /// Lets a record wait behind those of its conversation; `false` when none of them waits any more.
    pub(super) async fn wait_behind(&self, key: &StepKey, record: &Record) -> bool {
        match self.keep(key, record, Why::Follows).await {
            Kept::Parked | Kept::Full => true,
            Kept::Free => false,
        }
    }

    /// With no room the lane waits, and so does the log in the end.
    async fn keep(&self, key: &StepKey, record: &Record, why: Why) -> Kept {
        let to_park = ToPark { key: key.clone(), record: record.clone(), why };
        loop {
            match patiently(|| self.store.park(to_park.clone())).await {
                Kept::Full => {
                    tracing::warn!(
                        group = H::GROUP,
                        "too many records wait in the database; the partitions wait, look with `peyvand parked list`"
                    );
                    sleep(FULL_PAUSE).await;
                }
                kept @ (Kept::Parked | Kept::Free) => {
                    failpoint("park.kept");
                    return kept;
                }
            }
        }
    }

    /// Works on what waits, until the worker stops.
    pub(super) async fn resume_parked(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(LOOK_EACH)).await.is_some() {
            let turns = match self.store.claim_parked(H::GROUP, AT_ONCE, LEASE).await {
                Ok(turns) => turns,
                Err(error) => {
                    tracing::debug!(kind = error.kind(), "{error}; looking again in a second");
                    continue;
                }
            };
            let round = join_all(turns.into_iter().map(|turn| self.resume(turn)));
            tokio::pin!(round);
            if stop.run_until_cancelled(&mut round).await.is_none() && timeout(DRAIN, round).await.is_err() {
                tracing::warn!(
                    group = H::GROUP,
                    "waiting records were still at work at the end; they go on waiting"
                );
            }
        }
    }

    async fn resume(&self, ParkedTurn { lease, record, attempts, age }: ParkedTurn) {
        let fate = match self.read(&record).await {
            Err(error) => self.letter_of(&record, Reason::Codec(error).into()).await,
            Ok((key, input)) => match self.work(&key, &input, By::Resumer).await {
                Ok(Worked::Done(outgoing)) => {
                    self.finish(&key, &input, outgoing).await;
                    ParkedFate::Done
                }
                // Only a lane parks.
                Ok(Worked::Parked) => ParkedFate::Later(LOOK_EACH),
                Err(failed) => {
                    let way = way_out(&failed.reason, H::ON_FAILURE);
                    match after_round(way, H::ON_FAILURE, attempts + 1, age, chance()) {
                        Round::Again(pause) => ParkedFate::Later(pause),
                        Round::Held => ParkedFate::Held { class: failed.reason.class() },
                        Round::Letter => self.letter_of(&record, failed).await,
                    }
                }
            },
        };
        failpoint("park.worked");
        patiently(|| self.store.settle_parked(lease.clone(), fate)).await;
        failpoint("park.settled");
    }

    async fn letter_of(&self, record: &Record, failed: Failed) -> ParkedFate {
        match self.dead_letter(record, failed).await {
            Fate::Settled => ParkedFate::Done,
            Fate::Held => ParkedFate::Later(LEASE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    fn failure(class: &'static str) -> Reason {
        Reason::Handler { class, said: None }
    }

    #[test]
    fn what_may_pass_waits_and_what_will_not_is_a_letter_or_holds_its_conversation() {
        for on_failure in [OnFailure::Hold, OnFailure::Continue] {
            assert_eq!(way_out(&failure("exhausted"), on_failure), WayOut::Wait { held: false });
            assert_eq!(way_out(&failure("permanent"), on_failure), WayOut::Letter);
            assert_eq!(way_out(&Reason::Conflict, on_failure), WayOut::Letter);
        }
        assert_eq!(way_out(&failure("panic"), OnFailure::Hold), WayOut::Wait { held: true });
        assert_eq!(way_out(&failure("panic"), OnFailure::Continue), WayOut::Letter);
    }

    #[test]
    fn a_record_is_given_up_after_twelve_rounds_or_a_day() {
        let wait = WayOut::Wait { held: false };
        for (on_failure, end) in [(OnFailure::Hold, Round::Held), (OnFailure::Continue, Round::Letter)] {
            assert!(matches!(after_round(wait, on_failure, 11, SHORT, 0.5), Round::Again(_)));
            assert_eq!(after_round(wait, on_failure, 12, SHORT, 0.5), end);
            assert_eq!(after_round(wait, on_failure, 1, AGE_MAX * 2, 0.5), end);
        }
    }

    #[test]
    fn pauses_grow_to_five_minutes_and_no_further() {
        let pauses: Vec<u64> = [1, 2, 5, 9, 10, 99].map(|round| backoff(round, 1.0).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 16, 256, 300, 300]);
    }
}
