//! A stand-in for the systems of a building-trade company in Iran, each in its own protocol on one server: SAP S/4HANA with
//! OData v2 as SAP Gateway speaks it, Salesforce with its REST interface, and a hook such as that of an SMS gateway. Switches
//! make them fail the way real systems fail. It is for demonstrations and tests: its data live in memory and its control
//! surface (`/_sandbox/faults`, `/_sandbox/requests`) asks for no password, so it listens on loopback unless told otherwise.

mod auth;
mod company;
mod faults;
mod hook;
mod http;
mod journal;
mod ledger;
mod line;
mod salesforce;
mod sap;
mod server;
mod system;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use faults::{Fault, FaultBody, FaultError, SetFault};
pub use ledger::SeenRequest;

use company::Company;
use hook::Hook;
use journal::Journal;
use line::{CuttableListener, Line};
use salesforce::Salesforce;
use sap::Gateway;
use server::App;

/// How long open requests may take to end after a stop.
const GRACE: Duration = Duration::from_secs(3);

/// How the stand-in is set up.
#[derive(Clone)]
pub struct SandboxConfig {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Listens beyond loopback too. Whoever reaches it can then make it fail.
    pub allow_remote: bool,
    /// SAP's user of HTTP Basic.
    pub user: String,
    /// SAP's password of HTTP Basic.
    pub password: String,
    /// Salesforce's client of OAuth, the consumer key.
    pub client_id: String,
    /// Its secret, the consumer secret.
    pub client_secret: String,
    /// The bearer token of the hook.
    pub hook_token: String,
    /// The day the company lives on; its orders lead up to it.
    pub today: Date,
    /// How many records a page holds when the client names no `$top`.
    pub page_size: usize,
    /// Where every new record is noted, on disk before it is answered.
    pub journal: Option<PathBuf>,
}

impl SandboxConfig {
    /// A free port on loopback, the user PEYVAND with the password `welcome`, the client `peyvand` with the secret
    /// `secret-of-peyvand`, the hook with the token `token-of-peyvand`, pages of 1,000.
    pub fn loopback(today: Date) -> SandboxConfig {
        SandboxConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            user: "PEYVAND".to_owned(),
            password: "welcome".to_owned(),
            client_id: "peyvand".to_owned(),
            client_secret: "secret-of-peyvand".to_owned(),
            hook_token: "token-of-peyvand".to_owned(),
            today,
            page_size: 1_000,
            journal: None,
        }
    }
}

/// Why the stand-in did not start.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The address can be reached from other machines.
    #[error(
        "{0} can be reached from other machines and the sandbox has no lock on its switches; choose a loopback address, or allow it with --allow-remote"
    )]
    NotLoopback(SocketAddr),
    /// The journal cannot be written.
    #[error("the journal {path} cannot be opened: {source}; choose another file")]
    Journal {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; choose another address or stop the program that holds it")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SandboxError {
    /// A stable word for logs and tests.
    pub fn kind(&self) -> &'static str {
        match self {
            SandboxError::NotLoopback(_) => "not_loopback",
            SandboxError::Journal { .. } => "journal",
            SandboxError::Listen { .. } => "listen",
        }
    }
}

/// A running stand-in. It stops when dropped; [`Sandbox::shutdown`] also waits until it has.
pub struct Sandbox {
    addr: SocketAddr,
    app: Arc<App>,
    serving: JoinHandle<()>,
    stop: DropGuard,
}

/// Starts the stand-in and returns when it serves.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
    if !config.listen.ip().is_loopback() && !config.allow_remote {
        return Err(SandboxError::NotLoopback(config.listen));
    }
    let refused = |source| SandboxError::Listen { addr: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let company = Company::seeded(config.today);
    let stopping = CancellationToken::new();
    let journal = Arc::new(match &config.journal {
        Some(path) => {
            Journal::open(path).map_err(|source| SandboxError::Journal { path: path.clone(), source })?
        }
        None => Journal::default(),
    });
    let logon = (config.user.as_str(), config.password.as_str());
    let gateway = Gateway::new(company, logon, config.page_size, addr, Arc::clone(&journal));
    let client = (config.client_id.as_str(), config.client_secret.as_str());
    let salesforce = Salesforce::new(client, addr, Arc::clone(&journal));
    let hook = Hook::new(&config.hook_token, journal);
    let app = Arc::new(App::new(gateway, salesforce, hook, stopping.clone()));
    let service = server::router(Arc::clone(&app)).into_make_service_with_connect_info::<Line>();
    let stop = stopping.clone().drop_guard();
    let serving = tokio::spawn(async move {
        let server = axum::serve(CuttableListener(listener), service);
        if let Err(error) = server.with_graceful_shutdown(stopping.cancelled_owned()).await {
            tracing::error!(%error, "the sandbox stopped serving");
        }
    });
    Ok(Sandbox { addr, app, serving, stop })
}

impl Sandbox {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The root of all addresses, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Sets a fault switch; one with the same match and method is replaced.
    pub fn put_fault(&self, fault: Fault) -> Result<(), FaultError> {
        self.app.faults().put(fault)
    }

    /// Removes all fault switches.
    pub fn clear_faults(&self) {
        self.app.faults().clear();
    }

    /// The newest requests it saw, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.app.ledger().list()
    }

    /// Stops it and waits until open requests have ended, three seconds at most.
    pub async fn shutdown(self) {
        let Sandbox { serving, stop, .. } = self;
        drop(stop);
        let abort = serving.abort_handle();
        if tokio::time::timeout(GRACE, serving).await.is_err() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests;
