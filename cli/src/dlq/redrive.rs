//! Letters given to their group once more. A redrive is noted before it is sent and after it. One that was begun and whose end
//! nobody noted is looked for in the log by its id before it is sent again, so that an end of this program at any step
//! doubles no record. One program does so at a time.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use anyhow::ensure;
use peyvand::{
    bus::{Record, Topic},
    failpoint::failpoint,
    topics,
    worker::{letter_name, redrive_id, redriven, redriven_by},
};
use uuid::Uuid;

use super::{
    Desk, Filter, Who,
    decided::{READ_MAX, place},
};

/// The tool under which the beginning of a redrive is noted; its end is a decision and stands with those.
const BEGUN_BY: &str = "redrive";
const BEGUN: &str = "redrive.begun";

#[allow(clippy::print_stdout, reason = "what was done is the output")]
pub(super) async fn redrive(
    desk: &Desk,
    filter: &Filter,
    who: &Who,
    dry_run: bool,
    rate: u32,
) -> anyhow::Result<()> {
    who.check()?;
    let _alone = desk.alone().await?;
    let letters = desk.waiting(filter).await?;
    let sent = already_sent(desk, &letters).await?;
    let producer = desk.bus.producer();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    let (mut done, mut refused) = (0_usize, 0_usize);
    for letter in letters {
        let at = place(&letter);
        let Some(letter) = desk.bus.record_at(letter.place, letter.offset).await? else {
            refused += 1;
            println!("{at}: its topic has dropped it since it was listed");
            continue;
        };
        let record = match redriven(&letter, &desk.keys) {
            Ok(record) => record,
            Err(refusal) => {
                refused += 1;
                println!("{at}: {refusal}");
                continue;
            }
        };
        let is_sent = sent.contains(&redrive_id(&letter));
        if dry_run {
            let how = if is_sent { "was sent before, and that would be noted:" } else { "would go to" };
            println!("{at} {how} {}", record.topic);
            continue;
        }
        if is_sent {
            println!("{at} was sent before; only that is noted now");
        } else {
            let _tick = pace.tick().await;
            desk.note(who, BEGUN, &letter).await?;
            producer.send(record).await?;
            failpoint("redrive.sent");
        }
        desk.note(who, "dlq.redrive", &letter).await?;
        done += 1;
    }
    println!("{done} letters redriven, {refused} refused{}.", if dry_run { " (dry run)" } else { "" });
    Ok(())
}

/// The redrives of these letters that are in the log though nobody noted their end.
async fn already_sent(desk: &Desk, letters: &[Record]) -> anyhow::Result<HashSet<Uuid>> {
    let begun = desk.store.noted(BEGUN_BY).await?;
    let in_doubt = letters.iter().filter(|letter| begun.contains_key(&letter_name(letter)));
    let again: BTreeSet<Topic> =
        in_doubt.filter_map(|letter| topics::redrive_of(&letter.place.topic)).collect();
    let mut sent = HashSet::new();
    for topic in again {
        let records = desk.bus.scan(std::slice::from_ref(&topic), READ_MAX).await?;
        ensure!(
            records.len() < READ_MAX,
            "a redrive was cut off, and {topic} has too many records to look whether it was sent; let the topic keep them for less \
             long and look again"
        );
        sent.extend(records.iter().filter_map(redriven_by));
    }
    Ok(sent)
}
