//! A worker that starts with a million records before it, as after a day on which it was off.

use std::time::{Duration, Instant};

use peyvand::topics;

use crate::{
    corpus::Event,
    hostile_avro::{PEAK_MAX_KIB, ids, peak_kib},
    log, offsets,
    play::counted,
    process::ready,
    scene::Scene,
};

const RECORDS: usize = 1_000_000;
const CONVERSATIONS: usize = 10_000;
const AT_ONCE: usize = 50_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// Enough to see that the memory does not follow the backlog.
const SETTLED: u64 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_records_that_wait_make_no_worker_larger_and_it_stops_in_time() {
    let scene = Scene::open().await;
    offsets::skip_what_was_before().await;
    let (own, _) = ids(topics::MESSAGE_RECEIVED).await;
    let talks: Vec<String> = (0..CONVERSATIONS).map(|_| Scene::conversation()).collect();
    for from in (0..RECORDS).step_by(AT_ONCE) {
        let talk = |at: usize| talks[at % CONVERSATIONS].as_str();
        let values: Vec<_> = (from..from + AT_ONCE).map(|at| Event::Message.valid(own, talk(at))).collect();
        let records: Vec<_> =
            (from..).map(talk).zip(values.iter().map(|value| Some(value.as_slice()))).collect();
        log::publish(topics::MESSAGE_RECEIVED, &records).await;
    }
    let began = Instant::now();
    let mut worker = scene.begin("intent-classifier");
    ready(&worker, "intent-classifier").await;
    while counted(&worker.health, "peyvand_records_settled_total").await < SETTLED {
        assert!(!worker.has_ended() && began.elapsed() < PATIENCE, "it does not work its backlog off");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let peak = peak_kib(worker.pid());
    println!("{SETTLED} of {RECORDS} settled after {:?}, peak memory {} MiB", began.elapsed(), peak >> 10);
    assert!(peak < PEAK_MAX_KIB, "it held {peak} KiB");
    let took = worker.stop();
    assert!(took < Duration::from_secs(30), "it took {took:?} to stop");
    // It is nobody's.
    offsets::skip_what_was_before().await;
    scene.close().await;
}
