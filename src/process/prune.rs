//! Old inbox rows go, a batch at a time. An event that comes again after its row is gone would be worked on again, so a
//! row stays longer than any topic keeps the event.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{store::Store, topics};

const EACH: Duration = Duration::from_secs(60 * 60);
const BATCH: u32 = 5000;
/// Beyond the longest time a topic keeps a record: redelivery by a person's hand takes days.
const MARGIN: Duration = Duration::from_secs(15 * 24 * 60 * 60);

/// Drops old inbox rows once an hour until the process stops.
pub async fn prune_inbox(store: Store, shutdown: CancellationToken) {
    let kept = topics::all().iter().map(|spec| spec.retention_ms).max().unwrap_or_default();
    let age = Duration::from_millis(u64::try_from(kept).unwrap_or_default()) + MARGIN;
    while shutdown.run_until_cancelled(tokio::time::sleep(EACH)).await.is_some() {
        loop {
            match store.prune_inbox(age, BATCH).await {
                Ok(dropped) if dropped >= u64::from(BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(
                        kind = error.kind(),
                        "old inbox rows could not be dropped; trying again in an hour"
                    );
                    break;
                }
            }
        }
    }
}
