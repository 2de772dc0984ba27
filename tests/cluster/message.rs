//! What a person writes, as a channel publishes it; for the tests that write into the log themselves.

use peyvand::{
    bus::{NewRecord, Topic},
    codec::{self, Schemas},
    event::{Envelope, Event, EventId, MessageReceived},
    topics,
};
use serde_json::json;
use uuid::Uuid;

/// A message nobody else wrote, and the id it is known by.
pub(crate) fn message(schemas: &Schemas, conversation: &str, text: &str) -> (NewRecord, EventId) {
    let json = json!({
        "tenant": "demo", "conversation_id": conversation, "channel": "web",
        "channel_message_id": Uuid::new_v4().to_string(), "text": text, "language": null,
    });
    let event: MessageReceived = serde_json::from_value(json).unwrap();
    let event_id = event.own_id().unwrap();
    let envelope = Envelope {
        event_id,
        correlation_id: event_id,
        causation_id: None,
        occurred_at_ms: 1,
        traceparent: None,
        event,
    };
    (codec::encode(schemas, Topic::new(topics::MESSAGE_RECEIVED), &envelope).unwrap(), event_id)
}
