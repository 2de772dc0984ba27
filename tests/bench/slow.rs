//! A handler that takes 50 ms, with every conversation in order: how much of what the order allows is reached. The limit
//! is arithmetic: the conversation with the most records takes 50 ms for each of them, one after the other.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use peyvand::{
    bus::{Record, Topic, kafka::KafkaBus},
    worker::{Fate, Lane, Limits, Pulses, Settle, pump},
};
use tokio_util::sync::CancellationToken;

use crate::{
    figures::{cpu, mib, resident},
    pass,
};

const EACH: Duration = Duration::from_millis(50);
const KEYS: usize = 10_000;
const UNIFORM: usize = 1_200_000;
const SKEWED: usize = 100_000;
const OPEN: usize = 100_000;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bus = runtime.block_on(async { KafkaBus::open(pass::config()) }).unwrap();
    println!("\na handler of 50 ms, {KEYS} conversations, 6 partitions, at most {OPEN} records open");
    // First, while the allocator has nothing of an earlier run.
    in_flight(&runtime, &bus);
    measure(&runtime, &bus, "uniform", &zipf(UNIFORM, 0.0));
    let in_turn: Vec<usize> = (0..UNIFORM).map(|number| number % KEYS).collect();
    measure(&runtime, &bus, "in turn", &in_turn);
    measure(&runtime, &bus, "Zipf 0.6", &zipf(SKEWED, 0.6));
    runtime.block_on(bus.close()).unwrap();
}

/// Keys whose shares follow Zipf's law (with exponent 0 all are equally likely), shuffled, always the same ones.
fn zipf(records: usize, exponent: f64) -> Vec<usize> {
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let weights: Vec<f64> = (1..=KEYS).map(|rank| (rank as f64).powf(-exponent)).collect();
    let total: f64 = weights.iter().sum();
    let mut ends: Vec<f64> = Vec::with_capacity(KEYS);
    for weight in weights {
        ends.push(ends.last().copied().unwrap_or_default() + weight / total);
    }
    let mut dice = 0x5eed_u64;
    (0..records)
        .map(|_| {
            dice ^= dice >> 12;
            dice ^= dice << 25;
            dice ^= dice >> 27;
            #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
            let chance = (dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64;
            ends.partition_point(|end| *end < chance).min(KEYS - 1)
        })
        .collect()
}

struct Slow {
    each: Duration,
    records: usize,
    done: AtomicUsize,
    all_done: CancellationToken,
    began: std::sync::OnceLock<(Duration, Instant)>,
    last: Mutex<HashMap<Vec<u8>, u64>>,
}

struct Shared(Arc<Slow>);

impl Settle for Shared {
    async fn settle(&self, record: Record, _behind: &Lane) -> Fate {
        self.0.began.get_or_init(|| (cpu(), Instant::now()));
        tokio::time::sleep(self.0.each).await;
        let number = u64::from_be_bytes(record.value.unwrap()[..8].try_into().unwrap());
        let before = self.0.last.lock().unwrap().insert(record.key.unwrap(), number);
        assert!(before.is_none_or(|before| before < number), "a conversation is out of order or doubled");
        if self.0.done.fetch_add(1, Ordering::Relaxed) + 1 == self.0.records {
            self.0.all_done.cancel();
        }
        Fate::Settled
    }
}

fn slow(records: usize, each: Duration) -> Arc<Slow> {
    Arc::new(Slow {
        each,
        records,
        done: AtomicUsize::new(0),
        all_done: CancellationToken::new(),
        began: std::sync::OnceLock::new(),
        last: Mutex::default(),
    })
}

fn measure(runtime: &tokio::runtime::Runtime, bus: &KafkaBus, name: &str, keys: &[usize]) {
    let topic = runtime.block_on(pass::topic(bus, "slow"));
    pass::fill(&topic, keys.iter().copied());
    let mut counts = vec![0_u32; KEYS];
    keys.iter().for_each(|key| counts[*key] += 1);
    let at_least = EACH * counts.iter().copied().max().unwrap();
    let handler = slow(keys.len(), EACH);
    let (cpu_used, wall) = runtime.block_on(async {
        let group = format!("slow-{}", uuid::Uuid::new_v4());
        let consumer = bus.consumer(&group, &[Topic::new(topic.as_str())]).unwrap();
        let limits = Limits { open: OPEN, ..Limits::default() };
        let stop = handler.all_done.clone();
        let pumped = tokio::spawn(pump(
            consumer,
            Shared(Arc::clone(&handler)),
            limits,
            Pulses::new().begin("bench"),
            stop.clone(),
        ));
        stop.cancelled().await;
        let (cpu_before, began) = *handler.began.get().unwrap();
        let figures = (cpu().saturating_sub(cpu_before), began.elapsed());
        pumped.await.unwrap().unwrap();
        figures
    });
    #[allow(clippy::cast_precision_loss, reason = "a million is exact")]
    let records = keys.len() as f64;
    let (rate, limit) = (records / wall.as_secs_f64(), records / at_least.as_secs_f64());
    println!(
        "  {name:<9} {} records: {rate:>8.0}/s, the order allows {limit:>8.0}/s: {:.3} of it, {:.2} µs CPU a record",
        keys.len(),
        rate / limit,
        cpu_used.as_secs_f64() * 1e6 / records
    );
}

/// What ten thousand conversations under way at the same time cost in memory.
fn in_flight(runtime: &tokio::runtime::Runtime, bus: &KafkaBus) {
    let topic = runtime.block_on(pass::topic(bus, "flight"));
    pass::fill(&topic, 0..KEYS);
    let handler = slow(KEYS, Duration::from_secs(5));
    runtime.block_on(async {
        let group = format!("flight-{}", uuid::Uuid::new_v4());
        let consumer = bus.consumer(&group, &[Topic::new(topic.as_str())]).unwrap();
        let limits = Limits { open: OPEN, ..Limits::default() };
        let before = resident();
        let stop = handler.all_done.clone();
        let pumped = tokio::spawn(pump(
            consumer,
            Shared(Arc::clone(&handler)),
            limits,
            Pulses::new().begin("bench"),
            stop.clone(),
        ));
        let mut most = before;
        while !stop.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            most = most.max(resident());
        }
        pumped.await.unwrap().unwrap();
        println!(
            "  memory of {KEYS} conversations under way: {:.1} MiB more than before ({:.1} MiB)",
            mib(most.saturating_sub(before)),
            mib(before)
        );
    });
}
