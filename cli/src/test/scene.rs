//! Where conversations are held: Peyvand on an embedded log that is made for them, or the workers that run on a cluster.
//! Messages go in as a channel publishes them; decisions and replies are read from their topics.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use peyvand::{
    bus::{Consumer, ConsumerEvent, Producer, Record, Topic, kafka::KafkaBus},
    codec::{self, Registry, Schemas},
    config::Config,
    event::{ConversationId, Envelope, EventId, MessageReceived, ReplyReady, TurnDecided},
    topics,
};
use peyvand_sandbox::SeenRequest;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::up::{self, Instance, Switch};

/// Events of one conversation that wait to be looked at.
const HEARD_MAX: usize = 256;
/// Records that are read at once.
const ROOM: usize = 200;
const READS_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Avro's bytes begin behind the id of their schema, which each registry gives for itself.
const DATUM_AT: usize = 5;
/// The sandbox's company lives on the day of the first message.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 26);
/// The group on a log of its own: nobody else is in it, so everything is read.
const GROUP: &str = "test";

/// Where a token is got for the systems that want one.
const LOGON: &str = "/oauth2/token";

/// What came of a message.
pub(super) enum Heard {
    Decision { id: EventId, turn: Box<TurnDecided>, datum: Vec<u8> },
    Reply { id: EventId, reply: Box<ReplyReady> },
}

pub(super) struct Scene {
    producer: Arc<dyn Producer>,
    schemas: Arc<Schemas>,
    inboxes: HashMap<ConversationId, Receiver<Heard>>,
    reading: JoinHandle<()>,
    ground: Ground,
}

enum Ground {
    Embedded { instance: Box<Instance>, data: PathBuf },
    Cluster(KafkaBus),
}

impl Scene {
    /// Starts everything on a log of its own in this folder.
    pub(super) async fn embedded(
        data: &Path,
        assistant: Option<&Path>,
        conversations: &[ConversationId],
    ) -> anyhow::Result<Self> {
        let data = data.join(format!("test-{}", Uuid::new_v4()));
        let listen = ([127, 0, 0, 1], 0).into();
        let started = up::start_on(listen, &data, assistant, Switch::On, TODAY).await;
        let instance = started.inspect_err(|_| {
            // Nothing may have been made yet.
            if let Err(error) = std::fs::remove_dir_all(&data) {
                tracing::debug!("the folder {} is not removed ({})", data.display(), error.kind());
            }
        })?;
        let consumer = instance.bus.consumer(GROUP, &read())?;
        let producer = instance.bus.producer();
        let ground = Ground::Embedded { instance: Box::new(instance), data };
        Ok(Self::of(producer, Arc::new(Schemas::embedded()), consumer, ground, conversations))
    }

    /// Meets the workers that run on a cluster.
    pub(super) async fn cluster(config: &Config, conversations: &[ConversationId]) -> anyhow::Result<Self> {
        let bus = KafkaBus::open(config.kafka.clone())?;
        bus.check_topics(&topics::all()).await.context("the brokers do not have Peyvand's topics")?;
        let schemas = Arc::new(Schemas::from_registry(Registry::new(&config.registry)?).await?);
        // What others have talked of is not read, and no group is left behind.
        let consumer = bus.follow(&read()).await?;
        Ok(Self::of(bus.producer(), schemas, consumer, Ground::Cluster(bus), conversations))
    }

    fn of(
        producer: Arc<dyn Producer>,
        schemas: Arc<Schemas>,
        consumer: Box<dyn Consumer>,
        ground: Ground,
        conversations: &[ConversationId],
    ) -> Self {
        let (mut senders, mut inboxes) = (HashMap::new(), HashMap::new());
        for id in conversations {
            let (sender, receiver) = mpsc::channel(HEARD_MAX);
            senders.insert(id.clone(), sender);
            inboxes.insert(id.clone(), receiver);
        }
        let reading = tokio::spawn(listen(consumer, Arc::clone(&schemas), senders));
        Self { producer, schemas, inboxes, reading, ground }
    }

