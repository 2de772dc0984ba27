//! What takes longer than every change may wait: `tests/run` leaves the tests of modules of this name out, and
//! `tests/run --nightly` runs them.

mod backlog;
mod cut;
mod moves;
mod outages;
