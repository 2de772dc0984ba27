//! An operator works off dead letters with the program's own commands.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    deployment::{Deployment, conversation, deployment},
    foreign, kcat,
};

const RECEIVED: &str = "chat.message.received";
const DEAD: &str = "chat.message.received.intent-classifier.dlq";
const AGAIN: &str = "chat.message.received.intent-classifier.redrive";

/// No other test writes rubbish of these lengths, so that the letters of each are known among all.
const BYTES: usize = 517;
const BYTES_OF_THE_KILLED: usize = 523;
const BYTES_OF_TWO: usize = 541;

/// The places of a test's letters that wait, oldest first, of those that are not there in `before`.
fn waiting(running: &Deployment, size: usize, before: &[String]) -> Vec<String> {
    let (fine, said) = running.peyvand(&["dlq", "list", "--topic", DEAD, "--json"]);
    assert!(fine, "{said}");
    let letters = said.lines().filter(|line| line.starts_with('{'));
    let letters = letters.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own =
        letters.filter(|letter| letter["bytes"].as_str().and_then(|bytes| bytes.parse().ok()) == Some(size));
    own.map(|letter| letter["at"].as_str().unwrap().to_owned()).filter(|at| !before.contains(at)).collect()
}

/// A new conversation's rubbish of so many bytes, and where its letter lies.
async fn rubbish(running: &Deployment, bytes: usize) -> (String, String) {
    let (before, talk) = (waiting(running, bytes, &[]), conversation());
    kcat::publish(RECEIVED, &talk, &vec![b'x'; bytes]);
    let at = the_next(running, bytes, &before).await;
    (talk, at)
}

async fn the_next(running: &Deployment, size: usize, before: &[String]) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(at) = waiting(running, size, before).pop() {
            return at;
        }
        assert!(Instant::now() < until, "no dead letter came");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_letter_is_shown_without_its_words_redriven_to_its_group_three_times_and_then_dropped() {
    let running = deployment();
    let mut before = waiting(running, BYTES, &[]);
    let words = "these words are secret ".repeat(BYTES);
    let (words, talk) = (&words.as_bytes()[..BYTES], conversation());
    kcat::publish(RECEIVED, &talk, words);
    let mut at = the_next(running, BYTES, &before).await;
    let (_, shown) = running.peyvand(&["dlq", "show", &at]);
    assert!(shown.contains("not_avro") && shown.contains(AGAIN) && !shown.contains("secret"), "{shown}");
    for header in ["error-msg", "attempts", "first-failure-ms", "last-failure-ms"] {
        assert!(shown.contains(header), "{header} is not shown: {shown}");
    }
    let (fine, said) = running.peyvand(&["dlq", "redrive", "--at", &at, "--by", "sara", "--why", " "]);
    assert!(!fine && said.contains("--why"), "{said}");
    let letter = kcat::find(DEAD, |shown| shown.key == talk);
    assert!(!letter.value.windows(6).any(|part| part == b"secret"), "the words lie open in the topic");
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
        at = the_next(running, BYTES, &before).await;
    }
    let again = kcat::all(AGAIN, |shown| shown.key == talk);
    assert!(again.len() == 3 && again.iter().all(|record| record.value == words), "not the same bytes");
    let (_, said) = running.peyvand(&["dlq", "redrive", "--at", &at, "--by", "sara", "--why", "once more"]);
    assert!(said.contains("3 times already") && said.contains("1 refused"), "{said}");
    let (fine, said) = running.peyvand(&["dlq", "drop", "--at", &at, "--by", "sara", "--why", "rubbish"]);
    assert!(fine && said.contains("1 letters dropped"), "{said}");
    assert_eq!(waiting(running, BYTES, &before), [] as [String; 0]);
    let (fine, said) = running.peyvand(&["dlq", "list", "--topic", "chat.nothing.dlq"]);
    assert!(!fine && said.contains(DEAD), "{said}");
}

#[tokio::test]
async fn a_letter_that_can_be_read_is_shown_with_its_ids_and_with_stars_for_what_a_person_wrote() {
    let running = deployment();
    let (talk, other) = (conversation(), conversation());
    // A message of another conversation than its key says.
    kcat::publish(RECEIVED, &talk, &foreign::message(&other, "my number is 09121234567").await);
    let letter = kcat::find(DEAD, |shown| shown.key == talk);
    assert!(letter.headers.contains("x-error-class=wrong_key"), "{}", letter.headers);
    let (_, list) = running.peyvand(&["dlq", "list", "--topic", DEAD, "--class", "wrong_key", "--json"]);
    let places = list.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let shown: Vec<String> =
        places.map(|one| running.peyvand(&["dlq", "show", one["at"].as_str().unwrap()]).1).collect();
    let shown = shown.iter().find(|one| one.contains(&other)).expect("no letter shows its conversation");
    assert!(shown.contains("\"text\": \"***\"") && shown.contains("MessageReceived"), "{shown}");
    assert!(!shown.contains("0912") && !shown.contains("number is"), "{shown}");
    for header in ["orig-key-sha256", "orig-timestamp-type", "LogAppendTime", "worker ", "sealed"] {
        assert!(shown.contains(header), "{header} is not shown: {shown}");
    }
}

#[tokio::test]
async fn a_redrive_that_was_killed_after_it_was_sent_is_not_sent_again() {
    let running = deployment();
    let (talk, at) = rubbish(running, BYTES_OF_THE_KILLED).await;
    let redrive = ["dlq", "redrive", "--at", &at, "--by", "sara", "--why", "mended"];
    running.peyvand_killed_at("redrive.sent", &redrive);
    let (fine, said) = running.peyvand(&redrive);
    assert!(fine && said.contains("was sent before") && said.contains("1 letters redriven"), "{said}");
    let (_, said) = running.peyvand(&redrive);
    assert!(said.contains("0 letters redriven"), "{said}");
    let sent = kcat::all(AGAIN, |shown| shown.key == talk);
    assert_eq!(sent.len(), 1, "it was sent twice");
    assert!(sent[0].headers.contains("x-redrive-id="), "{}", sent[0].headers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_two_operators_redrive_at_the_same_moment_is_sent_once() {
    let running = deployment();
    let (talk, at) = rubbish(running, BYTES_OF_TWO).await;
    let redrive = ["dlq", "redrive", "--at", &at, "--by", "sara", "--why", "mended"];
    let said = std::thread::scope(|both| {
        let [one, other] = [(); 2].map(|()| both.spawn(|| running.peyvand(&redrive).1));
        [one.join().unwrap(), other.join().unwrap()]
    });
    let did = said.iter().filter(|said| said.contains("1 letters redriven")).count();
    assert_eq!(did, 1, "{said:?}");
    assert_eq!(kcat::all(AGAIN, |shown| shown.key == talk).len(), 1, "it was sent twice");
}
