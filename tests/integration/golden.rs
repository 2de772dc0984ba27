//! The golden conversations on the embedded log, run by the program as its user runs it.

use std::{
    path::{Path, PathBuf},
    process::Command,
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
fn a_file_with_an_unknown_key_is_refused_before_anything_starts() {
    let run = Run::new();
    run.write("misspelt", "title: t\nturns: [{ say: hello, desicion: ask }]\n");
    let (fine, said) = run.test(&run.folder());
    assert!(!fine && said.contains("misspelt.yaml") && said.contains("desicion"), "{said}");
}
