//! The chat page as a person sees it and uses it.

use serde_json::{Value, json};

use crate::driver::{Browser, ENTER};

const REPLIES: &str = "[...document.querySelectorAll('.bubble.reply')].map(bubble => bubble.innerText)";
const MINE: &str = "[...document.querySelectorAll('.bubble.mine')].map(bubble => bubble.innerText)";

pub(crate) struct Page {
    pub(crate) browser: Browser,
}

impl Page {
    /// The page, connected, of a person who prefers a language.
    pub(crate) async fn open(url: &str, language: &str) -> Self {
        let page = Self { browser: Browser::open(language).await };
        page.browser.go(url).await;
        page.connected().await;
        page
    }

    pub(crate) async fn connected(&self) {
        self.state("connected").await;
    }

    pub(crate) async fn state(&self, state: &str) {
        let script = format!("return document.getElementById('state').dataset.state === '{state}'");
        self.browser.until(state, &script).await;
    }

    /// Types a message and sends it by the Enter key.
    pub(crate) async fn say(&self, text: &str) {
        self.browser.type_into("#text", &format!("{text}{ENTER}")).await;
    }

    /// Puts a text into the box at once, as pasting does.
    pub(crate) async fn paste(&self, text: &str) {
        self.browser.run("document.getElementById('text').focus()").await;
        self.browser.devtools("Input.insertText", json!({"text": text})).await;
    }

    /// Waits for the reply of this place, from 1.
    pub(crate) async fn reply(&self, place: usize) -> String {
        let script = format!("const all = {REPLIES}; return all.length >= {place} && all[{place} - 1]");
        let what = format!("reply {place}");
        self.browser.until(&what, &script).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn replies(&self) -> Vec<String> {
        texts(self.browser.run(&format!("return {REPLIES}")).await)
    }

    pub(crate) async fn mine(&self) -> Vec<String> {
        texts(self.browser.run(&format!("return {MINE}")).await)
    }

    /// Language and direction of the page.
    pub(crate) async fn document(&self) -> Value {
        let script = "return [document.documentElement.lang, document.documentElement.dir]";
        self.browser.run(script).await
    }

    /// The computed direction of the last thing that goes by a selector.
    pub(crate) async fn direction(&self, css: &str) -> String {
        let script =
            format!("return getComputedStyle([...document.querySelectorAll('{css}')].at(-1)).direction");
        self.browser.run(&script).await.as_str().unwrap().to_owned()
    }

    /// The name by which the server knows this conversation.
    pub(crate) async fn conversation(&self) -> String {
        let script = "return JSON.parse(localStorage['peyvand.talk']).conversation";
        self.browser.run(script).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn text_of(&self, css: &str) -> String {
        let script = format!("return document.querySelector('{css}').innerText");
        self.browser.run(&script).await.as_str().unwrap().to_owned()
    }

    /// Waits until something that goes by a selector is there.
    pub(crate) async fn shows(&self, css: &str) {
        self.browser.until(css, &format!("return document.querySelector('{css}') !== null")).await;
    }

    pub(crate) async fn nothing_went_wrong(&self) {
        let said = self.browser.console().await;
        assert!(said.is_empty(), "the console is not empty: {said:#?}");
    }
}

fn texts(value: Value) -> Vec<String> {
    serde_json::from_value(value).unwrap()
}
