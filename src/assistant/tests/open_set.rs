//! The open test set: it is apart from what the assistant learns, it covers every intent, and it is understood.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::*;
use crate::language::{
    classifier::{self, Example, Model, TrainOptions},
    normal::normalise,
    script::{Language, detect},
};

const FILE: &str = include_str!("../../../assistant/tests/sentences.yaml");
const OUT_OF_SCOPE: &str = "out_of_scope";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    intent: String,
    language: Spoken,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Spoken {
    Fa,
    En,
    Finglish,
}

fn sentences() -> Vec<Sentence> {
    serde_norway::from_str(FILE).unwrap()
}

/// The words of a text as a classifier sees them: numbers are alike, marks are none.
fn words(text: &str) -> Vec<String> {
    let normal = normalise(text);
    let mut letters = String::new();
    for c in normal.as_str().chars() {
        match c {
            c if c.is_numeric() && letters.ends_with('0') => {}
            c if c.is_numeric() => letters.push('0'),
            c if c.is_alphanumeric() => letters.push(c),
            _ => letters.push(' '),
        }
    }
    letters.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Whether two texts have the same words, or, of five and more, all but one.
fn nearly_equal(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let longest = one.len().max(other.len());
    let shared = one.intersection(other).count();
    shared == longest || longest >= 5 && shared + 1 >= longest
}

fn model() -> Model {
    let assistant = Assistant::shipped().unwrap();
    let examples: Vec<Example> = assistant
        .examples()
        .into_iter()
        .map(|(text, intent)| Example { text: text.to_owned(), intent: intent.to_owned() })
        .collect();
    let own = assistant.out_of_scope.iter().cloned();
    let background: Vec<String> = classifier::background().map(ToOwned::to_owned).chain(own).collect();
    classifier::train(&examples, &background, &TrainOptions::default()).unwrap()
}

#[test]
fn no_sentence_of_the_open_test_set_is_or_resembles_an_example_of_its_kind() {
    let assistant = Assistant::shipped().unwrap();
    let examples = assistant.examples();
    let known: Vec<(BTreeSet<String>, &str)> =
        examples.iter().map(|(text, _)| (words(text).into_iter().collect(), *text)).collect();
    let mut alike = Vec::new();
    for sentence in sentences() {
        let said: BTreeSet<String> = words(&sentence.text).into_iter().collect();
        alike.extend(
            known
                .iter()
                .filter(|(words, _)| nearly_equal(&said, words))
                .map(|(_, text)| format!("{} ~ {text}", sentence.text)),
        );
    }
    assert!(alike.is_empty(), "{alike:#?}");
}

#[test]
fn sentences_that_differ_in_a_number_or_one_word_of_many_resemble_each_other() {
    let set = |text: &str| words(text).into_iter().collect::<BTreeSet<_>>();
    for (one, other, alike) in [
        ("سفارش ۴۵۰۰۱ کجاست؟", "سفارش 45777 كجاست", true),
        ("please tell me where order 45001 is", "please tell us where order 1 is", true),
        ("where is it", "who is it", false),
        ("cancel order 45001", "cancel order 45002!", true),
    ] {
        assert_eq!(nearly_equal(&set(one), &set(other)), alike, "{one} {other}");
    }
}

#[test]
fn the_open_test_set_covers_every_intent_in_every_language_and_says_nothing_twice() {
    let assistant = Assistant::shipped().unwrap();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut seen = HashMap::new();
    for sentence in sentences() {
        let known = sentence.intent == OUT_OF_SCOPE || assistant.intent(&sentence.intent).is_some();
        assert!(known, "no intent is called {}", sentence.intent);
        let written = match sentence.language {
            Spoken::Fa => Language::Fa,
            Spoken::En | Spoken::Finglish => Language::En,
        };
        assert_eq!(detect(&sentence.text), Some(written), "{}", sentence.text);
        counts.entry(sentence.intent.clone()).or_default()[sentence.language as usize] += 1;
        let before = seen.insert(words(&sentence.text), sentence.text.clone());
        assert_eq!(before, None, "{} is there twice", sentence.text);
    }
    let out_of_scope: usize = counts.remove(OUT_OF_SCOPE).unwrap_or_default().iter().sum();
    assert!(out_of_scope >= 120, "{out_of_scope} sentences are out of scope");
    for intent in &assistant.intents {
        let has = counts.get(&intent.name).copied().unwrap_or_default();
        assert!(has.iter().zip([8, 8, 4]).all(|(has, least)| *has >= least), "{}: {has:?}", intent.name);
    }
}

/// The measured figures are in the README of the set; these are what may not be lost again.
#[test]
fn the_open_test_set_is_understood_in_persian_english_and_latin_letters() {
    let model = model();
    let mut right: BTreeMap<Spoken, [usize; 2]> = BTreeMap::new();
    let mut acted_on = [0_usize; 2];
    for sentence in sentences() {
        let meaning = model.classify(&normalise(&sentence.text));
        let best = meaning.ranked.first();
        if sentence.intent == OUT_OF_SCOPE {
            let taken = meaning.in_scope && best.is_some_and(|best| best.confidence >= 0.5);
            acted_on = [acted_on[0] + usize::from(taken), acted_on[1] + 1];
        } else {
            let count = right.entry(sentence.language).or_default();
            count[0] += usize::from(best.is_some_and(|best| best.intent == sentence.intent));
            count[1] += 1;
        }
    }
    for (language, [right, all]) in right {
        assert!(right * 100 >= all * 90, "{language:?}: {right} of {all}");
    }
    let [taken, all] = acted_on;
    assert!(taken * 100 <= all * 40, "{taken} of {all} that mean nothing here are acted on");
}
