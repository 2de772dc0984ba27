//! Wakes other processes by NOTIFY, outside every business transaction and a few milliseconds late, so that many
//! conversations share one. Notices may be lost: whoever waits looks again from time to time.

use std::{collections::BTreeSet, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    NOTICES,
    link::{Link, takes_writes},
};
use crate::event::ConversationId;

const CHANNEL: &str = "peyvand_replies";
/// At most one NOTIFY in this time.
const PAUSE: Duration = Duration::from_millis(10);
/// After an error of the server.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// A connection that was quiet for so long is asked whether it still lives.
const QUIET: Duration = Duration::from_secs(60);
/// PostgreSQL takes less than 8000 bytes.
const PAYLOAD_BYTES: usize = 7900;
/// An id has no such character.
const BETWEEN: char = ' ';

/// Announces until the store is closed or nobody can announce any more.
pub(super) async fn notify(
    mut link: Link,
    mut noted: mpsc::Receiver<ConversationId>,
    closed: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        let taken = tokio::select! {
            biased;
            () = closed.cancelled() => 0,
            taken = noted.recv_many(&mut batch, NOTICES) => taken,
        };
        if taken == 0 {
            return;
        }
        let pause = match send(&mut link, &payloads(batch.drain(..))).await {
            Ok(()) => PAUSE,
            Err(_) => LONG_PAUSE,
        };
        tokio::select! {
            () = closed.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn send(link: &mut Link, payloads: &[String]) -> Result<(), sqlx::Error> {
    let mut connection = link.take().await?;
    let query = sqlx::query("SELECT pg_notify($1, payload) FROM UNNEST($2::text[]) AS t(payload)")
        .bind(CHANNEL)
        .bind(payloads);
    let _sent = link.in_time(query.execute(&mut connection)).await?;
    link.keep(connection);
    Ok(())
}

/// Each conversation once, in as few texts as they fit.
fn payloads(conversations: impl Iterator<Item = ConversationId>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for conversation in conversations.collect::<BTreeSet<_>>() {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + conversation.as_str().len() <= PAYLOAD_BYTES => {
                last.push(BETWEEN);
                last.push_str(conversation.as_str());
            }
            Some(_) | None => payloads.push(conversation.as_str().to_owned()),
        }
    }
    payloads
}

/// Hears until the store is closed or nobody listens any more.
pub(super) async fn listen(mut link: Link, heard: mpsc::Sender<ConversationId>, closed: CancellationToken) {
    loop {
        tokio::select! {
            () = closed.cancelled() => return,
            () = heard.closed() => return,
            ended = hear(&mut link, &heard) => {
                if let Err(error) = ended {
                    let error = crate::store::StoreError::from(error);
                    tracing::warn!(kind = error.kind(), "announcements cannot be heard: {error}; trying again");
                }
            }
        }
        tokio::select! {
            () = closed.cancelled() => return,
            () = tokio::time::sleep(LONG_PAUSE) => {}
        }
    }
}

async fn hear(link: &mut Link, heard: &mpsc::Sender<ConversationId>) -> Result<(), sqlx::Error> {
    // A listener wants a pool; it has one of its own, so that it can take no one else's connection.
    link.begin_anew();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(link.options().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    loop {
        let Ok(notice) = tokio::time::timeout(QUIET, listener.recv()).await else {
            link.in_time(takes_writes(&mut listener)).await?;
            continue;
        };
        let notice = notice?;
        for id in notice.payload().split(BETWEEN) {
            if let Ok(conversation_id) = ConversationId::parse(id)
                && heard.try_send(conversation_id).is_err()
            {
                metrics::counter!("peyvand_announcements_dropped_total").increment(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_conversation_is_announced_once_in_texts_that_postgresql_takes() {
        let ids: Vec<ConversationId> =
            (0..500).map(|n| ConversationId::parse(format!("{n:0>128}")).unwrap()).collect();
        let payloads = payloads(ids.iter().chain(&ids).cloned());
        assert!(payloads.iter().all(|payload| payload.len() < 8000));
        let announced: Vec<&str> = payloads.iter().flat_map(|payload| payload.split(BETWEEN)).collect();
        assert_eq!(announced, ids.iter().map(ConversationId::as_str).collect::<Vec<_>>());
        assert_eq!(payloads.len(), 500_usize.div_ceil(7901 / 129));
    }
}
