//! Servers go away while writes keep coming, and come back: afterwards everything is done without a person and by the same
//! processes, and meanwhile each process says what it waits for.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use peyvand::event::Operation;
use peyvand_sandbox::Fault;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::sleep;

use crate::{
    away::Away,
    play::{PATIENCE, Play, all_say, counted, until_all_say},
    process::{Worker, server},
    scene::Scene,
};

/// Past the group's session (10 s) and the lease of a write (15 s).
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_killed_for_ten_seconds_delays_writes_and_nothing_else() {
    let mut play = Play::begin().await;
    let healths = play.healths();
    let happens = async move {
        sleep(Duration::from_secs(2)).await;
        let (away, since) = (Away::kill("kafka").await, Instant::now());
        until_all_say(&healths, "kafka").await;
        all_say(&healths, "kafka", Duration::from_secs(10).saturating_sub(since.elapsed())).await;
        away.end().await;
        until_all_say(&healths, "ready").await;
    };
    play.while_asking(Duration::from_millis(20), happens).await;
    play.end("kafka killed").await;
}

/// A commit that takes its time, so that it can be met.
async fn slow_commits(scene: &Scene) -> PgConnection {
    let mut postgres = PgConnection::connect(&server("PEYVAND_TEST_POSTGRES")).await.unwrap();
    for setting in ["commit_delay = 20000", "commit_siblings = 0"] {
        let alter = format!("ALTER DATABASE {} SET {setting}", scene.database());
        postgres.execute(sqlx::AssertSqlSafe(alter)).await.unwrap();
    }
    postgres
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_killed_again_and_again_in_its_commits_delays_writes_and_nothing_else() {
    let scene = Scene::open().await;
    drop(slow_commits(&scene).await);
    let mut play = Play::of(scene).await;
    let healths = play.healths();
    let happens = async move {
        for _ in 0..6 {
            sleep(Duration::from_secs(1)).await;
            let away = Away::kill("postgres").await;
            until_all_say(&healths, "database").await;
            away.end().await;
            until_all_say(&healths, "ready").await;
        }
    };
    play.while_asking(Duration::from_millis(30), happens).await;
    play.end("postgresql killed").await;
}

const CUT: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = $1 AND pid <> pg_backend_pid() AND ($2 OR (state = 'active' AND query = 'COMMIT'))";

/// Ends connections until one was there to be ended.
async fn cut(postgres: &mut PgConnection, database: &str, all: bool) -> i64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let query = sqlx::query_scalar(CUT).bind(database).bind(all);
        let cut: i64 = query.fetch_one(&mut *postgres).await.unwrap();
        if cut > 0 {
            return cut;
        }
        assert!(Instant::now() < until, "there was no connection to cut");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_postgresql_cut_in_their_commits_lose_and_double_nothing() {
    let scene = Scene::open().await;
    let mut postgres = slow_commits(&scene).await;
    let database = scene.database().to_owned();
    let mut play = Play::of(scene).await;
    let happens = async move {
        let (mut in_commit, mut of_all) = (0, 0);
        for _ in 0..20 {
            in_commit += cut(&mut postgres, &database, false).await;
            sleep(Duration::from_millis(150)).await;
            of_all += cut(&mut postgres, &database, true).await;
            sleep(Duration::from_millis(150)).await;
        }
        (in_commit, of_all)
    };
    let (in_commit, of_all) = play.while_asking(Duration::from_millis(30), happens).await;
    println!("{in_commit} connections cut in COMMIT, {of_all} wherever they were");
    play.end("connections cut").await;
}

/// The address of the token without which SAP takes no write.
const TOKEN: &str = "API_SALES_ORDER_SRV/?$format=json";

/// Sets a fault of the sandbox that is not one of writes only.
async fn fault(scene: &Scene, fault: Value) {
    let url = format!("{}/_sandbox/faults", scene.sap());
    let answer = reqwest::Client::new().put(url).json(&fault).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// How many requests of a method the faults have struck.
async fn struck(scene: &Scene, method: &str) -> u64 {
    let faults: Value =
        reqwest::get(format!("{}/_sandbox/faults", scene.sap())).await.unwrap().json().await.unwrap();
    let all = faults.as_array().or_else(|| faults["faults"].as_array()).unwrap();
    all.iter().filter(|one| one["method"] == method).filter_map(|one| one["hits"].as_u64()).sum()
}

fn signal(connectors: &[Worker], signal: &str) {
    for connector in connectors {
        let pid = connector.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

/// One is stopped while it fetches a token for the writes it has leased, the other while SAP carries out what it sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectors_that_wake_up_after_another_took_over_change_nothing() {
    let mut play = Play::begin().await;
    let until = Instant::now() + PATIENCE;
    for health in play.healths() {
        // From now on both have a token, and only a third connector fetches one.
        while counted(&health, "peyvand_writes_total").await == 0 {
            assert!(Instant::now() < until, "{health} has no work");
            let _turn = play.scene.ask(&Scene::conversation()).await;
        }
    }
    play.scene.all_done().await;
    let survivor = play.connectors.pop().unwrap();
    play.connectors.push(play.scene.connector(None).await);
    fault(&play.scene, json!({"match": "A_SalesOrder", "method": "POST", "delay_ms": 600})).await;
    fault(&play.scene, json!({"match": TOKEN, "method": "GET", "delay_ms": 600})).await;
    let until = Instant::now() + PATIENCE;
    while struck(&play.scene, "POST").await < 20 || struck(&play.scene, "GET").await < 1 {
        assert!(Instant::now() < until, "not all connectors have work");
        for _ in 0..10 {
            let _turn = play.scene.ask(&Scene::conversation()).await;
        }
        sleep(Duration::from_millis(200)).await;
    }
    signal(&play.connectors, "-STOP");
    let stopped = Instant::now();
    play.scene.no_faults();
    for talk in &play.talks {
        let _turn = play.scene.ask(talk).await;
    }
    play.scene.all_done().await;
    println!("the other had done everything after {:?}", stopped.elapsed());
    sleep(LONGER_THAN_A_LEASE.saturating_sub(stopped.elapsed())).await;
    signal(&play.connectors, "-CONT");
    until_all_say(&play.healths(), "ready").await;
    let until = Instant::now() + PATIENCE;
    for health in play.healths() {
        while counted(&health, "peyvand_relay_fenced_total").await == 0 {
            assert!(Instant::now() < until, "{health} came too late for nothing");
            sleep(Duration::from_millis(100)).await;
        }
    }
    for talk in &play.talks {
        let _turn = play.scene.ask(talk).await;
    }
    play.scene.all_done().await;
    // What the slowest request may still do is part of the verdict.
    sleep(Duration::from_secs(3)).await;
    play.connectors.push(survivor);
    play.end("connectors stopped").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_wait_for_a_sap_that_is_dead_for_twenty_seconds() {
    let mut play = Play::begin().await;
    play.while_asking(Duration::from_millis(50), sleep(Duration::from_secs(2))).await;
    play.scene.all_done().await;
    fault(&play.scene, json!({"match": "/sap", "drop": true})).await;
    let (before, healths) = (play.scene.done(), play.healths());
    let happens = async move { all_say(&healths, "ready", Duration::from_secs(20)).await };
    play.while_asking(Duration::from_millis(100), happens).await;
    assert_eq!(play.scene.done(), before, "SAP was not dead");
    play.scene.no_faults();
    play.end("SAP dead").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_come_through_to_a_sap_that_is_slow_and_to_one_that_comes_and_goes() {
    let mut play = Play::begin().await;
    let each = Duration::from_millis(50);
    for delay_ms in [700, 1500] {
        play.scene.fault(Operation::SalesOrderCreate, Fault { delay_ms, ..Fault::default() });
        play.while_asking(each, sleep(Duration::from_secs(4))).await;
    }
    for _ in 0..6 {
        play.scene.fault(Operation::SalesOrderCreate, Fault { status: Some(503), ..Fault::default() });
        play.while_asking(each, sleep(Duration::from_secs(1))).await;
        play.scene.no_faults();
        play.while_asking(each, sleep(Duration::from_secs(1))).await;
    }
    play.end("SAP slow and flapping").await;
}
