//! The relay of one target: leases entries whose turn it is, sends them or asks for them, commits what came of it and
//! publishes what is told. Any number of relays of any number of processes share the work; the lease says who may send.
//! It may not decide what an answer means (`decide.rs`) nor speak a system's protocol.

mod breaker;
mod decide;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
    stream::FuturesUnordered,
};
use peyvand::{
    bus::Producer,
    codec::Schemas,
    event::ConversationId,
    failpoint::failpoint,
    store::{Claimed, Known, Outgoing, Settled, Settlement, Store, Verdict},
    worker::{Handler, now_ms, patiently},
};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use self::{
    breaker::{Breaker, State},
    decide::{Act, Patience},
};
use crate::{
    Connector,
    system::{Capability, Looked, Sent, System},
    target::{TargetConfig, TargetError},
    write::Write,
};

/// How often it looks for entries nobody woke it for.
const LOOK_EACH: Duration = Duration::from_secs(1);
/// How often it looks for events that nobody published, and how old they have to be.
const SWEEP_EACH: Duration = Duration::from_secs(5);
const LEFT_BEHIND: Duration = Duration::from_secs(10);
const SWEPT_AT_ONCE: u32 = 100;
/// How long running calls may take when the process stops; what is later stays in doubt.
const DRAIN: Duration = Duration::from_secs(8);
const LEASE_MIN: Duration = Duration::from_secs(15);

/// What a relay works with.
#[derive(Clone)]
pub struct Relay {
    target: String,
    system: Arc<dyn System>,
    deadline: Duration,
    works_for: Duration,
    in_flight_max: usize,
    store: Store,
    producer: Arc<dyn Producer>,
    schemas: Arc<Schemas>,
}

/// One call that has ended.
struct Ended {
    settlement: Settlement,
    /// Whether the system was there; `None` when it was not asked.
    there: Option<bool>,
}

impl Relay {
    /// The relay of a target; `system` is the way to it.
    pub fn new(
        target: &TargetConfig,
        system: Arc<dyn System>,
        store: Store,
        producer: Arc<dyn Producer>,
        schemas: Arc<Schemas>,
    ) -> Self {
        let TargetConfig { name, deadline, works_for, in_flight_max, .. } = target;
        let (target, deadline, works_for, in_flight_max) =
            (name.clone(), *deadline, *works_for.max(deadline), *in_flight_max);
        Self { target, system, deadline, works_for, in_flight_max, store, producer, schemas }
    }

    /// Works until it is told to stop; what is under way then is finished or stays in doubt.
    pub async fn run(self, wake: Arc<Notify>, shutdown: CancellationToken) {
        let mut calls: FuturesUnordered<BoxFuture<'static, Ended>> = FuturesUnordered::new();
        let mut breaker = Breaker::new();
        let (mut look, mut sweep) = (interval(LOOK_EACH), interval(SWEEP_EACH));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = true;
        while !shutdown.is_cancelled() {
            if due {
                due = self.take(&mut calls, &mut breaker).await;
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                Some(ended) = calls.next() => {
                    self.finish(ended, &mut calls, &mut breaker).await;
                    due = true;
                }
                () = wake.notified() => due = true,
                _ = look.tick() => {
                    due = true;
                    self.tell_state(&breaker).await;
                }
                _ = sweep.tick() => self.sweep().await,
            }
        }
        let drained = async {
            while let Some(ended) = calls.next().await {
                self.finish(ended, &mut calls, &mut breaker).await;
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(target = self.target, "calls were still running at the end; they stay in doubt");
        }
    }

    /// Leases as many entries as there is room for and begins with them; whether there may be more.
    async fn take(
        &self,
        calls: &mut FuturesUnordered<BoxFuture<'static, Ended>>,
        breaker: &mut Breaker,
    ) -> bool {
        let room = breaker.room(self.in_flight_max.saturating_sub(calls.len()), Instant::now());
        if room == 0 {
            return false;
        }
        let began = Instant::now();
        let lease = self.lease();
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
            calls.push(async move { relay.work(claimed, until).await }.boxed());
        }
        full
    }

    fn lease(&self) -> Duration {
        (self.deadline * 3).max(LEASE_MIN)
    }

