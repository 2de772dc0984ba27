//! A payload for a person who looks after records and not after what persons wrote: its shape, numbers, words of our own and a
//! few ids, and stars for everything else. Pure. What it does not know for harmless it does not show, whatever a schema says of it;
//! what a schema calls personal (`peyvand.personal`) it never shows.

use apache_avro::{Schema, schema::ResolvedSchema};
use serde_json::{Map, Value};

use super::{CodecError, MAGIC, Schemas, datum, schema_id, schemas::own};
use crate::event::{DeliveryUpdated, Event, MessageReceived, OperationUpdated, ReplyReady, TurnDecided};

const PERSONAL: &str = "peyvand.personal";
const STARS: &str = "***";
/// Texts that say nothing of a person: who is served, which conversation and turn, and names of our own.
const OPEN: &[&str] = &[
    "catalogue_hash",
    "channel",
    "conversation_id",
    "currency",
    "intent",
    "plant",
    "target",
    "tenant",
    "tracking",
    "turn_id",
    "unit",
];
const TEXT_BYTES_MAX: usize = 128;

/// The event of a payload by its name, and as JSON without what is personal.
///
/// # Errors
/// [`CodecError`] when it is none; [`CodecError::UnknownSchema`] may be one the registry knows ([`Schemas::learn`]).
pub fn masked(schemas: &Schemas, payload: &[u8]) -> Result<(&'static str, Value), CodecError> {
    let id = schema_id(payload).ok_or(match payload.first() {
        Some(&MAGIC) | None => CodecError::Empty,
        Some(_) => CodecError::NotAvro,
    })?;
    let event = schemas.by_id(id)?.event;
    let json = match event {
        MessageReceived::NAME => json_of::<MessageReceived>(schemas, payload),
        TurnDecided::NAME => json_of::<TurnDecided>(schemas, payload),
        OperationUpdated::NAME => json_of::<OperationUpdated>(schemas, payload),
        ReplyReady::NAME => json_of::<ReplyReady>(schemas, payload),
        DeliveryUpdated::NAME => json_of::<DeliveryUpdated>(schemas, payload),
        other => Err(CodecError::WrongEvent(other)),
    }?;
    let schema = own(event).ok_or(CodecError::WrongEvent(event))?;
    let named = ResolvedSchema::try_from(schema).map_err(|_| CodecError::WrongEvent(event))?;
    Ok((event, Mask(named).masked(schema, json, false)))
}

fn json_of<E: Event>(schemas: &Schemas, payload: &[u8]) -> Result<Value, CodecError> {
    serde_json::to_value(datum::<E>(schemas, payload)?).map_err(|_| CodecError::Malformed)
}

/// The named types of a schema: a later use of one only names it.
struct Mask<'a>(ResolvedSchema<'a>);

impl<'a> Mask<'a> {
    /// `open`: whether a text that stands here may be shown.
    fn masked(&self, schema: &'a Schema, value: Value, open: bool) -> Value {
        match (schema, value) {
            (_, Value::Null) => Value::Null,
            (Schema::Ref { name }, value) => match self.0.get_names().get(name) {
                Some(schema) => self.masked(schema, value, open),
                None => STARS.into(),
            },
            (Schema::Union(union), value) => {
                let mut others = union.variants().iter().filter(|variant| !matches!(variant, Schema::Null));
                match (others.next(), others.next()) {
                    (Some(only), None) => self.masked(only, value, open),
                    _ => STARS.into(),
                }
            }
            (Schema::Record(record), Value::Object(fields)) => {
                let masked = |(name, value): (String, Value)| {
                    let field = record.lookup.get(&name).and_then(|at| record.fields.get(*at));
                    let value = match field {
                        _ if value.is_null() => Value::Null,
                        Some(field) if !field.custom_attributes.contains_key(PERSONAL) => {
                            self.masked(&field.schema, value, OPEN.contains(&name.as_str()))
                        }
                        Some(_) | None => STARS.into(),
                    };
                    (name, value)
                };
                Value::Object(fields.into_iter().map(masked).collect::<Map<_, _>>())
            }
            (Schema::Array(array), Value::Array(items)) => {
                Value::Array(items.into_iter().map(|item| self.masked(&array.items, item, false)).collect())
            }
            (Schema::Enum(_), Value::String(text)) => Value::String(text),
            (_, Value::String(text)) if open && is_plain(&text) => Value::String(text),
            (_, value @ (Value::Bool(_) | Value::Number(_))) => value,
            (_, Value::String(_) | Value::Array(_) | Value::Object(_)) => STARS.into(),
        }
    }
}

