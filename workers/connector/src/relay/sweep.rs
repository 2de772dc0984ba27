//! Publishes what a process that died has left behind: events that were committed and whose publication nobody has noted.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use peyvand::{
    bus::Producer,
    event::ConversationId,
    store::{LeftBehind, Outgoing, Store},
    worker::{Handler, patiently, publish},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::DRAIN;
use crate::Connector;

/// How often it is looked for events that nobody published, and how old they have to be.
const SWEEP_EACH: Duration = Duration::from_secs(5);
const LEFT_BEHIND: Duration = Duration::from_secs(10);
/// Events read at a time.
const PAGE: u32 = 4096;
/// What is published at the same time: every event takes one place and one more for each KiB of it, so that events and bytes
/// (32 MiB) are bounded by the same number.
const AT_ONCE: u32 = 1 << 15;
/// The places of a conversation at least: there are 4,096 beside each other at most, fewer than have their turns kept in mind.
const PLACES_MIN: usize = 8;
/// What was read so long ago may be published by somebody else by now, and more behind it: it is read again.
const STALE: Duration = Duration::from_secs(1);

/// What waits of a conversation, and when that was read.
type Left = (ConversationId, Vec<Outgoing>, Instant);

/// Publishes what dead processes of the group have left behind.
pub(crate) struct Sweep {
    store: Store,
    producer: Arc<dyn Producer>,
    each: Duration,
    older_than: Duration,
    places: Arc<Semaphore>,
    /// Conversations whose events are being published. One that cannot be published stays here, and the others go on.
    under_way: HashMap<ConversationId, AbortOnDropHandle<()>>,
}

impl Sweep {
    pub(crate) fn new(store: Store, producer: Arc<dyn Producer>) -> Self {
        Self {
            store,
            producer,
            each: SWEEP_EACH,
            older_than: LEFT_BEHIND,
            places: Arc::new(Semaphore::new(AT_ONCE as usize)),
            under_way: HashMap::new(),
        }
    }

    /// Looks again and again until it is told to stop; what is under way then is finished or left to the next start.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(self.each)).await.is_some() {
            shutdown.run_until_cancelled(self.look()).await;
        }
        let all_told = async {
            for (_, telling) in self.under_way {
                drop(telling.await);
            }
        };
        if tokio::time::timeout(DRAIN, all_told).await.is_err() {
            tracing::warn!(
                "events of dead processes were still being published at the end; they are found again"
            );
        }
    }

    /// Everything that is left behind now, page by page.
    async fn look(&mut self) {
        let mut after = None;
        loop {
            // Before the page is read: one that ends meanwhile may still be in it.
            self.under_way.retain(|_, telling| !telling.is_finished());
            let found = self.store.left_behind(Connector::GROUP, self.older_than, after.as_ref(), PAGE).await;
            let LeftBehind { conversations, next_after } = match found {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(kind = error.kind(), "{error}; looking again in five seconds");
                    return;
                }
            };
            let read_at = Instant::now();
            for (conversation_id, events) in conversations {
                if !self.under_way.contains_key(&conversation_id) {
                    self.begin((conversation_id, events, read_at)).await;
                }
            }
            let Some(next_after) = next_after else { return };
            after = Some(next_after);
        }
    }

    async fn begin(&mut self, left: Left) {
        // Never closed.
        let Ok(places) = Arc::clone(&self.places).acquire_many_owned(places_of(&left.1)).await else {
            return;
        };
        metrics::counter!("peyvand_left_behind_total").increment(left.1.len() as u64);
        let (store, producer, conversation_id) =
            (self.store.clone(), Arc::clone(&self.producer), left.0.clone());
        let telling = tokio::spawn(async move {
            tell(store, producer, left).await;
            drop(places);
        });
        self.under_way.insert(conversation_id, AbortOnDropHandle::new(telling));
    }
}

fn places_of(events: &[Outgoing]) -> u32 {
    let places: usize = events.iter().map(|one| 1 + one.record.size() / 1024).sum();
    u32::try_from(places.max(PLACES_MIN)).unwrap_or(AT_ONCE).min(AT_ONCE)
}

