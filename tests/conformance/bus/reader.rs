//! A member of a group as a test drives it, and what a test sends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use peyvand::bus::{
    Consumer, ConsumerEvent, Epoch, Headers, NewRecord, Offset, Producer, Record, Topic, TopicPartition,
};
use tokio::time::timeout;

/// Nothing here takes so long; what does is broken.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn record(topic: &Topic, key: &str, value: &str) -> NewRecord {
    NewRecord {
        topic: topic.clone(),
        key: Some(key.into()),
        value: Some(value.into()),
        headers: Headers::default(),
    }
}

pub(crate) fn text(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap()).unwrap()
}

/// Sends `many` records to each partition of the topic: "0", "1" and so on.
pub(crate) async fn fill(producer: &Arc<dyn Producer>, topic: &Topic, partitions: usize, many: usize) {
    let mut keys: BTreeMap<TopicPartition, (String, usize)> = BTreeMap::new();
    let mut tried = 0;
    while keys.len() < partitions {
        let key = format!("key-{tried}");
        tried += 1;
        // The first record of a partition tells where its key belongs.
        let place = producer.send(record(topic, &key, "0")).await.unwrap().0;
        // Another key of a known partition counts as the next record there.
        keys.entry(place).or_insert((key, 0)).1 += 1;
    }
    for (key, sent) in keys.into_values() {
        for number in sent..many {
            producer.send(record(topic, &key, &number.to_string())).await.unwrap();
        }
    }
}

pub(crate) struct Reader {
    pub(crate) consumer: Box<dyn Consumer>,
    pub(crate) held: BTreeMap<TopicPartition, Epoch>,
}

impl Reader {
    pub(crate) fn of(consumer: Box<dyn Consumer>) -> Self {
        Self { consumer, held: BTreeMap::new() }
    }

    /// The next event; what is held follows it.
    pub(crate) async fn event(&mut self, room: usize) -> ConsumerEvent {
        let Ok(event) = timeout(PATIENCE, self.consumer.next(room)).await else { panic!("nothing happened") };
        let event = event.unwrap();
        match &event {
            ConsumerEvent::Assigned(places) => self.held.extend(places.iter().cloned()),
            ConsumerEvent::Revoking(places, _) | ConsumerEvent::Lost(places) => {
                self.held.retain(|place, _| !places.contains(place));
            }
            ConsumerEvent::Records(records) => {
                assert!(!records.is_empty() && records.len() <= room, "{} records for {room}", records.len());
            }
        }
        event
    }

    /// The next event if there is one soon.
    pub(crate) async fn soon(&mut self, room: usize, within: Duration) -> Option<ConsumerEvent> {
        let mut event = None;
        let _over = timeout(within, async { event = Some(self.event(room).await) }).await;
        event
    }

    /// The next `many` records that belong to current stays; lets go at once of what is asked back.
    pub(crate) async fn records(&mut self, many: usize) -> Vec<(Record, Epoch)> {
        let mut read = Vec::new();
        while read.len() < many {
            match self.event(many - read.len()).await {
                ConsumerEvent::Records(records) => read.extend(self.current(records)),
                ConsumerEvent::Revoking(_, let_go) => let_go.now(),
                ConsumerEvent::Assigned(_) | ConsumerEvent::Lost(_) => {}
            }
        }
        read
    }

    pub(crate) fn current(&self, mut records: Vec<(Record, Epoch)>) -> Vec<(Record, Epoch)> {
        records.retain(|(record, epoch)| self.held.get(&record.place) == Some(epoch));
        records
    }

    /// Lets go and takes until exactly so many partitions are held.
    pub(crate) async fn hold(&mut self, partitions: usize) {
        while self.held.len() != partitions {
            if let ConsumerEvent::Revoking(_, let_go) = self.event(0).await {
                let_go.now();
            }
        }
    }

    pub(crate) fn store(&self, record: &Record, epoch: Epoch) {
        self.consumer.store(&record.place, epoch, record.offset.next());
    }

    pub(crate) async fn close(self) {
        self.consumer.close().await.unwrap();
    }
}

/// Where each record stands, in order and without its epoch.
pub(crate) fn places(records: &[(Record, Epoch)]) -> Vec<(TopicPartition, Offset)> {
    let mut places: Vec<_> =
        records.iter().map(|(record, _)| (record.place.clone(), record.offset)).collect();
    places.sort();
    places
}

/// Drives two members until they hold so many partitions each.
pub(crate) async fn hold_both(a: (&mut Reader, usize), b: (&mut Reader, usize)) {
    let within = Duration::from_millis(50);
    let end = tokio::time::Instant::now() + PATIENCE;
    while a.0.held.len() != a.1 || b.0.held.len() != b.1 {
        for reader in [&mut *a.0, &mut *b.0] {
            if let Some(ConsumerEvent::Revoking(_, let_go)) = reader.soon(0, within).await {
                let_go.now();
            }
        }
        assert!(tokio::time::Instant::now() < end, "{:?} {:?}", a.0.held, b.0.held);
    }
}
