//! What every worker process on the cluster backing has in common: it reads its settings, waits until Kafka, registry and
//! database serve, works until it is told to stop, and says over HTTP how it is. It may not know what a worker does.

mod health;
mod lag;
mod prune;
mod unread;
mod wait;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use health::{Health, Probes, router as health_router};
pub use prune::prune;

use crate::{
    assistant::{Assistant, AssistantErrors},
    bus::{BusError, kafka::KafkaBus},
    codec::{Registry, RegistryError, Schemas},
    config::{Config, ConfigError},
    store::{PostgresStore, Store, StoreError},
    telemetry, topics,
    worker::{self, Handler, LetterWriter, Tripped, Watch, Worker, WorkerError},
};

/// A program's own fault or a wrong environment (sysexits.h EX_SOFTWARE, EX_CONFIG): a supervisor starts the former
/// again and need not start the latter.
const EXIT_SOFTWARE: u8 = 70;
const EXIT_CONFIG: u8 = 78;
/// Open files that are asked for; the system may allow fewer.
const OPEN_FILES: u64 = 1 << 17;
/// Longer names of machines are cut.
const HOST_CHARS_MAX: usize = 64;
/// How long the database and the health server may take to close.
const CLOSES_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);
/// Ended by a second signal.
const EXIT_INTERRUPTED: i32 = 130;

/// Why a worker process ends.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The assistant folder is wrong.
    #[error(transparent)]
    Assistant(#[from] AssistantErrors),
    /// The log refuses us or ended.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The worker stopped itself before it made dead letters of everything.
    #[error(transparent)]
    Letters(#[from] Tripped),
    /// The database does not fit.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry does not have our schemas or refuses us.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({reason}); choose another one in {setting}")]
    Listen {
        /// The address.
        address: String,
        /// The setting that names it.
        setting: &'static str,
        /// Why.
        reason: std::io::ErrorKind,
    },
    /// The worker itself cannot start.
    #[error("{0}")]
    Start(String),
    /// A part of the worker ended that never does.
    #[error("a part of the worker ended by itself: {0}; it has to be started again")]
    Ended(String),
    /// It was told to stop before it could start.
    #[error("stopped while waiting for what it needs")]
    Stopped,
}

impl ProcessError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Config(error) => error.kind(),
            Self::Assistant(_) => "wrong_assistant",
            Self::Bus(error) => error.kind(),
            Self::Letters(_) => "too_many_letters",
            Self::Store(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Listen { .. } => "listen",
            Self::Start(_) => "start",
            Self::Ended(_) => "ended",
            Self::Stopped => "stopped",
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Assistant(_) | Self::Listen { .. } | Self::Start(_) => {
                ExitCode::from(EXIT_CONFIG)
            }
            Self::Bus(_) | Self::Letters(_) | Self::Store(_) | Self::Registry(_) | Self::Ended(_) => {
                ExitCode::from(EXIT_SOFTWARE)
            }
            Self::Stopped => ExitCode::SUCCESS,
        }
    }
}

impl From<WorkerError> for ProcessError {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Bus(error) => Self::Bus(error),
            WorkerError::Letters(tripped) => Self::Letters(tripped),
        }
    }
}

/// What a worker process is told on its command line.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArguments {
    /// The settings file; `PEYVAND_*` variables win over it. The variable PEYVAND_CONFIG names one too.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Parser)]
#[command(version, about = "One of Peyvand's workers, on Kafka, a schema registry and PostgreSQL.")]
struct Alone {
    #[command(flatten)]
    arguments: ConfigArguments,
}

/// What a worker process stands on.
pub struct Cluster {
    /// Its settings.
    pub config: Config,
    /// The assistant.
    pub assistant: Arc<Assistant>,
    /// The log.
    pub bus: KafkaBus,
    /// The database.
    pub store: Store,
    /// The schemas, under the registry's ids.
    pub schemas: Arc<Schemas>,
    /// Cancelled when the process is told to stop.
    pub shutdown: CancellationToken,
    /// How it is.
    pub health: Arc<Health>,
}

impl Cluster {
    /// Checks everything that can be checked at once and waits for the servers as long as it takes.
    ///
    /// # Errors
    /// [`ProcessError`] for whatever waiting does not mend.
    pub async fn join(
        config: Config,
        health: Arc<Health>,
        shutdown: CancellationToken,
    ) -> Result<Self, ProcessError> {
        let assistant =
            Arc::new(config.assistant.as_deref().map_or_else(Assistant::shipped, Assistant::load)?);
        let bus = KafkaBus::open(config.kafka.clone())?;
        let wait = wait::Wait { health: &health, shutdown: &shutdown };
        let needed = topics::all();
        wait.until("kafka", || bus.check_topics(&needed)).await?;
        let store = wait
            .until("database", || {
                PostgresStore::connect(&config.database.url, config.database.password.as_ref())
            })
            .await?;
        let store = Store::from(store);
        let registry = Registry::new(&config.registry)?;
        let schemas = wait.until("registry", || Schemas::from_registry(registry.clone())).await?;
        drop(tokio::spawn(prune(store.clone(), shutdown.clone())));
        health.serving(Probes { store: store.clone(), bus: Some(bus.clone()) });
        Ok(Self { config, assistant, bus, store, schemas: Arc::new(schemas), shutdown, health })
    }

