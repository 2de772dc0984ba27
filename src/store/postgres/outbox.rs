//! The relay's side of the outbox: leases heads and settles what came of them. The marks that an entry is about to be sent
//! commit before anybody may send it; whoever lost its lease changes nothing. Locks are taken in the same order as a
//! step takes them: conversations by key, then heads by key.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    link::{Link, Remedy, remedy},
    operator, outbox_statements as sql,
    read::Answer,
    statements::{self, texts},
};
use crate::{
    event::ConversationId,
    store::{
        Audit, Claimed, Decided, Depth, Known, Lease, LeftBehind, Outgoing, PUT_OFF_LIMIT, Parked, Settled,
        Settlement, StoreError, row,
        step::{PAGE_BYTES, WaitingRow},
        watch::{Sight, Watch},
    },
};

/// Times that the same is tried at once when others are in the way.
pub(super) const ATTEMPTS: usize = 4;

/// What a relay wants.
pub(super) enum Ask {
    Claim {
        target: String,
        limit: u32,
        lease: Duration,
        answer: Answer<Vec<Claimed>>,
    },
    Settle {
        settlements: Vec<Settlement>,
        answer: Answer<Vec<Settled>>,
    },
    Depth {
        target: String,
        answer: Answer<Depth>,
    },
    LeftBehind {
        group: &'static str,
        older_than: Duration,
        after: Option<ConversationId>,
        limit: u32,
        answer: Answer<LeftBehind>,
    },
    Pending {
        group: &'static str,
        conversation_id: String,
        answer: Answer<Vec<Outgoing>>,
    },
    Prune {
        older_than: Duration,
        limit: u32,
        answer: Answer<u64>,
    },
    Parked {
        limit: u32,
        answer: Answer<Vec<Parked>>,
    },
    Decide {
        decided: Box<Decided>,
        answer: Answer<bool>,
    },
    Note {
        audits: Vec<Audit>,
        answer: Answer<()>,
    },
    Noted {
        tool: &'static str,
        answer: Answer<HashMap<String, i64>>,
    },
}

/// The same again while only others are in the way. What broke leaves no connection behind. (No closure: the compiler
/// cannot see that the future of an async one may go to another thread.)
macro_rules! patiently {
    ($link:ident, $connection:ident => $work:expr) => {{
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let mut taken = match $link.take().await {
                Ok(taken) => taken,
                Err(error) => break Err(error),
            };
            let $connection = &mut taken;
            match $link.in_time($work).await {
                Ok(done) => {
                    $link.keep(taken);
                    break Ok(done);
                }
                Err(error) if left > 0 && remedy(&error) == Remedy::Again => {}
                Err(error) => break Err(error),
            }
        }
    }};
}

pub(super) use patiently;

/// Answers until the store is closed or nobody can ask any more.
pub(super) async fn run(mut link: Link, mut wanted: mpsc::Receiver<Ask>, closed: CancellationToken) {
    let process = link.process();
    let mut watch = Watch::default();
    loop {
        let ask = tokio::select! {
            biased;
            () = closed.cancelled() => None,
            ask = wanted.recv() => ask,
        };
        match ask {
            Some(Ask::Claim { target, limit, lease, answer }) => {
                give(answer, patiently!(link, c => claim(c, &target, (limit, lease), &process, &mut watch)));
            }
            Some(Ask::Settle { settlements, answer }) => {
                give(answer, patiently!(link, c => settle(c, &settlements, &process)));
            }
            Some(Ask::Depth { target, answer }) => {
                give(answer, patiently!(link, c => depth(c, &target, &mut watch)));
            }
            Some(Ask::LeftBehind { group, older_than, after, limit, answer }) => {
                let found = patiently!(link, c => left_behind(c, group, older_than, (after.as_ref(), limit), &process));
                give(answer, found);
            }
            Some(Ask::Pending { group, conversation_id, answer }) => {
                let one = [(group, conversation_id.as_str())];
                let found = patiently!(link, c => pending(c, &one, &process));
                give(answer, found.map(|mut found| found.pop().unwrap_or_default()));
            }
            Some(Ask::Prune { older_than, limit, answer }) => {
                give(answer, patiently!(link, c => prune(c, older_than, limit)));
            }
            Some(Ask::Parked { limit, answer }) => {
                give(answer, patiently!(link, c => operator::parked(c, limit)));
            }
            Some(Ask::Decide { decided, answer }) => {
                give(answer, patiently!(link, c => operator::decide(c, &decided)));
            }
            Some(Ask::Note { audits, answer }) => {
                give(answer, patiently!(link, c => operator::note(c, &audits)));
            }
            Some(Ask::Noted { tool, answer }) => {
                give(answer, patiently!(link, c => operator::noted(c, tool)));
            }
            None => return,
        }
    }
}

