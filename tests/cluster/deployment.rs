//! One deployment for all tests of this program: topics, schemas and tables made by the program's own commands, the
//! four workers as processes, the sandbox as their SAP. Conversations of different tests do not meet.

use std::sync::{Mutex, OnceLock};

use peyvand_sandbox::SandboxConfig;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::{Settings, free_port, targets};
pub(crate) use crate::process::{Worker, ready, server};

pub(crate) struct Deployment {
    settings: Settings,
    pub(crate) sandbox: String,
    pub(crate) url: String,
    pub(crate) connectors: Mutex<Vec<Worker>>,
    _workers: Vec<Worker>,
}

/// How many records a worker has settled, as it says itself.
pub(crate) async fn settled(health: &str) -> u64 {
    let text = reqwest::get(format!("{health}/metrics")).await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with("peyvand_records_settled_total{"));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
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
    let sandbox = peyvand_sandbox::start(config).await.unwrap();
    let sandbox: &'static _ = Box::leak(Box::new(sandbox));
    let page = free_port();
    let mut own = targets(&sandbox.base_url(), "plain");
    own.push(("PEYVAND_CHANNELS_LISTEN", format!("127.0.0.1:{page}")));
    let settings = Settings::new(&own).await;
    let mut deployment = Deployment {
        settings,
        sandbox: sandbox.base_url(),
        url: format!("http://127.0.0.1:{page}"),
        connectors: Mutex::default(),
        _workers: Vec::new(),
    };
    let names = ["channels", "intent-classifier", "reply", "connector", "connector"];
    let mut workers: Vec<Worker> = names.iter().map(|name| deployment.spawn(name)).collect();
    for (worker, name) in workers.iter().zip(names) {
        ready(worker, name).await;
    }
    deployment.connectors.lock().unwrap().extend(workers.drain(3..));
    deployment._workers = workers;
    deployment
}

impl Deployment {
    pub(crate) fn peyvand(&self, arguments: &[&str]) -> (bool, String) {
        self.settings.peyvand(arguments)
    }

    /// The same, but the program ends by SIGKILL at this place.
    pub(crate) fn peyvand_killed_at(&self, place: &str, arguments: &[&str]) -> String {
        let (fine, said) = self.settings.peyvand_with(arguments, Some(("PEYVAND_TEST_FAILPOINT", place)));
        assert!(!fine, "it was not killed: {said}");
        said
    }

    pub(crate) fn spawn(&self, worker: &str) -> Worker {
        self.settings.spawn(worker, None)
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

    /// Takes all faults back.
    #[allow(dead_code, reason = "not every program of tests sets faults that last")]
    pub(crate) async fn heal(&self) {
        let url = format!("{}/_sandbox/faults", self.sandbox);
        assert!(reqwest::Client::new().delete(url).send().await.unwrap().status().is_success());
    }
}

/// A conversation nobody else has.
pub(crate) fn conversation() -> String {
    format!("test:{}", Uuid::new_v4())
}
