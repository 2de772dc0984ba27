//! Looks for steps: all that wait are answered by one statement. It changes nothing.

use sqlx::{PgConnection, Row, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    BATCH,
    link::{Link, Remedy, remedy},
    statements::{self, texts},
};
use crate::store::{Found, Outgoing, StepKey, StoreError};

/// A step that somebody looks for.
pub(super) struct Ask {
    pub(super) key: StepKey,
    pub(super) answer: oneshot::Sender<Result<Found, StoreError>>,
}

/// Answers until the store is closed or nobody can ask any more.
pub(super) async fn run(mut link: Link, mut asked: mpsc::Receiver<Ask>, closed: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let taken = tokio::select! {
            biased;
            () = closed.cancelled() => 0,
            taken = asked.recv_many(&mut batch, BATCH) => taken,
        };
        if taken == 0 {
            return;
        }
        answer_all(&mut link, std::mem::take(&mut batch)).await;
    }
}

async fn answer_all(link: &mut Link, batch: Vec<Ask>) {
    match attempt(link, &batch.iter().map(|ask| &ask.key).collect::<Vec<_>>()).await {
        Ok(found) => {
            for (ask, found) in batch.into_iter().zip(found) {
                give(ask, found);
            }
        }
        Err(error) if batch.len() > 1 && remedy(&error) == Remedy::Apart => {
            for ask in batch {
                let alone = attempt(link, &[&ask.key]).await.map(|mut found| found.pop());
                match alone {
                    Ok(Some(found)) => give(ask, found),
                    Ok(None) => give(ask, Err(StoreError::Unreadable { what: "step" })),
                    Err(error) => give(ask, Err(error.into())),
                }
            }
        }
        Err(error) => {
            for ask in batch {
                give(ask, Err(StoreError::of(&error)));
            }
        }
    }
}

fn give(ask: Ask, found: Result<Found, StoreError>) {
    // Who does not wait any more needs no answer.
    let _gone = ask.answer.send(found);
}

async fn attempt(link: &mut Link, keys: &[&StepKey]) -> Result<Vec<Result<Found, StoreError>>, sqlx::Error> {
    let mut connection = link.take().await?;
    let found = link.in_time(found(&mut connection, keys, &link.process())).await?;
    link.keep(connection);
    Ok(found)
}

/// What is known for each of these steps, in their order.
pub(super) async fn found(
    connection: &mut PgConnection,
    keys: &[&StepKey],
    process: &str,
) -> Result<Vec<Result<Found, StoreError>>, sqlx::Error> {
    let rows = sqlx::query(statements::LOOK)
        .bind(texts(keys, |key| key.group))
        .bind(texts(keys, |key| key.event_id.to_string()))
        .bind(texts(keys, |key| key.conversation_id.as_str()))
        .bind(process)
        .fetch_all(connection)
        .await?;
    let mut found: Vec<Result<Found, StoreError>> = keys
        .iter()
        .map(|_| Ok(Found::Fresh { state: None, version: 0, last_seq: 0, parked: false }))
        .collect();
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
        let (Some(key), Some(found)) = (keys.get(place), found.get_mut(place)) else { continue };
        add(key, found, row)?;
    }
    Ok(found)
}

fn add(key: &StepKey, found: &mut Result<Found, StoreError>, row: &PgRow) -> Result<(), sqlx::Error> {
    let Some(fingerprint) = row.try_get::<Option<&[u8]>, _>(1)? else {
        if let Some(version) = row.try_get(2)? {
            let (state, last_seq, parked) = (row.try_get(3)?, row.try_get(11)?, row.try_get(10)?);
            *found = Ok(Found::Fresh { state, version, last_seq, parked });
        }
        return Ok(());
    };
    if fingerprint != key.fingerprint {
        *found = Ok(Found::Conflict);
        return Ok(());
    }
    let next = match row.try_get::<Option<i64>, _>(4)? {
        Some(_) => Some(Outgoing::try_from(statements::outgoing_row(row, 4)?)),
        None => None,
    };
    match (found.as_mut(), next) {
        (Ok(Found::Seen(pending)), Some(Ok(next))) => pending.push(next),
        (Ok(Found::Fresh { .. }), Some(Ok(next))) => *found = Ok(Found::Seen(vec![next])),
        (Ok(Found::Fresh { .. }), None) => *found = Ok(Found::Seen(Vec::new())),
        (Ok(_), Some(Err(error))) => *found = Err(error),
        (Ok(Found::Seen(_) | Found::Conflict), _) | (Err(_), _) => {}
    }
    Ok(())
}
