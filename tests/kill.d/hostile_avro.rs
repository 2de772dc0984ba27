//! Whoever may write to the topics may write anything: each hostile payload becomes a dead letter of its class, nothing
//! comes of it, and the process that read it stays the same, small, and serves the next record.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use peyvand::{codec, event::Operation, topics};
use serde_json::{Value, json};

use crate::{
    corpus::{self, Event, Hostile},
    judge::judge,
    log,
    process::{Worker, ready, server},
    scene::Scene,
};

const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const PEAK_MAX_KIB: u64 = 256 << 10;

/// Who reads a topic: the letters of it, and what would come of a record that is worked on.
struct Reader {
    dead: &'static str,
    effects: &'static str,
}

const CONNECTOR: Reader =
    Reader { dead: "chat.turn.decided.connector.dlq", effects: topics::OPERATION_UPDATED };

fn of_registry(path: &str) -> String {
    format!("{}/{path}", server("PEYVAND_TEST_REGISTRY"))
}

async fn asked(path: &str, schema: &str) -> u32 {
    let body = json!({"schema": schema, "schemaType": "AVRO"});
    let answer = reqwest::Client::new().post(of_registry(path)).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    let answer: Value = answer.json().await.unwrap();
    u32::try_from(answer["id"].as_u64().unwrap()).unwrap()
}

/// Puts a schema under a subject; its id.
pub(crate) async fn register(subject: &str, schema: &str) -> u32 {
    asked(&format!("subjects/{subject}/versions"), schema).await
}

/// The id of the schema that a topic's events are written with, and those of all others.
pub(crate) async fn ids(topic: &str) -> (u32, Vec<u32>) {
    let (mut own, mut others) = (0, Vec::new());
    for schema in codec::newest() {
        let id = asked(&format!("subjects/{}", schema.subject()), schema.text).await;
        if schema.topic == topic { own = id } else { others.push(id) }
    }
    (own, others)
}

