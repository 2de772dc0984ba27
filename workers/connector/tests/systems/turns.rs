//! Writes as the outbox hands them to a system, and what came of them in two words.

use peyvand::{
    event::{
        ChannelName, ConversationId, Decision, Envelope, EventId, Operation, Slot, SlotName, TenantId,
        TurnDecided,
    },
    language::script::Language,
};
use peyvand_connector::{system::Sent, write::Write};

/// A write with these values; the same name is the same write.
pub(crate) fn write_of(name: &str, operation: Operation, slots: &[(SlotName, &str)]) -> Write {
    let slot = |(name, value): &(SlotName, &str)| Slot {
        name: *name,
        value: (*value).to_owned().into(),
        raw: (*value).to_owned().into(),
        start: None,
        end: None,
    };
    let turn_id = EventId::of_message("web", "t", name);
    let whose = (TenantId::parse("t").unwrap(), ConversationId::parse("c").unwrap());
    let channel = ChannelName::parse("web").unwrap();
    let turn = TurnDecided {
        operation: Some(operation),
        slots: slots.iter().map(slot).collect(),
        ..TurnDecided::bare(whose, turn_id, channel, Language::En, Decision::Execute)
    };
    let envelope = Envelope {
        event_id: turn_id.derived("intent-classifier", 0),
        correlation_id: turn_id,
        causation_id: Some(turn_id),
        occurred_at_ms: 1,
        traceparent: None,
        event: turn,
    };
    Write::of(&envelope, operation, "target")
}

pub(crate) fn kind(sent: &Sent) -> (&'static str, &'static str) {
    match sent {
        Sent::Done { .. } => ("done", ""),
        Sent::Refused { class } => ("refused", class),
        Sent::NotSent(error) => ("not sent", error.kind()),
        Sent::MaybeSent(error) => ("maybe sent", error.kind()),
    }
}
