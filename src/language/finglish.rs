//! Persian in Latin letters, told from English by the words of the assistant's own examples, so that it is answered in Persian. It
//! may not read meaning: only words count.

use std::collections::HashSet;

use super::{normal::normalise, script::Language};

/// Words that are looked at.
const WORDS_MAX: usize = 64;

/// The words that only one of the two languages uses when both are written in Latin letters.
#[derive(Clone, Debug, Default)]
pub struct Finglish {
    persian: HashSet<String>,
    english: HashSet<String>,
}

impl Finglish {
    /// Learns from Persian sentences, of which those in Latin letters count, and from English ones.
    pub fn new<'a>(persian: impl Iterator<Item = &'a str>, english: impl Iterator<Item = &'a str>) -> Self {
        let mut of_persian: HashSet<String> = persian.flat_map(latin_words).collect();
        let mut of_english: HashSet<String> = english.flat_map(latin_words).collect();
        let both: Vec<String> = of_persian.intersection(&of_english).cloned().collect();
        for word in both {
            of_persian.remove(&word);
            of_english.remove(&word);
        }
        Self { persian: of_persian, english: of_english }
    }

    /// The language of a text in Latin letters; `None` when its words do not tell.
    pub fn language(&self, text: &str) -> Option<Language> {
        let (mut persian, mut english) = (0_usize, 0_usize);
        for word in latin_words(text).take(WORDS_MAX) {
            persian += usize::from(self.persian.contains(&word));
            english += usize::from(self.english.contains(&word));
        }
        match persian.cmp(&english) {
            std::cmp::Ordering::Greater => Some(Language::Fa),
            std::cmp::Ordering::Less => Some(Language::En),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// Words of Latin letters alone; codes and numbers say nothing about a language.
fn latin_words(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<String> = normalise(text)
        .as_str()
        .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'')
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic()))
        .map(ToOwned::to_owned)
        .collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned() -> Finglish {
        let persian = ["سفارش من کجاست", "sefaresh man kojast", "salam mikham order bedam"];
        let english = ["where is my order", "hello I want to order", "man, where is it"];
        Finglish::new(persian.into_iter(), english.into_iter())
    }

    #[test]
    fn a_text_in_latin_letters_is_told_by_the_words_that_only_one_language_has() {
        let finglish = learned();
        assert_eq!(finglish.language("salam, sefaresh 45001 kojast?"), Some(Language::Fa));
        assert_eq!(finglish.language("hello, where is order 45001?"), Some(Language::En));
    }

    #[test]
    fn words_of_both_or_of_none_tell_nothing() {
        let finglish = learned();
        for text in ["man order", "CEM-042", "45001", "", "xyz"] {
            assert_eq!(finglish.language(text), None, "{text}");
        }
    }
}
