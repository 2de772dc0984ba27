//! What is known about an event besides its content. It travels as record headers, not in the payload.

use super::EventId;

/// An event with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<E> {
    /// This event.
    pub event_id: EventId,
    /// The message that began the turn.
    pub correlation_id: EventId,
    /// The event that this one follows from; `None` for a message.
    pub causation_id: Option<EventId>,
    /// When it happened, in milliseconds since 1970-01-01 UTC, as the maker's clock had it.
    pub occurred_at_ms: i64,
    /// W3C trace context of the maker.
    pub traceparent: Option<String>,
    /// The fact itself.
    pub event: E,
}

impl<E> Envelope<E> {
    /// The same envelope around another form of the event.
    pub fn map<F>(self, form: impl FnOnce(E) -> F) -> Envelope<F> {
        let Self { event_id, correlation_id, causation_id, occurred_at_ms, traceparent, event } = self;
        Envelope { event_id, correlation_id, causation_id, occurred_at_ms, traceparent, event: form(event) }
    }
}
