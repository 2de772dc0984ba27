//! The runtime all workers share: it reads a group's records, gives each conversation a lane of its own, settles each
//! record and stores how far a partition is settled. It may not know what an event means.

mod handler;
pub mod ledger;
mod pump;
mod retry;
mod settle;
#[cfg(test)]
mod tests;

pub use handler::{Emit, Handler, HandlerError, Input, Outcome};
pub use pump::{Worker, run};