    /// Runs a handler on the topics its group reads, until the process is told to stop.
    ///
    /// # Errors
    /// [`ProcessError`] when the log ends or refuses this member, or the worker stops itself.
    pub async fn work<H: Handler>(&self, handler: H) -> Result<(), ProcessError> {
        let read = topics::read_by(H::GROUP);
        let (group, again) = topics::redriven_to(H::GROUP);
        let groups = [(H::GROUP.to_owned(), read.clone()), (group.clone(), again.clone())];
        let health = Arc::clone(&self.health);
        drop(tokio::spawn(lag::watch(self.bus.clone(), groups, health, self.shutdown.clone())));
        let worker = Worker {
            consumer: self.bus.consumer(H::GROUP, &read)?,
            redriven: self.bus.consumer(&group, &again)?,
            producer: self.bus.producer(),
            store: self.store.clone(),
            schemas: Arc::clone(&self.schemas),
            handler,
            letters: LetterWriter { worker: worker_name(), keys: Arc::clone(&self.config.letters_keys) },
            watch: Watch {
                pulses: self.health.pulses(),
                letters_guard: self.config.letters_guard,
                instance: self.config.kafka.group_instance_id.clone(),
                parked: self.config.parked,
            },
        };
        Ok(worker::run(worker, self.shutdown.clone()).await?)
    }

    /// Publishes what is still under way and closes the database.
    async fn leave(&self) {
        if let Err(error) = self.bus.close().await {
            tracing::warn!(
                kind = error.kind(),
                "{error}; what was not published is published after the next start"
            );
        }
        if tokio::time::timeout(CLOSES_WITHIN, self.store.close()).await.is_err() {
            tracing::warn!("the database was not closed in time; what it has not committed is done again");
        }
    }
}

/// The whole of a worker's own program: reads the command line, works, and gives the exit code.
pub fn main<F>(serve: impl FnOnce(Arc<Cluster>) -> F) -> ExitCode
where
    F: Future<Output = Result<(), ProcessError>>,
{
    let Alone { arguments } = Alone::parse();
    let _logging = telemetry::init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("no threads can be started: {error}");
            return ExitCode::from(EXIT_SOFTWARE);
        }
    };
    exit_code(runtime.block_on(run(arguments, serve)))
}

/// Says why a worker ended, and gives the exit code.
pub fn exit_code(ended: Result<(), ProcessError>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(kind = error.kind(), "{error}");
            error.exit_code()
        }
    }
}

/// Runs a worker on the cluster backing until a signal.
///
/// # Errors
/// [`ProcessError`] says what to mend.
pub async fn run<F>(
    arguments: ConfigArguments,
    serve: impl FnOnce(Arc<Cluster>) -> F,
) -> Result<(), ProcessError>
where
    F: Future<Output = Result<(), ProcessError>>,
{
    let config = Config::load(arguments.config)?;
    raise_open_files();
    let shutdown = CancellationToken::new();
    let health = Arc::new(Health::starting());
    drop(tokio::spawn(stop_on_signal(shutdown.clone(), Arc::clone(&health))));
    let listening = match config.health_listen {
        Some(address) => Some(health::listen(address, Arc::clone(&health), shutdown.clone()).await?),
        None => None,
    };
    let cluster = match Cluster::join(config, health, shutdown.clone()).await {
        Err(ProcessError::Stopped) => return Ok(()),
        joined => Arc::new(joined?),
    };
    let served = serve(Arc::clone(&cluster)).await;
    shutdown.cancel();
    cluster.leave().await;
    if let Some(listening) = listening
        && !matches!(tokio::time::timeout(CLOSES_WITHIN, listening).await, Ok(Ok(())))
    {
        tracing::debug!("the health server did not end in order");
    }
    served
}

/// What this process is called where somebody has to find it: the machine, or the container, and the process's number there.
pub fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(char::is_ascii_graphic).take(HOST_CHARS_MAX).collect();
    format!("{}:{}", if host.is_empty() { "localhost" } else { &host }, std::process::id())
}

/// Every socket of a person is an open file, and many systems begin with a limit of 1,024: takes what this user may have.
pub fn raise_open_files() {
    match rlimit::increase_nofile_limit(OPEN_FILES) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!("the limit of open files stays as it is: {error}"),
    }
}

/// The first signal stops in order, the second at once: that is as safe as a crash, and a crash is safe.
pub async fn stop_on_signal(shutdown: CancellationToken, health: Arc<Health>) {
    signal().await;
    health.stopping();
    shutdown.cancel();
    signal().await;
    telemetry::flush_at_once();
    std::process::exit(EXIT_INTERRUPTED);
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; only SIGKILL will end this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
