//! Intents: what a person can mean, learned from examples, and what is then done.

use std::collections::HashMap;

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, de::DeserializeOwned};

use super::error::{AssistantError, Warning};
use super::source::Source;
use crate::event::{Answer, Operation, SlotName};

/// Fewer examples than this teach little.
const EXAMPLES_WISHED: usize = 10;
const EXAMPLES_MAX: usize = 10_000;
const EXAMPLE_CHARS_MAX: usize = 500;
const TRIES: std::ops::RangeInclusive<u8> = 1..=5;

/// What a person can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its name.
    pub name: String,
    /// What is done.
    pub kind: IntentKind,
    /// What must be known for it.
    pub slots: Vec<SlotSpec>,
    /// Persian examples, Finglish among them.
    pub fa: Vec<String>,
    /// English examples.
    pub en: Vec<String>,
}

/// What an intent leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentKind {
    /// A system of record is asked.
    Operation(Operation),
    /// It is answered at once.
    Answer(Answer),
}

/// A value an intent needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotSpec {
    /// Which value.
    pub name: SlotName,
    /// Whether the person is asked for it.
    pub required: bool,
    /// How often at most.
    pub max_tries: u8,
}

/// An intent as it is written. Names stay text here, so that all wrong ones are reported and not just the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    intent: String,
    operation: Option<String>,
    answer: Option<String>,
    examples: Examples,
    #[serde(default)]
    slots: Vec<WrittenSlot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    fa: Vec<String>,
    en: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSlot {
    name: String,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default = "two")]
    max_tries: u8,
}

const fn yes() -> bool {
    true
}

const fn two() -> u8 {
    2
}

/// One entry of a file, with the number of lines before it.
struct Entry<'a> {
    file: &'a str,
    text: String,
    lines_before: usize,
}

impl Entry<'_> {
    /// The line that holds `part`, else the line the entry begins on.
    fn line(&self, part: &str) -> Option<usize> {
        let at = self.text.lines().position(|line| line.contains(part)).unwrap_or(0);
        Some(self.lines_before + at + 1)
    }

    fn error(&self, part: &str, problem: impl Into<String>) -> AssistantError {
        AssistantError::new(self.file, self.line(part), problem)
    }
}

pub(super) fn check(
    sources: &[Source],
    errors: &mut Vec<AssistantError>,
    warnings: &mut Vec<Warning>,
) -> Vec<Intent> {
    let mut intents = Vec::new();
    let mut places: HashMap<String, String> = HashMap::new();
    for source in sources {
        for entry in entries(source) {
            let written: Vec<Written> = match serde_norway::from_str(&entry.text) {
                Ok(written) => written,
                Err(error) => {
                    let line = error.location().map(|at| entry.lines_before + at.line());
                    errors.push(AssistantError::new(entry.file, line, problem_of(&error)));
                    continue;
                }
            };
            for written in written {
                let place = format!("{}:{}", entry.file, entry.line("intent:").unwrap_or(1));
                if let Some(first) = places.get(&written.intent) {
                    let problem =
                        format!("the intent {} is already in {first}; give it another name", written.intent);
                    errors.push(entry.error("intent:", problem));
                }
                places.entry(written.intent.clone()).or_insert(place);
                intents.extend(intent(&entry, written, errors, warnings));
            }
        }
    }
    intents
}

/// The message without the place inside the entry, which is not the place inside the file.
fn problem_of(error: &serde_norway::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The list entries of a file one by one, so that a mistake in one does not hide those in the next.
fn entries(source: &Source) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let begins = line.starts_with("- ") || line == "-";
        let blank = line.trim().is_empty() || line.starts_with('#');
        match entries.last_mut() {
            Some(last) if !begins => {
                last.text.push_str(line);
                last.text.push('\n');
            }
            None if blank => {}
            None | Some(_) => {
                entries.push(Entry { file: &source.name, text: format!("{line}\n"), lines_before: index });
            }
        }
    }
    entries
}

