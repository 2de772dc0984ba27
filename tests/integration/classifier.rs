//! `peyvand train`, `eval`, `calibrate` and `explain` on a small assistant of its own, as their user calls them.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{support::data, vectors::Vectors};

const INTENTS: &str = "
- intent: greeting
  answer: greeting
  examples:
    fa: [سلام, سلام خوبی؟, درود بر شما, صبح بخیر, عصر بخیر, سلام علیکم, سلام روز خوش, سلام وقت بخیر, salam, salam khoobi]
    en: [hi, hello, hello there, hey there, good morning, good evening, hi again, hello bot, hey you, good day]
- intent: thanks
  answer: thanks
  examples:
    fa: [ممنون, خیلی ممنون, مرسی, تشکر می‌کنم, دستت درد نکنه, سپاسگزارم, متشکرم, ممنونم از شما, merci, kheili mamnoon]
    en: [thanks, thank you, thank you so much, many thanks, thanks a lot, cheers thanks]
";

/// A folder with an assistant, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = Self(data());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assistant");
        for part in ["replies", "targets", "intents"] {
            std::fs::create_dir_all(folder.0.join(part)).unwrap();
        }
        for part in ["replies", "targets"] {
            for entry in std::fs::read_dir(shipped.join(part)).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), folder.0.join(part).join(entry.file_name())).unwrap();
            }
        }
        folder.put("intents/all.yaml", INTENTS);
        folder
    }

    fn put(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command on this assistant: whether it succeeded, and what it said.
    fn peyvand(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_peyvand"))
            .args(arguments)
            .args(["--assistant", &self.path("")])
            .env_clear()
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn test_set() -> String {
    let mut set = String::new();
    for n in 0..20 {
        writeln!(set, "- {{ intent: greeting, language: en, text: 'hello hello {n}' }}").unwrap();
        writeln!(set, "- {{ intent: thanks, language: fa, text: 'خیلی ممنون {n}' }}").unwrap();
        writeln!(set, "- {{ intent: out_of_scope, language: en, text: 'what is the weather in city {n}' }}")
            .unwrap();
    }
    set + "- { intent: greeting, language: finglish, text: kheili mamnoon }\n"
}

#[test]
fn training_writes_a_model_and_says_where_examples_are_few() {
    let folder = Folder::new();
    let out = folder.path("x.model");
    let (done, said) = folder.peyvand(&["train", "--out", &out]);
    assert!(done && said.contains("intents      2") && said.contains("finglish 4"), "{said}");
    assert!(said.contains("thanks has 6 en examples"), "{said}");
    assert_eq!(std::fs::read(out).unwrap()[..8], *b"PEYVANDI");
    let (done, said) = folder.peyvand(&["train", "--out", "/proc/nowhere"]);
    assert!(!done && said.contains("/proc/nowhere"), "{said}");
}

#[test]
fn a_test_set_is_judged_by_language_with_pictures_and_a_limit_that_fails() {
    let folder = Folder::new();
    let (set, plots) = (folder.put("set.yaml", &test_set()), folder.path("plots"));
    let (done, said) = folder.peyvand(&["eval", "--test", &set, "--plots", &plots, "--at-least", "90"]);
    assert!(done && said.contains("1 × greeting taken for thanks"), "{said}");
    assert!(said.contains("finglish          1    0.0 %"), "{said}");
    for name in ["reliability", "recall", "confusions"] {
        let svg = std::fs::read_to_string(folder.0.join(format!("plots/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>\n"), "{svg}");
    }
    let (done, said) = folder.peyvand(&["eval", "--test", &set, "--at-least", "99.5", "--json"]);
    assert!(!done && said.contains("99.5"), "{said}");
    let report: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(report["by_language"]["fa"]["sentences"], 20);
    assert_eq!(report["out_of_scope_sentences"], 20);
    let strange = folder.put("strange.yaml", "- { intent: refund, language: en, text: refund }\n");
    let (done, said) = folder.peyvand(&["eval", "--test", &strange]);
    assert!(!done && said.contains("refund") && said.contains("strange.yaml"), "{said}");
}

#[test]
fn the_assistant_is_judged_by_its_own_examples_in_turn_the_same_each_time() {
    let folder = Folder::new();
    let (done, said) = folder.peyvand(&["eval", "--folds", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(done && report["all"]["sentences"] == 36, "{said}");
    assert_eq!(folder.peyvand(&["eval", "--folds", "2", "--json"]).1, said);
}

#[test]
fn a_calibration_is_taken_up_by_training_until_the_examples_change() {
    let folder = Folder::new();
    let (set, out) = (folder.put("set.yaml", &test_set()), folder.path("calibration.yaml"));
    let (done, said) = folder.peyvand(&["calibrate", "--test", &set, "--out", &out]);
    assert!(done && said.contains("before") && said.contains("after"), "{said}");
    let (done, said) = folder.peyvand(&["train"]);
    assert!(done && said.contains("from sentences people wrote"), "{said}");
    folder.put("intents/all.yaml", &INTENTS.replace("hello bot", "hello robot"));
    let (done, said) = folder.peyvand(&["train"]);
    assert!(!done && said.contains("peyvand calibrate"), "{said}");
    let (done, said) = folder.peyvand(&["explain", "hello"]);
    assert!(done && said.contains("calibration.yaml"), "{said}");
}

#[test]
fn sentences_of_which_nothing_is_known_are_named_by_calibrating() {
    let folder = Folder::new();
    let foreign = "- { intent: greeting, language: en, text: 'გამარჯობა' }\n".repeat(9);
    let set = folder.put("set.yaml", &(test_set() + &foreign));
    let (done, said) = folder.peyvand(&["calibrate", "--test", &set]);
    assert!(done && said.contains("Of 9 sentences the model knows no part"), "{said}");
    assert!(!said.contains("border moved by -10"), "{said}");
}

#[test]
fn a_server_behind_the_classifier_is_judged_with_progress_and_pictures() {
    let (folder, server) = (Folder::new(), Vectors::serve(usize::MAX));
    let (set, plots) = (folder.put("set.yaml", &test_set()), folder.path("plots"));
    let url = server.url();
    let cascade = ["eval", "--test", &*set, "--embeddings", &*url, "--below", "2"];
    let (done, said) = folder.peyvand(&[&cascade[..], &["--plots", &plots, "--at-least", "95"]].concat());
    assert!(done && said.contains("61 sentences, 100.0 % decided with the server"), "{said}");
    assert!(said.contains("did not answer 0 of 61 messages"), "{said}");
    assert!(said.contains("read in:") && said.contains("sentences asked: 61 of 61"), "{said}");
    assert!(folder.0.join("plots/confusions.svg").exists());

    let (done, said) = folder.peyvand(&[&cascade[..], &["--each", "10", "--json"]].concat());
    let report: serde_json::Value =
        serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert!(done && report["server"]["decided"] == 7 && report["all"]["sentences"].is_u64(), "{said}");

    folder.put("calibration.yaml", "border: 1");
    let (done, said) = folder.peyvand(&cascade);
    assert!(!done && said.contains("calibration.yaml"), "{said}");
}

#[test]
fn what_a_server_leaves_unanswered_is_said_and_one_that_answers_nothing_has_no_figures() {
    let folder = Folder::new();
    let set = folder.put("set.yaml", &test_set());
    for (messages, succeeds, said_of_it) in [
        (60, true, "did not answer 1 of 61 messages (refused 1)"),
        (0, false, "did not answer 61 of 61 messages (open 56, refused 5)"),
    ] {
        let server = Vectors::serve(messages);
        let url = server.url();
        let (done, said) = folder.peyvand(&["eval", "--test", &set, "--embeddings", &url, "--below", "2"]);
        assert!(done == succeeds && said.contains(said_of_it), "{said}");
    }
}

#[test]
fn what_would_be_passed_over_in_silence_is_refused() {
    let folder = Folder::new();
    let set = folder.put("set.yaml", &test_set());
    for (arguments, named) in [
        (&["--test", set.as_str(), "--embeddings", "http://e5", "--folds", "3"][..], "--folds"),
        (&["--embeddings", "http://e5", "--seed", "3"], "--seed"),
        (&["--test", set.as_str(), "--seed", "3"], "--seed"),
        (&["--embeddings", "http://e5"], "--test"),
    ] {
        let (done, said) = folder.peyvand(&[&["eval"][..], arguments].concat());
        assert!(!done && said.contains(named), "{arguments:?}: {said}");
    }
}

#[test]
fn a_decision_is_explained_in_the_language_of_the_sentence() {
    let folder = Folder::new();
    let (done, said) = folder.peyvand(&["explain", "hello zzyzx"]);
    assert!(done && said.contains("1. greeting") && said.contains("the word «hello»"), "{said}");
    assert!(said.contains("In no example: zzyzx"), "{said}");
    let (done, said) = folder.peyvand(&["explain", "سلام"]);
    assert!(done && said.contains("به سود greeting") && said.contains("کلمهٔ «سلام»"), "{said}");
}