pub(super) fn give<T>(answer: oneshot::Sender<Result<T, StoreError>>, result: Result<T, sqlx::Error>) {
    // Who does not wait any more needs no answer.
    let _gone = answer.send(result.map_err(|error| StoreError::of(&error)));
}

async fn claim(
    connection: &mut PgConnection,
    target: &str,
    (limit, lease): (u32, Duration),
    process: &str,
    watch: &mut Watch,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let asked = Instant::now();
    let rows = sqlx::query(sql::CLAIM)
        .bind(target)
        .bind(i64::from(limit))
        .bind(lease.as_secs_f64())
        .bind(process)
        .bind(PUT_OFF_LIMIT.as_secs_f64())
        .fetch_all(connection)
        .await?;
    if let Some(row) = rows.first() {
        watch.note(Sight { asked, answered: Instant::now(), clock: row.try_get(12)? }, lease);
    }
    rows.iter().map(|row| claimed(target, row, |ago| watch.at_most(asked, ago))).collect()
}

fn claimed(
    target: &str,
    row: &PgRow,
    believed: impl Fn(Duration) -> Duration,
) -> Result<Claimed, sqlx::Error> {
    let known = match row.try_get::<&str, _>(6)? {
        "pending" => Known::Unsent,
        _ => Known::InDoubt {
            since: seconds(row.try_get(8)?).map(&believed).unwrap_or_default(),
            absent_for: seconds(row.try_get(9)?).map(&believed),
        },
    };
    Ok(Claimed {
        lease: Lease {
            target: target.to_owned(),
            conversation_id: row::conversation_of(row.try_get(0)?)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            generation: row.try_get(1)?,
            seq: row.try_get(2)?,
        },
        id: Uuid::from_slice(row.try_get(3)?).map_err(|error| sqlx::Error::Decode(error.into()))?.into(),
        operation: row.try_get(4)?,
        payload: row.try_get(5)?,
        known,
        attempts: u32::try_from(row.try_get::<i32, _>(7)?).unwrap_or_default(),
        tried: row.try_get(11)?,
        age: seconds(row.try_get(10)?).unwrap_or_default(),
    })
}

pub(super) fn seconds(value: Option<f64>) -> Option<Duration> {
    value.map(|value| Duration::try_from_secs_f64(value).unwrap_or_default())
}

