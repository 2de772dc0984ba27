//! Requests to SAP Gateway over HTTP: bounded in time, size, number and repeats, and every way to fail sorted into a class.
//! It may not know an entity, and it never passes on a byte of an answer in an error or a log.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::odata::{Collection, Envelope, Refusal};
use super::session::Session;
use crate::target::{TargetConfig, TargetError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const BODY_BYTES_MAX: usize = 4 << 20;
const PAGES_MAX: usize = 64;
/// The pause before the one repeat when the system names none, and the longest named pause that is waited for.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The way to one Gateway.
pub(super) struct Http {
    pub(super) client: Client,
    root: Url,
    pub(super) config: TargetConfig,
    pub(super) places: Semaphore,
    pub(super) session: Mutex<Option<Session>>,
}

/// What one request came to.
enum Answer {
    Body(Vec<u8>),
    /// The Gateway itself says that there is no such record.
    Absent,
}

/// A failed request, and the pause after which it may be made once more.
pub(super) struct Failed {
    pub(super) error: TargetError,
    again_after: Option<Duration>,
}

impl From<TargetError> for Failed {
    fn from(error: TargetError) -> Self {
        Self { error, again_after: None }
    }
}

impl Http {
    pub(super) fn new(config: TargetConfig) -> Result<Self, TargetError> {
        let wrong = || TargetError::Misconfigured { target: config.name.clone() };
        let mut root = Url::parse(&config.base_url).map_err(|_| wrong())?;
        let web = matches!(root.scheme(), "http" | "https") && root.has_host();
        if !web || !root.username().is_empty() || root.password().is_some() {
            return Err(wrong());
        }
        root.set_fragment(None);
        root.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(["sap", "opu", "odata", "sap"]);
        // A proxy is a way out of the house: only configuration may open one, not the environment.
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none());
        let client = client.no_proxy().build().map_err(|_| wrong())?;
        let places = Semaphore::new(config.in_flight_max.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self { client, root, config, places, session: Mutex::default() })
    }

    /// Runs one operation within the deadline, once there is a place for it.
    pub(super) async fn within<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        let began = Instant::now();
        let until = began + self.config.deadline;
        let place = timeout_at(until, self.places.acquire()).await;
        // A place that comes when the time is nearly over is none: the system would be blamed for our own queue.
        let too_late = until.saturating_duration_since(Instant::now()) < self.config.deadline / 10;
        let outcome = match place {
            Ok(Ok(_)) if too_late => Err(TargetError::Busy { target: self.name(), retry_after: None }),
            Ok(Ok(_place)) => match timeout_at(until, work).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TargetError::Slow { target: self.name() }),
            },
            Ok(Err(_)) | Err(_) => Err(TargetError::Busy { target: self.name(), retry_after: None }),
        };
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let system = self.config.name.as_str();
        match &outcome {
            Ok(_) => tracing::debug!(system, operation, elapsed_ms, "the system answered"),
            Err(error) => {
                tracing::warn!(
                    system,
                    operation,
                    kind = error.kind(),
                    elapsed_ms,
                    "the system could not be asked"
                );
            }
        }
        outcome
    }

    /// The address of a resource, every part percent-encoded. Spaces become `%20`: Gateways differ on `+`.
    pub(super) fn url(&self, service: &str, resource: &[&str], options: &[(&str, &str)]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(service).extend(resource);
        }
        url.query_pairs_mut().extend_pairs(options).append_pair("$format", "json");
        let query = url.query().unwrap_or_default().replace('+', "%20");
        url.set_query(Some(&query));
        url
    }

    /// One record, or none when the Gateway says that there is none.
    pub(super) async fn record<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>, TargetError> {
        match self.get(url).await? {
            Answer::Body(body) => self.read(&body).map(Some),
            Answer::Absent => Ok(None),
        }
    }

    /// Every record of a collection, page by page.
    pub(super) async fn list<T: DeserializeOwned>(&self, url: Url) -> Result<Vec<T>, TargetError> {
        let first = self.page(&url).await?;
        self.rest(url, first).await
    }

    /// The children that came with a record, or those behind their own address when they did not come.
    pub(super) async fn children<T: DeserializeOwned>(
        &self,
        came: Collection<T>,
        own: Url,
    ) -> Result<Vec<T>, TargetError> {
        match came {
            Collection::Page { .. } => self.rest(own, came).await,
            Collection::Deferred => self.list(own).await,
        }
    }

    async fn rest<T: DeserializeOwned>(&self, url: Url, first: Collection<T>) -> Result<Vec<T>, TargetError> {
        let (mut all, mut page, mut at) = (Vec::new(), first, url);
        for _ in 0..PAGES_MAX {
            let Collection::Page { results, next } = page else { return Err(self.unreadable()) };
            all.extend(results);
            let Some(next) = next else { return Ok(all) };
            at = self.follow(&at, &next)?;
            page = self.page(&at).await?;
        }
        // A part of a list would be told as the whole.
        Err(self.unreadable())
    }

    async fn page<T: DeserializeOwned>(&self, url: &Url) -> Result<Collection<T>, TargetError> {
        match self.get(url).await? {
            Answer::Body(body) => self.read(&body),
            Answer::Absent => Err(TargetError::Misconfigured { target: self.name() }),
        }
    }

    /// The next page must lie where this system lies: our password goes with the request.
    fn follow(&self, at: &Url, next: &str) -> Result<Url, TargetError> {
        let next = at.join(next).map_err(|_| self.unreadable())?;
        let here = next.origin() == self.root.origin() && next.path().starts_with(self.root.path());
        let clean = next.username().is_empty() && next.password().is_none();
        if here && clean { Ok(next) } else { Err(self.unreadable()) }
    }

    /// Reads are idempotent: what broke off, or asks for a short pause, is asked for once more.
    async fn get(&self, url: &Url) -> Result<Answer, TargetError> {
        let failed = match self.once(url).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let Some(pause) = failed.again_after else { return Err(failed.error) };
        sleep(pause).await;
        self.once(url).await.map_err(|failed| failed.error)
    }

    async fn once(&self, url: &Url) -> Result<Answer, Failed> {
        let request = self.client.get(url.clone()).header(ACCEPT, "application/json");
        let request = request.basic_auth(&self.config.user, Some(self.config.password.expose()));
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        let status = response.status();
        let headers = response.headers();
        match status {
            StatusCode::OK => Ok(Answer::Body(self.body(response).await?)),
            StatusCode::NOT_FOUND => {
                let body = self.body(response).await?;
                // A page of a proxy or of a wrong address must not become "there is no such order".
                match serde_json::from_slice::<Refusal>(&body) {
                    Ok(_) => Ok(Answer::Absent),
                    Err(_) => Err(TargetError::Misconfigured { target: self.name() }.into()),
                }
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let retry_after = retry_after(headers, Timestamp::now());
                let error = TargetError::Busy { target: self.name(), retry_after };
                Err(Failed { error, again_after: retry_after.filter(|pause| *pause <= PAUSE_MAX) })
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let pause = retry_after(headers, Timestamp::now()).unwrap_or(PAUSE);
                Err(Failed {
                    error: self.unavailable(),
                    again_after: Some(pause).filter(|p| *p <= PAUSE_MAX),
                })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(TargetError::Misconfigured { target: self.name() }.into())
            }
            StatusCode::REQUEST_TIMEOUT => Err(TargetError::Slow { target: self.name() }.into()),
            status if status.is_redirection() => {
                Err(TargetError::Misconfigured { target: self.name() }.into())
            }
            status if status.is_server_error() => Err(self.unavailable().into()),
            _ => Err(self.unreadable().into()),
        }
    }

    pub(super) async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(self.unreadable().into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, TargetError> {
        let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|_| self.unreadable())?;
        Ok(envelope.d)
    }

    /// A connection that never came is not tried again here: its timeout is long and the next operation tries anyway.
    pub(super) fn broken(&self, error: &reqwest::Error) -> Failed {
        if error.is_connect() {
            return self.unavailable().into();
        }
        if error.is_timeout() {
            return TargetError::Slow { target: self.name() }.into();
        }
        Failed { error: self.unavailable(), again_after: Some(PAUSE) }
    }

    pub(super) fn name(&self) -> String {
        self.config.name.clone()
    }

    pub(super) fn unreadable(&self) -> TargetError {
        TargetError::Unreadable { target: self.name() }
    }

    pub(super) fn unavailable(&self) -> TargetError {
        TargetError::Unavailable { target: self.name() }
    }
}

/// The pause a system asks for, in seconds or as a date; nonsense counts as nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        // A date that has passed means now.
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(RETRY_AFTER_MAX))
}
