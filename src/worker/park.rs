//! A record that cannot be worked on holds up its conversation and nothing else: it waits in the database, what follows it in
//! its conversation waits behind it, and the partition goes on; so does one with more records than a lane may have. Whoever has the
//! conversation's lease tries again until it goes, or until a person decides; one that ends processes is noted as it would be in its
//! lane. How long and when is decided purely; it may not decide what an event means.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Fate, Handler, OnFailure, backoff, chance,
    crash::{Among, CRASHES_MAX, SUSPECTED_FOR},
    patiently,
    reason::{Failure, Reason},
    settle::{By, Failed, Settler, Worked},
};
use crate::{
    bus::Record,
    failpoint::{failpoint, failpoint_at},
    store::{Kept, ParkedFate, ParkedLease, ParkedTurn, StepKey, ToPark, Why},
};

/// A record is given up after so many rounds of tries, or at this age.
const ROUNDS_MAX: u32 = 12;
const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is looked for conversations whose time has come, and how many are worked on at once.
const LOOK_EACH: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 16;
/// How long a round may take beside its handler, and how much longer the right to it lasts.
const BESIDE_HANDLER: Duration = Duration::from_secs(10);
const BESIDE_ROUND: Duration = Duration::from_secs(10);
/// How long a round may take when the worker stops.
const DRAIN: Duration = Duration::from_secs(12);
const FULL_PAUSE: Duration = Duration::from_secs(1);
/// With so many records waiting in its lane, a quarter of all that a worker has open, a conversation goes on from the database
/// instead: to keep a record there takes milliseconds, to work on it may take seconds, and the others wait for their places.
pub(super) const LANE_MAX: usize = 250;
/// Why such a conversation waits.
const OVERRUN: &str = "overrun";

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
    match reason {
        Reason::Handler { how: Failure::Exhausted, .. } | Reason::TooLong(_) => WayOut::Wait { held: false },
        Reason::Handler { how: Failure::Panic, .. } | Reason::Refused { .. } | Reason::State => {
            match on_failure {
                OnFailure::Hold => WayOut::Wait { held: true },
                OnFailure::Continue => WayOut::Letter,
            }
        }
        Reason::Handler { how: Failure::Permanent, .. }
        | Reason::Codec(_)
        | Reason::Conflict
        | Reason::Unwritable(_)
        | Reason::CrashLoop => WayOut::Letter,
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
    // It may have waited a day behind another before its first round.
    let is_over = rounds >= ROUNDS_MAX || (rounds > 1 && age > AGE_MAX);
    match (way, on_failure) {
        (WayOut::Wait { held: false }, _) if !is_over => Round::Again(backoff(rounds, chance)),
        (WayOut::Wait { held: false }, OnFailure::Hold) | (WayOut::Wait { held: true }, _) => Round::Held,
        (WayOut::Wait { held: false }, OnFailure::Continue) | (WayOut::Letter, _) => Round::Letter,
    }
}

impl<H: Handler> Settler<H> {
    /// Carries out the fate of a record that its lane could not work on; none when somebody else has worked on it meanwhile.
    pub(super) async fn failed(&self, key: &StepKey, record: &Record, failed: Failed) -> Option<Fate> {
        let held = match way_out(&failed.reason, H::ON_FAILURE) {
            WayOut::Letter => return Some(self.dead_letter(record, failed).await),
            WayOut::Wait { held } => held,
        };
        if held && self.is_too_much(record, &failed.reason) {
            return Some(Fate::Held);
        }
        let class = failed.reason.class();
        match self.keep(key, record, Why::First { class, held }).await {
            Kept::Free | Kept::Full => return None,
            Kept::Conflict => return Some(self.dead_letter(record, Reason::Conflict.into()).await),
            Kept::Parked => {}
        }
        tracing::warn!(
            group = H::GROUP, place = %record.place, offset = record.offset.0, class, held,
            "a record could not be worked on; its conversation waits, look at it with `peyvand parked list`"
        );
        metrics::counter!("peyvand_parked_total", "group" => H::GROUP, "class" => class).increment(1);
        Some(Fate::Settled)
    }

