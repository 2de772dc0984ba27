//! Logs and metrics. Logs go to standard error, at a level the operator chooses; metrics are kept until somebody fetches
//! them. No payload, name or token is ever written to one.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Upper bounds of the duration buckets, in seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Starts logging at `warn`, or as the variable `RUST_LOG` says, and keeping metrics. A second call changes nothing.
pub fn init() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS);
    match builder.map(PrometheusBuilder::install_recorder) {
        Ok(Ok(handle)) => drop(METRICS.set(handle)),
        Ok(Err(_)) | Err(_) => tracing::debug!("metrics were started before"),
    }
}

/// All metrics in Prometheus's text format; nothing before [`init`].
pub fn metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}
