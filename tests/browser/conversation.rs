//! A person talks on the page, in English and in Persian.

use serde_json::json;

use crate::{
    driver::{ENTER, RELEASE, SHIFT},
    page::Page,
    support::{Peyvand, data},
};

#[tokio::test]
async fn an_english_conversation_is_answered_live_from_left_to_right() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    assert_eq!(page.document().await, json!(["en", "ltr"]));

    page.say("where is order 45001?").await;
    let answer = page.reply(1).await;
    assert!(answer.contains("45001") && answer.contains("partly delivered"), "{answer}");
    assert!(answer.lines().count() > 3, "an order is a list of lines: {answer}");
    assert!(!answer.chars().any(|c| ('۰'..='۹').contains(&c)), "{answer}");
    assert_eq!(page.direction(".bubble.mine").await, "ltr");
    assert_eq!(page.direction(".bubble.reply").await, "ltr");

    page.say("where is my order?").await;
    let question = page.reply(2).await;
    assert!(question.contains("order number"), "{question}");
    page.say("45002").await;
    let answer = page.reply(3).await;
    assert!(answer.contains("45002") && answer.contains("fully delivered"), "{answer}");

    page.say("tell me a joke").await;
    let answer = page.reply(4).await;
    assert!(answer.contains("not something I can do"), "{answer}");
    let mine = ["where is order 45001?", "where is my order?", "45002", "tell me a joke"];
    assert_eq!(page.mine().await, mine);
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn a_persian_conversation_is_answered_live_from_right_to_left_in_persian_digits() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    assert_eq!(page.document().await, json!(["fa", "rtl"]));

    page.say("سفارش ۴۵۰۰۱ کجاست؟").await;
    let answer = page.reply(1).await;
    assert!(answer.contains("۴۵۰۰۱") && answer.contains("تحویل"), "{answer}");
    // A product's name stands as the company wrote it; every figure of ours is Persian.
    let ours = answer.lines().filter(|line| !line.starts_with('•'));
    assert!(!ours.collect::<String>().contains(|c: char| c.is_ascii_digit()), "{answer}");
    assert_eq!(page.direction(".bubble.mine").await, "rtl");
    assert_eq!(page.direction(".bubble.reply").await, "rtl");

    page.say("سفارش من کجاست؟").await;
    let question = page.reply(2).await;
    assert!(question.contains("شماره"), "{question}");
    page.say("۴۵۰۰۲").await;
    let answer = page.reply(3).await;
    assert!(answer.contains("۴۵۰۰۲"), "{answer}");

    page.say("یه جوک بگو").await;
    let answer = page.reply(4).await;
    assert!(answer.contains("از عهده"), "{answer}");
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn each_language_keeps_its_direction_on_a_page_of_the_other() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    page.say("where is order 45001?").await;
    page.reply(1).await;
    assert_eq!(page.direction(".bubble.mine").await, "ltr");
    assert_eq!(page.direction(".bubble.reply").await, "ltr");
    page.browser.click("#language").await;
    assert_eq!(page.document().await, json!(["en", "ltr"]));
    page.say("سفارش ۴۵۰۰۲ کجاست؟").await;
    page.reply(2).await;
    assert_eq!(page.direction(".bubble.mine").await, "rtl");
    assert_eq!(page.direction(".bubble.reply").await, "rtl");
    // The choice outlives the page.
    page.browser.reload().await;
    page.connected().await;
    assert_eq!(page.document().await, json!(["en", "ltr"]));
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn each_sample_sentence_is_sent_by_a_click_and_answered() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    let samples = page.browser.run("return document.querySelectorAll('.sample').length").await;
    for place in 1..=samples.as_u64().filter(|count| *count >= 3).unwrap() {
        let sample = format!("#samples .sample:nth-of-type({place})");
        let words = page.text_of(&sample).await;
        page.browser.click(&sample).await;
        let answer = page.reply(1).await;
        assert_eq!(page.mine().await, [words]);
        let live = ["تحویل", "delivered", "موجودی"].iter().any(|word| answer.contains(word));
        assert!(live, "{answer}");
        page.browser.click("#new").await;
        assert!(page.browser.question().await.contains("گفتگوی تازه"));
        page.browser.say_yes().await;
        page.browser.until("the samples", "return !document.getElementById('welcome').hidden").await;
        assert!(page.replies().await.is_empty());
        page.connected().await;
    }
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn a_reload_keeps_the_conversation_and_its_open_question() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    page.say("where is my order?").await;
    let question = page.reply(1).await;
    page.browser.reload().await;
    page.connected().await;
    assert_eq!(page.replies().await, [question]);
    assert_eq!(page.mine().await, ["where is my order?"]);
    page.say("45001").await;
    let answer = page.reply(2).await;
    assert!(answer.contains("partly delivered"), "{answer}");
    assert_eq!(page.replies().await.len(), 2);
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn enter_sends_and_shift_enter_starts_a_line() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    let two_lines = format!("hello{SHIFT}{ENTER}{RELEASE}where is order 45001?");
    page.browser.type_into("#text", &two_lines).await;
    assert!(page.mine().await.is_empty());
    page.say("").await;
    assert_eq!(page.mine().await, ["hello\nwhere is order 45001?"]);
    page.reply(1).await;
    // Blanks are not sent, by key or by button.
    page.say("   ").await;
    assert_eq!(page.mine().await.len(), 1);
    assert_eq!(page.browser.run("return document.getElementById('send').disabled").await, true);
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn two_tabs_of_one_conversation_both_get_the_reply() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    let first = page.browser.tab().await;
    let second = page.browser.new_tab().await;
    page.browser.switch_to(&second).await;
    page.browser.go(&peyvand.url).await;
    page.connected().await;
    page.say("where is order 45001?").await;
    let answer = page.reply(1).await;
    page.browser.switch_to(&first).await;
    assert_eq!(page.reply(1).await, answer);
    page.say("where is order 45002?").await;
    let answer = page.reply(2).await;
    page.browser.switch_to(&second).await;
    assert_eq!(page.reply(2).await, answer);
    let settled = "return document.querySelectorAll('.row.mine.answered').length === 2";
    for tab in [&first, &second] {
        page.browser.switch_to(tab).await;
        page.browser.until("both messages as answered", settled).await;
        assert_eq!(page.mine().await, ["where is order 45001?", "where is order 45002?"]);
        assert_eq!(page.replies().await.len(), 2);
        page.nothing_went_wrong().await;
    }
    assert_eq!(peyvand.replies(&page.conversation().await).await, 2);
}
