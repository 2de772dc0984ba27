//! The channels' two ways through Peyvand: a message goes to the log, a reply comes from it and is kept for whoever
//! fetches it. It may not know HTTP.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt, future::BoxFuture};
use peyvand::{
    bus::{Producer, Topic},
    codec::{self, Schemas},
    event::{
        ConversationId, DeliveryStatus, DeliveryUpdated, Envelope, Event, EventId, MessageReceived,
        ReplyReady,
    },
    store::{Store, StoredReply},
    topics,
    worker::{Emit, Handler, HandlerError, Outcome},
};
use tokio::sync::watch;

use crate::{Desk, DeskError, Hub};

/// The desk over the log and the database.
pub struct OpenDesk {
    /// Where messages go.
    pub producer: Arc<dyn Producer>,
    /// Where replies are kept.
    pub store: Store,
    /// What messages are written with.
    pub schemas: Arc<Schemas>,
    /// Who waits for replies.
    pub hub: Arc<Hub>,
}

impl Desk for OpenDesk {
    fn publish(&self, message: MessageReceived) -> BoxFuture<'_, Result<EventId, DeskError>> {
        async move {
            let event_id = message.own_id().ok_or(DeskError::Unavailable)?;
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let envelope = Envelope {
                event_id,
                correlation_id: event_id,
                causation_id: None,
                occurred_at_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                traceparent: None,
                event: message,
            };
            let topic = Topic::new(topics::MESSAGE_RECEIVED);
            let record = codec::encode(&self.schemas, topic, &envelope).map_err(|error| {
                tracing::error!(kind = error.kind(), "a message could not be written in its own schema");
                DeskError::Unavailable
            })?;
            self.producer.send(record).await.map_err(|error| {
                tracing::error!(kind = error.kind(), "a message could not be published: {error}");
                DeskError::Unavailable
            })?;
            Ok(event_id)
        }
        .boxed()
    }

    fn replies_after(
        &self,
        conversation: &ConversationId,
        after: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<StoredReply>, DeskError>> {
        let conversation = conversation.clone();
        async move {
            let limit = u16::try_from(limit).unwrap_or(u16::MAX);
            self.store.replies_after(&conversation, after, limit).await.map_err(|error| {
                tracing::error!(kind = error.kind(), "replies could not be fetched: {error}");
                DeskError::Unavailable
            })
        }
        .boxed()
    }

    fn watch(&self, conversation: &ConversationId) -> watch::Receiver<u64> {
        self.hub.watch(conversation)
    }
}

/// Keeps replies for those who fetch them.
pub struct Channels {
    /// Who waits for replies in this process.
    pub hub: Arc<Hub>,
    /// Where replies are kept; it tells other processes.
    pub store: Store,
}

impl Handler for Channels {
    const GROUP: &'static str = "channels";
    type In = ReplyReady;
    type State = ();

    async fn handle(&self, input: &Envelope<ReplyReady>, (): ()) -> Result<Outcome<()>, HandlerError> {
        let reply = &input.event;
        let stored = StoredReply {
            cursor: 0,
            event_id: input.event_id,
            turn_id: reply.turn_id,
            tenant: reply.tenant.clone(),
            language: reply.language,
            text: reply.text.clone(),
            buttons: reply.buttons.clone(),
            parts: reply.parts.clone(),
        };
        let updated = DeliveryUpdated {
            tenant: reply.tenant.clone(),
            conversation_id: reply.conversation_id.clone(),
            turn_id: reply.turn_id,
            reply_id: input.event_id,
            channel: reply.channel.clone(),
            status: DeliveryStatus::Stored,
        };
        let emit = vec![Emit::new(topics::DELIVERY_UPDATED, updated)];
        Ok(Outcome { emit, replies: vec![stored], ..Outcome::default() })
    }

    fn settled(&self, input: &Envelope<ReplyReady>) {
        self.hub.notify(&input.event.conversation_id);
        self.store.announce(&input.event.conversation_id);
    }
}
