//! How the clients of one bus are: when a broker was last heard, what they complain of, whether it is over. Decides
//! nothing; every client writes here from its own thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use serde::Deserialize;

/// At most one complaint in this time; the others are counted.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// The state that all clients of a bus share.
pub(super) struct Health {
    since: Instant,
    /// Milliseconds from `since` to the last answer of a broker, and one; zero: none was heard.
    heard: AtomicU64,
    over: AtomicBool,
    complained: Mutex<Complained>,
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

impl Health {
    /// Nothing is heard yet.
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            heard: AtomicU64::new(0),
            over: AtomicBool::new(false),
            complained: Mutex::new(Complained::default()),
        }
    }

    /// How long ago a broker was last heard, as far as the last statistics tell.
    pub(super) fn last_contact(&self) -> Option<Duration> {
        let heard = self.heard.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.since.elapsed().saturating_sub(Duration::from_millis(heard)))
    }

    /// A broker was heard so long ago.
    pub(super) fn heard(&self, ago: Duration) {
        let heard = self.since.elapsed().saturating_sub(ago).as_millis();
        let _earlier = self
            .heard
            .fetch_max(u64::try_from(heard).unwrap_or(u64::MAX).saturating_add(1), Ordering::Relaxed);
    }

    /// Takes what is of interest out of the statistics of a client.
    pub(super) fn statistics(&self, json: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(json) else { return };
        let up = statistics.brokers.values().filter(|broker| broker.state == "UP");
        if let Some(idle) = up.filter_map(|broker| u64::try_from(broker.rxidle).ok()).min() {
            self.heard(Duration::from_micros(idle));
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

    #[test]
    fn the_last_contact_is_that_of_the_broker_heard_last() {
        let minute = Duration::from_secs(60);
        let health = Health { since: Instant::now().checked_sub(minute).unwrap(), ..Health::new() };
        assert_eq!(health.last_contact(), None);
        health.statistics(
            br#"{"name":"x","brokers":{"a":{"state":"UP","rxidle":4000000,"rx":1},
                "b":{"state":"UP","rxidle":-1},"c":{"state":"DOWN","rxidle":1}}}"#,
        );
        let four = Duration::from_secs(4);
        assert!(health.last_contact().is_some_and(|ago| (four..minute).contains(&ago)));
        health.heard(Duration::ZERO);
        assert!(health.last_contact().is_some_and(|ago| ago < four));
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
