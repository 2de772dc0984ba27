//! How a process is, over HTTP: alive, ready and why not, and its metrics. It looks at the database and the log at most
//! once a second, however often it is asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::ProcessError;
use crate::{bus::kafka::KafkaBus, store::Store, telemetry};

const LOOK_EACH: Duration = Duration::from_secs(1);
const LOOK_TIME_MAX: Duration = Duration::from_secs(2);

/// What is looked at while a process serves.
#[derive(Clone)]
pub struct Probes {
    /// The database.
    pub store: Store,
    /// The brokers; none on the embedded backing.
    pub bus: Option<KafkaBus>,
}

#[derive(Clone)]
enum Phase {
    Waiting(&'static str),
    Serving(Probes),
    Stopping,
}

/// Whether a process can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ready,
    WaitingFor(&'static str),
    Stopping,
}

/// How a process is.
pub struct Health {
    phase: Mutex<Phase>,
    looked: tokio::sync::Mutex<Option<(Instant, Verdict)>>,
}

impl Health {
    /// A process that has just begun.
    pub fn starting() -> Self {
        Self { phase: Mutex::new(Phase::Waiting("settings")), looked: tokio::sync::Mutex::default() }
    }

    /// It waits for something.
    pub fn waiting_for(&self, what: &'static str) {
        self.enter(Phase::Waiting(what));
    }

    /// It serves.
    pub fn serving(&self, probes: Probes) {
        self.enter(Phase::Serving(probes));
    }

    /// It stops: nothing new should be sent here.
    pub fn stopping(&self) {
        self.enter(Phase::Stopping);
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    async fn verdict(&self) -> Verdict {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let probes = match phase {
            Phase::Waiting(what) => return Verdict::WaitingFor(what),
            Phase::Stopping => return Verdict::Stopping,
            Phase::Serving(probes) => probes,
        };
        let mut looked = self.looked.lock().await;
        if let Some((at, verdict)) = *looked
            && at.elapsed() < LOOK_EACH
        {
            return verdict;
        }
        let verdict = look(&probes).await;
        *looked = Some((Instant::now(), verdict));
        verdict
    }
}

async fn look(probes: &Probes) -> Verdict {
    if !matches!(timeout(LOOK_TIME_MAX, probes.store.ping()).await, Ok(Ok(()))) {
        return Verdict::WaitingFor("database");
    }
    match &probes.bus {
        Some(bus) if bus.ping(LOOK_TIME_MAX).await.is_err() => Verdict::WaitingFor("kafka"),
        Some(_) | None => Verdict::Ready,
    }
}

/// `/health/live`, `/health/ready` and `/metrics`.
pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/health/live", get(|| async { Json(json!({"status": "live"})) }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn ready(Shared(health): Shared<Arc<Health>>) -> Response {
    match health.verdict().await {
        Verdict::Ready => Json(json!({"status": "ready"})).into_response(),
        Verdict::WaitingFor(what) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "waiting", "for": what}))).into_response()
        }
        Verdict::Stopping => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "stopping"}))).into_response()
        }
    }
}

async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], telemetry::metrics()).into_response()
}

/// Serves health and metrics until the process stops.
pub(super) async fn listen(
    address: SocketAddr,
    health: Arc<Health>,
    shutdown: CancellationToken,
) -> Result<JoinHandle<()>, ProcessError> {
    let listener = TcpListener::bind(address).await.map_err(|error| ProcessError::Listen {
        address: address.to_string(),
        setting: "health.listen",
        reason: error.kind(),
    })?;
    Ok(tokio::spawn(async move {
        let served = axum::serve(listener, router(health)).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "health and metrics are not served any more");
        }
    }))
}
