//! Workers as processes on the servers that tests/run has started, and what they need: a database of their own, settings,
//! free ports. Used by every test program that starts workers.

use std::{
    collections::HashMap,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use peyvand_sandbox::SandboxConfig;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(90);
/// The worker's own input is empty; the shell passes a SIGTERM on, waits until the worker has ended and ends as it did. A
/// wait that a signal breaks off tells nothing of the worker, and one more tells nothing when the first was not.
const UNDER_A_SHELL: &str = "\"$0\" run \"$1\" & p=$!; trap 'kill -TERM $p' TERM; exec 3<&0; \
                             (read -r _ <&3; kill -9 $p) & k=$!; wait $p; s=$?; wait $p; t=$?; kill $k; \
                             [ $t = 127 ] || s=$t; exit $s";

/// What dead letters are sealed with: one key for all installations here, whose letters lie in the same topics.
const LETTERS_KEY: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=";
/// What a shell says of a process that SIGKILL ended: 128 and the signal's number.
pub(crate) const KILLED: i32 = 137;

/// A worker's process under a shell that kills it as soon as the shell's input ends, so that it cannot outlive the
/// tests, however they end.
pub(crate) struct Worker {
    shell: Child,
    log: PathBuf,
    pub(crate) health: String,
}

impl Worker {
    /// SIGKILL: nothing is said, nothing is closed. Whether it was there to be killed.
    pub(crate) fn kill(mut self) -> bool {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap().code() == Some(KILLED)
    }

    /// SIGTERM: how long it took to end in order, and it has to be in order.
    #[allow(dead_code, reason = "not every test program stops in order")]
    pub(crate) fn stop(mut self) -> Duration {
        let began = Instant::now();
        // Waiting would end the shell's input, and that is the SIGKILL.
        let input = self.shell.stdin.take();
        let shell = self.shell.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &shell]).status().unwrap().success());
        let ended = self.shell.wait().unwrap();
        drop(input);
        assert!(ended.success(), "{} did not end in order: {ended}", self.health);
        began.elapsed()
    }

    /// SIGTERM; when it has ended is asked for afterwards.
    #[allow(dead_code, reason = "not every test program stops in order")]
    pub(crate) fn begin_stop(&self) {
        let shell = self.shell.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &shell]).status().unwrap().success());
    }

    /// Where it logs; the file stays.
    #[allow(dead_code, reason = "not every test program reads it")]
    pub(crate) fn log_file(&self) -> PathBuf {
        self.log.clone()
    }

    /// What it has logged so far.
    #[allow(dead_code, reason = "not every test program reads it")]
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// How it ended, once it has.
    #[allow(dead_code, reason = "not every test program asks for it")]
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.shell.try_wait().unwrap().map(|status| status.code().unwrap())
    }

    /// The worker's own process, below the shell.
    #[allow(dead_code, reason = "not every test program looks at the process")]
    pub(crate) fn pid(&self) -> u32 {
        let shell = self.shell.id().to_string();
        let found = Command::new("pgrep").args(["-x", "-P", &shell, "peyvand"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().parse().unwrap()
    }

    /// Whether it has ended by itself.
    #[allow(dead_code, reason = "not every test program waits for an end")]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.shell.try_wait().unwrap().is_some()
    }
}

#[allow(clippy::disallowed_methods, reason = "the addresses of the servers come from tests/run")]
pub(crate) fn server(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: start these tests by tests/run"))
}

