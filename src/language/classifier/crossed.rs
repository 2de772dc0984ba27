//! Asks a catalogue about its own sentences, each answered by a model that had not seen it: how an assistant does before
//! anybody has talked to it. Sentences that resemble one another make the figures too good; a test set of other people's
//! sentences is worth more.

use std::collections::BTreeMap;

use super::assess::Answered;
use super::labelled::{Labelled, Written, examples_of};
use super::train::parted;
use super::{ClassifierError, TrainOptions, train};
use crate::language::normal::normalise;

/// Cuts the sentences into `folds` parts, each intent and language spread evenly, and asks each part of a model trained on
/// the others. The background takes part: what of it is asked was not trained on either.
///
/// # Errors
/// [`ClassifierError`] when the rest cannot be trained on.
pub fn cross_validate(
    sentences: &[Labelled],
    background: &[String],
    folds: usize,
    options: &TrainOptions,
) -> Result<Vec<Answered>, ClassifierError> {
    if !(2..=20).contains(&folds) {
        return Err(ClassifierError::Option { rule: "folds must be 2 to 20" });
    }
    let foreign =
        |text: &String| Labelled { text: text.clone(), intent: None, written: Written::of_any(text) };
    let all: Vec<Labelled> = sentences.iter().cloned().chain(background.iter().map(foreign)).collect();
    let mut kinds: BTreeMap<(Option<&str>, Written), usize> = BTreeMap::new();
    let labels: Vec<usize> = all
        .iter()
        .map(|s| {
            let next = kinds.len();
            *kinds.entry((s.intent.as_deref(), s.written)).or_insert(next)
        })
        .collect();
    let mut answers = Vec::with_capacity(all.len());
    for (test, seen) in parted(&labels, folds, options.seed) {
        let seen: Vec<Labelled> = seen.into_iter().map(|i| all[i].clone()).collect();
        let negatives: Vec<String> =
            seen.iter().filter(|s| s.intent.is_none()).map(|s| s.text.clone()).collect();
        let model = train(&examples_of(&seen), &negatives, options)?;
        answers.extend(
            test.into_iter().map(|i| Answered {
                found: model.classify(&normalise(&all[i].text)),
                sentence: all[i].clone(),
            }),
        );
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences() -> Vec<Labelled> {
        let of = |intent: &str, texts: [&str; 6]| {
            texts.map(|text| Labelled {
                text: text.to_owned(),
                intent: Some(intent.to_owned()),
                written: Written::of_any(text),
            })
        };
        let orders = [
            "where is my order",
            "where is order 5",
            "track my order",
            "سفارش من کجاست",
            "سفارش ۵ کجاست",
            "پیگیری سفارش من",
        ];
        let stock = [
            "stock of cement",
            "how much stock is left",
            "cement in stock",
            "موجودی سیمان",
            "موجودی انبار چقدر است",
            "موجودی سیمان در انبار",
        ];
        [of("order", orders), of("stock", stock)].concat()
    }

    #[test]
    fn every_sentence_is_asked_once_and_the_same_seed_gives_the_same_answers() {
        let background = ["tell me a joke".to_owned(), "who won the match".to_owned()];
        let crossed = || cross_validate(&sentences(), &background, 3, &TrainOptions::default()).unwrap();
        let answers = crossed();
        let mut texts: Vec<&str> = answers.iter().map(|a| a.sentence.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!((answers.len(), texts.len()), (14, 14));
        assert_eq!(answers, crossed());
        let right = answers
            .iter()
            .filter(|a| a.found.ranked.first().map(|best| &best.intent) == a.sentence.intent.as_ref());
        assert!(right.count() >= 9, "{answers:?}");
    }

    #[test]
    fn a_sentence_that_is_asked_was_not_learned() {
        let mut all = sentences();
        all.push(Labelled {
            text: "zzgrx".to_owned(),
            intent: Some("only_here".to_owned()),
            written: Written::En,
        });
        let answers = cross_validate(&all, &[], 3, &TrainOptions::default()).unwrap();
        let alone = answers.iter().find(|a| a.sentence.text == "zzgrx").unwrap();
        assert!(alone.found.ranked.is_empty(), "{alone:?}");
    }

    #[test]
    fn one_fold_is_refused() {
        let error = cross_validate(&sentences(), &[], 1, &TrainOptions::default()).unwrap_err();
        assert_eq!(error.kind(), "option");
    }
}