async fn settle(
    connection: &mut PgConnection,
    settlements: &[Settlement],
    process: &str,
) -> Result<Vec<Settled>, sqlx::Error> {
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    let keys: Vec<_> =
        settlements.iter().map(|one| (one.group, one.lease.conversation_id.as_str())).collect();
    statements::lock(&mut transaction, &keys).await?;
    let held = sql::finish_heads(&mut transaction, settlements, process).await?;
    let winners: Vec<&Settlement> =
        settlements.iter().zip(&held).filter(|(_, held)| **held).map(|(one, _)| one).collect();
    if !winners.is_empty() {
        sql::finish_entries(&mut transaction, &winners).await?;
        let told: Vec<sql::Telling<'_>> = winners
            .iter()
            .map(|one| sql::Telling {
                group: one.group,
                conversation_id: one.lease.conversation_id.as_str(),
                records: &one.outgoing,
            })
            .collect();
        sql::tell(&mut transaction, &told, process).await?;
    }
    let told: Vec<_> = winners.iter().map(|one| (one.group, one.lease.conversation_id.as_str())).collect();
    let mut waiting = pending(&mut transaction, &told, process).await?.into_iter();
    transaction.commit().await?;
    Ok(held
        .iter()
        .map(|held| match held {
            true => Settled::Committed(waiting.next().unwrap_or_default()),
            false => Settled::Fenced,
        })
        .collect())
}

/// The events of each conversation that wait for their publication, in order.
async fn pending(
    connection: &mut PgConnection,
    conversations: &[(&'static str, &str)],
    process: &str,
) -> Result<Vec<Vec<Outgoing>>, sqlx::Error> {
    let mut waiting = vec![Vec::new(); conversations.len()];
    if conversations.is_empty() {
        return Ok(waiting);
    }
    let rows = sqlx::query(sql::PENDING)
        .bind(texts(conversations, |(group, _)| *group))
        .bind(texts(conversations, |(_, conversation)| *conversation))
        .bind(process)
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
        let outgoing = statements::outgoing_of(row, 1)?;
        if let Some(waiting) = waiting.get_mut(place) {
            waiting.push(outgoing);
        }
    }
    Ok(waiting)
}

async fn depth(connection: &mut PgConnection, target: &str, watch: &mut Watch) -> Result<Depth, sqlx::Error> {
    let asked = Instant::now();
    let row = sqlx::query(sql::DEPTH).bind(target).fetch_one(connection).await?;
    watch.note(Sight { asked, answered: Instant::now(), clock: row.try_get(4)? }, Duration::ZERO);
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(Depth {
        waiting: count(row.try_get(0)?),
        in_doubt: count(row.try_get(1)?),
        parked: count(row.try_get(2)?),
        oldest: seconds(row.try_get(3)?).unwrap_or_default(),
    })
}

async fn left_behind(
    connection: &mut PgConnection,
    group: &str,
    older_than: Duration,
    (after, limit): (Option<&ConversationId>, u32),
    process: &str,
) -> Result<LeftBehind, sqlx::Error> {
    let rows = sqlx::query(sql::LEFT_BEHIND)
        .bind(group)
        .bind(after.map_or("", ConversationId::as_str))
        .bind(process)
        .bind(older_than.as_secs_f64())
        .bind(i64::from(limit))
        .bind(i64::from(PAGE_BYTES))
        .fetch_all(connection)
        .await?;
    let waiting = rows.iter().map(|row| {
        let conversation_id = row::conversation_of(row.try_get(0)?);
        Ok(WaitingRow {
            conversation_id: conversation_id.map_err(|error| sqlx::Error::Decode(error.into()))?,
            outgoing: statements::outgoing_of(row, 1)?,
            is_old: row.try_get(7)?,
            bytes_through: row.try_get(8)?,
        })
    });
    Ok(LeftBehind::of_page(waiting.collect::<Result<_, sqlx::Error>>()?, limit))
}

async fn prune(connection: &mut PgConnection, older_than: Duration, limit: u32) -> Result<u64, sqlx::Error> {
    // Together: a head is looked at when its last entry goes, and never again.
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    let dropped = sqlx::query(sql::PRUNE)
        .bind(older_than.as_secs_f64())
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
    let column = |at: usize| -> Result<Vec<String>, sqlx::Error> {
        dropped.iter().map(|row| row.try_get(at)).collect()
    };
    sqlx::query(sql::PRUNE_HEADS).bind(column(0)?).bind(column(1)?).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(dropped.len() as u64)
}
