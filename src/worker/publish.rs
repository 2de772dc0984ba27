//! Publishes events that are committed, in their conversation's order, for whoever has committed them: a lane, or a relay of
//! the outbox. It waits for our own log as long as it takes.

use std::sync::Arc;

use super::patiently;
use crate::{
    bus::Producer,
    event::ConversationId,
    store::{Outgoing, Store},
};

/// Publishes events of a conversation in their order, those aside that this process has published already, and lets them be
/// forgotten. Whoever else publishes them too does no harm.
pub async fn publish(
    store: &Store,
    producer: &Arc<dyn Producer>,
    group: &'static str,
    conversation_id: &ConversationId,
    outgoing: Vec<Outgoing>,
) {
    let Some(through) = outgoing.last().map(|last| last.seq) else { return };
    let mut turn = store.turn_to_publish(group, conversation_id).await;
    for one in outgoing {
        if !turn.is_published(&one) {
            patiently(|| producer.send(one.record.clone())).await;
            turn.published(one);
        }
    }
    drop(turn);
    store.published(group, conversation_id.clone(), through).await;
}
