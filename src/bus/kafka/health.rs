//! How the clients of one bus are: when a broker was last heard, whether the group serves them, what they complain of, whether
//! it is over. Decides nothing; every client writes here from its own thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use serde::Deserialize;

use crate::bus::{NextOffset, Topic, TopicPartition};

/// At most one complaint in this time; the others are counted.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// The state that all clients of a bus share.
pub(super) struct Health {
    contact: Contact,
    over: AtomicBool,
    complained: Mutex<Complained>,
    members: Mutex<Vec<Weak<Heart>>>,
}

/// When a client last heard a broker.
struct Contact {
    since: Instant,
    /// Milliseconds from `since` to the last answer of a broker, and one; zero: none was heard.
    heard: AtomicU64,
}

/// Signs of life of one member, for as long as its thread runs.
pub(super) struct Heart {
    contact: Contact,
    /// Milliseconds from the beginning to the last turn of its thread.
    turned: AtomicU64,
    /// Milliseconds from the beginning to the last time it was told to be served, and one; zero: never.
    served: AtomicU64,
    /// What is read next where something is read.
    positions: Mutex<HashMap<TopicPartition, NextOffset>>,
}

/// How the group serves the members of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Each of them has had its partitions, or was told that there are none for it.
    pub joined: bool,
    /// For how long the slowest was not told to be served, from its beginning on. It is looked at every ten seconds.
    pub unserved: Duration,
}

#[derive(Default)]
struct Complained {
    at: Option<Instant>,
    unsaid: u64,
}

/// The little of librdkafka's statistics that is read.
#[derive(Deserialize)]
struct Statistics {
    brokers: HashMap<String, Broker>,
    /// Of members alone.
    cgrp: Option<Group>,
    #[serde(default)]
    topics: HashMap<String, Partitions>,
}

#[derive(Deserialize)]
struct Group {
    join_state: String,
}

#[derive(Deserialize)]
struct Partitions {
    partitions: HashMap<String, Partition>,
}

#[derive(Deserialize)]
struct Partition {
    fetch_state: String,
    /// The end of the partition as its broker told it with the last records; negative before, and when it gives none.
    hi_offset: i64,
    /// What is read next; negative before it is known.
    #[serde(default = "unknown")]
    next_offset: i64,
}

/// As librdkafka tells it.
const fn unknown() -> i64 {
    -1001
}

impl Statistics {
    /// The group has answered with an assignment, also an empty one, and each partition of it is read.
    fn is_served(&self) -> bool {
        let is_read = |one: &Partition| match one.fetch_state.as_str() {
            "none" | "stopping" | "stopped" => true,
            state => state == "active" && one.hi_offset >= 0,
        };
        self.cgrp.as_ref().is_some_and(|group| group.join_state == "steady")
            && self.topics.values().flat_map(|topic| topic.partitions.values()).all(is_read)
    }

    fn positions(&self) -> HashMap<TopicPartition, NextOffset> {
        let all = self.topics.iter().flat_map(|(topic, about)| {
            let topic = Topic::new(topic.as_str());
            about.partitions.iter().map(move |(number, one)| (topic.clone(), number, one))
        });
        all.filter(|(.., one)| one.fetch_state == "active" && one.next_offset >= 0)
            .filter_map(|(topic, number, one)| {
                Some((TopicPartition { topic, partition: number.parse().ok()? }, NextOffset(one.next_offset)))
            })
            .collect()
    }
}

#[derive(Deserialize)]
struct Broker {
    state: String,
    /// Microseconds since something was received; negative before the first.
    rxidle: i64,
}

impl Contact {
    fn new() -> Self {
        Self { since: Instant::now(), heard: AtomicU64::new(0) }
    }

    fn last(&self) -> Option<Duration> {
        let heard = self.heard.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.since.elapsed().saturating_sub(Duration::from_millis(heard)))
    }

    fn heard(&self, ago: Duration) {
        let heard = self.since.elapsed().saturating_sub(ago).as_millis();
        let _earlier = self
            .heard
            .fetch_max(u64::try_from(heard).unwrap_or(u64::MAX).saturating_add(1), Ordering::Relaxed);
    }

    fn statistics(&self, statistics: &Statistics) {
        let up = statistics.brokers.values().filter(|broker| broker.state == "UP");
        if let Some(idle) = up.filter_map(|broker| u64::try_from(broker.rxidle).ok()).min() {
            self.heard(Duration::from_micros(idle));
        }
    }
}

