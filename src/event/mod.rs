//! The typed facts that travel between workers, one Avro record each (`schemas/*.avsc`). Plain data: an event knows
//! neither the bus that carries it nor the worker that made it.

mod envelope;
mod ids;
mod message;
mod operation;
mod reply;
mod turn;

pub use envelope::Envelope;
pub use ids::{
    CHANNEL_BYTES_MAX, CHANNEL_MESSAGE_ID_BYTES_MAX, ChannelMessageId, ChannelName, ChannelTextError,
    ConversationId, EntryId, EventId, ID_BYTES_MAX, IdError, TenantId,
};
pub use message::MessageReceived;
pub use operation::{
    FailureKind, ORDERS_MAX, Operation, OperationStatus, OperationUpdated, Order, OrderItem, OrderProgress,
    StockLevel,
};
pub use reply::{Button, DeliveryStatus, DeliveryUpdated, ReplyReady};
pub use turn::{
    Answer, Backend, Decision, Doubt, Prompt, RANKED_MAX, RankedIntent, Slot, Stage, TurnDecided,
};

pub use crate::language::slots::SlotName;

use serde::{Serialize, de::DeserializeOwned};

/// One kind of event: its name, its schema and the conversation it belongs to.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The record's name in the schema, and the `event-type` header.
    const NAME: &'static str;
    /// The current schema's text (`schemas/<name>.avsc`).
    const SCHEMA: &'static str;
    /// The conversation, which is the key of the record on every topic.
    fn conversation_id(&self) -> &ConversationId;
    /// The id that follows from the content alone; `None` where it comes with the envelope.
    fn own_id(&self) -> Option<EventId> {
        None
    }
}

macro_rules! event {
    ($name:ident, $file:literal $(, $own_id:item)?) => {
        impl crate::event::Event for $name {
            const NAME: &'static str = stringify!($name);
            const SCHEMA: &'static str = include_str!(concat!("../../schemas/", $file, ".avsc"));
            fn conversation_id(&self) -> &crate::event::ConversationId {
                &self.conversation_id
            }
            $($own_id)?
        }
    };
}
pub(crate) use event;
