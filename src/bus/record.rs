//! Kafka's unit and its coordinates, as types. Bytes only: nothing here knows what a record means.

use std::{fmt, sync::Arc};

/// Key, value and headers of one record together may have this many bytes, on every backing.
pub(super) const MOST_RECORD_BYTES: usize = 1 << 20;

/// A topic's name; a copy shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Takes a name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// The place of a record in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offset(pub i64);

impl Offset {
    /// The offset to read next when this one is settled.
    pub const fn next(self) -> NextOffset {
        NextOffset(self.0 + 1)
    }
}

/// The first offset that is not settled: what a group stores. A type of its own, so that it cannot be mixed up with
/// the offset of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NextOffset(pub i64);

/// One stay of a partition with one consumer. A partition that comes back has a new epoch, so results of the earlier
/// stay are known by it and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Headers in their order; names may repeat, the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    /// The last value under a name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().rev().find(|(have, _)| have == name).map(|(_, value)| value.as_slice())
    }

    /// The last value under a name, when it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Adds a header.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Names and values together, in bytes.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Where to.
    pub topic: Topic,
    /// Records of one key stay in order.
    pub key: Option<Vec<u8>>,
    /// The payload.
    pub value: Option<Vec<u8>>,
    /// The headers.
    pub headers: Headers,
}

impl NewRecord {
    /// Its bytes as they count against the limit: key, value and headers, each length of a header with four.
    pub fn size(&self) -> usize {
        let payload = self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len);
        payload + 4 + self.headers.0.len() * 8 + self.headers.size()
    }
}

/// What a record's time says, in Kafka's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// Nobody knows any more.
    #[default]
    NotAvailable,
    /// When it was made, by the clock of whoever published it.
    CreateTime,
    /// When it was appended, by the broker's clock.
    LogAppendTime,
}

impl TimestampType {
    /// Kafka's own word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAvailable => "NotAvailable",
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it was read.
    pub place: TopicPartition,
    /// Its offset there.
    pub offset: Offset,
    /// When it was appended, or what its publisher said, milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: i64,
    /// Which of them.
    pub timestamp_type: TimestampType,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its payload.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Headers,
}
