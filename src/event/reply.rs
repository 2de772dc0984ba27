//! What a person is told, and whether it arrived.

use serde::{Deserialize, Serialize};

use super::{ChannelName, ConversationId, EventId, TenantId, event};
use crate::{language::script::Language, privacy::Sensitive};

/// A reply is ready for its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyReady {
    /// Whose assistant speaks.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message that is answered.
    pub turn_id: EventId,
    /// The channel that has to deliver it.
    pub channel: ChannelName,
    /// The language of the text.
    pub language: Language,
    /// The words.
    pub text: Sensitive<String>,
    /// Answers that the channel may offer.
    #[serde(default)]
    pub buttons: Vec<Button>,
    /// The earlier messages that are parts of this turn; it answers them too.
    #[serde(default)]
    pub parts: Vec<EventId>,
}
event!(ReplyReady, "reply_ready");

/// An answer that a channel may offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What the person reads.
    pub label: Sensitive<String>,
    /// What is sent when it is pressed, as if the person had written it.
    pub value: String,
}

/// A channel says what became of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryUpdated {
    /// Whose assistant spoke.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message that was answered.
    pub turn_id: EventId,
    /// The reply.
    pub reply_id: EventId,
    /// The channel.
    pub channel: ChannelName,
    /// How far it came.
    pub status: DeliveryStatus,
}
event!(DeliveryUpdated, "delivery_updated");

/// How far a reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Kept for the person to fetch or be shown.
    Stored,
}
