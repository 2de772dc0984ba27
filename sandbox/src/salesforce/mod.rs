//! A Salesforce organisation with one object, Case: takes one request to its end, token first, then the resource. It speaks
//! the REST interface and knows nothing of faults; those are laid over it from outside.

mod cases;
mod error;
mod oauth;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

use crate::http::percent_decode;
use crate::journal::Journal;
use crate::system::System;
use cases::{Case, Cases};
use error::{SalesforceError, answer};
use oauth::OAuth;

/// Where all its addresses begin.
pub(crate) const ROOT: &str = "/services/";
const TOKEN: &str = "/services/oauth2/token";
const DATA: &str = "/services/data";
const VERSIONS: [(&str, &str); 2] = [("66.0", "Spring '26"), ("67.0", "Summer '26")];
/// How many calls a day the organisation has; the sandbox counts them and never says no.
const DAILY_CALLS: u32 = 100_000;

/// The organisation with its data.
pub(crate) struct Salesforce {
    oauth: OAuth,
    cases: RwLock<Cases>,
    calls: AtomicU64,
    journal: Arc<Journal>,
}

/// What an address names.
enum Resource {
    Versions,
    Describe,
    ByKey(String),
    ById(String),
}

impl Salesforce {
    pub(crate) fn new(client: (&str, &str), addr: SocketAddr, journal: Arc<Journal>) -> Salesforce {
        let oauth = OAuth::new(client, addr);
        Salesforce { oauth, cases: RwLock::default(), calls: AtomicU64::new(0), journal }
    }

    /// Ends the session, so that its token is refused.
    pub(crate) fn expire_token(&self) {
        self.oauth.expire();
    }

    /// Answers one request; no body means one that is too large.
    pub(crate) fn answer(&self, request: &Parts, body: Option<&Bytes>) -> Response<Body> {
        self.counted(match body {
            Some(body) if request.uri.path() == TOKEN => {
                self.oauth.answer(&request.method, &request.headers, body)
            }
            Some(body) => self.route(request, body).unwrap_or_else(|error| {
                tracing::debug!(kind = error.kind(), "salesforce refused a request");
                error.response()
            }),
            None => SalesforceError::TooLarge.response(),
        })
    }

    /// The failure that a fault asks for.
    pub(crate) fn failure(&self, path: &str, status: StatusCode) -> Response<Body> {
        self.counted(error::failure(status, path == TOKEN))
    }

    fn counted(&self, mut response: Response<Body>) -> Response<Body> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(usage) = HeaderValue::from_str(&format!("api-usage={calls}/{DAILY_CALLS}")) {
            let _none = response.headers_mut().insert("sforce-limit-info", usage);
        }
        response
    }

    fn route(&self, request: &Parts, body: &Bytes) -> Result<Response<Body>, SalesforceError> {
        let below = request.uri.path().strip_prefix(DATA).ok_or(SalesforceError::NotFound)?;
        if !self.oauth.allows(&request.headers) {
            return Err(SalesforceError::Session);
        }
        let (version, resource) = parse(below).ok_or(SalesforceError::NotFound)?;
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let found = match resource {
            Resource::ByKey(key) if request.method == Method::PATCH => {
                return self.upsert(&key, &request.headers, body);
            }
            Resource::ByKey(_) if !reads => return Err(SalesforceError::Method("GET, HEAD, PATCH")),
            Resource::Versions | Resource::Describe | Resource::ById(_) if !reads => {
                return Err(SalesforceError::Method("GET, HEAD"));
            }
            Resource::Versions => versions(),
            Resource::Describe => cases::describe(),
            Resource::ByKey(key) => self.record(request, version, |cases| cases.by_key(&key))?,
            Resource::ById(id) => self.record(request, version, |cases| cases.by_id(&id))?,
        };
        Ok(answer(StatusCode::OK, &found))
    }

    fn record(
        &self,
        request: &Parts,
        version: &str,
        find: impl FnOnce(&Cases) -> Option<&Case>,
    ) -> Result<serde_json::Value, SalesforceError> {
        let cases = self.cases.read().unwrap_or_else(PoisonError::into_inner);
        let case = find(&cases).ok_or(SalesforceError::NotFound)?;
        let query = request.uri.query().unwrap_or_default();
        let fields = query.split('&').find_map(|pair| pair.strip_prefix("fields="));
        let fields = fields.and_then(|text| percent_decode(&text.replace('+', " ")));
        case.record(version, fields.as_deref().filter(|fields| !fields.is_empty()))
    }

    fn upsert(
        &self,
        key: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Response<Body>, SalesforceError> {
        let sent = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if !sent.to_ascii_lowercase().starts_with(b"application/json") {
            return Err(SalesforceError::MediaType);
        }
        let mut cases = self.cases.write().unwrap_or_else(PoisonError::into_inner);
        let (case, created) = cases.upsert(key, body)?;
        if created {
            self.journal.note(System::Salesforce, &case.number, key);
        }
        let status = if created { StatusCode::CREATED } else { StatusCode::OK };
        Ok(answer(status, &json!({"id": case.id, "success": true, "errors": [], "created": created})))
    }
}

/// What a path below the data root names, with the version it asks for; none when there is no such thing.
fn parse(below: &str) -> Option<(&str, Resource)> {
    let mut segments = below.trim_matches('/').split('/');
    let version = segments.next().unwrap_or_default();
    let rest: Vec<&str> = segments.collect();
    let known = || version.strip_prefix('v').is_some_and(|v| VERSIONS.iter().any(|(known, _)| *known == v));
    let resource = match rest.as_slice() {
        [] if version.is_empty() => Resource::Versions,
        ["sobjects", "Case", "describe"] if known() => Resource::Describe,
        ["sobjects", "Case", id] if known() => Resource::ById(percent_decode(id)?),
        ["sobjects", "Case", cases::KEY, key] if known() => Resource::ByKey(percent_decode(key)?),
        _ => return None,
    };
    Some((version, resource))
}

fn versions() -> serde_json::Value {
    let one = |(version, label): &(&str, &str)| json!({"label": label, "url": format!("{DATA}/v{version}"), "version": version});
    VERSIONS.iter().map(one).collect()
}