impl Heart {
    /// Its thread turned.
    pub(super) fn turn(&self) {
        self.turned.store(self.age(), Ordering::Relaxed);
    }

    /// Takes what is of interest out of the statistics of its client.
    pub(super) fn statistics(&self, json: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(json) else { return };
        self.contact.statistics(&statistics);
        *self.positions.lock().unwrap_or_else(PoisonError::into_inner) = statistics.positions();
        if statistics.is_served() {
            self.served.store(self.age().saturating_add(1), Ordering::Relaxed);
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.contact.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn membership(&self) -> Membership {
        let served = self.served.load(Ordering::Relaxed);
        let unserved = Duration::from_millis(self.age().saturating_sub(served.saturating_sub(1)));
        Membership { joined: served > 0, unserved }
    }

    /// A member that has heard nobody yet counts from its beginning.
    fn contact(&self) -> Duration {
        self.contact.last().unwrap_or_else(|| self.contact.since.elapsed())
    }

    fn turned(&self) -> Duration {
        let turned = Duration::from_millis(self.turned.load(Ordering::Relaxed));
        self.contact.since.elapsed().saturating_sub(turned)
    }
}

impl Health {
    /// Nothing is heard yet.
    pub(super) fn new() -> Self {
        Self {
            contact: Contact::new(),
            over: AtomicBool::new(false),
            complained: Mutex::new(Complained::default()),
            members: Mutex::default(),
        }
    }

    /// A new member.
    pub(super) fn member(&self) -> Arc<Heart> {
        let (turned, served, positions) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        let heart = Arc::new(Heart { contact: Contact::new(), turned, served, positions });
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(&heart));
        heart
    }

    fn members(&self) -> Vec<Arc<Heart>> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.iter().filter_map(Weak::upgrade).collect()
    }

    /// How long ago a broker was last heard, as far as the last statistics tell: by the member that has heard none for the
    /// longest time, and without members by the producer.
    pub(super) fn last_contact(&self) -> Option<Duration> {
        self.members().iter().map(|member| member.contact()).max().or_else(|| self.contact.last())
    }

    /// How long ago the thread of the slowest member turned.
    pub(super) fn last_turn(&self) -> Option<Duration> {
        self.members().iter().map(|member| member.turned()).max()
    }

    /// How the group serves the members; none without members.
    pub(super) fn membership(&self) -> Option<Membership> {
        self.members().iter().map(|member| member.membership()).reduce(|one, other| Membership {
            joined: one.joined && other.joined,
            unserved: one.unserved.max(other.unserved),
        })
    }

    /// What the members read next in each partition that they read.
    pub(super) fn positions(&self) -> HashMap<TopicPartition, NextOffset> {
        let members = self.members();
        let each = members.iter().map(|one| one.positions.lock().unwrap_or_else(PoisonError::into_inner));
        each.flat_map(|positions| positions.clone()).collect()
    }

    /// The producer heard a broker so long ago.
    pub(super) fn heard(&self, ago: Duration) {
        self.contact.heard(ago);
    }

    /// Takes what is of interest out of the statistics of the producer.
    pub(super) fn statistics(&self, json: &[u8]) {
        if let Ok(statistics) = serde_json::from_slice(json) {
            self.contact.statistics(&statistics);
        }
    }

    /// The bus is closed, or broken for good: producers and consumers end.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Something is wrong that librdkafka goes on trying to mend.
    pub(super) fn complain(&self, what: &str) {
        if let Some(unsaid) = self.may_complain(Instant::now()) {
            tracing::warn!(unsaid, "Kafka: {what}; trying on, check that the brokers can be reached");
        } else {
            tracing::debug!("Kafka: {what}");
        }
    }

