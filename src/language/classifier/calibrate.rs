//! Confidence and border from sentences people really wrote, in place of those guessed from the catalogue's own examples. A
//! calibration belongs to one catalogue and is never put on the model of another. It may not change what is ranked.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ClassifierError;
use super::labelled::Labelled;
use super::model::Model;
use super::train::fit_temperature;
use crate::language::normal::normalise;

/// Fewer sentences than this would let chance decide.
const IN_SCOPE_MIN: usize = 30;
const OUT_OF_SCOPE_MIN: usize = 10;
/// The border may not be moved further than this, as a logit.
const FURTHEST: f32 = 10.0;
/// How far below the lowest logit the border lies that keeps everything.
const BELOW_ALL: f32 = 0.1;

/// What labelled sentences showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The hash of the catalogue it was found with.
    pub catalogue: String,
    /// What scores are multiplied with.
    pub temperature: f32,
    /// How far the out-of-scope border is moved, as a logit: above 0 more is turned away.
    pub border: f32,
}

impl Calibration {
    /// Reads what [`Calibration`] prints.
    ///
    /// # Errors
    /// [`ClassifierError::Calibration`] when it is something else.
    pub fn read(yaml: &str) -> Result<Self, ClassifierError> {
        let read: Self = serde_norway::from_str(yaml).map_err(|_| ClassifierError::Calibration)?;
        let fits = (0.1..=100.0).contains(&read.temperature) && read.border.abs() <= FURTHEST;
        if fits { Ok(read) } else { Err(ClassifierError::Calibration) }
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { catalogue, temperature, border } = self;
        writeln!(out, "# Found by `peyvand calibrate`; holds only for the catalogue it was found with.")?;
        write!(out, "catalogue: \"{catalogue}\"\ntemperature: {temperature}\nborder: {border}\n")
    }
}

impl Model {
    /// This model with confidence and border of `calibration`.
    ///
    /// # Errors
    /// [`ClassifierError::OtherCatalogue`] when it was found with another catalogue.
    pub fn calibrated(mut self, calibration: &Calibration) -> Result<Self, ClassifierError> {
        if calibration.catalogue != self.catalogue_hash() {
            return Err(ClassifierError::OtherCatalogue);
        }
        self.parts.temperature = calibration.temperature;
        self.parts.scope.bias -= calibration.border;
        Ok(self)
    }
}

/// Finds the temperature on the in-scope sentences, and of the borders that keep at least the share `kept` of them the one
/// that best tells both kinds apart. A sentence of which the model knows nothing says nothing here: it is turned away wherever
/// the border lies. `model` must not be calibrated already.
///
/// # Errors
/// [`ClassifierError`] when there are too few sentences to say anything.
pub fn calibrate(model: &Model, sentences: &[Labelled], kept: f32) -> Result<Calibration, ClassifierError> {
    let judged: Vec<_> =
        sentences.iter().filter_map(|s| Some((s, model.judge(&normalise(&s.text))?))).collect();
    let number = |intent: &str| model.intents().iter().position(|known| known == intent);
    let labelled: Vec<(&[f32], usize)> = judged
        .iter()
        .filter_map(|(s, judgement)| Some((judgement.scores.as_slice(), number(s.intent.as_deref()?)?)))
        .collect();
    let logits = |inside: bool| -> Vec<f32> {
        judged.iter().filter(|(s, _)| s.intent.is_some() == inside).map(|(_, j)| j.scope).collect()
    };
    let outside = logits(false);
    if labelled.len() < IN_SCOPE_MIN || outside.len() < OUT_OF_SCOPE_MIN {
        return Err(ClassifierError::TooFewSentences { inside: labelled.len(), outside: outside.len() });
    }
    Ok(Calibration {
        catalogue: model.catalogue_hash().to_owned(),
        temperature: fit_temperature(&labelled),
        border: best_border(logits(true), outside, kept),
    })
}

