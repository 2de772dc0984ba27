//! The one place where a record's fate is carried out: committed and published, or dead-lettered, and only then
//! settled. It waits for our own log and database as long as it takes; it may not decide what an event means.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::FutureExt;

use super::{
    Fate, Handler, HandlerError, Lane, Outcome, Settle, Tripped,
    burst::state_of,
    crash::{Begun, CrashGuard, SUSPECTED_FOR},
    guard::LettersGuard,
    letter::{Cause, LetterWriter},
    park::LANE_MAX,
    patiently, publish,
    reason::{Failure, Reason},
    retry,
};
use crate::{
    bus::{Producer, Record, TopicPartition},
    codec::Schemas,
    event::Envelope,
    failpoint::{failpoint, failpoint_at, panic_at},
    store::{Commit, Found, Kept, Outgoing, ParkedLease, ParkedRoom, Step, StepKey, Store, StoreError, Why},
    topics,
};

/// What a lane needs to settle a record.
pub(super) struct Settler<H> {
    pub(super) producer: Arc<dyn Producer>,
    pub(super) store: Store,
    pub(super) schemas: Arc<Schemas>,
    pub(super) handler: H,
    pub(super) letters: LetterWriter,
    /// None where an operator has put it out of force.
    pub(super) guard: Option<Guard>,
    pub(super) crashes: CrashGuard,
    pub(super) room: ParkedRoom,
    /// Places for messages that wait for what their conversation says next.
    pub(super) waiting_parts: tokio::sync::Semaphore,
    /// Places for records that wait for a schema of theirs.
    pub(super) late_schemas: tokio::sync::Semaphore,
}

/// The guard over dead letters and the clock it goes by.
pub(super) struct Guard {
    since: Instant,
    letters: Mutex<LettersGuard>,
}

impl Guard {
    pub(super) fn new(group: &'static str) -> Self {
        Self { since: Instant::now(), letters: Mutex::new(LettersGuard::new(group)) }
    }

    fn at<T>(&self, ask: impl FnOnce(&mut LettersGuard, Duration) -> T) -> T {
        ask(&mut self.letters.lock().unwrap_or_else(PoisonError::into_inner), self.since.elapsed())
    }

    /// Why it takes no more records.
    pub(super) fn tripped(&self) -> Option<Tripped> {
        self.at(|letters, _| letters.tripped())
    }
}

/// A record that could not be worked on.
pub(super) struct Failed {
    pub(super) reason: Reason,
    attempts: u32,
    first_failure_ms: i64,
}

/// Who works on a record.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// Its lane, with what comes behind it: it waits behind what waits of its conversation.
    Lane(&'a Record, &'a Lane),
    /// Whoever has this lease of a conversation that waits, as long as it has it.
    Resumer(&'a ParkedLease),
}

/// What came of working on a record.
pub(super) enum Worked {
    /// Its effect is committed; these events wait for their publication.
    Done(Vec<Outgoing>),
    /// It waits behind others of its conversation, or is somebody else's by now.
    Parked,
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self { reason, attempts: 1, first_failure_ms: now_ms() }
    }
}

impl<H: Handler> Settle for Settler<H> {
    async fn settle(&self, record: Record, behind: &Lane) -> Fate {
        let began = Instant::now();
        let fate = self.guarded(&record, behind).await;
        metrics::counter!("peyvand_records_settled_total", "group" => H::GROUP)
            .increment(u64::from(fate == Fate::Settled));
        metrics::histogram!("peyvand_record_seconds", "group" => H::GROUP)
            .record(began.elapsed().as_secs_f64());
        fate
    }

    fn assigned(&self, places: &[TopicPartition]) {
        self.crashes.assigned(places);
    }
}

impl<H: Handler> Settler<H> {
    async fn guarded(&self, record: &Record, behind: &Lane) -> Fate {
        let noted = match self.crashes.begin(record).await {
            Begun::Unwatched => return self.carry_out(record, behind).await,
            Begun::Noted(noted) => noted,
            Begun::CrashLoop => {
                let fate = self.dead_letter(record, Reason::CrashLoop.into()).await;
                self.crashes.done(record, fate).await;
                return fate;
            }
            Begun::Gone => return Fate::Gone,
        };
        let mut work = std::pin::pin!(self.carry_out(record, behind));
        let fate = tokio::time::timeout(SUSPECTED_FOR, &mut work).await;
        // One that waits for something outside does not end the process: others may run, and it is not convicted.
        self.crashes.done(record, *fate.as_ref().unwrap_or(&Fate::Settled)).await;
        drop(noted);
        match fate {
            Ok(fate) => fate,
            Err(_) => work.await,
        }
    }

