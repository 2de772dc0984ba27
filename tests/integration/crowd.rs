//! Ten thousand people who have the page open and say nothing.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::support::{Peyvand, data};

const CROWD: usize = 10_000;
/// For the crowd, on either side, and whatever else the process holds.
const HANDLES: u64 = 11_000;
/// What the crowd may add to the program's memory.
const GROWTH_MAX_KIB: u64 = 200 * 1024;
/// How many knock at once.
const KNOCKING: usize = 64;
/// An empty pong, masked: what a browser says by itself when it is asked whether it is still there.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
const PATIENCE: Duration = Duration::from_secs(30);

fn number_in(path: &str, line: &str, column: usize) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|one| one.strip_prefix(line)).unwrap();
    let word = line.split_whitespace().nth(column).unwrap();
    if word == "unlimited" { u64::MAX } else { word.parse().unwrap() }
}

/// Makes room for the crowd in this process and the program it starts, or says what is too small.
fn make_room() {
    let limit = |column| number_in("/proc/self/limits", "Max open files", column);
    let (soft, hard) = (limit(0), limit(1));
    assert!(
        hard >= HANDLES,
        "{CROWD} sockets need {HANDLES} open files a process, but this machine allows {hard}; raise the hard limit \
         (`ulimit -Hn`) and run again"
    );
    if soft < HANDLES {
        let pid = std::process::id().to_string();
        let raised =
            Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={HANDLES}:{hard}")]).status();
        assert!(
            raised.is_ok_and(|status| status.success()),
            "{CROWD} sockets need {HANDLES} open files a process and the limit is {soft}; run `ulimit -n {HANDLES}` first"
        );
    }
}

fn memory_kib(peyvand: &Peyvand) -> u64 {
    number_in(&format!("/proc/{}/status", peyvand.pid()), "VmRSS:", 0)
}

fn open_files(peyvand: &Peyvand) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", peyvand.pid())).unwrap().count()
}

/// Reads until the words have come.
async fn hear(line: &mut TcpStream, words: &str) {
    let mut heard = Vec::new();
    let reading = async {
        while !heard.windows(words.len()).any(|part| part == words.as_bytes()) {
            assert_ne!(
                line.read_buf(&mut heard).await.unwrap(),
                0,
                "closed: {}",
                String::from_utf8_lossy(&heard)
            );
        }
    };
    timeout(PATIENCE, reading).await.unwrap();
}

/// A socket of a conversation of its own that is ready.
async fn sit_down(address: String, number: usize) -> TcpStream {
    let mut line = TcpStream::connect(&address).await.unwrap();
    let knock = format!(
        "GET /v1/socket?conversation_id=idle-{number} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    line.write_all(knock.as_bytes()).await.unwrap();
    hear(&mut line, "\"ready\"").await;
    line
}

async fn gather(peyvand: &Peyvand) -> Vec<TcpStream> {
    let mut knocking = JoinSet::new();
    let mut crowd = Vec::with_capacity(CROWD);
    for number in 0..CROWD {
        if knocking.len() == KNOCKING {
            crowd.push(knocking.join_next().await.unwrap().unwrap());
        }
        knocking.spawn(sit_down(peyvand.address(), number));
        if number % 1_000 == 0 {
            // On a busy machine the first would be taken for gone before the last has come.
            assert!(crowd.iter().all(|line: &TcpStream| line.try_write(&PONG).is_ok()));
        }
    }
    crowd.extend(knocking.join_all().await);
    crowd
}

#[tokio::test]
async fn ten_thousand_idle_sockets_cost_little_and_keep_nobody_from_an_answer() {
    make_room();
    let peyvand = Peyvand::up(data());
    peyvand.ask("web:before", "where is order 45001?").await;
    let (memory_before, files_before) = (memory_kib(&peyvand), open_files(&peyvand));
    let mut listener = sit_down(peyvand.address(), CROWD).await;
    let mut crowd = gather(&peyvand).await;
    let grown = memory_kib(&peyvand).saturating_sub(memory_before);
    assert!(open_files(&peyvand) > CROWD, "not all sockets are open at once");
    assert!(grown <= GROWTH_MAX_KIB, "{CROWD} idle sockets took {grown} KiB, more than {GROWTH_MAX_KIB}");

    let answer = peyvand.ask(&format!("idle-{CROWD}"), "where is order 45001?").await;
    assert!(answer.contains("45001"), "{answer}");
    hear(&mut listener, "partly delivered").await;
    for line in &mut crowd {
        let mut byte = [0];
        assert!(!matches!(line.try_read(&mut byte), Ok(0)), "an idle socket was closed");
    }

    drop(crowd);
    let mut each = interval(Duration::from_millis(50));
    let deadline = Instant::now() + PATIENCE;
    while open_files(&peyvand) > files_before + 100 {
        assert!(Instant::now() < deadline, "{} files are still open", open_files(&peyvand));
        each.tick().await;
    }
    drop(sit_down(peyvand.address(), 0).await);
    let answer = peyvand.ask("web:after", "where is order 45002?").await;
    assert!(answer.contains("45002"), "{answer}");
}
