//! What is logged of each attempt to write, once and the same for every system: what came of it, and never what was written
//! nor the number that the system gave it.

use std::time::Duration;

use crate::{system::Sent, write::Write};

pub(super) fn log(write: &Write, attempt: u32, sent: &Sent, took: Duration) {
    let (target, operation) = (write.target.as_str(), write.operation.name());
    // Not the conversation: whoever knows its id may read its replies.
    let write = write.id.tracking();
    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (kind, what) = match sent {
        Sent::Done { .. } => {
            tracing::debug!(target, operation, write, attempt, elapsed_ms, "written");
            return;
        }
        Sent::Refused { class } => (*class, "the system refuses a write"),
        Sent::NotSent(error) => (error.kind(), "a write was not sent"),
        Sent::MaybeSent(error) => (error.kind(), "a write may be written or not"),
    };
    tracing::warn!(target, operation, write, kind, attempt, elapsed_ms, "{what}");
}
