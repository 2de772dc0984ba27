//! How far a worker's group is behind, told as a metric, and whether what it is behind of comes to this process. Every process
//! of a group tells the lag of all partitions, so it is also told of those that nobody reads.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{Health, unread::Unread};
use crate::bus::{
    Topic,
    kafka::{KafkaBus, Lag},
};

/// Each look asks the brokers for every partition.
const EACH: Duration = Duration::from_secs(30);

/// Looks until the worker stops.
pub(super) async fn watch(
    bus: KafkaBus,
    groups: [(String, Vec<Topic>); 2],
    health: Arc<Health>,
    shutdown: CancellationToken,
) {
    let mut unread = Unread::default();
    loop {
        let mut all = Vec::new();
        for (group, topics) in &groups {
            match shutdown.run_until_cancelled(bus.lag(group, topics)).await {
                Some(Ok(lags)) => {
                    lags.iter().for_each(|lag| tell(group, lag));
                    all.extend(lags);
                }
                Some(Err(error)) => tracing::debug!(kind = error.kind(), "the lag is not known: {error}"),
                None => return,
            }
        }
        health.stands(unread.look(&bus.positions(), &all, Instant::now()));
        if shutdown.run_until_cancelled(tokio::time::sleep(EACH)).await.is_none() {
            return;
        }
    }
}

fn tell(group: &str, lag: &Lag) {
    let behind = u32::try_from(lag.behind()).unwrap_or(u32::MAX);
    metrics::gauge!(
        "peyvand_lag", "group" => group.to_owned(), "topic" => lag.place.topic.to_string(),
        "partition" => lag.place.partition.to_string()
    )
    .set(f64::from(behind));
}