    /// A record whose lane is too long waits with what is behind it, and its time has come at once. With no room it does not.
    pub(super) async fn put_aside(&self, key: &StepKey, record: &Record) -> Kept {
        let why = Why::First { class: OVERRUN, held: false };
        let to_park = ToPark { key: key.clone(), record: record.clone(), why, room: self.room };
        let kept = patiently(|| self.store.park(to_park.clone())).await;
        if kept == Kept::Parked {
            tracing::warn!(
                group = H::GROUP, place = %record.place, offset = record.offset.0, waiting = LANE_MAX,
                "the conversation of this record has so many that it goes on from the database, so that others have room; look \
                 at it with `peyvand parked list`"
            );
            metrics::counter!("peyvand_parked_total", "group" => H::GROUP, "class" => OVERRUN).increment(1);
        }
        kept
    }

    /// With no room the lane waits, and when enough records are open the whole worker does.
    pub(super) async fn keep(&self, key: &StepKey, record: &Record, why: Why) -> Kept {
        let to_park = ToPark { key: key.clone(), record: record.clone(), why, room: self.room };
        loop {
            match patiently(|| self.store.park(to_park.clone())).await {
                Kept::Full => {
                    tracing::warn!(
                        group = H::GROUP,
                        "too much of this group or of one conversation waits in the database; this record's lane waits too, and once a \
                         thousand records are open the worker reads no more; look with `peyvand parked list`"
                    );
                    sleep(FULL_PAUSE).await;
                }
                kept @ (Kept::Parked | Kept::Free | Kept::Conflict) => {
                    failpoint("park.kept");
                    return kept;
                }
            }
        }
    }

    /// How long a round may take: one whose handler hangs has to be over before.
    fn round_time(&self) -> Duration {
        self.handler.longest() + BESIDE_HANDLER
    }

    fn lease_time(&self) -> Duration {
        self.round_time() + BESIDE_ROUND
    }

