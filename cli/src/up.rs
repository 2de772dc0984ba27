//! `peyvand up`: the whole of Peyvand in one process, on the embedded log and SQLite, with the sandbox as its SAP.

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use peyvand::{
    assistant::{Assistant, SystemKind, Target},
    bus::embedded::EmbeddedBus,
    codec::Schemas,
    event::TenantId,
    language::dates::UtcOffset,
    privacy::Sensitive,
    process::{self, Health, Probes},
    seal::SealKeys,
    store::{ParkedRoom, SqliteStore, Store},
    topics,
    worker::{self, Handler, LetterWriter, Watch, Worker},
};
use peyvand_channels::{Channels, Hub, OpenDesk, web};
use peyvand_connector::{Systems, fetch_products};
use peyvand_intent_classifier::{
    IntentClassifier, Lexicon,
    understand::{Understanding, catalogue::model_of},
};
use peyvand_reply::{Reply, render::Renderer};
use peyvand_sandbox::{Sandbox, SandboxConfig};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The file with the key of dead letters in a data directory.
const LETTERS_KEY: &str = "letters.key";

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
    /// Whether a worker stops instead of making dead letters of everything.
    #[arg(long, env = "PEYVAND_WORKER_LETTERS_GUARD", default_value = "on")]
    letters_guard: Switch,
}

/// Written as in the settings of the other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    #[value(alias = "true")]
    On,
    #[value(alias = "false")]
    Off,
}

/// A running instance.
pub(crate) struct Instance {
    pub(crate) url: String,
    shutdown: CancellationToken,
    health: Arc<Health>,
    workers: JoinSet<anyhow::Result<()>>,
    pub(crate) bus: EmbeddedBus,
    store: Store,
    pub(crate) sandbox: Sandbox,
}

#[allow(clippy::print_stdout, reason = "the page's address is the output")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if arguments.fresh {
        forget(&arguments.data).await?;
    }
    let Arguments { listen, data, assistant, letters_guard, fresh: _ } = arguments;
    let mut instance = start(listen, &data, assistant.as_deref(), letters_guard).await?;
    println!("Peyvand is ready: {}", instance.url);
    println!("Try on the page, or with `peyvand chat`:");
    println!("  سفارش ۴۵۰۰۱ کجاست؟\n  where is order 45001?\n  موجودی سیمان چقدر است؟");
    println!("The systems behind it are the sandbox at {}. Ctrl-C stops.", instance.sandbox.base_url());
    drop(tokio::spawn(process::stop_on_signal(instance.shutdown.clone(), Arc::clone(&instance.health))));
    let ended = tokio::select! {
        () = instance.shutdown.cancelled() => None,
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

/// Starts everything; the page is served when this returns.
pub(crate) async fn start(
    listen: SocketAddr,
    data: &Path,
    assistant: Option<&Path>,
    letters_guard: Switch,
) -> anyhow::Result<Instance> {
    start_on(listen, data, assistant, letters_guard, today()).await
}

/// The same, and the sandbox's company lives on this day.
pub(crate) async fn start_on(
    listen: SocketAddr,
    data: &Path,
    folder: Option<&Path>,
    letters_guard: Switch,
    day: jiff::civil::Date,
) -> anyhow::Result<Instance> {
    process::raise_open_files();
    let assistant = Arc::new(folder.map_or_else(Assistant::shipped, Assistant::load)?);
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot make the data directory {}", data.display()))?;
    let bus = EmbeddedBus::open(&data.join("bus.sqlite")).await?;
    bus.create_topics(&topics::all()).await?;
    let store = Store::Sqlite(SqliteStore::open(&data.join("store.sqlite")).await?);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let sandbox_config = SandboxConfig::loopback(day);
    let secrets = Secrets::of(&sandbox_config);
    let sandbox = peyvand_sandbox::start(sandbox_config).await?;
    let systems = Systems::new(
        &assistant,
        |target| target.is_sandbox().then(|| address_of(target, &sandbox)),
        |secret| secrets.get(&assistant, secret),
    )
    .map_err(anyhow::Error::msg)?;
    let tenant = TenantId::parse("demo")?;
    fetch_products(&systems.sap(), &store, &tenant).await.map_err(anyhow::Error::msg)?;
    let lexicon = Lexicon::new(&store.products(&tenant).await?)?;
    let understanding = Understanding::built_in(model_of(&assistant, folder, None)?);
    let classifier = IntentClassifier::with(Arc::clone(&assistant), understanding, lexicon, UtcOffset::IRAN);
    let reply = Reply::new(Renderer::new(&assistant.replies)?);
    let hub = Arc::new(Hub::new());
    let schemas = Arc::new(Schemas::embedded());

    let shutdown = CancellationToken::new();
    let desk = OpenDesk {
        producer: bus.producer(),
        store: store.clone(),
        schemas: Arc::clone(&schemas),
        hub: Arc::clone(&hub),
    };
    let health = Arc::new(Health::starting());
    health.serving(Probes { store: store.clone(), bus: None });
    let router = web::router(Arc::new(desk), web::WebConfig::new(tenant))
        .merge(process::health_router(Arc::clone(&health)));
    let mut workers = JoinSet::new();
    let hire = Hire {
        bus: &bus,
        store: &store,
        schemas: &schemas,
        health: &health,
        letters: letter_writer(data)?,
        letters_guard,
    };
    hire.employ(&mut workers, &shutdown, classifier)?;
    let (connector, relays) = systems.start(&store, &bus.producer(), &schemas, &shutdown);
    hire.employ(&mut workers, &shutdown, connector)?;
    workers.spawn(until_ended(relays));
    hire.employ(&mut workers, &shutdown, reply)?;
    hire.employ(&mut workers, &shutdown, Channels { hub, store: store.clone() })?;
    drop(tokio::spawn(process::prune(store.clone(), shutdown.clone())));
    let stop = shutdown.clone();
    workers.spawn(async move {
        web::serve(listener, router, stop).await;
        Ok(())
    });
    Ok(Instance { url, shutdown, health, workers, bus, store, sandbox })
}

/// They end when they are told to; one that ends by itself ends everything.
async fn until_ended(mut relays: JoinSet<()>) -> anyhow::Result<()> {
    while let Some(ended) = relays.join_next().await {
        ended.context("a relay of the outbox ended")?;
    }
    Ok(())
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
        self.store.close().await;
        Ok(self.bus.close().await?)
    }
}

