//! Answers that a reply offers: real buttons under the newest reply, that say what they stand for.

use serde_json::json;

use crate::{
    driver::ENTER,
    looks::{narrow, nothing_is_faint, nothing_stands_out, scheme},
    page::Page,
    support::{Peyvand, data},
};

const ORDER_EN: &str = "order 20 bags of CEM-042 for customer 1000000018";
const ORDER_FA: &str = "۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده";

/// The labels of all buttons on the page, and which of them can be pressed.
async fn offers(page: &Page) -> serde_json::Value {
    let script = "return [...document.querySelectorAll('.offer')].map(one => [one.innerText, !one.disabled])";
    page.browser.run(script).await
}

#[tokio::test]
async fn a_proposal_is_confirmed_by_a_button_which_then_rests_and_goes() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    page.say(ORDER_EN).await;
    let proposed = page.reply(1).await;
    assert!(proposed.contains("20 (twenty)") && proposed.contains("yes or no"), "{proposed}");
    assert_eq!(offers(&page).await, json!([["Yes", true], ["No", true]]));
    assert_eq!(page.browser.spoken_name(".offers").await, "Suggested answers");
    // What is pressed rests at once: a second press says nothing.
    let pressed = page
        .browser
        .run(
            "const yes = document.querySelector('.offer'); yes.click(); yes.click();
             return [yes.disabled, document.activeElement.id]",
        )
        .await;
    assert_eq!(pressed, json!([true, "text"]));
    let noted = page.reply(2).await;
    assert!(noted.contains("I have noted your request"), "{noted}");
    assert_eq!(page.mine().await, [ORDER_EN, "Yes"]);
    assert_eq!(offers(&page).await, json!([]), "only the newest reply offers anything");
    let done = page.reply(3).await;
    assert!(done.contains("Done"), "{done}");
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn persian_buttons_run_from_right_to_left_and_are_pressed_by_keyboard() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    page.say(ORDER_FA).await;
    let proposed = page.reply(1).await;
    assert!(proposed.contains("۲۰ (بیست)"), "{proposed}");
    assert_eq!(offers(&page).await, json!([["بله", true], ["نه", true]]));
    let places =
        "return [...document.querySelectorAll('.offer')].map(one => one.getBoundingClientRect().left)";
    let places = page.browser.run(places).await;
    assert!(places[0].as_f64() > places[1].as_f64(), "the first stands on the right: {places}");
    // A keyboard reaches it, and sees where it is.
    page.browser.run("document.getElementById('scroll').focus()").await;
    let tab = |kind: &str| json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
    for label in ["بله", "نه"] {
        page.browser.devtools("Input.dispatchKeyEvent", tab("rawKeyDown")).await;
        page.browser.devtools("Input.dispatchKeyEvent", tab("keyUp")).await;
        let focused =
            "const one = document.activeElement; return [one.innerText, getComputedStyle(one).outlineStyle]";
        assert_eq!(page.browser.run(focused).await, json!([label, "solid"]));
    }
    page.browser.picture("fa-buttons-focus").await;
    page.browser.type_into(".offer:nth-of-type(2)", &ENTER.to_string()).await;
    let dropped = page.reply(2).await;
    assert!(dropped.contains("کنار گذاشتم"), "{dropped}");
    assert_eq!(page.mine().await, [ORDER_FA, "نه"]);
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn buttons_outlive_a_reload_and_a_browser_that_forgot_its_conversation() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    page.say(ORDER_EN).await;
    page.reply(1).await;
    page.browser.reload().await;
    page.connected().await;
    let both = json!([["Yes", true], ["No", true]]);
    assert_eq!(offers(&page).await, both);
    // Now only the server knows what was said.
    let conversation = page.conversation().await;
    let forget = format!(
        "addEventListener('pagehide', () => {{ localStorage['peyvand.talk'] =
            JSON.stringify({{ conversation: '{conversation}', cursor: 0, items: [] }}); }})"
    );
    page.browser.run(&forget).await;
    page.browser.reload().await;
    page.reply(1).await;
    assert!(page.mine().await.is_empty());
    assert_eq!(offers(&page).await, both);
    // Writing does the same as pressing.
    page.say("no").await;
    let dropped = page.reply(2).await;
    assert!(dropped.contains("dropped"), "{dropped}");
    assert_eq!(offers(&page).await, json!([]));
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn a_label_is_text_and_what_is_no_button_is_passed_over() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    let hostile = "take({ type: 'reply', cursor: 1, event_id: 'a', turn_id: 'b', text: 'Which?', language: 'en', buttons: [
        { label: '<img src=x onerror=\"window.harmed=1\">', value: '1' }, { label: '', value: 'x' }, { label: 'y' }, null, 7,
        'text', { label: {}, value: 'z' }] })";
    page.browser.run(hostile).await;
    assert_eq!(offers(&page).await, json!([["<img src=x onerror=\"window.harmed=1\">", true]]));
    for odd in ["undefined", "null", "7", "{}", "'text'"] {
        let script = format!(
            "take({{ type: 'reply', cursor: talk.cursor + 1, event_id: randomId(), turn_id: 'b', text: 'x', language: 'en', buttons: {odd} }})"
        );
        page.browser.run(&script).await;
        let still = json!([["<img src=x onerror=\"window.harmed=1\">", true]]);
        assert_eq!(offers(&page).await, still, "news without buttons leave those of the question");
    }
    let harmed = "return window.harmed !== undefined || document.querySelector('#log img') !== null";
    assert_eq!(page.browser.run(harmed).await, false, "a label became markup");
    page.nothing_went_wrong().await;
}

