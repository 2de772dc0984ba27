//! Wakes whoever waits for a conversation's replies. It holds no reply: a wake-up only says "look again", so a lost
//! or doubled one does no harm.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use peyvand::event::ConversationId;
use tokio::sync::watch;

/// Below this many conversations nobody looks for forgotten ones.
const SWEEP_FROM: usize = 64;

/// One wake-up line per conversation that somebody watches.
#[derive(Debug, Default)]
pub struct Hub {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    senders: HashMap<ConversationId, watch::Sender<u64>>,
    /// Number of conversations at which the forgotten ones are looked for; twice what was alive the last time, so
    /// that the sweep costs a constant per call.
    sweep_at: usize,
}

impl Hub {
    /// A hub that nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// A receiver that changes with every [`Hub::notify`] of the conversation.
    pub fn watch(&self, conversation: &ConversationId) -> watch::Receiver<u64> {
        let mut lines = self.lines();
        if let Some(sender) = lines.senders.get(conversation) {
            return sender.subscribe();
        }
        if lines.senders.len() >= lines.sweep_at.max(SWEEP_FROM) {
            lines.senders.retain(|_, sender| sender.receiver_count() > 0);
            lines.sweep_at = lines.senders.len() * 2;
        }
        let (sender, receiver) = watch::channel(0);
        lines.senders.insert(conversation.clone(), sender);
        receiver
    }

    /// Wakes everybody who watches the conversation.
    pub fn notify(&self, conversation: &ConversationId) {
        let mut lines = self.lines();
        let Some(sender) = lines.senders.get(conversation) else { return };
        if sender.receiver_count() == 0 {
            lines.senders.remove(conversation);
        } else {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConversationId {
        ConversationId::parse(format!("c-{number}")).unwrap()
    }

    #[test]
    fn a_notice_reaches_every_watcher_of_its_conversation_and_no_other() {
        let hub = Hub::new();
        let (first, second, other) = (hub.watch(&id(1)), hub.watch(&id(1)), hub.watch(&id(2)));
        hub.notify(&id(1));
        assert!(first.has_changed().unwrap());
        assert!(second.has_changed().unwrap());
        assert!(!other.has_changed().unwrap());
    }

    #[test]
    fn forgotten_conversations_are_freed() {
        let hub = Hub::new();
        let kept = hub.watch(&id(0));
        for number in 1..10_000 {
            drop(hub.watch(&id(number)));
        }
        assert!(hub.lines().senders.len() <= SWEEP_FROM + 1);
        hub.notify(&id(0));
        assert!(kept.has_changed().unwrap(), "the watched one must stay");
        drop(kept);
        hub.notify(&id(0));
        assert!(!hub.lines().senders.contains_key(&id(0)));
    }
}
