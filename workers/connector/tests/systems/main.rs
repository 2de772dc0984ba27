//! The connector against systems of record: the sandbox, which speaks their protocols, and servers that answer as a test tells
//! them.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod failures;
mod foreign;
mod limits;
mod literals;
mod reads;
mod salesforce;
mod support;
mod turns;
mod webhook;
mod writes;
