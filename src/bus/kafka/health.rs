//! How the clients of one bus are: when a broker was last heard, what they complain of, whether it is over. Decides
//! nothing; every client writes here from its own thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use serde::Deserialize;

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

    fn statistics(&self, json: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(json) else { return };
        let up = statistics.brokers.values().filter(|broker| broker.state == "UP");
        if let Some(idle) = up.filter_map(|broker| u64::try_from(broker.rxidle).ok()).min() {
            self.heard(Duration::from_micros(idle));
        }
    }
}

impl Heart {
    /// Its thread turned.
    pub(super) fn turn(&self) {
        let now = u64::try_from(self.contact.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.turned.store(now, Ordering::Relaxed);
    }

    /// Takes what is of interest out of the statistics of its client.
    pub(super) fn statistics(&self, json: &[u8]) {
        self.contact.statistics(json);
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
        let heart = Arc::new(Heart { contact: Contact::new(), turned: AtomicU64::new(0) });
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

    /// The producer heard a broker so long ago.
    pub(super) fn heard(&self, ago: Duration) {
        self.contact.heard(ago);
    }

    /// Takes what is of interest out of the statistics of the producer.
    pub(super) fn statistics(&self, json: &[u8]) {
        self.contact.statistics(json);
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
        let deaf = Arc::new(Heart { contact: a_minute_old(), turned: AtomicU64::new(0) });
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
    fn complaints_are_counted_and_said_once_in_a_while() {
        let health = Health::new();
        let start = Instant::now();
        let said: Vec<Option<u64>> =
            [0, 1, 9, 10].map(|second| health.may_complain(start + Duration::from_secs(second))).to_vec();
        assert_eq!(said, [Some(0), None, None, Some(2)]);
    }
}
