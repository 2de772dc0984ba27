//! The values of a record, how they compare and how they stand on the wire.
//! Comparison follows SAP: numbers kept as text compare with their leading zeros understood, dates have no zone.

use std::cmp::Ordering;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::model::Edm;

const MS_PER_DAY: i64 = 86_400_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// One value of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing is known: only dates and instants may be so.
    Null,
    /// Text as it is.
    Text(String),
    /// A number under ALPHA conversion, kept without leading zeros, or text that is no number.
    Alpha(String),
    /// An exact number with its own scale.
    Decimal(Decimal),
    /// A calendar date as milliseconds since 1970 at midnight.
    Date(i64),
    /// A moment as milliseconds since 1970 in UTC.
    Instant(i64),
}

impl Value {
    pub(crate) fn alpha(text: &str) -> Value {
        Value::Alpha(strip_zeros(text).to_owned())
    }

    pub(crate) fn date(date: Date) -> Value {
        Value::Date(date_ms(date))
    }

    /// What a field holds when nobody filled it.
    pub(crate) fn initial(edm: Edm) -> Value {
        match edm {
            Edm::Text(_) => Value::Text(String::new()),
            Edm::Alpha(_) => Value::Alpha(String::new()),
            Edm::Decimal(_, _) => Value::Decimal(Decimal::ZERO),
            Edm::Date | Edm::Instant => Value::Null,
        }
    }

    /// The text of a text value; other kinds have none.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Alpha(text) => Some(text),
            Value::Null | Value::Decimal(_) | Value::Date(_) | Value::Instant(_) => None,
        }
    }

    /// The order of two values of one property; none when either is null or they are of different kinds.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Alpha(a), Value::Alpha(b)) => Some(compare_alpha(a, b)),
            (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
            (Value::Date(a), Value::Date(b)) | (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
            (
                Value::Null
                | Value::Text(_)
                | Value::Alpha(_)
                | Value::Decimal(_)
                | Value::Date(_)
                | Value::Instant(_),
                _,
            ) => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_none(),
            Value::Text(text) | Value::Alpha(text) => serializer.serialize_str(text),
            Value::Decimal(number) => serializer.collect_str(number),
            Value::Date(ms) => serializer.collect_str(&format_args!("/Date({ms})/")),
            Value::Instant(ms) => serializer.collect_str(&format_args!("/Date({ms}+0000)/")),
        }
    }
}

/// `0000045001` and `45001` are one number to SAP; text with a letter is left alone.
pub(crate) fn strip_zeros(text: &str) -> &str {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let stripped = text.trim_start_matches('0');
    if stripped.is_empty() { "0" } else { stripped }
}

fn compare_alpha(a: &str, b: &str) -> Ordering {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if number(a) && number(b) { a.len().cmp(&b.len()).then_with(|| a.cmp(b)) } else { a.cmp(b) }
}

pub(crate) fn date_ms(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24 * MS_PER_DAY
}

/// Cuts a moment down to its day, as SAP does with a date field.
pub(crate) fn day_of(ms: i64) -> i64 {
    ms.div_euclid(MS_PER_DAY) * MS_PER_DAY
}
