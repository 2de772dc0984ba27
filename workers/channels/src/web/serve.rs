//! Runs the web channel on a listener until it is told to stop. It knows no route. A connection that says nothing, or
//! says it too slowly, is closed: each one held costs a file handle.

use std::{pin::pin, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long open requests and sockets have to end.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be silent or take over the head of a request; a WebSocket is past that.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Room for a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long nobody is let in after the system could not give a connection, as when no file handle is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Tells waiting requests and sockets that the server stops, and the server when the sockets have ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    pub(super) token: CancellationToken,
    pub(super) sockets: TaskTracker,
}

/// Serves until `shutdown` is cancelled; then sockets are closed with 1001 and at most ten seconds are waited for what
/// is still open.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let closing = Closing { token: shutdown.clone(), sockets: TaskTracker::new() };
    let service = TowerToHyperService::new(router.layer(Extension(closing.clone())));
    let connections = TaskTracker::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, service.clone(), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken; is the limit of open files too low?");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    closing.sockets.close();
    let drained = timeout(DRAIN_MAX, async {
        connections.wait().await;
        closing.sockets.wait().await;
    });
    if drained.await.is_err() {
        tracing::warn!("web requests were still open ten seconds after the stop and are cut");
    }
}

async fn connection(stream: TcpStream, service: TowerToHyperService<Router>, shutdown: CancellationToken) {
    // Replies are small and awaited; a socket that cannot be tuned is only slower.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays without TCP_NODELAY");
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX).max_buf_size(HEAD_BYTES_MAX);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
