//! A member of a group: tells its changes, reads ahead a little, and leaves when it is dropped. Never polls an idle
//! log; it sleeps until something is appended or its share changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, oneshot, watch};

use super::Inner;
use super::assignment::MemberId;
use super::group::Change;
use super::reader;
use super::shared::Place;
use crate::bus::{
    BusError, Consumer, ConsumerEvent, Epoch, LetGo, NextOffset, Record, Topic, TopicPartition,
};

/// Records read ahead.
const AHEAD: usize = 256;

struct Position {
    epoch: Epoch,
    place: Place,
    next: i64,
}

/// A member of a group.
pub(super) struct Member {
    inner: Arc<Inner>,
    group: String,
    id: MemberId,
    wake: Arc<Notify>,
    appended: watch::Receiver<u64>,
    positions: BTreeMap<TopicPartition, Position>,
    ahead: VecDeque<(Record, Epoch)>,
}

impl Member {
    /// Joins a group.
    pub(super) fn join(
        inner: Arc<Inner>,
        appended: watch::Receiver<u64>,
        group: &str,
        topics: &[Topic],
    ) -> Result<Self, BusError> {
        if appended.has_changed().is_err() {
            return Err(BusError::Closed);
        }
        let mut partitions = std::collections::BTreeSet::new();
        for topic in topics {
            let known = inner.shared.known(topic).ok_or_else(|| BusError::UnknownTopic(topic.clone()))?;
            partitions.extend(
                (0..known.spec.partitions)
                    .map(|partition| TopicPartition { topic: topic.clone(), partition }),
            );
        }
        let wake = Arc::new(Notify::new());
        let let_go_by = Instant::now() + inner.limits.let_go;
        let id = inner.groups.join(group, topics.iter().cloned().collect(), partitions, &wake, let_go_by);
        inner.take_away_at(group, let_go_by);
        Ok(Self {
            inner,
            group: group.to_owned(),
            id,
            wake,
            appended,
            positions: BTreeMap::new(),
            ahead: VecDeque::new(),
        })
    }

    async fn next_event(&mut self, room: usize) -> Result<ConsumerEvent, BusError> {
        loop {
            if self.appended.has_changed().is_err() {
                return Err(BusError::Closed);
            }
            let _seen = *self.appended.borrow_and_update();
            if let Some(change) = self.inner.groups.change(&self.group, self.id) {
                return self.apply(change);
            }
            if room > 0 {
                if !self.ahead.is_empty() {
                    let taken = self.ahead.drain(..room.min(self.ahead.len())).collect();
                    return Ok(ConsumerEvent::Records(taken));
                }
                if self.read_ahead().await? {
                    continue;
                }
            }
            tokio::select! {
                () = self.wake.notified() => {}
                changed = self.appended.changed() => changed.map_err(|_| BusError::Closed)?,
            }
        }
    }

    fn apply(&mut self, change: Change) -> Result<ConsumerEvent, BusError> {
        match change {
            Change::Assigned(assigned) => {
                for (name, epoch) in &assigned {
                    let place = self.inner.shared.place(name)?;
                    let next = self.inner.shared.offsets.get(&self.group, name).map_or(0, |next| next.0);
                    let _new = self.positions.insert(name.clone(), Position { epoch: *epoch, place, next });
                }
                Ok(ConsumerEvent::Assigned(assigned))
            }
            Change::Asked(asked) => {
                let names: Vec<TopicPartition> = asked.iter().map(|(name, _)| name.clone()).collect();
                self.forget(&names);
                let (let_go, waiting) = LetGo::new();
                self.release_after(waiting, asked);
                Ok(ConsumerEvent::Revoking(names, let_go))
            }
            Change::Lost(names) => {
                self.forget(&names);
                Ok(ConsumerEvent::Lost(names))
            }
        }
    }

    fn forget(&mut self, names: &[TopicPartition]) {
        self.positions.retain(|name, _| !names.contains(name));
        self.ahead.retain(|(record, _)| !names.contains(&record.place));
    }

    /// What is let go is written before another member gets it.
    fn release_after(&self, waiting: oneshot::Receiver<()>, asked: Vec<(TopicPartition, Epoch)>) {
        let (inner, group, id) = (Arc::downgrade(&self.inner), self.group.clone(), self.id);
        drop(tokio::spawn(async move {
            // Dropping the handle lets go as well.
            let _let_go = waiting.await;
            let Some(inner) = inner.upgrade() else { return };
            if let Err(error) = inner.flush().await {
                tracing::warn!(kind = error.kind(), "stored offsets stay in memory; trying again");
            }
            inner.groups.release(&group, id, &asked);
        }));
    }

    /// Reads from every partition that has more; gives whether there was any.
    async fn read_ahead(&mut self) -> Result<bool, BusError> {
        let heads: Vec<(TopicPartition, i64)> = self
            .positions
            .iter()
            .map(|(name, position)| (name.clone(), self.inner.shared.heads.of(position.place)))
            .filter(|(name, head)| self.positions.get(name).is_some_and(|position| position.next < *head))
            .collect();
        let share = (AHEAD / heads.len().max(1)).max(1);
        for (name, head) in heads.iter().take(AHEAD) {
            let Some(position) = self.positions.get_mut(name) else { continue };
            let read = reader::read(&self.inner.reads, position.place, name, position.next, share).await?;
            // Nothing there below the head: retention has taken it.
            position.next = read.last().map_or(*head, |record| record.offset.next().0);
            let epoch = position.epoch;
            self.ahead.extend(read.into_iter().map(|record| (record, epoch)));
        }
        Ok(!heads.is_empty())
    }

    fn leave(&self) {
        let let_go_by = Instant::now() + self.inner.limits.let_go;
        self.inner.groups.leave(&self.group, self.id, let_go_by);
        self.inner.take_away_at(&self.group, let_go_by);
    }
}

impl Consumer for Member {
    fn next(&mut self, room: usize) -> BoxFuture<'_, Result<ConsumerEvent, BusError>> {
        Box::pin(self.next_event(room))
    }

    fn store(&self, place: &TopicPartition, epoch: Epoch, next: NextOffset) {
        self.inner.groups.while_held(&self.group, self.id, place, epoch, || {
            self.inner.shared.offsets.advance(&self.group, place, next);
        });
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), BusError>> {
        Box::pin(async move {
            self.leave();
            self.inner.flush().await
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}
