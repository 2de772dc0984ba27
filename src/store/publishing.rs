//! Whose turn it is in this process to publish the events of a conversation, and how far they are published. A lane and a
//! relay of one process would otherwise publish the same events at the same moment: harmless, as readers know repeats by
//! their id, but work for everybody. Other processes know nothing of it, and nothing hangs on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

use super::Store;
use crate::event::ConversationId;

/// Conversations kept in mind; with more, those that nobody publishes for are forgotten.
const KEPT_MAX: usize = 10_000;

type Through = Arc<tokio::sync::Mutex<i64>>;

/// The turns of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<(&'static str, ConversationId), Through>>>);

/// The turn to publish events of one conversation.
#[derive(Debug)]
pub struct PublishingTurn(OwnedMutexGuard<i64>);

impl PublishingTurn {
    /// Whether this process has published the event at this place already.
    pub fn is_published(&self, seq: i64) -> bool {
        seq <= *self.0
    }

    /// The log has the event at this place.
    pub fn published(&mut self, seq: i64) {
        *self.0 = seq.max(*self.0);
    }
}

impl Turns {
    async fn take(&self, group: &'static str, conversation_id: &ConversationId) -> PublishingTurn {
        let through = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= KEPT_MAX {
                turns.retain(|_, through| Arc::strong_count(through) > 1);
            }
            Arc::clone(turns.entry((group, conversation_id.clone())).or_default())
        };
        PublishingTurn(through.lock_owned().await)
    }
}

impl Store {
    /// Waits for the turn to publish events of a conversation.
    pub async fn turn_to_publish(
        &self,
        group: &'static str,
        conversation_id: &ConversationId,
    ) -> PublishingTurn {
        match self {
            Self::Sqlite(store) => store.turns.take(group, conversation_id).await,
            Self::Postgres(store) => store.turns.take(group, conversation_id).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_comes_second_waits_and_learns_what_is_published() {
        let turns = Turns::default();
        let conversation = ConversationId::parse("c").unwrap();
        let mut first = turns.take("reply", &conversation).await;
        let (again, same) = (turns.clone(), conversation.clone());
        let second = tokio::spawn(async move { again.take("reply", &same).await });
        assert!(!turns.take("connector", &conversation).await.is_published(1), "groups have their own");
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.published(2);
        drop(first);
        let second = second.await.unwrap();
        assert!(second.is_published(2) && !second.is_published(3));
    }

    #[tokio::test]
    async fn only_so_many_conversations_are_kept_in_mind() {
        let turns = Turns::default();
        let id = |number: usize| ConversationId::parse(format!("c{number}")).unwrap();
        let held = turns.take("reply", &id(0)).await;
        for number in 1..=KEPT_MAX {
            drop(turns.take("reply", &id(number)).await);
        }
        assert!(turns.0.lock().unwrap().len() < 10);
        drop(held);
    }
}
