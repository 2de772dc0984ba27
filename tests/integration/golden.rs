//! The golden conversations on the embedded log, run by the program as its user runs it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::data;

const CONVERSATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assistant/tests/conversations");

/// A folder of this test, and what `peyvand test` says of the conversations in it: whether all went well, and its words.
struct Run {
    data: PathBuf,
}

impl Run {
    fn new() -> Self {
        Self { data: data() }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.folder()).unwrap();
        std::fs::write(self.folder().join(format!("{name}.yaml")), text).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.data.join("conversations")
    }

    fn test(&self, conversations: &Path) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_peyvand"))
            .args(["test", "--conversations"])
            .arg(conversations)
            .arg("--data")
            .arg(&self.data)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.data);
    }
}

#[test]
fn every_golden_conversation_goes_as_its_file_expects_and_again_in_the_replay() {
    let run = Run::new();
    let (fine, said) = run.test(Path::new(CONVERSATIONS));
    assert!(fine, "{said}");
    let files = std::fs::read_dir(CONVERSATIONS).unwrap().count();
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), files, "{said}");
    assert!(said.contains(&format!("{files} ok, 0 failed")) && said.contains("replayed"), "{said}");
    assert_eq!(std::fs::read_dir(&run.data).unwrap().count(), 0, "the logs of the test are removed");
}

#[test]
fn a_conversation_that_goes_otherwise_fails_with_its_turn_and_both_sides() {
    let run = Run::new();
    run.write(
        "wrong",
        "title: Wrong\nturns:\n  - say: where is my order?\n    decision: ask\n  - say: '45001'\n    decision: confirm\n    slots: { order_number: '1' }\n",
    );
    run.write("wrong-reply", "title: Wrong words\nturns: [{ say: hello, reply_lacks: [welcome] }]\n");
    run.write("one-more", "title: One more\nturns: [{ say: hello, decisions: [] }]\n");
    run.write("right", "title: Right\nturns: [{ say: hello, decision: answer, reply_has: [welcome] }]\n");
    let (fine, said) = run.test(&run.folder());
    assert!(!fine, "{said}");
    let line = |name: &str| said.lines().find(|line| line.split_whitespace().nth(1) == Some(name)).unwrap();
    let wrong = line("wrong");
    for part in ["FAILED", "turn 2", "expected confirm, came execute", "order_number: expected 1, came 45001"]
    {
        assert!(wrong.contains(part), "{part} in {wrong}");
    }
    assert!(line("wrong-reply").contains("the reply has «welcome»"), "{said}");
    assert!(line("one-more").contains("a decision more"), "{said}");
    assert!(line("right").starts_with("ok "), "{said}");
    assert!(said.contains("1 ok, 3 failed"), "{said}");
}

#[test]
fn a_burst_that_is_answered_apart_or_a_write_that_was_not_expected_fails() {
    let run = Run::new();
    let parts = "title: Two turns\nturns: [{ say: [where is order 45001, where is order 45002], decision: execute }]\n";
    run.write("apart", parts);
    let together = "title: One turn\nturns: [{ say: [bebin, mojoodi CEM-042 cheghadre], decisions: [{ message: 1 }, {}] }]\n";
    run.write("together", together);
    let order = "  - say: order 20 bags of CEM-042 for customer 1000000018\n  - { say: 'yes' }\n";
    run.write("written", &format!("title: A write\nwrites: 0\nturns:\n{order}"));
    run.write("unwritten", "title: No write\nwrites: 1\nturns: [{ say: where is order 45001? }]\n");
    run.write("refused", &format!("title: None is refused\nwrites: 1\nrefused: 1\nturns:\n{order}"));
    run.write("right", &format!("title: One write\nwrites: 1\nturns:\n{order}"));
    let (fine, said) = run.test(&run.folder());
    assert!(!fine, "{said}");
    for (name, problem) in [
        ("apart", "message: expected 2, came 1"),
        ("together", "message: expected 1, came 2"),
        ("written", "writes: expected 0, came 1"),
        ("unwritten", "writes: expected 1, came 0"),
        ("refused", "writes that the systems took: expected 0, came 1"),
    ] {
        let line = said.lines().find(|line| line.split_whitespace().nth(1) == Some(name)).unwrap();
        assert!(line.starts_with("FAILED") && line.contains(problem), "{problem} in {line}");
    }
    assert!(said.contains("1 ok, 5 failed"), "{said}");
}

#[test]
fn there_are_sixty_golden_conversations_and_half_of_them_are_persian() {
    let names = std::fs::read_dir(CONVERSATIONS).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    let of = |mark: &str| names.iter().filter(|name| name.contains(mark)).count();
    assert!(names.len() >= 60 && 2 * (of("-fa") + of("finglish")) >= names.len(), "{}", names.len());
    assert!(of("finglish") >= 5 && of("mixed") >= 3);
    let hostile =
        std::fs::read_to_string(Path::new(CONVERSATIONS).join("hostile-thirty-turns.yaml")).unwrap();
    assert!(hostile.contains("writes: 0") && hostile.matches("- say:").count() >= 30);
}

#[test]
fn a_file_with_an_unknown_key_is_refused_before_anything_starts() {
    let run = Run::new();
    run.write("misspelt", "title: t\nturns: [{ say: hello, desicion: ask }]\n");
    let (fine, said) = run.test(&run.folder());
    assert!(!fine && said.contains("misspelt.yaml") && said.contains("desicion"), "{said}");
}

#[test]
fn a_signal_stops_it_in_order_and_it_says_how_far_it_came() {
    for signal in ["-TERM", "-INT"] {
        let run = Run::new();
        std::fs::create_dir_all(&run.data).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_peyvand"))
            .args(["test", "--conversations", CONVERSATIONS, "--data"])
            .arg(&run.data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while std::fs::read_dir(&run.data).unwrap().next().is_none() {
            assert!(Instant::now() < until, "it made no log");
            std::thread::sleep(Duration::from_millis(20));
        }
        let told = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("stopped by a signal") && said.contains("conversations were held"), "{said}");
        assert_eq!(
            std::fs::read_dir(&run.data).unwrap().count(),
            0,
            "the log of the test is removed: {said}"
        );
    }
}
