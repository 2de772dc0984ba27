//! One connector is cut off from Kafka and from nothing else: it still has the database and the systems, and does not know that
//! its partitions are another's by now.

use std::time::{Duration, Instant};

use peyvand::event::Operation;
use peyvand_sandbox::Fault;
use tokio::time::sleep;

use crate::{
    group::Watched,
    line::Line,
    play::{PATIENCE, Play, all_say, counted, until_all_say},
    process::server,
    scene::Scene,
};

/// Past the group's session (10 s), the lease of a write (15 s) and the time in which a record has to be delivered (30 s).
const CUT_FOR: Duration = Duration::from_secs(32);
const BURST: u32 = 300;
const WRITES: &str = "peyvand_writes_total";

async fn until_members(group: &Watched, wanted: usize) {
    let until = Instant::now() + PATIENCE;
    while group.last().is_none_or(|last| last.members != wanted) {
        assert!(Instant::now() < until, "the group has not {wanted} members");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Until it has counted more than this.
async fn until_counted(health: &str, name: &str, before: u64) {
    let until = Instant::now() + PATIENCE;
    while counted(health, name).await <= before {
        assert!(Instant::now() < until, "{name} of {health} is still {before}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_is_cut_off_from_kafka_alone_loses_and_doubles_nothing_and_works_again_afterwards() {
    // The broker sends whoever comes by the line back to it.
    let far = server("PEYVAND_TEST_KAFKA_FAR");
    let line = Line::lay(&far.replace("127.0.0.1", "127.0.0.2"), &far).await;
    let behind = ("PEYVAND_KAFKA_BROKERS", line.address.as_str());
    let mut play = Play::with(Scene::open().await, Some(behind)).await;
    play.scene
        .fault(Operation::SalesOrderCreate, Fault { delay_ms: 600, count: Some(BURST), ..Fault::default() });
    let [other, cut_off] = play.healths().try_into().unwrap();
    let group = Watched::begin();
    until_members(&group, 2).await;
    // More than the systems are asked at once: some are on their way, others wait, when the line is cut.
    for _ in 0..BURST {
        let _turn = play.scene.ask(&Scene::conversation()).await;
    }
    until_counted(&cut_off, WRITES, 0).await;
    let happens = async move {
        // The first are done, the next are being carried out.
        sleep(Duration::from_millis(300)).await;
        let since = Instant::now();
        line.cut();
        let done = counted(&cut_off, WRITES).await;
        until_all_say(std::slice::from_ref(&cut_off), "kafka").await;
        println!("it says so after {:?}", since.elapsed());
        let left = CUT_FOR.saturating_sub(since.elapsed());
        tokio::join!(
            all_say(std::slice::from_ref(&cut_off), "kafka", left),
            all_say(std::slice::from_ref(&other), "ready", left),
        );
        assert_eq!(group.last().unwrap().members, 1, "the group has waited for who was cut off");
        // Nothing of a write hangs on the log but that it is told, and that is left to the other.
        let done_meanwhile = counted(&cut_off, WRITES).await - done;
        assert!(done_meanwhile > 0, "who was cut off has done no write of the outbox");
        line.mend();
        until_all_say(&[other, cut_off.clone()], "ready").await;
        until_members(&group, 2).await;
        until_counted(&cut_off, WRITES, counted(&cut_off, WRITES).await).await;
        done_meanwhile
    };
    let done = play.while_asking(Duration::from_millis(30), happens).await;
    println!("{done} writes were done by who was cut off and told by the other");
    play.end("cut off from Kafka").await;
}