/// An empty database.
pub(crate) async fn database() -> String {
    let server = server("PEYVAND_TEST_POSTGRES");
    let name = format!("peyvand_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

/// A port that nobody else is given: it lies below those the kernel gives away, and is never given twice.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 20_000..30_000;
    // Test programs that run at the same time begin at different places.
    let first = std::process::id().wrapping_mul(97);
    loop {
        let nth = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + nth % (PORTS.end - PORTS.start)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Asks until the worker says that it is ready.
pub(crate) async fn ready(worker: &Worker, name: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = reqwest::get(format!("{}/health/ready", worker.health)).await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(Instant::now() < until, "the {name} worker is not ready; see its log in the target folder");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where the systems are and how to log on to them: all are one sandbox, and the sales desk's hook is this door of it.
pub(crate) fn targets(sandbox: &str, door: &str) -> Vec<(&'static str, String)> {
    let SandboxConfig { password, client_secret, hook_token, .. } =
        SandboxConfig::loopback("2026-11-23".parse().unwrap());
    vec![
        ("PEYVAND_TARGETS_SAP_BASE_URL", sandbox.to_owned()),
        ("PEYVAND_TARGETS_CRM_BASE_URL", sandbox.to_owned()),
        ("PEYVAND_TARGETS_DESK_BASE_URL", format!("{sandbox}/hook/{door}")),
        ("PEYVAND_SECRETS_SAP_PASSWORD", password),
        ("PEYVAND_SECRETS_SALESFORCE_SECRET", client_secret),
        ("PEYVAND_SECRETS_DESK_TOKEN", hook_token),
    ]
}

/// The variables of every process of one installation.
pub(crate) struct Settings(pub(crate) HashMap<String, String>);

impl Settings {
    /// Servers of tests/run, a database of its own, and whatever else is given.
    pub(crate) async fn new(more: &[(&str, String)]) -> Self {
        let servers = [
            ("PEYVAND_TENANT", "demo".to_owned()),
            ("PEYVAND_KAFKA_BROKERS", server("PEYVAND_TEST_KAFKA")),
            ("PEYVAND_REGISTRY_URL", server("PEYVAND_TEST_REGISTRY")),
            ("PEYVAND_DATABASE_URL", database().await),
            ("PEYVAND_LETTERS_KEY", LETTERS_KEY.to_owned()),
        ];
        let all = servers.iter().chain(more);
        let settings = Self(all.map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
        for command in
            [["topics", "create"], ["schemas", "register"], ["schemas", "check"], ["database", "migrate"]]
        {
            let (fine, said) = settings.peyvand(&command);
            assert!(fine, "{command:?} failed:\n{said}");
        }
        settings
    }

    /// Runs one of the program's commands to its end: whether it succeeded, and what it said.
    pub(crate) fn peyvand(&self, arguments: &[&str]) -> (bool, String) {
        self.peyvand_with(arguments, None)
    }

    /// The same, with one more variable.
    pub(crate) fn peyvand_with(&self, arguments: &[&str], more: Option<(&str, &str)>) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peyvand"));
        let output = command.args(arguments).envs(&self.0).envs(more).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts a worker, with more variables when there are some.
    pub(crate) fn spawn<'a>(
        &self,
        worker: &str,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Worker {
        let port = free_port();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{worker}-{port}.log"));
        let told = File::create(&log).unwrap();
        self.spawn_at(worker, more, (port, told.into(), log))
    }

    /// The same, but what it logs goes where it is wanted.
    #[allow(dead_code, reason = "not every test program reads it on the way")]
    pub(crate) fn spawn_telling<'a>(
        &self,
        worker: &str,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
        told: impl Into<Stdio>,
    ) -> Worker {
        self.spawn_at(worker, more, (free_port(), told.into(), PathBuf::new()))
    }

    fn spawn_at<'a>(
        &self,
        worker: &str,
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
        (port, told, log): (u16, Stdio, PathBuf),
    ) -> Worker {
        let shell = Command::new("sh")
            .args(["-c", UNDER_A_SHELL, env!("CARGO_BIN_EXE_peyvand"), worker])
            .envs(&self.0)
            .envs(more)
            .env("PEYVAND_HEALTH_LISTEN", format!("127.0.0.1:{port}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(told)
            .spawn()
            .unwrap();
        Worker { shell, log, health: format!("http://127.0.0.1:{port}") }
    }
}
