//! What a member does when the group shares its partitions out anew. Runs on the poll thread, inside a poll; it may
//! wait there for the worker to let go, because heartbeats come from another thread of librdkafka.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use tokio::sync::oneshot;

use super::Limits;
use super::anew::Anew;
use super::desk::{Desk, Over};
use super::health::{Health, Heart};
use super::stays::Stays;
use crate::bus::{ConsumerEvent, LetGo, Topic, TopicPartition};

/// What a member, its poll thread and its callbacks share.
pub(super) struct Shared {
    pub(super) group: String,
    pub(super) topics: Vec<Topic>,
    pub(super) limits: Limits,
    pub(super) desk: Desk,
    pub(super) stays: Stays,
    pub(super) anew: Anew,
    /// Reading is paused, and so is every partition that comes meanwhile.
    pub(super) paused: AtomicBool,
    pub(super) health: Arc<Health>,
    pub(super) heart: Arc<Heart>,
}

/// Callbacks of a member's client.
pub(super) struct Callbacks(pub(super) Arc<Shared>);

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // What is done about it is told when it is done.
        if !self.0.anew.hear(level, line, Instant::now()) {
            self.0.health.log(level, facility, line);
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.heart.statistics(statistics);
    }

    fn error(&self, _error: KafkaError, reason: &str) {
        self.0.health.complain(reason);
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let places = self.0.places(list);
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.0.assign(consumer, list, &places),
            _ => self.revoke(consumer, list, &places),
        };
        if let Err(error) = done {
            tracing::error!(
                group = self.0.group,
                "Kafka did not take the change of partitions ({error}); the process must be started again"
            );
            self.0.desk.end(Over::Closed);
            self.0.desk.close();
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result.as_ref().map_err(KafkaError::rdkafka_error_code) {
            // There was nothing to commit.
            Ok(()) | Err(Some(RDKafkaErrorCode::NoOffset)) => {}
            Err(_) => self.0.health.complain("settled offsets could not be committed"),
        }
    }
}

impl Callbacks {
    fn revoke(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &TopicPartitionList,
        places: &[TopicPartition],
    ) -> KafkaResult<()> {
        let lost = consumer.assignment_lost();
        if !places.is_empty() {
            self.0.desk.take_away(places);
            if lost {
                self.0.desk.change(ConsumerEvent::Lost(places.to_vec()));
            } else {
                if !self.0.desk.is_closing() {
                    self.ask_back(places);
                }
                // Before the epochs end: what was settled while the worker finished counts.
                self.0.store_notes(consumer);
            }
            self.0.stays.end(places);
        }
        // librdkafka commits what is stored, then others get the partitions.
        consumer.incremental_unassign(list)
    }

    fn ask_back(&self, places: &[TopicPartition]) {
        let (let_go, waiting) = LetGo::new();
        self.0.desk.change(ConsumerEvent::Revoking(places.to_vec(), let_go));
        if !wait(waiting, Instant::now() + self.0.limits.let_go, &self.0.desk) {
            tracing::warn!(
                group = self.0.group,
                "partitions were not let go within {:?} and are taken; what still ran is read again",
                self.0.limits.let_go
            );
            self.0.desk.change(ConsumerEvent::Lost(places.to_vec()));
        }
    }
}

impl Shared {
    /// The partitions of a list, under the names the member subscribed to.
    fn places(&self, list: &TopicPartitionList) -> Vec<TopicPartition> {
        let place = |name: &str, partition| {
            let known = self.topics.iter().find(|topic| topic.as_str() == name).cloned();
            TopicPartition { topic: known.unwrap_or_else(|| Topic::new(name)), partition }
        };
        list.elements().iter().map(|element| place(element.topic(), element.partition())).collect()
    }

    fn assign(
        &self,
        consumer: &BaseConsumer<Callbacks>,
        list: &mut TopicPartitionList,
        places: &[TopicPartition],
    ) -> KafkaResult<()> {
        for place in places.iter().filter(|place| self.anew.is_new(place.topic.as_str(), Instant::now())) {
            list.set_partition_offset(place.topic.as_str(), place.partition, Offset::Beginning)?;
        }
        // An empty change is to be answered as well.
        consumer.incremental_assign(list)?;
        if places.is_empty() {
            return Ok(());
        }
        if self.paused.load(Ordering::Relaxed) {
            consumer.pause(list)?;
        } else {
            // A partition that comes back may still be paused from its last stay.
            consumer.resume(list)?;
        }
        let begun = self.stays.begin(places);
        self.desk.change(ConsumerEvent::Assigned(begun));
        Ok(())
    }

    /// Lets go of partitions whose log is not what it was and takes them again, each from its first record.
    pub(super) fn begin_again(
        &self,
        consumer: &BaseConsumer<Callbacks>,
        places: &[TopicPartition],
    ) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for place in places {
            list.add_partition_offset(place.topic.as_str(), place.partition, Offset::Offset(0))?;
        }
        // Letting go commits it: whoever has them next begins there as well.
        consumer.store_offsets(&list)?;
        consumer.incremental_unassign(&list)?;
        self.desk.take_away(places);
        self.desk.change(ConsumerEvent::Lost(places.to_vec()));
        list.set_all_offsets(Offset::Beginning)?;
        self.assign(consumer, &mut list, places)
    }

    /// Brings the settled offsets to librdkafka, which commits them on its timer and before it lets partitions go.
    pub(super) fn store_notes(&self, consumer: &BaseConsumer<Callbacks>) {
        let notes = self.stays.take_notes();
        if notes.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::with_capacity(notes.len());
        for note in &notes {
            let mut element = list.add_partition(note.place.topic.as_str(), note.place.partition);
            if element.set_offset(Offset::Offset(note.next.0)).is_err() {
                tracing::error!(place = %note.place, "an offset below zero was to be stored; it is ignored");
            }
        }
        // The whole is said to be well when one element was: each is looked at by itself.
        let _each = consumer.store_offsets(&list);
        for (element, note) in list.elements().iter().zip(&notes) {
            let failed = element.error().err().and_then(|error| error.rdkafka_error_code());
            match failed {
                // Not held any more: another member decides now.
                None | Some(RDKafkaErrorCode::State) => {}
                Some(code) => {
                    self.health
                        .complain(&format!("the offset of {} could not be stored ({code})", note.place));
                    self.stays.put_back(note);
                }
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread for the worker; gives false when its time is over.
fn wait(mut let_go: oneshot::Receiver<()>, deadline: Instant, desk: &Desk) -> bool {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if matches!(Pin::new(&mut let_go).poll(&mut context), Poll::Ready(_)) || desk.is_closing() {
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn in_a_while() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_worker_that_lets_go_on_another_thread_ends_the_wait() {
        let (let_go, waiting) = LetGo::new();
        let worker = thread::spawn(move || let_go.now());
        assert!(wait(waiting, in_a_while(), &Desk::default()));
        worker.join().unwrap();
    }

    #[test]
    fn a_member_that_closes_ends_the_wait() {
        let (_let_go, waiting) = LetGo::new();
        let desk = Desk::default();
        thread::scope(|scope| {
            desk.polled_by(thread::current());
            scope.spawn(|| desk.close());
            assert!(wait(waiting, in_a_while(), &desk));
        });
    }

    #[test]
    fn a_worker_that_keeps_its_partitions_is_waited_for_until_its_time_is_over() {
        let (_let_go, waiting) = LetGo::new();
        assert!(!wait(waiting, Instant::now() + Duration::from_millis(20), &Desk::default()));
    }
}
