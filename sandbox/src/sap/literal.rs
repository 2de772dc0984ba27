//! The literals of OData v2 URLs and JSON bodies, and which property type each may meet.

use jiff::Timestamp;
use jiff::civil::DateTime;
use rust_decimal::Decimal;

use super::model::Edm;
use super::value::{Value, day_of, strip_zeros};

/// A value written in a URL, before it is known which property it meets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Text(String),
    Number(Decimal),
    /// `datetime'..'`, in milliseconds since 1970, no zone.
    Date(i64),
    /// `datetimeoffset'..'`, in milliseconds since 1970 in UTC.
    Instant(i64),
}

/// A number with an optional OData suffix: `12`, `12.5M`, `12.5d`, `12L`.
pub(crate) fn number(text: &str) -> Option<Literal> {
    let bare = text.strip_suffix(['M', 'm', 'L', 'l', 'D', 'd', 'F', 'f']).unwrap_or(text);
    bare.parse().ok().map(Literal::Number)
}

/// `datetime'2026-01-01T00:00:00'`, `datetimeoffset'2026-01-01T00:00:00Z'`, `guid'..'`.
pub(crate) fn prefixed(prefix: &str, inner: &str) -> Option<Literal> {
    match prefix {
        "datetime" => date_time_ms(inner).map(Literal::Date),
        "datetimeoffset" => {
            inner.parse::<Timestamp>().ok().map(|time| Literal::Instant(time.as_millisecond()))
        }
        "guid" => inner.parse::<uuid::Uuid>().ok().map(|guid| Literal::Text(guid.to_string())),
        _ => None,
    }
}

fn date_time_ms(text: &str) -> Option<i64> {
    // Without the T it is a date alone, which Gateway refuses too.
    if !text.contains('T') {
        return None;
    }
    let time: DateTime = text.parse().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

/// The value a literal has for a property of this type; none when it cannot stand there.
pub(crate) fn fit(literal: Literal, edm: Edm) -> Option<Value> {
    match (edm, literal) {
        (Edm::Text(_), Literal::Text(text)) => Some(Value::Text(text)),
        (Edm::Alpha(_), Literal::Text(text)) => Some(Value::Alpha(strip_zeros(&text).to_owned())),
        (Edm::Decimal(_, _), Literal::Number(number)) => Some(Value::Decimal(number)),
        (Edm::Date, Literal::Date(ms)) => Some(Value::Date(day_of(ms))),
        (Edm::Instant, Literal::Instant(ms)) => Some(Value::Instant(ms)),
        (Edm::Date | Edm::Instant, Literal::Null) => Some(Value::Null),
        (Edm::Text(_) | Edm::Alpha(_) | Edm::Decimal(_, _) | Edm::Date | Edm::Instant, _) => None,
    }
}

/// A value of a JSON body, checked against the property it is for. Decimals must be strings, as on the real system.
pub(crate) fn from_json(json: &serde_json::Value, edm: Edm) -> Result<Value, &'static str> {
    match (edm, json) {
        (Edm::Text(max), serde_json::Value::String(text)) => {
            bounded(text, max)?;
            Ok(Value::Text(text.clone()))
        }
        (Edm::Alpha(max), serde_json::Value::String(text)) => {
            bounded(strip_zeros(text), max)?;
            Ok(Value::alpha(text))
        }
        (Edm::Decimal(precision, scale), serde_json::Value::String(text)) => decimal(text, precision, scale),
        (Edm::Decimal(_, _), serde_json::Value::Number(_)) => {
            Err("a decimal must be sent as a string, for example \"12.5\"")
        }
        (Edm::Date, serde_json::Value::String(text)) => {
            json_ms(text).map(|ms| Value::Date(day_of(ms))).ok_or("not a date like \"/Date(1735689600000)/\"")
        }
        (Edm::Instant, serde_json::Value::String(text)) => {
            json_ms(text).map(Value::Instant).ok_or("not a time like \"/Date(1735689600000+0000)/\"")
        }
        (Edm::Date | Edm::Instant, serde_json::Value::Null) => Ok(Value::Null),
        (Edm::Text(_) | Edm::Alpha(_) | Edm::Decimal(_, _) | Edm::Date | Edm::Instant, _) => {
            Err("the value has the wrong type")
        }
    }
}

fn bounded(text: &str, max: usize) -> Result<(), &'static str> {
    if text.chars().count() > max {
        return Err("the value is longer than the field");
    }
    if text.chars().any(char::is_control) {
        return Err("the value holds a control character");
    }
    Ok(())
}

fn decimal(text: &str, precision: u32, scale: u32) -> Result<Value, &'static str> {
    let number: Decimal = text.parse().map_err(|_| "not a decimal")?;
    if number.normalize().scale() > scale {
        return Err("more decimal places than the field has");
    }
    let whole = number.abs().trunc().to_string();
    if whole.len() > (precision - scale) as usize {
        return Err("the number is too large for the field");
    }
    Ok(Value::Decimal(number))
}

/// `/Date(ms)/`, `/Date(ms+0060)/` with an offset in minutes, or an ISO date and time.
fn json_ms(text: &str) -> Option<i64> {
    let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) else {
        return date_time_ms(text);
    };
    let ms = match inner.get(1..).and_then(|tail| tail.find(['+', '-'])) {
        Some(at) => {
            let (ms, offset) = inner.split_at_checked(at + 1)?;
            let _minutes: i64 = offset.parse().ok()?;
            ms
        }
        None => inner,
    };
    // Beyond four-digit years SAP has no dates either.
    ms.parse().ok().filter(|ms| (-62_135_596_800_000..=253_402_300_799_999).contains(ms))
}
