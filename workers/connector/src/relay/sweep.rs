//! Publishes what a process that died has left behind: events that were committed and whose publication nobody has noted.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use peyvand::{
    bus::Producer,
    event::ConversationId,
    store::{LeftBehind, Outgoing, Store},
    worker::{Handler, publish},
};
use tokio_util::sync::CancellationToken;

use crate::Connector;

/// How often it is looked for events that nobody published, and how old they have to be.
const SWEEP_EACH: Duration = Duration::from_secs(5);
const LEFT_BEHIND: Duration = Duration::from_secs(10);
/// Events read at a time, and conversations whose events are published beside each other.
const PAGE: u32 = 4096;
const AT_ONCE: usize = 512;

type Conversations = Vec<(ConversationId, Vec<Outgoing>)>;
type Next = Option<Option<ConversationId>>;

/// Publishes what dead processes of the group have left behind, until it is told to stop.
pub(crate) async fn sweep(store: Store, producer: Arc<dyn Producer>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_EACH)).await.is_some() {
        let pages = stream::unfold(Some(None), |after| page(store.clone(), after));
        let conversations = pages.take_until(shutdown.cancelled()).flat_map(stream::iter);
        let published = conversations.map(|(conversation_id, events)| {
            let (store, producer) = (store.clone(), Arc::clone(&producer));
            async move { publish(&store, &producer, Connector::GROUP, &conversation_id, events).await }
        });
        published.buffer_unordered(AT_ONCE).for_each(|()| std::future::ready(())).await;
    }
}

/// The conversations of the next page, and whom the page behind it follows. Nothing when there is none, or it cannot be read now.
async fn page(store: Store, after: Next) -> Option<(Conversations, Next)> {
    match store.left_behind(Connector::GROUP, LEFT_BEHIND, after?.as_ref(), PAGE).await {
        Ok(LeftBehind { conversations, next_after }) => {
            let events: usize = conversations.iter().map(|(_, events)| events.len()).sum();
            metrics::counter!("peyvand_left_behind_total").increment(events as u64);
            Some((conversations, next_after.map(Some)))
        }
        Err(error) => {
            tracing::error!(kind = error.kind(), "{error}; looking again in five seconds");
            None
        }
    }
}
