//! The web channel over real sockets on loopback, with a desk in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of a test unwrap as the test does")]

mod desk;
mod http;
mod page;
mod socket;

use std::sync::Arc;

use desk::MemoryDesk;
use peyvand::event::TenantId;
use peyvand_channels::web::{WebConfig, router, serve};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running web channel.
struct Site {
    address: String,
    desk: Arc<MemoryDesk>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Site {
    async fn start() -> Self {
        Self::with(config()).await
    }

    async fn with(config: WebConfig) -> Self {
        let desk = Arc::new(MemoryDesk::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let shared: Arc<MemoryDesk> = Arc::clone(&desk);
        let server = tokio::spawn(serve(listener, router(shared, config), stop.clone()));
        Self { address, desk, stop, server }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn config() -> WebConfig {
    WebConfig::new(TenantId::parse("demo").unwrap())
}
