//! That the page can be read and used: on a narrow window, in the dark, by keyboard, by a screen reader. The pictures
//! are kept in the folder `tmp/browser` of the target folder.

use serde_json::json;

use crate::{
    driver::Browser,
    page::Page,
    support::{Peyvand, data},
};

const NARROW: u32 = 360;

/// What stands out of the window to either side.
const OUTSIDE: &str = "
    const wide = document.documentElement.clientWidth;
    return [...document.querySelectorAll('body *')]
        .filter(one => one.checkVisibility() && !one.closest('.unseen') && !one.closest('svg'))
        .filter(one => { const box = one.getBoundingClientRect(); return box.width > 0 && (box.left < -0.5 || box.right > wide + 0.5); })
        .map(one => one.id || one.className || one.tagName)
        .concat(document.documentElement.scrollWidth > wide ? ['the page itself'] : []);";

/// The texts whose contrast against what lies behind them is below WCAG's 4.5 to 1.
const FAINT: &str = "
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const over = (paint, under) => {
        canvas.fillStyle = `rgb(${under.join(' ')})`; canvas.fillRect(0, 0, 1, 1);
        canvas.fillStyle = paint; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (one) => one ? over(getComputedStyle(one).backgroundColor, behind(one.parentElement)) : [255, 255, 255];
    const faint = [];
    for (const css of ['h1', '#state', '#language', '.bubble.mine', '.bubble.reply', '.note', '.link', '.offer:enabled', '.keys']) {
        const one = [...document.querySelectorAll(css)].filter(one => one.checkVisibility()).at(-1);
        if (!one) continue;
        const under = behind(one);
        const [high, low] = [light(over(getComputedStyle(one).color, under)), light(under)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < 4.5) faint.push(`${css} ${ratio.toFixed(2)}`);
    }
    return faint;";

pub(crate) async fn narrow(browser: &Browser) {
    let phone = json!({"width": NARROW, "height": 740, "deviceScaleFactor": 2, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
}

/// The wished colours, and nothing that moves while a picture is taken.
pub(crate) async fn scheme(browser: &Browser, scheme: &str) {
    let features = json!({"features": [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]});
    browser.devtools("Emulation.setEmulatedMedia", features).await;
}

pub(crate) async fn nothing_is_faint(page: &Page, when: &str) {
    assert_eq!(page.browser.run(FAINT).await, json!([]), "hard to read {when}");
}

pub(crate) async fn nothing_stands_out(page: &Page, when: &str) {
    assert_eq!(page.browser.run(OUTSIDE).await, json!([]), "wider than the window {when}");
}

#[tokio::test]
async fn the_persian_page_can_be_read_in_light_and_dark() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    scheme(&page.browser, "light").await;
    page.browser.picture("fa-welcome-light").await;
    page.say("سفارش ۴۵۰۰۱ کجاست؟").await;
    page.reply(1).await;
    page.say("موجودی سیمان چقدر است؟").await;
    page.reply(2).await;
    page.say("where is order 45002?").await;
    page.reply(3).await;
    for light in ["light", "dark"] {
        scheme(&page.browser, light).await;
        nothing_is_faint(&page, light).await;
        page.browser.picture(&format!("fa-{light}")).await;
    }
    nothing_stands_out(&page, "in Persian").await;
}

#[tokio::test]
async fn the_english_page_can_be_read_in_light_and_dark() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    scheme(&page.browser, "dark").await;
    page.browser.picture("en-welcome-dark").await;
    page.say("other orders of the customer of order 45001").await;
    page.reply(1).await;
    page.say("where is order 45001?").await;
    page.reply(2).await;
    page.paste("\u{200b}").await;
    page.browser.click("#send").await;
    page.shows(".row.mine.failed").await;
    for light in ["dark", "light"] {
        scheme(&page.browser, light).await;
        nothing_is_faint(&page, light).await;
        page.browser.picture(&format!("en-{light}")).await;
    }
    nothing_stands_out(&page, "in English").await;
}

#[tokio::test]
async fn a_narrow_window_shows_and_takes_everything() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "fa-IR").await;
    narrow(&page.browser).await;
    scheme(&page.browser, "light").await;
    nothing_stands_out(&page, "on the welcome").await;
    page.browser.picture("fa-360-welcome").await;
    page.say("سفارش ۴۵۰۰۱ کجاست؟").await;
    page.reply(1).await;
    page.paste(&"https://example.com/".repeat(20)).await;
    page.browser.click("#send").await;
    page.reply(2).await;
    nothing_stands_out(&page, "in a conversation").await;
    let hidden = "return ['language', 'new', 'text', 'send'].filter(id => !document.getElementById(id).checkVisibility())";
    assert_eq!(page.browser.run(hidden).await, json!([]));
    page.browser.picture("fa-360").await;
    page.browser.click("#language").await;
    nothing_stands_out(&page, "in English").await;
    page.browser.picture("en-360").await;
    let _data = std::fs::remove_dir_all(peyvand.kill());
    page.state("offline").await;
    page.paste(&"long ".repeat(1_000)).await;
    page.shows("#long:not([hidden])").await;
    nothing_stands_out(&page, "offline, with a text too long").await;
    page.browser.picture("en-360-offline").await;
}

#[tokio::test]
async fn everything_has_a_name_and_can_be_reached_by_keyboard() {
    let peyvand = Peyvand::up(data());
    let page = Page::open(&peyvand.url, "en-US").await;
    for (css, name) in [
        ("#text", "Write a message…"),
        ("#send", "Send"),
        ("#new", "New conversation"),
        ("#language", "فارسی"),
        ("#log", "Conversation"),
        ("#samples", "Examples"),
    ] {
        assert_eq!(page.browser.spoken_name(css).await, name, "{css}");
    }
    page.browser.run("document.activeElement.blur()").await;
    let mut reached = Vec::new();
    for _ in 0..6 {
        page.browser
            .devtools(
                "Input.dispatchKeyEvent",
                json!({"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}),
            )
            .await;
        page.browser
            .devtools(
                "Input.dispatchKeyEvent",
                json!({"type": "keyUp", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}),
            )
            .await;
        let place = "const one = document.activeElement; return [one.id || one.className, getComputedStyle(one).outlineStyle]";
        reached.push(page.browser.run(place).await);
    }
    page.browser.picture("en-focus").await;
    for id in ["language", "new", "sample"] {
        let seen = reached.iter().find(|one| one[0] == id);
        let seen = seen.unwrap_or_else(|| panic!("{id} is not reached: {reached:?}"));
        assert_eq!(seen[1], "solid", "the focus on {id} is not shown");
    }
}
