//! A handler that takes 50 ms, with every conversation in order: how much of what the order allows is reached. One limit
//! is arithmetic: the conversation with the most records takes 50 ms for each of them, one after the other. The other is
//! measured: as many sleeps as there are conversations, on the same runtime with nothing else to do, take longer than that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
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
/// Sleeps of a conversation when there is nothing else, as many as a conversation of the uniform run has records.
const SLEEPS: u32 = 120;

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bus = runtime.block_on(async { KafkaBus::open(pass::config()) }).unwrap();
    println!("\na handler of 50 ms, {KEYS} conversations, 6 partitions, at most {OPEN} records open");
    // First, while the allocator has nothing of an earlier run.
    in_flight(&runtime, &bus);
    let one_sleep = runtime.block_on(sleeps_alone());
    println!(
        "  a sleep of 50 ms, {KEYS} at a time and nothing else: {:.2} ms",
        one_sleep.as_secs_f64() * 1e3
    );
    measure(&runtime, &bus, "uniform", &zipf(UNIFORM, 0.0), one_sleep);
    let in_turn: Vec<usize> = (0..UNIFORM).map(|number| number % KEYS).collect();
    measure(&runtime, &bus, "in turn", &in_turn, one_sleep);
    measure(&runtime, &bus, "Zipf 0.6", &zipf(SKEWED, 0.6), one_sleep);
    runtime.block_on(bus.close()).unwrap();
}

/// How long one of the sleeps takes on the average when each conversation does nothing but sleep, one after the other.
async fn sleeps_alone() -> Duration {
    let (mut asleep, began) = (tokio::task::JoinSet::new(), Instant::now());
    for _ in 0..KEYS {
        asleep.spawn(async {
            for _ in 0..SLEEPS {
                tokio::time::sleep(EACH).await;
            }
        });
    }
    drop(asleep.join_all().await);
    began.elapsed() / SLEEPS
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
    /// The number behind the last record of each conversation.
    last: Vec<AtomicU64>,
}

struct Shared(Arc<Slow>);

impl Settle for Shared {
    async fn settle(&self, record: Record, _behind: &Lane) -> Fate {
        self.0.began.get_or_init(|| (cpu(), Instant::now()));
        tokio::time::sleep(self.0.each).await;
        let number = u64::from_be_bytes(record.value.unwrap()[..8].try_into().unwrap());
        let key = record.key.unwrap();
        let key: usize = std::str::from_utf8(&key[key.len() - 5..]).unwrap().parse().unwrap();
        let before = self.0.last[key].swap(number + 1, Ordering::Relaxed);
        assert!(before <= number, "a conversation is out of order or doubled");
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
        last: (0..KEYS).map(|_| AtomicU64::new(0)).collect(),
    })
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    bus: &KafkaBus,
    name: &str,
    keys: &[usize],
    one_sleep: Duration,
) {
    let topic = runtime.block_on(pass::topic(bus, "slow"));
    pass::fill(&topic, keys.iter().copied());
    let mut counts = vec![0_u32; KEYS];
    keys.iter().for_each(|key| counts[*key] += 1);
    let longest = counts.iter().copied().max().unwrap();
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
    let rate = records / wall.as_secs_f64();
    let [limit, of_sleeps] = [EACH, one_sleep].map(|one| records / (one * longest).as_secs_f64());
    println!(
        "  {name:<9} {} records: {rate:>8.0}/s, the order allows {limit:>8.0}/s: {:.3} of it; such sleeps alone {of_sleeps:>8.0}/s: \
         {:.3} of it; {:.2} µs CPU a record",
        keys.len(),
        rate / limit,
        rate / of_sleeps,
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
