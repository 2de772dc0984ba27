//! One connection of one task. After any error it is thrown away, so that nothing half done outlives it; a server that
//! falls silent is given up after a deadline in the same way, and one that takes no writes by all tasks of the process. It may
//! not decide what an error means for a step.

use std::{
    fmt, io,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, PgConnection, PgExecutor,
    postgres::{PgConnectOptions, PgDatabaseError},
};

use crate::{
    privacy::Sensitive,
    store::{StoreError, error::READ_ONLY},
};

/// The server ends what takes longer. A transaction that nobody continues (its process is stuck) is ended before those
/// who wait for its rows give up.
const IDLE_TIMEOUT: &str = "4s";
const LOCK_TIMEOUT: &str = "5s";
const STATEMENT_TIMEOUT: &str = "10s";
/// For a server that cannot be heard at all; past every limit the server keeps itself.
const DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// A standby, a server that was demoted, or one whose owner has stopped writes.
const IS_READ_ONLY: &str = "SELECT current_setting('transaction_read_only')::bool";

/// Where the server is, and the connection to it while there is one. A copy is another connection.
pub(super) struct Link {
    options: Arc<PgConnectOptions>,
    connection: Option<PgConnection>,
    process: Arc<str>,
    /// Times that a server was left by all copies, and how many of them this connection has come after.
    left: Arc<AtomicU64>,
    after: u64,
}

impl Link {
    pub(super) fn new(
        url: &Sensitive<String>,
        password: Option<&Sensitive<String>>,
    ) -> Result<Self, StoreError> {
        let mut options = PgConnectOptions::from_str(url.expose())?;
        if let Some(password) = password {
            options = options.password(password.expose());
        }
        let options = options.application_name("peyvand").options([
            ("lock_timeout", LOCK_TIMEOUT),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
            // Making a plan takes longer than carrying it out, so plans are kept. Every statement finds its rows by key;
            // a plan made while the tables were small might read them whole, and would be kept too.
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
        ]);
        let process = uuid::Uuid::new_v4().to_string().into();
        Ok(Self { options: Arc::new(options), connection: None, process, left: Arc::default(), after: 0 })
    }

    /// A name of this process that no other has; copies share it.
    pub(super) fn process(&self) -> Arc<str> {
        Arc::clone(&self.process)
    }

    /// Takes the connection out, making it when there is none. Who has finished with it well keeps it here again.
    pub(super) async fn take(&mut self) -> Result<PgConnection, sqlx::Error> {
        match self.connection.take() {
            Some(connection) if self.after == self.left.load(Ordering::Relaxed) => Ok(connection),
            Some(_) | None => {
                self.begin_anew();
                within(CONNECT_DEADLINE, self.connect()).await
            }
        }
    }

    /// A new connection comes after every server that was left.
    pub(super) fn begin_anew(&mut self) {
        self.after = self.left.load(Ordering::Relaxed);
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        takes_writes(&mut connection).await?;
        Ok(connection)
    }

    /// Waits for the server, but not for ever. What had not ended then has an unknown end, and its connection is lost. A server
    /// that took no write is left by all: what the others read there may be old, and nothing else tells them.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let done = within(DEADLINE, work).await;
        if done.as_ref().is_err_and(is_of_read_only) {
            // When another was faster, the server is left already.
            let _left =
                self.left.compare_exchange(self.after, self.after + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        done
    }

    pub(super) fn keep(&mut self, connection: PgConnection) {
        self.connection = Some(connection);
    }

    /// The same server with no limit to a statement, for changes of the schema.
    pub(super) fn patient_options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.options).options([("statement_timeout", "0"), ("lock_timeout", "60s")])
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

impl Clone for Link {
    fn clone(&self) -> Self {
        Self {
            options: Arc::clone(&self.options),
            connection: None,
            process: Arc::clone(&self.process),
            left: Arc::clone(&self.left),
            after: 0,
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.write_str("Link")
    }
}

/// Fails when the server takes no writes, whatever it lets be read.
pub(super) async fn takes_writes(server: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    if sqlx::query_scalar::<_, bool>(IS_READ_ONLY).fetch_one(server).await? {
        return Err(sqlx::Error::Io(io::Error::from(io::ErrorKind::ReadOnlyFilesystem)));
    }
    Ok(())
}

/// Whether an error says that a server takes no writes: it did, or it answered so when asked.
fn is_of_read_only(error: &sqlx::Error) -> bool {
    StoreError::code_of(error) == Some(READ_ONLY)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer"))),
    }
}

/// What an error of several calls together means for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Others were in the way: the same again at once.
    Again,
    /// One of them may be at fault: each alone.
    Apart,
    /// The server is at fault: the callers come again later.
    Later,
}

pub(super) fn remedy(error: &sqlx::Error) -> Remedy {
    let sqlx::Error::Database(inner) = error else {
        return match error {
            // The values could not even be written to the wire, or a row not be read.
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Remedy::Apart
            }
            _ => Remedy::Later,
        };
    };
    match inner.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code) {
        // 23505: two groups gave the same cursor to a reply of one conversation, or somebody was faster with a conversation
        // or an event that was thought to be new.
        Some("40001" | "40P01" | "23505") => Remedy::Again,
        Some("55P03") => Remedy::Apart,
        Some(code) if crate::store::error::is_of_values(code) => Remedy::Apart,
        Some(_) | None => Remedy::Later,
    }
}
