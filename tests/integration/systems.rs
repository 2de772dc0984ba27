//! What a person hears when the system of record is slow, away or refuses.

use serde_json::json;

use crate::support::{Peyvand, data};

async fn a_person_is_told(fault: serde_json::Value, english: &str, persian: &str) {
    let peyvand = Peyvand::up(data());
    peyvand.fault(fault).await;
    let answer = peyvand.ask("web:en", "where is order 45001?").await;
    assert!(answer.contains(english), "{answer}");
    let answer = peyvand.ask("web:fa", "سفارش ۴۵۰۰۱ کجاست؟").await;
    assert!(answer.contains(persian), "{answer}");
}

#[tokio::test]
async fn an_order_that_does_not_exist_is_told_so() {
    let peyvand = Peyvand::up(data());
    let answer = peyvand.ask("web:en", "where is order 99999?").await;
    assert!(answer.contains("99999") && answer.contains("could not find an order"), "{answer}");
    let answer = peyvand.ask("web:fa", "سفارش ۹۹۹۹۹ کجاست؟").await;
    assert!(answer.contains("۹۹۹۹۹") && answer.contains("پیدا نکردم"), "{answer}");
}

#[tokio::test]
async fn a_system_that_cuts_the_connection_is_told_honestly() {
    a_person_is_told(json!({"match": "A_SalesOrder", "drop": true}), "is not answering", "پاسخ نمی‌دهد").await;
}

#[tokio::test]
async fn a_system_that_refuses_our_credentials_is_told_honestly() {
    a_person_is_told(json!({"match": "A_SalesOrder", "status": 401}), "I have no access", "دسترسی ندارم")
        .await;
}

#[tokio::test]
async fn a_system_that_is_overrun_is_told_honestly() {
    a_person_is_told(
        json!({"match": "A_SalesOrder", "status": 429, "retry_after": "60"}),
        "is busy",
        "شلوغ است",
    )
    .await;
}

#[tokio::test]
async fn a_system_that_answers_half_a_body_is_told_honestly() {
    a_person_is_told(json!({"match": "A_SalesOrder", "half_body": true}), "is not answering", "پاسخ نمی‌دهد")
        .await;
}

#[tokio::test]
async fn a_slow_system_makes_no_other_conversation_wait() {
    let peyvand = Peyvand::up(data());
    peyvand.fault(json!({"match": "45001", "delay_ms": 60_000})).await;
    let slow = peyvand.ask("web:slow", "where is order 45001?");
    let quick = async {
        let answer = peyvand.ask("web:quick", "where is order 45002?").await;
        (answer, peyvand.replies("web:slow").await)
    };
    let (slow, (quick, slow_replies_by_then)) = tokio::join!(slow, quick);
    assert!(quick.contains("45002"), "{quick}");
    assert_eq!(slow_replies_by_then, 0, "the slow conversation was answered first");
    assert!(slow.contains("did not answer in time"), "{slow}");
}
