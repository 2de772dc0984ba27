//! A write as it is kept in the outbox: what is to be done, for which turn, and how it is told about afterwards.

use peyvand::{
    bus::{NewRecord, Topic},
    codec::{self, CodecError, Schemas},
    event::{
        ChannelName, ConversationId, EntryId, Envelope, EventId, FailureKind, Operation, OperationStatus,
        OperationUpdated, Slot, SlotName, Stage, TenantId, TurnDecided,
    },
    language::script::Language,
    store::NewEntry,
    topics,
};
use serde::{Deserialize, Serialize};

/// One intended write, with all that is needed to send it and to tell about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Its idempotency key.
    pub id: EntryId,
    /// Whose assistant is spoken to.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message that began the turn.
    pub turn_id: EventId,
    /// The channel the message came by.
    pub channel: ChannelName,
    /// The language to answer in.
    pub language: Language,
    /// What is to be done.
    pub operation: Operation,
    /// The system it is to be done in.
    pub target: String,
    /// With what.
    pub slots: Vec<Slot>,
    /// The tone to answer in.
    #[serde(default)]
    pub stage: Stage,
    /// When the message was written.
    #[serde(default)]
    pub said_at_ms: i64,
    /// The message that all of this follows from.
    correlation_id: EventId,
    /// The decision that asked for it.
    causation_id: EventId,
    /// W3C trace context.
    traceparent: Option<String>,
}

/// What is told about a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is kept and will be sent.
    Accepted,
    /// The system has it, under this number.
    Done {
        /// The system's number.
        reference: String,
    },
    /// The system will not have it.
    Refused,
    /// It was not possible to write it, and a person takes over.
    Failed(FailureKind),
    /// Nobody knows whether it is written, and a person takes over.
    Unknown,
}

impl Told {
    fn status(&self) -> OperationStatus {
        match self {
            Self::Accepted => OperationStatus::Accepted,
            Self::Done { .. } => OperationStatus::Done,
            Self::Refused => OperationStatus::Refused,
            Self::Failed(_) => OperationStatus::Failed,
            Self::Unknown => OperationStatus::Unknown,
        }
    }

    /// One word a step, for its event's id: the same step told twice is one event.
    const fn step(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Done { .. } => "done",
            Self::Refused => "refused",
            Self::Failed(_) => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Write {
    /// The write that a decision asks for.
    pub fn of(turn: &Envelope<TurnDecided>, operation: Operation, target: &str) -> Self {
        let event = &turn.event;
        Self {
            id: EntryId::of(&turn.event_id, target, operation.name()),
            tenant: event.tenant.clone(),
            conversation_id: event.conversation_id.clone(),
            turn_id: event.turn_id,
            channel: event.channel.clone(),
            language: event.language,
            operation,
            target: target.to_owned(),
            slots: event.slots.clone(),
            stage: event.stage,
            said_at_ms: event.said_at_ms,
            correlation_id: turn.correlation_id,
            causation_id: turn.event_id,
            traceparent: turn.traceparent.clone(),
        }
    }

    /// The write of an outbox entry; `None` when this version cannot read it.
    pub fn of_payload(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// The outbox entry. The writes of one conversation are sent in its order.
    pub fn entry(&self) -> Option<NewEntry> {
        Some(NewEntry {
            id: self.id,
            target: self.target.clone(),
            conversation_id: self.conversation_id.clone(),
            operation: self.operation.name().to_owned(),
            payload: serde_json::to_vec(self).ok()?,
        })
    }

    /// A value of the write.
    pub fn slot(&self, name: SlotName) -> Option<&str> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.expose().as_str())
    }

    /// What is told, as an event.
    pub fn told(&self, told: &Told) -> OperationUpdated {
        let (mut failure, mut reference) = (None, None);
        match told {
            Told::Done { reference: number } => reference = Some(number.clone().into()),
            Told::Failed(kind) => failure = Some(*kind),
            Told::Accepted | Told::Refused | Told::Unknown => {}
        }
        OperationUpdated {
            tenant: self.tenant.clone(),
            conversation_id: self.conversation_id.clone(),
            turn_id: self.turn_id,
            channel: self.channel.clone(),
            language: self.language,
            operation: self.operation,
            target: self.target.clone(),
            status: told.status(),
            failure,
            subject: None,
            orders: Vec::new(),
            stock: Vec::new(),
            tracking: Some(self.id.tracking()),
            reference,
            resumed: None,
            page: 0,
            stage: self.stage,
            parts: Vec::new(),
            said_at_ms: self.said_at_ms,
        }
    }

    /// What the relay tells, as a record.
    ///
    /// # Errors
    /// [`CodecError`] when the event cannot be written.
    pub fn record(
        &self,
        schemas: &Schemas,
        told: &Told,
        occurred_at_ms: i64,
    ) -> Result<NewRecord, CodecError> {
        let envelope = Envelope {
            event_id: self.id.event(told.step()),
            correlation_id: self.correlation_id,
            causation_id: Some(self.causation_id),
            occurred_at_ms,
            traceparent: self.traceparent.clone(),
            event: self.told(told),
        };
        codec::encode(schemas, Topic::new(topics::OPERATION_UPDATED), &envelope)
    }
}
