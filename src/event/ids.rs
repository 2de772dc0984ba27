//! Identities that cross process borders. They are derived from what they name, never from offsets or chance, so that a
//! repeated delivery is the same event.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// Longest conversation or tenant id in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest name of a channel in bytes.
pub const CHANNEL_BYTES_MAX: usize = 64;
/// Longest id of a message in its channel in bytes: two of our ids and more, or the Message-ID of most letters.
pub const CHANNEL_MESSAGE_ID_BYTES_MAX: usize = 512;

/// The namespace of all event ids of Peyvand (a UUIDv5 of the URL namespace and `peyvand:event`).
const EVENTS: Uuid = Uuid::from_u128(0x6b1d_9d34_7a52_5c0e_9f0a_4e8d_2c71_b3a5);

/// An id that is empty, too long or has characters that do not survive a URL, a header and a log line.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an id has 1 to {ID_BYTES_MAX} characters of A-Z a-z 0-9 . _ : @ - and this one does not")]
pub struct IdError;

/// A channel's own text that is empty, too long, or has characters that end a line or hide in it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a text of 1 to {0} bytes without control characters is expected here")]
pub struct ChannelTextError(usize);

fn is_id(text: &str) -> Result<(), IdError> {
    let fits = (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@-".contains(&b));
    if fits { Ok(()) } else { Err(IdError) }
}

/// No line ends: the event's id is made of these texts, each on its own line.
fn is_within<const MAX: usize>(text: &str) -> Result<(), ChannelTextError> {
    let fits = (1..=MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(ChannelTextError(MAX)) }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The bare UUID's 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Uuid::parse_str(&text).map(Self).map_err(|_| IdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// One event, stable over redelivery, replay and redrive.
    EventId
}

uuid_id! {
    /// One intended write to a system: the idempotency key it is sent and searched with, stable over retries, restarts and
    /// redrives.
    EntryId
}

impl EventId {
    /// The id of a message as its channel knows it: UUIDv5 of channel, account (the tenant's end of the channel) and
    /// the channel's own message id.
    pub fn of_message(channel: &str, account: &str, channel_message_id: &str) -> Self {
        Self(Uuid::new_v5(&EVENTS, format!("{channel}\n{account}\n{channel_message_id}").as_bytes()))
    }

    /// The id of the `index`-th event that `worker` makes from this one.
    pub fn derived(&self, worker: &str, index: usize) -> Self {
        Self(Uuid::new_v5(&self.0, format!("{worker}\n{index}").as_bytes()))
    }
}

/// Crockford's base 32: no letter that reads like a digit.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TRACKING_LETTERS: usize = 10;

impl EntryId {
    /// The write that an event causes: UUIDv5 of the event, the target and the operation.
    pub fn of(event_id: &EventId, target: &str, operation: &str) -> Self {
        Self(Uuid::new_v5(&event_id.0, format!("{target}\n{operation}").as_bytes()))
    }

    /// The id of what is told about this write, one for each step of it.
    pub fn event(&self, step: &str) -> EventId {
        EventId(Uuid::new_v5(&self.0, step.as_bytes()))
    }

    /// The key as 32 hexadecimal digits, short enough for every system's reference field.
    pub fn key(&self) -> String {
        self.0.simple().to_string()
    }

    /// What a person is told to name the write by: the first 50 bits, as `7K3M9-Q2TB1`.
    pub fn tracking(&self) -> String {
        let mut bits = self.0.as_u128();
        let mut text = String::with_capacity(TRACKING_LETTERS + 1);
        for place in 0..TRACKING_LETTERS {
            if place == TRACKING_LETTERS / 2 {
                text.push('-');
            }
            bits = bits.rotate_left(5);
            let letter = LETTERS.get((bits & 31) as usize).copied().unwrap_or(b'0');
            text.push(char::from(letter));
        }
        text
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $error:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes a text.
            ///
            /// # Errors
            /// When it is empty, too long or has characters that may not be in it.
            pub fn parse(text: impl Into<String>) -> Result<Self, $error> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One conversation of one person on one channel; the key of every record. Whoever knows it may read the
    /// conversation's replies, so a channel makes it unguessable.
    ConversationId, is_id, IdError
}

text_id! {
    /// One organisation that uses this installation.
    TenantId, is_id, IdError
}

text_id! {
    /// The name of a channel: `web`, `telegram`, an own portal.
    ChannelName, is_within::<CHANNEL_BYTES_MAX>, ChannelTextError
}

text_id! {
    /// A channel's own id of a message.
    ChannelMessageId, is_within::<CHANNEL_MESSAGE_ID_BYTES_MAX>, ChannelTextError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_channel_message_always_has_the_same_event_id() {
        let id = EventId::of_message("web", "acme", "m-1");
        assert_eq!(id, EventId::of_message("web", "acme", "m-1"));
        assert_ne!(id, EventId::of_message("web", "acme", "m-2"));
        assert_ne!(id.derived("reply", 0), id.derived("reply", 1));
    }

    #[test]
    fn a_write_keeps_its_key_and_its_tracking_number() {
        let event = EventId::of_message("web", "acme", "m-1");
        let entry = EntryId::of(&event, "sap", "sales_order_create");
        assert_eq!(entry, EntryId::of(&event, "sap", "sales_order_create"));
        assert_ne!(entry, EntryId::of(&event, "crm", "sales_order_create"));
        assert_eq!(entry.key().len(), 32);
        let all = EntryId(Uuid::from_u128(0x0432_1000_0000_0000_0000_0000_0000_0000));
        assert_eq!(all.tracking(), "0GS10-00000");
    }

    #[test]
    fn a_conversation_id_with_spaces_controls_or_too_many_bytes_is_refused() {
        for bad in ["", "a b", "a\nb", "ش", "a/b", &"x".repeat(ID_BYTES_MAX + 1)] {
            assert_eq!(ConversationId::parse(bad), Err(IdError), "{bad:?}");
        }
        assert!(ConversationId::parse("web:0b1f-77").is_ok());
    }

    #[test]
    fn a_channel_and_its_message_ids_are_short_and_on_one_line() {
        for bad in ["", "a\nb", "a\0", "a\u{85}b", &"x".repeat(CHANNEL_BYTES_MAX + 1)] {
            assert_eq!(ChannelName::parse(bad), Err(ChannelTextError(CHANNEL_BYTES_MAX)), "{bad:?}");
        }
        let most = "x".repeat(CHANNEL_MESSAGE_ID_BYTES_MAX);
        assert!(
            ChannelName::parse("پورتال خودمان").is_ok() && ChannelMessageId::parse(most.as_str()).is_ok()
        );
        let refused = ChannelMessageId::parse(most + "x").unwrap_err().to_string();
        assert_eq!(refused, "a text of 1 to 512 bytes without control characters is expected here");
    }
}
