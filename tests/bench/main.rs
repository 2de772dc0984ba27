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
mod left_behind;
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
#[allow(dead_code, reason = "shared with the kill tests; a part of it is enough here")]
#[path = "../kill.d/turn.rs"]
mod turn;
mod whole;

/// What can be measured.
const PARTS: &[(&str, fn())] = &[
    ("pass", pass::run),
    ("slow", slow::run),
    ("outbox", outbox::run),
    ("whole", whole::run),
    ("neighbour", neighbour::run),
    ("talk-embedded", talk::embedded),
    ("talk-cluster", talk::cluster),
];

fn main() {
    // cargo passes `--bench`; names choose parts.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = chosen.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        let names: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        println!("{unknown} is not measured here; choose among {}", names.join(", "));
        std::process::exit(2);
    }
    println!("{}", figures::machine());
    for (part, run) in PARTS {
        if chosen.is_empty() || chosen.iter().any(|name| name == part) {
            run();
        }
    }
}
