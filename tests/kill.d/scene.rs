//! Where the kills happen: an installation of its own, a sandbox SAP in its own process with a journal on disk, a producer
//! that stands in for the intent-classifier, and a reader of what the connectors tell.

mod assistant;
mod persons;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use peyvand::{
    bus::{
        Producer, Topic,
        kafka::{KafkaBus, KafkaConfig, Lag},
    },
    codec::{self, Registry, RegistryConfig, Schemas},
    event::{Envelope, EventId, Operation, OperationStatus, OperationUpdated, TurnDecided},
    topics,
    worker::patiently,
};
use peyvand_sandbox::{Fault, Sandbox, SandboxConfig};
use serde_json::Value;
use uuid::Uuid;

use self::assistant::assistant;
pub(crate) use self::persons::{CANARIES, CONVERSATIONS};
pub(crate) use crate::turn::{entry, target, turn};
use crate::{
    process::{Settings, Worker, free_port, ready, server, targets},
    replies::Replies,
};

const PATIENCE: Duration = Duration::from_secs(180);

/// What the log says of a write: how often each of its steps was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) steps: Vec<(EventId, OperationStatus, Option<String>, Instant)>,
}

/// What was heard, by turn.
pub(crate) type Log = Arc<Mutex<HashMap<EventId, Heard>>>;

/// Connectors of different scenes would share one group and its topics, so there is one scene at a time.
static STAGE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The keys of every scene: a connector that was killed leaves records that the next scene's connectors work on once more,
/// in another database.
static EVERY_KEY: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What the sales desk's hook makes of a repeat.
#[derive(Clone, Copy)]
pub(crate) enum Hook {
    /// It keeps our key: a repeat goes out once.
    KeepsKeys,
    /// It knows nothing of an earlier attempt.
    Forgets,
}

/// The writes there are, one for each system, and what makes a repeat of them safe: a search, our own id, our key or nothing.
pub(crate) const WRITES: [Operation; 3] =
    [Operation::SalesOrderCreate, Operation::CaseCreate, Operation::CallbackRequest];

pub(crate) struct Scene {
    _stage: tokio::sync::MutexGuard<'static, ()>,
    settings: Settings,
    folder: PathBuf,
    sandbox: Sandbox,
    bus: KafkaBus,
    producer: Arc<dyn Producer>,
    schemas: Arc<Schemas>,
    /// The key of each write that was asked for, by turn.
    pub(crate) asked: HashMap<EventId, String>,
    /// The turns of each conversation for each system, in the order they were asked for.
    pub(crate) order: HashMap<(String, &'static str), Vec<EventId>>,
    /// The messages that nobody can work on.
    pub(crate) broken: Vec<EventId>,
    /// The partition that each turn was put in.
    pub(crate) partitions: HashMap<EventId, i32>,
    pub(crate) heard: Log,
    listening: tokio::task::JoinHandle<()>,
}

impl Scene {
    /// A scene whose hook knows a repeat.
    pub(crate) async fn open() -> Self {
        Self::with(Hook::KeepsKeys).await
    }

    pub(crate) async fn with(hook: Hook) -> Self {
        let stage = STAGE.lock().await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let today = "2026-11-23".parse().unwrap();
        let journal = Some(folder.join("journal"));
        let config = SandboxConfig { journal, ..SandboxConfig::loopback(today) };
        let sandbox = peyvand_sandbox::start(config).await.unwrap();
        let door = match hook {
            Hook::KeepsKeys => "keyed",
            Hook::Forgets => "plain",
        };
        let mut own = targets(&sandbox.base_url(), door);
        own.push(("PEYVAND_CHANNELS_LISTEN", format!("127.0.0.1:{}", free_port())));
        own.push(("PEYVAND_ASSISTANT", assistant(&folder, hook).to_string_lossy().into_owned()));
        let settings = Settings::new(&own).await;
        let brokers = server("PEYVAND_TEST_KAFKA");
        let bus = KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap();
        let registry = RegistryConfig { url: server("PEYVAND_TEST_REGISTRY"), user: None, password: None };
        let schemas = Schemas::from_registry(Registry::new(&registry).unwrap()).await.unwrap();
        let (producer, schemas, heard) = (bus.producer(), Arc::new(schemas), Log::default());
        let listening = tokio::spawn(listen(bus.clone(), Arc::clone(&schemas), Arc::clone(&heard)));
        Self {
            _stage: stage,
            settings,
            folder,
            sandbox,
            bus,
            producer,
            schemas,
            asked: HashMap::new(),
            order: HashMap::new(),
            broken: Vec::new(),
            partitions: HashMap::new(),
            heard,
            listening,
        }
    }

