//! Figures and how they are shown.

use std::{collections::BTreeMap, time::Duration};

/// What the figures were taken on.
pub(crate) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, m)| m));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{cores} cores, {}, load {}",
        model.unwrap_or("unknown processor"),
        load.split(' ').next().unwrap_or("?")
    )
}

/// Processor time of this process so far, all threads, user and system. The kernel counts in hundredths of a second.
pub(crate) fn cpu() -> Duration {
    worked(&std::fs::read_to_string("/proc/self/stat").unwrap())
}

/// What a process has worked, from its line of figures.
fn worked(stat: &str) -> Duration {
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Processor time of all processes that run, by the name of their program.
pub(crate) fn cpu_by_program() -> BTreeMap<String, Duration> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        // What is no process has no such file, nor has one that just ended.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, name)) = stat.split_once('(') else { continue };
        let name = name.rsplit_once(')').unwrap().0.to_owned();
        *all.entry(name).or_default() += worked(&stat);
    }
    all
}

/// What each program has worked since then, for each of so many, those aside that hardly did.
pub(crate) fn shares(before: &BTreeMap<String, Duration>, each: f64) -> String {
    let micros = |(name, now): (String, Duration)| {
        let own = now.saturating_sub(before.get(&name).copied().unwrap_or_default());
        (name, own.as_secs_f64() * 1e6 / each)
    };
    let shares = cpu_by_program().into_iter().map(micros).filter(|(_, own)| *own >= 5.0);
    shares.map(|(name, own)| format!("{name} {own:.0} µs")).collect::<Vec<_>>().join(", ")
}

/// Memory that this process holds, in bytes.
pub(crate) fn resident() -> u64 {
    resident_of(std::process::id())
}

/// Memory that a process holds, in bytes.
pub(crate) fn resident_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

pub(crate) fn mib(bytes: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a size in memory")]
    let bytes = bytes as f64;
    bytes / f64::from(1 << 20)
}

/// Latencies, sorted.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    pub(crate) fn at(&self, share: f64) -> Duration {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = ((self.0.len() as f64 * share).ceil() as usize).clamp(1, self.0.len()) - 1;
        self.0[rank]
    }

    pub(crate) fn line(&self, what: &str) -> String {
        format!(
            "{what:<42} p50 {:>9} p99 {:>9}   {} samples",
            ms(self.at(0.5)),
            ms(self.at(0.99)),
            self.0.len()
        )
    }
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}
