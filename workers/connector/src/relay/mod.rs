//! The relay of one target: leases entries whose turn it is, sends them or asks for them, commits what came of it and
//! publishes what is told. Any number of relays of any number of processes share the work; the lease says who may send.
//! It may not decide what an answer means (`decide.rs`) nor speak a system's protocol.

mod attempt;
mod decide;
mod gauges;
mod publishing;
mod sweep;
#[cfg(test)]
mod tests;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use peyvand::{
    bus::Producer,
    codec::Schemas,
    event::ConversationId,
    failpoint::failpoint,
    store::{Claimed, Depth, Known, Settled, Settlement, Store, StoreError, Verdict},
    worker::{Handler, chance, now_ms, patiently, unless_cancelled},
};
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{
    decide::{Act, Patience},
    publishing::Publishing,
};
use crate::{
    Connector,
    breaker::{Breaker, Pauses},
    system::{Capability, Looked, Sent, Writer},
    target::{TargetConfig, TargetError},
    write::Write,
};
pub(crate) use sweep::Sweep;

/// How often it looks for entries nobody woke it for.
const LOOK_EACH: Duration = Duration::from_secs(1);
/// How long running calls may take when the process stops; what is later stays in doubt.
const DRAIN: Duration = Duration::from_secs(8);
/// A write can wait: a system that comes back is not met by everything at once.
const PAUSES: Pauses = Pauses { first: Duration::from_secs(15), longest: Duration::from_secs(5 * 60) };
const LEASE_MIN: Duration = Duration::from_secs(15);

/// What a relay works with.
#[derive(Clone)]
pub(crate) struct Relay {
    target: String,
    writer: Arc<dyn Writer>,
    deadline: Duration,
    /// How long after an entry was leased the system may still be at it: within the lease the request is sent.
    works_for: Duration,
    in_flight_max: usize,
    outbox_max: u64,
    store: Store,
    producer: Arc<dyn Producer>,
    schemas: Arc<Schemas>,
}

/// Calls that are under way, each in a task of its own: while the relay waits for the database, which may be long, a call goes
/// on and does not look as slow as that is.
type Calls = FuturesUnordered<AbortOnDropHandle<Ended>>;

/// The next call that ends; none when none is under way.
async fn next(calls: &mut Calls) -> Option<Ended> {
    unless_cancelled(calls.next().await?)
}

/// One call that has ended.
struct Ended {
    settlement: Settlement,
    /// Whether the system was there; `None` when it was not asked.
    there: Option<bool>,
}

impl Relay {
    /// The relay of a target; `writer` is the way to it.
    pub(crate) fn new(
        target: &TargetConfig,
        writer: Arc<dyn Writer>,
        store: Store,
        producer: Arc<dyn Producer>,
        schemas: Arc<Schemas>,
    ) -> Self {
        Self {
            target: target.name.clone(),
            writer,
            deadline: target.deadline,
            works_for: target.works_for.max(target.deadline) + lease(target.deadline),
            in_flight_max: target.in_flight_max,
            outbox_max: target.outbox_max,
            store,
            producer,
            schemas,
        }
    }

    /// Works until it is told to stop; what is under way then is finished or stays in doubt. `full` says whether so many
    /// writes wait that no more are to be taken.
    pub(crate) async fn run(self, wake: Arc<Notify>, full: watch::Sender<bool>, shutdown: CancellationToken) {
        let mut calls = Calls::new();
        let mut publishing = Publishing::new(&self.store, &self.producer);
        let mut breaker = Breaker::new(PAUSES);
        let mut look = interval(LOOK_EACH);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = true;
        while !shutdown.is_cancelled() {
            if due {
                due = self.take(&mut calls, publishing.room(), &mut breaker).await;
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                Some(ended) = next(&mut calls) => {
                    self.finish(ended, &mut calls, &mut breaker, &mut publishing).await;
                    due = true;
                }
                () = wake.notified() => due = true,
                _ = look.tick() => {
                    due = true;
                    self.look_around(&breaker, &full).await;
                }
            }
        }
        let drained = async {
            while let Some(ended) = next(&mut calls).await {
                self.finish(ended, &mut calls, &mut breaker, &mut publishing).await;
            }
            publishing.all_ended().await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(
                target = self.target,
                calls = calls.len(),
                publications = publishing.len(),
                "not all was done at the end: calls stay in doubt, and what was not published is found again"
            );
        }
    }