/// The most memory a worker ever held, in KiB, as the kernel has noted it.
pub(crate) fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The classes of the dead letters with these keys, once each has one.
async fn classes(dead: &'static str, hostile: &[Hostile]) -> HashMap<String, Vec<String>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut classes: HashMap<String, Vec<String>> = HashMap::new();
        for letter in log::all_of(dead).await {
            let class = letter.header("x-error-class").to_owned();
            classes.entry(letter.key).or_default().push(class);
        }
        let waiting: Vec<&str> = hostile
            .iter()
            .filter(|one| !classes.contains_key(&one.key))
            .map(|one| one.what.as_str())
            .collect();
        if waiting.is_empty() {
            return classes;
        }
        assert!(Instant::now() < until, "{} have no dead letter: {waiting:?}", waiting.len());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Publishes all of it and demands of each reader one dead letter for each, of the right class, and no effect.
async fn strike(topic: &str, readers: &[Reader], hostile: &[Hostile]) {
    println!("{} hostile records in {topic}", hostile.len());
    let records: Vec<(&str, Option<&[u8]>)> =
        hostile.iter().map(|one| (one.key.as_str(), one.value.as_deref())).collect();
    log::publish(topic, &records).await;
    for reader in readers {
        refused_by(reader, hostile).await;
    }
}

async fn refused_by(Reader { dead, effects }: &Reader, hostile: &[Hostile]) {
    let classes = classes(dead, hostile).await;
    let wrong: Vec<String> = hostile
        .iter()
        .filter(|one| classes[&one.key] != [one.class])
        .map(|one| format!("{}: {:?} and not {}", one.what, classes[&one.key], one.class))
        .collect();
    assert!(wrong.is_empty(), "{dead}: {}", wrong.join("\n"));
    let effects = log::all_of(effects).await;
    let made: Vec<&str> = effects
        .iter()
        .filter_map(|effect| hostile.iter().find(|one| one.key == effect.key))
        .map(|one| one.what.as_str())
        .collect();
    assert!(made.is_empty(), "something came of {made:?}");
}

fn still_there(worker: &mut Worker, pid: u32, what: &str) {
    assert!(!worker.has_ended() && worker.pid() == pid, "the process has ended");
    let peak = peak_kib(pid);
    println!("{what}: peak memory {} MiB", peak >> 10);
    assert!(peak < PEAK_MAX_KIB, "{what} held {peak} KiB");
}

/// A record with nothing wrong in it is worked on.
async fn serves_the_next(topic: &str, event: Event, own: u32, effects: &'static str) {
    let talk = Scene::conversation();
    log::publish(topic, &[(&talk, Some(&event.valid(own, &talk)))]).await;
    let until = Instant::now() + PATIENCE;
    while !log::all_of(effects).await.iter().any(|effect| effect.key == talk) {
        assert!(Instant::now() < until, "nothing came of the next record of {topic}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Workers that are alive, with their process's number.
async fn begun(scene: &Scene, names: &[&'static str]) -> Vec<(&'static str, Worker, u32)> {
    let mut all = Vec::new();
    for name in names {
        let worker = scene.begin(name);
        ready(&worker, name).await;
        let pid = worker.pid();
        all.push((*name, worker, pid));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_news_and_replies_become_dead_letters_of_all_their_readers_and_each_serves_the_next_one() {
    let scene = Scene::open().await;
    let workers = begun(&scene, &["intent-classifier", "reply", "channels"]).await;
    let (own, others) = ids(topics::OPERATION_UPDATED).await;
    let readers = [
        Reader { dead: "chat.operation.updated.reply.dlq", effects: topics::REPLY_READY },
        Reader { dead: "chat.operation.updated.intent-classifier.dlq", effects: topics::TURN_DECIDED },
    ];
    strike(topics::OPERATION_UPDATED, &readers, &corpus::of(Event::Updated, own, &others)).await;
    serves_the_next(topics::OPERATION_UPDATED, Event::Updated, own, topics::REPLY_READY).await;
    let (own, others) = ids(topics::REPLY_READY).await;
    let reader = Reader { dead: "chat.reply.ready.channels.dlq", effects: topics::DELIVERY_UPDATED };
    strike(topics::REPLY_READY, &[reader], &corpus::of(Event::Reply, own, &others)).await;
    serves_the_next(topics::REPLY_READY, Event::Reply, own, topics::DELIVERY_UPDATED).await;
    let (own, _) = ids(topics::MESSAGE_RECEIVED).await;
    serves_the_next(topics::MESSAGE_RECEIVED, Event::Message, own, topics::TURN_DECIDED).await;
    for (name, mut worker, pid) in workers {
        still_there(&mut worker, pid, name);
        let _took = worker.stop();
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_messages_become_dead_letters_and_the_intent_classifier_serves_the_next_one() {
    let scene = Scene::open().await;
    let mut worker = scene.begin("intent-classifier");
    ready(&worker, "intent-classifier").await;
    let (pid, (own, others)) = (worker.pid(), ids(topics::MESSAGE_RECEIVED).await);
    let hostile = corpus::of(Event::Message, own, &others);
    let dead = "chat.message.received.intent-classifier.dlq";
    let reader = Reader { dead, effects: topics::TURN_DECIDED };
    strike(topics::MESSAGE_RECEIVED, &[reader], &hostile).await;
    serves_the_next(topics::MESSAGE_RECEIVED, Event::Message, own, topics::TURN_DECIDED).await;
    still_there(&mut worker, pid, "intent-classifier");
    let _took = worker.stop();
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_decisions_become_dead_letters_of_both_readers_and_the_connector_serves_the_next_one() {
    let mut scene = Scene::open().await;
    let mut connector = scene.connector(None).await;
    let reply_worker = begun(&scene, &["reply"]).await;
    let (pid, (own, others)) = (connector.pid(), ids(topics::TURN_DECIDED).await);
    let hostile = corpus::of(Event::Decided, own, &others);
    let reply = Reader { dead: "chat.turn.decided.reply.dlq", effects: topics::REPLY_READY };
    strike(topics::TURN_DECIDED, &[CONNECTOR, reply], &hostile).await;
    let talk = Scene::conversation();
    // Written by the same hand with nothing wrong in it, and with the turn that is waited for.
    let valid = |value: &mut Vec<u8>| {
        let turn_id = 5 + 5 + 1 + talk.len() + 1;
        let turn_id = turn_id..turn_id + 36;
        let mut own = Event::Decided.valid(own, &talk);
        own[turn_id.clone()].copy_from_slice(&value[turn_id]);
        *value = own;
    };
    let _turn = scene.ask_by(&talk, Operation::SalesOrderCreate, valid).await;
    scene.all_done().await;
    still_there(&mut connector, pid, "connector");
    let _took = connector.stop();
    for (name, mut worker, pid) in reply_worker {
        still_there(&mut worker, pid, name);
        let _took = worker.stop();
    }
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?} {:?} {:?}", scene.journal(), scene.asked);
    scene.close().await;
}

/// A schema may be anybody's too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_that_cannot_be_read_with_are_refused_and_the_connector_lives() {
    let mut scene = Scene::open().await;
    let mut connector = scene.connector(None).await;
    let pid = connector.pid();
    let mut hostile = Vec::new();
    for (at, (what, fields, bytes)) in corpus::bombs().into_iter().enumerate() {
        // An id says nothing of its subject, and nobody else's registration is to meet these.
        let id = register(&format!("hostile.{at}-value"), &corpus::schema_with(&fields)).await;
        let key = Scene::conversation();
        let value = Some([Event::Decided.valid(id, &key), bytes].concat());
        hostile.push(Hostile { what: what.to_owned(), class: "refused_schema", key, value });
    }
    strike(topics::TURN_DECIDED, &[CONNECTOR], &hostile).await;
    let _turn = scene.ask(&Scene::conversation()).await;
    scene.all_done().await;
    still_there(&mut connector, pid, "connector");
    let _took = connector.stop();
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?} {:?} {:?}", scene.journal(), scene.asked);
    scene.close().await;
}
