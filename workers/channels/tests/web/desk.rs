//! A desk that keeps everything in memory and answers what it is told to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use peyvand::event::{Button, ConversationId, Event, EventId, MessageReceived};
use peyvand::language::script::Language;
use peyvand::privacy::Sensitive;
use peyvand::store::StoredReply;
use peyvand_channels::{Desk, DeskError, Hub};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct MemoryDesk {
    hub: Hub,
    kept: Mutex<Kept>,
}

#[derive(Default)]
pub(crate) struct Kept {
    /// Every message once, in order.
    pub(crate) messages: Vec<MessageReceived>,
    /// How often a message was handed in, repeats included.
    pub(crate) calls: usize,
    /// Nothing works.
    pub(crate) down: bool,
    replies: HashMap<ConversationId, Vec<StoredReply>>,
}

impl MemoryDesk {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub(crate) fn reply(&self, conversation: &str, turn: EventId, text: &str) {
        self.reply_with(conversation, turn, text, &[]);
    }

    /// A reply with buttons, each a label and a value.
    pub(crate) fn reply_with(&self, conversation: &str, turn: EventId, text: &str, buttons: &[(&str, &str)]) {
        let conversation = ConversationId::parse(conversation).unwrap();
        {
            let mut kept = self.kept();
            let replies = kept.replies.entry(conversation.clone()).or_default();
            replies.push(StoredReply {
                cursor: replies.len() as i64 + 1,
                event_id: turn.derived("reply", replies.len()),
                turn_id: turn,
                tenant: "demo".to_owned().try_into().unwrap(),
                language: Language::Fa,
                text: Sensitive::new(text.to_owned()),
                buttons: buttons.iter().map(|(label, value)| button(label, value)).collect(),
                parts: Vec::new(),
            });
        }
        self.hub.notify(&conversation);
    }
}

fn button(label: &str, value: &str) -> Button {
    Button { label: label.to_owned().into(), value: value.to_owned() }
}

fn id_of(message: &MessageReceived) -> EventId {
    message.own_id().unwrap()
}

impl Desk for MemoryDesk {
    fn publish(&self, message: MessageReceived) -> BoxFuture<'_, Result<EventId, DeskError>> {
        Box::pin(async move {
            let event_id = id_of(&message);
            let asked = message.text.expose().clone();
            let conversation = message.conversation_id.clone();
            {
                let mut kept = self.kept();
                if kept.down {
                    return Err(DeskError::Unavailable);
                }
                kept.calls += 1;
                if kept.messages.iter().any(|known| id_of(known) == event_id) {
                    return Ok(event_id);
                }
                kept.messages.push(message);
            }
            if let Some(text) = asked.strip_prefix("answer:") {
                self.reply(conversation.as_str(), event_id, text);
            }
            Ok(event_id)
        })
    }

    fn replies_after(
        &self,
        conversation: &ConversationId,
        after: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredReply>, DeskError>> {
        let kept = self.kept();
        let found = if kept.down {
            Err(DeskError::Unavailable)
        } else {
            let replies = kept.replies.get(conversation).into_iter().flatten();
            Ok(replies.filter(|reply| reply.cursor > after).take(limit).cloned().collect())
        };
        Box::pin(async move { found })
    }

    fn watch(&self, conversation: &ConversationId) -> watch::Receiver<u64> {
        self.hub.watch(conversation)
    }
}