async fn tell(store: Store, producer: Arc<dyn Producer>, (conversation_id, events, read_at): Left) {
    let events = match read_at.elapsed() {
        ago if ago < STALE => events,
        _ => patiently(|| store.pending(Connector::GROUP, &conversation_id)).await,
    };
    publish(&store, &producer, Connector::GROUP, &conversation_id, events).await;
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::BoxFuture};
    use peyvand::{
        bus::{BusError, Headers, NewRecord, Offset, Topic, TopicPartition},
        event::EventId,
        store::{Commit, SqliteStore, Step, StepKey},
    };
    use tokio::{sync::mpsc, time::timeout};

    use super::*;

    const REFUSED: &str = "refused";

    /// A log that never takes what goes to one topic, and tells of the rest.
    struct HalfLog(mpsc::Sender<Option<Vec<u8>>>);

    impl Producer for HalfLog {
        fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
            if record.topic.as_str() == REFUSED {
                return std::future::pending().boxed();
            }
            self.0.try_send(record.key).unwrap();
            let place = TopicPartition { topic: record.topic, partition: 0 };
            std::future::ready(Ok((place, Offset(0)))).boxed()
        }
    }

    fn record(topic: &str, key: Option<Vec<u8>>, bytes: usize) -> NewRecord {
        let value = Some(vec![b'x'; bytes]);
        NewRecord { topic: Topic::new(topic), key, value, headers: Headers::default() }
    }

    /// The `nth` step of a conversation, whose process ends before it publishes.
    async fn leave_behind(store: &Store, conversation: &str, nth: i64, topic: &str) {
        let conversation_id = ConversationId::parse(conversation).unwrap();
        let event_id = EventId::of_message("test", &nth.to_string(), conversation);
        let step = Step {
            key: StepKey { group: Connector::GROUP, conversation_id, event_id, fingerprint: [0; 32] },
            version: nth - 1,
            last_seq: nth - 1,
            state: None,
            outgoing: vec![record(topic, Some(format!("{conversation} {nth}").into()), 10)],
            replies: Vec::new(),
            entries: Vec::new(),
        };
        assert!(matches!(store.commit(step).await.unwrap(), Commit::Done(_)));
    }

    struct Scene {
        file: std::path::PathBuf,
        store: Store,
        heard: mpsc::Receiver<Option<Vec<u8>>>,
        sweeping: AbortOnDropHandle<()>,
    }

    impl Scene {
        async fn begin() -> Self {
            let file = std::env::temp_dir().join(format!("peyvand-sweep-{}.sqlite", uuid::Uuid::new_v4()));
            let store: Store = SqliteStore::open(&file).await.unwrap().into();
            let (told, heard) = mpsc::channel(10);
            let sweep = Sweep {
                each: Duration::from_millis(10),
                older_than: Duration::ZERO,
                ..Sweep::new(store.clone(), Arc::new(HalfLog(told)))
            };
            let sweeping = AbortOnDropHandle::new(tokio::spawn(sweep.run(CancellationToken::new())));
            Self { file, store, heard, sweeping }
        }

        async fn heard(&mut self) -> String {
            let key = timeout(Duration::from_secs(30), self.heard.recv()).await.unwrap().unwrap();
            String::from_utf8(key.unwrap()).unwrap()
        }

        async fn end(self) {
            drop(self.sweeping);
            self.store.close().await;
            std::fs::remove_file(self.file).unwrap();
        }
    }

    #[tokio::test]
    async fn a_conversation_that_can_never_be_published_holds_up_no_other_not_even_one_left_later() {
        let mut scene = Scene::begin().await;
        leave_behind(&scene.store, "a", 1, REFUSED).await;
        leave_behind(&scene.store, "b", 1, "taken").await;
        assert_eq!(scene.heard().await, "b 1");
        leave_behind(&scene.store, "c", 1, "taken").await;
        assert_eq!(scene.heard().await, "c 1");
        scene.end().await;
    }

    #[tokio::test]
    async fn a_conversation_is_published_again_when_more_of_it_is_left_behind() {
        let mut scene = Scene::begin().await;
        for nth in 1..=3 {
            leave_behind(&scene.store, "a", nth, "taken").await;
            assert_eq!(scene.heard().await, format!("a {nth}"));
        }
        scene.end().await;
    }

    #[test]
    fn a_conversation_takes_places_for_its_events_and_kibibytes_some_at_least_and_never_more_than_there_are()
    {
        let events = |many: usize, bytes: usize| {
            vec![Outgoing { seq: 1, record: record("t", None, bytes), elsewhere_for: None }; many]
        };
        assert_eq!(places_of(&events(1, 10)), 8);
        assert_eq!(places_of(&events(30, 10)), 30);
        assert_eq!(places_of(&events(10, 3 << 10)), 40);
        assert_eq!(places_of(&events(40, 1 << 20)), AT_ONCE, "it would wait for ever");
    }
}
