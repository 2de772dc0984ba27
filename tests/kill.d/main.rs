//! The promises under SIGKILL: connectors as processes on real Kafka and PostgreSQL are killed at named places and at
//! random times, SAP loses answers, and afterwards every write stands exactly once, in its conversation's order. Judged by
//! what was produced, by the sandbox's journal on disk and by the log, never by what a killed process says.

#![allow(clippy::print_stdout, reason = "what happened is the report of a run")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

#[path = "../cluster/away.rs"]
mod away;
#[path = "../cluster/message.rs"]
mod message;
#[path = "../cluster/process.rs"]
mod process;

mod corpus;
mod crew;
mod group;
mod hand;
mod hostile_avro;
mod judge;
mod line;
mod log;
mod nightly;
mod offsets;
mod parked;
mod places;
mod play;
mod random;
mod registry;
mod replies;
mod scene;
mod turn;
