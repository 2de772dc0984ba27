//! Texts that try to become something else than text, and texts that are too much.

use crate::{
    driver::BACKSPACE,
    page::Page,
    support::{Peyvand, data},
};

const TEXT_BYTES_MAX: usize = 4096;

async fn nothing_was_executed(page: &Page) {
    let marks = "return window.harmed !== undefined || document.querySelector('#log img, #log script, #log b, #log a') !== null";
    assert_eq!(page.browser.run(marks).await, false, "a text became markup");
}

#[tokio::test]
async fn markup_is_shown_as_text_in_the_message_and_in_the_reply() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    let texts = [
        "<img src=x onerror='window.harmed=1'>",
        "\"><script>window.harmed=1</script><b>bold</b>",
        "<a href=\"javascript:window.harmed=1\">click</a> &lt;b&gt; {{7*7}} ${7*7}",
        // A product that nobody has is named again in the reply.
        "how much <img src=x onerror=window.harmed=1> do you have in stock?",
    ];
    for (place, text) in texts.iter().enumerate() {
        page.say(text).await;
        page.reply(place + 1).await;
        nothing_was_executed(&page).await;
    }
    assert_eq!(page.mine().await, texts);
    page.browser.reload().await;
    page.connected().await;
    assert_eq!(page.mine().await, texts);
    nothing_was_executed(&page).await;
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn direction_controls_turn_nothing_outside_their_bubble() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    let text = "\u{202e}\u{2067}where is order 45001?\u{202e}";
    page.paste(text).await;
    page.browser.click("#send").await;
    let answer = page.reply(1).await;
    assert_eq!(page.mine().await, [text]);
    for css in ["#log", ".row.mine .note", ".bubble.reply", "#state", "h1"] {
        assert_eq!(page.direction(css).await, "ltr", "{css}");
    }
    assert!(!answer.contains('\u{202e}'), "{answer:?}");
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn the_longest_message_is_sent_and_a_longer_one_is_told_in_the_persons_language() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    let longest = "ش".repeat(TEXT_BYTES_MAX / 2);
    page.paste(&format!("{longest}ش")).await;
    page.shows("#long:not([hidden])").await;
    let warning = page.text_of("#long").await;
    assert!(warning.contains("پیام"), "{warning}");
    assert_eq!(page.browser.run("return document.getElementById('send').disabled").await, true);
    page.say("").await;
    assert!(page.mine().await.is_empty(), "a message too long was sent");
    // Nothing that was written is lost, and one letter less is enough.
    page.browser.type_into("#text", &BACKSPACE.to_string()).await;
    page.shows("#long[hidden]").await;
    page.say("").await;
    page.reply(1).await;
    assert_eq!(page.mine().await, [longest]);
    page.browser.click("#language").await;
    page.paste(&"x".repeat(TEXT_BYTES_MAX + 1)).await;
    page.shows("#long:not([hidden])").await;
    assert!(page.text_of("#long").await.contains("too long"));
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn a_refused_message_says_why_and_can_be_written_anew() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    // Only invisible marks: the page takes them for text, the server does not.
    page.paste("\u{200b}\u{200f}\u{200b}").await;
    page.browser.click("#send").await;
    page.shows(".row.mine.failed").await;
    let why = page.text_of(".row.failed .note").await;
    assert!(why.len() > 15 && why.is_ascii(), "{why}");
    page.browser.click("#language").await;
    let why = page.text_of(".row.failed .note").await;
    assert!(why.contains("پیام"), "{why}");
    page.browser.click(".row.failed .link").await;
    assert!(page.mine().await.is_empty());
    page.say("where is order 45001?").await;
    let answer = page.reply(1).await;
    assert!(answer.contains("45001"), "{answer}");
    page.browser.reload().await;
    page.connected().await;
    assert_eq!(page.mine().await.len(), 1, "the message taken back came again");
    page.nothing_went_wrong().await;
}
