//! Several steps in one transaction. A step that lost against a faster one changes nothing and spoils nothing; a
//! database error undoes all of them and is told to all of them.

use sqlx::{Row, SqliteConnection, sqlite::SqlitePool};
use tokio::sync::oneshot;

use super::{Command, outgoing_of};
use crate::store::{Commit, Outgoing, Step, StepKey, StoreError};

type Waiting = (oneshot::Sender<Result<Commit, StoreError>>, Commit);

/// Carries out a batch in one transaction and answers each step when it is durable.
pub(super) async fn together(pool: &SqlitePool, batch: impl Iterator<Item = Command>) {
    let mut waiting = Vec::new();
    let mut senders = Vec::new();
    match transaction(pool, batch, &mut waiting, &mut senders).await {
        Ok(()) => {
            for (sender, commit) in waiting {
                answer(sender, Ok(commit));
            }
        }
        Err(error) => {
            let text = error.to_string();
            for sender in waiting.into_iter().map(|(sender, _)| sender).chain(senders) {
                answer(sender, Err(StoreError::Unavailable(text.clone())));
            }
        }
    }
}

fn answer(sender: oneshot::Sender<Result<Commit, StoreError>>, result: Result<Commit, StoreError>) {
    // A lane that was cancelled waits no more; its record is replayed and finds the step in the inbox.
    let _cancelled = sender.send(result);
}

async fn transaction(
    pool: &SqlitePool,
    batch: impl Iterator<Item = Command>,
    waiting: &mut Vec<Waiting>,
    unanswered: &mut Vec<oneshot::Sender<Result<Commit, StoreError>>>,
) -> Result<(), StoreError> {
    let mut steps = Vec::new();
    let mut forgotten = Vec::new();
    let mut barriers = Vec::new();
    for command in batch {
        match command {
            Command::Commit(step, sender) => {
                unanswered.push(sender);
                steps.push(step);
            }
            Command::Published { group, conversation_id, through } => {
                forgotten.push((group, conversation_id, through));
            }
            Command::Barrier(done) => barriers.push(done),
        }
    }
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for (group, conversation_id, through) in forgotten {
        sqlx::query("DELETE FROM outgoing WHERE consumer_group = ? AND conversation_id = ? AND seq <= ?")
            .bind(group)
            .bind(conversation_id.as_str())
            .bind(through)
            .execute(&mut *transaction)
            .await?;
    }
    let mut commits = Vec::with_capacity(steps.len());
    for step in steps {
        commits.push(one(&mut transaction, *step).await?);
    }
    transaction.commit().await?;
    waiting.extend(unanswered.drain(..).zip(commits));
    for done in barriers {
        // Whoever waited and is gone needs no answer.
        let _gone = done.send(());
    }
    Ok(())
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
    keep_replies(connection, &step).await?;
    let mut outgoing = Vec::with_capacity(step.outgoing.len());
    for (seq, record) in (last - places + 1..).zip(step.outgoing) {
        let headers = serde_json::to_string(&record.headers.0)
            .map_err(|_| StoreError::Unreadable { what: "record header" })?;
        sqlx::query(
            "INSERT INTO outgoing (consumer_group, conversation_id, seq, topic, key, value, headers)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
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
        outgoing.push(Outgoing { seq, record });
    }
    Ok(Commit::Done(outgoing))
}

async fn keep_replies(connection: &mut SqliteConnection, step: &Step) -> Result<(), StoreError> {
    for reply in &step.replies {
        sqlx::query(
            "INSERT INTO reply (conversation_id, cursor, event_id, turn_id, tenant, language, text)
             SELECT ?1, COALESCE(MAX(cursor), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM reply WHERE conversation_id = ?1
             ON CONFLICT DO NOTHING",
        )
        .bind(step.key.conversation_id.as_str())
        .bind(reply.event_id.as_bytes().as_slice())
        .bind(reply.turn_id.as_bytes().as_slice())
        .bind(reply.tenant.as_str())
        .bind(reply.language.to_string())
        .bind(reply.text.expose())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn lost(connection: &mut SqliteConnection, key: &StepKey) -> Result<Commit, StoreError> {
    let seen = sqlx::query("SELECT 1 FROM inbox WHERE consumer_group = ? AND event_id = ?")
        .bind(key.group)
        .bind(key.event_id.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if seen.is_none() {
        return Ok(Commit::Moved);
    }
    let rows = sqlx::query(
        "SELECT seq, topic, key, value, headers FROM outgoing
         WHERE consumer_group = ? AND conversation_id = ? ORDER BY seq",
    )
    .bind(key.group)
    .bind(key.conversation_id.as_str())
    .fetch_all(&mut *connection)
    .await?;
    Ok(Commit::Seen(rows.iter().map(outgoing_of).collect::<Result<_, _>>()?))
}
