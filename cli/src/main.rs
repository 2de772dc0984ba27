//! The program `peyvand`: everything in one process, one worker on Kafka, a chat in the terminal, tools for the servers.

mod chat;
mod cluster;
mod doctor;
mod eval;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Joins chat channels to CRM, ERP and a company's own systems.
#[derive(Parser)]
#[command(name = "peyvand", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything in one process on this machine, with a sandbox SAP, and serves the chat page.
    Up(up::Arguments),
    /// Talks in the terminal, in Persian or English, to a running instance or to its own.
    Chat(chat::Arguments),
    /// Runs one worker on Kafka, a schema registry and PostgreSQL.
    Run(cluster::Run),
    /// Looks at settings, assistant, Kafka, registry, database and targets; says what is wrong and how to mend it.
    Doctor(doctor::Arguments),
    /// Creates or lists the topics.
    #[command(subcommand)]
    Topics(cluster::Topics),
    /// Registers or checks the schemas.
    #[command(subcommand)]
    Schemas(cluster::Schemas),
    /// Changes the database's tables.
    #[command(subcommand)]
    Database(cluster::Database),
    /// Measures the classifier on a data set in the JSON format of CLINC150.
    Eval(eval::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    peyvand::telemetry::init();
    let done = match Arguments::parse().command {
        Command::Up(arguments) => up::run(arguments).await,
        Command::Chat(arguments) => chat::run(arguments).await,
        Command::Run(run) => return cluster::run(run).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Topics(command) => cluster::topics(command).await,
        Command::Schemas(command) => cluster::schemas(command).await,
        Command::Database(command) => cluster::database(command).await,
        Command::Eval(arguments) => eval::run(&arguments),
    };
    cluster::exit(done)
}