/// Of the borders that keep enough the one that best tells both apart, and of several such the one that is moved least: the middle
/// between two neighbouring logits, below all of them, or where it is.
fn best_border(mut inside: Vec<f32>, mut outside: Vec<f32>, kept: f32) -> f32 {
    inside.sort_unstable_by(f32::total_cmp);
    outside.sort_unstable_by(f32::total_cmp);
    let mut all: Vec<f32> = inside.iter().chain(&outside).copied().collect();
    all.sort_unstable_by(f32::total_cmp);
    all.dedup();
    let share = |sorted: &[f32], border: f32| {
        let below = sorted.partition_point(|logit| *logit < border);
        (sorted.len() - below) as f32 / sorted.len().max(1) as f32
    };
    let below_all = all.first().map(|lowest| lowest - BELOW_ALL);
    let between = all.windows(2).map(|pair| f32::midpoint(pair[0], pair[1]));
    let (mut most, mut best) = (f32::NEG_INFINITY, -FURTHEST);
    for border in [0.0].into_iter().chain(below_all).chain(between) {
        let border = border.clamp(-FURTHEST, FURTHEST);
        let kept_here = share(&inside, border);
        let told_apart = kept_here - share(&outside, border);
        let nearer = told_apart == most && border.abs() < best.abs();
        if kept_here >= kept && (told_apart > most || nearer) {
            (most, best) = (told_apart, border);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::language::classifier::{Example, TrainOptions, Written, train};

    fn learned() -> Model {
        let example = |text: &str, intent: &str| Example { text: text.to_owned(), intent: intent.to_owned() };
        let examples = [
            example("where is my order", "order"),
            example("track my order please", "order"),
            example("how much stock of cement", "stock"),
            example("is cement in stock", "stock"),
        ];
        let background = ["tell me a joke", "sing a song", "what is the weather"].map(ToOwned::to_owned);
        train(&examples, &background, &TrainOptions::default()).unwrap()
    }

    /// So many sentences about the order, and others of none; of texts in Georgian letters the model knows nothing.
    fn sentences(known: usize, unknown: usize, outside: &[&str]) -> Vec<Labelled> {
        let of = |text: String, intent: Option<&str>| Labelled {
            text,
            intent: intent.map(ToOwned::to_owned),
            written: Written::En,
        };
        let mut all: Vec<Labelled> =
            (0..known).map(|n| of(format!("where is my order {n}"), Some("order"))).collect();
        all.extend((0..unknown).map(|_| of("სად არის".to_owned(), Some("order"))));
        all.extend((0..10).map(|n| of(outside[n % outside.len()].to_owned(), None)));
        all
    }

    #[test]
    fn texts_of_which_nothing_is_known_do_not_move_the_border() {
        let model = learned();
        let outside = ["tell me a joke about it", "what is the weather in town", "sing me a song"];
        let without = calibrate(&model, &sentences(40, 0, &outside), 0.95).unwrap();
        let with = calibrate(&model, &sentences(40, 8, &outside), 0.95).unwrap();
        assert_eq!(with, without);
        let calibrated = model.calibrated(&with).unwrap();
        let let_in = outside.iter().filter(|text| calibrated.classify(&normalise(text)).in_scope);
        assert_eq!(let_in.count(), 0, "{with:?}");
    }

    #[test]
    fn texts_of_which_nothing_is_known_do_not_count_as_sentences_to_calibrate_on() {
        let model = learned();
        for (known, unknown, outside) in
            [(40, 0, "სად არის"), (29, 40, "tell me a joke"), (0, 40, "სად არის")]
        {
            let error = calibrate(&model, &sentences(known, unknown, &[outside]), 0.95).unwrap_err();
            assert_eq!(error.kind(), "too_few_sentences", "{known} {unknown} {outside}");
        }
    }

    #[test]
    fn a_border_with_nothing_to_gain_is_not_moved() {
        assert_eq!(best_border(vec![0.5, 1.0, 2.0], vec![-3.0, -1.0], 0.95), 0.0);
        assert_eq!(best_border(vec![0.5, 0.5, 0.5], vec![0.5, 0.5], 0.95), 0.0);
    }

    #[test]
    fn whoever_keeps_everything_keeps_the_lowest_too() {
        let border = best_border(vec![-2.0, -1.0, 3.0], vec![-1.5, -1.4], 1.0);
        assert!((-3.0..-2.0).contains(&border), "{border}");
    }

    #[test]
    fn the_border_keeps_the_wanted_share_and_catches_what_it_can() {
        let inside: Vec<f32> = (0..100).map(|i| i as f32 / 10.0 - 1.0).collect();
        let outside: Vec<f32> = (0..100).map(|i| i as f32 / 25.0 - 3.0).collect();
        let kept = |border: f32, of: &[f32]| of.iter().filter(|x| **x >= border).count();
        let strict = best_border(inside.clone(), outside.clone(), 0.99);
        assert!(kept(strict, &inside) >= 99, "{strict}");
        let loose = best_border(inside.clone(), outside.clone(), 0.5);
        assert!(kept(loose, &outside) < kept(strict, &outside), "{loose} {strict}");
        assert!(kept(loose, &inside) >= 50);
    }

    #[test]
    fn a_calibration_reads_back_and_nonsense_is_refused() {
        let found = Calibration { catalogue: "ab".to_owned(), temperature: 7.25, border: -0.5 };
        assert_eq!(Calibration::read(&found.to_string()).unwrap(), found);
        for wrong in ["", "temperature: 1", "catalogue: a\ntemperature: .nan\nborder: 0", "- 1"] {
            assert_eq!(Calibration::read(wrong).unwrap_err().kind(), "calibration", "{wrong}");
        }
        let far = Calibration { border: 1e9, ..found };
        assert!(Calibration::read(&far.to_string()).is_err());
    }

    proptest! {
        #[test]
        fn no_border_that_keeps_enough_tells_both_better_apart(
            inside in prop::collection::vec(-9.0_f32..9.0, 1..30),
            outside in prop::collection::vec(-9.0_f32..9.0, 0..30),
            kept in 0.01_f32..=1.0,
        ) {
            let share = |of: &[f32], border: f32| {
                of.iter().filter(|logit| **logit >= border).count() as f32 / of.len().max(1) as f32
            };
            let apart = |border: f32| share(&inside, border) - share(&outside, border);
            let found = best_border(inside.clone(), outside.clone(), kept);
            prop_assert!(share(&inside, found) >= kept);
            for border in inside.iter().chain(&outside).copied().filter(|at| share(&inside, *at) >= kept) {
                prop_assert!(apart(border) <= apart(found) + 1e-6, "{border} is better than {found}");
            }
        }
    }
}