    /// Works on what waits, until the worker stops. One that is done makes room for the next of its conversation at once.
    pub(super) async fn resume_parked(&self, stop: CancellationToken) {
        let mut working = FuturesUnordered::new();
        let mut look = interval(LOOK_EACH);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let did_one = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(fate) = working.next() => fate == Some(ParkedFate::Done),
                _ = look.tick() => true,
            };
            if self.is_tripped() {
                // What trips the guard here stops the whole worker, as it does in a lane.
                stop.cancel();
                break;
            }
            let room = AT_ONCE.saturating_sub(working.len());
            if !did_one || room == 0 {
                continue;
            }
            let many = u32::try_from(room).unwrap_or(u32::MAX);
            // A database that fell silent does not hold up the stop: a lease that nobody heard of runs out.
            let claiming = self.store.claim_parked(H::GROUP, many, self.lease_time());
            let Some(claimed) = stop.run_until_cancelled(claiming).await else { break };
            match claimed {
                Ok(turns) => working.extend(turns.into_iter().map(|turn| self.resume(turn))),
                Err(error) => tracing::debug!(kind = error.kind(), "{error}; looking again in a second"),
            }
        }
        if timeout(DRAIN, async { while working.next().await.is_some() {} }).await.is_err() {
            tracing::warn!(
                group = H::GROUP,
                "waiting records were still at work at the end; they go on waiting"
            );
        }
    }

    /// One round of a waiting record; no fate when it is somebody else's by now.
    async fn resume(&self, turn: ParkedTurn) -> Option<ParkedFate> {
        let lease = turn.lease.clone();
        let fate = self.noted_round(turn).await?;
        failpoint("park.worked");
        let settled = patiently(|| self.store.settle_parked(lease.clone(), fate)).await;
        failpoint("park.settled");
        settled.then_some(fate)
    }

    /// A round that is known to have begun, should the process end with it.
    async fn noted_round(&self, turn: ParkedTurn) -> Option<ParkedFate> {
        let ParkedTurn { lease, record, attempts, begun, age } = turn;
        if begun >= CRASHES_MAX {
            return Some(ParkedFate::Held { class: Reason::CrashLoop.class() });
        }
        let among = Among::wait(begun).await;
        if !patiently(|| self.store.parked_begun(&lease, begun + 1, self.lease_time())).await {
            return None;
        }
        // Whatever it waits for, another round comes.
        let mut round =
            std::pin::pin!(timeout(self.round_time(), self.round(&lease, &record, attempts, age)));
        let ended = match timeout(SUSPECTED_FOR, &mut round).await {
            Ok(ended) => ended,
            Err(_) => {
                // One that waits for something outside does not end the process.
                patiently(|| self.store.parked_begun(&lease, 0, self.lease_time())).await;
                drop(among);
                round.await
            }
        };
        ended.unwrap_or(Some(ParkedFate::Later { after: LOOK_EACH, class: None }))
    }

    async fn round(
        &self,
        lease: &ParkedLease,
        record: &Record,
        rounds: u32,
        age: Duration,
    ) -> Option<ParkedFate> {
        failpoint_at("park.begun", record.key.as_deref().unwrap_or_default());
        let (key, input) = match self.read(record).await {
            Ok(read) => read,
            Err(error) => return Some(self.letter_of(record, Reason::Codec(error).into()).await),
        };
        // In its lane it would wait for room without an end; the right to it here has one.
        if timeout(LOOK_EACH, self.handler.room(&input)).await.is_err() {
            return Some(ParkedFate::NotYet(LOOK_EACH));
        }
        let failed = match self.work(&key, &input, By::Resumer(lease)).await {
            Ok(Worked::Done(outgoing)) => {
                self.finish(&key, &input, outgoing).await;
                return Some(ParkedFate::Done);
            }
            Ok(Worked::Parked) => return None,
            Err(failed) => failed,
        };
        let way = way_out(&failed.reason, H::ON_FAILURE);
        Some(match after_round(way, H::ON_FAILURE, rounds, age, chance()) {
            Round::Again(after) => ParkedFate::Later { after, class: Some(failed.reason.class()) },
            Round::Held => ParkedFate::Held { class: failed.reason.class() },
            Round::Letter => self.letter_of(record, failed).await,
        })
    }

    async fn letter_of(&self, record: &Record, failed: Failed) -> ParkedFate {
        match self.dead_letter(record, failed).await {
            Fate::Settled => ParkedFate::Done,
            Fate::Held | Fate::Gone => ParkedFate::Later { after: self.lease_time(), class: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    fn failure(how: Failure) -> Reason {
        Reason::Handler { how, said: None }
    }

    #[test]
    fn what_may_pass_waits_and_what_will_not_is_a_letter_or_holds_its_conversation() {
        for on_failure in [OnFailure::Hold, OnFailure::Continue] {
            assert_eq!(way_out(&failure(Failure::Exhausted), on_failure), WayOut::Wait { held: false });
            assert_eq!(way_out(&Reason::TooLong(SHORT), on_failure), WayOut::Wait { held: false });
            assert_eq!(way_out(&failure(Failure::Permanent), on_failure), WayOut::Letter);
            assert_eq!(way_out(&Reason::Conflict, on_failure), WayOut::Letter);
        }
        assert_eq!(way_out(&failure(Failure::Panic), OnFailure::Hold), WayOut::Wait { held: true });
        assert_eq!(way_out(&failure(Failure::Panic), OnFailure::Continue), WayOut::Letter);
    }

    #[test]
    fn a_record_is_given_up_after_twelve_rounds_or_a_day() {
        let wait = WayOut::Wait { held: false };
        for (on_failure, end) in [(OnFailure::Hold, Round::Held), (OnFailure::Continue, Round::Letter)] {
            assert!(matches!(after_round(wait, on_failure, 11, SHORT, 0.5), Round::Again(_)));
            assert_eq!(after_round(wait, on_failure, 12, SHORT, 0.5), end);
            assert_eq!(after_round(wait, on_failure, 2, AGE_MAX * 2, 0.5), end);
            assert!(matches!(after_round(wait, on_failure, 1, AGE_MAX * 2, 0.5), Round::Again(_)));
        }
    }

    #[test]
    fn pauses_grow_to_five_minutes_and_no_further() {
        let pauses: Vec<u64> = [1, 2, 5, 9, 10, 99].map(|round| backoff(round, 1.0).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 16, 256, 300, 300]);
    }
}
