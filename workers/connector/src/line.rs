//! The way to a system over HTTP, whatever it speaks: a bounded number of operations at once, bounded answers, no redirects,
//! no proxy of the environment, and for a write the one question that counts: did it go out? It may not know a protocol.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::target::{TargetConfig, TargetError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const BODY_BYTES_MAX: usize = 4 << 20;
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The way to one system.
pub(crate) struct Line {
    pub(crate) client: Client,
    places: Semaphore,
    name: String,
    deadline: Duration,
}

/// What one request of a write came to, before anybody has looked at the answer.
pub(crate) enum Attempt {
    /// There is an answer.
    Answered(Response),
    /// Nothing went out.
    NotSent(TargetError),
    /// It may have arrived.
    MaybeSent(TargetError),
}

/// An answer that broke off, or is longer than any we can use.
#[derive(Debug)]
pub(crate) enum NoBody {
    Broken(reqwest::Error),
    TooLong,
}

impl Line {
    /// The way to a target, and its address. Nothing is asked yet.
    pub(crate) fn new(config: &TargetConfig) -> Result<(Self, Url), TargetError> {
        let wrong = || TargetError::Misconfigured { target: config.name.clone() };
        let mut root = Url::parse(&config.base_url).map_err(|_| wrong())?;
        let web = matches!(root.scheme(), "http" | "https") && root.has_host();
        if !web || !root.username().is_empty() || root.password().is_some() {
            return Err(wrong());
        }
        root.set_fragment(None);
        // A proxy is a way out of the house: only configuration may open one, not the environment.
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none());
        let client = client.no_proxy().build().map_err(|_| wrong())?;
        let places = Semaphore::new(config.in_flight_max.clamp(1, Semaphore::MAX_PERMITS));
        Ok((Self { client, places, name: config.name.clone(), deadline: config.deadline }, root))
    }

    /// A place among the operations at once. One that comes when the time is nearly over is none: the system would be blamed
    /// for our own queue.
    pub(crate) async fn place(&self, until: Instant) -> Result<SemaphorePermit<'_>, TargetError> {
        let place = timeout_at(until, self.places.acquire()).await;
        let too_late = until.saturating_duration_since(Instant::now()) < self.deadline / 10;
        match place {
            Ok(Ok(place)) if !too_late => Ok(place),
            Ok(Ok(_) | Err(_)) | Err(_) => Err(self.busy(None)),
        }
    }

    /// One request of a write. A process that stood still until its time was over sends nothing any more: the lease may be
    /// another's by now.
    pub(crate) async fn attempt(&self, request: RequestBuilder, until: Instant) -> Attempt {
        if Instant::now() >= until {
            return Attempt::NotSent(self.slow());
        }
        match timeout_at(until, request.send()).await {
            Ok(Ok(response)) => Attempt::Answered(response),
            Ok(Err(error)) if error.is_connect() => Attempt::NotSent(self.unavailable()),
            Ok(Err(error)) => Attempt::MaybeSent(self.broken(&error)),
            Err(_) => Attempt::MaybeSent(self.slow()),
        }
    }

    /// The whole of an answer's body, up to four megabytes.
    pub(crate) async fn body(&self, mut response: Response) -> Result<Vec<u8>, NoBody> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(NoBody::Broken)? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(NoBody::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body within the deadline; what broke off is the system's fault.
    pub(crate) async fn body_by(&self, response: Response, until: Instant) -> Result<Vec<u8>, TargetError> {
        match timeout_at(until, self.body(response)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(NoBody::Broken(error))) => Err(self.broken(&error)),
            Ok(Err(NoBody::TooLong)) => Err(self.unreadable()),
            Err(_) => Err(self.slow()),
        }
    }

    /// Until when an operation that begins now may take.
    pub(crate) fn until(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// The target's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a request came to that has no answer.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> TargetError {
        if error.is_timeout() && !error.is_connect() { self.slow() } else { self.unavailable() }
    }

    pub(crate) fn slow(&self) -> TargetError {
        TargetError::Slow { target: self.name.clone() }
    }

    pub(crate) fn unavailable(&self) -> TargetError {
        TargetError::Unavailable { target: self.name.clone() }
    }

    pub(crate) fn unreadable(&self) -> TargetError {
        TargetError::Unreadable { target: self.name.clone() }
    }

    pub(crate) fn misconfigured(&self) -> TargetError {
        TargetError::Misconfigured { target: self.name.clone() }
    }

    pub(crate) fn busy(&self, retry_after: Option<Duration>) -> TargetError {
        TargetError::Busy { target: self.name.clone(), retry_after }
    }
}

/// The pause a system asks for, in seconds or as a date; nonsense counts as nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_at(headers, Timestamp::now())
}

fn retry_after_at(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_when_the_time_is_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (line, url) = Line::new(&TargetConfig::new("t", url, "u", "p".to_owned().into())).unwrap();
        let attempt = line.attempt(line.client.post(url), Instant::now()).await;
        assert!(matches!(attempt, Attempt::NotSent(TargetError::Slow { .. })));
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "something was sent");
    }

    #[test]
    fn a_pause_is_read_in_seconds_or_as_a_date_and_bounded() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let pause = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after_at(&headers, now).map(|pause| pause.as_secs())
        };
        assert_eq!(pause("7"), Some(7));
        assert_eq!(pause("Mon, 23 Nov 2026 10:00:09 GMT"), Some(9));
        assert_eq!(pause("Mon, 23 Nov 2026 09:00:00 GMT"), Some(0), "a date that has passed means now");
        assert_eq!(pause("99999999999"), Some(RETRY_AFTER_MAX.as_secs()));
        assert_eq!(pause("soon"), None);
    }
}