/// What every worker here works with.
struct Hire<'a> {
    bus: &'a EmbeddedBus,
    store: &'a Store,
    schemas: &'a Arc<Schemas>,
    health: &'a Health,
    letters: LetterWriter,
    letters_guard: Switch,
}

impl Hire<'_> {
    /// Starts a worker on the topics that its group reads.
    fn employ<H: Handler>(
        &self,
        workers: &mut JoinSet<anyhow::Result<()>>,
        shutdown: &CancellationToken,
        handler: H,
    ) -> anyhow::Result<()> {
        let (group, again) = topics::redriven_to(H::GROUP);
        let worker = Worker {
            consumer: self.bus.consumer(H::GROUP, &topics::read_by(H::GROUP))?,
            redriven: self.bus.consumer(&group, &again)?,
            producer: self.bus.producer(),
            store: self.store.clone(),
            schemas: Arc::clone(self.schemas),
            handler,
            letters: self.letters.clone(),
            watch: Watch {
                pulses: self.health.pulses(),
                letters_guard: self.letters_guard == Switch::On,
                // The data directory belongs to one process at a time.
                instance: Some("up".to_owned()),
                parked: ParkedRoom::default(),
            },
        };
        let shutdown = shutdown.clone();
        workers.spawn(async move { Ok(worker::run(worker, shutdown).await?) });
        Ok(())
    }
}

/// Where the sandbox stands in for a target.
fn address_of(target: &Target, sandbox: &Sandbox) -> String {
    let base = sandbox.base_url();
    match target.system {
        SystemKind::SapS4 | SystemKind::Salesforce => base,
        SystemKind::Webhook if target.keeps_key => format!("{base}/hook/keyed"),
        SystemKind::Webhook => format!("{base}/hook/plain"),
    }
}

/// What the sandbox's systems are logged on to with.
struct Secrets {
    sap: String,
    salesforce: String,
    webhook: String,
}

impl Secrets {
    fn of(sandbox: &SandboxConfig) -> Self {
        Self {
            sap: sandbox.password.clone(),
            salesforce: sandbox.client_secret.clone(),
            webhook: sandbox.hook_token.clone(),
        }
    }

    fn get(&self, assistant: &Assistant, secret: &str) -> Option<Sensitive<String>> {
        let mut targets = assistant.targets.iter().filter(|target| target.is_sandbox());
        let target = targets.find(|target| target.password_secret == secret)?;
        let secret = match target.system {
            SystemKind::SapS4 => &self.sap,
            SystemKind::Salesforce => &self.salesforce,
            SystemKind::Webhook => &self.webhook,
        };
        Some(secret.clone().into())
    }
}

fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

/// Dead letters are sealed with the key that lies in the data directory; it is made when there is none yet.
fn letter_writer(data: &Path) -> anyhow::Result<LetterWriter> {
    let path = &data.join(LETTERS_KEY);
    if !path.exists() {
        make_key(path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let keys = SealKeys::parse(&text).with_context(|| {
        let advice = "put back the one that was there, or remove it to begin with a new one";
        format!("{} holds no key; {advice}", path.display())
    })?;
    Ok(LetterWriter { worker: process::worker_name(), keys: Arc::new(keys) })
}

/// All of it or nothing lies there afterwards, whenever this process ends.
fn make_key(path: &Path) -> anyhow::Result<()> {
    let key = SealKeys::new_text().context("the system gives no randomness")?;
    let new = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{}", key.expose())?;
    file.sync_all()?;
    Ok(std::fs::rename(&new, path)?)
}

async fn forget(data: &Path) -> anyhow::Result<()> {
    let log = data.join("bus.sqlite");
    if log.exists() {
        // Opening takes the lock: an instance that runs on this directory keeps its files.
        EmbeddedBus::open(&log).await?.close().await?;
    }
    let databases = ["bus.sqlite", "store.sqlite"];
    let files = databases.iter().flat_map(|file| ["", "-wal", "-shm"].map(|tail| format!("{file}{tail}")));
    for file in files.chain([LETTERS_KEY.to_owned()]) {
        let path = data.join(file);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_guard_over_letters_is_put_off_in_either_way_of_writing() {
        let said = |value: &str| {
            let parsed = Alone::try_parse_from(["up", "--letters-guard", value]);
            parsed.ok().map(|alone| alone.arguments.letters_guard)
        };
        for (value, means) in [
            ("on", Some(Switch::On)),
            ("true", Some(Switch::On)),
            ("off", Some(Switch::Off)),
            ("false", Some(Switch::Off)),
            ("maybe", None),
        ] {
            assert_eq!(said(value), means, "{value}");
        }
    }
}
