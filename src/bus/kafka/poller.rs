//! The one thread that touches a member's client: polls, copies records out of librdkafka, lays them on the desk, and
//! at the end leaves the group. Nothing of it runs on a worker thread of the runtime.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;

use super::desk::{Batch, Fill, Over, weight};
use super::message::record_of;
use super::rebalance::{Callbacks, Shared};
use super::settings;
use super::stays::Stays;
use crate::bus::{BusError, Epoch, Offset, Topic, TopicPartition};

/// How long a poll waits for the first record; also how soon notes reach librdkafka and a closing member is seen.
const POLL: Duration = Duration::from_millis(100);
/// A batch is laid down when it has so many records or bytes.
const MOST_RECORDS: usize = 256;
const MOST_BYTES: usize = 1 << 20;
/// Even paused partitions may give what was on its way. So much of it is kept, then polling waits as well.
const MOST_PENDING: usize = 1024;
const MOST_PENDING_BYTES: usize = 8 << 20;
/// How long a full desk is waited for before reading is paused. A pause throws away what is fetched ahead.
const HOLD: Duration = Duration::from_secs(1);
/// How often a missing topic is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

const OTHER_STRATEGY: &str = "a group of Peyvand's has members that share its partitions out in another way; stop the \
                              programs that are not Peyvand, or give them a group of their own";
const FENCED: &str = "another process has the same kafka.group_instance_id and has taken the place of this one; give \
                      each process its own";

/// The work of a poll thread.
pub(super) struct Poller {
    client: ClientConfig,
    consumer: BaseConsumer<Callbacks>,
    shared: Arc<Shared>,
    gathered: Gathered,
    noted_at: Instant,
    /// Since when the desk is full.
    full_since: Option<Instant>,
    missing: Option<Missing>,
}

/// A topic is not there.
struct Missing {
    since: Instant,
    looked: Instant,
}

/// What is read and not laid down yet.
#[derive(Default)]
struct Gathered {
    batch: Batch,
    /// The stay of the last record: those of one partition come in rows. Forgotten whenever partitions may have moved.
    reading: Option<(TopicPartition, Epoch)>,
}

/// Tells the member that nothing more comes, however the thread ends.
struct Ending {
    shared: Arc<Shared>,
    _ended: oneshot::Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.desk.end(Over::Closed);
    }
}

/// Starts the thread of a member; what it gives wakes when the thread has left the group.
pub(super) fn start(client: ClientConfig, shared: Arc<Shared>) -> Result<oneshot::Receiver<()>, BusError> {
    let (ended, when_ended) = oneshot::channel();
    let ending = Ending { shared: Arc::clone(&shared), _ended: ended };
    let poller = Poller::join(client, shared).map_err(|error| settings::refused(&error))?;
    let name = format!("kafka-{}", poller.shared.group);
    let thread = thread::Builder::new().name(name).spawn(move || {
        let _ending = ending;
        poller.run();
    });
    // Nobody joins it: a client that hangs while it leaves must not hang the process.
    thread
        .map(drop)
        .map_err(|error| BusError::Unavailable(format!("no thread could be started ({})", error.kind())))?;
    Ok(when_ended)
}

/// Why a client is not polled any more.
enum Turned {
    Over(Over),
    /// A topic is another than the one this client knows.
    MadeAnew,
}

impl From<Over> for Turned {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl Poller {
    fn join(client: ClientConfig, shared: Arc<Shared>) -> KafkaResult<Self> {
        let consumer: BaseConsumer<Callbacks> = client.create_with_context(Callbacks(Arc::clone(&shared)))?;
        let names: Vec<&str> = shared.topics.iter().map(Topic::as_str).collect();
        consumer.subscribe(&names)?;
        Ok(Self {
            client,
            consumer,
            shared,
            gathered: Gathered::default(),
            noted_at: Instant::now(),
            full_since: None,
            missing: None,
        })
    }

