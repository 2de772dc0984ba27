//! Requests to SAP Gateway over HTTP: bounded in time, size, number and repeats, and every way to fail sorted into a class.
//! It may not know an entity, and it never passes on a byte of an answer in an error or a log.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use super::odata::{Collection, Envelope, Refusal};
use super::session::Session;
use crate::{
    line::{Line, NoBody, retry_after},
    target::{TargetConfig, TargetError},
};

const PAGES_MAX: usize = 64;
/// The pause before the one repeat when the system names none, and the longest named pause that is waited for.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The way to one Gateway.
pub(super) struct Http {
    pub(super) line: Line,
    root: Url,
    pub(super) config: TargetConfig,
    pub(super) session: Mutex<Option<Session>>,
}

/// What one request came to.
enum Answer {
    Body(Vec<u8>),
    /// The Gateway itself says that there is no such record.
    Absent,
}

/// A failed request, and the pause after which it may be made once more.
struct Failed {
    error: TargetError,
    again_after: Option<Duration>,
}

impl From<TargetError> for Failed {
    fn from(error: TargetError) -> Self {
        Self { error, again_after: None }
    }
}

impl Http {
    pub(super) fn new(config: TargetConfig) -> Result<Self, TargetError> {
        let (line, mut root) = Line::new(&config)?;
        let mut path = root.path_segments_mut().map_err(|()| line.misconfigured())?;
        path.pop_if_empty().extend(["sap", "opu", "odata", "sap"]);
        drop(path);
        Ok(Self { line, root, config, session: Mutex::default() })
    }

    pub(super) fn deadline(&self) -> Duration {
        self.config.deadline
    }

    /// Runs one operation within the deadline, once there is a place for it.
    pub(super) async fn within<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        let began = Instant::now();
        let until = began + self.config.deadline;
        let outcome = match self.line.place(until).await {
            Err(busy) => Err(busy),
            Ok(_place) => match timeout_at(until, work).await {
                Ok(outcome) => outcome,
                Err(_) => Err(self.line.slow()),
            },
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
            let Collection::Page { results, next } = page else { return Err(self.line.unreadable()) };
            all.extend(results);
            let Some(next) = next else { return Ok(all) };
            at = self.follow(&at, &next)?;
            page = self.page(&at).await?;
        }
        // A part of a list would be told as the whole.
        Err(self.line.unreadable())
    }

    async fn page<T: DeserializeOwned>(&self, url: &Url) -> Result<Collection<T>, TargetError> {
        match self.get(url).await? {
            Answer::Body(body) => self.read(&body),
            Answer::Absent => Err(self.line.misconfigured()),
        }
    }

    /// The next page must lie where this system lies: our password goes with the request.
    fn follow(&self, at: &Url, next: &str) -> Result<Url, TargetError> {
        let next = at.join(next).map_err(|_| self.line.unreadable())?;
        let here = next.origin() == self.root.origin() && next.path().starts_with(self.root.path());
        let clean = next.username().is_empty() && next.password().is_none();
        if here && clean { Ok(next) } else { Err(self.line.unreadable()) }
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
        let request = self.line.client.get(url.clone()).header(ACCEPT, "application/json");
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
                    Err(_) => Err(self.line.misconfigured().into()),
                }
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let retry_after = retry_after(headers);
                let error = self.line.busy(retry_after);
                Err(Failed { error, again_after: retry_after.filter(|pause| *pause <= PAUSE_MAX) })
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let pause = retry_after(headers).unwrap_or(PAUSE);
                Err(Failed {
                    error: self.line.unavailable(),
                    again_after: Some(pause).filter(|p| *p <= PAUSE_MAX),
                })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.line.misconfigured().into()),
            StatusCode::REQUEST_TIMEOUT => Err(self.line.slow().into()),
            status if status.is_redirection() => Err(self.line.misconfigured().into()),
            status if status.is_server_error() => Err(self.line.unavailable().into()),
            _ => Err(self.line.unreadable().into()),
        }
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, Failed> {
        self.line.body(response).await.map_err(|none| match none {
            NoBody::Broken(error) => self.broken(&error),
            NoBody::TooLong => self.line.unreadable().into(),
        })
    }

    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, TargetError> {
        let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|_| self.line.unreadable())?;
        Ok(envelope.d)
    }

    /// A connection that never came is not tried again here: its timeout is long and the next operation tries anyway.
    fn broken(&self, error: &reqwest::Error) -> Failed {
        let again_after = (!error.is_connect() && !error.is_timeout()).then_some(PAUSE);
        Failed { error: self.line.broken(error), again_after }
    }
}
