//! Which dead letters people have decided about, by the audit. A place alone names no letter: when a topic is made anew its
//! offsets begin anew, and what lies at a place then is another letter. It may not decide what a letter means.

use std::collections::HashMap;

use peyvand::{
    bus::{Record, Topic},
    worker::letter_name,
};

/// Letters of a partition that are read at most, however many of them are decided about.
pub(super) const READ_MAX: usize = 100_000;
/// Room for those nobody has decided about.
const WAITING_MAX: usize = 10_000;

/// Where a letter lies.
pub(super) fn place(letter: &Record) -> String {
    format!("{}:{}:{}", letter.place.topic, letter.place.partition, letter.offset.0)
}

/// What was decided about, and when last.
pub(super) struct Decided(pub(super) HashMap<String, i64>);

impl Decided {
    pub(super) fn contains(&self, letter: &Record) -> bool {
        // Earlier versions noted the place alone: that was the letter that lay there then, and no later one.
        let by_place = self.0.get(&place(letter)).is_some_and(|at| letter.timestamp_ms <= *at);
        by_place || self.0.contains_key(&letter_name(letter))
    }

    /// Letters to read of each partition of a topic. The oldest come first, and all that are decided about may lie before
    /// those that wait.
    pub(super) fn to_read(&self, topic: &Topic) -> usize {
        let mut partitions: HashMap<&str, usize> = HashMap::new();
        for subject in self.0.keys() {
            if let Some((place, _offset)) = subject.rsplit_once(':')
                && let Some((name, partition)) = place.rsplit_once(':')
                && name == topic.as_str()
            {
                *partitions.entry(partition).or_default() += 1;
            }
        }
        let most = partitions.into_values().max().unwrap_or_default();
        (most + WAITING_MAX).min(READ_MAX)
    }
}

#[cfg(test)]
mod tests {
    use peyvand::bus::{Headers, Offset, TimestampType, TopicPartition};

    use super::*;

    const NOON: i64 = 1_795_000_000_000;

    fn letter(partition: i32, offset: i64, timestamp_ms: i64) -> Record {
        Record {
            place: TopicPartition { topic: Topic::new("a.b.dlq"), partition },
            offset: Offset(offset),
            timestamp_ms,
            timestamp_type: TimestampType::default(),
            key: None,
            value: None,
            headers: Headers::default(),
        }
    }

    fn decided(subjects: &[(String, i64)]) -> Decided {
        Decided(subjects.iter().cloned().collect())
    }

    #[test]
    fn a_letter_that_is_decided_about_waits_no_more_and_another_at_its_place_does() {
        let old = letter(0, 7, NOON);
        let decided = decided(&[(letter_name(&old), NOON + 5_000)]);
        assert!(decided.contains(&old));
        // The topic was made anew.
        assert!(!decided.contains(&letter(0, 7, NOON + 1)));
        assert!(!decided.contains(&letter(0, 8, NOON)));
        assert!(!decided.contains(&letter(1, 7, NOON)));
    }

    #[test]
    fn a_decision_that_names_a_place_alone_is_about_what_lay_there_at_that_time() {
        let decided = decided(&[("a.b.dlq:0:7".to_owned(), NOON + 5_000)]);
        assert!(decided.contains(&letter(0, 7, NOON)));
        assert!(!decided.contains(&letter(0, 7, NOON + 5_001)));
    }

    #[test]
    fn those_that_wait_are_reached_behind_all_that_are_decided_about() {
        let topic = Topic::new("a.b.dlq");
        assert_eq!(decided(&[]).to_read(&topic), WAITING_MAX);
        let many: Vec<(String, i64)> =
            (0..12_000).map(|n| (letter_name(&letter(3, n, NOON)), NOON)).collect();
        let few = (0..50).map(|n| (place(&letter(4, n, NOON)), NOON));
        let others = (0..20_000).map(|n| (format!("c.dlq:3:{n}"), NOON));
        let all: Vec<(String, i64)> = many.into_iter().chain(few).chain(others).collect();
        assert_eq!(decided(&all).to_read(&topic), 12_000 + WAITING_MAX);
        let too_many: Vec<(String, i64)> =
            (0..95_000).map(|n| (letter_name(&letter(3, n, NOON)), NOON)).collect();
        assert_eq!(decided(&too_many).to_read(&topic), READ_MAX);
    }
}
