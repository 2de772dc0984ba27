//! Commands for the servers of the cluster backing: topics, schemas, the database, and one worker on them.

use std::process::ExitCode;

use anyhow::Context;
use peyvand::{
    bus::kafka::KafkaBus,
    codec::{self, Registry, Released},
    config::Config,
    process,
    store::PostgresStore,
    topics,
};

/// What to do with topics.
#[derive(clap::Subcommand)]
pub(crate) enum Topics {
    /// Creates what is missing; what is there is left as it is.
    Create(process::ConfigArguments),
    /// Lists Peyvand's topics, and whether the brokers have them.
    List(process::ConfigArguments),
}

/// What to do with schemas.
#[derive(clap::Subcommand)]
pub(crate) enum Schemas {
    /// Registers the schemas of this version; an incompatible one is refused, and then nothing is registered.
    Register(process::ConfigArguments),
    /// Says for each schema whether it is registered and, if not, whether it would be taken.
    Check(process::ConfigArguments),
}

/// What to do with the database.
#[derive(clap::Subcommand)]
pub(crate) enum Database {
    /// Brings the tables to this version.
    Migrate(process::ConfigArguments),
}

/// Which worker.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum WorkerName {
    /// People's words in, replies out; serves the page.
    Channels,
    /// From a message to a decision.
    IntentClassifier,
    /// Asks the systems of record.
    Connector,
    /// Finds the words.
    Reply,
}

#[derive(clap::Args)]
pub(crate) struct Run {
    /// The worker to run.
    worker: WorkerName,
    #[command(flatten)]
    arguments: process::ConfigArguments,
}

pub(crate) async fn run(run: Run) -> ExitCode {
    let ended = match run.worker {
        WorkerName::Channels => process::run(run.arguments, peyvand_channels::serve).await,
        WorkerName::IntentClassifier => process::run(run.arguments, peyvand_intent_classifier::serve).await,
        WorkerName::Connector => process::run(run.arguments, peyvand_connector::serve).await,
        WorkerName::Reply => process::run(run.arguments, peyvand_reply::serve).await,
    };
    process::exit_code(ended)
}

/// Tells an error to the person who typed the command.
#[allow(clippy::print_stderr, reason = "this is where errors are told")]
pub(crate) fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peyvand: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "the list is the output")]
pub(crate) async fn topics(command: Topics) -> anyhow::Result<()> {
    match command {
        Topics::Create(arguments) => {
            let bus = KafkaBus::open(Config::load(arguments.config)?.kafka)?;
            bus.create_topics(&topics::all()).await?;
            println!("{} topics are there.", topics::all().len());
        }
        Topics::List(arguments) => {
            let bus = KafkaBus::open(Config::load(arguments.config)?.kafka)?;
            let there = bus.topics().await?;
            println!("{:<48} {:>10} {:>9}  state", "topic", "partitions", "kept");
            for wanted in topics::all() {
                let found = there.iter().find(|(topic, _)| *topic == wanted.topic);
                let state = match found {
                    Some((_, partitions)) if *partitions == wanted.partitions => "there".to_owned(),
                    Some((_, partitions)) => format!("WRONG: has {partitions} partitions"),
                    None => "missing: run `peyvand topics create`".to_owned(),
                };
                let days = wanted.retention_ms / (24 * 60 * 60 * 1000);
                println!("{:<48} {:>10} {:>4} days  {state}", wanted.topic, wanted.partitions, days);
            }
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the list is the output")]
pub(crate) async fn schemas(command: Schemas) -> anyhow::Result<()> {
    match command {
        Schemas::Register(arguments) => {
            let registry = Registry::new(&Config::load(arguments.config)?.registry)?;
            for schema in codec::newest() {
                let subject = schema.subject();
                let taken = registry.would_take(&subject, schema.text).await?;
                anyhow::ensure!(
                    taken,
                    "{subject} is not compatible with the version that is registered; nothing was registered"
                );
            }
            for schema in codec::newest() {
                let id = registry.register(&schema.subject(), schema.text).await?;
                println!("{:<36} {:<18} id {id}", schema.subject(), schema.event);
            }
        }
        Schemas::Check(arguments) => {
            let registry = Registry::new(&Config::load(arguments.config)?.registry)?;
            let mut wrong = 0;
            for schema in codec::newest() {
                let (fine, state) = schema_state(&registry, schema).await?;
                wrong += usize::from(!fine);
                println!("{:<36} {:<18} {state}", schema.subject(), schema.event);
            }
            anyhow::ensure!(wrong == 0, "{wrong} schemas are not as this version needs them");
        }
    }
    Ok(())
}

/// Whether a schema is as this version needs it, and how it is.
pub(crate) async fn schema_state(registry: &Registry, schema: &Released) -> anyhow::Result<(bool, String)> {
    let subject = schema.subject();
    match registry.id_of(&subject, schema.text).await {
        Ok(id) => Ok((true, format!("id {id}"))),
        Err(codec::RegistryError::NotRegistered { .. }) => {
            let taken = registry.would_take(&subject, schema.text).await?;
            let advice = if taken {
                "missing: run `peyvand schemas register`"
            } else {
                "INCOMPATIBLE with the version that is registered"
            };
            Ok((false, advice.to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

#[allow(clippy::print_stdout, reason = "it says that it is done")]
pub(crate) async fn database(command: Database) -> anyhow::Result<()> {
    match command {
        Database::Migrate(arguments) => {
            let config = Config::load(arguments.config)?;
            PostgresStore::migrate(&config.database.url, config.database.password.as_ref())
                .await
                .context("the database was not changed")?;
            println!("The tables are those of this version.");
        }
    }
    Ok(())
}