#[tokio::test]
async fn five_long_buttons_can_be_read_in_the_dark_and_on_a_phone() {
    let peyvand = Peyvand::up(data());
    for (language, tag, label) in [
        ("fa-IR", "fa", "وضعیت سفارش خرید شماره‌ی ۴۵۰۰۱ از شرکت پارس Lenovo ThinkPad X1"),
        ("en-US", "en", "the status of the purchase order 45001 of Pars Trading Co"),
    ] {
        let page = Page::open(&peyvand.url, language).await;
        page.say(if tag == "fa" { ORDER_FA } else { ORDER_EN }).await;
        page.reply(1).await;
        for colours in ["light", "dark"] {
            scheme(&page.browser, colours).await;
            nothing_is_faint(&page, colours).await;
            page.browser.picture(&format!("{tag}-buttons-{colours}")).await;
        }
        narrow(&page.browser).await;
        let many = format!(
            "take({{ type: 'reply', cursor: talk.cursor + 1, event_id: 'many', turn_id: 'b', text: 'x', language: '{tag}',
                buttons: ['1', '2', '3', '4', '5', '6'].map(value => ({{ label: value === '2' ? '{long}' : '{label}', value }})) }})",
            long = "x".repeat(60)
        );
        page.browser.run(&many).await;
        assert_eq!(offers(&page).await.as_array().map(Vec::len), Some(5));
        nothing_stands_out(&page, "with five long buttons").await;
        page.browser.picture(&format!("{tag}-buttons-360")).await;
        page.nothing_went_wrong().await;
    }
}

#[tokio::test]
async fn a_long_list_shows_five_orders_and_offers_more() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    narrow(&page.browser).await;
    scheme(&page.browser, "light").await;
    page.say("آخرین سفارش‌هام چیا بودن؟").await;
    page.reply(1).await;
    page.say("۴۵۰۰۱").await;
    let list = page.reply(2).await;
    assert_eq!(list.lines().filter(|line| line.starts_with('•')).count(), 5, "{list}");
    assert!(list.contains("بنویسید «بیشتر»"), "{list}");
    assert_eq!(offers(&page).await, json!([["بیشتر", true]]));
    nothing_stands_out(&page, "with a list").await;
    page.browser.picture("fa-list-360").await;
    page.nothing_went_wrong().await;
}