    fn run(mut self) {
        self.shared.desk.polled_by(thread::current());
        let over = loop {
            match self.until_over() {
                Turned::Over(over) => break over,
                Turned::MadeAnew => match self.renewed() {
                    Ok(renewed) => self = renewed,
                    // It is said, and the member is at its end.
                    Err(()) => return,
                },
            }
        };
        self.shared.desk.end(over);
        // From here on nobody is asked to let go.
        self.shared.desk.close();
        self.shared.store_notes(&self.consumer);
        drop(self.consumer);
    }

    fn until_over(&mut self) -> Turned {
        while !self.shared.desk.is_closing() {
            if self.shared.health.is_over() {
                return Over::Closed.into();
            }
            self.shared.heart.turn();
            self.store_notes_in_time();
            match self.begin_again() {
                Ok(false) => {}
                Ok(true) => return Turned::MadeAnew,
                Err(over) => return over.into(),
            }
            if let Err(over) = self.look_for_topics().and_then(|()| self.gather()) {
                return over.into();
            }
            self.lay_down();
        }
        Over::Closed.into()
    }

    /// Leaves the group and joins it with a new client: one that knew the old topic believes no broker whose partitions have
    /// fewer leaders behind them than the old ones had (`rktp_leader_epoch` of librdkafka), and would read nothing of the new ones for ever.
    fn renewed(self) -> Result<Self, ()> {
        let Self { client, consumer: old, shared, .. } = self;
        drop(old);
        let group = shared.group.clone();
        Self::join(client, shared).map_err(|error| {
            tracing::error!(
                group,
                "the group could not be joined again ({error}); the process must be started again"
            );
        })
    }

    fn store_notes_in_time(&mut self) {
        if self.noted_at.elapsed() >= POLL {
            self.noted_at = Instant::now();
            self.shared.store_notes(&self.consumer);
        }
    }

    /// After a topic was made anew, or a partition was begun again because the group's place in it was not there. Gives whether
    /// it was a topic.
    fn begin_again(&mut self) -> Result<bool, Over> {
        let (places, is_topic) = self.shared.anew.take(|| self.shared.stays.places());
        if places.is_empty() {
            return Ok(is_topic);
        }
        self.gathered.reading = None;
        let group = self.shared.group.clone();
        for place in &places {
            tracing::warn!(
                group, %place,
                "the log no longer has this group's place in the partition, or the topic was made anew: it is read from \
                 its oldest record; what was worked on before is known and not done again, but what was deleted before \
                 it was read is lost"
            );
        }
        let many = u64::try_from(places.len()).unwrap_or(u64::MAX);
        metrics::counter!("peyvand_partitions_begun_again_total", "group" => group).increment(many);
        let begun = self.shared.begin_again(&self.consumer, &places);
        begun.map(|()| is_topic).map_err(|error| {
            tracing::error!(
                group = self.shared.group,
                "partitions could not be begun again ({error}); the process must be started again"
            );
            Over::Closed
        })
    }

    fn is_paused(&self) -> bool {
        self.shared.paused.load(Ordering::Relaxed)
    }

    /// No more fits before something is laid down.
    fn is_held(&self) -> bool {
        let batch = &self.gathered.batch;
        if self.is_paused() {
            batch.records.len() >= MOST_PENDING || batch.bytes >= MOST_PENDING_BYTES
        } else {
            self.full_since.is_some()
        }
    }

    /// Reads what is there. A paused member polls as well, so that partitions can move.
    fn gather(&mut self) -> Result<(), Over> {
        if self.is_held() {
            return Ok(());
        }
        let mut patience = POLL;
        loop {
            match self.consumer.poll(patience) {
                None => {
                    // Partitions move only inside a poll, and such a poll gives no record.
                    self.gathered.reading = None;
                    return Ok(());
                }
                Some(Ok(message)) => self.gathered.add(&self.shared.stays, &message),
                Some(Err(error)) => self.judge(&error)?,
            }
            let batch = &self.gathered.batch;
            if batch.records.len() >= MOST_RECORDS || batch.bytes >= MOST_BYTES {
                return Ok(());
            }
            patience = Duration::ZERO;
        }
    }

