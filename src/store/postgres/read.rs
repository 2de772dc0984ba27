//! Everything besides steps: replies for those who fetch them, old rows, signs of life. One connection, one after the
//! other; nothing here waits for a row.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    link::{Link, takes_writes},
    runs, statements,
};
use crate::{
    event::{ConversationId, TenantId},
    language::slots::ProductName,
    store::{
        StoreError, StoredReply,
        row::{self, ReplyRow},
    },
};

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What is wanted.
pub(super) enum Ask {
    Replies { conversation_id: ConversationId, after: i64, limit: u16, answer: Answer<Vec<StoredReply>> },
    Prune { older_than: Duration, limit: u32, answer: Answer<u64> },
    KeepProducts { tenant: TenantId, names: Vec<u8>, answer: Answer<()> },
    Products { tenant: TenantId, answer: Answer<Vec<ProductName>> },
    Runs { group: &'static str, what: runs::What },
    Ping(Answer<()>),
}

/// Answers until the store is closed or nobody can ask any more.
pub(super) async fn run(mut link: Link, mut wanted: mpsc::Receiver<Ask>, closed: CancellationToken) {
    loop {
        let ask = tokio::select! {
            biased;
            () = closed.cancelled() => None,
            ask = wanted.recv() => ask,
        };
        match ask {
            Some(Ask::Replies { conversation_id, after, limit, answer }) => {
                let rows = replies(&mut link, &conversation_id, after, limit).await;
                give(
                    answer,
                    rows.map_err(StoreError::from).and_then(|rows| rows.iter().map(reply_of).collect()),
                );
            }
            Some(Ask::Prune { older_than, limit, answer }) => {
                give(answer, prune(&mut link, older_than, limit).await.map_err(StoreError::from));
            }
            Some(Ask::KeepProducts { tenant, names, answer }) => {
                give(answer, keep_products(&mut link, &tenant, names).await.map_err(StoreError::from));
            }
            Some(Ask::Products { tenant, answer }) => {
                let kept = products(&mut link, &tenant).await.map_err(StoreError::from);
                give(answer, kept.and_then(|kept| kept.map_or(Ok(Vec::new()), row::names_of_bytes)));
            }
            Some(Ask::Runs { group, what }) => runs::carry_out(&mut link, group, what).await,
            Some(Ask::Ping(answer)) => give(answer, ping(&mut link).await.map_err(StoreError::from)),
            None => return,
        }
    }
}

pub(super) fn give<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    // Who does not wait any more needs no answer.
    let _gone = answer.send(result);
}

async fn replies(
    link: &mut Link,
    conversation_id: &ConversationId,
    after: i64,
    limit: u16,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut connection = link.take().await?;
    let query = sqlx::query(statements::REPLIES_AFTER)
        .bind(conversation_id.as_str())
        .bind(after)
        .bind(i64::from(limit));
    let rows = link.in_time(query.fetch_all(&mut connection)).await?;
    link.keep(connection);
    Ok(rows)
}

async fn prune(link: &mut Link, older_than: Duration, limit: u32) -> Result<u64, sqlx::Error> {
    let mut connection = link.take().await?;
    let query = sqlx::query(statements::PRUNE).bind(older_than.as_secs_f64()).bind(i64::from(limit));
    let done = link.in_time(query.execute(&mut connection)).await?;
    link.keep(connection);
    Ok(done.rows_affected())
}

async fn keep_products(link: &mut Link, tenant: &TenantId, names: Vec<u8>) -> Result<(), sqlx::Error> {
    let mut connection = link.take().await?;
    let query = sqlx::query(statements::KEEP_PRODUCTS).bind(tenant.as_str()).bind(names);
    let _kept = link.in_time(query.execute(&mut connection)).await?;
    link.keep(connection);
    Ok(())
}

async fn products(link: &mut Link, tenant: &TenantId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let mut connection = link.take().await?;
    let query = sqlx::query(statements::PRODUCTS).bind(tenant.as_str());
    let row = link.in_time(query.fetch_optional(&mut connection)).await?;
    link.keep(connection);
    row.map(|row| row.try_get(0)).transpose()
}

async fn ping(link: &mut Link) -> Result<(), sqlx::Error> {
    let mut connection = link.take().await?;
    link.in_time(takes_writes(&mut connection)).await?;
    link.keep(connection);
    Ok(())
}

fn reply_of(row: &PgRow) -> Result<StoredReply, StoreError> {
    let text = String::from_utf8(row.try_get(5)?).map_err(|_| StoreError::Unreadable { what: "reply" })?;
    ReplyRow {
        cursor: row.try_get(0)?,
        event_id: row.try_get(1)?,
        turn_id: row.try_get(2)?,
        tenant: row.try_get(3)?,
        language: row.try_get(4)?,
        text,
        buttons: row.try_get(6)?,
        parts: row.try_get(7)?,
    }
    .try_into()
}
