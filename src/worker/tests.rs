use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Emit, Handler, HandlerError, LetterWriter, Outcome, Pulses, Rule, Watch, Worker, WorkerError, payload_of,
    redrive_id, redriven, run,
};
use crate::{
    bus::{Consumer, ConsumerEvent, NewRecord, Record, Topic, embedded::EmbeddedBus},
    codec::{self, Schemas},
    event::{ChannelName, DeliveryStatus, DeliveryUpdated, Envelope, Event, MessageReceived},
    seal::SealKeys,
    store::{RecordAt, SqliteStore, Store},
    topics,
};

/// Answers every message with the count of those before it, as the channel; fails as the message tells it to.
pub(super) struct Echo;

/// Messages that the handler cannot work on just now.
pub(super) static AWAY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A message that takes its time, until there is a hurry.
pub(super) const SLOW: &str = "slow";
pub(super) static HURRY: AtomicBool = AtomicBool::new(false);

impl Handler for Echo {
    const GROUP: &'static str = "intent-classifier";
    type In = MessageReceived;
    type State = u32;

    fn concerns(&self, input: &MessageReceived) -> bool {
        input.text.expose() != "aside"
    }

    async fn handle(
        &self,
        input: &Envelope<MessageReceived>,
        count: u32,
    ) -> Result<Outcome<u32>, HandlerError> {
        match input.event.text.expose().as_str() {
            "panic" => std::panic::panic_any("told to"),
            "never" => return Err(HandlerError::Permanent("told to")),
            text if AWAY.lock().unwrap().contains(text) => return Err(HandlerError::Transient("told to")),
            SLOW if !HURRY.load(Ordering::Relaxed) => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => {}
        }
        let event = DeliveryUpdated {
            tenant: input.event.tenant.clone(),
            conversation_id: input.event.conversation_id.clone(),
            turn_id: input.event_id,
            reply_id: input.event_id,
            channel: ChannelName::parse(count.to_string()).unwrap(),
            status: DeliveryStatus::Stored,
        };
        let emit = vec![Emit::new(topics::DELIVERY_UPDATED, event)];
        Ok(Outcome { state: Some(count + 1), emit, ..Outcome::default() })
    }
}

pub(super) fn message(id: &str, text: &str) -> NewRecord {
    message_of("c", id, text)
}

pub(super) fn message_of(conversation: &str, id: &str, text: &str) -> NewRecord {
    let json = serde_json::json!({"tenant": "demo", "conversation_id": conversation, "channel": "web",
        "channel_message_id": id, "text": text, "language": null});
    let event: MessageReceived = serde_json::from_value(json).unwrap();
    let event_id = event.own_id().unwrap();
    let envelope = Envelope {
        event_id,
        correlation_id: event_id,
        causation_id: None,
        occurred_at_ms: 0,
        traceparent: None,
        event,
    };
    codec::encode(&Schemas::embedded(), Topic::new(topics::MESSAGE_RECEIVED), &envelope).unwrap()
}

pub(super) struct Stage {
    pub(super) bus: EmbeddedBus,
    pub(super) store: Store,
    pub(super) shutdown: CancellationToken,
}

