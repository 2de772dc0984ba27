//! `peyvand up`: the whole of Peyvand in one process, on the embedded log and SQLite, with the sandbox as its SAP.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use peyvand::{
    assistant::Assistant,
    bus::{Topic, embedded::EmbeddedBus},
    event::TenantId,
    language::slots::ProductName,
    store::SqliteStore,
    topics,
    worker::{self, Handler, Worker},
};
use peyvand_channels::{Channels, Hub, OpenDesk, web};
use peyvand_connector::{Connector, sap::Sap, target::TargetConfig};
use peyvand_intent_classifier::IntentClassifier;
use peyvand_reply::{Reply, render::Renderer};
use peyvand_sandbox::{Sandbox, SandboxConfig};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to serve the chat page.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where to keep conversations; they survive restarts.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Forgets what the data directory holds.
    #[arg(long)]
    fresh: bool,
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long)]
    assistant: Option<PathBuf>,
}

/// A running instance.
pub(crate) struct Instance {
    pub(crate) url: String,
    shutdown: CancellationToken,
    workers: JoinSet<anyhow::Result<()>>,
    bus: EmbeddedBus,
    sandbox: Sandbox,
}

#[allow(clippy::print_stdout, reason = "the page's address is the output")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if arguments.fresh {
        forget(&arguments.data).await?;
    }
    let mut instance = start(arguments.listen, &arguments.data, arguments.assistant.as_deref()).await?;
    println!("Peyvand is ready: {}", instance.url);
    println!("Try on the page, or with `peyvand chat`:");
    println!("  سفارش ۴۵۰۰۱ کجاست؟\n  where is order 45001?\n  موجودی سیمان چقدر است؟");
    println!("The SAP behind it is the sandbox at {}. Ctrl-C stops.", instance.sandbox.base_url());
    let ended = tokio::select! {
        () = stop_signal() => None,
        ended = instance.workers.join_next() => ended,
    };
    instance.stop().await?;
    match ended {
        Some(worker) => {
            worker?.context("a worker ended; what it had not settled is replayed by the next start")
        }
        None => Ok(()),
    }
}

async fn stop_signal() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::error!("SIGTERM cannot be heard: {error}");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _interrupt = tokio::signal::ctrl_c() => {}
        _terminate = terminate.recv() => {}
    }
}

/// Starts everything; the page is served when this returns.
pub(crate) async fn start(
    listen: SocketAddr,
    data: &Path,
    assistant: Option<&Path>,
) -> anyhow::Result<Instance> {
    let assistant = Arc::new(assistant.map_or_else(Assistant::shipped, Assistant::load)?);
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot make the data directory {}", data.display()))?;
    let bus = EmbeddedBus::open(&data.join("bus.sqlite")).await?;
    bus.create_topics(&topics::all()).await?;
    let store = SqliteStore::open(&data.join("store.sqlite")).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let sandbox_config = SandboxConfig::loopback(today());
    let (user, password) = (sandbox_config.user.clone(), sandbox_config.password.clone());
    let sandbox = peyvand_sandbox::start(sandbox_config).await?;
    let sap = Sap::new(TargetConfig::new("sap", sandbox.base_url(), user, password.into()))?;
    let classifier = IntentClassifier::new(Arc::clone(&assistant), &products(&sap).await?)?;
    let reply = Reply::new(Renderer::new(&assistant.replies)?);
    let hub = Arc::new(Hub::new());
    let tenant = TenantId::parse("demo")?;

    let shutdown = CancellationToken::new();
    let desk = OpenDesk { producer: bus.producer(), store: store.clone(), hub: Arc::clone(&hub) };
    let router = web::router(Arc::new(desk), web::WebConfig::new(tenant));
    let mut workers = JoinSet::new();
    employ(&mut workers, &bus, &store, &shutdown, classifier)?;
    employ(&mut workers, &bus, &store, &shutdown, Connector::new(sap, "sap"))?;
    employ(&mut workers, &bus, &store, &shutdown, reply)?;
    employ(&mut workers, &bus, &store, &shutdown, Channels { hub })?;
    let stop = shutdown.clone();
    workers.spawn(async move {
        web::serve(listener, router, stop).await;
        Ok(())
    });
    Ok(Instance { url, shutdown, workers, bus, sandbox })
}

impl Instance {
    /// Lets running work finish and closes everything.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        let finished = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(25), finished).await.is_err() {
            tracing::warn!("some work was still running; it is replayed by the next start");
        }
        self.sandbox.shutdown().await;
        Ok(self.bus.close().await?)
    }
}

/// Starts a worker on the topics that its group reads.
fn employ<H: Handler>(
    workers: &mut JoinSet<anyhow::Result<()>>,
    bus: &EmbeddedBus,
    store: &SqliteStore,
    shutdown: &CancellationToken,
    handler: H,
) -> anyhow::Result<()> {
    let read: Vec<Topic> = topics::READERS
        .iter()
        .filter(|(_, group)| *group == H::GROUP)
        .map(|(topic, _)| Topic::new(*topic))
        .collect();
    let consumer = bus.consumer(H::GROUP, &read)?;
    let worker = Worker { consumer, producer: bus.producer(), store: store.clone(), handler };
    let shutdown = shutdown.clone();
    workers.spawn(async move { Ok(worker::run(worker, shutdown).await?) });
    Ok(())
}

async fn products(sap: &Sap) -> anyhow::Result<Vec<ProductName>> {
    let products = sap.products().await?;
    let names = products.into_iter().map(|product| ProductName {
        names: [product.name_fa, product.name_en].into_iter().flatten().collect(),
        sku: product.sku,
    });
    Ok(names.collect())
}

fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

async fn forget(data: &Path) -> anyhow::Result<()> {
    let log = data.join("bus.sqlite");
    if log.exists() {
        // Opening takes the lock: an instance that runs on this directory keeps its files.
        EmbeddedBus::open(&log).await?.close().await?;
    }
    for file in ["bus.sqlite", "store.sqlite"] {
        for tail in ["", "-wal", "-shm"] {
            let path = data.join(format!("{file}{tail}"));
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                }
            }
        }
    }
    Ok(())
}
