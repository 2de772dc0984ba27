//! What a person does by hand with the outbox; the same rules as in `postgres/operator.rs`.

use std::collections::HashMap;

use sqlx::{
    Row, SqliteConnection,
    sqlite::{SqlitePool, SqliteRow},
};
use uuid::Uuid;

use super::outbox::{ago, now, tell};
use crate::store::{Audit, Decided, Parked, StoreError, row};

pub(super) async fn parked(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<Parked>, StoreError> {
    let now = now(connection).await?;
    let rows = sqlx::query(
        "SELECT o.id, h.target, h.conversation_id, o.operation, o.payload, h.parked_class, o.state = 'in_doubt', o.attempts,
           o.created_at, h.next_seq - h.done_seq - 2
         FROM outbox_head h
         JOIN outbox o ON o.target = h.target AND o.conversation_id = h.conversation_id AND o.seq = h.done_seq + 1
         WHERE h.parked_class IS NOT NULL ORDER BY o.created_at LIMIT ?",
    )
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|found| parked_of(found, now)).collect()
}

fn parked_of(found: &SqliteRow, now: i64) -> Result<Parked, StoreError> {
    let id = Uuid::from_slice(found.try_get(0)?).map_err(|_| StoreError::Unreadable { what: "entry id" })?;
    Ok(Parked {
        id: id.into(),
        target: found.try_get(1)?,
        conversation_id: row::conversation_of(found.try_get(2)?)?,
        operation: found.try_get(3)?,
        payload: found.try_get(4)?,
        class: found.try_get(5)?,
        in_doubt: found.try_get(6)?,
        attempts: u32::try_from(found.try_get::<i64, _>(7)?).unwrap_or_default(),
        age: ago(now, found.try_get(8)?).unwrap_or_default(),
        behind: u64::try_from(found.try_get::<i64, _>(9)?).unwrap_or_default(),
    })
}

pub(super) async fn decide(pool: SqlitePool, decided: Decided) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let (id, decision, now) =
        (decided.id.as_bytes().as_slice(), &decided.decision, now(&mut transaction).await?);
    let head = sqlx::query(
        "UPDATE outbox_head SET parked_class = NULL, lease_until = NULL, lease_generation = lease_generation + 1,
           due_at = ?2, done_seq = done_seq + ?3
         WHERE parked_class IS NOT NULL AND (target, conversation_id, done_seq + 1) IN
           (SELECT target, conversation_id, seq FROM outbox WHERE id = ?1 AND (state = 'in_doubt') = ?4)
         RETURNING conversation_id",
    )
    .bind(id)
    .bind(now)
    .bind(i64::from(decision.finishes()))
    .bind(i64::from(decided.in_doubt))
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(head) = head else { return Ok(false) };
    let conversation_id: String = head.try_get(0)?;
    sqlx::query(
        "UPDATE outbox SET state = COALESCE(?2, state), reference = ?3, class = NULL, attempts = 0, absent_at = NULL,
           created_at = CASE WHEN ?4 = 1 THEN created_at ELSE ?5 END, finished_at = CASE WHEN ?4 = 1 THEN ?5 END
         WHERE id = ?1",
    )
    .bind(id)
    .bind(decision.state())
    .bind(decision.reference())
    .bind(i64::from(decision.finishes()))
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    tell(&mut transaction, decided.group, &conversation_id, &decided.outgoing).await?;
    let audit =
        Audit { who: decided.who, what: decision.word(), subject: decided.id.to_string(), why: decided.why };
    note_one(&mut transaction, &audit).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn note_one(connection: &mut SqliteConnection, audit: &Audit) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at, who, what, subject, why) VALUES (?, ?, ?, ?, ?)")
        .bind(now(connection).await?)
        .bind(&audit.who)
        .bind(audit.what)
        .bind(&audit.subject)
        .bind(&audit.why)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn note(pool: SqlitePool, audits: Vec<Audit>) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for audit in &audits {
        note_one(&mut transaction, audit).await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) async fn noted(
    connection: &mut SqliteConnection,
    tool: &str,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows = sqlx::query(
        "SELECT subject, max(at) FROM audit WHERE substr(what, 1, length(?1) + 1) = ?1 || '.' GROUP BY subject",
    )
    .bind(tool)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