    /// Leases as many entries as there is room for and begins with them; whether there may be more.
    async fn take(&self, calls: &mut Calls, publishable: usize, breaker: &mut Breaker) -> bool {
        // What is called has to be published too.
        let places = self.in_flight_max.min(publishable).saturating_sub(calls.len());
        let room = breaker.room(places, Instant::now());
        if room == 0 {
            return false;
        }
        let began = Instant::now();
        let lease = lease(self.deadline);
        let claimed =
            match self.store.claim(&self.target, u32::try_from(room).unwrap_or(u32::MAX), lease).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::error!(
                        target = self.target,
                        kind = error.kind(),
                        "{error}; looking again in a second"
                    );
                    Vec::new()
                }
            };
        if claimed.is_empty() {
            breaker.give_back(Instant::now());
            return false;
        }
        failpoint("relay.claimed");
        let full = claimed.len() == room;
        // The lease has to outlive the call by far, also when claiming took its time.
        let until = began + lease - lease / 5;
        for claimed in claimed {
            let relay = self.clone();
            calls.push(AbortOnDropHandle::new(tokio::spawn(async move {
                let working = AssertUnwindSafe(relay.clone().work(claimed.clone(), until));
                working.catch_unwind().await.unwrap_or_else(|_| relay.panicked(claimed))
            })));
        }
        full
    }

    /// One turn of one entry.
    async fn work(self, claimed: Claimed, until: Instant) -> Ended {
        let operation = self.writer.operation();
        let Some(write) = Write::of_payload(&claimed.payload).filter(|write| write.operation == operation)
        else {
            return self.unreadable(claimed);
        };
        let capability = self.writer.capability();
        let chance = chance();
        let (known, attempts) = (claimed.known, claimed.attempts);
        let act = match decide::next(capability, known, (attempts, claimed.tried), claimed.age) {
            Act::Send | Act::Reconcile if Instant::now() + self.deadline > until => {
                // Too late for this lease. Nothing was sent, so what was known stays true.
                let sent =
                    Sent::NotSent(TargetError::Busy { target: self.target.clone(), retry_after: None });
                return self.ended(
                    claimed,
                    &write,
                    decide::after_send(capability, known, sent, attempts, chance),
                    None,
                );
            }
            act => act,
        };
        match act {
            Act::Park(class) => {
                let verdict = Verdict::Parked { class, unsent: known == Known::Unsent };
                self.ended(claimed, &write, verdict, None)
            }
            Act::Send => {
                failpoint("relay.before_call");
                let began = Instant::now();
                let sent = self.writer.send(&write).await;
                failpoint("relay.after_call");
                attempt::log(&write, attempts, &sent, began.elapsed());
                let there = match &sent {
                    Sent::Done { .. } | Sent::Refused { .. } => true,
                    Sent::NotSent(error) | Sent::MaybeSent(error) => error.is_there(),
                };
                let verdict = decide::after_send(capability, known, sent, attempts, chance);
                self.ended(claimed, &write, verdict, Some(there))
            }
            Act::Reconcile => {
                let looked = self.writer.reconcile(&write).await;
                let there = match &looked {
                    Looked::Found { .. } | Looked::Different | Looked::Absent => true,
                    Looked::CannotTell(error) => error.is_there(),
                };
                let visible_within = match capability {
                    Capability::Search { visible_within } => visible_within,
                    Capability::Key | Capability::Upsert | Capability::Blind => Duration::ZERO,
                };
                let patience = Patience { visible_within, works_for: self.works_for };
                let verdict = decide::after_look(patience, known, looked, attempts, chance);
                self.ended(claimed, &write, verdict, Some(there))
            }
        }
    }

    fn ended(&self, claimed: Claimed, write: &Write, verdict: Verdict, there: Option<bool>) -> Ended {
        let told = decide::told(&verdict);
        let record = told.map(|told| write.record(&self.schemas, &told, now_ms())).transpose();
        let (verdict, outgoing) = match record {
            Ok(record) => (verdict, record.into_iter().collect()),
            Err(error) => {
                tracing::error!(
                    target = self.target,
                    kind = error.kind(),
                    "what came of a write cannot be told: {error}"
                );
                (Verdict::Parked { class: "untellable", unsent: false }, Vec::new())
            }
        };
        gauges::verdict(&self.target, &verdict);
        Ended {
            settlement: Settlement { lease: claimed.lease, verdict, group: Connector::GROUP, outgoing },
            there,
        }
    }

    /// An entry of another version: a person has to look, and nothing can be told.
    fn unreadable(&self, claimed: Claimed) -> Ended {
        tracing::error!(target = self.target, "an outbox entry cannot be read by this version; it is parked");
        let unsent = claimed.known == Known::Unsent;
        self.untold(claimed, Verdict::Parked { class: "unreadable", unsent }, None)
    }

    /// Our own fault, at any step of its turn: it may have been sent. When all panic, the breaker slows them down.
    fn panicked(&self, claimed: Claimed) -> Ended {
        tracing::error!(
            target = self.target,
            write = claimed.id.tracking(),
            operation = claimed.operation,
            "a write made the program panic; it waits for a person, look at it with `peyvand outbox list`"
        );
        let verdict = Verdict::Parked { class: "panic", unsent: false };
        let (told, operation) = (claimed.clone(), self.writer.operation());
        // Whatever has panicked may do so again.
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let write = Write::of_payload(&told.payload).filter(|write| write.operation == operation)?;
            Some(self.ended(told, &write, verdict.clone(), Some(false)))
        }));
        ended.ok().flatten().unwrap_or_else(|| self.untold(claimed, verdict, Some(false)))
    }

    fn untold(&self, claimed: Claimed, verdict: Verdict, there: Option<bool>) -> Ended {
        gauges::verdict(&self.target, &verdict);
        let (lease, outgoing) = (claimed.lease, Vec::new());
        Ended { settlement: Settlement { lease, verdict, group: Connector::GROUP, outgoing }, there }
    }

    /// Commits what ended, together with what else has ended by now, and begins to publish what is told.
    async fn finish(
        &self,
        first: Ended,
        calls: &mut Calls,
        breaker: &mut Breaker,
        publishing: &mut Publishing,
    ) {
        let mut settlements = Vec::new();
        let mut ended = Some(first);
        while let Some(one) = ended {
            match one.there {
                Some(there) => breaker.note(there, Instant::now()),
                None => breaker.give_back(Instant::now()),
            }
            settlements.push(one.settlement);
            ended = next(calls).now_or_never().flatten();
        }
        failpoint("relay.before_settle");
        let conversations: Vec<ConversationId> =
            settlements.iter().map(|one| one.lease.conversation_id.clone()).collect();
        let settled = self.settle(settlements).await;
        failpoint("relay.after_settle");
        for (conversation, settled) in conversations.into_iter().zip(settled) {
            match settled {
                Settled::Committed(outgoing) => publishing.begin(conversation, outgoing),
                Settled::Fenced => {
                    metrics::counter!("peyvand_relay_fenced_total", "target" => self.target.clone())
                        .increment(1);
                }
            }
        }
    }

    /// Commits settlements. When the database will not have them together, each is tried alone, and the one it refuses is
    /// left to the next lease, so that it keeps nothing else from its end.
    async fn settle(&self, settlements: Vec<Settlement>) -> Vec<Settled> {
        let all = patiently(|| refusable(self.store.settle(settlements.clone()))).await;
        if let Some(settled) = all {
            return settled;
        }
        let mut each = Vec::with_capacity(settlements.len());
        for one in settlements {
            let settled = patiently(|| refusable(self.store.settle(vec![one.clone()]))).await;
            if settled.is_none() {
                tracing::error!(
                    target = self.target,
                    "the database refuses what came of a write; it stays in doubt, look at it with `peyvand outbox list`"
                );
            }
            each.extend(settled.unwrap_or_else(|| vec![Settled::Fenced]));
        }
        each
    }

    /// Tells how the target is, and whether its outbox is full.
    async fn look_around(&self, breaker: &Breaker, full: &watch::Sender<bool>) {
        gauges::breaker(&self.target, breaker.state());
        let Ok(depth) = self.store.depth(&self.target).await else { return };
        gauges::depth(&self.target, &depth);
        full.send_if_modified(|full| {
            let was = std::mem::replace(full, is_full(*full, &depth, self.outbox_max));
            if was != *full {
                let (target, waiting) = (&self.target, depth.waiting);
                tracing::warn!(target, waiting, full, "the outbox is full, or has room again");
            }
            was != *full
        });
    }
}

/// How long the right to an entry lasts.
fn lease(deadline: Duration) -> Duration {
    (deadline * 3).max(LEASE_MIN)
}

/// Full from the limit on, and until a tenth of it is free again.
fn is_full(was: bool, depth: &Depth, limit: u64) -> bool {
    if was { depth.waiting > limit - limit / 10 } else { depth.waiting >= limit }
}

/// `None` when the database will never take it.
async fn refusable<T>(tried: impl Future<Output = Result<T, StoreError>>) -> Result<Option<T>, StoreError> {
    match tried.await {
        Err(StoreError::Refused { .. }) => Ok(None),
        other => other.map(Some),
    }
}
