//! The program `peyvand`: everything in one process, one worker on Kafka, a chat in the terminal, tools for the servers.

mod calibrate;
mod chat;
mod cluster;
mod command;
mod dlq;
mod doctor;
mod eval;
mod explain;
mod outbox;
mod parked;
mod test;
mod train;
mod up;

use std::process::ExitCode;

use clap::Parser;

/// Joins chat channels to CRM, ERP and a company's own systems.
#[derive(Parser)]
#[command(name = "peyvand", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: command::Command,
}

#[tokio::main]
async fn main() -> ExitCode {
    let _logging = peyvand::telemetry::init();
    Arguments::parse().command.carry_out().await
}
