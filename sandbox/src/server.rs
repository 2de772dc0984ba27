//! The HTTP surface: every request to one of the systems passes the fault switches and is noted in the ledger; the control
//! surface beside them sets the switches and shows the ledger. It needs no logon, which is why the stand-in stays on loopback.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{any, get};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::faults::{Fault, FaultBody, Faults};
use crate::hook::{self, Hook, Place};
use crate::http::{percent_decode, plain};
use crate::ledger::{Ledger, SeenRequest};
use crate::line::Line;
use crate::salesforce::{self, Salesforce};
use crate::sap::{self, Gateway, SapError, error_body, logon_failed};
use crate::system::System;

const MAX_BODY: usize = 1 << 20;

/// Everything the server holds.
pub(crate) struct App {
    gateway: Gateway,
    salesforce: Salesforce,
    hook: Arc<Hook>,
    faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
    stopping: CancellationToken,
}

impl App {
    pub(crate) fn new(
        gateway: Gateway,
        salesforce: Salesforce,
        hook: Arc<Hook>,
        stopping: CancellationToken,
    ) -> App {
        App { gateway, salesforce, hook, faults: Mutex::default(), ledger: Mutex::default(), stopping }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request to a system.
struct Asked {
    system: System,
    parts: Parts,
    /// None when it is too large.
    body: Option<Bytes>,
    /// What the hook's first request with a key holds as long as it is at work.
    place: Option<Place>,
}

/// The routes of the stand-in.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(&format!("{}/{{*rest}}", sap::ROOT), any(serve))
        .route(&format!("{}{{*rest}}", salesforce::ROOT), any(serve))
        .route(&format!("{}{{*rest}}", hook::ROOT), any(serve))
        .route("/_sandbox/faults", get(list_faults).put(put_fault).delete(clear_faults))
        .route("/_sandbox/requests", get(list_requests).delete(clear_requests))
        .with_state(app)
}

async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The body is read first even when the connection is to be dropped: an unread body would turn the close into a reset.
    let body = to_bytes(body, MAX_BODY).await.ok();
    let query = parts.uri.query().unwrap_or_default();
    let decoded = |text: &str| percent_decode(&text.replace('+', " ")).unwrap_or_else(|| text.to_owned());
    let system = System::of(parts.uri.path());
    let place = match system {
        System::Hook => app.hook.begin(&parts, body.as_ref()),
        System::Sap | System::Salesforce => None,
    };
    let asked = Asked { system, parts: parts.clone(), body, place };
    let fault = app.faults().strike(parts.method.as_str(), &decoded(parts.uri.path()), &decoded(query));
    let struck_by_fault = fault.is_some();
    let (served, cable) = (Arc::clone(&app), line.clone());
    // A task of its own: a client that goes away does not keep a system from doing what it was asked.
    let answer = tokio::spawn(async move {
        match &fault {
            Some(fault) => struck(&served, fault, &asked, &cable).await,
            None => Some(answer(&served, &asked)),
        }
    });
    let answer = answer.await.unwrap_or_default();
    app.ledger().note(SeenRequest {
        number: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query.to_owned(),
        status: answer.as_ref().map(|answer| answer.status().as_u16()),
        fault: struck_by_fault,
    });
    answer.unwrap_or_else(|| {
        line.cut();
        Response::new(Body::empty())
    })
}

fn answer(app: &App, asked: &Asked) -> Response<Body> {
    let (parts, body) = (&asked.parts, asked.body.as_ref());
    match (asked.system, body) {
        (System::Sap, Some(body)) => app.gateway.answer(parts, body),
        (System::Sap, None) => SapError::TooLarge.response(true),
        (System::Salesforce, body) => app.salesforce.answer(parts, body),
        (System::Hook, body) => app.hook.answer(parts, body, asked.place.as_ref()),
    }
}

/// Carries a fault out; none means the connection is to be cut without an answer.
async fn struck(app: &App, fault: &Fault, asked: &Asked, line: &Line) -> Option<Response<Body>> {
    let waited =
        app.stopping.run_until_cancelled(tokio::time::sleep(Duration::from_millis(fault.delay_ms))).await;
    if fault.drop || waited.is_none() {
        return None;
    }
    if fault.expire_csrf {
        app.gateway.expire_sessions();
    }
    if fault.expire_token {
        app.salesforce.expire_token();
    }
    if let Some(status) = fault.status {
        return Some(failure(app, fault, asked, status));
    }
    let answer = answer(app, asked);
    if fault.drop_after_commit {
        return None;
    }
    if fault.half_body { halve(answer, line.clone()).await } else { Some(answer) }
}

fn failure(app: &App, fault: &Fault, asked: &Asked, status: u16) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let words = status.canonical_reason().unwrap_or("Error");
    let mut response = match fault.body {
        FaultBody::Sap => match asked.system {
            System::Sap if status == StatusCode::UNAUTHORIZED => logon_failed(),
            System::Sap => error_body(status, "/IWFND/CM_MGW/100", words, "", true),
            System::Salesforce => app.salesforce.failure(asked.parts.uri.path(), status),
            System::Hook => hook::problem(status, words),
        },
        FaultBody::Html => {
            let html =
                format!("<html><head><title>{words}</title></head><body><h1>{status}</h1></body></html>");
            plain(status, "text/html; charset=utf-8", html)
        }
        FaultBody::Empty => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        }
    };
    let retry_after = fault.retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    if let Some(value) = retry_after {
        let _none = response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// The answer promised in full and sent by half. An answer too short to halve is not sent at all.
async fn halve(answer: Response<Body>, line: Line) -> Option<Response<Body>> {
    let (mut parts, body) = answer.into_parts();
    let whole = to_bytes(body, usize::MAX).await.ok()?;
    if whole.len() < 2 {
        return None;
    }
    let _none = parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let chunks = stream::unfold((Some(half), line), |(half, line)| async move {
        if let Some(half) = half {
            return Some((Ok(half), (None, line)));
        }
        // Standing aside once lets the first half go out before the line is cut.
        tokio::task::yield_now().await;
        line.cut();
        Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)), (None, line)))
    });
    Some(Response::from_parts(parts, Body::from_stream(chunks)))
}

async fn list_faults(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({"faults": app.faults().list()}))
}

async fn put_fault(State(app): State<Arc<App>>, body: Bytes) -> (StatusCode, Json<Value>) {
    let set = serde_json::from_slice(&body)
        .map_err(|error| format!("the body is not a fault: {error}"))
        .and_then(|fault| app.faults().put(fault).map_err(|error| error.to_string()));
    match set {
        Ok(()) => (StatusCode::OK, Json(json!({"faults": app.faults().list()}))),
        Err(reason) => (StatusCode::BAD_REQUEST, Json(json!({"error": reason}))),
    }
}

async fn clear_faults(State(app): State<Arc<App>>) -> StatusCode {
    app.faults().clear();
    StatusCode::NO_CONTENT
}

async fn list_requests(State(app): State<Arc<App>>) -> Json<Value> {
    let ledger = app.ledger();
    Json(json!({"total": ledger.total(), "requests": ledger.list()}))
}

async fn clear_requests(State(app): State<Arc<App>>) -> StatusCode {
    app.ledger().clear();
    StatusCode::NO_CONTENT
}
