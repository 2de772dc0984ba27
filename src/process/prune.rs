//! Old rows go, a batch at a time. An event that comes again after its inbox row is gone would be worked on again, so such
//! a row stays longer than any topic keeps the event; a finished write is kept for as long as people ask about it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    store::{Store, StoreError},
    topics,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EACH: Duration = Duration::from_secs(60 * 60);
const BATCH: u32 = 5000;
/// Beyond the longest time a topic keeps a record: redelivery by a person's hand takes days.
const MARGIN: Duration = DAY.saturating_mul(15);
const FINISHED_WRITES: Duration = DAY.saturating_mul(14);

/// Drops old rows once an hour until the process stops.
pub async fn prune(store: Store, shutdown: CancellationToken) {
    let kept = topics::all().iter().map(|spec| spec.retention_ms).max().unwrap_or_default();
    let inbox = Duration::from_millis(u64::try_from(kept).unwrap_or_default()) + MARGIN;
    while shutdown.run_until_cancelled(tokio::time::sleep(EACH)).await.is_some() {
        while more("inbox", store.prune_inbox(inbox, BATCH).await) {}
        while more("outbox", store.prune_outbox(FINISHED_WRITES, BATCH).await) {}
    }
}

/// Whether there may be more to drop.
fn more(what: &str, dropped: Result<u64, StoreError>) -> bool {
    match dropped {
        Ok(dropped) => dropped >= u64::from(BATCH),
        Err(error) => {
            let kind = error.kind();
            tracing::warn!(kind, "old rows of the {what} could not be dropped; trying again in an hour");
            false
        }
    }
}
