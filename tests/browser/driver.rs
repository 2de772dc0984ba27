//! The few calls of W3C WebDriver that the tests need. Driver and browser belong to one test and end with it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::interval;
use uuid::Uuid;

/// Generous: the machine may be busy building at the same time.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EACH: Duration = Duration::from_millis(50);
const QUIT_MAX: Duration = Duration::from_secs(10);
/// The name WebDriver gives to the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
pub(crate) const ENTER: char = '\u{E007}';
pub(crate) const SHIFT: char = '\u{E008}';
/// Lets go of keys that are held.
pub(crate) const RELEASE: char = '\u{E000}';
pub(crate) const BACKSPACE: char = '\u{E003}';

pub(crate) struct Browser {
    client: reqwest::Client,
    driver: Child,
    /// Kept open: a driver that cannot write its log ends.
    _log: BufReader<ChildStdout>,
    address: String,
    session: String,
    /// The browser's own process.
    process: u64,
    profile: PathBuf,
}

impl Browser {
    /// A browser whose person prefers a language.
    pub(crate) async fn open(language: &str) -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("chromedriver cannot be started ({error}); tests/run installs it")
            });
        let mut log = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "chromedriver ended before it was ready");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        let mut browser = Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            driver,
            _log: log,
            address: format!("127.0.0.1:{port}"),
            session: String::new(),
            process: 0,
            profile: std::env::temp_dir().join(format!("peyvand-browser-{}", Uuid::new_v4())),
        };
        // A browser that does not start on a busy machine says nothing of our page: once more, from nothing.
        let started = browser.try_call(Method::POST, "/session", &browser.wishes(language)).await;
        let started = match started {
            Ok(started) => started,
            Err(_) => {
                browser.profile.set_file_name(format!("peyvand-browser-{}", Uuid::new_v4()));
                browser.call(Method::POST, "/session", &browser.wishes(language)).await
            }
        };
        browser.session = started["sessionId"].as_str().unwrap().to_owned();
        browser.process = started["capabilities"]["goog:processID"].as_u64().unwrap();
        browser
    }

    fn wishes(&self, language: &str) -> Value {
        let profile = format!("--user-data-dir={}", self.profile.display());
        let accept = format!("--accept-lang={language}");
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1100,800", profile, accept,
            ]},
        }}})
    }

    /// One call; gives its value, panics with the driver's words.
    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body).await.unwrap_or_else(|said| panic!("{said}"))
    }

    async fn try_call(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("http://{}{path}", self.address);
        let mut request = self.client.request(method.clone(), url);
        if method == Method::POST {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let mut said: Value = answer.json().await.unwrap();
        match status.is_success() {
            true => Ok(said["value"].take()),
            false => Err(format!("{method} {path}: {}", said["value"]["message"])),
        }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, &format!("/session/{}{path}", self.session), &body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, &format!("/session/{}{path}", self.session), &Value::Null).await
    }

    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    pub(crate) async fn reload(&self) {
        self.post("/refresh", json!({})).await;
    }

    /// Runs the body of a function in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Looks again and again until the script gives something; gives it.
    pub(crate) async fn until(&self, what: &str, script: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut each = interval(LOOK_EACH);
        loop {
            each.tick().await;
            let value = self.run(script).await;
            if !value.is_null() && value != json!(false) {
                return value;
            }
            if Instant::now() >= deadline {
                let shown = self.run("return document.body.innerText").await;
                panic!("the page never showed {what}; it shows: {shown}");
            }
        }
    }

    async fn element(&self, css: &str) -> String {
        let found = self.post("/element", json!({"using": "css selector", "value": css})).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/value"), json!({"text": text})).await;
    }

    /// What a screen reader calls it.
    pub(crate) async fn spoken_name(&self, css: &str) -> String {
        let element = self.element(css).await;
        self.get(&format!("/element/{element}/computedlabel")).await.as_str().unwrap().to_owned()
    }

    /// What the page asks in a dialog.
    pub(crate) async fn question(&self) -> String {
        self.get("/alert/text").await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn say_yes(&self) {
        self.post("/alert/accept", json!({})).await;
    }

    /// A command of the DevTools protocol, for what WebDriver has no word for.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    pub(crate) async fn tab(&self) -> String {
        self.get("/window").await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn new_tab(&self) -> String {
        self.post("/window/new", json!({"type": "tab"})).await["handle"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn switch_to(&self, tab: &str) {
        self.post("/window", json!({"handle": tab})).await;
    }

    /// What the console says since it was last asked.
    pub(crate) async fn console(&self) -> Vec<String> {
        let lines = self.post("/se/log", json!({"type": "browser"})).await;
        lines.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Keeps a picture of the window in the target folder, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let png = self.get("/screenshot").await;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), from_base64(png.as_str().unwrap())).unwrap();
    }

    /// Asks the driver to end the browser.
    fn quit(&self) -> std::io::Result<()> {
        let mut line = TcpStream::connect(&self.address)?;
        line.set_read_timeout(Some(QUIT_MAX))?;
        let (session, address) = (&self.session, &self.address);
        let bye =
            format!("DELETE /session/{session} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        line.write_all(bye.as_bytes())?;
        // The driver answers when the browser has ended, and keeps the connection.
        let heard = line.read(&mut [0; 64])?;
        if heard == 0 { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.process != 0 && self.quit().is_err() {
            let _ended = Command::new("kill").args(["-KILL", &self.process.to_string()]).status();
        }
        let _gone = self.driver.kill();
        let _reaped = self.driver.wait();
        let _removed = std::fs::remove_dir_all(&self.profile);
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte)) {
        bits = (bits << 6) | u32::try_from(letter).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}
