//! An operator works off dead letters with the program's own commands.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    deployment::{Deployment, conversation, deployment},
    kcat,
};

const RECEIVED: &str = "chat.message.received";
const DEAD: &str = "chat.message.received.intent-classifier.dlq";
const AGAIN: &str = "chat.message.received.intent-classifier.redrive";

/// No other test writes rubbish of this length, so that its letters are known among theirs.
const BYTES: usize = 517;

/// The places of this test's letters that wait, oldest first, of those that are not there in `before`.
fn waiting(running: &Deployment, before: &[String]) -> Vec<String> {
    let (fine, said) = running.peyvand(&["dlq", "list", "--topic", DEAD, "--class", "not_avro", "--json"]);
    assert!(fine, "{said}");
    let letters = said.lines().filter(|line| line.starts_with('{'));
    let letters = letters.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own =
        letters.filter(|letter| letter["bytes"].as_str().and_then(|bytes| bytes.parse().ok()) == Some(BYTES));
    own.map(|letter| letter["at"].as_str().unwrap().to_owned()).filter(|at| !before.contains(at)).collect()
}

async fn the_next(running: &Deployment, before: &[String]) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(at) = waiting(running, before).pop() {
            return at;
        }
        assert!(Instant::now() < until, "no dead letter came");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_letter_is_shown_without_its_words_redriven_to_its_group_three_times_and_then_dropped() {
    let running = deployment();
    let mut before = waiting(running, &[]);
    let words = "these words are secret ".repeat(BYTES);
    kcat::publish(RECEIVED, &conversation(), &words.as_bytes()[..BYTES]);
    let mut at = the_next(running, &before).await;
    let (_, shown) = running.peyvand(&["dlq", "show", &at]);
    assert!(shown.contains("not_avro") && shown.contains(AGAIN) && !shown.contains("secret"), "{shown}");
    for header in ["error-msg", "attempts", "first-failure-ms", "last-failure-ms"] {
        assert!(shown.contains(header), "{header} is not shown: {shown}");
    }
    let (fine, said) = running.peyvand(&["dlq", "redrive", "--at", &at, "--by", "sara", "--why", " "]);
    assert!(!fine && said.contains("--why"), "{said}");
    for round in 1..=3 {
        let redrive = ["dlq", "redrive", "--at", &at, "--by", "sara", "--why", "mended"];
        let (_, dry) = running.peyvand(&[&redrive[..], &["--dry-run"]].concat());
        assert!(dry.contains("would go to") && dry.contains("0 letters redriven"), "{dry}");
        let (fine, said) = running.peyvand(&redrive);
        assert!(fine && said.contains("1 letters redriven"), "round {round}: {said}");
        // It is decided about, so it waits no more; it is not mended, so it comes back as a letter of its own.
        before.push(at.clone());
        let (_, again) = running.peyvand(&redrive);
        assert!(again.contains("0 letters redriven, 0 refused"), "{again}");
        at = the_next(running, &before).await;
    }
    let (_, said) = running.peyvand(&["dlq", "redrive", "--at", &at, "--by", "sara", "--why", "once more"]);
    assert!(said.contains("3 times already") && said.contains("1 refused"), "{said}");
    let (fine, said) = running.peyvand(&["dlq", "drop", "--at", &at, "--by", "sara", "--why", "rubbish"]);
    assert!(fine && said.contains("1 letters dropped"), "{said}");
    assert_eq!(waiting(running, &before), [] as [String; 0]);
    let (fine, said) = running.peyvand(&["dlq", "list", "--topic", "chat.nothing.dlq"]);
    assert!(!fine && said.contains(DEAD), "{said}");
}
