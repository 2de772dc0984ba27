//! What a person does by hand with the outbox. A decision raises the head's generation, so that no relay's older lease
//! can still change it, and leaves its row in the audit.

use std::collections::HashMap;

use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    link::Link,
    outbox::seconds,
    outbox_statements::{self, Telling},
    statements::{self, texts},
};
use crate::store::{Audit, Decided, Parked, row};

const PARKED: &str = "
SELECT uuid_send(o.id), h.target, h.conversation_id, o.operation, o.payload, h.parked_class, o.state = 'in_doubt', o.attempts,
  EXTRACT(EPOCH FROM now() - o.created_at)::float8, h.next_seq - h.done_seq - 2
FROM outbox_head h
JOIN outbox o ON o.target = h.target AND o.conversation_id = h.conversation_id AND o.seq = h.done_seq + 1
WHERE h.parked_class IS NOT NULL ORDER BY o.created_at LIMIT $1";

const CONVERSATION: &str = "SELECT conversation_id FROM outbox WHERE id = $1::text::uuid";

const HEAD: &str = "
UPDATE outbox_head h SET parked_class = NULL, lease_until = NULL, lease_generation = h.lease_generation + 1, due_at = now(),
  done_seq = h.done_seq + CASE WHEN $2 THEN 1 ELSE 0 END
FROM outbox o
WHERE o.id = $1::text::uuid AND h.target = o.target AND h.conversation_id = o.conversation_id
  AND h.parked_class IS NOT NULL AND o.seq = h.done_seq + 1 AND (o.state = 'in_doubt') = $3";

/// Attempts begin anew, and so does the search for what is absent.
const ENTRY: &str = "
UPDATE outbox SET state = COALESCE($2, state), reference = $3, class = NULL, attempts = 0, absent_at = NULL,
  created_at = CASE WHEN $4 THEN created_at ELSE now() END, finished_at = CASE WHEN $4 THEN now() END
WHERE id = $1::text::uuid";

const AUDIT: &str = "
INSERT INTO audit (who, what, subject, why) SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[])";

const NOTED: &str = "
SELECT subject, (EXTRACT(EPOCH FROM max(at)) * 1000)::bigint FROM audit WHERE split_part(what, '.', 1) = $1 GROUP BY subject";

/// The lock is the transaction's, so that it holds behind a pooler too and ends with this process, however that ends.
const BEGIN_ALONE: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";

const ALONE: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('peyvand ' || $1, 0))";

/// As long as it lives, nobody else has the same.
#[derive(Debug)]
pub struct Alone(
    #[expect(dead_code, reason = "the server ends the transaction with the connection")] PgConnection,
);

pub(super) async fn alone(link: &Link, with: &str) -> Result<Option<Alone>, sqlx::Error> {
    let mut connection = link.clone().take().await?;
    let _begun = sqlx::raw_sql(BEGIN_ALONE).execute(&mut connection).await?;
    let is_alone = sqlx::query_scalar::<_, bool>(ALONE).bind(with).fetch_one(&mut connection).await?;
    Ok(is_alone.then_some(Alone(connection)))
}

pub(super) async fn parked(connection: &mut PgConnection, limit: u32) -> Result<Vec<Parked>, sqlx::Error> {
    let rows = sqlx::query(PARKED).bind(i64::from(limit)).fetch_all(connection).await?;
    rows.iter().map(parked_of).collect()
}

fn parked_of(found: &PgRow) -> Result<Parked, sqlx::Error> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    Ok(Parked {
        id: Uuid::from_slice(found.try_get(0)?).map_err(|error| unreadable(error.into()))?.into(),
        target: found.try_get(1)?,
        conversation_id: row::conversation_of(found.try_get(2)?).map_err(|error| unreadable(error.into()))?,
        operation: found.try_get(3)?,
        payload: found.try_get(4)?,
        class: found.try_get(5)?,
        in_doubt: found.try_get(6)?,
        attempts: u32::try_from(found.try_get::<i32, _>(7)?).unwrap_or_default(),
        age: seconds(found.try_get(8)?).unwrap_or_default(),
        behind: u64::try_from(found.try_get::<i64, _>(9)?).unwrap_or_default(),
    })
}

pub(super) async fn decide(connection: &mut PgConnection, decided: &Decided) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    let (id, decision) = (decided.id.to_string(), &decided.decision);
    let found = sqlx::query(CONVERSATION).bind(&id).fetch_optional(&mut *transaction).await?;
    let Some(found) = found else {
        transaction.rollback().await?;
        return Ok(false);
    };
    let conversation_id: String = found.try_get(0)?;
    statements::lock(&mut transaction, &[(decided.group, &conversation_id)]).await?;
    let head = sqlx::query(HEAD).bind(&id).bind(decision.finishes()).bind(decided.in_doubt);
    let head = head.execute(&mut *transaction).await?;
    if head.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    sqlx::query(ENTRY)
        .bind(&id)
        .bind(decision.state())
        .bind(decision.reference())
        .bind(decision.finishes())
        .execute(&mut *transaction)
        .await?;
    let telling =
        Telling { group: decided.group, conversation_id: &conversation_id, records: &decided.outgoing };
    // Whoever sweeps publishes it: this process may end at once.
    outbox_statements::tell(&mut transaction, &[telling], statements::NOBODY).await?;
    let audit =
        Audit { who: decided.who.clone(), what: decision.word(), subject: id, why: decided.why.clone() };
    note(&mut transaction, &[audit]).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn note(connection: &mut PgConnection, audits: &[Audit]) -> Result<(), sqlx::Error> {
    let _noted = sqlx::query(AUDIT)
        .bind(texts(audits, |one| one.who.as_str()))
        .bind(texts(audits, |one| one.what))
        .bind(texts(audits, |one| one.subject.as_str()))
        .bind(texts(audits, |one| one.why.as_str()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn noted(
    connection: &mut PgConnection,
    tool: &str,
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query(NOTED).bind(tool).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
