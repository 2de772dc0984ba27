//! Publishes events that are committed, in their conversation's order, for whoever has committed them: a lane, or a relay of
//! the outbox. It waits for our own log as long as it takes, and for another process that is about to publish for a moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::patiently;
use crate::{
    bus::Producer,
    event::ConversationId,
    failpoint::failpoint,
    store::{Outgoing, PublishingTurn, Store},
};

/// How long events are left to the process that has committed them: by the database's clock, and by ours should that be set back. When
/// the process is dead or stuck, others publish them; when it is only slow, they come twice, which readers know by their id.
const TIME_OF_OTHERS: Duration = Duration::from_secs(2);
/// The pause between two looks: short at first, and twice as long each time.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(400);

/// Publishes events of a conversation in their order, those aside that are published already, and lets them be forgotten.
/// Whoever else publishes them too does no harm.
pub async fn publish(
    store: &Store,
    producer: &Arc<dyn Producer>,
    group: &'static str,
    conversation_id: &ConversationId,
    mut outgoing: Vec<Outgoing>,
) {
    let Some(last) = outgoing.last().map(|last| last.seq) else { return };
    let mut turn = store.turn_to_publish(group, conversation_id).await;
    let (mut through, mut pause, began) = (None, LOOK_AGAIN, Instant::now());
    loop {
        let has_time = began.elapsed() < TIME_OF_OTHERS;
        let theirs = outgoing.iter().position(|one| has_time && is_left_to_others(one));
        let theirs = theirs.unwrap_or(outgoing.len());
        let waits = theirs < outgoing.len();
        outgoing.truncate(theirs);
        if let Some(own) = outgoing.last().map(|one| one.seq) {
            send(producer, &mut turn, outgoing).await;
            failpoint("publish.sent");
            store.published(group, conversation_id.clone(), own).await;
            through = Some(own);
        }
        if !waits {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LOOK_AGAIN_MAX);
        outgoing = patiently(|| store.pending(group, conversation_id)).await;
        outgoing.retain(|one| one.seq <= last && through.is_none_or(|through| one.seq > through));
    }
}

fn is_left_to_others(one: &Outgoing) -> bool {
    one.elsewhere_for.is_some_and(|since| since < TIME_OF_OTHERS)
}

async fn send(producer: &Arc<dyn Producer>, turn: &mut PublishingTurn, outgoing: Vec<Outgoing>) {
    for one in outgoing {
        if !turn.is_published(&one) {
            patiently(|| producer.send(one.record.clone())).await;
            turn.published(&one);
        }
    }
}
