//! OData v2 as it stands on the wire: envelopes, collections, dates, decimals, and literals in a filter. Pure; it may not
//! know an entity. A literal carries what a stranger typed in a chat, so its escaping is a security border.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// `{"d": ..}`.
#[derive(serde::Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) d: T,
}

/// An OData error. Only that it is one counts; its words are never passed on.
#[derive(serde::Deserialize)]
pub(super) struct Refusal {
    #[serde(rename = "error")]
    _error: RefusalCode,
}

#[derive(serde::Deserialize)]
struct RefusalCode {
    #[serde(rename = "code")]
    _code: IgnoredAny,
}

/// Several records: one page of them, or only the promise of an address.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Collection<T> {
    /// `{"results": [..], "__next": ".."}`, or a bare array.
    Page {
        /// The records.
        results: Vec<T>,
        /// The address of the next page.
        next: Option<String>,
    },
    /// `{"__deferred": ..}`, nothing, or `null`: the records must be asked for.
    #[default]
    Deferred,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Collection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CollectionVisitor(PhantomData))
    }
}

struct CollectionVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for CollectionVisitor<T> {
    type Value = Collection<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a collection of records")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Collection::Deferred)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut results = Vec::new();
        while let Some(record) = seq.next_element()? {
            results.push(record);
        }
        Ok(Collection::Page { results, next: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut results, mut next, mut deferred) = (None, None, false);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "results" => results = Some(map.next_value()?),
                "__next" => next = map.next_value()?,
                other => {
                    deferred |= other == "__deferred";
                    let _: IgnoredAny = map.next_value()?;
                }
            }
        }
        match results {
            Some(results) => Ok(Collection::Page { results, next }),
            None if deferred => Ok(Collection::Deferred),
            None => Err(A::Error::missing_field("results")),
        }
    }
}

/// An exact number, sent as text (SAP) or as a JSON number (others that speak OData v2). It never passes through a float.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Number(pub(super) Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => text,
            Err(_) => raw.get().to_owned(),
        };
        decimal(&text).map(Number).ok_or_else(|| D::Error::custom("a decimal number is expected"))
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    // A zero with an exponent, as ABAP writes an initial quantity.
    if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    }
}

/// A calendar date. `Edm.DateTime` has no zone, so the date is the one that was written, never one converted to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        day(&text).map(Day).ok_or_else(|| D::Error::custom("a date is expected"))
    }
}

/// `/Date(ms)/`, `/Date(ms+0060)/` with the writer's offset in minutes, or an ISO date with or without a time.
fn day(text: &str) -> Option<Date> {
    let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) else {
        return text.get(..10)?.parse().ok();
    };
    let sign = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    let (ms, minutes) = match sign {
        Some(at) => (inner.get(..at)?, inner.get(at..)?.parse::<i64>().ok()?),
        None => (inner, 0),
    };
    let ms = ms.parse::<i64>().ok()?.checked_add(minutes.checked_mul(60_000)?)?;
    Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC).date())
}

/// `2026-11-28` as OData's JSON writes it, midnight without a zone: `/Date(1795824000000)/`.
pub(super) fn json_date(iso: &str) -> Option<String> {
    let date: Date = iso.parse().ok()?;
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(format!("/Date({})/", midnight.as_millisecond()))
}

/// Text that may be `null`.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// A text as a literal of a filter or a key: in quotes, inner quotes doubled.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A code as people write it: SAP keeps numbers with leading zeros, and systems differ on showing them.
pub(super) fn plain(code: &str) -> &str {
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return code;
    }
    match code.trim_start_matches('0') {
        "" => "0",
        number => number,
    }
}
