//! One question to a server: within a deadline, with a bounded answer, no redirects, no proxy of the environment, and not at all
//! while its breaker is open. It may not know what is asked.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use peyvand::{config::BackendConfig, privacy::Sensitive};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout_at;

use super::{Outcome, breaker::Breaker};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// With less time left nobody answers, and it would say nothing about the server.
const LEAST_TIME: Duration = Duration::from_millis(50);
const BODY_BYTES_MAX: usize = 64 << 20;

/// The way to one server.
pub(super) struct Line {
    client: Client,
    url: Url,
    key: Option<Sensitive<String>>,
    breaker: Mutex<Breaker>,
}

/// A server that cannot be asked because of what is written in the settings.
#[derive(Debug, thiserror::Error)]
#[error("the address of {setting} cannot be used; write one like https://host:port")]
pub struct WrongAddress {
    /// The setting.
    pub setting: &'static str,
}

impl Line {
    /// The way to `path` below a base address; one that ends in `/v1` already is the same.
    pub(super) fn new(
        config: &BackendConfig,
        path: &str,
        setting: &'static str,
        pause: Duration,
    ) -> Result<Self, WrongAddress> {
        let wrong = || WrongAddress { setting };
        let given = Url::parse(&config.url).map_err(|_| wrong())?;
        if !matches!(given.scheme(), "http" | "https") || !given.username().is_empty() {
            return Err(wrong());
        }
        let base = config.url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let url = Url::parse(&format!("{base}{path}")).map_err(|_| wrong())?;
        // A proxy is a way out of the house: only configuration may open one, not the environment.
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none());
        let client = client.no_proxy().build().map_err(|_| wrong())?;
        let breaker = Mutex::new(Breaker::new(pause));
        Ok(Self { client, url, key: config.key.clone(), breaker })
    }

    /// Asks and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: &impl Serialize,
        until: Instant,
    ) -> Result<T, Outcome> {
        if until.saturating_duration_since(Instant::now()) < LEAST_TIME {
            return Err(Outcome::Slow);
        }
        if !self.with_breaker(|breaker| breaker.lets_through(Instant::now())) {
            return Err(Outcome::Open);
        }
        let answer = timeout_at(until.into(), self.asked(question)).await.unwrap_or(Err(Outcome::Slow));
        let is_there = answer.is_ok() || matches!(answer, Err(Outcome::NotTaken));
        self.with_breaker(|breaker| breaker.note(is_there, Instant::now()));
        answer
    }

    async fn asked<T: DeserializeOwned>(&self, question: &impl Serialize) -> Result<T, Outcome> {
        let mut request = self.client.post(self.url.clone()).json(question);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        let response = request.send().await.map_err(|_| Outcome::Unreachable)?;
        match response.status() {
            status if status.is_success() => {}
            // One odd message is no reason to leave the server alone for everybody.
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(Outcome::NotTaken);
            }
            _ => return Err(Outcome::Refused),
        }
        serde_json::from_slice(&body(response).await?).map_err(|_| Outcome::Garbage)
    }

    fn with_breaker<T>(&self, look: impl FnOnce(&mut Breaker) -> T) -> T {
        look(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, Outcome> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Outcome::Unreachable)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Outcome::Garbage);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