    /// A connector that serves; `failpoint` is where it ends itself.
    pub(crate) async fn connector(&self, failpoint: Option<&str>) -> Worker {
        let worker = self.begin_connector(failpoint);
        if failpoint.is_none() {
            ready(&worker, "connector").await;
        }
        worker
    }

    pub(crate) fn begin_connector(&self, failpoint: Option<&str>) -> Worker {
        self.settings.spawn("connector", failpoint.map(|name| ("PEYVAND_TEST_FAILPOINT", name)))
    }

    /// A connector that has worked off what a killed one of an earlier scene left in the log: the faults to come strike this
    /// scene's writes only. Gives how many writes were done to see that.
    pub(crate) async fn caught_up_connector(&mut self) -> (Worker, usize) {
        let worker = self.connector(None).await;
        let all = topics::all().into_iter().find(|one| one.topic.as_str() == topics::TURN_DECIDED);
        let all = usize::try_from(all.unwrap().partitions).unwrap();
        // What was left lies before them in each partition, and is done by the time that many are.
        let mut met = HashSet::new();
        while met.len() < all || self.asked.len() < 30 {
            let turn = self.ask_for(&Self::conversation(), Operation::CallbackRequest).await;
            met.insert(self.partitions[&turn.event.turn_id]);
        }
        self.all_done().await;
        (worker, self.asked.len())
    }

    /// A conversation nobody else has.
    pub(crate) fn conversation() -> String {
        format!("{CONVERSATIONS}{}", Uuid::new_v4())
    }

    /// Asks for one order more in a conversation.
    pub(crate) async fn ask(&mut self, conversation: &str) -> Envelope<TurnDecided> {
        self.ask_for(conversation, Operation::SalesOrderCreate).await
    }

    /// Asks for one write more in a conversation.
    pub(crate) async fn ask_for(
        &mut self,
        conversation: &str,
        operation: Operation,
    ) -> Envelope<TurnDecided> {
        self.ask_by(conversation, operation, |_| {}).await
    }

    /// Asks for one write more by a record that is changed first, however long the log is away.
    pub(crate) async fn ask_by(
        &mut self,
        conversation: &str,
        operation: Operation,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Envelope<TurnDecided> {
        let envelope = turn(conversation, operation, "3");
        let mut record = codec::encode(&self.schemas, Topic::new(topics::TURN_DECIDED), &envelope).unwrap();
        change(record.value.as_mut().unwrap());
        // A send that was given up may have arrived: then the event is there twice, which is nothing new.
        let (place, _) = patiently(|| self.producer.send(record.clone())).await;
        let turn_id = envelope.event.turn_id;
        self.partitions.insert(turn_id, place.partition);
        EVERY_KEY.lock().unwrap().push(entry(&envelope).key());
        assert!(self.asked.insert(turn_id, entry(&envelope).key()).is_none());
        self.order.entry((conversation.to_owned(), target(operation))).or_default().push(turn_id);
        envelope
    }

    /// Listens to what persons are told from now on.
    pub(crate) fn replies(&self) -> Replies {
        Replies::listen(&self.bus, &self.schemas)
    }

    /// Asks what is in stock, and does not wait for the answer.
    pub(crate) async fn question(&self, conversation: &str) {
        let envelope = turn(conversation, Operation::StockLevel, "3");
        let record = codec::encode(&self.schemas, Topic::new(topics::TURN_DECIDED), &envelope).unwrap();
        let _place = patiently(|| self.producer.send(record.clone())).await;
    }

    /// Whether a key belongs to an earlier scene or to the company the sandbox begins with.
    pub(crate) fn was_asked_before(&self, key: &str) -> bool {
        EVERY_KEY.lock().unwrap().iter().any(|asked| asked == key)
            && !self.asked.values().any(|own| own == key)
    }

    /// Runs one of the program's commands: whether it succeeded, and what it said.
    pub(crate) fn peyvand(&self, arguments: &[&str]) -> (bool, String) {
        self.settings.peyvand(arguments)
    }

    /// The address of the sandbox.
    pub(crate) fn sap(&self) -> String {
        self.sandbox.base_url()
    }

    /// Lets the writes of an operation fail.
    pub(crate) fn fault(&self, operation: Operation, fault: Fault) {
        let (pattern, method) = match operation {
            Operation::CaseCreate => ("/services/data", "PATCH"),
            Operation::CallbackRequest => ("/hook", "POST"),
            Operation::SalesOrderCreate
            | Operation::OrderStatus
            | Operation::OrderList
            | Operation::StockLevel => ("A_SalesOrder", "POST"),
        };
        let fault = Fault { pattern: pattern.to_owned(), method: Some(method.to_owned()), ..fault };
        self.sandbox.put_fault(fault).unwrap();
    }

    /// Every question for stock takes so long.
    pub(crate) fn slow_questions(&self, delay_ms: u64) {
        let pattern = "A_MatlStkInAcctMod".to_owned();
        self.sandbox.put_fault(Fault { pattern, delay_ms, ..Fault::default() }).unwrap();
    }

    /// The systems have so much time for an answer, from the next connector on.
    pub(crate) fn give_time(&self, deadline_ms: u64) {
        for file in fs::read_dir(self.folder.join("assistant/targets")).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("deadline_ms: 1000", &format!("deadline_ms: {deadline_ms}")))
                .unwrap();
        }
    }

