//! Waiting for a server that does not serve yet. What waiting does not mend ends the process at once, with advice.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Health, ProcessError};
use crate::{bus::BusError, codec::RegistryError, store::StoreError};

const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Wait<'a> {
    pub(super) health: &'a Health,
    pub(super) shutdown: &'a CancellationToken,
}

/// An error that may pass by itself.
pub(super) trait Passing: std::error::Error + Into<ProcessError> {
    fn may_pass(&self) -> bool;
}

impl Passing for BusError {
    fn may_pass(&self) -> bool {
        self.is_transient()
    }
}

impl Passing for StoreError {
    fn may_pass(&self) -> bool {
        self.is_transient()
    }
}

impl Passing for RegistryError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::NotAllowed(_)
            | Self::NotRegistered { .. }
            | Self::Incompatible { .. }
            | Self::Unreadable => false,
        }
    }
}

impl Wait<'_> {
    /// Tries until it works, once a second, and says what it waits for.
    pub(super) async fn until<T, E, F>(
        &self,
        what: &'static str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ProcessError>
    where
        E: Passing,
        F: Future<Output = Result<T, E>>,
    {
        self.health.waiting_for(what);
        loop {
            let error = match self.shutdown.run_until_cancelled(attempt()).await {
                None => return Err(ProcessError::Stopped),
                Some(Ok(value)) => return Ok(value),
                Some(Err(error)) => error,
            };
            if !error.may_pass() {
                return Err(error.into());
            }
            tracing::warn!(what, "{error}; trying again each second");
            if self.shutdown.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return Err(ProcessError::Stopped);
            }
        }
    }
}
