//! Sentences that people marked with what they mean and how they are written: the test sets of an assistant. They are read
//! here so that every command understands the same format; where a file lies is the caller's business.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ClassifierError, Example};
use crate::language::script::{Language, detect};

/// The name under which a test set lists what belongs to no intent.
pub const OUT_OF_SCOPE: &str = "out_of_scope";

/// A test set beyond this is a mistake in a file.
const SENTENCES_MAX: usize = 100_000;

/// How a sentence is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// Persian.
    Fa,
    /// English.
    En,
    /// Persian in Latin letters.
    Finglish,
}

impl Written {
    /// Of a sentence that is known to be Persian.
    pub fn of_persian(text: &str) -> Self {
        match detect(text) {
            Some(Language::En) => Self::Finglish,
            Some(Language::Fa) | None => Self::Fa,
        }
    }

    /// Of a sentence of which nothing is known; Finglish cannot be told from English.
    pub fn of_any(text: &str) -> Self {
        match detect(text) {
            Some(Language::En) => Self::En,
            Some(Language::Fa) | None => Self::Fa,
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Fa => "fa",
            Self::En => "en",
            Self::Finglish => "finglish",
        })
    }
}

/// One sentence, what it means and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The sentence.
    pub text: String,
    /// Its intent; none: it belongs to no intent.
    pub intent: Option<String>,
    /// How it is written.
    pub written: Written,
}

/// A sentence as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    intent: String,
    language: Written,
    text: String,
}

/// Reads a test set: a YAML list of `{ intent: order_status, language: fa, text: … }`; the intent `out_of_scope` is none.
///
/// # Errors
/// [`ClassifierError`] when it is something else.
pub fn labelled(yaml: &str) -> Result<Vec<Labelled>, ClassifierError> {
    let lines: Vec<Line> = serde_norway::from_str(yaml).map_err(|error| {
        let line = error.location().map_or(1, |place| place.line());
        ClassifierError::TestSet { line }
    })?;
    if lines.len() > SENTENCES_MAX {
        return Err(ClassifierError::TooLarge);
    }
    let marked = |Line { intent, language, text }: Line| Labelled {
        text,
        intent: Some(intent).filter(|intent| intent != OUT_OF_SCOPE),
        written: language,
    };
    Ok(lines.into_iter().map(marked).collect())
}

/// Refuses sentences of intents that `known` does not hold: their figures would say nothing.
///
/// # Errors
/// [`ClassifierError::UnknownIntent`] names the first.
pub fn check_intents(sentences: &[Labelled], known: &[String]) -> Result<(), ClassifierError> {
    let strange = sentences.iter().filter_map(|s| s.intent.as_ref()).find(|intent| !known.contains(intent));
    match strange {
        Some(intent) => Err(ClassifierError::UnknownIntent { intent: intent.clone() }),
        None => Ok(()),
    }
}

/// The sentences that belong to an intent, to learn from.
pub fn examples_of(sentences: &[Labelled]) -> Vec<Example> {
    let example = |s: &Labelled| Some(Example { text: s.text.clone(), intent: s.intent.as_ref()?.clone() });
    sentences.iter().filter_map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_set_is_a_list_of_sentences_with_intent_and_language() {
        let yaml = "- { intent: order_status, language: finglish, text: sefaresham kojast }\n\
                    - { intent: out_of_scope, language: fa, text: یه جوک بگو }\n";
        let read = labelled(yaml).unwrap();
        assert_eq!(read[0].intent.as_deref(), Some("order_status"));
        assert_eq!((read[0].written, read[1].written), (Written::Finglish, Written::Fa));
        assert_eq!(read[1].intent, None);
        assert!(check_intents(&read, &["order_status".to_owned()]).is_ok());
        assert_eq!(check_intents(&read, &["invoice".to_owned()]).unwrap_err().kind(), "unknown_intent");
        assert_eq!(examples_of(&read).len(), 1);
    }

    #[test]
    fn what_is_no_test_set_is_refused_with_its_line() {
        let yaml = "- { intent: a, language: fa, text: b }\n- { intent: a, language: de, text: b }\n";
        let error = labelled(yaml).unwrap_err();
        assert!(matches!(error, ClassifierError::TestSet { line: 2 }), "{error}");
        assert!(labelled("intent: a").is_err());
    }

    #[test]
    fn persian_in_latin_letters_is_finglish_only_where_persian_is_sure() {
        assert_eq!(Written::of_persian("sefaresham kojast"), Written::Finglish);
        assert_eq!(Written::of_persian("سفارشم کجاست"), Written::Fa);
        assert_eq!(Written::of_any("sefaresham kojast"), Written::En);
    }
}
