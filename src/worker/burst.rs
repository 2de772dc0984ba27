//! What is said in several messages, one right after the other: a message that may be a part only waits a moment for what comes
//! next, and is taken together with it. Whether it does, their recorded times say, so that a replay comes to the same.

use std::{panic::AssertUnwindSafe, time::Duration};

use tokio::time::Instant;

use super::{Handler, Input, Lane, Outcome, now_ms, patiently, reason::Reason, settle::Settler};
use crate::{event::Envelope, store::Found};

/// Even what was said long ago waits so long: in a replay, what comes next is read a moment later.
const LEAST: Duration = Duration::from_millis(250);
/// What was said in time may still be on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// Messages that wait at a time: a flood of parts may not take all the room.
pub(super) const WAITING_PARTS_MAX: usize = 100;

impl<H: Handler> Settler<H> {
    /// Whether what comes next in the lane goes on with this event.
    pub(super) async fn goes_on(&self, input: &Envelope<H::In>, state: Option<&[u8]>, behind: &Lane) -> bool {
        // What panics is tried again as it stands, where a panic is caught and counted.
        let asked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let may_wait = self.handler.may_go_on(input)?;
            let state = state_of::<H>(state).ok()?;
            (!self.handler.stands_alone(input, &state)).then_some(may_wait)
        }));
        let Ok(Some(may_wait)) = asked else { return false };
        let Ok(_place) = self.waiting_parts.try_acquire() else { return false };
        let waited = u64::try_from(now_ms().saturating_sub(input.occurred_at_ms)).unwrap_or_default();
        let wait = (may_wait + ON_ITS_WAY).saturating_sub(Duration::from_millis(waited)).max(LEAST);
        let Some(record) = behind.next_until(Instant::now() + wait).await else { return false };
        // What is written with a schema that is not known here is not waited for.
        let Ok(next) = H::In::decode(&self.schemas, &record) else { return false };
        let Ok(next_key) = Self::key_of(&record, &next) else { return false };
        // The same message once more, or one that is done already, does not answer for this one.
        let is_new = next_key.event_id != input.event_id
            && matches!(patiently(|| self.store.look(&next_key)).await, Found::Fresh { parked: false, .. });
        is_new && self.handler.goes_on(input, &next)
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
