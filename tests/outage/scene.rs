//! Workers, and messages for them.

use std::time::{Duration, Instant};

use peyvand::{
    bus::{
        NewRecord, Topic,
        kafka::{KafkaBus, KafkaConfig, Lag},
    },
    codec::{Registry, RegistryConfig, Schemas},
    event::EventId,
};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{
    message::message,
    process::{Settings, Worker, free_port, server, targets},
};

pub(crate) const WORKERS: [&str; 4] = ["channels", "intent-classifier", "connector", "reply"];

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// One installation that has the servers to itself.
pub(crate) struct Scene {
    pub(crate) settings: Settings,
    bus: KafkaBus,
    schemas: Schemas,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    /// `sandbox` is where the systems are.
    pub(crate) async fn open(sandbox: &str, more: &[(&str, String)]) -> Self {
        let alone = ONE_AT_A_TIME.lock().await;
        let page = ("PEYVAND_CHANNELS_LISTEN", format!("127.0.0.1:{}", free_port()));
        let settings = Settings::new(&[&[page], &targets(sandbox, "plain")[..], more].concat()).await;
        let bus = bus();
        let url = server("PEYVAND_TEST_REGISTRY");
        let registry = Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap();
        let schemas = Schemas::from_registry(registry).await.unwrap();
        Self { settings, bus, schemas, _alone: alone }
    }

    /// Sends from now on with a client that knows nothing of what topics were.
    pub(crate) fn know_topics_anew(&mut self) {
        self.bus = bus();
    }

    /// A message of a conversation, as a channel publishes it.
    pub(crate) fn message(&self, conversation: &str, text: &str) -> NewRecord {
        self.message_and_id(conversation, text).0
    }

    /// The same, with the id it is known by.
    pub(crate) fn message_and_id(&self, conversation: &str, text: &str) -> (NewRecord, EventId) {
        message(&self.schemas, conversation, text)
    }

    pub(crate) async fn send(&self, records: Vec<NewRecord>) {
        let producer = self.bus.producer();
        let sent = records.into_iter().map(|record| producer.send(record));
        for done in futures_util::future::join_all(sent).await {
            done.unwrap();
        }
    }

    /// How many records of a topic a group has before it.
    pub(crate) async fn behind(&self, group: &str, topic: &'static str) -> u64 {
        let lag = self.bus.lag(group, &[Topic::new(topic)]).await.unwrap();
        lag.iter().map(Lag::behind).sum()
    }

    pub(crate) fn start_all(&self) -> Vec<Worker> {
        WORKERS.iter().map(|name| self.settings.spawn(name, None)).collect()
    }
}

fn bus() -> KafkaBus {
    let brokers = server("PEYVAND_TEST_KAFKA");
    KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap()
}

/// A conversation nobody else has.
pub(crate) fn conversation() -> String {
    format!("outage:{}", Uuid::new_v4())
}

/// Asks until it is so.
pub(crate) async fn until(what: &str, patience: Duration, mut so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !so().await {
        assert!(Instant::now() < deadline, "{what} did not come within {patience:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
