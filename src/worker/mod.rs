//! The runtime all workers share: it reads a group's records, gives each conversation a lane of its own, settles each
//! record and stores how far a partition is settled. It may not know what an event means.

mod handler;
pub mod ledger;
mod letter;
mod pump;
mod retry;
mod settle;
#[cfg(test)]
mod tests;

pub use handler::{Emit, Handler, HandlerError, Input, Outcome};
pub use letter::{REDRIVES_MAX, RedriveRefusal, redriven};
pub use pump::{Limits, Settle, pump};
pub use retry::{OwnFault, patiently};
pub use settle::now_ms;

use std::sync::Arc;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{BusError, Consumer, Producer},
    codec::Schemas,
    store::Store,
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
}

/// Runs a worker until it is told to stop, then lets running records finish and leaves the group.
///
/// # Errors
/// [`BusError`] when the log ends or refuses this member; what was not settled is replayed by the next start.
pub async fn run<H: Handler>(worker: Worker<H>, shutdown: CancellationToken) -> Result<(), BusError> {
    let Worker { consumer, redriven, producer, store, schemas, handler } = worker;
    let settler = Arc::new(settle::Settler { producer, store, schemas, handler });
    let stop = shutdown.child_token();
    let all = pump(consumer, Arc::clone(&settler), Limits::default(), stop.clone());
    let again = pump(redriven, settler, Limits { open: REDRIVEN_OPEN, ..Limits::default() }, stop.clone());
    // When one ends, so does the other.
    let ended = |pumped: Result<(), BusError>| {
        stop.cancel();
        pumped
    };
    let (all, again) = tokio::join!(all.map(ended), again.map(ended));
    all.and(again)
}
