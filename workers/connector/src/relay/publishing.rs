//! Publishes what became of writes beside their relay: a conversation whose event the log does not take, or that another process
//! is about to publish, holds up no other conversation's write. It may not decide what is told.

use std::sync::Arc;

use peyvand::{
    bus::Producer,
    event::ConversationId,
    failpoint::failpoint,
    store::{Outgoing, Store},
    worker::{Handler, publish},
};
use tokio::task::JoinSet;

use crate::Connector;

/// Publications of a relay beside each other, more than the calls it may have.
const AT_ONCE: usize = 2048;

/// What a relay publishes.
pub(super) struct Publishing {
    store: Store,
    producer: Arc<dyn Producer>,
    under_way: JoinSet<()>,
}

impl Publishing {
    pub(super) fn new(store: &Store, producer: &Arc<dyn Producer>) -> Self {
        Self { store: store.clone(), producer: Arc::clone(producer), under_way: JoinSet::new() }
    }

    /// Begins to publish events of a conversation; those of one conversation come in their order.
    pub(super) fn begin(&mut self, conversation_id: ConversationId, outgoing: Vec<Outgoing>) {
        let (store, producer) = (self.store.clone(), Arc::clone(&self.producer));
        self.under_way.spawn(async move {
            publish(&store, &producer, Connector::GROUP, &conversation_id, outgoing).await;
            failpoint("relay.published");
        });
    }

    /// How many may begin. When there is no room, the relay looks again in a second.
    pub(super) fn room(&mut self) -> usize {
        while self.under_way.try_join_next().is_some() {}
        AT_ONCE.saturating_sub(self.under_way.len())
    }

    /// Waits until all have ended.
    pub(super) async fn all_ended(&mut self) {
        while self.under_way.join_next().await.is_some() {}
    }

    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }
}