    /// Whether a complaint may be said aloud now; how many were not since the last.
    fn may_complain(&self, now: Instant) -> Option<u64> {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.at.is_some_and(|at| now.saturating_duration_since(at) < COMPLAIN_EVERY) {
            complained.unsaid += 1;
            return None;
        }
        complained.at = Some(now);
        Some(std::mem::take(&mut complained.unsaid))
    }

    /// A line of librdkafka's log.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            // It says which of our settings are not for this sort of client.
            RDKafkaLogLevel::Warning if facility == "CONFWARN" => tracing::debug!("librdkafka: {line}"),
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => self.complain(line),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!("librdkafka: {facility} {line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn a_minute_old() -> Contact {
        Contact { since: Instant::now().checked_sub(MINUTE).unwrap(), ..Contact::new() }
    }

    #[test]
    fn the_last_contact_is_that_of_the_broker_heard_last() {
        let health = Health { contact: a_minute_old(), ..Health::new() };
        assert_eq!(health.last_contact(), None);
        health.statistics(
            br#"{"name":"x","brokers":{"a":{"state":"UP","rxidle":4000000,"rx":1},
                "b":{"state":"UP","rxidle":-1},"c":{"state":"DOWN","rxidle":1}}}"#,
        );
        let four = Duration::from_secs(4);
        assert!(health.last_contact().is_some_and(|ago| (four..MINUTE).contains(&ago)));
        health.heard(Duration::ZERO);
        assert!(health.last_contact().is_some_and(|ago| ago < four));
    }

    #[test]
    fn the_member_that_hears_nobody_counts_and_only_while_it_is_there() {
        let health = Health::new();
        health.heard(Duration::ZERO);
        let [turned, served] = [AtomicU64::new(0), AtomicU64::new(0)];
        let deaf = Arc::new(Heart { contact: a_minute_old(), turned, served, positions: Mutex::default() });
        health.members.lock().unwrap().push(Arc::downgrade(&deaf));
        let hearing = health.member();
        hearing.statistics(br#"{"brokers":{"a":{"state":"UP","rxidle":1}}}"#);
        assert!(health.last_contact().is_some_and(|ago| ago >= MINUTE));
        assert!(health.last_turn().is_some_and(|ago| ago >= MINUTE));
        deaf.turn();
        assert!(health.last_turn().is_some_and(|ago| ago < MINUTE));
        drop(deaf);
        assert!(health.last_contact().is_some_and(|ago| ago < MINUTE));
    }

    #[test]
    fn a_member_is_served_when_its_group_has_answered_and_each_of_its_partitions_is_read() {
        let told = |join_state: &str, fetch_state: &str, hi_offset: i64| {
            let health = Health::new();
            let member = health.member();
            let json = serde_json::json!({"brokers": {}, "cgrp": {"join_state": join_state}, "topics": {"t": {"partitions": {
                "0": {"fetch_state": "active", "hi_offset": 0}, "1": {"fetch_state": fetch_state, "hi_offset": hi_offset},
                "-1": {"fetch_state": "none", "hi_offset": -1001}}}}});
            member.statistics(json.to_string().as_bytes());
            health.membership().unwrap().joined
        };
        assert!(told("steady", "active", 7) && told("steady", "stopped", -1001));
        for (join_state, fetch_state, hi_offset) in
            [("wait-join", "active", 7), ("steady", "active", -1001), ("steady", "offset-wait", -1001)]
        {
            assert!(!told(join_state, fetch_state, hi_offset), "{join_state} {fetch_state} {hi_offset}");
        }
        let health = Health::new();
        assert_eq!(health.membership(), None);
        let (member, _refused) = (health.member(), health.member());
        member.statistics(br#"{"brokers":{},"cgrp":{"join_state":"steady"},"topics":{}}"#);
        assert!(!health.membership().unwrap().joined, "one of two");
    }

    #[test]
    fn complaints_are_counted_and_said_once_in_a_while() {
        let health = Health::new();
        let start = Instant::now();
        let said: Vec<Option<u64>> =
            [0, 1, 9, 10].map(|second| health.may_complain(start + Duration::from_secs(second))).to_vec();
        assert_eq!(said, [Some(0), None, None, Some(2)]);
    }
}
