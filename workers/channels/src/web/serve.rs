//! Runs the web channel on a listener until it is told to stop. It knows no route.

use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long open requests and sockets have to end.
const DRAIN_MAX: Duration = Duration::from_secs(10);

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
    let listener = listener.tap_io(|stream| {
        // Replies are small and awaited; a socket that cannot be tuned is only slower.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays without TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, router.layer(Extension(closing.clone())));
    let server =
        tokio::spawn(server.with_graceful_shutdown(shutdown.clone().cancelled_owned()).into_future());
    shutdown.cancelled().await;
    closing.sockets.close();
    let drained = timeout(DRAIN_MAX, async {
        if let Ok(Err(error)) = server.await {
            tracing::error!(%error, "the web server ended with an error");
        }
        closing.sockets.wait().await;
    });
    if drained.await.is_err() {
        tracing::warn!("web requests were still open ten seconds after the stop and are cut");
    }
}
