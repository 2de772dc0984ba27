//! The program `peyvand`: everything in one process, a chat in the terminal, figures of the classifier.

mod chat;
mod eval;
mod up;

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
    /// Measures the classifier on a data set in the JSON format of CLINC150.
    Eval(eval::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    peyvand::telemetry::init();
    match Arguments::parse().command {
        Command::Up(arguments) => up::run(arguments).await,
        Command::Chat(arguments) => chat::run(arguments).await,
        Command::Eval(arguments) => eval::run(&arguments),
    }
}
