//! What a dead process has left: events that are committed and published nowhere. A connector is started, finds them and
//! publishes them. Counted from the first one in the log to the last one acknowledged there and forgotten by the database.

use std::time::{Duration, Instant};

use peyvand::bus::{ConsumerEvent, Topic, kafka::KafkaBus};
use peyvand_sandbox::SandboxConfig;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::{
    figures::cpu_by_program,
    pass,
    process::{self, Settings, targets},
};

const EVENTS: usize = 300_000;

pub(crate) async fn run() {
    for conversations in [10_000, EVENTS] {
        found_and_published(conversations).await;
    }
}

async fn found_and_published(conversations: usize) {
    let sandbox =
        peyvand_sandbox::start(SandboxConfig::loopback("2026-11-23".parse().unwrap())).await.unwrap();
    let settings = Settings::new(&targets(&sandbox.base_url(), "plain")).await;
    let mut database = PgConnection::connect(&settings.0["PEYVAND_DATABASE_URL"]).await.unwrap();
    let run = uuid::Uuid::new_v4().simple().to_string();
    let bus = KafkaBus::open(pass::config()).unwrap();
    // One that no worker reads.
    let topic = pass::topic(&bus, "left").await;
    fill(&mut database, &run, conversations, &topic).await;
    let group = format!("bench-{run}");
    let mut consumer = bus.consumer(&group, &[Topic::new(topic)]).unwrap();
    let ConsumerEvent::Assigned(_) = consumer.next(1).await.unwrap() else { panic!("no assignment") };
    let connector = settings.spawn("connector", []);
    process::ready(&connector, "connector").await;
    let (mut came, mut began, mut before) = (0, None, cpu_by_program());
    let mut newest = vec![0_usize; conversations];
    while came < EVENTS {
        let ConsumerEvent::Records(records) = consumer.next(10_000).await.unwrap() else { continue };
        for (record, _) in records {
            let key = String::from_utf8(record.key.unwrap()).unwrap();
            let Some(conversation) = key.strip_prefix(&format!("bench:{run}:")) else { continue };
            let newest = &mut newest[conversation.parse::<usize>().unwrap()];
            let seq: usize = std::str::from_utf8(&record.value.unwrap()).unwrap().trim().parse().unwrap();
            // One that comes again is a repeat by its id; one that is passed over would be lost.
            assert!(seq <= *newest + 1, "an event was passed over");
            if seq == *newest + 1 {
                *newest = seq;
                came += 1;
            }
        }
        if began.is_none() && came > 0 {
            (began, before) = (Some(Instant::now()), cpu_by_program());
        }
    }
    while left(&mut database).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let wall = began.unwrap().elapsed();
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let events = EVENTS as f64;
    println!(
        "  left behind by a dead process: {EVENTS} events of {conversations} conversations, published and forgotten by one connector, {:.0}/s",
        events / wall.as_secs_f64()
    );
    println!("    {}", crate::figures::shares(&before, events));
    connector.kill();
    consumer.close().await.unwrap();
    bus.close().await.unwrap();
}

/// Events as a step keeps them, of a process that is no more.
async fn fill(database: &mut PgConnection, run: &str, conversations: usize, topic: &str) {
    let each = EVENTS / conversations;
    let id = uuid::Uuid::nil().to_string().into_bytes();
    let headers = ["event-id", "correlation-id", "causation-id"].map(|name| (name, id.clone()));
    let headers = serde_json::to_string(&headers).unwrap();
    let statement = format!(
        "INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers, keeper, kept_at)
         SELECT 'connector', 'bench:{run}:' || n, s, '{topic}', convert_to('bench:{run}:' || n, 'UTF8'),
           convert_to(lpad(s::text, 300), 'UTF8'), '{headers}', 'dead', now() - interval '1 minute'
         FROM generate_series(0, {conversations} - 1) AS n, generate_series(1, {each}) AS s"
    );
    database.execute(AssertSqlSafe(statement)).await.unwrap();
    database.execute("VACUUM ANALYZE outgoing").await.unwrap();
}

async fn left(database: &mut PgConnection) -> i64 {
    let row = sqlx::query("SELECT count(*) FROM (SELECT FROM outgoing LIMIT 1) AS one").fetch_one(database);
    row.await.unwrap().get(0)
}
