//! Decisions that ask for writes, as the intent-classifier makes them.

use peyvand::{
    event::{
        ChannelName, ConversationId, Decision, EntryId, Envelope, EventId, Operation, Slot, SlotName,
        TenantId, TurnDecided,
    },
    language::script::Language,
};
use uuid::Uuid;

/// Where an operation is written.
pub(crate) fn target(operation: Operation) -> &'static str {
    match operation {
        Operation::CaseCreate => "crm",
        Operation::CallbackRequest => "desk",
        Operation::SalesOrderCreate
        | Operation::OrderStatus
        | Operation::OrderList
        | Operation::StockLevel => "sap",
    }
}

/// The entry of the write that a turn asks for.
pub(crate) fn entry(turn: &Envelope<TurnDecided>) -> EntryId {
    let operation = turn.event.operation.unwrap();
    EntryId::of(&turn.event_id, target(operation), operation.name())
}

/// A turn that asks for a write.
pub(crate) fn turn(conversation: &str, operation: Operation, quantity: &str) -> Envelope<TurnDecided> {
    let turn_id = EventId::from(Uuid::new_v4());
    let slot = |name, value: &str| Slot {
        name,
        value: value.to_owned().into(),
        raw: value.to_owned().into(),
        start: None,
        end: None,
    };
    let whose = (TenantId::parse("demo").unwrap(), ConversationId::parse(conversation).unwrap());
    let channel = ChannelName::parse("test").unwrap();
    Envelope {
        event_id: turn_id.derived("intent-classifier", 0),
        correlation_id: turn_id,
        causation_id: Some(turn_id),
        occurred_at_ms: 1,
        traceparent: None,
        event: TurnDecided {
            operation: Some(operation),
            slots: vec![
                slot(SlotName::Product, "CEM-042"),
                slot(SlotName::Quantity, quantity),
                slot(SlotName::Customer, "1000000018"),
                slot(SlotName::Description, "it came broken, says Shirin Tavakoli"),
                slot(SlotName::Phone, "+989123456789"),
            ],
            ..TurnDecided::bare(whose, turn_id, channel, Language::En, Decision::Execute)
        },
    }
}
