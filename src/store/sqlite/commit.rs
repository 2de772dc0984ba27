//! Several steps in one transaction. A step that lost against a faster one changes nothing and spoils nothing; a
//! database error undoes all of them and is told to all of them.

use std::time::Duration;

use sqlx::{Row, SqliteConnection, sqlite::SqlitePool};
use tokio::sync::oneshot;

use super::{Command, outbox};
use crate::{
    event::ConversationId,
    store::{Commit, Outgoing, Step, StepKey, StoreError, row},
};

/// A batch by what is asked.
#[derive(Default)]
struct Sorted {
    steps: Vec<Step>,
    answers: Vec<oneshot::Sender<Result<Commit, StoreError>>>,
    forgotten: Vec<(&'static str, ConversationId, i64)>,
    prunes: Vec<(Duration, u32, oneshot::Sender<u64>)>,
    barriers: Vec<oneshot::Sender<()>>,
    closing: Option<oneshot::Sender<()>>,
}

impl Sorted {
    fn sort(batch: impl Iterator<Item = Command>) -> Self {
        let mut sorted = Self::default();
        for command in batch {
            match command {
                Command::Commit(step, answer) => {
                    sorted.steps.push(*step);
                    sorted.answers.push(answer);
                }
                Command::Published { group, conversation_id, through } => {
                    sorted.forgotten.push((group, conversation_id, through));
                }
                Command::Prune { older_than, limit, answer } => {
                    sorted.prunes.push((older_than, limit, answer));
                }
                Command::Barrier(done) => sorted.barriers.push(done),
                Command::Close(done) => sorted.closing = Some(done),
            }
        }
        sorted
    }
}

/// Carries out a batch in one transaction and answers each step when it is durable; gives the one who waits for the
/// end, when the store is to be closed.
pub(super) async fn together(
    pool: &SqlitePool,
    batch: impl Iterator<Item = Command>,
) -> Option<oneshot::Sender<()>> {
    let Sorted { steps, answers, forgotten, prunes, barriers, closing } = Sorted::sort(batch);
    let limits: Vec<(Duration, u32)> = prunes.iter().map(|(age, limit, _)| (*age, *limit)).collect();
    match transaction(pool, steps, &forgotten, &limits).await {
        Ok((commits, pruned)) => {
            for (sender, commit) in answers.into_iter().zip(commits) {
                answer(sender, Ok(commit));
            }
            for ((_, _, sender), rows) in prunes.into_iter().zip(pruned) {
                answer(sender, rows);
            }
            for done in barriers {
                answer(done, ());
            }
        }
        Err(error) => {
            let text = error.to_string();
            for sender in answers {
                answer(sender, Err(StoreError::Unavailable(text.clone())));
            }
        }
    }
    closing
}

fn answer<T>(sender: oneshot::Sender<T>, value: T) {
    // A lane that was cancelled waits no more; its record is replayed and finds the step in the inbox.
    let _cancelled = sender.send(value);
}

async fn transaction(
    pool: &SqlitePool,
    steps: Vec<Step>,
    forgotten: &[(&'static str, ConversationId, i64)],
    prunes: &[(Duration, u32)],
) -> Result<(Vec<Commit>, Vec<u64>), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for (group, conversation_id, through) in forgotten {
        sqlx::query("DELETE FROM outgoing WHERE consumer_group = ? AND conversation_id = ? AND seq <= ?")
            .bind(*group)
            .bind(conversation_id.as_str())
            .bind(*through)
            .execute(&mut *transaction)
            .await?;
    }
    let mut commits = Vec::with_capacity(steps.len());
    for step in steps {
        commits.push(one(&mut transaction, step).await?);
    }
    let mut pruned = Vec::with_capacity(prunes.len());
    for (older_than, limit) in prunes {
        let rows = sqlx::query(
            "DELETE FROM inbox WHERE (consumer_group, event_id) IN
               (SELECT consumer_group, event_id FROM inbox WHERE seen_at <= unixepoch() - ? ORDER BY seen_at LIMIT ?)",
        )
        .bind(i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX))
        .bind(i64::from(*limit))
        .execute(&mut *transaction)
        .await?;
        pruned.push(rows.rows_affected());
    }
    transaction.commit().await?;
    Ok((commits, pruned))
}

async fn one(connection: &mut SqliteConnection, step: Step) -> Result<Commit, StoreError> {
    let key = &step.key;
    let first = sqlx::query(
        "INSERT INTO inbox (consumer_group, event_id, fingerprint) SELECT ?1, ?2, ?3
         WHERE COALESCE((SELECT version FROM conversation WHERE consumer_group = ?1 AND conversation_id = ?4), 0) = ?5
         ON CONFLICT DO NOTHING",
    )
    .bind(key.group)
    .bind(key.event_id.as_bytes().as_slice())
    .bind(key.fingerprint.as_slice())
    .bind(key.conversation_id.as_str())
    .bind(step.version)
    .execute(&mut *connection)
    .await?;
    if first.rows_affected() == 0 {
        return lost(connection, key).await;
    }
    let places = i64::try_from(step.outgoing.len()).unwrap_or(i64::MAX);
    let last: i64 = sqlx::query(
        "INSERT INTO conversation (consumer_group, conversation_id, version, last_seq, state) VALUES (?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET version = version + 1, last_seq = last_seq + excluded.last_seq,
           state = COALESCE(excluded.state, state)
         RETURNING last_seq",
    )
    .bind(key.group)
    .bind(key.conversation_id.as_str())
    .bind(places)
    .bind(&step.state)
    .fetch_one(&mut *connection)
    .await?
    .try_get(0)?;
    outbox::enqueue(connection, &step.entries).await?;
    keep_replies(connection, &step).await?;
    let mut outgoing = match step.outgoing.is_empty() {
        true => Vec::new(),
        false => outbox::pending(connection, key.group, key.conversation_id.as_str()).await?,
    };
    for (seq, record) in (last - places + 1..).zip(step.outgoing) {
        let headers = row::headers_text(&record.headers)?;
        sqlx::query(
            "INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers, kept_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        )
        .bind(key.group)
        .bind(key.conversation_id.as_str())
        .bind(seq)
        .bind(record.topic.as_str())
        .bind(&record.key)
        .bind(&record.value)
        .bind(headers)
        .execute(&mut *connection)
        .await?;
        outgoing.push(Outgoing { seq, record, elsewhere_for: None });
    }
    Ok(Commit::Done(outgoing))
}

async fn keep_replies(connection: &mut SqliteConnection, step: &Step) -> Result<(), StoreError> {
    for reply in &step.replies {
        sqlx::query(
            "INSERT INTO reply (conversation_id, cursor, event_id, turn_id, tenant, language, text, buttons, parts)
             SELECT ?1, COALESCE(MAX(cursor), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM reply WHERE conversation_id = ?1
             ON CONFLICT DO NOTHING",
        )
        .bind(step.key.conversation_id.as_str())
        .bind(reply.event_id.as_bytes().as_slice())
        .bind(reply.turn_id.as_bytes().as_slice())
        .bind(reply.tenant.as_str())
        .bind(reply.language.to_string())
        .bind(reply.text.expose())
        .bind(row::list_text(&reply.buttons))
        .bind(row::list_text(&reply.parts))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn lost(connection: &mut SqliteConnection, key: &StepKey) -> Result<Commit, StoreError> {
    let seen = sqlx::query("SELECT fingerprint FROM inbox WHERE consumer_group = ? AND event_id = ?")
        .bind(key.group)
        .bind(key.event_id.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(seen) = seen else { return Ok(Commit::Moved) };
    if seen.try_get::<Vec<u8>, _>(0)? != key.fingerprint {
        return Ok(Commit::Moved);
    }
    Ok(Commit::Seen(outbox::pending(connection, key.group, key.conversation_id.as_str()).await?))
}