    /// What comes of a conversation's messages; nobody else gets it.
    pub(super) fn inbox(&mut self, conversation: &ConversationId) -> Option<Receiver<Heard>> {
        self.inboxes.remove(conversation)
    }

    /// Publishes a message as a channel does.
    pub(super) async fn say(&self, message: &Envelope<MessageReceived>) -> anyhow::Result<()> {
        let record = codec::encode(&self.schemas, Topic::new(topics::MESSAGE_RECEIVED), message)?;
        self.producer.send(record).await?;
        Ok(())
    }

    /// The number of the last request that the sandbox has seen.
    pub(super) fn requests(&self) -> u64 {
        self.seen().and_then(|seen| seen.last().map(|last| last.number)).unwrap_or_default()
    }

    /// How many writes the sandbox has taken since; nobody can say it of a cluster's systems.
    pub(super) fn writes_since(&self, number: u64) -> Option<usize> {
        let is_new = |seen: &&SeenRequest| seen.number > number && is_write(seen);
        self.seen().map(|seen| seen.iter().filter(is_new).count())
    }

    fn seen(&self) -> Option<Vec<SeenRequest>> {
        match &self.ground {
            Ground::Embedded { instance, .. } => Some(instance.sandbox.requests()),
            Ground::Cluster(_) => None,
        }
    }

    /// Ends what was started and removes what was kept.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.reading.abort();
        match self.ground {
            Ground::Embedded { instance, data } => {
                let stopped = instance.stop().await;
                std::fs::remove_dir_all(&data)
                    .with_context(|| format!("cannot remove the folder {}", data.display()))?;
                stopped
            }
            Ground::Cluster(bus) => Ok(bus.close().await?),
        }
    }
}

/// Whether a system took what was to be written, as far as is known; a logon is no write.
fn is_write(seen: &SeenRequest) -> bool {
    let changes = !matches!(seen.method.as_str(), "GET" | "HEAD");
    let taken = seen.status.is_none_or(|status| (200..300).contains(&status));
    changes && taken && !seen.path.ends_with(LOGON)
}

fn read() -> [Topic; 2] {
    [topics::TURN_DECIDED, topics::REPLY_READY].map(Topic::new)
}

/// Hands what is read to the conversation it belongs to, until nobody listens.
async fn listen(
    mut consumer: Box<dyn Consumer>,
    schemas: Arc<Schemas>,
    senders: HashMap<ConversationId, Sender<Heard>>,
) {
    loop {
        match consumer.next(ROOM).await {
            Ok(ConsumerEvent::Records(records)) => {
                for (record, _) in records {
                    let sender = codec::conversation_of(&record).and_then(|id| senders.get(&id));
                    if let Some(sender) = sender
                        && let Some(heard) = heard(&schemas, &record)
                        && sender.send(heard).await.is_err()
                    {
                        tracing::debug!("something came after the end of a conversation");
                    }
                }
            }
            Ok(ConsumerEvent::Revoking(_, let_go)) => let_go.now(),
            Ok(ConsumerEvent::Assigned(_) | ConsumerEvent::Lost(_)) => {}
            Err(error) if error.is_transient() => {
                tracing::warn!("{error}; reading again");
                tokio::time::sleep(READS_AGAIN_AFTER).await;
            }
            Err(error) => {
                tracing::error!("{error}; nothing more can be read");
                return;
            }
        }
    }
}

fn heard(schemas: &Schemas, record: &Record) -> Option<Heard> {
    let decoded = if record.place.topic.as_str() == topics::TURN_DECIDED {
        let datum = record.value.as_deref().and_then(|value| value.get(DATUM_AT..)).unwrap_or_default();
        codec::decode::<TurnDecided>(schemas, record).map(|envelope| Heard::Decision {
            id: envelope.event_id,
            turn: Box::new(envelope.event),
            datum: datum.to_vec(),
        })
    } else {
        codec::decode::<ReplyReady>(schemas, record)
            .map(|envelope| Heard::Reply { id: envelope.event_id, reply: Box::new(envelope.event) })
    };
    decoded.inspect_err(|error| tracing::warn!(kind = error.kind(), "a record cannot be read: {error}")).ok()
}
