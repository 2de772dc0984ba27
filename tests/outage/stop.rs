//! How long a SIGTERM takes under load, with every server there and with one away.

use std::time::{Duration, Instant};

use peyvand_sandbox::SandboxConfig;

use crate::{
    away::Away,
    kcat,
    process::{Worker, ready},
    scene::{Scene, WORKERS, conversation, until},
};

/// A supervisor kills after this time.
const LIMIT: Duration = Duration::from_secs(30);

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

/// Everything under load: more messages than are answered before the SIGTERM comes.
async fn under_load(away: Option<&'static str>) {
    let config = SandboxConfig::loopback("2026-11-23".parse().unwrap());
    let sandbox = peyvand_sandbox::start(config).await.unwrap();
    let scene = Scene::open(&sandbox.base_url(), &[]).await;
    let workers = scene.start_all();
    for (worker, name) in workers.iter().zip(WORKERS) {
        ready(worker, name).await;
    }
    let talks: Vec<String> = (0..3000).map(|_| conversation()).collect();
    scene.send(talks.iter().map(|talk| scene.message(talk, "where is order 45001?")).collect()).await;
    let mine = talks.clone();
    until("the first reply", Duration::from_secs(60), async || {
        let mine = mine.clone();
        let said = move || kcat::all("chat.reply.ready", |shown| mine.contains(&shown.key)).len();
        tokio::task::spawn_blocking(said).await.unwrap() > 0
    })
    .await;
    let away = match away {
        Some(server) => Some(Away::kill(server).await),
        None => None,
    };
    let ends = stopped(workers).await;
    if let Some(away) = away {
        away.end().await;
    }
    for end in &ends {
        assert!(end.after < LIMIT, "{ends:?}");
        assert_eq!(end.code, Some(0), "{} did not end in order: {ends:?}", end.worker);
    }
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_under_load_ends_within_thirty_seconds() {
    under_load(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_under_load_ends_within_thirty_seconds_without_kafka() {
    under_load(Some("kafka")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_worker_under_load_ends_within_thirty_seconds_without_its_database() {
    under_load(Some("postgres")).await;
}
