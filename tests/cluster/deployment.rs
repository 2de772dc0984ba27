//! One deployment for all tests of this program: topics, schemas and tables made by the program's own commands, the
//! four workers as processes, the sandbox as their SAP. Conversations of different tests do not meet.

use std::{
    collections::HashMap,
    fs::File,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use peyvand_sandbox::SandboxConfig;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Deployment {
    settings: HashMap<String, String>,
    pub(crate) sandbox: String,
    pub(crate) url: String,
    pub(crate) connectors: Mutex<Vec<Worker>>,
    _workers: Vec<Worker>,
}

/// A worker's process under a shell that kills it as soon as the shell's input ends, so that it cannot outlive the
/// tests, however they end.
pub(crate) struct Worker {
    shell: Child,
    pub(crate) health: String,
}

const UNDER_A_SHELL: &str = "\"$0\" run \"$1\" & read -r _; kill -9 $!; wait";

impl Worker {
    /// SIGKILL: nothing is said, nothing is closed.
    pub(crate) fn kill(mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }
}

/// How many records a worker has settled, as it says itself.
pub(crate) async fn settled(health: &str) -> u64 {
    let text = reqwest::get(format!("{health}/metrics")).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with("peyvand_records_settled_total{"));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[allow(clippy::disallowed_methods, reason = "the addresses of the servers come from tests/run")]
pub(crate) fn server(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: start these tests by tests/run"))
}

/// The one deployment, started by whoever comes first.
pub(crate) fn deployment() -> &'static Deployment {
    static DEPLOYMENT: OnceLock<Deployment> = OnceLock::new();
    DEPLOYMENT.get_or_init(|| {
        // A runtime of its own: each test's runtime ends with its test, and the sandbox may not.
        let runtime: &'static tokio::runtime::Runtime = Box::leak(Box::new(
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
        ));
        std::thread::spawn(|| runtime.block_on(start())).join().unwrap()
    })
}

async fn start() -> Deployment {
    let today = "2026-11-23".parse().unwrap();
    let config = SandboxConfig::loopback(today);
    let (user_password, sandbox) = (config.password.clone(), peyvand_sandbox::start(config).await.unwrap());
    let sandbox: &'static _ = Box::leak(Box::new(sandbox));
    let page = free_port();
    let settings: HashMap<String, String> = [
        ("PEYVAND_TENANT", "demo".to_owned()),
        ("PEYVAND_KAFKA_BROKERS", server("PEYVAND_TEST_KAFKA")),
        ("PEYVAND_REGISTRY_URL", server("PEYVAND_TEST_REGISTRY")),
        ("PEYVAND_DATABASE_URL", database().await),
        ("PEYVAND_CHANNELS_LISTEN", format!("127.0.0.1:{page}")),
        ("PEYVAND_TARGETS_SAP_BASE_URL", sandbox.base_url()),
        ("PEYVAND_SECRETS_SAP_PASSWORD", user_password),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let mut deployment = Deployment {
        settings,
        sandbox: sandbox.base_url(),
        url: format!("http://127.0.0.1:{page}"),
        connectors: Mutex::default(),
        _workers: Vec::new(),
    };
    for command in
        [["topics", "create"], ["schemas", "register"], ["schemas", "check"], ["database", "migrate"]]
    {
        let (fine, said) = deployment.peyvand(&command);
        assert!(fine, "{command:?} failed:\n{said}");
    }
    let names = ["channels", "intent-classifier", "reply", "connector", "connector"];
    let mut workers: Vec<Worker> = names.iter().map(|name| deployment.spawn(name)).collect();
    for (worker, name) in workers.iter().zip(names) {
        ready(worker, name).await;
    }
    deployment.connectors.lock().unwrap().extend(workers.drain(3..));
    deployment._workers = workers;
    deployment
}

async fn database() -> String {
    let server = server("PEYVAND_TEST_POSTGRES");
    let name = format!("peyvand_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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

impl Deployment {
    /// Runs one of the program's commands to its end: whether it succeeded, and what it said.
    pub(crate) fn peyvand(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_peyvand"))
            .args(arguments)
            .envs(&self.settings)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    pub(crate) fn spawn(&self, worker: &str) -> Worker {
        let port = free_port();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{worker}-{port}.log"));
        let shell = Command::new("sh")
            .args(["-c", UNDER_A_SHELL, env!("CARGO_BIN_EXE_peyvand"), worker])
            .envs(&self.settings)
            .env("PEYVAND_HEALTH_LISTEN", format!("127.0.0.1:{port}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        Worker { shell, health: format!("http://127.0.0.1:{port}") }
    }

    /// Sends a message and waits for what it is answered.
    pub(crate) async fn ask(&self, conversation: &str, text: &str) -> String {
        let body = json!({
            "conversation_id": conversation, "client_message_id": Uuid::new_v4().to_string(), "text": text,
        });
        let url = format!("{}/v1/messages?wait=60", self.url);
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let replies = answer["replies"].as_array().unwrap();
        assert_eq!(replies.len(), 1, "one message has one reply: {answer}");
        replies[0]["text"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn replies(&self, conversation: &str) -> usize {
        let url = format!("{}/v1/conversations/{conversation}/replies", self.url);
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        answer["replies"].as_array().unwrap().len()
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox);
        let answer = reqwest::Client::new().put(url).json(&fault).send().await.unwrap();
        assert!(answer.status().is_success(), "the sandbox refused a fault");
    }
}

/// A conversation nobody else has.
pub(crate) fn conversation() -> String {
    format!("test:{}", Uuid::new_v4())
}
