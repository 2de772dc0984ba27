//! Retries inside the process: short ones for a handler that may succeed in a moment, endless ones for our own log and
//! database, without which nothing can be settled. The only place that names `backoff`; durable waiting is not its work.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};

use crate::{bus::BusError, codec::RegistryError, store::StoreError};

/// At most one complaint aloud in this time.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

/// Waits between the tries of a handler: three tries, at most ten seconds in all.
pub(super) fn short() -> impl Iterator<Item = Duration> {
    delays(Duration::from_millis(200), Duration::from_secs(3)).take(2)
}

/// Waits for our own log or database, as long as it takes.
fn endless() -> impl Iterator<Item = Duration> {
    delays(Duration::from_millis(50), Duration::from_secs(5))
}

fn delays(first: Duration, longest: Duration) -> impl Iterator<Item = Duration> {
    let mut schedule: ExponentialBackoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(first)
        .with_max_interval(longest)
        .with_max_elapsed_time(None)
        .build();
    std::iter::from_fn(move || schedule.next_backoff())
}

/// The pause before the next of many attempts that outlive the process: full jitter over a pause that doubles from one second
/// to five minutes. `chance` is 0 to 1.
pub fn backoff(attempts: u32, chance: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let longest = Duration::from_secs(1).saturating_mul(1 << doublings).min(Duration::from_secs(5 * 60));
    longest.mul_f64(chance.clamp(0.05, 1.0))
}

/// Any number from 0 to 1.
pub fn chance() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

/// Our own log and database are asked until they answer: without them nothing may be settled.
pub async fn patiently<T, E: OwnFault, F: Future<Output = Result<T, E>>>(
    mut attempt: impl FnMut() -> F,
) -> T {
    let mut waits = endless();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => {
                complain(&error);
                tokio::time::sleep(waits.next().unwrap_or(Duration::from_secs(5))).await;
            }
        }
    }
}

/// With a thousand records that wait for one database, one of them may say so.
fn complain(error: &impl OwnFault) {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_some_and(|at| at.elapsed() < COMPLAIN_EVERY) {
        tracing::debug!(kind = error.kind(), "{error}; trying again until it works");
        return;
    }
    *last = Some(Instant::now());
    tracing::error!(kind = error.kind(), "{error}; trying again until it works, as everybody who needs it");
}

/// An error of our own log, database or registry: it is waited for.
pub trait OwnFault: std::error::Error {
    /// A bounded label.
    fn kind(&self) -> &'static str;
}

impl OwnFault for BusError {
    fn kind(&self) -> &'static str {
        BusError::kind(self)
    }
}

impl OwnFault for RegistryError {
    fn kind(&self) -> &'static str {
        RegistryError::kind(self)
    }
}

impl OwnFault for StoreError {
    fn kind(&self) -> &'static str {
        StoreError::kind(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_tried_three_times_within_ten_seconds() {
        let waits: Vec<Duration> = short().collect();
        assert_eq!(waits.len(), 2);
        assert!(waits.iter().sum::<Duration>() < Duration::from_secs(10));
    }

    #[test]
    fn waiting_for_our_own_log_never_ends_and_never_waits_over_eight_seconds() {
        assert!(endless().take(200).all(|wait| wait <= Duration::from_secs(8)));
        assert_eq!(endless().take(200).count(), 200);
    }
}
