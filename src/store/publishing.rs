//! Whose turn it is in this process to publish the events of a conversation, and which it has just published. A lane and a
//! relay of one process would otherwise publish the same events at the same moment: harmless, as readers know repeats by
//! their id, but work for everybody. Other processes know nothing of it, and nothing hangs on it.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

use super::{Outgoing, Store};
use crate::{bus::NewRecord, event::ConversationId};

/// Conversations kept in mind; with more, those that nobody publishes for are forgotten.
const KEPT_MAX: usize = 10_000;
/// Events of a conversation kept in mind, 16 bytes each: those that a lane and a relay may hold at the same time. A conversation
/// that has waited long is worked off in one go, and all of its events are noted as waiting until the database forgets the first.
const EVENTS_MAX: usize = 256;

/// The newest published events of a conversation, by their place and a hash of what they are: a database that was set back gives
/// the same places to other events.
type Published = VecDeque<(i64, u64)>;
type Turn = Arc<tokio::sync::Mutex<Published>>;

/// The turns of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<(&'static str, ConversationId), Turn>>>);

/// The turn to publish events of one conversation.
#[derive(Debug)]
pub struct PublishingTurn(OwnedMutexGuard<Published>);

impl PublishingTurn {
    /// Whether this process has just published this event.
    pub fn is_published(&self, outgoing: &Outgoing) -> bool {
        // Those that are asked about are mostly the newest.
        let known = self.0.iter().rev().find(|(seq, _)| *seq == outgoing.seq);
        known.is_some_and(|(_, hash)| *hash == hash_of(&outgoing.record))
    }

    /// The log has this event.
    pub fn published(&mut self, outgoing: &Outgoing) {
        if self.0.len() >= EVENTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((outgoing.seq, hash_of(&outgoing.record)));
    }
}

fn hash_of(NewRecord { topic, key, value, headers }: &NewRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    (topic.as_str(), key, value, &headers.0).hash(&mut hasher);
    hasher.finish()
}

impl Turns {
    async fn take(&self, group: &'static str, conversation_id: &ConversationId) -> PublishingTurn {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= KEPT_MAX {
                turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(turns.entry((group, conversation_id.clone())).or_default())
        };
        PublishingTurn(turn.lock_owned().await)
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

    fn event(seq: i64, value: &str) -> Outgoing {
        let record = NewRecord {
            topic: crate::bus::Topic::new("t"),
            key: None,
            value: Some(value.into()),
            headers: crate::bus::Headers::default(),
        };
        Outgoing { seq, record, elsewhere_for: None }
    }

    #[tokio::test]
    async fn whoever_comes_second_waits_and_learns_what_is_published() {
        let turns = Turns::default();
        let conversation = ConversationId::parse("c").unwrap();
        let mut first = turns.take("reply", &conversation).await;
        let (again, same) = (turns.clone(), conversation.clone());
        let second = tokio::spawn(async move { again.take("reply", &same).await });
        assert!(!turns.take("connector", &conversation).await.is_published(&event(1, "a")));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.published(&event(1, "a"));
        drop(first);
        let second = second.await.unwrap();
        assert!(second.is_published(&event(1, "a")) && !second.is_published(&event(2, "a")));
        assert!(!second.is_published(&event(1, "b")), "a database that was set back gives places anew");
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
