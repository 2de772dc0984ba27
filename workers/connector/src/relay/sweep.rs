//! Publishes what a process that died has left behind: events that were committed and whose publication nobody has noted.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use peyvand::{
    bus::Producer,
    event::ConversationId,
    store::{LeftBehind, Outgoing, Store},
    worker::{Handler, patiently, publish},
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::Connector;

/// How often it is looked for events that nobody published, and how old they have to be.
const SWEEP_EACH: Duration = Duration::from_secs(5);
const LEFT_BEHIND: Duration = Duration::from_secs(10);
/// Events read at a time.
const PAGE: u32 = 4096;
/// What is published at the same time: every event takes one place and one more for each KiB of it, so that events and bytes
/// (32 MiB) are bounded by the same number.
const AT_ONCE: u32 = 1 << 15;
/// The places of a conversation at least: there are 4,096 beside each other at most, fewer than have their turns kept in mind.
const PLACES_MIN: usize = 8;
/// What was read so long ago may be published by somebody else by now, and more behind it: it is read again.
const STALE: Duration = Duration::from_secs(1);

/// What waits of a conversation, and when that was read.
type Left = (ConversationId, Vec<Outgoing>, Instant);
/// Whom the next page follows, which is nobody at first; nothing when there is no next page.
type Next = Option<Option<ConversationId>>;

/// Publishes what dead processes of the group have left behind, until it is told to stop.
pub(crate) async fn sweep(store: Store, producer: Arc<dyn Producer>, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_ONCE as usize));
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_EACH)).await.is_some() {
        let pages = stream::unfold(Some(None), |after| page(store.clone(), after));
        let conversations = pages.take_until(shutdown.cancelled()).flat_map(stream::iter);
        let mut conversations = pin!(conversations);
        let mut telling = JoinSet::new();
        while let Some(left) = conversations.next().await {
            // Never closed.
            let Ok(places) = Arc::clone(&places).acquire_many_owned(places_of(&left.1)).await else { return };
            let (store, producer) = (store.clone(), Arc::clone(&producer));
            telling.spawn(async move {
                tell(store, producer, left).await;
                drop(places);
            });
            while telling.try_join_next().is_some() {}
        }
        while telling.join_next().await.is_some() {}
    }
}

fn places_of(events: &[Outgoing]) -> u32 {
    let places: usize = events.iter().map(|one| 1 + one.record.size() / 1024).sum();
    u32::try_from(places.max(PLACES_MIN)).unwrap_or(AT_ONCE).min(AT_ONCE)
}

async fn tell(store: Store, producer: Arc<dyn Producer>, (conversation_id, events, read_at): Left) {
    let events = match read_at.elapsed() {
        ago if ago < STALE => events,
        _ => patiently(|| store.pending(Connector::GROUP, &conversation_id)).await,
    };
    publish(&store, &producer, Connector::GROUP, &conversation_id, events).await;
}

/// The conversations of the next page, and whom the page behind it follows. Nothing when there is none, or it cannot be read now.
async fn page(store: Store, after: Next) -> Option<(Vec<Left>, Next)> {
    match store.left_behind(Connector::GROUP, LEFT_BEHIND, after?.as_ref(), PAGE).await {
        Ok(LeftBehind { conversations, next_after }) => {
            let events: usize = conversations.iter().map(|(_, events)| events.len()).sum();
            metrics::counter!("peyvand_left_behind_total").increment(events as u64);
            let now = Instant::now();
            let left = conversations.into_iter().map(|(conversation, events)| (conversation, events, now));
            Some((left.collect(), next_after.map(Some)))
        }
        Err(error) => {
            tracing::error!(kind = error.kind(), "{error}; looking again in five seconds");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use peyvand::bus::{Headers, NewRecord, Topic};

    use super::*;

    #[test]
    fn a_conversation_takes_places_for_its_events_and_kibibytes_some_at_least_and_never_more_than_there_are()
    {
        let events = |many: usize, bytes: usize| {
            let value = Some(vec![b'x'; bytes]);
            let record = NewRecord { topic: Topic::new("t"), key: None, value, headers: Headers::default() };
            vec![Outgoing { seq: 1, record, elsewhere_for: None }; many]
        };
        assert_eq!(places_of(&events(1, 10)), 8);
        assert_eq!(places_of(&events(30, 10)), 30);
        assert_eq!(places_of(&events(10, 3 << 10)), 40);
        assert_eq!(places_of(&events(40, 1 << 20)), AT_ONCE, "it would wait for ever");
    }
}
