//! Logs that nobody reads: the pipe that standard error is fills up, or its other end is closed, or the file that it is lies on
//! a full disk. What is seen of the worker is what it decides and what its health says.

use std::{
    collections::HashSet,
    fs::File,
    io::{PipeReader, Read, Write, pipe},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    health::{asked, measured},
    letters::{broken, decided},
    process::{Worker, ready},
    scene::{Scene, conversation, until},
};

const PATIENCE: Duration = Duration::from_secs(90);
/// What a pipe holds, and more records than lines may wait for it: the worker warns of each of them.
const PIPE_BYTES: usize = 64 << 10;
const BROKEN: usize = 2000;
const LOST: &str = "peyvand_log_lines_lost_total";

/// Makes it say a lot, and asks for decisions meanwhile and afterwards.
async fn works(scene: &Scene, worker: &Worker) {
    ready(worker, "intent-classifier").await;
    scene.send((0..BROKEN).map(|_| broken(scene, &conversation()).0).collect()).await;
    for _ in 0..2 {
        let talks: HashSet<String> = (0..30).map(|_| conversation()).collect();
        scene.send(talks.iter().map(|talk| scene.message(talk, "hello")).collect()).await;
        until("the decisions", PATIENCE, async || decided(&talks).await == talks).await;
        until("lost lines", PATIENCE, async || measured(worker, LOST).await.is_some_and(|lost| lost > 0.0))
            .await;
    }
    ready(worker, "intent-classifier").await;
    assert_eq!(asked(worker, "/health/live").await.0, 200);
}

/// Reads to the end, and tells as soon as the loss was told.
fn read_all(mut log: PipeReader) -> mpsc::Receiver<()> {
    let (told, is_told) = mpsc::sync_channel(1);
    drop(thread::spawn(move || {
        let (mut read, mut seen) = ([0; 8192], Vec::new());
        while let Ok(many @ 1..) = log.read(&mut read) {
            seen.extend_from_slice(&read[..many]);
            if String::from_utf8_lossy(&seen).contains("log lines were lost here") {
                // Once is enough, and whoever waited for it may have given up.
                let _heard = told.try_send(());
            }
            // The words may come in two pieces.
            let last = seen.len().saturating_sub(200);
            seen.drain(..last);
        }
    }));
    is_told
}

#[tokio::test]
async fn a_worker_whose_log_nobody_reads_works_on_and_tells_what_was_lost_once_somebody_does() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let (log, mut told) = pipe().unwrap();
    told.write_all(&[b'\n'; PIPE_BYTES]).unwrap();
    let worker = scene.settings.spawn_telling("intent-classifier", [], told);
    works(&scene, &worker).await;
    let is_told = read_all(log);
    until("the loss", PATIENCE, async || is_told.try_recv().is_ok()).await;
    worker.stop();
}

#[tokio::test]
async fn a_worker_whose_log_nobody_can_read_any_more_works_on_and_ends_in_order() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let (log, told) = pipe().unwrap();
    drop(log);
    let worker = scene.settings.spawn_telling("intent-classifier", [], told);
    works(&scene, &worker).await;
    worker.stop();
}

#[tokio::test]
async fn a_worker_whose_log_lies_on_a_full_disk_works_on_and_ends_in_order() {
    let scene = Scene::open("http://127.0.0.1:1", &[]).await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    let worker = scene.settings.spawn_telling("intent-classifier", [], full);
    works(&scene, &worker).await;
    worker.stop();
}
