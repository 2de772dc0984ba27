//! The runtime all workers share: it reads a group's records, gives each conversation a lane of its own, settles each
//! record and stores how far a partition is settled. It may not know what an event means.

mod burst;
mod crash;
#[cfg(test)]
mod crash_tests;
mod guard;
mod handler;
mod lane;
pub mod ledger;
mod letter;
mod park;
#[cfg(test)]
mod park_tests;
mod publish;
mod pulse;
mod pump;
#[cfg(test)]
mod pump_tests;
mod read;
mod reason;
#[cfg(test)]
mod registry_tests;
mod retry;
mod settle;
#[cfg(test)]
mod tests;

pub use guard::{Rule, Tripped};
pub use handler::{Emit, Handler, HandlerError, Input, OnFailure, Outcome, longer_than};
pub use lane::Lane;
pub use letter::{
    LetterWriter, REDRIVES_MAX, RedriveRefusal, letter_name, payload_of, redrive_id, redriven, redriven_by,
};
pub use publish::publish;
pub use pulse::{Pulse, Pulses, Signs};
pub use pump::{Fate, Limits, Settle, pump};
pub use retry::{OwnFault, backoff, chance, patiently};
pub use settle::now_ms;

use std::sync::Arc;

use futures_util::FutureExt;
use thiserror::Error;
use tokio::{sync::Semaphore, task::JoinError};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{
    burst::WAITING_PARTS_MAX,
    crash::CrashGuard,
    settle::{Guard, Settler},
};
use crate::{
    bus::{BusError, Consumer, Producer, Record, TopicPartition},
    codec::Schemas,
    store::{ParkedRoom, Store},
};

/// Redriven records that are open at a time.
const REDRIVEN_OPEN: usize = 50;

/// What a worker runs with.
pub struct Worker<H> {
    /// Its membership.
    pub consumer: Box<dyn Consumer>,
    /// Its membership in the group's topics of redriven records: a group of its own, or they would count when partitions are
    /// shared out, and one member could get all of these and another all of the others.
    pub redriven: Box<dyn Consumer>,
    /// Where its events go.
    pub producer: Arc<dyn Producer>,
    /// Its database.
    pub store: Store,
    /// What its events are written with.
    pub schemas: Arc<Schemas>,
    /// Its thinking.
    pub handler: H,
    /// What writes its dead letters.
    pub letters: LetterWriter,
    /// Who watches over it.
    pub watch: Watch,
}

/// Who watches over a worker.
pub struct Watch {
    /// Where its loops show that they live.
    pub pulses: Arc<Pulses>,
    /// Whether it stops instead of making dead letters of everything.
    pub letters_guard: bool,
    /// A name of this process that stays the same when it is started again; without one it is told from its forerunner
    /// only by having been silent for a while.
    pub instance: Option<String>,
    /// How much may wait in the database.
    pub parked: ParkedRoom,
}

impl Watch {
    /// As it is where nobody asks for anything else.
    pub fn new(pulses: &Arc<Pulses>) -> Self {
        Self {
            pulses: Arc::clone(pulses),
            letters_guard: true,
            instance: None,
            parked: ParkedRoom::default(),
        }
    }
}

/// Why a worker ends by itself.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The log ends or refuses this member.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// It made too many dead letters by its own fault.
    #[error(transparent)]
    Letters(#[from] Tripped),
}

impl WorkerError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bus(error) => error.kind(),
            Self::Letters(_) => "too_many_letters",
        }
    }
}

/// What one of a worker's loops settles by: the same as the other, but what it is given is its own.
struct OfLoop<H> {
    settler: Arc<Settler<H>>,
    pulse: Arc<Pulse>,
}

impl<H: Handler> Settle for OfLoop<H> {
    fn settle(&self, record: Record, behind: &Lane) -> impl Future<Output = Fate> + Send {
        self.settler.settle(record, behind)
    }

    fn assigned(&self, places: &[TopicPartition]) {
        self.pulse.given();
        self.settler.assigned(places);
    }
}

/// Records that wait at a time for a schema that the registry may not know yet.
const LATE_SCHEMAS_MAX: usize = 100;

/// A loop as a task of its own: the tasks of the database that it waits for wake it where they run, while the thread that waits
/// for the whole program is woken by the kernel each time.
async fn in_a_task(
    pumping: impl Future<Output = Result<(), BusError>> + Send + 'static,
) -> Result<(), BusError> {
    unless_cancelled(AbortOnDropHandle::new(tokio::spawn(pumping)).await).unwrap_or(Err(BusError::Closed))
}

/// What a task came to; its panic is one here as well. `None` when it was cancelled, as all are when the runtime ends.
pub fn unless_cancelled<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(done) => Some(done),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

/// Runs a worker until it is told to stop, then lets running records finish and leaves the group.
///
/// # Errors
/// [`WorkerError`] when it ends by itself; what was not settled is replayed by the next start.
pub async fn run<H: Handler>(worker: Worker<H>, shutdown: CancellationToken) -> Result<(), WorkerError> {
    let Worker { consumer, redriven, producer, store, schemas, handler, letters, watch } = worker;
    let stop = shutdown.child_token();
    let crashes = CrashGuard::new(H::GROUP, store.clone(), watch.instance);
    if stop.run_until_cancelled(crashes.open()).await.is_none() {
        let (one, two) = tokio::join!(consumer.close(), redriven.close());
        if let Err(error) = one.and(two) {
            tracing::warn!(kind = error.kind(), "the group could not be left in time: {error}");
        }
        return Ok(());
    }
    let guard = watch.letters_guard.then(|| Guard::new(H::GROUP));
    let (waiting_parts, late_schemas) = (Semaphore::new(WAITING_PARTS_MAX), Semaphore::new(LATE_SCHEMAS_MAX));
    let settler = Arc::new(Settler {
        producer,
        store,
        schemas,
        handler,
        letters,
        guard,
        crashes,
        room: watch.parked,
        waiting_parts,
        late_schemas,
    });
    let (one, two) = (watch.pulses.begin(H::GROUP), watch.pulses.begin(H::GROUP));
    let of = |pulse: &Arc<Pulse>| OfLoop { settler: Arc::clone(&settler), pulse: Arc::clone(pulse) };
    let (first, second) = (of(&one), of(&two));
    let all = in_a_task(pump(consumer, first, Limits::default(), one, stop.clone()));
    let few = Limits { open: REDRIVEN_OPEN, ..Limits::default() };
    let again = in_a_task(pump(redriven, second, few, two, stop.clone()));
    // When one ends, so does the other.
    let ended = |pumped: Result<(), BusError>| {
        stop.cancel();
        pumped
    };
    // What still runs after the stop may take longer than the silence after which a process counts as dead.
    let over = CancellationToken::new();
    let working = async {
        let _ends_with_the_work = over.clone().drop_guard();
        tokio::join!(all.map(ended), again.map(ended), settler.resume_parked(stop.clone()))
    };
    let ((all, again, ()), ()) = tokio::join!(working, settler.crashes.show_life(over.clone()));
    settler.crashes.close().await;
    if let Some(tripped) = settler.guard.as_ref().and_then(Guard::tripped) {
        return Err(tripped.into());
    }
    Ok(all.and(again)?)
}
