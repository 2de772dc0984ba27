//! How a process is, over HTTP: alive, ready and why not, and its metrics. It looks at the database and the log at most
//! once a second, however often it is asked.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
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
use crate::{
    bus::{
        TopicPartition,
        kafka::{KafkaBus, Membership},
    },
    store::Store,
    telemetry,
    worker::{Pulses, Signs},
};

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

/// For how long open records may stand still, or a broker, the group or a loop be silent, before a process is not ready. A
/// member looks every ten seconds when it last heard a broker and whether its group serves it.
const STILL_MAX: Duration = Duration::from_secs(60);
const SILENT_MAX: Duration = Duration::from_secs(30);
/// After what time a loop or a thread that has not turned never will.
const STUCK_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone)]
enum Phase {
    Waiting(&'static str),
    Serving(Probes),
    Stopping,
}

/// Whether a process can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Ready,
    WaitingFor(&'static str),
    /// What has to be written is not taken; in words, why.
    Refused(String),
    Stopping,
}

impl Verdict {
    /// The first of two that is not ready.
    fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Ready => other(),
            Self::WaitingFor(_) | Self::Refused(_) | Self::Stopping => self,
        }
    }
}

/// How a process is.
pub struct Health {
    pulses: Arc<Pulses>,
    phase: Mutex<Phase>,
    looked: tokio::sync::Mutex<Option<(Instant, Verdict)>>,
    /// A partition with records that do not come, and for how long.
    standing: Mutex<Option<(TopicPartition, Duration)>>,
}

impl Health {
    /// A process that has just begun.
    pub fn starting() -> Self {
        Self {
            pulses: Pulses::new(),
            phase: Mutex::new(Phase::Waiting("settings")),
            looked: tokio::sync::Mutex::default(),
            standing: Mutex::default(),
        }
    }

    /// Where its workers show that they live.
    pub fn pulses(&self) -> Arc<Pulses> {
        Arc::clone(&self.pulses)
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

    /// The partition of this process that has stood before its end for the longest time, and for how long.
    pub(super) fn stands(&self, partition: Option<(TopicPartition, Duration)>) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((place, long)) = &partition
            && do_not_come(self.pulses.signs(), *long)
        {
            tracing::warn!(%place, seconds = long.as_secs(), "its records do not come, and there is room for them");
        }
        *standing = partition;
    }

    fn standing(&self) -> Duration {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.as_ref().map(|(_, long)| *long).unwrap_or_default()
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn bus(&self) -> Option<KafkaBus> {
        match self.phase() {
            Phase::Serving(probes) => probes.bus,
            Phase::Waiting(_) | Phase::Stopping => None,
        }
    }

    /// What has not turned for so long that only a new start helps.
    fn stuck(&self) -> Option<&'static str> {
        let thread = self.bus().and_then(|bus| bus.last_turn());
        stuck(self.pulses.signs(), thread)
    }

    /// Brings the gauges up to date.
    fn measure(&self) {
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        for (group, many) in self.pulses.open() {
            *open.entry(group).or_default() += many;
        }
        for (group, many) in open {
            let many = u32::try_from(many).unwrap_or(u32::MAX);
            metrics::gauge!("peyvand_open_records", "group" => group).set(f64::from(many));
        }
        if let Some(ago) = self.bus().and_then(|bus| bus.last_contact()) {
            metrics::gauge!("peyvand_last_contact_seconds").set(ago.as_secs_f64());
        }
    }

