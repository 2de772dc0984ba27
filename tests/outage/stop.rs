//! How long a SIGTERM takes under load, with every server there and with one away, and that what was being written then
//! stands once when the workers are there again. Judged by the sandbox's journal.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use peyvand::event::{EntryId, Operation};
use peyvand_sandbox::{Fault, Sandbox, SandboxConfig};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    away::Away,
    process::{Worker, ready},
    scene::{Scene, WORKERS, conversation, until},
};

/// A supervisor kills after this time.
const LIMIT: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(240);
const WRITES: usize = 150;
/// Questions for each write.
const QUESTIONS: usize = 15;

/// SAP, and what it noted of its orders on its disk.
struct Sap {
    sandbox: Sandbox,
    journal: PathBuf,
}

impl Sap {
    async fn start() -> Self {
        let journal = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stop-{}.journal", Uuid::new_v4()));
        let usual = SandboxConfig::loopback("2026-11-23".parse().unwrap());
        let config = SandboxConfig { journal: Some(journal.clone()), ..usual };
        Self { sandbox: peyvand_sandbox::start(config).await.unwrap(), journal }
    }

    /// How often an order stands under each of our keys.
    fn orders(&self) -> BTreeMap<String, usize> {
        let mut orders = BTreeMap::new();
        for line in fs::read_to_string(&self.journal).unwrap().lines() {
            let order: Value = serde_json::from_str(line).unwrap();
            *orders.entry(order["reference"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        orders
    }

    async fn close(self) {
        self.sandbox.shutdown().await;
        fs::remove_file(self.journal).unwrap();
    }
}

/// Proposes orders and says yes to each, among many questions; the keys of the orders that have to come of it.
async fn load(scene: &Scene) -> Vec<String> {
    let talks: Vec<String> = (0..WRITES).map(|_| conversation()).collect();
    let order = "order 20 bags of CEM-042 for customer 1000000018";
    scene.send(talks.iter().map(|talk| scene.message(talk, order)).collect()).await;
    let (mut keys, mut records) = (Vec::new(), Vec::new());
    for talk in &talks {
        let (yes, id) = scene.message_and_id(talk, "yes");
        records.push(yes);
        records.extend((0..QUESTIONS).map(|_| scene.message(&conversation(), "where is order 45001?")));
        let turn = id.derived("intent-classifier", 0);
        keys.push(EntryId::of(&turn, "sap", Operation::SalesOrderCreate.name()).key());
    }
    scene.send(records).await;
    keys
}

/// How a worker ended, and after what time.
#[derive(Debug)]
struct End {
    worker: &'static str,
    after: Duration,
    code: Option<i32>,
}

/// How each of the four ends once all are told to.
async fn stopped(mut workers: Vec<Worker>) -> Vec<End> {
    let began = Instant::now();
    workers.iter().for_each(Worker::begin_stop);
    let mut times: Vec<Option<Duration>> = vec![None; workers.len()];
    while times.iter().any(Option::is_none) && began.elapsed() < 3 * LIMIT {
        for (worker, time) in workers.iter_mut().zip(&mut times) {
            if time.is_none() && worker.has_ended() {
                *time = Some(began.elapsed());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ends = WORKERS.into_iter().zip(times).zip(&mut workers);
    ends.map(|((name, after), worker)| End {
        worker: name,
        after: after.unwrap_or(3 * LIMIT),
        code: worker.exit_code(),
    })
    .collect()
}

async fn started(scene: &Scene) -> Vec<Worker> {
    let workers = scene.start_all();
    for (worker, name) in workers.iter().zip(WORKERS) {
        ready(worker, name).await;
    }
    workers
}

/// What is wrong when the SIGTERM comes.
#[derive(Clone, Copy)]
enum Trouble {
    Nothing,
    /// This server of our own is away.
    Away(&'static str),
    /// SAP takes requests and answers none.
    Hanging,
}

/// From now on SAP takes requests and answers none.
fn hang(sap: &Sap) {
    let delay_ms = u64::try_from(2 * LIMIT.as_millis()).unwrap();
    let all = Fault { pattern: "/".to_owned(), delay_ms, ..Fault::default() };
    sap.sandbox.put_fault(all).unwrap();
}

/// Everything under load: more is asked for than is done before the SIGTERM comes.
async fn under_load(trouble: Trouble) {
    let sap = Sap::start().await;
    let scene = Scene::open(&sap.sandbox.base_url(), &[]).await;
    let workers = started(&scene).await;
    let keys = load(&scene).await;
    until("the first order", Duration::from_secs(90), async || !sap.orders().is_empty()).await;
    let away = match trouble {
        Trouble::Nothing => None,
        Trouble::Away(server) => Some(Away::kill(server).await),
        Trouble::Hanging => {
            hang(&sap);
            None
        }
    };
    let ends = stopped(workers).await;
    let before = sap.orders().len();
    if let Some(away) = away {
        away.end().await;
    }
    for end in &ends {
        assert!(end.after < LIMIT, "{ends:?}");
        assert_eq!(end.code, Some(0), "{} did not end in order: {ends:?}", end.worker);
    }
    sap.sandbox.clear_faults();
    assert!(before < WRITES, "everything was done before the SIGTERM");
    done_once_afterwards(&scene, &sap, &keys).await;
    sap.close().await;
}

fn terminate(pid: u32) {
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
}

/// Everything is done once after the next start.
async fn done_once_afterwards(scene: &Scene, sap: &Sap, keys: &[String]) {
    let workers = started(scene).await;
    until("every order", PATIENCE, async || keys.iter().all(|key| sap.orders().contains_key(key))).await;
    // In order as well, so that nothing is under way any more.
    let ends = stopped(workers).await;
    assert!(ends.iter().all(|end| end.code == Some(0)), "{ends:?}");
    let orders = sap.orders();
    assert!(orders.len() == WRITES && orders.values().all(|times| *times == 1), "{orders:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sigterm_ends_a_worker_at_once_and_each_order_stands_once() {
    let sap = Sap::start().await;
    let scene = Scene::open(&sap.sandbox.base_url(), &[]).await;
    let mut workers = started(&scene).await;
    let keys = load(&scene).await;
    until("the first order", Duration::from_secs(90), async || !sap.orders().is_empty()).await;
    hang(&sap);
    let mut connector = workers.remove(2);
    let pid = connector.pid();
    // To the process itself: the shell above it would end by the second one.
    terminate(pid);
    until("an end of its health", Duration::from_secs(20), async || {
        reqwest::get(format!("{}/health/live", connector.health)).await.is_err()
    })
    .await;
    assert!(!connector.has_ended(), "it has ended by the first one already");
    terminate(pid);
    // Less than what is under way may take at the first one.
    until("its end", Duration::from_secs(8), async || connector.has_ended()).await;
    assert_eq!(connector.exit_code(), Some(130));
    for worker in workers {
        let _took = worker.stop();
    }
    assert!(sap.orders().len() < WRITES, "everything was done before the SIGTERM");
    sap.sandbox.clear_faults();
    done_once_afterwards(&scene, &sap, &keys).await;
    sap.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_under_load_ends_within_thirty_seconds_and_each_order_stands_once() {
    under_load(Trouble::Nothing).await;
}

/// Left out of the tests of every change: see `tests/run --help`.
mod nightly {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_worker_under_load_ends_within_thirty_seconds_and_each_order_stands_once_without_kafka() {
        under_load(Trouble::Away("kafka")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_worker_under_load_ends_within_thirty_seconds_and_each_order_stands_once_without_its_database()
     {
        under_load(Trouble::Away("postgres")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_worker_under_load_ends_within_thirty_seconds_and_each_order_stands_once_though_sap_hangs()
    {
        under_load(Trouble::Hanging).await;
    }
}