fn intent(
    entry: &Entry<'_>,
    written: Written,
    errors: &mut Vec<AssistantError>,
    warnings: &mut Vec<Warning>,
) -> Option<Intent> {
    let name_fits = (1..=64).contains(&written.intent.len())
        && written.intent.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !name_fits {
        errors.push(entry.error("intent:", "an intent's name has 1 to 64 characters of a-z 0-9 _"));
    }
    let kind = kind(entry, &written, errors);
    let slots = written.slots.iter().filter_map(|slot| slot_spec(entry, slot, errors)).collect();
    for (language, texts) in [("fa:", &written.examples.fa), ("en:", &written.examples.en)] {
        check_examples(entry, (&written.intent, language), texts, (&mut *errors, &mut *warnings));
    }
    let Examples { fa, en } = written.examples;
    Some(Intent { name: written.intent, kind: kind?, slots, fa, en })
}

fn kind(entry: &Entry<'_>, written: &Written, errors: &mut Vec<AssistantError>) -> Option<IntentKind> {
    match (&written.operation, &written.answer) {
        (Some(name), None) => match named(name) {
            Ok(operation) => return Some(IntentKind::Operation(operation)),
            Err(problem) => errors.push(entry.error("operation:", format!("wrong operation: {problem}"))),
        },
        (None, Some(name)) => match named(name) {
            Ok(answer) => return Some(IntentKind::Answer(answer)),
            Err(problem) => errors.push(entry.error("answer:", format!("wrong answer: {problem}"))),
        },
        (None, None) | (Some(_), Some(_)) => {
            let problem = format!("the intent {} needs either an operation or an answer", written.intent);
            errors.push(entry.error("intent:", problem));
        }
    }
    None
}

fn slot_spec(entry: &Entry<'_>, slot: &WrittenSlot, errors: &mut Vec<AssistantError>) -> Option<SlotSpec> {
    if !TRIES.contains(&slot.max_tries) {
        errors.push(entry.error("max_tries:", "max_tries is 1 to 5"));
    }
    match named(&slot.name) {
        Ok(name) => Some(SlotSpec { name, required: slot.required, max_tries: slot.max_tries }),
        Err(problem) => {
            errors.push(entry.error(&slot.name, format!("wrong slot: {problem}")));
            None
        }
    }
}

/// A name of the events' own vocabulary.
fn named<T: DeserializeOwned>(name: &str) -> Result<T, ValueError> {
    let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
    T::deserialize(name)
}

fn check_examples(
    entry: &Entry<'_>,
    (intent, language): (&str, &str),
    texts: &[String],
    (errors, warnings): (&mut Vec<AssistantError>, &mut Vec<Warning>),
) {
    let name = language.trim_end_matches(':');
    if texts.is_empty() {
        errors.push(entry.error(language, format!("the intent {intent} has no {name} example")));
    } else if texts.len() < EXAMPLES_WISHED {
        let problem = format!(
            "the intent {intent} has {} {name} examples; write {EXAMPLES_WISHED} or more",
            texts.len()
        );
        warnings.push(entry.error(language, problem));
    } else if texts.len() > EXAMPLES_MAX {
        let problem = format!("the intent {intent} has more than {EXAMPLES_MAX} {name} examples");
        errors.push(entry.error(language, problem));
    }
    for text in texts {
        if text.trim().is_empty() || text.chars().count() > EXAMPLE_CHARS_MAX {
            let problem = format!(
                "an example of {intent} ({name}) is empty or longer than {EXAMPLE_CHARS_MAX} letters"
            );
            errors.push(entry.error(language, problem));
        }
    }
}

/// Sentences one a line; blank lines are none.
pub(super) fn sentences(source: &Source, errors: &mut Vec<AssistantError>) -> Vec<String> {
    let lines = source.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines: Vec<(usize, &str)> = lines.filter(|(_, line)| !line.is_empty()).collect();
    if lines.len() > EXAMPLES_MAX {
        let problem = format!("the file has {} sentences; at most {EXAMPLES_MAX} are learned", lines.len());
        errors.push(AssistantError::new(&source.name, None, problem));
    }
    for (line, _) in lines.iter().filter(|(_, text)| text.chars().count() > EXAMPLE_CHARS_MAX) {
        let problem = format!("a sentence has more than {EXAMPLE_CHARS_MAX} characters");
        errors.push(AssistantError::new(&source.name, Some(*line), problem));
    }
    lines.into_iter().map(|(_, line)| line.to_owned()).collect()
}
