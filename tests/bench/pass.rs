//! Pass-through: every record of a topic is copied to another, settled only when it is acknowledged. Ours has a lane for
//! each conversation and the ledger on; the bare loop has neither. Both are checked for loss, doubles and order.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use peyvand::{
    bus::{
        NewRecord, Producer, Record, Topic, TopicSpec,
        kafka::{KafkaBus, KafkaConfig},
    },
    worker::{Fate, Lane, Limits, Pulses, Settle, pump},
};
use rdkafka::{
    Message,
    consumer::Consumer as _,
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bare,
    deployment::server,
    figures::{cpu, median},
};

const RECORDS: usize = 1_000_000;
const KEYS: usize = 10_000;
const VALUE_BYTES: usize = 400;
const ROUNDS: usize = 3;
const OPEN: usize = 20_000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bus = runtime.block_on(async { KafkaBus::open(config()) }).unwrap();
    let from = runtime.block_on(topic(&bus, "in"));
    fill(&from, (0..RECORDS).map(|number| number % KEYS));
    println!(
        "\npass-through, {RECORDS} records of {VALUE_BYTES} bytes, {KEYS} keys, 6 partitions, {ROUNDS} rounds in turn"
    );
    let (mut limits, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let contenders: [bool; 2] = if round % 2 == 0 { [true, false] } else { [false, true] };
        for is_bare in contenders {
            let to = runtime.block_on(topic(&bus, "out"));
            let (cpu, wall) = if is_bare {
                bare::pass(&from, &to, RECORDS)
            } else {
                runtime.block_on(through_the_pump(&from, &to))
            };
            check(&to);
            #[allow(clippy::cast_precision_loss, reason = "a million is exact")]
            let (each, rate) =
                (cpu.as_secs_f64() * 1e6 / RECORDS as f64, RECORDS as f64 / wall.as_secs_f64());
            println!("  {:<26} {each:>6.2} µs CPU a record  {rate:>9.0} records/s", name(is_bare));
            if is_bare { limits.push(each) } else { ours.push(each) }
        }
    }
    let (limit, own) = (median(limits), median(ours));
    println!(
        "  median: {own:.2} µs against {limit:.2} µs, {:.2} times the limit; nothing lost, doubled or reordered",
        own / limit
    );
    runtime.block_on(bus.close()).unwrap();
}

const fn name(is_bare: bool) -> &'static str {
    if is_bare { "bare rdkafka loop (limit)" } else { "Peyvand: lanes and ledger" }
}

pub(crate) fn config() -> KafkaConfig {
    KafkaConfig { brokers: server("PEYVAND_TEST_KAFKA"), ..KafkaConfig::default() }
}

pub(crate) async fn topic(bus: &KafkaBus, what: &str) -> String {
    let name = format!("bench-{what}-{}", uuid::Uuid::new_v4());
    let spec = TopicSpec {
        topic: Topic::new(name.as_str()),
        partitions: 6,
        retention_ms: 3_600_000,
        retention_bytes: -1,
    };
    bus.create_topics(&[spec]).await.unwrap();
    name
}

/// A record for each of these keys; each value begins with its number.
pub(crate) fn fill(topic: &str, keys: impl Iterator<Item = usize>) {
    let producer: BaseProducer = bare::producing("50").create().unwrap();
    let mut value = vec![b'x'; VALUE_BYTES];
    for (number, key) in keys.enumerate() {
        let key = format!("conversation-{key:05}");
        value[..8].copy_from_slice(&(number as u64).to_be_bytes());
        while producer.send(BaseRecord::to(topic).key(&key).payload(&value)).is_err() {
            producer.poll(Duration::from_millis(5));
        }
        if number % 256 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

struct PassThrough {
    producer: Arc<dyn Producer>,
    to: Topic,
    done: AtomicUsize,
    all_done: CancellationToken,
    began: std::sync::OnceLock<(Duration, Instant)>,
}

/// The settler of the pump, whose figures are read beside it.
struct Shared(Arc<PassThrough>);

impl Settle for Shared {
    async fn settle(&self, record: Record, _behind: &Lane) -> Fate {
        self.0.began.get_or_init(|| (cpu(), Instant::now()));
        let Record { key, value, headers, .. } = record;
        let copied = NewRecord { topic: self.0.to.clone(), key, value, headers };
        self.0.producer.send(copied).await.unwrap();
        if self.0.done.fetch_add(1, Ordering::Relaxed) + 1 == RECORDS {
            self.0.all_done.cancel();
        }
        Fate::Settled
    }
}

async fn through_the_pump(from: &str, to: &str) -> (Duration, Duration) {
    let bus = KafkaBus::open(config()).unwrap();
    let all_done = CancellationToken::new();
    let settler = Arc::new(PassThrough {
        producer: bus.producer(),
        to: Topic::new(to),
        done: AtomicUsize::new(0),
        all_done: all_done.clone(),
        began: std::sync::OnceLock::new(),
    });
    let group = format!("ours-{}", uuid::Uuid::new_v4());
    let consumer = bus.consumer(&group, &[Topic::new(from)]).unwrap();
    let limits = Limits { open: OPEN, ..Limits::default() };
    let pulse = Pulses::new().begin("ours");
    let pumped = tokio::spawn(pump(consumer, Shared(Arc::clone(&settler)), limits, pulse, all_done.clone()));
    all_done.cancelled().await;
    let (cpu_before, wall) = *settler.began.get().unwrap();
    let figures = (cpu().saturating_sub(cpu_before), wall.elapsed());
    pumped.await.unwrap().unwrap();
    bus.close().await.unwrap();
    figures
}

/// Every record is there once, and those of a key in their order.
fn check(topic: &str) {
    let consumer = bare::consumer(&format!("check-{}", uuid::Uuid::new_v4()));
    consumer.subscribe(&[topic]).unwrap();
    let mut last: HashMap<Vec<u8>, u64> = HashMap::new();
    for _ in 0..RECORDS {
        let message = bare::next(&consumer);
        let number = u64::from_be_bytes(message.payload().unwrap()[..8].try_into().unwrap());
        let before = last.insert(message.key().unwrap().to_vec(), number);
        assert!(before.is_none_or(|before| before < number), "a key is out of order or doubled");
    }
}
