//! The commands of the program and what carries each out.

use std::process::ExitCode;

use clap::Subcommand;

use crate::{calibrate, chat, cluster, dlq, doctor, eval, explain, outbox, parked, test, train, up};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs everything in one process on this machine, with a sandbox SAP, and serves the chat page.
    Up(up::Arguments),
    /// Talks in the terminal, in Persian or English, to a running instance or to its own.
    Chat(chat::Arguments),
    /// Runs one worker on Kafka, a schema registry and PostgreSQL.
    Run(cluster::Run),
    /// Looks at settings, assistant, Kafka, registry, database and targets; says what is wrong and how to mend it.
    Doctor(doctor::Arguments),
    /// Shows the writes that wait for a person, and carries out what the person decides.
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Shows the conversations that wait because a record could not be worked on; resumes them or lets records go.
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Shows dead letters by their cause, and redrives or drops them.
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Creates or lists the topics.
    #[command(subcommand)]
    Topics(cluster::Topics),
    /// Registers or checks the schemas.
    #[command(subcommand)]
    Schemas(cluster::Schemas),
    /// Changes the database's tables.
    #[command(subcommand)]
    Database(cluster::Database),
    /// Trains the classifier on an assistant's examples and writes the model to a file.
    Train(train::Arguments),
    /// Measures the classifier: on a data set in the JSON format of CLINC150, or the assistant by its own examples or a test set.
    Eval(eval::Arguments),
    /// Finds confidence and out-of-scope border from labelled sentences of real people.
    Calibrate(calibrate::Arguments),
    /// Says why a sentence is taken for what it is taken for.
    Explain(explain::Arguments),
    /// Holds golden conversations through the real topics and says where one goes otherwise than its file expects.
    Test(test::Arguments),
}

impl Command {
    pub(crate) async fn carry_out(self) -> ExitCode {
        let done = match self {
            Self::Up(arguments) => up::run(arguments).await,
            Self::Chat(arguments) => chat::run(arguments).await,
            Self::Run(run) => return cluster::run(run).await,
            Self::Doctor(arguments) => doctor::run(arguments).await,
            Self::Outbox(command) => outbox::run(command).await,
            Self::Parked(command) => parked::run(command).await,
            Self::Dlq(command) => dlq::run(command).await,
            Self::Topics(command) => cluster::topics(command).await,
            Self::Schemas(command) => cluster::schemas(command).await,
            Self::Database(command) => cluster::database(command).await,
            Self::Train(arguments) => train::run(&arguments),
            Self::Eval(arguments) => eval::run(&arguments).await,
            Self::Calibrate(arguments) => calibrate::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Test(arguments) => test::run(arguments).await,
        };
        cluster::exit(done)
    }
}
