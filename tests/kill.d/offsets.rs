//! How far Kafka says that the groups are, looked at again and again by clients that are members of none: it may never go back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use peyvand::topics;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};

use crate::process::server;

const EACH: Duration = Duration::from_millis(150);
const ANSWER: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(180);

/// One group from outside, with every partition it reads.
struct Group {
    name: &'static str,
    client: BaseConsumer,
    places: TopicPartitionList,
}

impl Group {
    fn of(name: &'static str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", server("PEYVAND_TEST_KAFKA")).set("group.id", name);
        let mut places = TopicPartitionList::new();
        for (topic, _) in topics::READERS.iter().filter(|(_, reader)| *reader == name) {
            places.add_partition_range(topic, 0, topics::PARTITIONS - 1);
        }
        Self { name, client: config.create().unwrap(), places }
    }

    fn every() -> Vec<Self> {
        ["connector", "intent-classifier", "reply", "channels"].map(Self::of).into()
    }

    /// What is committed, by partition; nothing while the brokers have no answer.
    fn committed(&self) -> BTreeMap<(String, i32), i64> {
        let Ok(answer) = self.client.committed_offsets(self.places.clone(), ANSWER) else {
            return BTreeMap::new();
        };
        let known = |offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let elements = answer.elements();
        let all = elements.iter().filter_map(|one| {
            known(one.offset()).map(|offset| ((one.topic().to_owned(), one.partition()), offset))
        });
        all.collect()
    }

    fn ends(&self) -> BTreeMap<(String, i32), i64> {
        let end = |topic: &str, partition| self.client.fetch_watermarks(topic, partition, ANSWER).unwrap().1;
        let elements = self.places.elements();
        elements
            .iter()
            .map(|one| ((one.topic().to_owned(), one.partition()), end(one.topic(), one.partition())))
            .collect()
    }

    /// How many records lie before it.
    fn behind(&self) -> i64 {
        let committed = self.committed();
        self.ends().iter().map(|(place, end)| end - committed.get(place).copied().unwrap_or_default()).sum()
    }

    /// Sets a group without members to the ends.
    fn skip(&self) -> bool {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), end) in self.ends() {
            list.add_partition_offset(&topic, partition, Offset::Offset(end)).unwrap();
        }
        self.client.commit(&list, CommitMode::Sync).is_ok()
    }
}

/// What earlier scenes have left is nobody's any more but the connectors': the other groups have none of it.
pub(crate) async fn skip_what_was_before() {
    let skipped = tokio::task::spawn_blocking(|| {
        for group in Group::every().iter().filter(|group| group.name != "connector") {
            let until = Instant::now() + PATIENCE;
            // A killed member is in its group for ten seconds more.
            while !group.skip() {
                assert!(Instant::now() < until, "group {} has members", group.name);
                thread::sleep(Duration::from_millis(500));
            }
        }
    });
    skipped.await.unwrap();
}

/// Waits until every group has settled all there is.
pub(crate) async fn until_nothing_is_left() {
    let waited = tokio::task::spawn_blocking(|| {
        for group in Group::every() {
            let until = Instant::now() + PATIENCE;
            while group.behind() > 0 {
                assert!(Instant::now() < until, "{} has {} records before it", group.name, group.behind());
                thread::sleep(Duration::from_millis(200));
            }
        }
    });
    waited.await.unwrap();
}

/// What was seen of the groups' places.
#[derive(Default)]
pub(crate) struct Seen {
    /// How often any of them moved on.
    pub(crate) moves: usize,
    pub(crate) went_back: Vec<String>,
}

/// Looks until it is asked what it has seen.
pub(crate) struct Watching {
    over: Arc<AtomicBool>,
    watching: JoinHandle<Seen>,
}

impl Watching {
    pub(crate) fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let watching = thread::spawn(move || {
            let (groups, mut seen, mut last) = (Group::every(), Seen::default(), BTreeMap::new());
            while !until.load(Ordering::Relaxed) {
                for group in &groups {
                    for (place, offset) in group.committed() {
                        let before = last.insert((group.name, place.clone()), offset).unwrap_or(offset);
                        seen.moves += usize::from(offset > before);
                        if offset < before {
                            seen.went_back.push(format!("{} {place:?}: {before} to {offset}", group.name));
                        }
                    }
                }
                thread::sleep(EACH);
            }
            seen
        });
        Self { over, watching }
    }

    pub(crate) async fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        tokio::task::spawn_blocking(|| self.watching.join().unwrap()).await.unwrap()
    }
}
