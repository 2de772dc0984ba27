//! Who holds which partition of the connectors' group, as Kafka itself describes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use peyvand::topics;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::process::server;

const GROUP: &str = "connector";
const ANSWER: Duration = Duration::from_secs(10);
const EACH: Duration = Duration::from_millis(200);

/// The members that hold partitions, by partition; at a moment when the group was settled.
#[derive(Clone)]
pub(crate) struct Owners {
    at: Instant,
    pub(crate) members: usize,
    pub(crate) by_partition: BTreeMap<i32, String>,
}

/// Looks at the group again and again until it is dropped.
pub(crate) struct Watched {
    seen: Arc<Mutex<Vec<Owners>>>,
    over: Arc<AtomicBool>,
    watching: Option<JoinHandle<()>>,
}

impl Watched {
    pub(crate) fn begin() -> Self {
        let (seen, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (into, until) = (Arc::clone(&seen), Arc::clone(&over));
        let watching = thread::spawn(move || {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", server("PEYVAND_TEST_KAFKA"));
            let client: BaseConsumer = config.create().unwrap();
            while !until.load(Ordering::Relaxed) {
                into.lock().unwrap().extend(described(&client));
                thread::sleep(EACH);
            }
        });
        Self { seen, over, watching: Some(watching) }
    }

    /// What was last seen.
    pub(crate) fn last(&self) -> Option<Owners> {
        self.seen.lock().unwrap().last().cloned()
    }

    /// The partitions that were with one member whenever it was looked in this time, and those that were not.
    pub(crate) fn stayed_and_moved(&self, from: Instant, to: Instant) -> [BTreeSet<i32>; 2] {
        let seen = self.seen.lock().unwrap();
        let mut owners: BTreeMap<i32, BTreeSet<&str>> = BTreeMap::new();
        for one in seen.iter().filter(|one| (from..=to).contains(&one.at)) {
            for partition in 0..topics::PARTITIONS {
                let owner = one.by_partition.get(&partition).map_or("", String::as_str);
                owners.entry(partition).or_default().insert(owner);
            }
        }
        let with_one = |one: bool| {
            let fitting = owners.iter().filter(|(_, owners)| (owners.len() == 1) == one);
            fitting.map(|(partition, _)| *partition).collect()
        };
        [with_one(true), with_one(false)]
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(watching) = self.watching.take() {
            // A thread that has failed leaves nothing seen, and that is noticed.
            let _ended = watching.join();
        }
    }
}

/// None while the group shares its partitions out anew.
fn described(client: &BaseConsumer) -> Option<Owners> {
    let list = client.fetch_group_list(Some(GROUP), ANSWER).ok()?;
    let group = list.groups().iter().find(|group| group.name() == GROUP && group.state() == "Stable")?;
    let mut by_partition = BTreeMap::new();
    for member in group.members() {
        for partition in partitions(member.assignment().unwrap_or_default()) {
            by_partition.insert(partition, member.id().to_owned());
        }
    }
    Some(Owners { at: Instant::now(), members: group.members().len(), by_partition })
}

/// The partitions of the turns in an assignment of Kafka's consumer protocol: a version, then topics with their partitions.
fn partitions(assignment: &[u8]) -> Vec<i32> {
    let mut rest = assignment.get(2..).unwrap_or_default();
    let mut take = |bytes: usize| {
        let (taken, left) = rest.split_at(bytes);
        rest = left;
        taken
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0_i32, |all, byte| all << 8 | i32::from(*byte));
    if assignment.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for _ in 0..number(take(4)) {
        let length = number(take(2));
        let is_own = take(usize::try_from(length).unwrap()) == topics::TURN_DECIDED.as_bytes();
        for _ in 0..number(take(4)) {
            let partition = number(take(4));
            found.extend(is_own.then_some(partition));
        }
    }
    found
}
