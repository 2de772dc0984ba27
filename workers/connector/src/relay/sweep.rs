//! Publishes what a process that died has left behind: events that were committed and whose publication nobody has noted.

use std::{sync::Arc, time::Duration};

use peyvand::{
    bus::Producer,
    store::Store,
    worker::{Handler, patiently, publish},
};
use tokio_util::sync::CancellationToken;

use crate::Connector;

/// How often it is looked for events that nobody published, and how old they have to be.
const SWEEP_EACH: Duration = Duration::from_secs(5);
const LEFT_BEHIND: Duration = Duration::from_secs(10);
const SWEPT_AT_ONCE: u32 = 100;

/// Publishes what dead processes of the group have left behind, until it is told to stop.
pub(crate) async fn sweep(store: Store, producer: Arc<dyn Producer>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_EACH)).await.is_some() {
        let left = match store.left_behind(Connector::GROUP, LEFT_BEHIND, SWEPT_AT_ONCE).await {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(kind = error.kind(), "{error}; looking again in five seconds");
                continue;
            }
        };
        for conversation_id in left {
            let pending = patiently(|| store.pending(Connector::GROUP, &conversation_id)).await;
            metrics::counter!("peyvand_left_behind_total").increment(pending.len() as u64);
            publish(&store, &producer, Connector::GROUP, &conversation_id, pending).await;
        }
    }
}
