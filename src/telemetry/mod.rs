//! Logs and metrics. Logs go to standard error, at a level the operator chooses; metrics are kept until somebody fetches
//! them. No payload, name or token is ever written to one.

mod sink;

use std::{panic::PanicHookInfo, sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt::writer::BoxMakeWriter};

use self::sink::Sink;

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
static SINK: OnceLock<Sink> = OnceLock::new();

/// Upper bounds of the duration buckets, in seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How long the last lines may take at the end of a process.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The same where somebody may be waiting for it.
const LAST_WORDS_AT_ONCE: Duration = Duration::from_millis(200);

/// Logging that was started; when this ends, the last lines are written.
#[must_use]
pub struct Logging(());

impl Drop for Logging {
    fn drop(&mut self) {
        flush(LAST_WORDS);
    }
}

/// Starts logging at `warn`, or as the variable `RUST_LOG` says, and keeping metrics. A second call changes nothing.
pub fn init() -> Logging {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let sink = Sink::start(std::io::stderr()).ok();
    let writer = match &sink {
        Some(sink) => BoxMakeWriter::new(sink.clone()),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    if let Some(sink) = &sink {
        // The first one stays; a second call has the same standard error.
        let _first = SINK.set(sink.clone());
    }
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    std::panic::set_hook(Box::new(tell_panic));
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS);
    match builder.map(PrometheusBuilder::install_recorder) {
        Ok(Ok(handle)) => drop(METRICS.set(handle)),
        Ok(Err(_)) | Err(_) => tracing::debug!("metrics were started before"),
    }
    Logging(())
}

/// Where a panic was. Its words are told only when they stand in the program: others may hold anything. The usual way would
/// write to standard error itself, and wait there.
fn tell_panic(panicked: &PanicHookInfo<'_>) {
    let at = panicked.location().map(ToString::to_string).unwrap_or_default();
    let said =
        panicked.payload().downcast_ref::<&'static str>().copied().unwrap_or("(its words are not told)");
    tracing::error!(at, "the program panicked: {said}");
    // It may be the last thing this process does.
    flush_at_once();
}

/// Writes what was logged so far, before a process ends on the spot.
pub fn flush_at_once() {
    flush(LAST_WORDS_AT_ONCE);
}

fn flush(within: Duration) {
    if let Some(sink) = SINK.get() {
        sink.flush(within);
    }
}

/// All metrics in Prometheus's text format; nothing before [`init`].
pub fn metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}
