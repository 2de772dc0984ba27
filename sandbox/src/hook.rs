//! A hook such as that of an SMS gateway: a request becomes a message that goes out, and nobody can ask for it afterwards.
//! `plain` sends whatever comes; `keyed` honours the header `Idempotency-Key` as draft-ietf-httpapi-idempotency-key-header
//! has it. A refusal names what is wrong with a body and never repeats it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use thiserror::Error;

use crate::auth::bears;
use crate::http::plain;
use crate::journal::Journal;
use crate::system::System;

/// Where both addresses begin.
pub(crate) const ROOT: &str = "/hook/";
const PLAIN: &str = "/hook/plain";
const KEYED: &str = "/hook/keyed";
const TEXTS: [&str; 4] = ["key", "operation", "tracking", "language"];
const MAX_BODY: usize = 64 << 10;
const MAX_KEY: usize = 255;
/// How many keys it keeps; the oldest goes.
const MAX_KEYS: usize = 10_000;

/// The hook with what it keeps.
pub(crate) struct Hook {
    token: String,
    sent: AtomicU64,
    kept: Mutex<VecDeque<Kept>>,
    journal: Arc<Journal>,
}

/// A key that came, with the body it came with.
struct Kept {
    key: String,
    body: Bytes,
    /// The id of the message; none while it is at work.
    id: Option<String>,
}

/// Holds a key while its first request is at work. A request that ends without a message lets the key go.
pub(crate) struct Place {
    hook: Arc<Hook>,
    key: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hook.kept().retain(|kept| kept.key != self.key || kept.id.is_some());
    }
}

/// A refusal of the hook.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    #[error("the bearer token is missing or wrong")]
    Token,
    #[error("there is no such hook")]
    NotFound,
    #[error("a hook takes POST only")]
    Method,
    #[error("a body may have {MAX_BODY} bytes at most")]
    TooLarge,
    #[error(
        "the body must be a JSON object with the texts key, operation, tracking, language and the object slots"
    )]
    Body,
    #[error("the header Idempotency-Key is missing or not a key of 1 to {MAX_KEY} visible characters")]
    NoKey,
    #[error("the first request with this Idempotency-Key is still at work")]
    AtWork,
    #[error("this Idempotency-Key came before with another body")]
    OtherBody,
}

impl Problem {
    /// A stable word for logs and tests.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Problem::Token => "token",
            Problem::NotFound => "not_found",
            Problem::Method => "method",
            Problem::TooLarge => "too_large",
            Problem::Body => "body",
            Problem::NoKey => "no_key",
            Problem::AtWork => "at_work",
            Problem::OtherBody => "other_body",
        }
    }

    fn response(&self) -> Response<Body> {
        let status = match self {
            Problem::Token => StatusCode::UNAUTHORIZED,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Body | Problem::NoKey => StatusCode::BAD_REQUEST,
            Problem::AtWork => StatusCode::CONFLICT,
            Problem::OtherBody => StatusCode::UNPROCESSABLE_ENTITY,
        };
        problem(status, &self.to_string())
    }
}

/// An error answer in the form of RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({"type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail});
    let mut response = plain(status, "application/problem+json", body.to_string());
    let needed = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
        _ => None,
    };
    if let Some((name, value)) = needed {
        let _none = response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A request that may become a message.
struct Asked<'a> {
    body: &'a Bytes,
    reference: String,
    /// The Idempotency-Key, where the hook honours one.
    key: Option<String>,
}

impl Hook {
    pub(crate) fn new(token: &str, journal: Arc<Journal>) -> Arc<Hook> {
        let (sent, kept) = (AtomicU64::new(0), Mutex::default());
        Arc::new(Hook { token: token.to_owned(), sent, kept, journal })
    }

    /// Takes the key of a request that has just come in, unless it is known already. From here on it is at work.
    pub(crate) fn begin(self: &Arc<Self>, request: &Parts, body: Option<&Bytes>) -> Option<Place> {
        let asked = self.read(request, body).ok()?;
        let key = asked.key?;
        let mut kept = self.kept();
        if kept.iter().any(|kept| kept.key == key) {
            return None;
        }
        keep(&mut kept, Kept { key: key.clone(), body: asked.body.clone(), id: None });
        Some(Place { hook: Arc::clone(self), key })
    }

    /// Answers one request; `place` is what it took when it came in. No body means one that is too large.
    pub(crate) fn answer(
        &self,
        request: &Parts,
        body: Option<&Bytes>,
        place: Option<&Place>,
    ) -> Response<Body> {
        let sent = self.read(request, body).and_then(|asked| match &asked.key {
            Some(key) => self.send_once(key, &asked, place.is_some()),
            None => Ok(self.send(&asked)),
        });
        match sent {
            Ok(id) => plain(StatusCode::OK, "application/json", json!({"id": id}).to_string()),
            Err(problem) => {
                tracing::debug!(kind = problem.kind(), "the hook refused a request");
                problem.response()
            }
        }
    }

    fn read<'a>(&self, request: &Parts, body: Option<&'a Bytes>) -> Result<Asked<'a>, Problem> {
        if !bears(&request.headers, &self.token) {
            return Err(Problem::Token);
        }
        let keyed = match request.uri.path() {
            PLAIN => false,
            KEYED => true,
            _ => return Err(Problem::NotFound),
        };
        if request.method != Method::POST {
            return Err(Problem::Method);
        }
        let body = body.filter(|body| body.len() <= MAX_BODY).ok_or(Problem::TooLarge)?;
        let key = if keyed { Some(idempotency_key(&request.headers).ok_or(Problem::NoKey)?) } else { None };
        let json: Value = serde_json::from_slice(body).map_err(|_| Problem::Body)?;
        let text = |name: &str| json[name].as_str().filter(|text| !text.is_empty());
        if !TEXTS.iter().all(|name| text(name).is_some()) || !json["slots"].is_object() {
            return Err(Problem::Body);
        }
        Ok(Asked { body, reference: text("key").unwrap_or_default().to_owned(), key })
    }

    fn send_once(&self, key: &str, asked: &Asked<'_>, at_work: bool) -> Result<String, Problem> {
        let mut kept = self.kept();
        match kept.iter_mut().find(|kept| kept.key == key) {
            Some(known) if known.body != *asked.body => Err(Problem::OtherBody),
            Some(Kept { id: Some(id), .. }) => Ok(id.clone()),
            Some(_) if !at_work => Err(Problem::AtWork),
            Some(known) => Ok(known.id.insert(self.send(asked)).clone()),
            None => {
                let id = self.send(asked);
                keep(&mut kept, Kept { key: key.to_owned(), body: asked.body.clone(), id: Some(id.clone()) });
                Ok(id)
            }
        }
    }

    fn send(&self, asked: &Asked<'_>) -> String {
        let id = format!("msg-{}", self.sent.fetch_add(1, Ordering::Relaxed) + 1);
        self.journal.note(System::Hook, &id, &asked.reference);
        id
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(kept: &mut VecDeque<Kept>, new: Kept) {
    if kept.len() == MAX_KEYS {
        let _oldest = kept.pop_front();
    }
    kept.push_back(new);
}

/// The draft puts the key in quotes, most clients send it bare; both mean the same key.
fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("idempotency-key")?.to_str().ok()?.trim();
    let key = sent.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(sent);
    let fits = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| key.to_owned())
}
