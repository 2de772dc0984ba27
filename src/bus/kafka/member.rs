//! A member of a group as workers see it. Everything that may block is on its poll thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::anew::Anew;
use super::desk::Desk;
use super::health::Health;
use super::rebalance::Shared;
use super::stays::Stays;
use super::{KafkaConfig, Limits, poller, settings};
use crate::bus::{BusError, Consumer, ConsumerEvent, Epoch, NextOffset, Topic, TopicPartition};

/// As long as the group waits for a silent member: from then on nobody would hear it anyway. librdkafka itself has no bound
/// while the coordinator is away.
const LEAVE_WITHIN: Duration = Duration::from_millis(settings::SESSION_TIMEOUT_MS);

/// A member of a group. It leaves when it is dropped.
pub(super) struct Member {
    pub(super) shared: Arc<Shared>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Member {
    /// Makes the client and starts its thread; joining the group goes on there.
    pub(super) fn join(
        config: &KafkaConfig,
        limits: Limits,
        health: &Arc<Health>,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, BusError> {
        if health.is_over() {
            return Err(BusError::Closed);
        }
        if let Some(topic) = topics.iter().find(|topic| topic.as_str().contains('\0')) {
            return Err(BusError::UnknownTopic(topic.clone()));
        }
        let shared = Arc::new(Shared {
            group: group.to_owned(),
            topics: topics.to_vec(),
            limits,
            desk: Desk::default(),
            stays: Stays::default(),
            anew: Anew::default(),
            paused: AtomicBool::new(false),
            health: Arc::clone(health),
            heart: health.member(),
        });
        let mut client = settings::consumer(config, group);
        client.set("max.poll.interval.ms", limits.poll.as_millis().to_string());
        let ended = poller::start(client, Arc::clone(&shared))?;
        Ok(Self { shared, ended: Some(ended) })
    }
}

impl Consumer for Member {
    fn next(&mut self, room: usize) -> BoxFuture<'_, Result<ConsumerEvent, BusError>> {
        Box::pin(self.shared.desk.next(room))
    }

    fn store(&self, place: &TopicPartition, epoch: Epoch, next: NextOffset) {
        self.shared.stays.note(place, epoch, next);
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<(), BusError>> {
        let ended = self.ended.take();
        drop(self);
        Box::pin(async move {
            let Some(ended) = ended else { return Ok(()) };
            // The thread says it by ending.
            tokio::time::timeout(LEAVE_WITHIN, ended).await.map(drop).map_err(|_| {
                BusError::Unavailable(
                    "leaving the group took too long; records settled last may be read again".to_owned(),
                )
            })
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.desk.close();
    }
}
