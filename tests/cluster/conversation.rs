//! What a person hears when every worker is a process of its own, also when one of them dies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::deployment::{conversation, deployment, ready, settled};

#[tokio::test]
async fn a_person_gets_the_live_answer_in_both_languages() {
    let peyvand = deployment();
    let (english, persian) = (conversation(), conversation());
    let answer = peyvand.ask(&english, "where is order 45001?").await;
    assert!(answer.contains("45001") && answer.contains("partly delivered"), "{answer}");
    let answer = peyvand.ask(&persian, "سفارش ۴۵۰۰۱ کجاست؟").await;
    assert!(answer.contains("۴۵۰۰۱") && answer.contains("تحویل"), "{answer}");
    let answer = peyvand.ask(&persian, "موجودی سیمان چقدر است؟").await;
    assert!(answer.contains("سیمان"), "{answer}");
}

#[tokio::test]
async fn a_missing_number_is_asked_for_and_a_joke_is_out_of_scope() {
    let (peyvand, talk) = (deployment(), conversation());
    let question = peyvand.ask(&talk, "where is my order?").await;
    assert!(question.contains("number"), "{question}");
    let answer = peyvand.ask(&talk, "45002").await;
    assert!(answer.contains("45002"), "{answer}");
    let answer = peyvand.ask(&talk, "tell me a joke").await;
    assert!(answer.contains("not something I can do"), "{answer}");
    assert_eq!(peyvand.replies(&talk).await, 3);
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_a_running_deployment() {
    let (healthy, said) = deployment().peyvand(&["doctor"]);
    assert!(healthy, "{said}");
    for part in ["settings", "assistant", "kafka", "registry", "database", "target sap"] {
        assert!(said.contains(part), "nothing is said about {part}:\n{said}");
    }
}

/// One test kills a connector, and one asks each of them.
static CONNECTORS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Two connectors share the work; one is killed while it asks SAP, and another takes its place.
#[tokio::test]
async fn killing_a_connector_in_the_middle_of_a_talk_loses_and_doubles_nothing() {
    let _alone = CONNECTORS.lock().await;
    let peyvand = deployment();
    let talks: Vec<String> = (0..24).map(|_| conversation()).collect();
    peyvand.fault(json!({"match": "A_SalesOrder('45003')", "delay_ms": 1500})).await;
    let asked = talks.iter().map(|talk| peyvand.ask(talk, "where is order 45003?"));
    let asked = futures_util::future::join_all(asked);
    let killed = async {
        let until = Instant::now() + Duration::from_secs(60);
        while struck(&peyvand.sandbox).await < 8 {
            assert!(Instant::now() < until, "SAP was never asked");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let first = peyvand.connectors.lock().unwrap().remove(0);
        first.kill();
        let successor = peyvand.spawn("connector");
        ready(&successor, "connector").await;
        peyvand.connectors.lock().unwrap().push(successor);
    };
    let (answers, ()) = tokio::join!(asked, killed);
    peyvand.heal().await;
    assert!(answers.iter().all(|answer| answer.contains("45003")), "{answers:?}");
    for talk in &talks {
        assert_eq!(peyvand.replies(talk).await, 1, "{talk} was answered twice");
    }
}

#[tokio::test]
async fn two_connectors_share_the_partitions() {
    let _alone = CONNECTORS.lock().await;
    let peyvand = deployment();
    for _ in 0..24 {
        peyvand.ask(&conversation(), "where is order 45004?").await;
    }
    let healths: Vec<String> =
        peyvand.connectors.lock().unwrap().iter().map(|worker| worker.health.clone()).collect();
    for health in healths {
        assert!(settled(&health).await > 0, "{health} has no work");
    }
}

/// How many requests a fault has struck so far.
async fn struck(sandbox: &str) -> u64 {
    let answer: Value =
        reqwest::get(format!("{sandbox}/_sandbox/faults")).await.unwrap().json().await.unwrap();
    let faults = answer.as_array().or_else(|| answer["faults"].as_array()).unwrap();
    faults
        .iter()
        .filter(|fault| fault["match"].to_string().contains("45003"))
        .filter_map(|f| f["hits"].as_u64())
        .sum()
}