    async fn verdict(&self) -> Verdict {
        let probes = match self.phase() {
            Phase::Waiting(what) => return Verdict::WaitingFor(what),
            Phase::Stopping => return Verdict::Stopping,
            Phase::Serving(probes) => probes,
        };
        let mut looked = self.looked.lock().await;
        if let Some((at, verdict)) = &*looked
            && at.elapsed() < LOOK_EACH
        {
            return verdict.clone();
        }
        let verdict = match look(&probes).await {
            Verdict::Ready => {
                let (signs, bus) = (self.pulses.signs(), probes.bus.as_ref());
                let refused = bus.and_then(KafkaBus::refused_topic).map_or(Verdict::Ready, Verdict::Refused);
                refused
                    .or(|| judge(signs, bus.and_then(KafkaBus::last_contact), self.standing()))
                    .or(|| bus.map_or(Verdict::Ready, |bus| judge_member(signs, bus.membership())))
                    .or(|| loops_turn(signs, bus.and_then(KafkaBus::last_turn)))
            }
            other @ (Verdict::WaitingFor(_) | Verdict::Refused(_) | Verdict::Stopping) => other,
        };
        *looked = Some((Instant::now(), verdict.clone()));
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

/// What signs of life say. Work that moves anywhere is progress: a conversation that waits for a slow system holds up
/// nobody but itself.
fn judge(signs: Signs, contact: Option<Duration>, standing: Duration) -> Verdict {
    if contact.is_some_and(|ago| ago > SILENT_MAX) {
        return Verdict::WaitingFor("kafka");
    }
    // An open record is behind the end of its partition and before what is settled: there is lag.
    if signs.open > 0 && signs.still > STILL_MAX {
        return Verdict::WaitingFor("progress");
    }
    if do_not_come(signs, standing) {
        return Verdict::WaitingFor("records");
    }
    Verdict::Ready
}

/// Whether a partition that has stood before its end for so long gives us nothing. While there is no room for more records,
/// it is we who read no further. It is looked at every thirty seconds, and what it is about every ten.
fn do_not_come(signs: Signs, standing: Duration) -> bool {
    standing.min(signs.room) >= STILL_MAX
}

/// Whether the group gives us records. Partitions that came say so at once; that there are none for us, or that the group or
/// a topic refuses us, is seen when the members look.
fn judge_member(signs: Signs, membership: Option<Membership>) -> Verdict {
    let has_joined = signs.given || membership.is_some_and(|member| member.joined);
    let is_served = membership.is_some_and(|member| member.unserved <= SILENT_MAX);
    if has_joined && is_served { Verdict::Ready } else { Verdict::WaitingFor("group") }
}

fn loops_turn(signs: Signs, thread: Option<Duration>) -> Verdict {
    if !signs.begun {
        return Verdict::WaitingFor("worker");
    }
    match since(signs, thread, SILENT_MAX) {
        Some(what) => Verdict::WaitingFor(what),
        None => Verdict::Ready,
    }
}

fn stuck(signs: Signs, thread: Option<Duration>) -> Option<&'static str> {
    since(signs, thread, STUCK_AFTER)
}

/// What has not turned for longer than this.
fn since(signs: Signs, thread: Option<Duration>, longest: Duration) -> Option<&'static str> {
    if signs.turned > longest {
        return Some("worker");
    }
    thread.is_some_and(|ago| ago > longest).then_some("kafka thread")
}

/// `/health/live`, `/health/ready` and `/metrics`.
pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn live(Shared(health): Shared<Arc<Health>>) -> Response {
    match health.stuck() {
        None => Json(json!({"status": "live"})).into_response(),
        Some(what) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "stuck", "what": what}))).into_response()
        }
    }
}

async fn ready(Shared(health): Shared<Arc<Health>>) -> Response {
    match health.verdict().await {
        Verdict::Ready => Json(json!({"status": "ready"})).into_response(),
        Verdict::WaitingFor(what) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "waiting", "for": what}))).into_response()
        }
        Verdict::Refused(why) => {
            let said = json!({"status": "waiting", "for": "topic", "why": why});
            (StatusCode::SERVICE_UNAVAILABLE, Json(said)).into_response()
        }
        Verdict::Stopping => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "stopping"}))).into_response()
        }
    }
}

async fn metrics(Shared(health): Shared<Arc<Health>>) -> Response {
    health.measure();
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
