//! Conversations that wait because one of their records could not be worked on: which they are, what waits of them, and what
//! a person decides. Nothing a person wrote in a chat is shown, and every decision is noted.

use anyhow::{Context, bail};
use peyvand::{
    config::Config,
    event::{ConversationId, EventId},
    process::ConfigArguments,
    store::{ParkedDecision, ParkedVerb},
};
use serde_json::json;

use crate::outbox::{age, open, said_why};

/// Conversations and records that are listed at most.
const LISTED_MAX: u32 = 10_000;

#[derive(clap::Subcommand)]
pub(crate) enum Parked {
    /// Lists the conversations that wait, the oldest first.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Shows which records of a conversation wait, in their order.
    Show {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Tries the conversation again now.
    Resume(Decide),
    /// The conversation's first record is not worked on, now or when it comes again; the others are.
    Skip {
        #[command(flatten)]
        decide: Decide,
        /// The event's id, as `show` gives it: it has to be the first one still.
        #[arg(long)]
        event: String,
    },
    /// None of the conversation's waiting records is worked on, now or when it comes again.
    Drop(Decide),
}

/// One conversation of one group.
#[derive(clap::Args)]
pub(crate) struct One {
    /// The group, such as connector.
    group: String,
    /// The conversation's id, as `list` shows it.
    conversation: String,
}

/// A decision about it.
#[derive(clap::Args)]
pub(crate) struct Decide {
    #[command(flatten)]
    one: One,
    /// Why, for the audit.
    #[arg(long)]
    why: String,
    /// Who decides, for the audit.
    #[arg(long, env = "USER")]
    by: String,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) async fn run(command: Parked) -> anyhow::Result<()> {
    match command {
        Parked::List { json, config } => list(config, json).await,
        Parked::Show { one, config } => show(one, config).await,
        Parked::Resume(decide) => carry_out(decide, ParkedVerb::Resume).await,
        Parked::Skip { decide, event } => {
            let event = EventId::try_from(event)
                .ok()
                .context("that is no event's id; look at `peyvand parked show`")?;
            carry_out(decide, ParkedVerb::Skip(event)).await
        }
        Parked::Drop(decide) => carry_out(decide, ParkedVerb::Drop).await,
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the list is the output")]
async fn list(config: ConfigArguments, as_json: bool) -> anyhow::Result<()> {
    let store = open(&Config::load(config.config)?).await?;
    let parked = store.parked_conversations(LISTED_MAX).await?;
    for one in &parked {
        let (group, conversation) = (&one.group, one.conversation_id.as_str());
        if as_json {
            println!(
                "{}",
                json!({
                    "group": group, "conversation": conversation, "class": one.class, "held": one.held,
                    "rounds": one.attempts, "records": one.records, "age_seconds": one.age.as_secs(),
                })
            );
        } else {
            let waits = if one.held { "for a person" } else { "for its next try" };
            println!(
                "{group}  {conversation}  {} (waits {waits})  {} rounds, {} old, {} records",
                one.class,
                one.attempts,
                age(one.age),
                one.records
            );
        }
    }
    if parked.len() >= LISTED_MAX as usize {
        eprintln!("Only the oldest {LISTED_MAX} are listed; decide about some and look again.");
    }
    if !as_json {
        println!("{} conversations wait.", parked.len());
    }
    store.close().await;
    Ok(())
}

fn id_of(text: &str) -> anyhow::Result<ConversationId> {
    ConversationId::parse(text).ok().context("that is no conversation's id; look at `peyvand parked list`")
}

#[allow(clippy::print_stdout, reason = "the records are the output")]
async fn show(one: One, config: ConfigArguments) -> anyhow::Result<()> {
    let id = id_of(&one.conversation)?;
    let store = open(&Config::load(config.config)?).await?;
    let records = store.parked_records(&one.group, &id, LISTED_MAX).await?;
    for record in &records {
        println!(
            "{}:{}  event {}  {} bytes, {} old",
            record.place,
            record.offset.0,
            record.event_id,
            record.bytes,
            age(record.age)
        );
    }
    store.close().await;
    if records.is_empty() {
        bail!("nothing of it waits in the group {}; look at `peyvand parked list`", one.group);
    }
    println!("{} records wait; nothing of what they hold is shown.", records.len());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what was done is the output")]
async fn carry_out(decide: Decide, verb: ParkedVerb) -> anyhow::Result<()> {
    let Decide { one: One { group, conversation }, why, by, config } = decide;
    said_why(&by, &why)?;
    let conversation_id = id_of(&conversation)?;
    let store = open(&Config::load(config.config)?).await?;
    let decision = ParkedDecision { group: group.clone(), conversation_id, verb, who: by, why };
    let decided = store
        .decide_parked(decision)
        .await
        .context("look at the conversation again: it is not known what happened")?;
    store.close().await;
    let Some(gone) = decided else {
        bail!(
            "that conversation does not wait in the group {group} (any more), or another record is its first; look at \
             `peyvand parked list` and `show`"
        );
    };
    println!(
        "{} is noted; {} records are not worked on. A worker of {group} goes on within seconds.",
        verb.word(),
        gone.len()
    );
    Ok(())
}
