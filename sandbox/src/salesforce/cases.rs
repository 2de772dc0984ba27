//! The cases of the organisation: what a case may hold, and the upsert under the external id. Everything is checked before
//! anything is stored, so a refused request leaves no trace.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::error::SalesforceError;
use crate::http::short;

/// The external id, unique.
pub(super) const KEY: &str = "Peyvand_Key__c";
const KEY_CHARS_MAX: usize = 40;
const FIRST_NUMBER: usize = 1_001;

/// A field that a client may write.
struct Field {
    name: &'static str,
    kind: &'static str,
    chars_max: usize,
    required: bool,
    initial: Option<&'static str>,
    /// The only values it takes; empty: any.
    list: &'static [&'static str],
}

const fn field(name: &'static str, kind: &'static str, chars_max: usize) -> Field {
    Field { name, kind, chars_max, required: false, initial: None, list: &[] }
}

const FIELDS: [Field; 8] = [
    Field { required: true, ..field("Subject", "string", 255) },
    field("Description", "textarea", 32_000),
    Field { list: &["Phone", "Email", "Web", "Chat"], ..field("Origin", "picklist", 255) },
    Field { initial: Some("New"), ..field("Status", "picklist", 255) },
    Field { initial: Some("Medium"), ..field("Priority", "picklist", 255) },
    field("SuppliedEmail", "email", 80),
    field("SuppliedPhone", "string", 40),
    field("ContactId", "reference", 18),
];

/// One case.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) number: String,
    key: String,
    values: [Option<String>; FIELDS.len()],
}

/// All cases.
#[derive(Default)]
pub(super) struct Cases {
    all: Vec<Case>,
    by_key: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
}

impl Cases {
    /// Creates the case with this key or changes it; gives it and whether it is new.
    pub(super) fn upsert(&mut self, key: &str, body: &[u8]) -> Result<(&Case, bool), SalesforceError> {
        fits(KEY, key, KEY_CHARS_MAX)?;
        let known = self.by_key.get(key).copied();
        let mut values = match known {
            Some(place) => self.all[place].values.clone(),
            None => FIELDS.map(|field| field.initial.map(str::to_owned)),
        };
        for (place, value) in changes(body)? {
            values[place] = value;
        }
        for (field, value) in FIELDS.iter().zip(&values) {
            if field.required && value.is_none() {
                return Err(SalesforceError::Required(field.name));
            }
        }
        let place = known.unwrap_or_else(|| self.add(key));
        self.all[place].values = values;
        Ok((&self.all[place], known.is_none()))
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&Case> {
        self.by_key.get(key).map(|place| &self.all[*place])
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Case> {
        self.by_id.get(id).map(|place| &self.all[*place])
    }

    fn add(&mut self, key: &str) -> usize {
        let place = self.all.len();
        let number = FIRST_NUMBER + place;
        let case = Case {
            id: with_checksum(&format!("500Pv{number:010}")),
            number: format!("{number:08}"),
            key: key.to_owned(),
            values: [const { None }; FIELDS.len()],
        };
        let _none = self.by_key.insert(case.key.clone(), place);
        let _none = self.by_id.insert(case.id.clone(), place);
        self.all.push(case);
        place
    }
}

impl Case {
    /// The record with the fields asked for, separated by commas; all when none are.
    pub(super) fn record(&self, version: &str, asked: Option<&str>) -> Result<Value, SalesforceError> {
        let url = format!("/services/data/{version}/sobjects/Case/{}", self.id);
        let mut record = json!({"attributes": {"type": "Case", "url": url}, "Id": self.id});
        let all = ["CaseNumber", KEY].into_iter().chain(FIELDS.iter().map(|field| field.name));
        let names: Vec<&str> = match asked {
            Some(asked) => asked.split(',').map(str::trim).collect(),
            None => all.collect(),
        };
        for name in names {
            record[name] = match name {
                "Id" => json!(self.id),
                "CaseNumber" => json!(self.number),
                KEY => json!(self.key),
                name => json!(self.values[place_of(name)?]),
            };
        }
        Ok(record)
    }
}

/// What a case is, as the describe resource tells it.
pub(super) fn describe() -> Value {
    let described = |name: &str, kind: &str, length: usize, more: Value| {
        let mut field = json!({
            "name": name, "label": name, "type": kind, "length": length, "externalId": false, "unique": false,
            "createable": false, "updateable": false, "nillable": false, "picklistValues": []
        });
        if let (Some(field), Value::Object(more)) = (field.as_object_mut(), more) {
            field.extend(more);
        }
        field
    };
    let key = json!({
        "externalId": true, "unique": true, "idLookup": true, "caseSensitive": true,
        "createable": true, "updateable": true, "nillable": true
    });
    let mut fields = vec![
        described("Id", "id", 18, json!({"idLookup": true})),
        described("CaseNumber", "string", 30, json!({"autoNumber": true})),
        described(KEY, "string", KEY_CHARS_MAX, key),
    ];
    fields.extend(FIELDS.iter().map(|field| {
        let list: Vec<Value> =
            field.list.iter().map(|value| json!({"value": value, "label": value, "active": true})).collect();
        let more = json!({
            "createable": true, "updateable": true, "nillable": !field.required,
            "restrictedPicklist": !list.is_empty(), "picklistValues": list
        });
        described(field.name, field.kind, field.chars_max, more)
    }));
    json!({
        "name": "Case", "label": "Case", "keyPrefix": "500", "createable": true, "updateable": true,
        "fields": fields
    })
}

/// The fields a body names with their new values; an empty text and null both mean no value.
fn changes(body: &[u8]) -> Result<Vec<(usize, Option<String>)>, SalesforceError> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| SalesforceError::NotJson { line: error.line(), column: error.column() })?;
    let Value::Object(given) = json else { return Err(SalesforceError::NotObject) };
    given.iter().map(change).collect()
}

fn change((name, value): (&String, &Value)) -> Result<(usize, Option<String>), SalesforceError> {
    if name == KEY {
        return Err(SalesforceError::KeyInBody(KEY));
    }
    let place = place_of(name)?;
    let field = &FIELDS[place];
    let text = match value {
        Value::Null => return Ok((place, None)),
        Value::String(text) if text.is_empty() => return Ok((place, None)),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err(SalesforceError::NotText(field.name));
        }
    };
    fits(field.name, text, field.chars_max)?;
    if !field.list.is_empty() && !field.list.contains(&text.as_str()) {
        return Err(SalesforceError::NotInList { field: field.name, value: short(text) });
    }
    Ok((place, Some(text.clone())))
}

fn place_of(name: &str) -> Result<usize, SalesforceError> {
    let place = FIELDS.iter().position(|field| field.name == name);
    place.ok_or_else(|| SalesforceError::UnknownField(short(name)))
}

fn fits(field: &'static str, text: &str, length: usize) -> Result<(), SalesforceError> {
    if text.chars().count() <= length {
        return Ok(());
    }
    Err(SalesforceError::TooLong { field, value: short(text), length })
}

/// Salesforce's long form of an id: three more characters say which of the fifteen are capitals.
fn with_checksum(id: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let capitals = |five: &[u8]| {
        five.iter().rev().fold(0usize, |bits, byte| bits << 1 | usize::from(byte.is_ascii_uppercase()))
    };
    let sum = id.as_bytes().chunks(5).map(|five| char::from(LETTERS[capitals(five)]));
    id.chars().chain(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_form_of_an_id_is_salesforces_own() {
        assert_eq!(with_checksum("001D000000IqhSL"), "001D000000IqhSLIAZ");
        assert_eq!(with_checksum("500Pv0000001001").len(), 18);
    }
}
