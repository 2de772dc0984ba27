//! The one table of topics: which events travel where, in how many partitions, for how long. Every topic is keyed by
//! conversation id and never compacted.

use crate::bus::{Topic, TopicSpec};

/// Partitions of every topic. One number for all, so that a conversation has the same number everywhere.
pub const PARTITIONS: i32 = 6;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const GIB: i64 = 1 << 30;

/// Messages of persons: channels → intent-classifier.
pub const MESSAGE_RECEIVED: &str = "chat.message.received";
/// Decisions: intent-classifier → connector, reply.
pub const TURN_DECIDED: &str = "chat.turn.decided";
/// Steps of operations: connector → reply.
pub const OPERATION_UPDATED: &str = "chat.operation.updated";
/// Replies: reply → channels.
pub const REPLY_READY: &str = "chat.reply.ready";
/// What became of replies: channels → whoever asks.
pub const DELIVERY_UPDATED: &str = "chat.delivery.updated";

/// Which group reads which topic.
pub const READERS: &[(&str, &str)] = &[
    (MESSAGE_RECEIVED, "intent-classifier"),
    (TURN_DECIDED, "connector"),
    (TURN_DECIDED, "reply"),
    (OPERATION_UPDATED, "reply"),
    (REPLY_READY, "channels"),
];

/// The topics a group reads.
pub fn read_by(group: &str) -> impl Iterator<Item = &'static str> {
    READERS.iter().filter(move |(_, reader)| *reader == group).map(|(topic, _)| *topic)
}

/// The dead-letter topic of a group for a topic.
pub fn dead_letters(topic: &Topic, group: &str) -> Topic {
    Topic::new(format!("{topic}.{group}.dlq"))
}

/// Every topic Peyvand needs, the dead-letter topics included.
pub fn all() -> Vec<TopicSpec> {
    let chat = [MESSAGE_RECEIVED, TURN_DECIDED, OPERATION_UPDATED, REPLY_READY, DELIVERY_UPDATED];
    let spec = |topic, days: i64| TopicSpec {
        topic,
        partitions: PARTITIONS,
        retention_ms: days * DAY_MS,
        retention_bytes: GIB,
    };
    let dead = READERS.iter().map(|(topic, group)| spec(dead_letters(&Topic::new(*topic), group), 45));
    chat.iter().map(|topic| spec(Topic::new(*topic), 30)).chain(dead).collect()
}
