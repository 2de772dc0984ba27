//! The one place where a record's fate is carried out: committed and published, or dead-lettered, and only then
//! settled. It waits for our own log and database as long as it takes; it may not decide what an event means.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::FutureExt;
use sha2::{Digest, Sha256};

use super::{Handler, HandlerError, Input, Outcome, Settle, letter, patiently, retry};
use crate::{
    bus::{Producer, Record},
    codec::{self, CodecError, Learned, Schemas},
    event::Envelope,
    failpoint::failpoint,
    store::{Commit, Found, Outgoing, Step, StepKey, Store, StoreError},
};

/// What a lane needs to settle a record.
pub(super) struct Settler<H> {
    pub(super) producer: Arc<dyn Producer>,
    pub(super) store: Store,
    pub(super) schemas: Arc<Schemas>,
    pub(super) handler: H,
}

/// Why a record is dead-lettered.
enum Reason {
    Codec(CodecError),
    Conflict,
    Handler(&'static str),
    State,
    Refused,
}

impl Reason {
    fn class(&self) -> &'static str {
        match self {
            Self::Codec(error) => error.kind(),
            Self::Conflict => "event_id_conflict",
            Self::Handler(class) => class,
            Self::State => "state_unreadable",
            Self::Refused => "refused_by_database",
        }
    }
}

impl<H: Handler> Settle for Settler<H> {
    async fn settle(&self, record: Record) {
        let began = Instant::now();
        self.carry_out(record).await;
        metrics::counter!("peyvand_records_settled_total", "group" => H::GROUP).increment(1);
        metrics::histogram!("peyvand_record_seconds", "group" => H::GROUP)
            .record(began.elapsed().as_secs_f64());
    }
}

impl<H: Handler> Settler<H> {
    async fn carry_out(&self, record: Record) {
        let input = match self.decode(&record).await {
            Ok(input) => input,
            Err(error) => return self.dead_letter(&record, &Reason::Codec(error)).await,
        };
        let Some(conversation_id) = codec::conversation_of(&record) else {
            return self.dead_letter(&record, &Reason::Codec(CodecError::WrongKey)).await;
        };
        let fingerprint = Sha256::digest(record.value.as_deref().unwrap_or_default()).into();
        let key = StepKey { group: H::GROUP, conversation_id, event_id: input.event_id, fingerprint };
        match self.work(&key, &input).await {
            Ok(outgoing) => {
                failpoint("step.committed");
                self.publish(&key, outgoing).await;
                failpoint("step.published");
                self.handler.settled(&input);
            }
            Err(reason) => self.dead_letter(&record, &reason).await,
        }
    }

    /// A schema that nobody knows is a dead letter; a registry that is away is not: the record waits for it.
    async fn decode(&self, record: &Record) -> Result<Envelope<H::In>, CodecError> {
        match H::In::decode(&self.schemas, record) {
            Err(CodecError::UnknownSchema(id)) => match patiently(|| self.schemas.learn(id)).await {
                Learned::Known => H::In::decode(&self.schemas, record),
                Learned::Unknown => Err(CodecError::UnknownSchema(id)),
            },
            other => other,
        }
    }

    async fn work(&self, key: &StepKey, input: &Envelope<H::In>) -> Result<Vec<Outgoing>, Reason> {
        loop {
            let (state, version) = match patiently(|| self.store.look(key)).await {
                Found::Seen(pending) => return Ok(pending),
                Found::Conflict => return Err(Reason::Conflict),
                Found::Fresh { state, version } => (state, version),
            };
            let outcome = self.handle(input, state.as_deref()).await?;
            if outcome.is_empty() {
                // Nothing to commit, so nothing to remember: the same event again comes to the same nothing.
                return Ok(Vec::new());
            }
            let step = self.step(key, version, input, outcome)?;
            failpoint("step.handled");
            match patiently(|| self.commit(step.clone())).await {
                Some(Commit::Done(outgoing) | Commit::Seen(outgoing)) => return Ok(outgoing),
                Some(Commit::Moved) => {}
                None => return Err(Reason::Refused),
            }
        }
    }

    /// `None` when the database will never take this step.
    async fn commit(&self, step: Step) -> Result<Option<Commit>, StoreError> {
        match self.store.commit(step).await {
            Err(StoreError::Refused { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn handle(
        &self,
        input: &Envelope<H::In>,
        state: Option<&[u8]>,
    ) -> Result<Outcome<H::State>, Reason> {
        let mut waits = retry::short();
        let mut panicked = false;
        loop {
            let state = match state {
                Some(bytes) => serde_json::from_slice(bytes).map_err(|_| Reason::State)?,
                None => H::State::default(),
            };
            let class = match AssertUnwindSafe(self.handler.handle(input, state)).catch_unwind().await {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(HandlerError::Permanent(_))) => return Err(Reason::Handler("permanent")),
                Ok(Err(HandlerError::Transient(_))) => "exhausted",
                Err(_) if panicked => return Err(Reason::Handler("panic")),
                Err(_) => {
                    panicked = true;
                    "panic"
                }
            };
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(Reason::Handler(class)),
            }
        }
    }

    fn step(
        &self,
        key: &StepKey,
        version: i64,
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
            outgoing.push(emit.encode(&self.schemas, bare).map_err(Reason::Codec)?);
        }
        let state = match outcome.state {
            Some(state) => Some(serde_json::to_vec(&state).map_err(|_| Reason::State)?),
            None => None,
        };
        Ok(Step {
            key: key.clone(),
            version,
            state,
            outgoing,
            replies: outcome.replies,
            entries: outcome.entries,
        })
    }

    async fn publish(&self, key: &StepKey, outgoing: Vec<Outgoing>) {
        let Some(through) = outgoing.last().map(|last| last.seq) else { return };
        for Outgoing { record, .. } in outgoing {
            patiently(|| self.producer.send(record.clone())).await;
        }
        self.store.published(H::GROUP, key.conversation_id.clone(), through).await;
    }

    async fn dead_letter(&self, record: &Record, reason: &Reason) {
        let class = reason.class();
        tracing::warn!(
            group = H::GROUP, place = %record.place, offset = record.offset.0, class,
            "a record could not be worked on and goes to the dead letters"
        );
        metrics::counter!("peyvand_dead_letters_total", "group" => H::GROUP, "class" => class).increment(1);
        let letter = letter::of(H::GROUP, record, class);
        patiently(|| self.producer.send(letter.clone())).await;
    }
}

/// Milliseconds since 1970-01-01 UTC by this machine's clock.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
