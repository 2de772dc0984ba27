//! What a person's request must look like. Pure: bytes and texts in, checked values or a refusal out.

use std::collections::HashMap;

use axum::http::Uri;
use peyvand::event::{ChannelMessageId, ChannelName, ConversationId, MessageReceived, TenantId};
use peyvand::language::script::Language;
use peyvand::privacy::Sensitive;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The name of this channel in every event.
const CHANNEL: &str = "web";
/// Longest client message id.
pub(super) const CLIENT_ID_BYTES_MAX: usize = 128;

/// The fields of a JSON object.
pub(super) type Fields = Map<String, Value>;

/// Reads a JSON object.
pub(super) fn fields(bytes: &[u8]) -> Result<Fields, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
    serde_json::from_str(text).map_err(|_| Refusal::NotJson)
}

/// A text field that has to be there.
pub(super) fn text_of<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, Refusal> {
    optional(fields, name)?.ok_or(Refusal::MissingField(name))
}

fn optional<'a>(fields: &'a Fields, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Refusal::WrongType(name))
        }
    }
}

/// Checks a conversation id.
pub(super) fn conversation(text: &str) -> Result<ConversationId, Refusal> {
    ConversationId::parse(text).map_err(|_| Refusal::BadId("conversation_id"))
}

/// The message that the fields say.
pub(super) fn message(
    fields: &Fields,
    tenant: &TenantId,
    conversation_id: ConversationId,
    text_bytes_max: usize,
) -> Result<MessageReceived, Refusal> {
    let client_id = text_of(fields, "client_message_id")?;
    let text = text_of(fields, "text")?;
    let language = optional(fields, "language")?;
    if !(1..=CLIENT_ID_BYTES_MAX).contains(&client_id.len())
        || !client_id.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(Refusal::BadId("client_message_id"));
    }
    if text.len() > text_bytes_max {
        return Err(Refusal::TextTooLarge(text_bytes_max));
    }
    if text.contains('\0') {
        return Err(Refusal::UnreadableText);
    }
    if text.chars().all(is_blank) {
        return Err(Refusal::EmptyText);
    }
    let language = language.map(str::parse::<Language>).transpose().map_err(|_| Refusal::UnknownLanguage)?;
    let id = ChannelMessageId::parse(format!("{conversation_id}/{client_id}"));
    Ok(MessageReceived {
        tenant: tenant.clone(),
        channel: ChannelName::parse(CHANNEL).map_err(|_| Refusal::BadId("channel"))?,
        channel_message_id: id.map_err(|_| Refusal::BadId("client_message_id"))?,
        conversation_id,
        text: Sensitive::new(text.to_owned()),
        language,
    })
}

/// Nothing a person could read: white space, controls and the invisible marks of mixed-direction text.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// The parameters of an address.
pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Reads them.
    pub(super) fn of(uri: &Uri) -> Result<Self, Refusal> {
        let query = axum::extract::Query::try_from_uri(uri).map_err(|_| Refusal::BadParameter("query"))?;
        Ok(Self(query.0))
    }

    /// The conversation, which has to be named.
    pub(super) fn conversation(&self) -> Result<ConversationId, Refusal> {
        let text = self.0.get("conversation_id").ok_or(Refusal::BadParameter("conversation_id"))?;
        conversation(text)
    }

    /// The cursor to go on from; 0 is the beginning.
    pub(super) fn after(&self) -> Result<i64, Refusal> {
        let Some(text) = self.0.get("after") else { return Ok(0) };
        text.parse().ok().filter(|after| *after >= 0).ok_or(Refusal::BadParameter("after"))
    }

    /// How many seconds to wait for a reply, if at all.
    pub(super) fn wait(&self, max: u64) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.0.get("wait") else { return Ok(None) };
        let seconds = text.parse().ok().filter(|seconds| (1..=max).contains(seconds));
        seconds.map(Some).ok_or(Refusal::BadParameter("wait"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<MessageReceived, Refusal> {
        let fields = fields(value.to_string().as_bytes())?;
        let tenant = TenantId::parse("demo").unwrap();
        message(&fields, &tenant, conversation("web-1").unwrap(), 16)
    }

    #[test]
    fn a_text_without_anything_to_read_is_empty() {
        for text in ["", " \n\t", "\u{200c}", "\u{200f} \u{feff}", "\u{202b}\u{202c}"] {
            let refused = read(&json!({"client_message_id": "1", "text": text}));
            assert_eq!(refused, Err(Refusal::EmptyText), "{text:?}");
        }
    }

    #[test]
    fn a_persian_text_is_measured_in_bytes() {
        let message = |text: String| read(&json!({"client_message_id": "1", "text": text}));
        assert!(message("ش".repeat(8)).is_ok());
        assert_eq!(message("ش".repeat(9)), Err(Refusal::TextTooLarge(16)));
    }

    #[test]
    fn the_same_client_id_in_two_conversations_is_two_messages() {
        let message = read(&json!({"client_message_id": "m/1", "text": "x", "language": null})).unwrap();
        assert_eq!(message.channel_message_id.as_str(), "web-1/m/1");
        assert_eq!(message.language, None);
    }

    #[test]
    fn the_longest_ids_of_a_conversation_and_of_a_client_fit_into_one() {
        let fields = json!({"client_message_id": "x".repeat(CLIENT_ID_BYTES_MAX), "text": "x"});
        let talk = conversation(&"y".repeat(peyvand::event::ID_BYTES_MAX)).unwrap();
        let tenant = TenantId::parse("demo").unwrap();
        let message = message(fields.as_object().unwrap(), &tenant, talk, 16).unwrap();
        assert_eq!(message.channel_message_id.as_str().len(), CLIENT_ID_BYTES_MAX + 129);
    }

    #[test]
    fn a_client_id_with_spaces_controls_or_other_letters_is_refused() {
        for id in ["", "a b", "a\n", "شناسه", &"x".repeat(129)] {
            let refused = read(&json!({"client_message_id": id, "text": "x"}));
            assert_eq!(refused, Err(Refusal::BadId("client_message_id")), "{id:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let tenant = TenantId::parse("demo").unwrap();
            let read = fields(&bytes).and_then(|f| message(&f, &tenant, conversation("c").unwrap(), 16));
            prop_assert!(read.is_err());
        }
    }
}