    async fn carry_out(&self, record: &Record, behind: &Lane) -> Fate {
        failpoint_at("record.begun", record.key.as_deref().unwrap_or_default());
        let (key, input) = match self.read(record).await {
            Ok(read) => read,
            Err(error) => return self.dead_letter(record, Reason::Codec(error).into()).await,
        };
        loop {
            match self.work(&key, &input, By::Lane(record, behind)).await {
                Ok(Worked::Done(outgoing)) => {
                    self.finish(&key, &input, outgoing).await;
                    return Fate::Settled;
                }
                Ok(Worked::Parked) => return Fate::Settled,
                // Somebody else may have done meanwhile what could not be done here.
                Err(failed) => {
                    if let Some(fate) = self.failed(&key, record, failed).await {
                        return fate;
                    }
                }
            }
        }
    }

    /// What is committed is published, and whoever waits for it woken.
    pub(super) async fn finish(&self, key: &StepKey, input: &Envelope<H::In>, outgoing: Vec<Outgoing>) {
        failpoint("step.committed");
        publish(&self.store, &self.producer, H::GROUP, &key.conversation_id, outgoing).await;
        failpoint("step.published");
        self.handler.settled(input);
    }

    pub(super) async fn work(
        &self,
        key: &StepKey,
        input: &Envelope<H::In>,
        by: By<'_>,
    ) -> Result<Worked, Failed> {
        if !self.handler.concerns(&input.event) {
            return Ok(Worked::Done(Vec::new()));
        }
        loop {
            let (state, at, parked) = match patiently(|| self.store.look(key)).await {
                Found::Seen(pending) => return Ok(Worked::Done(pending)),
                Found::Conflict => return Err(Reason::Conflict.into()),
                Found::Fresh { state, version, last_seq, parked } => (state, (version, last_seq), parked),
            };
            match by {
                By::Lane(record, _) if parked => match self.keep(key, record, Why::Follows).await {
                    Kept::Parked => return Ok(Worked::Parked),
                    Kept::Conflict => return Err(Reason::Conflict.into()),
                    Kept::Free | Kept::Full => continue,
                },
                By::Lane(record, behind) if behind.len() >= LANE_MAX => {
                    match self.put_aside(key, record).await {
                        Kept::Parked => return Ok(Worked::Parked),
                        Kept::Conflict => return Err(Reason::Conflict.into()),
                        Kept::Free => continue,
                        Kept::Full => {}
                    }
                }
                // Whatever takes the record away from here moves the version: what happens after this look, the commit notices.
                By::Resumer(lease) if !patiently(|| self.store.has_parked_lease(lease)).await => {
                    return Ok(Worked::Parked);
                }
                By::Lane(..) | By::Resumer(_) => {}
            }
            let outcome = match by {
                By::Lane(_, behind) if self.goes_on(input, state.as_deref(), behind).await => {
                    self.begun(input, state.as_deref())?
                }
                By::Lane(..) | By::Resumer(_) => self.handle(key, input, state.as_deref()).await?,
            };
            if outcome.is_empty() {
                // Nothing to commit, so nothing to remember: the same event again comes to the same nothing.
                self.note_success();
                return Ok(Worked::Done(Vec::new()));
            }
            let step = self.step(key, at, input, outcome)?;
            failpoint("step.handled");
            match patiently(|| self.commit(step.clone())).await {
                Ok(Commit::Done(outgoing) | Commit::Seen(outgoing)) => {
                    self.note_success();
                    return Ok(Worked::Done(outgoing));
                }
                Ok(Commit::Moved) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    /// A record was worked on with success. One that is passed by says nothing of whether this worker can do its work.
    fn note_success(&self) {
        if let Some(guard) = &self.guard {
            guard.at(LettersGuard::success);
        }
    }

    /// A reason inside when the database will never take this step.
    async fn commit(&self, step: Step) -> Result<Result<Commit, Reason>, StoreError> {
        match self.store.commit(step).await {
            Err(StoreError::Refused { code }) => Ok(Err(Reason::Refused { code })),
            other => other.map(Ok),
        }
    }

    async fn attempt(
        &self,
        input: &Envelope<H::In>,
        state: H::State,
        key: &StepKey,
    ) -> Result<Outcome<H::State>, HandlerError> {
        panic_at(key.conversation_id.as_str());
        self.handler.handle(input, state).await
    }

    /// What takes longer than its handler says hangs: it is left off, and its lane is free. Our own log and database are waited
    /// for elsewhere, before it and after.
    async fn handle(
        &self,
        key: &StepKey,
        input: &Envelope<H::In>,
        state: Option<&[u8]>,
    ) -> Result<Outcome<H::State>, Failed> {
        self.handler.room(input).await;
        let (longest, began_ms) = (self.handler.longest(), now_ms());
        let handled = tokio::time::timeout(longest, self.handle_with_tries(key, input, state)).await;
        handled.unwrap_or(Err(Failed {
            reason: Reason::TooLong(longest),
            attempts: 1,
            first_failure_ms: began_ms,
        }))
    }

    async fn handle_with_tries(
        &self,
        key: &StepKey,
        input: &Envelope<H::In>,
        state: Option<&[u8]>,
    ) -> Result<Outcome<H::State>, Failed> {
        let mut waits = retry::short();
        let mut panicked = false;
        let (mut attempts, mut first_failure_ms) = (0, None);
        loop {
            let state = state_of::<H>(state)?;
            attempts += 1;
            let (how, said, wait) =
                match AssertUnwindSafe(self.attempt(input, state, key)).catch_unwind().await {
                    Ok(Ok(outcome)) => return Ok(outcome),
                    Ok(Err(HandlerError::Permanent(said))) => (Failure::Permanent, Some(said), None),
                    Ok(Err(HandlerError::Transient(said))) => (Failure::Exhausted, Some(said), waits.next()),
                    // The words of a panic may hold anything. One may be an accident, a second is none.
                    Err(_) if panicked => (Failure::Panic, None, None),
                    Err(_) => {
                        panicked = true;
                        (Failure::Panic, None, waits.next())
                    }
                };
            let first_failure_ms = *first_failure_ms.get_or_insert_with(now_ms);
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    return Err(Failed { reason: Reason::Handler { how, said }, attempts, first_failure_ms });
                }
            }
        }
    }

    fn step(
        &self,
        key: &StepKey,
        (version, last_seq): (i64, i64),
        input: &Envelope<H::In>,
        outcome: Outcome<H::State>,
    ) -> Result<Step, Reason> {
        let occurred_at_ms = now_ms();
        let mut outgoing = Vec::with_capacity(outcome.emit.len());
        for (index, emit) in outcome.emit.into_iter().enumerate() {
            let bare = Envelope {
                event_id: input.event_id.derived(H::GROUP, index),
                correlation_id: input.correlation_id,
                causation_id: Some(input.event_id),
                occurred_at_ms,
                traceparent: input.traceparent.clone(),
                event: (),
            };
            outgoing.push(emit.encode(&self.schemas, bare).map_err(Reason::Unwritable)?);
        }
        let state = match outcome.state {
            Some(state) => Some(serde_json::to_vec(&state).map_err(|_| Reason::State)?),
            None => None,
        };
        Ok(Step {
            key: key.clone(),
            version,
            last_seq,
            state,
            outgoing,
            replies: outcome.replies,
            entries: outcome.entries,
        })
    }

    /// Whether it goes wrong so often by our own fault that nothing more may be put aside. What a person redrives is the
    /// person's to look at.
    pub(super) fn is_too_much(&self, record: &Record, reason: &Reason) -> bool {
        let counts = reason.is_ours() && topics::origin(&record.place.topic) == record.place.topic.as_str();
        let Some(guard) = self.guard.as_ref().filter(|_| counts) else { return false };
        guard.at(|letters, at| letters.letter(reason.class(), at)).is_err()
    }

    /// Whether the guard has stopped this worker.
    pub(super) fn is_tripped(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.tripped().is_some())
    }

