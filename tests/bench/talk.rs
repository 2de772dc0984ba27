//! A question and its answer: over HTTP in, through all four workers and the sandbox SAP, and back, on a fixed schedule: 50 a
//! second, where a small machine has time to spare, and 200, where it may have none. A latency counts from the moment a question was due, so that a stall is not hidden by asking less.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    deployment,
    figures::{Latencies, ms},
    hops,
    support::{self, Peyvand},
};

pub(crate) const EACH: Duration = Duration::from_millis(5);
pub(crate) const SAMPLES: usize = 4000;
/// Questions before those that count.
const WARM_UP: usize = 400;
/// Time between questions, and how many.
const SCHEDULES: [(Duration, usize); 2] = [(Duration::from_millis(20), 1000), (EACH, SAMPLES)];
const CONVERSATIONS: usize = 1000;
/// Records a question causes one after the other: received, decided, updated, ready.
const HOPS: u32 = 4;
/// Commits one after the other before the answer can be fetched, one a worker.
const COMMITS: u32 = 4;

pub(crate) fn embedded() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("\nquestions to `peyvand up`, {CONVERSATIONS} conversations");
    let limit = runtime.block_on(hops::embedded());
    let commit = runtime.block_on(hops::sqlite_commit());
    let peyvand = Peyvand::up(support::data());
    runtime.block_on(measure(&peyvand.url, &limit, &commit));
}

pub(crate) fn cluster() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "\nquestions to four worker processes on Kafka, registry and PostgreSQL, {CONVERSATIONS} conversations"
    );
    let limit = hops::kafka(&runtime);
    let commit = runtime.block_on(hops::postgres_commit());
    runtime.block_on(measure(&deployment::deployment().url, &limit, &commit));
}

async fn measure(url: &str, hop: &Latencies, commit: &Latencies) {
    println!("  {}", hop.line("bare hop: sent to received, 200 a second"));
    println!("  {}", commit.line("bare commit: one row, durable"));
    drop(ask(url, EACH, WARM_UP).await);
    for (each, count) in SCHEDULES {
        let answered = ask(url, each, count).await;
        println!("  {}", answered.line(&format!("question to answer, {} a second", 1000 / each.as_millis())));
        compare(hop, commit, &answered);
    }
}

fn compare(hop: &Latencies, commit: &Latencies, answered: &Latencies) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (hops, commits) = (hop.at(share) * HOPS, commit.at(share) * COMMITS);
        let own = answered.at(share).as_secs_f64();
        println!(
            "  {name}: {HOPS} hops are {}, with {COMMITS} commits {}; the answer takes {:.2} times the hops, {:.2} times hops and commits",
            ms(hops),
            ms(hops + commits),
            own / hops.as_secs_f64(),
            own / (hops + commits).as_secs_f64(),
        );
    }
}

async fn ask(url: &str, each: Duration, count: usize) -> Latencies {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let run = uuid::Uuid::new_v4();
    let began = Instant::now() + Duration::from_millis(50);
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..count {
        let due = began + each * u32::try_from(number).unwrap();
        tokio::time::sleep_until(due.into()).await;
        let body = json!({
            "conversation_id": format!("bench:{run}:{}", number % CONVERSATIONS),
            "client_message_id": number.to_string(),
            "text": format!("where is order {}?", 45001 + number % 900),
        });
        let request = client.post(format!("{url}/v1/messages?wait=30")).json(&body);
        asked.spawn(async move {
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["replies"].as_array().map(Vec::len), Some(1), "one answer to one question");
            due.elapsed()
        });
    }
    Latencies::of(asked.join_all().await)
}
