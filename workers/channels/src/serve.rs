//! The channels worker as a process of its own: the page and its interface, health and metrics beside them, and replies
//! that other processes of the same group have kept.

use std::sync::Arc;

use peyvand::process::{Cluster, ProcessError, health_router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Channels, Hub, OpenDesk, web};

/// Serves until the process is told to stop.
///
/// # Errors
/// [`ProcessError`] when the address cannot be listened on or the log ends.
pub async fn serve(cluster: Arc<Cluster>) -> Result<(), ProcessError> {
    let address = cluster.config.channels_listen;
    let listener = TcpListener::bind(address).await.map_err(|error| ProcessError::Listen {
        address: address.to_string(),
        setting: "channels.listen",
        reason: error.kind(),
    })?;
    let hub = Arc::new(Hub::new());
    let desk = OpenDesk {
        producer: cluster.bus.producer(),
        store: cluster.store.clone(),
        schemas: Arc::clone(&cluster.schemas),
        hub: Arc::clone(&hub),
    };
    let config = web::WebConfig::new(cluster.config.tenant.clone());
    let router = web::router(Arc::new(desk), config).merge(health_router(Arc::clone(&cluster.health)));
    let ended = CancellationToken::new();
    let serving = tokio::spawn(web::serve(listener, router, ended.clone()));
    let listening = tokio::spawn(listen(Arc::clone(&cluster), Arc::clone(&hub)));
    let handler = Channels { hub, store: cluster.store.clone() };
    let worked = cluster.work(handler).await;
    ended.cancel();
    if serving.await.is_err() {
        tracing::error!("the web server ended with a panic");
    }
    listening.abort();
    worked
}

/// Wakes those who wait here for replies that another process of the group has kept. A notice may be lost: whoever
/// waits looks again from time to time.
async fn listen(cluster: Arc<Cluster>, hub: Arc<Hub>) {
    let Some(mut announced) = cluster.store.announcements() else { return };
    while let Some(Some(conversation)) = cluster.shutdown.run_until_cancelled(announced.recv()).await {
        hub.notify(&conversation);
    }
}
