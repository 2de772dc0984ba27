//! The one table of topics: which events travel where, in how many partitions, for how long. Every topic is keyed by
//! conversation id and never compacted.

use crate::bus::{Topic, TopicSpec};

/// Partitions of every topic. One number for all, so that a conversation has the same number everywhere.
pub const PARTITIONS: i32 = 6;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const GIB: i64 = 1 << 30;
const DEAD: &str = ".dlq";
const REDRIVE: &str = ".redrive";

/// Messages of persons: channels → intent-classifier.
pub const MESSAGE_RECEIVED: &str = "chat.message.received";
/// Decisions: intent-classifier → connector, reply.
pub const TURN_DECIDED: &str = "chat.turn.decided";
/// Steps of operations: connector → reply, intent-classifier.
pub const OPERATION_UPDATED: &str = "chat.operation.updated";
/// Replies: reply → channels.
pub const REPLY_READY: &str = "chat.reply.ready";
/// What became of replies: channels → whoever asks.
pub const DELIVERY_UPDATED: &str = "chat.delivery.updated";

/// Which group reads which topic.
pub const READERS: &[(&str, &str)] = &[
    (MESSAGE_RECEIVED, "intent-classifier"),
    (OPERATION_UPDATED, "intent-classifier"),
    (TURN_DECIDED, "connector"),
    (TURN_DECIDED, "reply"),
    (OPERATION_UPDATED, "reply"),
    (REPLY_READY, "channels"),
];

/// The topics a group reads.
pub fn read_by(group: &str) -> Vec<Topic> {
    READERS.iter().filter(|(_, reader)| *reader == group).map(|(topic, _)| Topic::new(*topic)).collect()
}

/// The group in which a group reads its redriven records, and their topics.
pub fn redriven_to(group: &str) -> (String, Vec<Topic>) {
    let topics = read_by(group).iter().map(|topic| redrives(topic, group)).collect();
    (format!("{group}{REDRIVE}"), topics)
}

/// The dead-letter topic of a group for a topic.
pub fn dead_letters(topic: &Topic, group: &str) -> Topic {
    Topic::new(format!("{}.{group}{DEAD}", origin(topic)))
}

/// The topic on which a group gets records of a topic once more, and no other group does.
pub fn redrives(topic: &Topic, group: &str) -> Topic {
    Topic::new(format!("{topic}.{group}{REDRIVE}"))
}

/// The topic that a group's dead letters are redriven to; `None` when it is no topic of dead letters.
pub fn redrive_of(dead_letters: &Topic) -> Option<Topic> {
    let base = dead_letters.as_str().strip_suffix(DEAD)?;
    Some(Topic::new(format!("{base}{REDRIVE}")))
}

/// Whether a topic is one of redriven records.
pub fn is_redrive(topic: &Topic) -> bool {
    topic.as_str().ends_with(REDRIVE)
}

/// The topic a record was first published on, also when it is read from one of redriven records.
pub fn origin(topic: &Topic) -> &str {
    match topic.as_str().strip_suffix(REDRIVE).and_then(|base| base.rsplit_once('.')) {
        Some((first, _group)) => first,
        None => topic.as_str(),
    }
}

/// Every topic Peyvand needs, those of dead letters and of redriven records included.
pub fn all() -> Vec<TopicSpec> {
    let chat = [MESSAGE_RECEIVED, TURN_DECIDED, OPERATION_UPDATED, REPLY_READY, DELIVERY_UPDATED];
    let spec = |topic, days: i64| TopicSpec {
        topic,
        partitions: PARTITIONS,
        retention_ms: days * DAY_MS,
        retention_bytes: GIB,
    };
    let aside = READERS.iter().flat_map(|(topic, group)| {
        let topic = Topic::new(*topic);
        [spec(dead_letters(&topic, group), 45), spec(redrives(&topic, group), 30)]
    });
    chat.iter().map(|topic| spec(Topic::new(*topic), 30)).chain(aside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redriven_record_leads_back_to_its_topic_and_to_the_same_dead_letters() {
        let topic = Topic::new(TURN_DECIDED);
        let (dead, again) = (dead_letters(&topic, "reply"), redrives(&topic, "reply"));
        assert_eq!(
            (dead.as_str(), again.as_str()),
            ("chat.turn.decided.reply.dlq", "chat.turn.decided.reply.redrive")
        );
        assert_eq!(redrive_of(&dead), Some(again.clone()));
        assert_eq!((redrive_of(&topic), origin(&again), origin(&topic)), (None, TURN_DECIDED, TURN_DECIDED));
        assert_eq!(dead_letters(&again, "reply"), dead);
    }

    #[test]
    fn a_group_reads_its_own_redriven_records_and_no_others() {
        let (group, topics) = redriven_to("connector");
        assert_eq!(
            (group.as_str(), topics),
            ("connector.redrive", vec![Topic::new("chat.turn.decided.connector.redrive")])
        );
        assert_eq!(read_by("connector"), [Topic::new(TURN_DECIDED)]);
    }
}