    fn judge(&mut self, error: &KafkaError) -> Result<(), Over> {
        match error {
            // The error itself only says that there is one.
            KafkaError::MessageConsumptionFatal(_)
            | KafkaError::MessageConsumption(RDKafkaErrorCode::Fatal) => Err(self.fatal()),
            // librdkafka would ask to be let in for ever, and the group never lets it.
            KafkaError::MessageConsumption(RDKafkaErrorCode::InconsistentGroupProtocol) => {
                Err(Over::Refused(OTHER_STRATEGY))
            }
            KafkaError::MessageConsumption(
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic,
            ) => {
                let now = Instant::now();
                let _since = self.missing.get_or_insert(Missing { since: now, looked: now });
                Ok(())
            }
            KafkaError::PartitionEOF(_) => Ok(()),
            other => {
                self.shared.health.complain(&other.to_string());
                Ok(())
            }
        }
    }

    /// Why the client does not read any more.
    fn fatal(&self) -> Over {
        match self.consumer.client().fatal_error() {
            Some((RDKafkaErrorCode::FencedInstanceId, _)) => Over::Refused(FENCED),
            other => {
                let code = other.map_or(RDKafkaErrorCode::Fatal, |(code, _)| code);
                tracing::error!(
                    group = self.shared.group,
                    "reading cannot go on ({code}); the process must be started again"
                );
                Over::Closed
            }
        }
    }

    /// After a topic was told to be missing: is it still?
    fn look_for_topics(&mut self) -> Result<(), Over> {
        let Some(missing) = &mut self.missing else { return Ok(()) };
        if missing.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        missing.looked = Instant::now();
        let Ok(metadata) = self.consumer.fetch_metadata(None, LOOK_EVERY) else { return Ok(()) };
        let there = |topic: &Topic| metadata.topics().iter().any(|there| there.name() == topic.as_str());
        match self.shared.topics.iter().find(|topic| !there(topic)) {
            None => self.missing = None,
            Some(topic) if missing.since.elapsed() >= self.shared.limits.missing => {
                return Err(Over::UnknownTopic(topic.clone()));
            }
            Some(topic) => self.shared.health.complain(&format!("topic {topic} does not exist")),
        }
        Ok(())
    }

    /// Lays down what is read. A full desk is waited for, and when it stays full reading is paused until it is half empty.
    fn lay_down(&mut self) {
        let paused = self.is_paused();
        if self.gathered.batch.records.is_empty() && !paused {
            return;
        }
        let fill = if paused { Fill::Half } else { Fill::NotFull };
        if self.shared.desk.offer(&mut self.gathered.batch, fill) {
            self.full_since = None;
            if paused {
                self.pause(false);
            }
            return;
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        let left = HOLD.saturating_sub(since.elapsed());
        if paused {
            if self.is_held() {
                thread::park_timeout(POLL);
            }
        } else if left.is_zero() {
            self.pause(true);
        } else {
            thread::park_timeout(left.min(POLL));
        }
    }

    fn pause(&mut self, pause: bool) {
        let places = self.shared.stays.places();
        let mut list = TopicPartitionList::with_capacity(places.len());
        for place in &places {
            let _added = list.add_partition(place.topic.as_str(), place.partition);
        }
        let done: KafkaResult<()> =
            if pause { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        match done {
            Ok(()) => self.shared.paused.store(pause, Ordering::Relaxed),
            Err(error) => {
                self.shared.health.complain(&format!("reading could not be paused or resumed: {error}"))
            }
        }
    }
}

impl Gathered {
    fn add(&mut self, stays: &Stays, message: &BorrowedMessage<'_>) {
        let (topic, partition) = (message.topic(), message.partition());
        let offset = Offset(message.offset());
        let same = self
            .reading
            .as_ref()
            .is_some_and(|(place, _)| place.partition == partition && place.topic.as_str() == topic);
        if !same {
            self.reading = stays.of_record(topic, partition, offset);
        }
        // A record of a partition that is not held is read by the member that holds it.
        let Some((place, epoch)) = &self.reading else { return };
        let record = record_of(place.clone(), message);
        self.batch.bytes += weight(&record);
        self.batch.records.push((record, *epoch));
    }
}
