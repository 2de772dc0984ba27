//! The whole of Peyvand from outside: the program is started as its user starts it, and asked over HTTP.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod classifier;
mod conversation;
mod crowd;
mod doctor;
mod golden;
mod hostile;
mod hostile_socket;
mod support;
mod systems;
mod vectors;
mod writes;
