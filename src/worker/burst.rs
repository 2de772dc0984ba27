//! What is said in several messages, one right after the other: a message that may be a part only waits a moment for what comes
//! next, and is taken together with it. Whether it does, their recorded times say, so that a replay comes to the same.

use std::time::Duration;

use tokio::time::Instant;

use super::{Handler, Input, Lane, Outcome, now_ms, reason::Reason, settle::Settler};
use crate::event::Envelope;

/// Even what was said long ago waits so long: in a replay, what comes next is read a moment later.
const LEAST: Duration = Duration::from_millis(250);

impl<H: Handler> Settler<H> {
    /// Whether what comes next in the lane goes on with this event.
    pub(super) async fn goes_on(&self, input: &Envelope<H::In>, state: Option<&[u8]>, behind: &Lane) -> bool {
        let Some(may_wait) = self.handler.may_go_on(input) else { return false };
        if state_of::<H>(state).map_or(true, |state| self.handler.stands_alone(input, &state)) {
            return false;
        }
        let waited = u64::try_from(now_ms().saturating_sub(input.occurred_at_ms)).unwrap_or_default();
        let wait = may_wait.saturating_sub(Duration::from_millis(waited)).max(LEAST);
        let Some(next) = behind.next_until(Instant::now() + wait).await else { return false };
        H::In::decode(&self.schemas, &next).is_ok_and(|next| self.handler.goes_on(input, &next))
    }

    /// What is remembered of an event that goes on in the next one.
    pub(super) fn begun(
        &self,
        input: &Envelope<H::In>,
        state: Option<&[u8]>,
    ) -> Result<Outcome<H::State>, Reason> {
        let state = self.handler.begun(input, state_of::<H>(state)?);
        Ok(Outcome { state: Some(state), ..Outcome::default() })
    }
}

/// What is remembered of a conversation.
pub(super) fn state_of<H: Handler>(bytes: Option<&[u8]>) -> Result<H::State, Reason> {
    match bytes {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|_| Reason::State),
        None => Ok(H::State::default()),
    }
}
