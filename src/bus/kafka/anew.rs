//! What librdkafka says in its log and nowhere else: that a topic was made anew, in the middle of which it would go on reading,
//! and that it began a partition again because the group's place was not there, of which it would commit nothing until it is
//! past that place. The log is heard on threads of librdkafka; the poll thread asks. Touches no client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;

use crate::bus::TopicPartition;

/// What librdkafka has to be asked to say, so that a changed topic is heard.
pub(super) const DEBUG: &str = "metadata";
/// For how long partitions of a topic that was made anew begin at their first record when they come: what is committed for
/// them may be a member's who had not heard of it yet.
const NEW_FOR: Duration = Duration::from_secs(60);
/// The id of a topic that was not known before.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// What was heard. Bounded by the topics and partitions of the member.
#[derive(Default)]
pub(super) struct Anew(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    /// The newest id of each topic. librdkafka forgets a topic that is gone for a while, and its id with it.
    ids: BTreeMap<String, String>,
    /// Topics that were made anew, and when that was heard.
    topics: BTreeMap<String, Instant>,
    /// Topics and partitions of which nothing was done about it yet.
    whole: BTreeSet<String>,
    single: BTreeSet<(String, i32)>,
}

impl Anew {
    /// Hears a line of the log; gives whether it was one of those.
    pub(super) fn hear(&self, level: RDKafkaLogLevel, line: &str, now: Instant) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((topic, from, to)) = changed_id(line) {
            let known = heard.ids.insert(topic.to_owned(), to.to_owned());
            let was = known.as_deref().or_else(|| (from != NO_ID).then_some(from));
            if was.is_none_or(|was| was == to) {
                return false;
            }
            heard.topics.insert(topic.to_owned(), now);
            heard.whole.insert(topic.to_owned());
        } else if let Some((topic, partition)) = began_again(line).filter(|_| is_warning(level)) {
            heard.single.insert((topic.to_owned(), partition));
        } else {
            return false;
        }
        true
    }

    /// Which of these have to be begun again, and whether there is a topic that was made anew; each is told once.
    pub(super) fn take(&self, held: impl FnOnce() -> Vec<TopicPartition>) -> (Vec<TopicPartition>, bool) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.whole.is_empty() && heard.single.is_empty() {
            return (Vec::new(), false);
        }
        let (whole, single) = (std::mem::take(&mut heard.whole), std::mem::take(&mut heard.single));
        let mut places = held();
        places.retain(|place| {
            let topic = place.topic.as_str();
            whole.contains(topic) || single.contains(&(topic.to_owned(), place.partition))
        });
        (places, !whole.is_empty())
    }

    /// Whether a topic was made anew so lately that nothing committed for it is to be believed.
    pub(super) fn is_new(&self, topic: &str, now: Instant) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.topics.get(topic).is_some_and(|at| now.saturating_duration_since(*at) < NEW_FOR)
    }
}

/// An operator who debugs topics hears of every start of a partition in the same words, also of those that this member asks for.
fn is_warning(level: RDKafkaLogLevel) -> bool {
    use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
    match level {
        Emerg | Alert | Critical | Error | Warning => true,
        Notice | Info | Debug => false,
    }
}

/// What follows the name of the thread.
fn said(line: &str) -> &str {
    match line.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_thread, said)) => said,
        None => line,
    }
}

/// A topic, the id it had, and the one it has.
fn changed_id(line: &str) -> Option<(&str, &str, &str)> {
    let (topic, ids) = said(line).strip_prefix("Topic ")?.split_once(" changed id from ")?;
    let (from, to) = ids.split_once(" to ")?;
    Some((topic, from, to.trim_end()))
}

/// Not the line that it could not ask where the beginning is: it asks again.
fn began_again(line: &str) -> Option<(&str, i32)> {
    let (place, why) = said(line).split_once("]: offset reset (")?;
    let (topic, partition) = place.split_once(" [")?;
    let partition = partition.parse().ok()?;
    (!why.contains("failed to query logical offset")).then_some((topic, partition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Topic;

    const RESET: &str = "[thrd:main]: one [2]: offset reset (at offset 1000 (leader epoch 0), broker 1) to cached \
                         BEGINNING offset offset 0 (leader epoch -1): fetch failed due to requested offset not \
                         available on the broker: Broker: Offset out of range";
    const CHANGED: &str = "[thrd:127.0.0.1:9092/1]: Topic other changed id from Xk1zQmZpS0u3YxJcVq0aRw to \
                           1mUe6gqjT7uQYb3m0oYk5g";

    fn held() -> Vec<TopicPartition> {
        let place = |topic, partition| TopicPartition { topic: Topic::new(topic), partition };
        vec![place("one", 0), place("one", 2), place("other", 0), place("third", 2)]
    }

    fn names(places: Vec<TopicPartition>) -> Vec<String> {
        places.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_partition_that_was_begun_again_and_those_of_a_topic_that_was_made_anew_are_told_once() {
        let (anew, now) = (Anew::default(), Instant::now());
        assert_eq!(anew.take(held), (Vec::new(), false));
        assert!(
            anew.hear(RDKafkaLogLevel::Warning, RESET, now)
                && anew.hear(RDKafkaLogLevel::Debug, CHANGED, now)
        );
        let (taken, is_topic) = anew.take(held);
        assert_eq!(names(taken), names(vec![held().remove(1), held().remove(2)]));
        assert!(is_topic);
        assert_eq!(anew.take(held), (Vec::new(), false));
    }

    #[test]
    fn a_topic_is_new_for_a_minute() {
        let (anew, now) = (Anew::default(), Instant::now());
        anew.hear(RDKafkaLogLevel::Debug, CHANGED, now);
        let after = |seconds| anew.is_new("other", now + Duration::from_secs(seconds));
        assert!(after(0) && after(59) && !after(60) && !anew.is_new("one", now));
    }

    #[test]
    fn a_topic_that_was_gone_for_a_while_is_known_by_the_id_it_had() {
        let (anew, now) = (Anew::default(), Instant::now());
        let hear = |id: &str| {
            let line = format!("[thrd:main]: Topic one changed id from {NO_ID} to {id}");
            anew.hear(RDKafkaLogLevel::Debug, &line, now)
        };
        assert!(!hear("Xk1zQmZpS0u3YxJcVq0aRw"), "the first one it has is none that changed");
        assert!(!hear("Xk1zQmZpS0u3YxJcVq0aRw"));
        assert_eq!(anew.take(held), (Vec::new(), false));
        assert!(hear("1mUe6gqjT7uQYb3m0oYk5g"));
        assert_eq!(anew.take(held).0.len(), 2);
        assert!(anew.is_new("one", now));
    }

    #[test]
    fn other_lines_of_the_log_mean_nothing() {
        let (anew, now) = (Anew::default(), Instant::now());
        for line in [
            "[thrd:main]: Topic one changed id from AAAAAAAAAAAAAAAAAAAAAA to Xk1zQmZpS0u3YxJcVq0aRw",
            "[thrd:main]: one [2]: offset reset (at BEGINNING, broker 1) to BEGINNING: failed to query logical \
             offset: Local: Broker transport failure",
            "Topic one [2] Leader 1 Epoch 0",
            "",
        ] {
            assert!(!anew.hear(RDKafkaLogLevel::Warning, line, now), "{line}");
        }
        // What debugging tells of a start that was asked for.
        assert!(!anew.hear(RDKafkaLogLevel::Debug, RESET, now));
        assert_eq!(anew.take(held), (Vec::new(), false));
    }
}
