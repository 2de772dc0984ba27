//! Dead letters as a work list: what waits by its cause, one letter masked, and what a person decides: once more, or not
//! at all. Every decision is noted in the database with who made it and why. No payload is ever shown but masked.

mod decided;
mod redrive;
mod show;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use peyvand::{
    bus::{Offset, Record, Topic, TopicPartition, kafka::KafkaBus},
    codec::RegistryConfig,
    config::Config,
    process::ConfigArguments,
    seal::SealKeys,
    store::{Alone, Audit, PostgresStore},
    topics,
    worker::letter_name,
};
use serde_json::json;

use self::decided::{Decided, place};
use crate::outbox::said_why;

/// How often it is looked whether somebody else has finished.
const ALONE_EACH: Duration = Duration::from_millis(500);

#[derive(clap::Subcommand)]
pub(crate) enum Dlq {
    /// Counts the letters that wait, by topic, group and cause.
    List {
        #[command(flatten)]
        filter: Filter,
        /// One JSON object a letter.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Shows one letter without what a person wrote.
    Show {
        /// Its place: TOPIC:PARTITION:OFFSET.
        place: String,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Gives letters to their group once more, on the group's own topic; no other group sees them.
    Redrive {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        who: Who,
        /// Only says what would be done.
        #[arg(long)]
        dry_run: bool,
        /// At most so many a second.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Takes letters off the list; their bytes stay in the topic until its retention ends.
    Drop {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        who: Who,
        /// Only says what would be done.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        config: ConfigArguments,
    },
}

/// Which letters.
#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Of this topic of dead letters.
    #[arg(long)]
    topic: Option<String>,
    /// With this cause.
    #[arg(long)]
    class: Option<String>,
    /// Only this one: TOPIC:PARTITION:OFFSET.
    #[arg(long)]
    at: Option<String>,
    /// The oldest so many.
    #[arg(long)]
    limit: Option<usize>,
}

#[derive(clap::Args)]
pub(crate) struct Who {
    /// Why, for the audit.
    #[arg(long)]
    why: String,
    /// Who decides, for the audit.
    #[arg(long, env = "USER")]
    by: String,
}

impl Who {
    fn check(&self) -> anyhow::Result<()> {
        said_why(&self.by, &self.why)
    }
}

/// What is worked with.
struct Desk {
    bus: KafkaBus,
    store: PostgresStore,
    keys: Arc<SealKeys>,
    registry: RegistryConfig,
}

pub(crate) async fn run(command: Dlq) -> anyhow::Result<()> {
    match command {
        Dlq::List { filter, json, config } => {
            let desk = Desk::open(config).await?;
            list(&desk.waiting(&filter).await?, json);
            desk.close().await
        }
        Dlq::Show { place, config } => {
            let desk = Desk::open(config).await?;
            show::show(&desk.one(&place).await?, &desk.keys, &desk.registry).await;
            desk.close().await
        }
        Dlq::Redrive { filter, who, dry_run, rate, config } => {
            let desk = Desk::open(config).await?;
            redrive::redrive(&desk, &filter, &who, dry_run, rate).await?;
            desk.close().await
        }
        Dlq::Drop { filter, who, dry_run, config } => {
            let desk = Desk::open(config).await?;
            take_off(&desk, &filter, &who, dry_run).await?;
            desk.close().await
        }
    }
}

impl Desk {
    async fn open(config: ConfigArguments) -> anyhow::Result<Self> {
        let config = Config::load(config.config)?;
        let store = PostgresStore::connect(&config.database.url, config.database.password.as_ref()).await?;
        let Config { kafka, letters_keys: keys, registry, .. } = config;
        Ok(Self { bus: KafkaBus::open(kafka)?, store, keys, registry })
    }

    async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        Ok(self.bus.close().await?)
    }

    /// Waits until nobody else decides about letters: of two who gave the same letter to its group at once, each would believe
    /// that nobody had.
    #[allow(clippy::print_stderr, reason = "it says why nothing happens")]
    async fn alone(&self) -> anyhow::Result<Alone> {
        let mut is_told = false;
        loop {
            if let Some(alone) = self.store.alone("dlq").await? {
                return Ok(alone);
            }
            if !is_told {
                eprintln!("Somebody else is working off dead letters; waiting until they have finished.");
                is_told = true;
            }
            tokio::time::sleep(ALONE_EACH).await;
        }
    }

    /// The letters nobody has decided about, the oldest first, without what is in them.
    async fn waiting(&self, filter: &Filter) -> anyhow::Result<Vec<Record>> {
        let all: Vec<Topic> = topics::all()
            .into_iter()
            .map(|spec| spec.topic)
            .filter(|topic| topics::redrive_of(topic).is_some())
            .collect();
        let at = filter.at.as_deref().and_then(|at| at.rsplit(':').nth(2));
        let wanted = |topic: &&Topic| {
            [filter.topic.as_deref(), at].into_iter().flatten().all(|name| name == topic.as_str())
        };
        let chosen: Vec<Topic> = all.iter().filter(wanted).cloned().collect();
        if chosen.is_empty() {
            let names: Vec<&str> = all.iter().map(Topic::as_str).collect();
            bail!("there is no such topic of dead letters; there are: {}", names.join(", "));
        }
        let decided = Decided(self.store.noted("dlq").await?);
        let mut letters = Vec::new();
        // One after the other: what is read of a topic is held in memory until it is sifted.
        for topic in chosen {
            let found = match &filter.at {
                Some(at) => vec![Record { value: None, ..self.one(at).await? }],
                None => {
                    let limit = decided.to_read(&topic);
                    let found = self.bus.scan(std::slice::from_ref(&topic), limit).await?;
                    tell_of_the_rest(&topic, &found, limit);
                    found
                }
            };
            letters.extend(found.into_iter().filter(|letter| {
                let class = letter.headers.text("x-error-class");
                !decided.contains(letter)
                    && filter.class.as_deref().is_none_or(|wanted| class == Some(wanted))
            }));
        }
        letters.sort_by_key(|letter| letter.timestamp_ms);
        letters.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(letters)
    }

    async fn one(&self, at: &str) -> anyhow::Result<Record> {
        let (place, offset) = parts(at).context("a place is TOPIC:PARTITION:OFFSET")?;
        let found = self.bus.record_at(place, offset).await?;
        found.with_context(|| format!("there is no letter at {at}; look at `peyvand dlq list --json`"))
    }

    /// Notes what is done with a letter.
    async fn note(&self, who: &Who, what: &'static str, letter: &Record) -> anyhow::Result<()> {
        let audit = Audit { who: who.by.clone(), what, subject: letter_name(letter), why: who.why.clone() };
        Ok(self.store.note(vec![audit]).await?)
    }
}

fn parts(at: &str) -> Option<(TopicPartition, Offset)> {
    let (rest, offset) = at.rsplit_once(':')?;
    let (topic, partition) = rest.rsplit_once(':')?;
    let place = TopicPartition { topic: Topic::new(topic), partition: partition.parse().ok()? };
    Some((place, Offset(offset.parse().ok()?)))
}

/// Says of each partition that it was read only in part: what is not seen there may wait too.
#[allow(clippy::print_stderr, reason = "it belongs to the list, and is no letter of it")]
fn tell_of_the_rest(topic: &Topic, found: &[Record], limit: usize) {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for letter in found {
        *counts.entry(letter.place.partition).or_default() += 1;
    }
    for (partition, _) in counts.into_iter().filter(|(_, count)| *count >= limit) {
        eprintln!(
            "Only the oldest {limit} letters of partition {partition} of {topic} were looked at; work them off, or let the topic keep them for less long, and look again."
        );
    }
}

/// A header's text. Whoever may write into the topic has written it, and a terminal obeys what it should only show.
fn header(letter: &Record, name: &str) -> Option<String> {
    let text = letter.headers.text(name)?;
    Some(text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect())
}

fn header_or_unknown(letter: &Record, name: &str) -> String {
    header(letter, name).unwrap_or_else(|| "unknown".to_owned())
}

#[allow(clippy::print_stdout, reason = "the list is the output")]
fn list(letters: &[Record], as_json: bool) {
    if as_json {
        for letter in letters {
            println!(
                "{}",
                json!({
                    "at": place(letter), "class": header_or_unknown(letter, "x-error-class"),
                    "event_id": letter.headers.text("x-event-id"), "bytes": header_or_unknown(letter, "x-payload-bytes"),
                    "timestamp_ms": letter.timestamp_ms, "redriven": letter.headers.text("x-redrive-count"),
                })
            );
        }
        return;
    }
    let mut causes: BTreeMap<(&str, String), (usize, &Record)> = BTreeMap::new();
    for letter in letters {
        let key = (letter.place.topic.as_str(), header_or_unknown(letter, "x-error-class"));
        let (count, _oldest) = causes.entry(key).or_insert((0, letter));
        *count += 1;
    }
    println!("{:<44} {:<20} {:>6}  the oldest", "topic", "cause", "count");
    for ((topic, class), (count, oldest)) in causes {
        println!("{topic:<44} {class:<20} {count:>6}  {}", place(oldest));
    }
    println!("{} dead letters wait.", letters.len());
}

#[allow(clippy::print_stdout, reason = "what was done is the output")]
async fn take_off(desk: &Desk, filter: &Filter, who: &Who, dry_run: bool) -> anyhow::Result<()> {
    who.check()?;
    let _alone = desk.alone().await?;
    let letters = desk.waiting(filter).await?;
    for letter in &letters {
        if dry_run {
            println!("{} would be dropped", place(letter));
        } else {
            desk.note(who, "dlq.drop", letter).await?;
        }
    }
    println!("{} letters dropped{}.", letters.len(), if dry_run { " (dry run)" } else { "" });
    Ok(())
}
