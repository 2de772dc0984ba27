//! What every backing has to do, in one suite a seam: the log (`bus`) and the database (`store`). The embedded ones
//! need nothing; those of the cluster run with the feature `stack-tests` against the servers `tests/stack` has started.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod bus;
#[cfg(feature = "stack-tests")]
#[path = "../kill.d/line.rs"]
mod line;
mod store;
