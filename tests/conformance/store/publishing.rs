//! Two processes tell one conversation something at the same time: each publishes its own, in the conversation's order.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use peyvand::{
    bus::{BusError, NewRecord, Offset, Producer, TopicPartition},
    store::{Step, Store},
    worker::publish,
};
use tokio::time::timeout;

use super::stage::{GROUP, Stage, conversation, done, key, record, step};

const LONG: Duration = Duration::from_secs(30);

/// A log that only remembers.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<String>>);

impl Log {
    /// A log, and who writes to it.
    pub(crate) fn begin() -> (Arc<Self>, Arc<dyn Producer>) {
        let log = Arc::new(Self::default());
        let producer = Arc::clone(&log) as _;
        (log, producer)
    }
}

impl Producer for Log {
    fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
        let place = TopicPartition { topic: record.topic, partition: 0 };
        let mut said = self.0.lock().unwrap();
        said.push(String::from_utf8(record.value.unwrap()).unwrap());
        let offset = Offset(i64::try_from(said.len()).unwrap() - 1);
        async move { Ok((place, offset)) }.boxed()
    }
}

pub(crate) async fn says(store: &Store, event: &str, version: i64) -> Vec<peyvand::store::Outgoing> {
    done(store, Step { outgoing: vec![record(event)], ..step(&key("c", event), version) }).await
}

pub(crate) async fn what_another_process_is_about_to_publish_is_left_to_it(stage: &Stage) {
    let [one, two] = stage.open_twice().await;
    let (log, producer) = Log::begin();
    let c = conversation("c");
    let first = says(&one, "first", 0).await;
    let second = says(&two, "second", 1).await;
    assert_eq!(second.len(), 2, "what waits before is known");
    // The one that is behind goes first: it has to wait, whatever the machine's threads do.
    let (behind, ahead) =
        (publish(&two, &producer, GROUP, &c, second), publish(&one, &producer, GROUP, &c, first));
    timeout(LONG, async { tokio::join!(behind, ahead) }).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), ["first", "second"]);
    for store in [one, two] {
        store.close().await;
    }
    let store = stage.open().await;
    assert!(store.pending(GROUP, &c).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn a_long_run_of_events_that_are_still_noted_is_published_once(stage: &Stage) {
    let store = stage.open().await;
    let (log, producer) = Log::begin();
    let c = conversation("c");
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for (version, name) in (0..).zip(&names) {
        let _all_so_far = says(&store, name, version).await;
    }
    // A lane and a relay hold the same events at the same time.
    let lane = store.pending(GROUP, &c).await.unwrap();
    let relay = lane.clone();
    assert_eq!(lane.len(), names.len());
    tokio::join!(publish(&store, &producer, GROUP, &c, lane), publish(&store, &producer, GROUP, &c, relay));
    assert_eq!(*log.0.lock().unwrap(), names);
    store.close().await;
}

pub(crate) async fn what_a_dead_process_was_about_to_publish_is_published_by_another(stage: &Stage) {
    let [one, two] = stage.open_twice().await;
    let (log, producer) = Log::begin();
    let c = conversation("c");
    let _never_published = says(&one, "first", 0).await;
    let second = says(&two, "second", 1).await;
    timeout(LONG, publish(&two, &producer, GROUP, &c, second)).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), ["first", "second"]);
    for store in [one, two] {
        store.close().await;
    }
}
