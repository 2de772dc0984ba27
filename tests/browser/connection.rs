//! What the page does when the server goes and comes back.

use crate::{
    page::Page,
    support::{Peyvand, data},
};

/// The browser itself tells a lost connection in the console; anything else is a mistake of the page.
async fn only_the_lost_connection_is_in_the_console(page: &Page) {
    for line in page.browser.console().await {
        assert!(line.contains("WebSocket") || line.contains("ERR_CONNECTION_REFUSED"), "{line}");
    }
}

#[tokio::test]
async fn a_killed_server_is_told_and_after_its_return_the_next_message_is_answered_once() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    page.say("where is my order?").await;
    let question = page.reply(1).await;
    assert!(question.contains("order number"), "{question}");

    let address = peyvand.address();
    let kept = peyvand.kill();
    page.state("offline").await;
    assert!(page.text_of("#state").await.contains("Connection lost"));
    // The person may press for it; nobody is there yet.
    page.browser.click("#retry").await;
    page.state("offline").await;
    page.say("45002").await;
    page.shows(".row.mine.pending").await;
    assert_eq!(page.text_of(".row.pending .note").await, "Sending…");

    let peyvand = Peyvand::up_at(kept, &address);
    page.connected().await;
    let answer = page.reply(2).await;
    assert!(answer.contains("45002") && answer.contains("fully delivered"), "{answer}");
    assert_eq!(page.mine().await, ["where is my order?", "45002"]);
    page.say("where is order 45001?").await;
    let answer = page.reply(3).await;
    assert!(answer.contains("45001"), "{answer}");
    assert_eq!(page.replies().await.len(), 3);
    assert_eq!(peyvand.replies(&page.conversation().await).await, 3, "a message was answered twice");
    only_the_lost_connection_is_in_the_console(&page).await;
}

#[tokio::test]
async fn a_message_written_while_the_server_is_away_survives_a_reload_of_the_page() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    let address = peyvand.address();
    let kept = peyvand.kill();
    page.state("offline").await;
    assert!(page.text_of("#state").await.contains("قطع"));
    page.say("سفارش ۴۵۰۰۱ کجاست؟").await;
    page.shows(".row.mine.pending").await;

    let peyvand = Peyvand::up_at(kept, &address);
    page.browser.go(&peyvand.url).await;
    page.connected().await;
    let answer = page.reply(1).await;
    assert!(answer.contains("۴۵۰۰۱"), "{answer}");
    assert_eq!(page.mine().await.len(), 1);
    assert_eq!(peyvand.replies(&page.conversation().await).await, 1);
    only_the_lost_connection_is_in_the_console(&page).await;
}
