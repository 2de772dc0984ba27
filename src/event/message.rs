//! What a person wrote, as every channel says it.

use serde::{Deserialize, Serialize};

use super::{ChannelMessageId, ChannelName, ConversationId, EventId, TenantId, event};
use crate::{language::script::Language, privacy::Sensitive};

/// A person wrote a message on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceived {
    /// Whose assistant is spoken to.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The channel.
    pub channel: ChannelName,
    /// The channel's own id of the message; a repeated one is the same message.
    pub channel_message_id: ChannelMessageId,
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
        Some(EventId::of_message(
            self.channel.as_str(),
            self.tenant.as_str(),
            self.channel_message_id.as_str(),
        ))
    }
);