    pub(crate) fn no_faults(&self) {
        self.sandbox.clear_faults();
    }

    /// Loses the answer of the next writes of an operation after they were carried out.
    pub(crate) fn lose_answers(&self, operation: Operation, count: u32) {
        self.fault(operation, Fault { count: Some(count), drop_after_commit: true, ..Fault::default() });
    }

    /// How many requests a fault has struck, of the newest thousand.
    pub(crate) fn struck(&self) -> usize {
        self.sandbox.requests().iter().filter(|request| request.fault).count()
    }

    /// How many turns the log tells this of.
    fn heard_of(&self, status: OperationStatus) -> usize {
        let heard = self.heard.lock().unwrap();
        let is_told = |turn: &EventId| {
            heard.get(turn).is_some_and(|heard| heard.steps.iter().any(|(_, step, _, _)| *step == status))
        };
        self.asked.keys().filter(|turn| is_told(turn)).count()
    }

    /// How many turns the log tells to be done.
    pub(crate) fn done(&self) -> usize {
        self.heard_of(OperationStatus::Done)
    }

    /// Waits until the log tells this of so many turns.
    pub(crate) async fn told(&self, status: OperationStatus, turns: usize) {
        let until = Instant::now() + PATIENCE;
        while self.heard_of(status) < turns {
            let heard = self.heard_of(status);
            assert!(
                Instant::now() < until,
                "{heard} of {turns} writes are {status:?}; logs in the target folder"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until of so many writes each is told to be done, or that nobody knows.
    pub(crate) async fn settled(&self, turns: usize) {
        let until = Instant::now() + PATIENCE;
        let ended = || self.heard_of(OperationStatus::Done) + self.heard_of(OperationStatus::Unknown);
        while ended() < turns {
            assert!(Instant::now() < until, "{} of {turns} writes have ended", ended());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every write is told to be done.
    pub(crate) async fn all_done(&self) {
        self.told(OperationStatus::Done, self.asked.len()).await;
    }

    /// Waits until the connectors have settled everything that is in the log, so that the next scene gets nothing of it.
    pub(crate) async fn nothing_left(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let lag = self.bus.lag("connector", &[Topic::new(topics::TURN_DECIDED)]).await.unwrap();
            let behind: u64 = lag.iter().map(Lag::behind).sum();
            if behind == 0 {
                return;
            }
            assert!(Instant::now() < until, "{behind} records are not settled");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The systems' numbers and our keys in the order they were written, from the disk.
    pub(crate) fn journal(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.folder.join("journal")).unwrap_or_default();
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| value[name].as_str().unwrap().to_owned();
            (text("number"), text("reference"))
        };
        text.lines().map(line).collect()
    }

    /// Another worker of the same installation.
    pub(crate) fn begin(&self, worker: &str) -> Worker {
        self.begin_with(worker, None)
    }

    pub(crate) fn begin_with<'a>(
        &self,
        worker: &str,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Worker {
        self.settings.spawn(worker, more)
    }

    /// The name of the installation's database.
    pub(crate) fn database(&self) -> &str {
        self.settings.0["PEYVAND_DATABASE_URL"].rsplit_once('/').unwrap().1
    }

    pub(crate) async fn close(self) {
        self.listening.abort();
        self.sandbox.shutdown().await;
        self.bus.close().await.unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

async fn listen(bus: KafkaBus, schemas: Arc<Schemas>, heard: Log) {
    let topic = Topic::new(topics::OPERATION_UPDATED);
    let mut consumer = bus.consumer(&format!("kill-{}", Uuid::new_v4()), &[topic]).unwrap();
    loop {
        let peyvand::bus::ConsumerEvent::Records(records) = consumer.next(1000).await.unwrap() else {
            continue;
        };
        for (record, _) in records {
            // Other test programs share the topic.
            let Ok(envelope) = codec::decode::<OperationUpdated>(&schemas, &record) else { continue };
            let told = envelope.event;
            let reference = told.reference.map(|reference| reference.expose().clone());
            heard.lock().unwrap().entry(told.turn_id).or_default().steps.push((
                envelope.event_id,
                told.status,
                reference,
                Instant::now(),
            ));
        }
    }
}