pub(super) async fn stage() -> Stage {
    let folder: PathBuf = std::env::temp_dir().join(format!("peyvand-worker-{}", Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let bus = EmbeddedBus::open(&folder.join("bus.sqlite")).await.unwrap();
    bus.create_topics(&topics::all()).await.unwrap();
    let store = Store::Sqlite(SqliteStore::open(&folder.join("store.sqlite")).await.unwrap());
    Stage { bus, store, shutdown: CancellationToken::new() }
}

/// What letters are sealed with here.
pub(super) fn keys() -> Arc<SealKeys> {
    static KEYS: LazyLock<Arc<SealKeys>> =
        LazyLock::new(|| Arc::new(SealKeys::parse(SealKeys::new_text().unwrap().expose()).unwrap()));
    Arc::clone(&KEYS)
}

pub(super) type Working = tokio::task::JoinHandle<Result<(), WorkerError>>;

impl Stage {
    pub(super) async fn send(&self, record: NewRecord) {
        self.bus.producer().send(record).await.unwrap();
    }

    pub(super) fn work(&self) -> Working {
        self.work_with(Schemas::embedded(), Watch::new(&Pulses::new()))
    }

    pub(super) fn work_with(&self, schemas: Schemas, watch: Watch) -> Working {
        self.work_as(Echo, schemas, watch)
    }

    pub(super) fn work_as<H: Handler>(&self, handler: H, schemas: Schemas, watch: Watch) -> Working {
        let consumer = self.bus.consumer(H::GROUP, &[Topic::new(topics::MESSAGE_RECEIVED)]).unwrap();
        let (group, again) = topics::redriven_to(H::GROUP);
        let redriven = self.bus.consumer(&group, &again).unwrap();
        let (producer, store) = (self.bus.producer(), self.store.clone());
        let schemas = Arc::new(schemas);
        let letters = LetterWriter { worker: "stage:1".to_owned(), keys: keys() };
        let worker = Worker { consumer, redriven, producer, store, schemas, handler, letters, watch };
        tokio::spawn(run(worker, self.shutdown.clone()))
    }

    pub(super) fn watch(&self, topic: Topic) -> Box<dyn Consumer> {
        self.bus.consumer("test", &[topic]).unwrap()
    }
}

pub(super) async fn next(consumer: &mut Box<dyn Consumer>) -> Record {
    loop {
        if let ConsumerEvent::Records(mut records) =
            timeout(Duration::from_secs(30), consumer.next(1)).await.unwrap().unwrap()
        {
            return records.remove(0).0;
        }
    }
}

pub(super) fn dead() -> Topic {
    topics::dead_letters(&Topic::new(topics::MESSAGE_RECEIVED), Echo::GROUP)
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_dead_lettered_with_its_reason_and_the_next_is_served() {
    let stage = stage().await;
    stage.send(NewRecord { value: Some(b"rubbish".to_vec()), ..message("1", "hi") }).await;
    stage.send(message("2", "hi")).await;
    let working = stage.work();
    let letter = next(&mut stage.watch(dead())).await;
    assert_eq!(letter.headers.text("x-error-class"), Some("not_avro"));
    assert_eq!(payload_of(&letter, &keys()), Ok(Some(b"rubbish".to_vec())));
    let served = next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    assert_eq!(
        codec::decode::<DeliveryUpdated>(&Schemas::embedded(), &served).unwrap().event.channel.as_str(),
        "0"
    );
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handler_that_panics_or_gives_up_costs_its_record_and_nothing_else() {
    let stage = stage().await;
    for (id, text) in [("1", "panic"), ("2", "never"), ("3", "hi")] {
        stage.send(message(id, text)).await;
    }
    let working = stage.work();
    let mut letters = stage.watch(dead());
    assert_eq!(next(&mut letters).await.headers.text("x-error-class"), Some("panic"));
    assert_eq!(next(&mut letters).await.headers.text("x-error-class"), Some("permanent"));
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_repeated_message_has_one_effect_and_a_forged_repeat_is_dead_lettered() {
    let stage = stage().await;
    for record in [message("1", "hi"), message("1", "hi"), message("1", "other words"), message("2", "hi")] {
        stage.send(record).await;
    }
    let working = stage.work();
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let counts = [next(&mut effects).await, next(&mut effects).await].map(|record| {
        codec::decode::<DeliveryUpdated>(&Schemas::embedded(), &record).unwrap().event.channel.to_string()
    });
    assert_eq!(counts, ["0", "1"]);
    let letter = next(&mut stage.watch(dead())).await;
    assert_eq!(letter.headers.text("x-error-class"), Some("event_id_conflict"));
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopped_worker_leaves_nothing_that_its_successor_does_again() {
    let stage = stage().await;
    stage.send(message("1", "hi")).await;
    let working = stage.work();
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    next(&mut effects).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
    let again =
        Stage { shutdown: CancellationToken::new(), bus: stage.bus.clone(), store: stage.store.clone() };
    again.send(message("2", "hi")).await;
    let working = again.work();
    let second = next(&mut effects).await;
    assert_eq!(
        codec::decode::<DeliveryUpdated>(&Schemas::embedded(), &second).unwrap().event.channel.as_str(),
        "1"
    );
    again.shutdown.cancel();
    working.await.unwrap().unwrap();
}

/// The classes of the letters, in the order of their making; each conversation's own lane is one.
pub(super) async fn classes(letters: &mut Box<dyn Consumer>, many: usize) -> Vec<String> {
    let mut classes = Vec::new();
    while classes.len() < many {
        classes.push(next(letters).await.headers.text("x-error-class").unwrap().to_owned());
    }
    classes
}

pub(super) async fn no_more(letters: &mut Box<dyn Consumer>) {
    let silence = async { while !matches!(letters.next(1).await.unwrap(), ConsumerEvent::Records(_)) {} };
    assert!(timeout(Duration::from_millis(500), silence).await.is_err(), "one letter too many");
}

#[tokio::test]
async fn a_worker_that_fails_at_everything_stops_itself_and_loses_nothing() {
    let stage = stage().await;
    for id in 0..30 {
        stage.send(message(&id.to_string(), "never")).await;
    }
    let ended = timeout(Duration::from_secs(60), stage.work()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(ended.kind(), "too_many_letters");
    let WorkerError::Letters(tripped) = &ended else { panic!("{ended}") };
    assert_eq!((tripped.class, tripped.rule), ("permanent", Rule::Row(21)));
    let mut letters = stage.watch(dead());
    assert_eq!(classes(&mut letters, 20).await, vec!["permanent"; 20]);
    no_more(&mut letters).await;
    // With the guard out of force the same records are worked on from where they were held back, each once.
    let watch = Watch { letters_guard: false, ..Watch::new(&Pulses::new()) };
    let working = stage.work_with(Schemas::embedded(), watch);
    assert_eq!(classes(&mut letters, 10).await, vec!["permanent"; 10]);
    no_more(&mut letters).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_a_worker_passes_by_does_not_hide_that_it_fails_at_everything() {
    let stage = stage().await;
    for id in 0..25 {
        stage.send(message(&id.to_string(), "never")).await;
        stage.send(message(&format!("beside {id}"), "aside")).await;
    }
    let ended = timeout(Duration::from_secs(60), stage.work()).await.unwrap().unwrap().unwrap_err();
    let WorkerError::Letters(tripped) = &ended else { panic!("{ended}") };
    assert_eq!(tripped.rule, Rule::Row(21));
}

#[tokio::test]
async fn rubbish_of_others_never_stops_a_worker() {
    let stage = stage().await;
    for id in 0..60 {
        stage.send(NewRecord { value: Some(b"rubbish".to_vec()), ..message(&id.to_string(), "hi") }).await;
    }
    stage.send(message("good", "hi")).await;
    let working = stage.work();
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    assert_eq!(classes(&mut stage.watch(dead()), 60).await, vec!["not_avro"; 60]);
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_letter_that_fails_again_keeps_the_time_of_its_first_failure() {
    let stage = stage().await;
    stage.send(message("1", "never")).await;
    let working = stage.work();
    let mut letters = stage.watch(dead());
    let first = next(&mut letters).await;
    let header = |letter: &Record, name| letter.headers.text(name).map(ToOwned::to_owned);
    assert_eq!(header(&first, "x-error-msg").as_deref(), Some("told to"));
    assert_eq!(header(&first, "x-attempts").as_deref(), Some("1"));
    assert_eq!(header(&first, "x-schema-id").as_deref(), Some("1001"));
    stage.send(redriven(&first, &keys()).unwrap()).await;
    let second = next(&mut letters).await;
    assert_eq!(header(&second, "x-redrive-count").as_deref(), Some("1"));
    assert_eq!(header(&second, "x-redrive-id"), Some(redrive_id(&first).to_string()));
    assert_eq!(header(&second, "x-worker").as_deref(), Some("stage:1"));
    assert_eq!(header(&second, "x-first-failure-ms"), header(&first, "x-first-failure-ms"));
    assert!(header(&second, "x-last-failure-ms") > header(&first, "x-last-failure-ms"));
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_record_at_which_three_processes_ended_is_dead_lettered_undecoded_and_the_next_is_served() {
    let stage = stage().await;
    stage.send(message("1", "hi")).await;
    stage.send(message("2", "hi")).await;
    let at = stage.bus.producer().send(message("3", "hi")).await.unwrap();
    let mut written = stage.watch(at.0.topic.clone());
    let third = loop {
        let record = next(&mut written).await;
        if (&record.place, record.offset) == (&at.0, at.1) {
            break RecordAt::from(&record);
        }
    };
    drop(written);
    // What a process leaves that ended at the third record for the third time.
    stage.store.run_begun(Echo::GROUP, "one").await.unwrap();
    let silent = Duration::ZERO;
    assert_eq!(stage.store.partition_taken(Echo::GROUP, "one", &at.0, silent).await.unwrap(), None);
    stage.store.reach_moved(Echo::GROUP, "one", &at.0, at.1).await.unwrap();
    assert!(stage.store.record_begun(Echo::GROUP, "one", &at.0, third, 3).await.unwrap());
    stage.send(message("4", "hi")).await;
    let watch = Watch { instance: Some("one".to_owned()), ..Watch::new(&Pulses::new()) };
    let working = stage.work_with(Schemas::embedded(), watch);
    let letter = next(&mut stage.watch(dead())).await;
    assert_eq!(letter.headers.text("x-error-class"), Some("crash_loop"));
    assert_eq!(letter.headers.text("x-orig-offset"), Some(at.1.0.to_string().as_str()));
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    for count in ["0", "1", "2"] {
        let effect = next(&mut effects).await;
        assert_eq!(
            codec::decode::<DeliveryUpdated>(&Schemas::embedded(), &effect).unwrap().event.channel.as_str(),
            count
        );
    }
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
    assert_eq!(stage.store.records_at_work(Echo::GROUP, "one", &at.0, silent).await.unwrap(), []);
    assert!(!stage.store.run_begun(Echo::GROUP, "one").await.unwrap(), "it ended in order");
}
