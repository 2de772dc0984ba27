//! kcat, as an outside program: it publishes bytes and reads them back, and knows nothing of Peyvand.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::process::server;

fn kcat() -> Command {
    let mut command = Command::new("kcat");
    command.args(["-q", "-b", &server("PEYVAND_TEST_KAFKA")]);
    command
}

/// Publishes one record.
pub(crate) fn publish(topic: &str, key: &str, value: &[u8]) {
    if value.is_empty() {
        return publish_nothing(topic, key);
    }
    let path = std::env::temp_dir().join(format!("peyvand-kcat-{}", uuid::Uuid::new_v4()));
    std::fs::File::create(&path).unwrap().write_all(value).unwrap();
    let mut command = kcat();
    // The largest payload of these tests is above kcat's own limit.
    command.args([
        "-P",
        "-t",
        topic,
        "-X",
        "message.max.bytes=4000000",
        "-X",
        "topic.partitioner=murmur2_random",
    ]);
    let output = command.args(["-k", key]).arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(output.status.success(), "kcat: {}", String::from_utf8_lossy(&output.stderr));
}

/// kcat skips an empty file, so an empty payload comes as a line with nothing behind its key.
fn publish_nothing(topic: &str, key: &str) {
    let mut child = kcat().args(["-P", "-t", topic, "-K", "|"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{key}|\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "kcat refused an empty payload");
}

/// A record as kcat shows it.
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) headers: String,
    pub(crate) value: Vec<u8>,
}

/// Reads a topic from its beginning, again and again, until a record fits.
pub(crate) fn find(topic: &str, fits: impl Fn(&Shown) -> bool) -> Shown {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(shown) = read(topic).into_iter().find(&fits) {
            return shown;
        }
        assert!(Instant::now() < until, "no such record came to {topic}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// The records of a topic that fit.
#[allow(dead_code, reason = "not every test program counts records")]
pub(crate) fn all(topic: &str, fits: impl Fn(&Shown) -> bool) -> Vec<Shown> {
    read(topic).into_iter().filter(fits).collect()
}

/// Every record of a topic. Lengths stand before the parts, so that a payload may hold any byte.
fn read(topic: &str) -> Vec<Shown> {
    let output = kcat()
        .args(["-C", "-t", topic, "-o", "beginning", "-e", "-f", "%K\\n%k\\n%h\\n%S\\n%s\\n"])
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "kcat: {}", String::from_utf8_lossy(&output.stderr));
    let mut rest = output.stdout.as_slice();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let key_length: i64 = line(&mut rest).parse().unwrap();
        let key = take(&mut rest, usize::try_from(key_length).unwrap_or(0));
        let headers = line(&mut rest);
        let value_length: i64 = line(&mut rest).parse().unwrap();
        let value = take(&mut rest, usize::try_from(value_length).unwrap_or(0));
        all.push(Shown { key: String::from_utf8_lossy(&key).into_owned(), headers, value });
    }
    all
}

fn line(rest: &mut &[u8]) -> String {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
    let line = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    line
}

fn take(rest: &mut &[u8], length: usize) -> Vec<u8> {
    let taken = rest[..length].to_vec();
    *rest = &rest[length + 1..];
    taken
}
