//! What a person wrote, as every channel says it.

use serde::{Deserialize, Serialize};

use super::{ConversationId, EventId, TenantId, event};
use crate::{language::script::Language, privacy::Sensitive};

/// A person wrote a message on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceived {
    /// Whose assistant is spoken to.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The channel's name: `web`, `telegram`, an own portal.
    pub channel: String,
    /// The channel's own id of the message; a repeated one is the same message.
    pub channel_message_id: String,
    /// The text as written.
    pub text: Sensitive<String>,
    /// The language the channel says the person prefers, where it knows.
    #[serde(default)]
    pub language: Option<Language>,
}
event!(
    MessageReceived,
    "message_received",
    fn own_id(&self) -> Option<EventId> {
        Some(EventId::of_message(&self.channel, self.tenant.as_str(), &self.channel_message_id))
    }
);
