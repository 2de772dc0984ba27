//! Logs: to standard error, at a level the operator chooses. No payload, name or token is ever written to one.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Starts logging at `warn`, or as the variable `RUST_LOG` says. A second call changes nothing.
pub fn init() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
