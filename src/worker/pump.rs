//! One loop, one select. Finished records come first, so that offsets move before new work is taken; new records are
//! taken only while fewer than the limit are open, so a slow system fills the log and not the memory. A lane is the queue
//! of one conversation in one partition: one record of it is settled at a time. Partitions that are asked back finish beside
//! the others, so that one slow record of theirs holds nothing else up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    task::unconstrained,
    time::{Instant, MissedTickBehavior, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{lane::Lane, ledger::Ledger, pulse::Pulse};
use crate::bus::{BusError, Consumer, ConsumerEvent, Epoch, LetGo, Offset, Record, TopicPartition};

/// Brings records to their end.
pub trait Settle: Send + Sync + 'static {
    /// When it returns, the record's fate is carried out.
    fn settle(&self, record: Record, behind: &Lane) -> impl Future<Output = Fate> + Send;

    /// These partitions are read from now on.
    fn assigned(&self, _places: &[TopicPartition]) {}
}

impl<S: Settle> Settle for Arc<S> {
    fn settle(&self, record: Record, behind: &Lane) -> impl Future<Output = Fate> + Send {
        S::settle(self, record, behind)
    }

    fn assigned(&self, places: &[TopicPartition]) {
        S::assigned(self, places);
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its effect is committed and published, or it is dead-lettered: the group moves past it.
    Settled,
    /// Nothing was done: it stays in the log for the next start, and the worker stops.
    Held,
    /// Nothing was done: it is another member's by now.
    Gone,
}

/// How much a worker takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records open at a time: under way or waiting in their lane.
    pub open: usize,
    /// Bytes of keys and payloads open at a time; the last batch taken may go beyond.
    pub open_bytes: usize,
    /// How long running records may take when the process stops.
    pub drain: Duration,
    /// How long running records may take when their partition goes to another member. Kafka's client reads nothing at all
    /// meanwhile, also of what stays, so it is short; what takes longer is read again by the other member, and the inbox makes it one.
    pub hand_over: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open: 1000,
            open_bytes: 64 << 20,
            drain: Duration::from_secs(12),
            hand_over: Duration::from_secs(1),
        }
    }
}

/// Settled records that a turn of the loop takes at most, so that it soon sees that it is to stop.
const A_TURN: usize = 64;
/// How often a loop with nothing to do says that it turns.
const TURN_EACH: Duration = Duration::from_secs(5);

/// The queues of the conversations that have a record under way, by key.
type Lanes = HashMap<Arc<[u8]>, Arc<Lane>>;

/// One stay of a partition with this worker.
struct Stay {
    epoch: Epoch,
    ledger: Ledger,
    lanes: Lanes,
    running: usize,
    queued: usize,
    /// It is being handed over: nothing of it is begun any more.
    leaving: bool,
}

/// Partitions that are asked back and have records running.
struct HandOver {
    places: Vec<TopicPartition>,
    let_go: LetGo,
    until: Instant,
}

/// A record that is settled.
struct Done {
    place: TopicPartition,
    epoch: Epoch,
    key: Arc<[u8]>,
    lane: Arc<Lane>,
    offset: Offset,
    bytes: usize,
    fate: Fate,
}

struct Pump<S> {
    consumer: Box<dyn Consumer>,
    settler: Arc<S>,
    limits: Limits,
    pulse: Arc<Pulse>,
    stays: HashMap<TopicPartition, Stay>,
    hand_overs: Vec<HandOver>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    queued: usize,
    open_bytes: usize,
    /// A record was not to be settled: no more are taken.
    held: bool,
}

/// Settles the records of a consumer until it is told to stop or holds one back, then lets running records finish and leaves the group.
///
/// # Errors
/// [`BusError`] when the log ends or refuses this member; what was not settled is replayed by the next start.
pub async fn pump<S: Settle>(
    consumer: Box<dyn Consumer>,
    settler: S,
    limits: Limits,
    pulse: Arc<Pulse>,
    shutdown: CancellationToken,
) -> Result<(), BusError> {
    let mut pump = Pump {
        consumer,
        settler: Arc::new(settler),
        limits,
        pulse,
        stays: HashMap::new(),
        hand_overs: Vec::new(),
        running: FuturesUnordered::new(),
        queued: 0,
        open_bytes: 0,
        held: false,
    };
    let outcome = pump.until(&shutdown).await;
    pump.drop_queued(|_| true);
    pump.drain().await;
    // Nobody can do anything about it, least of all by calling a stop that was asked for a failure.
    if let Err(error) = pump.consumer.close().await {
        tracing::warn!(kind = error.kind(), "{error}");
    }
    pump.pulse.end();
    outcome
}

