//! What workers do while something ends: a process, Kafka, the database. Each test has the servers to itself, since it
//! stops them for all; so this is a program of its own, and its tests wait for one another.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

#[path = "../cluster/away.rs"]
mod away;
#[path = "../cluster/kcat.rs"]
#[allow(dead_code, reason = "this program publishes by the library")]
mod kcat;
#[path = "../cluster/message.rs"]
mod message;
#[path = "../cluster/process.rs"]
#[allow(dead_code, reason = "this program needs only some of it")]
mod process;

mod anew;
mod crash;
mod health;
mod letters;
mod logs;
mod scene;
mod stop;