/// An id, a code, a name of ours: nothing that a terminal would take for a command, and no Persian sentence.
fn is_plain(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        bus::Topic,
        codec::{encode, tests::envelope},
    };

    fn payload<E: Event>(json: Value) -> Vec<u8> {
        let event: E = serde_json::from_value(json).unwrap();
        encode(&Schemas::embedded(), Topic::new("t"), &envelope(event)).unwrap().value.unwrap()
    }

    fn example<E: Event>(file: &str) -> Value {
        let text = fs::read_to_string(format!("schemas/examples/{file}.json")).unwrap();
        let (name, shown) =
            masked(&Schemas::embedded(), &payload::<E>(serde_json::from_str(&text).unwrap())).unwrap();
        assert_eq!(name, E::NAME);
        shown
    }

    #[test]
    fn a_message_is_shown_without_its_words_and_with_its_ids() {
        let shown = example::<MessageReceived>("message_received.persian");
        assert_eq!((&shown["text"], &shown["tenant"]), (&STARS.into(), &"demo".into()));
        assert!(shown.to_string().is_ascii(), "{shown}");
    }

    #[test]
    fn values_of_a_person_are_masked_also_within_lists() {
        let shown = example::<TurnDecided>("turn_decided.execute");
        let slot = &shown["slots"][0];
        assert_eq!((&slot["name"], &slot["value"]), (&"order_number".into(), &STARS.into()));
        assert_eq!((&slot["raw"], &shown["decision"]), (&STARS.into(), &"execute".into()));
        assert!(!shown.to_string().contains("45001"), "{shown}");
        let shown = example::<OperationUpdated>("operation_updated.found");
        assert_eq!((&shown["status"], &shown["orders"][0]["number"]), (&"found".into(), &STARS.into()));
        let shown = example::<ReplyReady>("reply_ready.persian");
        assert_eq!(shown["text"], STARS);
    }

    #[test]
    fn everything_the_schemas_call_personal_is_masked_wherever_it_stands() {
        fn walk(schema: &Value, value: &Value, seen: &mut usize) {
            match schema {
                Value::Array(variants) => {
                    if let Some(other) =
                        variants.iter().find(|variant| *variant != "null").filter(|_| !value.is_null())
                    {
                        walk(other, value, seen);
                    }
                }
                Value::Object(about) => match about["type"].as_str() {
                    Some("record") => {
                        for field in about["fields"].as_array().unwrap() {
                            let value = &value[field["name"].as_str().unwrap()];
                            if field.get(PERSONAL).is_some() {
                                assert!(value.is_null() || value == STARS, "{}: {value}", field["name"]);
                                *seen += usize::from(!value.is_null());
                            } else {
                                walk(&field["type"], value, seen);
                            }
                        }
                    }
                    Some("array") => {
                        value
                            .as_array()
                            .into_iter()
                            .flatten()
                            .for_each(|item| walk(&about["items"], item, seen));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let mut seen = 0;
        let mut look =
            |text: &str, shown: Value| walk(&serde_json::from_str(text).unwrap(), &shown, &mut seen);
        look(MessageReceived::SCHEMA, example::<MessageReceived>("message_received.persian"));
        for file in ["answer", "ask", "confirm", "execute"] {
            look(TurnDecided::SCHEMA, example::<TurnDecided>(&format!("turn_decided.{file}")));
        }
        for file in ["done", "failed", "found"] {
            look(OperationUpdated::SCHEMA, example::<OperationUpdated>(&format!("operation_updated.{file}")));
        }
        look(ReplyReady::SCHEMA, example::<ReplyReady>("reply_ready.persian"));
        assert!(seen >= 10, "only {seen}");
    }

    #[test]
    fn a_text_that_no_schema_calls_personal_is_masked_too_unless_it_is_known_for_harmless() {
        let text = fs::read_to_string("schemas/examples/turn_decided.ask.json").unwrap();
        let mut turn: Value = serde_json::from_str(&text).unwrap();
        turn["choices"] = serde_json::json!(["25000000", "cement for Sara"]);
        let (_, shown) = masked(&Schemas::embedded(), &payload::<TurnDecided>(turn)).unwrap();
        assert_eq!(shown["choices"], serde_json::json!([STARS, STARS]));
        let shown = example::<MessageReceived>("message_received.persian");
        assert_eq!((&shown["channel_message_id"], &shown["channel"]), (&STARS.into(), &"web".into()));
    }

    #[test]
    fn what_is_no_event_is_not_shown_at_all() {
        let schemas = Schemas::embedded();
        let refused = |payload: &[u8]| masked(&schemas, payload).unwrap_err();
        assert_eq!(refused(b"my number is 0912"), CodecError::NotAvro);
        assert_eq!(refused(b""), CodecError::Empty);
        assert_eq!(refused(&[0, 0, 0, 0, 9, 1]), CodecError::UnknownSchema(9));
        let whole = payload::<MessageReceived>(
            serde_json::from_str(
                &fs::read_to_string("schemas/examples/message_received.persian.json").unwrap(),
            )
            .unwrap(),
        );
        assert_eq!(refused(&whole[..whole.len() - 1]), CodecError::Malformed);
    }

    #[test]
    fn a_text_that_is_no_plain_word_is_masked_whatever_the_schema_says() {
        assert!(is_plain("web:7f1c 12"));
        for odd in ["سفارش", "\u{1b}[2J", "a\u{9b}b", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            assert!(!is_plain(odd));
        }
    }
}
