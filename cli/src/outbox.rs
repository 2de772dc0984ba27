//! Writes that wait for a person: which they are, and what the person decides. Every decision is noted in the database
//! with who made it and why. Nothing a person wrote in a chat is shown.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use peyvand::{
    codec::{Registry, Schemas},
    config::Config,
    process::ConfigArguments,
    store::{Decided, Decision, Parked, PostgresStore, Store},
    worker::{Handler, now_ms},
};
use peyvand_connector::{
    Connector,
    write::{Told, Write},
};
use serde_json::json;

/// Entries that are looked through at most.
const PARKED_MAX: u32 = 10_000;

#[derive(clap::Subcommand)]
pub(crate) enum Outbox {
    /// Lists the writes that wait for a person, the oldest first.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Goes on as before: what is in doubt is asked after again, what was not sent is sent.
    Resume(One),
    /// You have looked in the system and it is not there: it is sent again.
    Absent(One),
    /// You have looked in the system and it is there: the person is told so.
    Done {
        /// The number the system has given it.
        #[arg(long)]
        reference: String,
        #[command(flatten)]
        one: One,
    },
    /// It is not to be written any more: the next write of the conversation goes on. The person is told so, unless it may be
    /// written after all.
    Skip(One),
}

/// One write, and who decides about it.
#[derive(clap::Args)]
pub(crate) struct One {
    /// Its tracking number, as the person has it, or its whole id.
    write: String,
    /// Why, for the audit.
    #[arg(long)]
    why: String,
    /// Who decides, for the audit.
    #[arg(long, env = "USER")]
    by: String,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) async fn run(command: Outbox) -> anyhow::Result<()> {
    match command {
        Outbox::List { json, config } => list(config, json).await,
        Outbox::Resume(one) => decide(one, Decision::Resume).await,
        Outbox::Absent(one) => decide(one, Decision::Absent).await,
        Outbox::Done { reference, one } => decide(one, Decision::Done { reference }).await,
        Outbox::Skip(one) => decide(one, Decision::Skip).await,
    }
}

pub(crate) async fn open(config: &Config) -> anyhow::Result<Store> {
    let database = &config.database;
    Ok(PostgresStore::connect(&database.url, database.password.as_ref()).await?.into())
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the list is the output")]
async fn list(config: ConfigArguments, as_json: bool) -> anyhow::Result<()> {
    let store = open(&Config::load(config.config)?).await?;
    let parked = store.parked(PARKED_MAX).await?;
    for one in &parked {
        if as_json {
            println!(
                "{}",
                json!({
                    "id": one.id.to_string(), "tracking": one.id.tracking(), "target": one.target,
                    "operation": one.operation, "class": one.class,
                    "in_doubt": one.in_doubt, "attempts": one.attempts, "age_seconds": one.age.as_secs(),
                    "behind": one.behind,
                })
            );
        } else {
            println!("{}", line(one));
        }
    }
    if parked.len() >= PARKED_MAX as usize {
        eprintln!("Only the oldest {PARKED_MAX} are listed; decide about some and look again.");
    }
    if !as_json {
        println!("{} writes wait for a person.", parked.len());
    }
    store.close().await;
    Ok(())
}

fn line(one: &Parked) -> String {
    let written = if one.in_doubt { "may be written" } else { "is not written" };
    format!(
        "{}  {}  {}  {} ({written})  {} attempts, {} old, {} behind it",
        one.id.tracking(),
        one.target,
        one.operation,
        one.class,
        one.attempts,
        age(one.age),
        one.behind,
    )
}

/// That a decision can be understood later.
pub(crate) fn said_why(by: &str, why: &str) -> anyhow::Result<()> {
    ensure!(!why.trim().is_empty(), "say why with --why, so that it can be understood later");
    ensure!(!by.trim().is_empty(), "say who decides with --by, so that somebody can be asked later");
    Ok(())
}

pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[allow(clippy::print_stdout, reason = "what was done is the output")]
async fn decide(one: One, decision: Decision) -> anyhow::Result<()> {
    said_why(&one.by, &one.why)?;
    if let Decision::Done { reference } = &decision
        && (reference.trim().is_empty() || reference.len() > 64 || reference.chars().any(char::is_control))
    {
        bail!("--reference is the number the system has given it, 1 to 64 characters");
    }
    let config = Config::load(one.config.config)?;
    let store = open(&config).await?;
    let wanted = one.write.trim().to_uppercase();
    let parked = store.parked(PARKED_MAX).await?;
    let is_wanted =
        |parked: &&Parked| parked.id.tracking() == wanted || parked.id.to_string().to_uppercase() == wanted;
    let mut found = parked.iter().filter(is_wanted);
    let (Some(parked), None) = (found.next(), found.next()) else {
        bail!(
            "no single write {wanted} is among the oldest {PARKED_MAX} that wait for a person; look at `peyvand outbox list` and give \
             the whole id"
        );
    };
    let told = match &decision {
        Decision::Resume | Decision::Absent => None,
        Decision::Done { reference } => Some(Told::Done { reference: reference.clone() }),
        // What may be written is not told to be undone; the person knows already that nobody knows.
        Decision::Skip => (!parked.in_doubt).then_some(Told::Refused),
    };
    let outgoing = match (told, Write::of_payload(&parked.payload)) {
        (None, _) => Vec::new(),
        (Some(told), Some(write)) => {
            let registry = Registry::new(&config.registry)?;
            let schemas = Schemas::from_registry(registry).await?;
            vec![write.record(&schemas, &told, now_ms())?]
        }
        (Some(_), None) => {
            println!("The write cannot be read by this version, so the person is told nothing.");
            Vec::new()
        }
    };
    let word = decision.word();
    let decided = Decided {
        id: parked.id,
        in_doubt: parked.in_doubt,
        decision,
        who: one.by,
        why: one.why,
        group: Connector::GROUP,
        outgoing,
    };
    let carried_out =
        store.decide(decided).await.context("look at the write again: it is not known what happened")?;
    store.close().await;
    if !carried_out {
        bail!(
            "the write {wanted} does not wait any more as it did a moment ago; look again with `peyvand outbox list`"
        );
    }
    println!("{wanted}: {word} is noted. A connector goes on with it within seconds.");
    Ok(())
}
