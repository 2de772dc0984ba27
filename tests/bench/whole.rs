//! The whole way at full load: messages into the log, through all four workers on Kafka and PostgreSQL, and their replies out of
//! the log. Processor time is the machine's, servers, sandbox and load included; transactions are PostgreSQL's own count.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use peyvand::{
    bus::{ConsumerEvent, NewRecord, Topic, kafka::KafkaBus},
    codec::{self, Registry, RegistryConfig, Schemas},
    event::{ConversationId, Envelope, EventId, MessageReceived, TenantId},
    topics,
};
use sqlx::{Connection, PgConnection, Row};
use tokio::sync::Semaphore;

use crate::{
    deployment::{deployment, server},
    figures::{cpu_by_program, shares},
    outbox, pass,
};

const MESSAGES: usize = 20_000;
const WARM_UP: usize = 2_000;
const CONVERSATIONS: usize = 10_000;
const AT_ONCE: usize = 2_000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _workers = deployment();
    runtime.block_on(async {
        println!(
            "\nthe whole way: messages in and replies out, four workers (two connectors) on Kafka and PostgreSQL, {CONVERSATIONS} conversations"
        );
        println!("  PostgreSQL alone: {:.0} commits/s of one row, 16 connections", outbox::commits("").await);
        let bus = KafkaBus::open(pass::config()).unwrap();
        let url = server("PEYVAND_TEST_REGISTRY");
        let registry = Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap();
        let schemas = Arc::new(Schemas::from_registry(registry).await.unwrap());
        for (what, text) in [
            ("greetings (classifier, reply, channels)", Text::Greeting),
            ("questions (and connector, SAP)", Text::Question),
        ] {
            let _warm = flood(&bus, &schemas, text, WARM_UP).await;
            let (cpu_before, commits_before) = (busy(), committed().await);
            let programs_before = cpu_by_program();
            let wall = flood(&bus, &schemas, text, MESSAGES).await;
            let (cpu, commits) = (busy().saturating_sub(cpu_before), committed().await - commits_before);
            #[allow(clippy::cast_precision_loss, reason = "small numbers")]
            let (messages, commits) = (MESSAGES as f64, commits as f64);
            println!(
                "  {MESSAGES} {what}: {:.0} messages/s, {:.0} µs CPU a message (whole machine), {:.2} transactions a message, looks included",
                messages / wall.as_secs_f64(),
                cpu.as_secs_f64() * 1e6 / messages,
                commits / messages
            );
            println!("    {}", shares(&programs_before, messages));
        }
        bus.close().await.unwrap();
    });
}

#[derive(Clone, Copy)]
enum Text {
    Greeting,
    Question,
}

fn message(run: &str, number: usize, text: Text) -> Envelope<MessageReceived> {
    let name = format!("{run}-{number}");
    let text = match text {
        Text::Greeting => "hello".to_owned(),
        Text::Question => format!("where is order {}?", 45001 + number % 400),
    };
    let event_id = EventId::of_message("bench", "demo", &name);
    Envelope {
        event_id,
        correlation_id: event_id,
        causation_id: None,
        occurred_at_ms: 1,
        traceparent: None,
        event: MessageReceived {
            tenant: TenantId::parse("demo").unwrap(),
            conversation_id: ConversationId::parse(format!("bench:{run}:{}", number % CONVERSATIONS))
                .unwrap(),
            channel: "bench".to_owned().try_into().unwrap(),
            channel_message_id: name.try_into().unwrap(),
            text: text.into(),
            language: None,
        },
    }
}

/// Sends as fast as replies come, and takes the time from the first message to the last reply. What a load can do before, it
/// does before: the cores belong to what is measured.
async fn flood(bus: &KafkaBus, schemas: &Arc<Schemas>, text: Text, messages: usize) -> Duration {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let encode = |number| {
        codec::encode(schemas, Topic::new(topics::MESSAGE_RECEIVED), &message(&run, number, text)).unwrap()
    };
    let records: Vec<NewRecord> = (0..messages).map(encode).collect();
    let mut consumer = bus.follow(&[Topic::new(topics::REPLY_READY)]).await.unwrap();
    let (places, producer) = (Arc::new(Semaphore::new(AT_ONCE)), bus.producer());
    let (sending, began) = (Arc::clone(&places), Instant::now());
    let sent = tokio::spawn(async move {
        let mut working = FuturesUnordered::new();
        for record in records {
            sending.acquire().await.unwrap().forget();
            working.push(producer.send(record));
            while let Some(Some(sent)) = working.next().now_or_never() {
                drop(sent.unwrap());
            }
        }
        while let Some(sent) = working.next().await {
            drop(sent.unwrap());
        }
    });
    let ours = format!("bench:{run}:");
    let mut answered: HashSet<String> = HashSet::new();
    while answered.len() < messages {
        let ConsumerEvent::Records(records) = consumer.next(1000).await.unwrap() else { continue };
        for (record, _) in records {
            let is_ours = record.key.as_deref().is_some_and(|key| key.starts_with(ours.as_bytes()));
            if is_ours && answered.insert(record.headers.text("correlation-id").unwrap().to_owned()) {
                places.add_permits(1);
            }
        }
    }
    let wall = began.elapsed();
    sent.await.unwrap();
    consumer.close().await.unwrap();
    wall
}

/// Processor time that all cores have worked since the machine began.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let fields: Vec<u64> =
        stat.lines().next().unwrap().split_whitespace().skip(1).map(|field| field.parse().unwrap()).collect();
    // user, nice, system, idle, iowait, irq, softirq
    Duration::from_millis((fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) * 10)
}

async fn committed() -> i64 {
    let mut connection = PgConnection::connect(&server("PEYVAND_TEST_POSTGRES")).await.unwrap();
    let row = sqlx::query("SELECT sum(xact_commit)::bigint FROM pg_stat_database").fetch_one(&mut connection);
    row.await.unwrap().get(0)
}
