use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Fate, Lane, Limits, Pulses, Settle, pump};
use crate::bus::{
    BusError, Consumer, ConsumerEvent, Epoch, Headers, LET_GO_WITHIN_MIN, LetGo, NextOffset, Offset, Record,
    TimestampType, Topic, TopicPartition,
};

const PATIENCE: Duration = Duration::from_secs(30);
const MOVED: i32 = 0;
const STAYS: i32 = 1;

/// What a worker stored: partition, epoch and next offset.
type Stored = Arc<Mutex<Vec<(i32, u64, i64)>>>;

/// A member of a group that tells what the test says, and notes what is stored.
struct Told {
    events: mpsc::Receiver<ConsumerEvent>,
    records: VecDeque<(Record, Epoch)>,
    stored: Stored,
}

impl Consumer for Told {
    fn next(&mut self, room: usize) -> BoxFuture<'_, Result<ConsumerEvent, BusError>> {
        async move {
            loop {
                if room > 0 && !self.records.is_empty() {
                    let many = room.min(self.records.len());
                    return Ok(ConsumerEvent::Records(self.records.drain(..many).collect()));
                }
                match self.events.recv().await {
                    Some(ConsumerEvent::Records(records)) => self.records.extend(records),
                    Some(event) => return Ok(event),
                    None => return Err(BusError::Closed),
                }
            }
        }
        .boxed()
    }

    fn store(&self, place: &TopicPartition, epoch: Epoch, next: NextOffset) {
        self.stored.lock().unwrap().push((place.partition, epoch.0, next.0));
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), BusError>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// What was seen of a record: what happened to it, its partition and its offset.
type Seen = (&'static str, i32, i64);

/// The words that records wait for, by partition and offset.
type Words = Arc<Mutex<HashMap<(i32, i64), Arc<Notify>>>>;

/// More than any test sends.
const MOST: usize = 1000;

/// Settles a record when the test says so, and tells when one is begun and when one is over.
#[derive(Clone)]
struct OnWord {
    words: Words,
    seen: mpsc::Sender<Seen>,
    /// These are another member's when their word comes.
    gone: Arc<Mutex<HashSet<(i32, i64)>>>,
}

impl OnWord {
    fn word(&self, partition: i32, offset: i64) -> Arc<Notify> {
        Arc::clone(self.words.lock().unwrap().entry((partition, offset)).or_default())
    }
}

impl Settle for OnWord {
    async fn settle(&self, record: Record, _behind: &Lane) -> Fate {
        let (partition, offset) = (record.place.partition, record.offset.0);
        self.seen.try_send(("begun", partition, offset)).unwrap();
        self.word(partition, offset).notified().await;
        self.seen.try_send(("over", partition, offset)).unwrap();
        match self.gone.lock().unwrap().contains(&(partition, offset)) {
            true => Fate::Gone,
            false => Fate::Settled,
        }
    }
}

struct Stage {
    events: mpsc::Sender<ConsumerEvent>,
    settler: OnWord,
    seen: mpsc::Receiver<Seen>,
    stored: Stored,
    pulses: Arc<Pulses>,
    shutdown: CancellationToken,
    pumping: tokio::task::JoinHandle<Result<(), BusError>>,
}

fn place(partition: i32) -> TopicPartition {
    TopicPartition { topic: Topic::new("t"), partition }
}

impl Stage {
    /// A worker that holds both partitions in epoch 1.
    fn open(limits: Limits) -> Self {
        let (events, told) = mpsc::channel(MOST);
        let (seen, heard) = mpsc::channel(MOST);
        let (stored, shutdown) = (Stored::default(), CancellationToken::new());
        let settler = OnWord { words: Arc::default(), seen, gone: Arc::default() };
        let consumer = Box::new(Told { events: told, records: VecDeque::new(), stored: Arc::clone(&stored) });
        let pulses = Pulses::new();
        let pulse = pulses.begin("test");
        let pumping = tokio::spawn(pump(consumer, settler.clone(), limits, pulse, shutdown.clone()));
        let stage = Self { events, settler, seen: heard, stored, pulses, shutdown, pumping };
        stage.tell(ConsumerEvent::Assigned(vec![(place(MOVED), Epoch(1)), (place(STAYS), Epoch(1))]));
        stage
    }

    fn tell(&self, event: ConsumerEvent) {
        self.events.try_send(event).unwrap();
    }

    /// Records of one partition with these offsets, each of a conversation of its own.
    fn send(&self, partition: i32, epoch: u64, offsets: impl IntoIterator<Item = i64>) {
        self.send_as(partition, epoch, offsets.into_iter().map(|offset| (offset, offset.to_string())));
    }

    fn send_as(&self, partition: i32, epoch: u64, offsets: impl IntoIterator<Item = (i64, String)>) {
        let record = |(offset, key): (i64, String)| Record {
            place: place(partition),
            offset: Offset(offset),
            timestamp_ms: 0,
            timestamp_type: TimestampType::default(),
            key: Some(key.into_bytes()),
            value: None,
            headers: Headers::default(),
        };
        let records = offsets.into_iter().map(|one| (record(one), Epoch(epoch))).collect();
        self.tell(ConsumerEvent::Records(records));
    }

    /// Lets a record that is or will be begun come to its end.
    fn end(&self, partition: i32, offset: i64) {
        self.settler.word(partition, offset).notify_one();
    }

    async fn next_seen(&mut self) -> Seen {
        timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    /// Settles records of the partition that stays, one after another.
    async fn settle_others(&mut self, offsets: impl IntoIterator<Item = i64>) {
        for offset in offsets {
            self.send(STAYS, 1, [offset]);
            self.end(STAYS, offset);
            assert_eq!(self.next_seen().await, ("begun", STAYS, offset));
            assert_eq!(self.next_seen().await, ("over", STAYS, offset));
        }
    }

    /// Asks the moved partition back; what is woken when it is let go.
    fn ask_back(&self) -> oneshot::Receiver<()> {
        let (let_go, waiting) = LetGo::new();
        self.tell(ConsumerEvent::Revoking(vec![place(MOVED)], let_go));
        waiting
    }

    fn stored_of(&self, partition: i32) -> Vec<(u64, i64)> {
        let stored = self.stored.lock().unwrap();
        stored.iter().filter(|one| one.0 == partition).map(|one| (one.1, one.2)).collect()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.pumping).await.unwrap().unwrap().unwrap();
    }
}

fn is_let_go(waiting: &mut oneshot::Receiver<()>) -> bool {
    waiting.try_recv() != Err(oneshot::error::TryRecvError::Empty)
}

async fn let_go(waiting: oneshot::Receiver<()>) {
    timeout(PATIENCE, waiting).await.expect("it was not let go").expect("it was dropped, not let go");
}

fn never_late() -> Limits {
    Limits { hand_over: PATIENCE * 2, drain: PATIENCE * 2, ..Limits::default() }
}

#[test]
fn a_worker_lets_go_before_its_partitions_are_taken_away() {
    let limits = Limits::default();
    assert!(limits.hand_over < limits.drain && limits.drain < LET_GO_WITHIN_MIN, "{limits:?}");
}

#[tokio::test]
async fn while_a_record_of_a_partition_that_moves_runs_the_partitions_that_stay_go_on() {
    let mut stage = Stage::open(never_late());
    // The second is of the same conversation and waits behind the first.
    stage.send_as(MOVED, 1, [(0, "talk".to_owned()), (1, "talk".to_owned())]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    let mut waiting = stage.ask_back();
    // What of it comes late is not begun: it is read again.
    stage.send(MOVED, 1, [2]);
    stage.settle_others(0..50).await;
    assert!(!is_let_go(&mut waiting), "a record still runs");
    assert_eq!(stage.stored_of(STAYS).last(), Some(&(1, 50)));
    stage.end(MOVED, 0);
    assert_eq!(stage.next_seen().await, ("over", MOVED, 0));
    let_go(waiting).await;
    assert_eq!(stage.stored_of(MOVED), [(1, 1)], "what ran is stored, what waited is not");
    stage.settle_others(50..51).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_hand_over_past_its_time_lets_go_and_what_comes_late_changes_nothing() {
    let mut stage = Stage::open(Limits { hand_over: Duration::from_millis(100), ..never_late() });
    stage.send(MOVED, 1, [0]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    let began = Instant::now();
    let_go(stage.ask_back()).await;
    assert!(began.elapsed() >= Duration::from_millis(100), "it had its time");
    // It comes back to the same worker, which reads the record again.
    stage.tell(ConsumerEvent::Assigned(vec![(place(MOVED), Epoch(2))]));
    stage.send(MOVED, 2, [0]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    // The word is for whoever asked first, and that is the late one.
    stage.end(MOVED, 0);
    assert_eq!(stage.next_seen().await, ("over", MOVED, 0));
    stage.settle_others(0..3).await;
    assert_eq!(stage.stored_of(MOVED), [], "the late result stored something");
    stage.end(MOVED, 0);
    assert_eq!(stage.next_seen().await, ("over", MOVED, 0));
    stage.settle_others(3..4).await;
    assert_eq!(stage.stored_of(MOVED), [(2, 1)]);
    stage.stop().await;
}

#[tokio::test]
async fn a_partition_that_was_lost_and_came_back_is_not_let_go_by_its_earlier_hand_over() {
    let mut stage = Stage::open(never_late());
    stage.send(MOVED, 1, [0]);
    stage.send(STAYS, 1, [0]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    assert_eq!(stage.next_seen().await, ("begun", STAYS, 0));
    let (handle, waiting) = LetGo::new();
    stage.tell(ConsumerEvent::Revoking(vec![place(MOVED), place(STAYS)], handle));
    stage.tell(ConsumerEvent::Lost(vec![place(STAYS)]));
    stage.tell(ConsumerEvent::Assigned(vec![(place(STAYS), Epoch(2))]));
    stage.send(STAYS, 2, [1]);
    assert_eq!(stage.next_seen().await, ("begun", STAYS, 1));
    stage.end(MOVED, 0);
    assert_eq!(stage.next_seen().await, ("over", MOVED, 0));
    let_go(waiting).await;
    stage.end(STAYS, 1);
    assert_eq!(stage.next_seen().await, ("over", STAYS, 1));
    stage.send(STAYS, 2, [2]);
    assert_eq!(stage.next_seen().await, ("begun", STAYS, 2));
    assert_eq!(stage.stored_of(STAYS), [(2, 2)]);
    stage.end(STAYS, 0);
    stage.end(STAYS, 2);
    stage.stop().await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_hand_over_lets_finish_and_lets_go() {
    let mut stage = Stage::open(never_late());
    stage.send(MOVED, 1, [0]);
    stage.send(STAYS, 1, [0]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    assert_eq!(stage.next_seen().await, ("begun", STAYS, 0));
    let mut waiting = stage.ask_back();
    // When this is settled, the worker has heard of the hand-over.
    stage.settle_others(1..2).await;
    stage.shutdown.cancel();
    stage.end(MOVED, 0);
    assert_eq!(stage.next_seen().await, ("over", MOVED, 0));
    // Before the other partition has finished: somebody waits for this one.
    timeout(PATIENCE, &mut waiting).await.expect("it was not let go").unwrap();
    assert!(!stage.pumping.is_finished(), "a record still runs");
    stage.end(STAYS, 0);
    assert_eq!(stage.next_seen().await, ("over", STAYS, 0));
    timeout(PATIENCE, &mut stage.pumping).await.unwrap().unwrap().unwrap();
    assert_eq!((stage.stored_of(MOVED), stage.stored_of(STAYS).pop()), (vec![(1, 1)], Some((1, 2))));
}

#[tokio::test]
async fn a_stop_does_not_make_a_hand_over_longer() {
    let mut stage = Stage::open(Limits { hand_over: Duration::from_secs(5), ..never_late() });
    stage.send(MOVED, 1, [0]);
    stage.send(STAYS, 1, [0]);
    assert_eq!(stage.next_seen().await, ("begun", MOVED, 0));
    assert_eq!(stage.next_seen().await, ("begun", STAYS, 0));
    let mut waiting = stage.ask_back();
    stage.settle_others(1..2).await;
    assert!(!is_let_go(&mut waiting), "a record still runs");
    stage.shutdown.cancel();
    let_go(waiting).await;
    assert!(!stage.pumping.is_finished(), "a record still runs");
    stage.end(STAYS, 0);
    stage.stop().await;
}

#[tokio::test]
async fn a_record_that_is_another_member_s_by_now_holds_up_its_lane_and_nothing_else() {
    let mut stage = Stage::open(never_late());
    stage.settler.gone.lock().unwrap().insert((MOVED, 0));
    stage.send_as(MOVED, 1, [(0, "talk".to_owned()), (1, "talk".to_owned())]);
    stage.send(MOVED, 1, [2]);
    for offset in [0, 2] {
        assert_eq!(stage.next_seen().await, ("begun", MOVED, offset));
    }
    for offset in [0, 2] {
        stage.end(MOVED, offset);
        assert_eq!(stage.next_seen().await, ("over", MOVED, offset));
    }
    // Nothing else is seen meanwhile, so what waits behind it was not begun.
    stage.settle_others(0..3).await;
    assert_eq!(stage.stored_of(STAYS).pop(), Some((1, 3)));
    assert_eq!(stage.stored_of(MOVED), [(1, 0)], "it is not passed, though what follows it is done");
    assert_eq!(stage.pulses.open(), [("test", 1)], "only what waits behind it is open");
    let_go(stage.ask_back()).await;
    assert_eq!(stage.pulses.open(), [("test", 0)]);
    stage.settle_others(3..4).await;
    stage.stop().await;
}
