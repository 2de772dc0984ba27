//! Reading topics from their ends on, from the outside: no group is joined, so that nothing of it stays on the brokers.

use std::{sync::Arc, thread, time::Duration};

use futures_util::future::BoxFuture;
use rdkafka::{
    Message, Offset as Position, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use tokio::sync::mpsc;

use super::{
    KafkaConfig,
    cluster::{ANSWER_WITHIN, blocking, no_answer},
    health::Health,
    message::record_of,
    settings,
};
use crate::bus::{BusError, Consumer, ConsumerEvent, Epoch, NextOffset, Record, Topic, TopicPartition};

/// Records that are read and not asked for yet.
const READY_MAX: usize = 256;
/// How long a poll waits; also how soon it is seen that nobody listens.
const POLL: Duration = Duration::from_millis(100);
/// There is one stay, and it does not end.
const STAY: Epoch = Epoch(0);

/// Who reads what comes from now on.
pub(super) struct Follower(mpsc::Receiver<Record>);

impl Follower {
    /// Begins at the ends that the partitions have now.
    pub(super) async fn begin(
        config: &KafkaConfig,
        health: &Arc<Health>,
        places: Vec<TopicPartition>,
    ) -> Result<Self, BusError> {
        let settings = settings::onlooker(config, "peyvand-onlooker");
        let onlooker = blocking(move || {
            let onlooker: BaseConsumer = settings.create().map_err(|error| settings::refused(&error))?;
            at_the_ends(&onlooker, &places)?;
            Ok(onlooker)
        })
        .await?;
        let (sender, receiver) = mpsc::channel(READY_MAX);
        let health = Arc::clone(health);
        let thread = thread::Builder::new().name("kafka-follower".to_owned());
        drop(thread.spawn(move || read(&onlooker, &sender, &health)).map_err(|error| {
            BusError::Unavailable(format!("no thread could be started ({})", error.kind()))
        })?);
        Ok(Self(receiver))
    }
}

fn at_the_ends(onlooker: &BaseConsumer, places: &[TopicPartition]) -> Result<(), BusError> {
    let mut list = TopicPartitionList::with_capacity(places.len());
    for place in places {
        let (name, partition) = (place.topic.as_str(), place.partition);
        let (_, end) =
            onlooker.fetch_watermarks(name, partition, ANSWER_WITHIN).map_err(|error| no_answer(&error))?;
        list.add_partition_offset(name, partition, Position::Offset(end))
            .map_err(|error| no_answer(&error))?;
    }
    onlooker.assign(&list).map_err(|error| no_answer(&error))
}

fn read(onlooker: &BaseConsumer, sender: &mpsc::Sender<Record>, health: &Health) {
    while !sender.is_closed() && !health.is_over() {
        match onlooker.poll(POLL) {
            None => {}
            Some(Ok(message)) => {
                let place =
                    TopicPartition { topic: Topic::new(message.topic()), partition: message.partition() };
                if sender.blocking_send(record_of(place, &message)).is_err() {
                    return;
                }
            }
            // librdkafka goes on by itself when the brokers are back.
            Some(Err(error)) => health.complain(&error.to_string()),
        }
    }
}

impl Consumer for Follower {
    fn next(&mut self, room: usize) -> BoxFuture<'_, Result<ConsumerEvent, BusError>> {
        Box::pin(async move {
            if room == 0 {
                // Partitions do not move here.
                return std::future::pending().await;
            }
            let mut records = Vec::new();
            match self.0.recv_many(&mut records, room).await {
                0 => Err(BusError::Closed),
                _ => Ok(ConsumerEvent::Records(records.into_iter().map(|record| (record, STAY)).collect())),
            }
        })
    }

    fn store(&self, _place: &TopicPartition, _epoch: Epoch, _next: NextOffset) {}

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), BusError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
