//! The whole of Peyvand on Kafka, a schema registry and PostgreSQL, each worker a process of its own, as an operator
//! starts it. Needs the servers of `tests/stack` and kcat, the outside program that talks to the topics.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

#[path = "../kill.d/log.rs"]
mod log;

mod conversation;
mod deployment;
mod foreign;
mod golden;
mod kcat;
mod letters;
mod process;
mod resend;
