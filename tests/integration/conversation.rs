//! What a person hears, in both languages, and what survives a crash.

use crate::support::{Peyvand, data};

#[tokio::test]
async fn a_person_gets_the_live_answer_in_the_language_of_the_question() {
    let peyvand = Peyvand::up(data());
    let english = peyvand.ask("web:en", "where is order 45001?").await;
    assert!(english.contains("45001") && english.contains("partly delivered"), "{english}");
    let persian = peyvand.ask("web:fa", "سفارش ۴۵۰۰۱ کجاست؟").await;
    assert!(persian.contains("۴۵۰۰۱") && persian.contains("تحویل"), "{persian}");
}

#[tokio::test]
async fn a_missing_order_number_is_asked_for_and_then_taken() {
    let peyvand = Peyvand::up(data());
    let question = peyvand.ask("web:a", "سفارش من کجاست؟").await;
    assert!(question.contains("شماره"), "{question}");
    let answer = peyvand.ask("web:a", "۴۵۰۰۲").await;
    assert!(answer.contains("۴۵۰۰۲"), "{answer}");
}

#[tokio::test]
async fn a_joke_is_kindly_out_of_scope_in_both_languages() {
    let peyvand = Peyvand::up(data());
    let english = peyvand.ask("web:b", "tell me a joke").await;
    assert!(english.contains("not something I can do"), "{english}");
    let persian = peyvand.ask("web:c", "یه جوک بگو").await;
    assert!(persian.contains("از عهده‌ی این یکی برنمی‌آیم"), "{persian}");
}

#[tokio::test]
async fn a_repeated_client_message_has_the_same_answer_and_no_second_turn() {
    let peyvand = Peyvand::up(data());
    let first = peyvand.send("web:d", "m-1", "where is order 45001?").await;
    let second = peyvand.send("web:d", "m-1", "where is order 45001?").await;
    assert_eq!(first, second);
    // A later turn of the same conversation comes after whatever the repeat caused.
    peyvand.ask("web:d", "where is order 45002?").await;
    assert_eq!(peyvand.replies("web:d").await, 2);
}

#[tokio::test]
async fn a_killed_instance_remembers_the_open_question_and_repeats_nothing() {
    let first = Peyvand::up(data());
    first.ask("web:e", "where is my order?").await;
    let second = Peyvand::up(first.kill());
    let answer = second.ask("web:e", "45001").await;
    assert!(answer.contains("partly delivered"), "{answer}");
    assert_eq!(second.replies("web:e").await, 2);
}
