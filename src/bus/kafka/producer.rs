//! The one producer of a process. A send is done when all in-sync replicas have the record; nothing is sent twice by
//! hand, librdkafka repeats and keeps the order.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Semaphore;

use super::health::Health;
use super::refusals::Refusals;
use super::{KafkaConfig, settings};
use crate::bus::record::MOST_RECORD_BYTES;
use crate::bus::{BusError, Headers, NewRecord, Offset, Producer, Topic, TopicPartition};

/// What may be in flight: every record takes one unit and one more for each KiB of it, so that records (65,536) and
/// bytes (64 MiB) are bounded by the same number.
const IN_FLIGHT: usize = 1 << 16;

/// Callbacks of the producer, on its own thread.
pub(super) struct Callbacks(Arc<Health>);

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.statistics(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.broken(reason);
        } else {
            self.0.complain(reason);
        }
    }
}

impl Callbacks {
    fn broken(&self, reason: &str) {
        if !self.0.is_over() {
            tracing::error!(
                "the Kafka producer cannot keep its promises any more ({reason}); the process must be started again"
            );
        }
        self.0.end();
    }
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Arc<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Arc<Delivery>) {
        delivery.complete(match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)),
        });
    }
}

/// Partition and offset, or why not.
type Outcome = Result<(i32, i64), RDKafkaErrorCode>;

/// What a send waits for: one allocation, one waker, no task.
#[derive(Default)]
pub(super) struct Delivery {
    outcome: Mutex<Option<Outcome>>,
    waiting: AtomicWaker,
}

impl Delivery {
    fn complete(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.waiting.wake();
    }

    async fn done(&self) -> Outcome {
        poll_fn(|context| {
            self.waiting.register(context.waker());
            match *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(outcome) => Poll::Ready(outcome),
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// The producer with its bound.
pub(super) struct Publisher {
    /// There until this is dropped.
    native: Option<ThreadedProducer<Callbacks>>,
    in_flight: Semaphore,
    health: Arc<Health>,
    pub(super) refusals: Refusals,
}

impl Publisher {
    /// Makes the producer; no broker need be up.
    pub(super) fn new(config: &KafkaConfig, health: Arc<Health>) -> Result<Self, BusError> {
        let native = settings::producer(config)
            .create_with_context(Callbacks(Arc::clone(&health)))
            .map_err(|error| settings::refused(&error))?;
        let (in_flight, refusals) = (Semaphore::new(IN_FLIGHT), Refusals::default());
        Ok(Self { native: Some(native), in_flight, health, refusals })
    }

    /// The client, for questions to the cluster.
    pub(super) fn client(&self) -> Result<&rdkafka::client::Client<Callbacks>, BusError> {
        self.native.as_ref().map(|native| native.client()).ok_or(BusError::Closed)
    }

    /// Waits until everything is delivered or given up. Blocks.
    pub(super) fn flush(&self, within: Duration) -> Result<(), BusError> {
        let Some(native) = &self.native else { return Ok(()) };
        native.flush(within).map_err(|_| {
            BusError::Unavailable(
                "not every record was acknowledged before closing; those are published again".to_owned(),
            )
        })
    }

    async fn publish(&self, record: NewRecord) -> Result<(TopicPartition, Offset), BusError> {
        let size = record.size();
        if size > MOST_RECORD_BYTES {
            return Err(BusError::TooLarge { topic: record.topic, size, limit: MOST_RECORD_BYTES });
        }
        let units = u32::try_from(1 + size / 1024).unwrap_or(u32::MAX);
        let _in_flight = self.in_flight.acquire_many(units).await.map_err(|_| BusError::Closed)?;
        if self.health.is_over() {
            return Err(BusError::Closed);
        }
        let delivery = Arc::new(Delivery::default());
        let outcome = match self.enqueue(&record, Arc::clone(&delivery)) {
            Ok(()) => delivery.done().await,
            Err(code) => Err(code),
        };
        match outcome {
            Ok((partition, offset)) => {
                self.refusals.taken(&record.topic, size);
                Ok((TopicPartition { topic: record.topic, partition }, Offset(offset)))
            }
            Err(code) => Err(self.refused(code, record.topic, size)),
        }
    }

    fn enqueue(&self, record: &NewRecord, delivery: Arc<Delivery>) -> Result<(), RDKafkaErrorCode> {
        let Some(native) = &self.native else { return Err(RDKafkaErrorCode::PurgeQueue) };
        let mut native_record = BaseRecord::<[u8], [u8], _>::with_opaque_to(record.topic.as_str(), delivery);
        native_record.key = record.key.as_deref();
        native_record.payload = record.value.as_deref();
        native_record.headers = headers(&record.headers);
        native.send(native_record).map_err(|(error, _)| match error {
            KafkaError::Nul(_) => RDKafkaErrorCode::UnknownTopic,
            other => other.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown),
        })
    }

    fn refused(&self, code: RDKafkaErrorCode, topic: Topic, size: usize) -> BusError {
        let error = self.failure(code, topic.clone(), size);
        let until_taken = match &error {
            BusError::UnknownTopic(_) => Some(0),
            BusError::TooLarge { .. } => Some(size),
            // Whether the brokers answer at all, health sees for itself.
            BusError::Unavailable(_) => (code == RDKafkaErrorCode::TopicAuthorizationFailed).then_some(0),
            BusError::Partitions { .. } | BusError::Settings(_) | BusError::Closed => None,
        };
        if let Some(least) = until_taken {
            self.refusals.refused(&topic, least, Instant::now(), error.to_string());
        }
        error
    }

    fn failure(&self, code: RDKafkaErrorCode, topic: Topic, size: usize) -> BusError {
        match code {
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::InvalidTopic => BusError::UnknownTopic(topic),
            RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize => {
                tracing::warn!(
                    "{topic} does not take a record that Peyvand allows; set its max.message.bytes to {}",
                    settings::MOST_MESSAGE_BYTES
                );
                BusError::TooLarge { topic, size, limit: MOST_RECORD_BYTES }
            }
            RDKafkaErrorCode::TopicAuthorizationFailed => BusError::Unavailable(format!(
                "the brokers do not let this user write {topic}; allow it by an ACL"
            )),
            RDKafkaErrorCode::Fatal => {
                self.health.end();
                BusError::Closed
            }
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight => BusError::Closed,
            _ if self.health.is_over() => BusError::Closed,
            other => BusError::Unavailable(format!("{topic}: {other}")),
        }
    }
}

impl Producer for Publisher {
    fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
        Box::pin(self.publish(record))
    }
}

impl Drop for Publisher {
    /// Ending the producer waits for its thread, which the dropping one may not.
    fn drop(&mut self) {
        let native = self.native.take();
        // Without a thread to be had, the process ends anyway.
        drop(std::thread::Builder::new().name("kafka-producer-end".to_owned()).spawn(move || drop(native)));
    }
}

fn headers(headers: &Headers) -> Option<OwnedHeaders> {
    if headers.0.is_empty() {
        return None;
    }
    let native = OwnedHeaders::new_with_capacity(headers.0.len());
    Some(headers.0.iter().fold(native, |native, (name, value)| {
        native.insert(Header { key: name, value: Some(value.as_slice()) })
    }))
}