    /// One turn of one entry.
    async fn work(self, claimed: Claimed, until: Instant) -> Ended {
        let Some(write) = Write::of_payload(&claimed.payload) else {
            return self.unreadable(claimed);
        };
        let capability = self.system.capability(write.operation);
        let chance = chance();
        let (known, attempts) = (claimed.known, claimed.attempts);
        let act = match decide::next(capability, known, attempts, claimed.age) {
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
                let sent = self.system.send(&write).await;
                failpoint("relay.after_call");
                let there = match &sent {
                    Sent::Done { .. } | Sent::Refused { .. } => true,
                    Sent::NotSent(error) | Sent::MaybeSent(error) => is_there(error),
                };
                let verdict = decide::after_send(capability, known, sent, attempts, chance);
                self.ended(claimed, &write, verdict, Some(there))
            }
            Act::Reconcile => {
                let looked = self.system.reconcile(&write).await;
                let there = match &looked {
                    Looked::Found { .. } | Looked::Different | Looked::Absent => true,
                    Looked::CannotTell(error) => is_there(error),
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
        self.count(&verdict);
        Ended {
            settlement: Settlement { lease: claimed.lease, verdict, group: Connector::GROUP, outgoing },
            there,
        }
    }

    /// An entry of another version: a person has to look, and nothing can be told.
    fn unreadable(&self, claimed: Claimed) -> Ended {
        tracing::error!(target = self.target, "an outbox entry cannot be read by this version; it is parked");
        let verdict = Verdict::Parked { class: "unreadable", unsent: claimed.known == Known::Unsent };
        self.count(&verdict);
        Ended {
            settlement: Settlement {
                lease: claimed.lease,
                verdict,
                group: Connector::GROUP,
                outgoing: Vec::new(),
            },
            there: None,
        }
    }

    /// Commits what ended, together with what else has ended by now, and publishes what is told.
    async fn finish(
        &self,
        first: Ended,
        calls: &mut FuturesUnordered<BoxFuture<'static, Ended>>,
        breaker: &mut Breaker,
    ) {
        let mut settlements = Vec::new();
        let mut ended = Some(first);
        while let Some(one) = ended {
            match one.there {
                Some(there) => breaker.note(there, Instant::now()),
                None => breaker.give_back(Instant::now()),
            }
            settlements.push(one.settlement);
            ended = calls.next().now_or_never().flatten();
        }
        failpoint("relay.before_settle");
        let conversations: Vec<ConversationId> =
            settlements.iter().map(|one| one.lease.conversation_id.clone()).collect();
        let settled = patiently(|| self.store.settle(settlements.clone())).await;
        failpoint("relay.after_settle");
        let told =
            conversations.into_iter().zip(settled).filter_map(|(conversation, settled)| match settled {
                Settled::Committed(outgoing) => Some((conversation, outgoing)),
                Settled::Fenced => {
                    metrics::counter!("peyvand_relay_fenced_total", "target" => self.target.clone())
                        .increment(1);
                    None
                }
            });
        join_all(told.map(|(conversation, outgoing)| self.publish(conversation, outgoing))).await;
    }

    /// Publishes events of a conversation in their order; whoever else publishes them too does no harm.
    async fn publish(&self, conversation_id: ConversationId, outgoing: Vec<Outgoing>) {
        let Some(through) = outgoing.last().map(|last| last.seq) else { return };
        for Outgoing { record, .. } in outgoing {
            patiently(|| self.producer.send(record.clone())).await;
        }
        failpoint("relay.published");
        self.store.published(Connector::GROUP, conversation_id, through).await;
    }

    /// Publishes what a process that died has left behind.
    async fn sweep(&self) {
        let found = self.store.left_behind(Connector::GROUP, LEFT_BEHIND, SWEPT_AT_ONCE).await;
        let left = match found {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(kind = error.kind(), "{error}; looking again in five seconds");
                return;
            }
        };
        for conversation_id in left {
            let pending = patiently(|| self.store.pending(Connector::GROUP, &conversation_id)).await;
            metrics::counter!("peyvand_left_behind_total").increment(pending.len() as u64);
            self.publish(conversation_id, pending).await;
        }
    }

    async fn tell_state(&self, breaker: &Breaker) {
        let open = match breaker.state() {
            State::Closed => 0.0,
            State::Probing => 0.5,
            State::Open(_) => 1.0,
        };
        let target = self.target.clone();
        metrics::gauge!("peyvand_breaker_open", "target" => target.clone()).set(open);
        let Ok(depth) = self.store.depth(&target).await else { return };
        let gauge = |name: &'static str, value: u64| {
            // A count of rows is far below 2^52.
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            metrics::gauge!(name, "target" => target.clone()).set(value as f64);
        };
        gauge("peyvand_outbox_waiting", depth.waiting);
        gauge("peyvand_outbox_in_doubt", depth.in_doubt);
        gauge("peyvand_outbox_parked", depth.parked);
        gauge("peyvand_outbox_oldest_seconds", depth.oldest.as_secs());
    }

    fn count(&self, verdict: &Verdict) {
        let what = match verdict {
            Verdict::Done { .. } => "done",
            Verdict::Refused { .. } => "refused",
            Verdict::Again { .. } => "again",
            Verdict::Doubt { .. } => "doubt",
            Verdict::Parked { class, .. } => {
                tracing::warn!(target = self.target, class, "a write waits for a person's decision");
                "parked"
            }
        };
        metrics::counter!("peyvand_writes_total", "target" => self.target.clone(), "verdict" => what)
            .increment(1);
    }
}

/// Only errors of reach say that the system is away; a refusal of our credentials does too, for a while.
fn is_there(error: &TargetError) -> bool {
    match error {
        TargetError::Unavailable { .. } | TargetError::Slow { .. } | TargetError::Misconfigured { .. } => {
            false
        }
        TargetError::Busy { .. } | TargetError::Unreadable { .. } => true,
    }
}

fn chance() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}
