//! The limit of a conversation: the same number of records handed over and of commits, with nothing in between.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peyvand::bus::{ConsumerEvent, Headers, NewRecord, Topic, TopicSpec, embedded::EmbeddedBus};
use rdkafka::{
    Message,
    consumer::Consumer as _,
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use crate::{
    bare,
    deployment::server,
    figures::Latencies,
    talk::{EACH, SAMPLES},
};

/// From a send to its record in a consumer's hands, on Kafka.
pub(crate) fn kafka(runtime: &tokio::runtime::Runtime) -> Latencies {
    let bus = peyvand::bus::kafka::KafkaBus::open(peyvand::bus::kafka::KafkaConfig {
        brokers: server("PEYVAND_TEST_KAFKA"),
        ..Default::default()
    })
    .unwrap();
    let name = format!("hop-{}", uuid::Uuid::new_v4());
    let spec =
        TopicSpec { topic: Topic::new(name.as_str()), partitions: 6, retention_ms: -1, retention_bytes: -1 };
    runtime.block_on(bus.create_topics(&[spec])).unwrap();
    let reader = name.clone();
    let (reads, begun) = std::sync::mpsc::sync_channel(1);
    let reading = std::thread::spawn(move || {
        let consumer = bare::consumer(&reader);
        consumer.subscribe(&[&reader]).unwrap();
        drop(bare::next(&consumer));
        reads.send(()).unwrap();
        let mut all = Vec::with_capacity(SAMPLES);
        while all.len() < SAMPLES {
            all.push(since(bare::next(&consumer).payload().unwrap()));
        }
        all
    });
    let producer: ThreadedProducer<_> = bare::producing("0").create().unwrap();
    // One record to wait for: the reader's partitions are its own when it has it.
    producer.send(BaseRecord::to(&name).key("first").payload(&stamp())).map_err(|(error, _)| error).unwrap();
    begun.recv().unwrap();
    let began = Instant::now();
    for number in 0..SAMPLES {
        sleep_until(began + EACH * u32::try_from(number).unwrap());
        let key = format!("c-{}", number % 1000);
        producer.send(BaseRecord::to(&name).key(&key).payload(&stamp())).map_err(|(error, _)| error).unwrap();
    }
    let all = reading.join().unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
    Latencies::of(all)
}

/// The same on the embedded log.
pub(crate) async fn embedded() -> Latencies {
    let folder = std::env::temp_dir().join(format!("peyvand-hop-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let bus = EmbeddedBus::open(&folder.join("bus.sqlite")).await.unwrap();
    let topic = Topic::new("hop");
    let spec = TopicSpec { topic: topic.clone(), partitions: 6, retention_ms: -1, retention_bytes: -1 };
    bus.create_topics(&[spec]).await.unwrap();
    let mut consumer = bus.consumer("hop", std::slice::from_ref(&topic)).unwrap();
    let reading = tokio::spawn(async move {
        let mut all = Vec::with_capacity(SAMPLES);
        while all.len() < SAMPLES {
            if let ConsumerEvent::Records(records) = consumer.next(100).await.unwrap() {
                all.extend(records.iter().map(|(record, _)| since(record.value.as_deref().unwrap())));
            }
        }
        all
    });
    let producer = bus.producer();
    let began = Instant::now();
    for number in 0..SAMPLES {
        tokio::time::sleep_until((began + EACH * u32::try_from(number).unwrap()).into()).await;
        let record = NewRecord {
            topic: topic.clone(),
            key: Some(format!("c-{}", number % 1000).into_bytes()),
            value: Some(stamp().to_vec()),
            headers: Headers::default(),
        };
        let producer = std::sync::Arc::clone(&producer);
        tokio::spawn(async move { producer.send(record).await.unwrap() });
    }
    let all = reading.await.unwrap();
    bus.close().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    Latencies::of(all)
}

/// One row in one transaction, made durable.
pub(crate) async fn postgres_commit() -> Latencies {
    let mut connection = PgConnection::connect(&server("PEYVAND_TEST_POSTGRES")).await.unwrap();
    connection
        .execute("CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, at timestamptz)")
        .await
        .unwrap();
    let mut all = Vec::new();
    for _ in 0..SAMPLES / 4 {
        let began = Instant::now();
        connection.execute("INSERT INTO bench_commit (at) VALUES (now())").await.unwrap();
        all.push(began.elapsed());
    }
    connection.execute("DROP TABLE bench_commit").await.unwrap();
    Latencies::of(all)
}

/// The same in SQLite.
pub(crate) async fn sqlite_commit() -> Latencies {
    let path = std::env::temp_dir().join(format!("peyvand-commit-{}.sqlite", uuid::Uuid::new_v4()));
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for setting in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE t (at INTEGER)"] {
        connection.execute(setting).await.unwrap();
    }
    let mut all = Vec::new();
    for _ in 0..SAMPLES / 4 {
        let began = Instant::now();
        connection.execute("INSERT INTO t VALUES (1)").await.unwrap();
        all.push(began.elapsed());
    }
    connection.close().await.unwrap();
    std::fs::remove_file(path).unwrap();
    Latencies::of(all)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn stamp() -> [u8; 400] {
    let mut bytes = [0; 400];
    bytes[..16].copy_from_slice(&now().as_nanos().to_be_bytes());
    bytes
}

fn since(bytes: &[u8]) -> Duration {
    let sent = u128::from_be_bytes(bytes[..16].try_into().unwrap());
    now().saturating_sub(Duration::from_nanos(u64::try_from(sent).unwrap()))
}

fn sleep_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
