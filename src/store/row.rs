//! How values lie in rows of either database. It may not ask one.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Outgoing, StoreError, StoredReply};
use crate::{
    bus::{Headers, NewRecord, Topic},
    event::{ConversationId, EventId, TenantId},
    language::slots::ProductName,
};

/// Headers as the text of their column.
pub(super) fn headers_text(headers: &Headers) -> Result<String, StoreError> {
    serde_json::to_string(&headers.0).map_err(|_| StoreError::Unreadable { what: "record header" })
}

/// Headers from the text of their column.
pub(super) fn headers_of(text: &str) -> Result<Headers, StoreError> {
    serde_json::from_str(text).map(Headers).map_err(|_| StoreError::Unreadable { what: "record header" })
}

/// A row of an event that waits for its publication.
pub(super) struct OutgoingRow {
    pub(super) seq: i64,
    pub(super) topic: String,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: String,
    pub(super) elsewhere_for: Option<Duration>,
}

impl TryFrom<OutgoingRow> for Outgoing {
    type Error = StoreError;
    fn try_from(row: OutgoingRow) -> Result<Self, StoreError> {
        let OutgoingRow { seq, topic, key, value, headers, elsewhere_for } = row;
        let record = NewRecord { topic: Topic::new(topic), key, value, headers: headers_of(&headers)? };
        Ok(Self { seq, record, elsewhere_for })
    }
}

/// A list of a reply as the text of its column; nothing where it is empty.
pub(super) fn list_text<T: Serialize>(list: &[T]) -> Option<String> {
    // Buttons and ids are texts: they always become JSON.
    if list.is_empty() { None } else { serde_json::to_string(list).ok() }
}

fn list_of<T: DeserializeOwned>(text: Option<&str>, what: &'static str) -> Result<Vec<T>, StoreError> {
    match text {
        Some(text) => serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what }),
        None => Ok(Vec::new()),
    }
}

/// A row of a reply.
pub(super) struct ReplyRow {
    pub(super) cursor: i64,
    pub(super) event_id: Vec<u8>,
    pub(super) turn_id: Vec<u8>,
    pub(super) tenant: String,
    pub(super) language: String,
    pub(super) text: String,
    pub(super) buttons: Option<String>,
    pub(super) parts: Option<String>,
}

impl TryFrom<ReplyRow> for StoredReply {
    type Error = StoreError;
    fn try_from(row: ReplyRow) -> Result<Self, StoreError> {
        let unreadable = |what| StoreError::Unreadable { what };
        let id =
            |bytes: &[u8]| Uuid::from_slice(bytes).map(EventId::from).map_err(|_| unreadable("event id"));
        Ok(Self {
            cursor: row.cursor,
            event_id: id(&row.event_id)?,
            turn_id: id(&row.turn_id)?,
            tenant: TenantId::parse(row.tenant).map_err(|_| unreadable("tenant"))?,
            language: row.language.parse().map_err(|_| unreadable("language"))?,
            text: row.text.into(),
            buttons: list_of(row.buttons.as_deref(), "button")?,
            parts: list_of(row.parts.as_deref(), "part of a turn")?,
        })
    }
}

pub(super) fn names_to_bytes(names: &[ProductName]) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(names).map_err(|_| StoreError::Unreadable { what: "product name" })
}

pub(super) fn names_of_bytes(bytes: Vec<u8>) -> Result<Vec<ProductName>, StoreError> {
    serde_json::from_slice(&bytes).map_err(|_| StoreError::Unreadable { what: "product name" })
}

pub(super) fn conversation_of(id: String) -> Result<ConversationId, StoreError> {
    ConversationId::parse(id).map_err(|_| StoreError::Unreadable { what: "conversation id" })
}
