//! More connectors come and go in order, while writes come in and each partition has questions to a slow system running:
//! partitions move, and nothing else happens. What stays with its member pauses for no longer than a hand-over may take.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use peyvand::{event::OperationStatus, topics::PARTITIONS, worker::Limits};

use crate::{group::Watched, judge::judge, scene::Scene};

const PATIENCE: Duration = Duration::from_secs(120);
const ASK_EACH: Duration = Duration::from_millis(60);
/// Longer than any hand-over and any stop wait, and within the deadline that the system has here.
const SLOW_MS: u64 = 15_000;
const DEADLINE_MS: u64 = 25_000;
/// Each partition gets one of these so often: the newest always has most of its time before it.
const SLOW_EACH: Duration = Duration::from_secs(4);

/// While a member hands over, its Kafka client fetches nothing, also of what it keeps. Members that come at different times
/// make hand-overs in a row, and the workers of a debug build on a busy machine have pauses of their own: three times the
/// time of one, and a second. With the time of a stop instead, one alone would be longer.
fn longest_pause() -> Duration {
    let limits = Limits::default();
    let longest = 3 * limits.hand_over + Duration::from_secs(1);
    assert!(longest < limits.drain, "a pause as long as a stop would not be noticed");
    longest
}

/// Conversations with writes and conversations with slow questions, such that each partition has its turn.
struct Talks {
    writes: Vec<String>,
    slow: Vec<Vec<String>>,
    asked: usize,
    slow_at: Option<Instant>,
    rounds: usize,
}

impl Talks {
    /// Makes them known to the log by one write each.
    async fn open(scene: &mut Scene) -> Self {
        let mut by_partition: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for _ in 0..72 {
            let talk = Scene::conversation();
            let turn = scene.ask(&talk).await;
            by_partition.entry(scene.partitions[&turn.event.turn_id]).or_default().push(talk);
        }
        assert_eq!(by_partition.len(), PARTITIONS as usize, "a partition has no conversation");
        let slow: Vec<Vec<String>> =
            by_partition.values_mut().map(|talks| talks.split_off(talks.len() / 2)).collect();
        let most = by_partition.values().map(Vec::len).max().unwrap_or_default();
        let writes = (0..most)
            .flat_map(|at| by_partition.values().map(move |talks| talks[at % talks.len()].clone()))
            .collect();
        Self { writes, slow, asked: 0, slow_at: None, rounds: 0 }
    }

    /// Asks on until it is so; a partition waits for its next write for no longer than the others take.
    async fn go_on(&mut self, scene: &mut Scene, what: &str, mut so: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < until, "{what} did not happen");
            if self.slow_at.is_none_or(|at| at.elapsed() > SLOW_EACH) {
                self.slow_at = Some(Instant::now());
                for talks in &self.slow {
                    scene.question(&talks[self.rounds % talks.len()]).await;
                }
                self.rounds += 1;
            }
            let _turn = scene.ask(&self.writes[self.asked % self.writes.len()]).await;
            self.asked += 1;
            tokio::time::sleep(ASK_EACH).await;
        }
    }

    async fn go_on_for(&mut self, scene: &mut Scene, time: Duration) {
        let end = Instant::now() + time;
        self.go_on(scene, "nothing", || Instant::now() > end).await;
    }
}

/// Which events came again, of which partition, how long after the first.
fn repeats(scene: &Scene) -> Vec<(i32, OperationStatus, Duration)> {
    let heard = scene.heard.lock().unwrap();
    let mut repeats = Vec::new();
    for (turn, partition) in &scene.partitions {
        let steps = heard.get(turn).map(|heard| heard.steps.as_slice()).unwrap_or_default();
        for (at, (id, status, _, again)) in steps.iter().enumerate() {
            let first = steps[..at].iter().find(|(earlier, ..)| earlier == id);
            repeats.extend(first.map(|(.., first)| (*partition, *status, *again - *first)));
        }
    }
    repeats
}

