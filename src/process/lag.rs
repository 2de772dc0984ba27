//! How far a worker's group is behind, told as a metric. Every process of a group tells it for all partitions, so it is
//! also told for those that nobody reads.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bus::{Topic, kafka::KafkaBus};

/// Each look asks the brokers for every partition.
const EACH: Duration = Duration::from_secs(30);

/// Looks until the worker stops.
pub(super) async fn watch(bus: KafkaBus, groups: [(String, Vec<Topic>); 2], shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(EACH)).await.is_some() {
        for (group, topics) in &groups {
            match shutdown.run_until_cancelled(bus.lag(group, topics)).await {
                Some(Ok(lags)) => {
                    for lag in lags {
                        let place = lag.place;
                        let committed = lag.committed.map_or(0, |next| next.0);
                        let behind =
                            u32::try_from(lag.end.0.saturating_sub(committed).max(0)).unwrap_or(u32::MAX);
                        metrics::gauge!(
                            "peyvand_lag", "group" => group.clone(), "topic" => place.topic.to_string(),
                            "partition" => place.partition.to_string()
                        )
                        .set(f64::from(behind));
                    }
                }
                Some(Err(error)) => tracing::debug!(kind = error.kind(), "the lag is not known: {error}"),
                None => return,
            }
        }
    }
}
