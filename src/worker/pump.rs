//! One loop, one select. Finished records come first, so that offsets move before new work is taken; new records are
//! taken only while fewer than the cap are open, so a slow system fills the log and not the memory. A lane is the queue
//! of one conversation in one partition: one record of it runs at a time.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Handler, ledger::Ledger, settle::Settler};
use crate::{
    bus::{BusError, Consumer, ConsumerEvent, Epoch, LetGo, Offset, Producer, Record, TopicPartition},
    store::SqliteStore,
};

/// Records open in one worker at a time.
const OPEN_MAX: usize = 1000;
/// How long running records may take when a partition goes to another member or the process stops.
const DRAIN: Duration = Duration::from_secs(12);

/// What a worker runs with.
pub struct Worker<H> {
    /// Its membership.
    pub consumer: Box<dyn Consumer>,
    /// Where its events go.
    pub producer: Arc<dyn Producer>,
    /// Its database.
    pub store: SqliteStore,
    /// Its thinking.
    pub handler: H,
}

type Lane = (TopicPartition, Vec<u8>);

struct Running {
    lane: Lane,
    epoch: Epoch,
    offset: Offset,
}

struct Pump<H: Handler> {
    consumer: Box<dyn Consumer>,
    settler: Arc<Settler<H>>,
    ledgers: HashMap<TopicPartition, (Epoch, Ledger)>,
    lanes: HashMap<Lane, VecDeque<(Record, Epoch)>>,
    running: HashMap<Id, Running>,
    tasks: JoinSet<()>,
    queued: usize,
}

/// Runs a worker until it is told to stop, then lets running records finish and leaves the group.
///
/// # Errors
/// [`BusError`] when the log ends or refuses this member; what was not settled is replayed by the next start.
pub async fn run<H: Handler>(worker: Worker<H>, shutdown: CancellationToken) -> Result<(), BusError> {
    let Worker { consumer, producer, store, handler } = worker;
    let settler = Arc::new(Settler { producer, store, handler });
    let mut pump = Pump {
        consumer,
        settler,
        ledgers: HashMap::new(),
        lanes: HashMap::new(),
        running: HashMap::new(),
        tasks: JoinSet::new(),
        queued: 0,
    };
    let outcome = pump.until(&shutdown).await;
    pump.lanes.values_mut().for_each(VecDeque::clear);
    pump.drain(|_| true).await;
    pump.tasks.abort_all();
    outcome.and(pump.consumer.close().await)
}

impl<H: Handler> Pump<H> {
    async fn until(&mut self, shutdown: &CancellationToken) -> Result<(), BusError> {
        loop {
            let open = self.running.len() + self.queued;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                Some(done) = self.tasks.join_next_with_id() => self.finished(done),
                event = self.consumer.next(), if open < OPEN_MAX => match event? {
                    ConsumerEvent::Assigned(places) => {
                        for (place, epoch) in places {
                            self.ledgers.insert(place, (epoch, Ledger::default()));
                        }
                    }
                    ConsumerEvent::Revoking(places, let_go) => self.hand_over(&places, let_go).await,
                    ConsumerEvent::Lost(places) => self.forget(&places),
                    ConsumerEvent::Record(record, epoch) => self.take(record, epoch),
                },
            }
        }
    }

    fn take(&mut self, record: Record, epoch: Epoch) {
        let Some((current, ledger)) = self.ledgers.get_mut(&record.place) else { return };
        if *current != epoch {
            return;
        }
        ledger.observe(record.offset);
        let lane = (record.place.clone(), record.key.clone().unwrap_or_default());
        match self.lanes.get_mut(&lane) {
            Some(waiting) => {
                waiting.push_back((record, epoch));
                self.queued += 1;
            }
            None => {
                self.lanes.insert(lane.clone(), VecDeque::new());
                self.start(lane, record, epoch);
            }
        }
    }

    fn start(&mut self, lane: Lane, record: Record, epoch: Epoch) {
        let offset = record.offset;
        let settler = Arc::clone(&self.settler);
        let task = self.tasks.spawn(async move { settler.settle(record).await });
        self.running.insert(task.id(), Running { lane, epoch, offset });
    }

    fn finished(&mut self, done: Result<(Id, ()), JoinError>) {
        let (id, settled) = match done {
            Ok((id, ())) => (id, true),
            // A lane that broke leaves its record open. Going on would overtake it, so the worker ends and replays.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => (error.id(), false),
        };
        let Some(Running { lane, epoch, offset }) = self.running.remove(&id) else { return };
        if settled
            && let Some((current, ledger)) = self.ledgers.get_mut(&lane.0)
            && *current == epoch
            && let Some(next) = ledger.settle(offset)
        {
            self.consumer.store(&lane.0, epoch, next);
        }
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some((record, epoch)) => {
                self.queued -= 1;
                self.start(lane, record, epoch);
            }
            None => {
                self.lanes.remove(&lane);
            }
        }
    }

    async fn hand_over(&mut self, places: &[TopicPartition], let_go: LetGo) {
        for (lane, waiting) in &mut self.lanes {
            if places.contains(&lane.0) {
                self.queued -= waiting.len();
                waiting.clear();
            }
        }
        self.drain(|place| places.contains(place)).await;
        self.forget(places);
        let_go.now();
    }

    /// Waits for the running records of some partitions, up to the drain time.
    async fn drain(&mut self, of: impl Fn(&TopicPartition) -> bool) {
        let deadline = Instant::now() + DRAIN;
        while self.running.values().any(|running| of(&running.lane.0)) {
            match timeout_at(deadline, self.tasks.join_next_with_id()).await {
                Ok(Some(done)) => self.finished(done),
                Ok(None) => break,
                Err(_) => {
                    tracing::warn!(
                        "records were still running when their time to finish was over; they are replayed"
                    );
                    break;
                }
            }
        }
    }

    /// Results of forgotten partitions are ignored: their epoch is over.
    fn forget(&mut self, places: &[TopicPartition]) {
        for place in places {
            self.ledgers.remove(place);
        }
        for (lane, waiting) in &mut self.lanes {
            if places.contains(&lane.0) {
                self.queued -= waiting.len();
                waiting.clear();
            }
        }
    }
}