/// How long each partition told of no accepted write at the longest, in this time.
fn pauses(scene: &Scene, from: Instant, to: Instant) -> BTreeMap<i32, Duration> {
    let heard = scene.heard.lock().unwrap();
    let mut told: BTreeMap<i32, Vec<Instant>> = BTreeMap::new();
    for (turn, partition) in &scene.partitions {
        let steps = heard.get(turn).map(|heard| heard.steps.as_slice()).unwrap_or_default();
        let accepted = steps.iter().find(|(_, status, ..)| *status == OperationStatus::Accepted);
        told.entry(*partition).or_default().extend(accepted.map(|(.., at)| *at));
    }
    let longest = |mut times: Vec<Instant>| {
        times.retain(|at| (from..=to).contains(at));
        times.extend([from, to]);
        times.sort_unstable();
        times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
    };
    told.into_iter().map(|(partition, times)| (partition, longest(times))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectors_that_come_and_go_under_load_lose_double_and_reorder_nothing_and_pause_only_what_moves() {
    let mut scene = Scene::open().await;
    scene.give_time(DEADLINE_MS);
    scene.slow_questions(SLOW_MS);
    let mut connectors = vec![scene.connector(None).await];
    let group = Watched::begin();
    let is_shared = |members: usize| {
        let all = PARTITIONS as usize;
        group.last().is_some_and(|seen| seen.members == members && seen.by_partition.len() == all)
    };
    let mut talks = Talks::open(&mut scene).await;
    talks.go_on(&mut scene, "the first connector alone", || is_shared(1)).await;
    talks.go_on_for(&mut scene, Duration::from_secs(5)).await;
    let mut times = Vec::new();
    for members in [6, 2] {
        let from = Instant::now();
        while connectors.len() < members {
            connectors.push(scene.begin_connector(None));
        }
        while connectors.len() > members {
            let leaving = connectors.remove(0);
            let stop = tokio::task::spawn_blocking(move || leaving.stop());
            talks.go_on(&mut scene, "a stop", || stop.is_finished()).await;
            let took = stop.await.unwrap();
            assert!(took < Duration::from_secs(30), "a connector took {took:?} to stop");
        }
        talks.go_on(&mut scene, "sharing out", || is_shared(members)).await;
        talks.go_on_for(&mut scene, Duration::from_secs(3)).await;
        times.push((from, Instant::now()));
    }
    scene.all_done().await;
    let verdict = judge(&scene);
    println!("{verdict:?}");
    assert!(verdict.is_clean(), "{verdict:?}");
    assert!(scene.struck() > 0, "no question was slow");
    let [stayed, moved] = longest(&scene, &group, &times);
    // Two events tell of each write.
    let share = 100.0 * verdict.duplicates_delivered as f64 / (2 * verdict.messages) as f64;
    println!(
        "{share:.2} % of the events came twice; longest pause of what stayed {stayed:?}, of what moved {moved:?}"
    );
    println!("{:?}", repeats(&scene));
    assert!(share < 1.0, "{share} % of the events came twice");
    assert!(stayed < longest_pause(), "a partition that stayed with its member paused for {stayed:?}");
    scene.no_faults();
    // Behind a slow question everything counts as not settled yet.
    scene.nothing_left().await;
    for connector in connectors {
        let _took = connector.stop();
    }
    scene.close().await;
}

/// The longest pause of a partition that stayed with its member, and of one that moved.
fn longest(scene: &Scene, group: &Watched, times: &[(Instant, Instant)]) -> [Duration; 2] {
    let mut longest = [Duration::ZERO; 2];
    for (from, to) in times {
        let [stayed, moved] = group.stayed_and_moved(*from, *to);
        println!("stayed {stayed:?}, moved {moved:?}, paused {:?}", pauses(scene, *from, *to));
        assert!(!stayed.is_empty() && !moved.is_empty(), "all or none have moved");
        for (partition, pause) in pauses(scene, *from, *to) {
            let which = usize::from(moved.contains(&partition));
            longest[which] = longest[which].max(pause);
        }
    }
    longest
}
