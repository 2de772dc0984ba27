//! Which topics do not take what is written to them, and why: a record that has to be written waits, and somebody has to be
//! told. Decides nothing; the producer writes here, health reads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bus::Topic;

/// How long a refusal is remembered when nothing more is written to its topic. Who has to write tries again sooner.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Topics that refused a record, until they take one that is at least as large.
#[derive(Default)]
pub(super) struct Refusals {
    /// Whether there are any: all that a send looks at when all is well.
    some: AtomicBool,
    last: Mutex<HashMap<Topic, Refusal>>,
}

struct Refusal {
    at: Instant,
    /// The least bytes of a record that shows that it has passed.
    size: usize,
    why: String,
}

impl Refusals {
    /// A record was not taken; one of at least `size` bytes that is taken later shows that this has passed.
    pub(super) fn refused(&self, topic: &Topic, size: usize, at: Instant, why: String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, refusal| is_fresh(refusal, at));
        last.insert(topic.clone(), Refusal { at, size, why });
        self.some.store(true, Ordering::Release);
    }

    /// A record of so many bytes was taken.
    pub(super) fn taken(&self, topic: &Topic, size: usize) {
        if !self.some.load(Ordering::Acquire) {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(topic).is_some_and(|refusal| refusal.size <= size) {
            last.remove(topic);
        }
        self.some.store(!last.is_empty(), Ordering::Release);
    }

    /// Why a topic takes nothing at this time; when there are several, why the last one.
    pub(super) fn now(&self, at: Instant) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = last.values().filter(|refusal| is_fresh(refusal, at));
        fresh.max_by_key(|refusal| refusal.at).map(|refusal| refusal.why.clone())
    }
}

fn is_fresh(refusal: &Refusal, at: Instant) -> bool {
    at.saturating_duration_since(refusal.at) < REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_refused_until_it_takes_a_record_or_nothing_is_written_to_it_any_more() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let [one, other] = ["one", "other"].map(Topic::new);
        let now = |seconds| refusals.now(start + Duration::from_secs(seconds));
        refusals.taken(&one, 5);
        assert_eq!(now(0), None);
        refusals.refused(&one, 0, start, "why one".to_owned());
        refusals.refused(&other, 0, start + Duration::from_secs(1), "why other".to_owned());
        assert_eq!(now(1).as_deref(), Some("why other"));
        refusals.taken(&other, 5);
        assert_eq!(now(1).as_deref(), Some("why one"));
        assert_eq!((now(59).is_some(), now(60)), (true, None));
        refusals.taken(&one, 5);
        assert_eq!(now(1), None);
    }

    #[test]
    fn a_record_that_is_too_large_is_not_forgotten_for_a_small_one() {
        let (refusals, start, topic) = (Refusals::default(), Instant::now(), Topic::new("t"));
        refusals.refused(&topic, 1000, start, "too large".to_owned());
        refusals.taken(&topic, 999);
        assert!(refusals.now(start).is_some());
        refusals.taken(&topic, 1000);
        assert_eq!(refusals.now(start), None);
    }
}