impl<S: Settle> Pump<S> {
    async fn until(&mut self, shutdown: &CancellationToken) -> Result<(), BusError> {
        let mut turn = tokio::time::interval(TURN_EACH);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.held {
            self.pulse.turn();
            self.end_hand_overs();
            let room = self.room();
            if room == 0 {
                self.pulse.full();
            }
            let over = self.next_over();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                Some(many) = settled(&mut self.running) => {
                    many.into_iter().for_each(|done| self.finished(done));
                }
                event = self.consumer.next(room) => match event? {
                    ConsumerEvent::Assigned(places) => self.begin(places),
                    ConsumerEvent::Revoking(places, let_go) => self.hand_over(places, let_go),
                    ConsumerEvent::Lost(places) => self.lost(&places),
                    ConsumerEvent::Records(records) => {
                        for (record, epoch) in records {
                            self.take(record, epoch);
                        }
                    }
                },
                () = sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => {}
                _ = turn.tick() => {}
            }
        }
        Ok(())
    }

    fn room(&self) -> usize {
        if self.open_bytes >= self.limits.open_bytes {
            return 0;
        }
        self.limits.open.saturating_sub(self.running.len() + self.queued)
    }

    fn begin(&mut self, places: Vec<(TopicPartition, Epoch)>) {
        let begun: Vec<TopicPartition> = places.iter().map(|(place, _)| place.clone()).collect();
        self.settler.assigned(&begun);
        for (place, epoch) in places {
            let stay = Stay {
                epoch,
                ledger: Ledger::default(),
                lanes: Lanes::new(),
                running: 0,
                queued: 0,
                leaving: false,
            };
            self.stays.insert(place, stay);
        }
    }

    fn take(&mut self, record: Record, epoch: Epoch) {
        let stay = self.stays.get_mut(&record.place);
        let Some(stay) = stay.filter(|stay| stay.epoch == epoch && !stay.leaving) else { return };
        stay.ledger.observe(record.offset);
        self.pulse.taken();
        self.open_bytes += size(&record);
        let key = record.key.as_deref().unwrap_or_default();
        if let Some(lane) = stay.lanes.get(key) {
            lane.push(record);
            stay.queued += 1;
            self.queued += 1;
        } else {
            let key: Arc<[u8]> = key.into();
            let lane = Arc::new(Lane::default());
            stay.lanes.insert(Arc::clone(&key), Arc::clone(&lane));
            stay.running += 1;
            self.running.push(run(Arc::clone(&self.settler), key, lane, record, epoch));
        }
    }

    fn finished(&mut self, Done { place, epoch, key, lane, offset, bytes, fate }: Done) {
        self.open_bytes -= bytes;
        match fate {
            Fate::Settled => self.pulse.settled(),
            Fate::Held => {
                self.pulse.let_go(1);
                self.held = true;
            }
            Fate::Gone => self.pulse.let_go(1),
        }
        // Results of an earlier stay are known by their epoch and change nothing.
        let Some(stay) = self.stays.get_mut(&place).filter(|stay| stay.epoch == epoch) else { return };
        stay.running -= 1;
        match fate {
            Fate::Settled => {}
            // Its lane stands still behind it.
            Fate::Held | Fate::Gone => return,
        }
        if let Some(next) = stay.ledger.settle(offset) {
            self.consumer.store(&place, epoch, next);
        }
        if self.held {
            return;
        }
        match lane.pop() {
            Some(record) => {
                stay.queued -= 1;
                self.queued -= 1;
                stay.running += 1;
                self.running.push(run(Arc::clone(&self.settler), key, lane, record, epoch));
            }
            None => {
                stay.lanes.remove(&key);
            }
        }
    }

    /// Nothing more of these is begun; they are let go when what runs has finished, or its time is over.
    fn hand_over(&mut self, places: Vec<TopicPartition>, let_go: LetGo) {
        self.drop_queued(|place| places.contains(place));
        for place in &places {
            if let Some(stay) = self.stays.get_mut(place) {
                stay.leaving = true;
            }
        }
        self.hand_overs.push(HandOver { places, let_go, until: Instant::now() + self.limits.hand_over });
    }

    fn lost(&mut self, places: &[TopicPartition]) {
        self.forget(places);
        // They may come back while the rest of their hand-over still runs.
        for one in &mut self.hand_overs {
            one.places.retain(|place| !places.contains(place));
        }
    }

    /// When the time of the next hand-over is over.
    fn next_over(&self) -> Option<Instant> {
        self.hand_overs.iter().map(|one| one.until).min()
    }

    fn is_running(&self, place: &TopicPartition) -> bool {
        self.stays.get(place).is_some_and(|stay| stay.running > 0)
    }

    /// Lets go of what is ready to go, or has to.
    fn end_hand_overs(&mut self) {
        let mut at = 0;
        while let Some(one) = self.hand_overs.get(at) {
            let is_late = one.until <= Instant::now();
            if one.places.iter().any(|place| self.is_running(place)) {
                if !is_late {
                    at += 1;
                    continue;
                }
                self.tell_late();
            }
            let HandOver { places, let_go, .. } = self.hand_overs.swap_remove(at);
            self.forget(&places);
            let_go.now();
        }
    }

    fn tell_late(&self) {
        metrics::counter!("peyvand_revoke_drain_timeout_total", "group" => self.pulse.group()).increment(1);
        tracing::warn!("records were still running when their time to finish was over; they are replayed");
    }

    /// What waits in a lane and is not begun stays unsettled and is replayed by the partition's next reader.
    fn drop_queued(&mut self, of: impl Fn(&TopicPartition) -> bool) {
        for (_, stay) in self.stays.iter_mut().filter(|(place, _)| of(place)) {
            self.queued -= stay.queued;
            self.pulse.let_go(stay.queued);
            stay.queued = 0;
            for lane in stay.lanes.values() {
                self.open_bytes -= lane.end().iter().map(size).sum::<usize>();
            }
        }
    }

    /// Waits for everything that runs, up to the drain time. A hand-over keeps its own.
    async fn drain(&mut self) {
        let end = Instant::now() + self.limits.drain;
        self.end_hand_overs();
        while self.stays.values().any(|stay| stay.running > 0) {
            let until = self.next_over().map_or(end, |over| over.min(end));
            match timeout_at(until, settled(&mut self.running)).await {
                Ok(Some(many)) => many.into_iter().for_each(|done| self.finished(done)),
                Ok(None) => break,
                Err(_) if until < end => {}
                Err(_) => {
                    self.tell_late();
                    break;
                }
            }
            self.end_hand_overs();
        }
        self.hand_overs.drain(..).for_each(|one| one.let_go.now());
    }

    fn forget(&mut self, places: &[TopicPartition]) {
        for place in places {
            if let Some(stay) = self.stays.remove(place) {
                self.queued -= stay.queued;
                self.pulse.let_go(stay.queued);
                self.open_bytes -= stay.lanes.values().map(|lane| lane.sum(size)).sum::<usize>();
            }
        }
    }
}

/// The records that are settled by now, or the next one. A task of tokio's may take 128 steps at a time, and a future that
/// is polled beyond is put off: with thousands of records in one task each step would put off all the others. So their steps
/// do not count; the set itself gives way after it has polled each of them once.
async fn settled(running: &mut FuturesUnordered<BoxFuture<'static, Done>>) -> Option<Vec<Done>> {
    unconstrained(running.ready_chunks(A_TURN).next()).await
}

fn run<S: Settle>(
    settler: Arc<S>,
    key: Arc<[u8]>,
    lane: Arc<Lane>,
    record: Record,
    epoch: Epoch,
) -> BoxFuture<'static, Done> {
    let (place, offset, bytes) = (record.place.clone(), record.offset, size(&record));
    Box::pin(async move {
        let fate = settler.settle(record, &lane).await;
        Done { place, epoch, key, lane, offset, bytes, fate }
    })
}

fn size(record: &Record) -> usize {
    record.key.as_ref().map_or(0, Vec::len)
        + record.value.as_ref().map_or(0, Vec::len)
        + record.headers.size()
}
