//! The SAP client over real sockets: against the sandbox, which speaks as SAP Gateway does, and against small servers
//! that do what no Gateway should.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod failures;
mod foreign;
mod limits;
mod literals;
mod reads;
mod support;
mod writes;
