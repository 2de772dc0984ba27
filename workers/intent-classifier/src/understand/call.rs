//! One question to a server: within a deadline, with an answer no longer than the caller allows, no redirects, no proxy of the
//! environment, and not at all while its breaker is open. It may not know what is asked.

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
        let lets_in = !given.username().is_empty() || given.password().is_some();
        let goes_on = given.query().is_some() || given.fragment().is_some();
        if !matches!(given.scheme(), "http" | "https") || lets_in || goes_on {
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

    /// Where it leads.
    pub(super) fn address(&self) -> &str {
        self.url.as_str()
    }

    /// Asks; an answer of at most `bytes_max` is read as JSON and then by `read`, which may refuse it.
    pub(super) async fn ask<T: DeserializeOwned, R>(
        &self,
        question: &impl Serialize,
        bytes_max: usize,
        until: Instant,
        read: impl FnOnce(T) -> Result<R, Outcome>,
    ) -> Result<R, Outcome> {
        if until.saturating_duration_since(Instant::now()) < LEAST_TIME {
            return Err(Outcome::Slow);
        }
        if !self.with_breaker(|breaker| breaker.lets_through(Instant::now())) {
            return Err(Outcome::Open);
        }
        let answered = timeout_at(until.into(), self.asked(question, bytes_max));
        let answer = answered.await.unwrap_or(Err(Outcome::Slow)).and_then(read);
        let is_there = answer.as_ref().err().is_none_or(|outcome| outcome.shows_it_is_there());
        self.with_breaker(|breaker| breaker.note(is_there, Instant::now()));
        answer
    }

    async fn asked<T: DeserializeOwned>(
        &self,
        question: &impl Serialize,
        bytes_max: usize,
    ) -> Result<T, Outcome> {
        let mut request = self.client.post(self.url.clone()).json(question);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        let response = request.send().await.map_err(|_| Outcome::Unreachable)?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(Outcome::NotTaken);
            }
            _ => return Err(Outcome::Refused),
        }
        serde_json::from_slice(&body(response, bytes_max).await?).map_err(|_| Outcome::Garbage)
    }

    fn with_breaker<T>(&self, look: impl FnOnce(&mut Breaker) -> T) -> T {
        look(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Outcome> {
    if response.content_length().is_some_and(|bytes| bytes > bytes_max as u64) {
        return Err(Outcome::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Outcome::Unreachable)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Outcome::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