    pub(super) async fn dead_letter(&self, record: &Record, failed: Failed) -> Fate {
        if self.is_too_much(record, &failed.reason) {
            return Fate::Held;
        }
        let Failed { reason, attempts, first_failure_ms } = failed;
        let class = reason.class();
        tracing::warn!(
            group = H::GROUP, place = %record.place, offset = record.offset.0, class,
            "a record could not be worked on and goes to the dead letters"
        );
        metrics::counter!("peyvand_dead_letters_total", "group" => H::GROUP, "class" => class).increment(1);
        let said = reason.said();
        let code = match reason {
            Reason::Refused { code } => Some(code),
            Reason::Codec(_)
            | Reason::Conflict
            | Reason::Handler { .. }
            | Reason::TooLong(_)
            | Reason::Unwritable(_)
            | Reason::State
            | Reason::CrashLoop => None,
        };
        let cause = Cause { class, code, said, attempts, first_failure_ms, last_failure_ms: now_ms() };
        let letter = self.letters.letter(H::GROUP, record, &cause);
        failpoint("letter.made");
        // As long as its topic takes no letter, the record stays unsettled; the log tells the process's health why.
        patiently(|| self.producer.send(letter.clone())).await;
        failpoint("letter.sent");
        Fate::Settled
    }
}

/// Milliseconds since 1970-01-01 UTC by this machine's clock.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
