use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Emit, Handler, HandlerError, Outcome, Pulses, Rule, Watch, Worker, WorkerError, redriven, run};
use crate::{
    bus::{Consumer, ConsumerEvent, NewRecord, Record, Topic, embedded::EmbeddedBus},
    codec::{self, Registry, RegistryConfig, Schemas},
    event::{ChannelName, DeliveryStatus, DeliveryUpdated, Envelope, Event, MessageReceived},
    store::{SqliteStore, Store},
    topics,
};

/// Answers every message with the count of those before it, as the channel; fails as the message tells it to.
pub(super) struct Echo;

/// Messages that the handler cannot work on just now.
pub(super) static AWAY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl Handler for Echo {
    const GROUP: &'static str = "intent-classifier";
    type In = MessageReceived;
    type State = u32;

    async fn handle(
        &self,
        input: &Envelope<MessageReceived>,
        count: u32,
    ) -> Result<Outcome<u32>, HandlerError> {
        match input.event.text.expose().as_str() {
            "panic" => std::panic::panic_any("told to"),
            "never" => return Err(HandlerError::Permanent("told to")),
            text if AWAY.lock().unwrap().contains(text) => return Err(HandlerError::Transient("told to")),
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

fn message(id: &str, text: &str) -> NewRecord {
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

pub(super) type Working = tokio::task::JoinHandle<Result<(), WorkerError>>;

impl Stage {
    pub(super) async fn send(&self, record: NewRecord) {
        self.bus.producer().send(record).await.unwrap();
    }

    pub(super) fn work(&self) -> Working {
        self.work_with(Schemas::embedded(), Watch::new(&Pulses::new()))
    }

    fn work_with(&self, schemas: Schemas, watch: Watch) -> Working {
        self.work_as(Echo, schemas, watch)
    }

    pub(super) fn work_as<H: Handler>(&self, handler: H, schemas: Schemas, watch: Watch) -> Working {
        let consumer = self.bus.consumer(H::GROUP, &[Topic::new(topics::MESSAGE_RECEIVED)]).unwrap();
        let (group, again) = topics::redriven_to(H::GROUP);
        let redriven = self.bus.consumer(&group, &again).unwrap();
        let (producer, store) = (self.bus.producer(), self.store.clone());
        let schemas = Arc::new(schemas);
        let worker = Worker { consumer, redriven, producer, store, schemas, handler, watch };
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

fn dead() -> Topic {
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
    assert_eq!(letter.value.as_deref(), Some(&b"rubbish"[..]));
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

/// How a registry was asked for schemas: how often, and at most how often at once.
#[derive(Default)]
struct Asked {
    times: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Asked {
    fn times(&self) -> usize {
        self.times.load(Ordering::SeqCst)
    }
}

/// A registry that has every schema of this version under the ids 1 to 5, and MessageReceived also as 77, which it can
/// only give after it has answered so.
async fn registry_that_first_answers(first: &'static [(u16, &'static str)]) -> (Registry, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let counted = Arc::clone(&asked);
    let by_subject = async |Path(subject): Path<String>| {
        let id = codec::newest().position(|one| one.subject() == subject).unwrap() + 1;
        Json(json!({"subject": subject, "id": id, "version": 1}))
    };
    let by_id = move |Path(id): Path<u32>| {
        let asked = Arc::clone(&counted);
        async move {
            let before = asked.times.fetch_add(1, Ordering::SeqCst);
            asked.most.fetch_max(asked.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Time enough for another to be asked beside it, if anybody did.
            tokio::time::sleep(Duration::from_millis(2)).await;
            asked.open.fetch_sub(1, Ordering::SeqCst);
            let schema = json!({"schema": codec::RELEASED[0].text}).to_string();
            match (id, first.get(before)) {
                (77, Some((status, body))) => (StatusCode::from_u16(*status).unwrap(), (*body).to_owned()),
                (77, None) => (StatusCode::OK, schema),
                _ => (StatusCode::NOT_FOUND, String::new()),
            }
        }
    };
    let router =
        Router::new().route("/subjects/{subject}", post(by_subject)).route("/schemas/ids/{id}", get(by_id));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap(), asked)
}

/// A record that says it was written with this schema.
fn under_id(id: u32, record: NewRecord) -> NewRecord {
    let mut value = record.value.clone().unwrap();
    value[1..5].copy_from_slice(&id.to_be_bytes());
    NewRecord { value: Some(value), ..record }
}

#[tokio::test]
async fn a_record_waits_for_a_registry_that_is_away_and_an_unknown_schema_is_asked_for_once() {
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(&[(503, ""), (503, "")]).await;
    let schemas = Schemas::from_registry(registry).await.unwrap();
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    stage.send(under_id(77, message("1", "hi"))).await;
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    assert_eq!(asked.times(), 3, "twice in vain, then learned");
    let mut letters = stage.watch(dead());
    for id in ["2", "3"] {
        stage.send(under_id(78, message(id, "hi"))).await;
        assert_eq!(next(&mut letters).await.headers.text("x-error-class"), Some("unknown_schema"));
    }
    assert_eq!(asked.times(), 4, "an unknown id is kept in mind for a while");
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_registry_that_answers_anything_but_no_costs_no_letter_and_heals_by_itself() {
    const ODD: &[(u16, &str)] = &[
        (401, "{\"error_code\": 401, \"message\": \"who are you\"}"),
        (429, ""),
        (500, "{\"error_code\": 50001, \"message\": \"no store\"}"),
        (200, "{\"schema\": "),
        (200, "<html>sign in</html>"),
        (200, "{\"id\": 77}"),
    ];
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(ODD).await;
    let schemas = Schemas::from_registry(registry).await.unwrap();
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    let (mut letters, mut answers) = (stage.watch(dead()), stage.watch(Topic::new(topics::DELIVERY_UPDATED)));
    for id in ["1", "2"] {
        stage.send(under_id(77, message(id, "hi"))).await;
    }
    for _ in 0..2 {
        next(&mut answers).await;
    }
    assert_eq!(asked.times(), ODD.len() + 1, "each answer once, and then it is known");
    no_more(&mut letters).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_flood_of_invented_schemas_asks_once_for_each_one_after_the_other_and_the_next_is_served() {
    const MANY: u32 = 200;
    let stage = stage().await;
    let (registry, asked) = registry_that_first_answers(&[]).await;
    let schemas = Schemas::from_registry(registry).await.unwrap();
    let working = stage.work_with(schemas, Watch::new(&Pulses::new()));
    let mut letters = stage.watch(dead());
    for n in 0..MANY {
        for round in 0..2 {
            let record = message_of(&n.to_string(), &format!("{round}-{n}"), "hi");
            stage.send(under_id(1000 + n, record)).await;
        }
    }
    let many = usize::try_from(MANY).unwrap();
    assert_eq!(classes(&mut letters, 2 * many).await, vec!["unknown_schema"; 2 * many]);
    assert_eq!((asked.times(), asked.most.load(Ordering::SeqCst)), (many, 1));
    stage.send(under_id(77, message("last", "hi"))).await;
    next(&mut stage.watch(Topic::new(topics::DELIVERY_UPDATED))).await;
    stage.shutdown.cancel();
    working.await.unwrap().unwrap();
}

/// The classes of the letters, in the order of their making; each conversation's own lane is one.
async fn classes(letters: &mut Box<dyn Consumer>, many: usize) -> Vec<String> {
    let mut classes = Vec::new();
    while classes.len() < many {
        classes.push(next(letters).await.headers.text("x-error-class").unwrap().to_owned());
    }
    classes
}

async fn no_more(letters: &mut Box<dyn Consumer>) {
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
    stage.send(redriven(&first).unwrap()).await;
    let second = next(&mut letters).await;
    assert_eq!(header(&second, "x-redrive-count").as_deref(), Some("1"));
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
    // What a process leaves that ended at the third record for the third time.
    stage.store.run_begun(Echo::GROUP, "one").await.unwrap();
    let silent = Duration::ZERO;
    assert_eq!(stage.store.partition_taken(Echo::GROUP, "one", &at.0, silent).await.unwrap(), None);
    stage.store.reach_moved(Echo::GROUP, "one", &at.0, at.1).await.unwrap();
    assert!(stage.store.record_begun(Echo::GROUP, "one", &at.0, at.1, 3).await.unwrap());
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
