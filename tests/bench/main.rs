//! `cargo bench`: Peyvand's figures, each with its limit measured in the same run. Kafka's need the servers of
//! `tests/stack` (`PEYVAND_STACK_FOR=bench tests/stack up; eval "$(tests/stack env)"`). Nothing here judges speed; a lost, doubled or reordered record ends it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops at what it did not expect"
)]

mod bare;
#[allow(dead_code, reason = "shared with the tests of a deployment; a part of it is enough here")]
#[path = "../cluster/deployment.rs"]
mod deployment;
mod figures;
mod hops;
mod neighbour;
mod outbox;
mod pass;
#[allow(dead_code, reason = "shared with the tests of a deployment; a part of it is enough here")]
#[path = "../cluster/process.rs"]
mod process;
mod slow;
#[allow(dead_code, reason = "shared with the integration tests; a part of it is enough here")]
#[path = "../integration/support.rs"]
mod support;
mod talk;
mod whole;

/// What can be measured.
const PARTS: &[&str] = &["pass", "slow", "outbox", "whole", "neighbour", "talk-embedded", "talk-cluster"];

fn main() {
    // cargo passes `--bench`; names choose parts.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = chosen.iter().find(|name| !PARTS.contains(&name.as_str())) {
        println!("{unknown} is not measured here; choose among {}", PARTS.join(", "));
        std::process::exit(2);
    }
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|name| name == part);
    println!("{}", figures::machine());
    if wanted("pass") {
        pass::run();
    }
    if wanted("slow") {
        slow::run();
    }
    if wanted("outbox") {
        outbox::run();
    }
    if wanted("whole") {
        whole::run();
    }
    if wanted("neighbour") {
        neighbour::run();
    }
    if wanted("talk-embedded") {
        talk::embedded();
    }
    if wanted("talk-cluster") {
        talk::cluster();
    }
}
