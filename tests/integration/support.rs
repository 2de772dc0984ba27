//! A running `peyvand up`, and what a channel says to it.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) struct Peyvand {
    child: Child,
    pub(crate) url: String,
    pub(crate) sandbox: String,
    pub(crate) data: PathBuf,
}

pub(crate) fn data() -> PathBuf {
    std::env::temp_dir().join(format!("peyvand-test-{}", Uuid::new_v4()))
}

impl Peyvand {
    pub(crate) fn up(data: PathBuf) -> Self {
        Self::up_at(data, "127.0.0.1:0")
    }

    pub(crate) fn up_at(data: PathBuf, listen: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_peyvand"))
            .args(["up", "--listen", listen, "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut address =
            || lines.by_ref().find_map(|line| Some(line[line.find("http://")?..].to_owned())).unwrap();
        let (url, rest) = (address(), address());
        let sandbox = rest.split(". ").next().unwrap().to_owned();
        Self { child, url, sandbox, data }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing is said, nothing is closed.
    pub(crate) fn kill(mut self) -> PathBuf {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::take(&mut self.data)
    }

    pub(crate) async fn send(&self, conversation: &str, message: &str, text: &str) -> Value {
        let body = json!({"conversation_id": conversation, "client_message_id": message, "text": text});
        let answer = reqwest::Client::new()
            .post(format!("{}/v1/messages?wait=30", self.url))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub(crate) async fn ask(&self, conversation: &str, text: &str) -> String {
        let answer = self.send(conversation, &Uuid::new_v4().to_string(), text).await;
        let replies = answer["replies"].as_array().unwrap();
        assert_eq!(replies.len(), 1, "one message has one reply");
        replies[0]["text"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn replies(&self, conversation: &str) -> usize {
        self.texts(conversation).await.len()
    }

    /// Everything a conversation was told, in order.
    pub(crate) async fn texts(&self, conversation: &str) -> Vec<String> {
        let url = format!("{}/v1/conversations/{conversation}/replies", self.url);
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let text = |reply: &Value| reply["text"].as_str().unwrap().to_owned();
        answer["replies"].as_array().unwrap().iter().map(text).collect()
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox);
        let answer = reqwest::Client::new().put(url).json(&fault).send().await.unwrap();
        assert!(answer.status().is_success(), "the sandbox refused a fault");
    }
}

impl Drop for Peyvand {
    fn drop(&mut self) {
        if self.data.as_os_str().is_empty() {
            return;
        }
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        let _removed = std::fs::remove_dir_all(&self.data);
    }
}

/// `peyvand chat` with somebody who types.
pub(crate) struct Terminal {
    child: Child,
    typed: std::process::ChildStdin,
    shown: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Peyvand {
    /// A terminal that goes on with a conversation.
    pub(crate) fn terminal(&self, conversation: &str) -> Terminal {
        // What is never shown is not waited for for ever.
        let mut child = Command::new("timeout")
            .args(["60", env!("CARGO_BIN_EXE_peyvand"), "chat", "--url", &self.url])
            .args(["--conversation", conversation])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (typed, shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shown = BufReader::new(shown).lines();
        // Its first line says that it listens.
        shown.next().unwrap().unwrap();
        Terminal { child, typed, shown }
    }
}

impl Terminal {
    pub(crate) fn write(&mut self, line: &str) {
        use std::io::Write;
        writeln!(self.typed, "{line}").unwrap();
    }

    /// Everything that is shown up to a line with this word.
    pub(crate) fn read_until(&mut self, word: &str) -> String {
        let mut said = String::new();
        for line in self.shown.by_ref() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains(word) {
                return said;
            }
        }
        panic!("{word} was not shown: {said}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
