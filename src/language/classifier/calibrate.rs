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
/// that best tells both kinds apart. `model` must not be calibrated already.
///
/// # Errors
/// [`ClassifierError`] when there are too few sentences to say anything.
pub fn calibrate(model: &Model, sentences: &[Labelled], kept: f32) -> Result<Calibration, ClassifierError> {
    let judged: Vec<_> = sentences.iter().map(|s| (s, model.judge(&normalise(&s.text)))).collect();
    let number = |intent: &str| model.intents().iter().position(|known| known == intent);
    let labelled: Vec<(&[f32], usize)> = judged
        .iter()
        .filter_map(|(s, judgement)| {
            Some((judgement.as_ref()?.scores.as_slice(), number(s.intent.as_deref()?)?))
        })
        .collect();
    // A text without anything known is turned away wherever the border lies.
    let border_of = |inside: bool| -> Vec<f32> {
        judged
            .iter()
            .filter(|(s, _)| s.intent.is_some() == inside)
            .map(|(_, judgement)| judgement.as_ref().map_or(f32::NEG_INFINITY, |j| j.scope))
            .collect()
    };
    let (inside, outside) = (border_of(true), border_of(false));
    if labelled.len() < IN_SCOPE_MIN || outside.len() < OUT_OF_SCOPE_MIN {
        return Err(ClassifierError::TooFewSentences { inside: labelled.len(), outside: outside.len() });
    }
    Ok(Calibration {
        catalogue: model.catalogue_hash().to_owned(),
        temperature: fit_temperature(&labelled),
        border: best_border(&inside, &outside, kept),
    })
}

/// The border among the middles between neighbouring logits.
fn best_border(inside: &[f32], outside: &[f32], kept: f32) -> f32 {
    let mut all: Vec<f32> = inside.iter().chain(outside).copied().filter(|x| x.is_finite()).collect();
    all.sort_unstable_by(f32::total_cmp);
    let share =
        |of: &[f32], border: f32| of.iter().filter(|x| **x >= border).count() as f32 / of.len() as f32;
    let mut best = (f32::NEG_INFINITY, -FURTHEST);
    for pair in all.windows(2) {
        let border = f32::midpoint(pair[0], pair[1]).clamp(-FURTHEST, FURTHEST);
        let kept_here = share(inside, border);
        let told_apart = kept_here - share(outside, border);
        if kept_here >= kept && told_apart > best.0 {
            best = (told_apart, border);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_keeps_the_wanted_share_and_catches_what_it_can() {
        let inside: Vec<f32> = (0..100).map(|i| i as f32 / 10.0 - 1.0).collect();
        let outside: Vec<f32> = (0..100).map(|i| i as f32 / 25.0 - 3.0).collect();
        let kept = |border: f32, of: &[f32]| of.iter().filter(|x| **x >= border).count();
        let strict = best_border(&inside, &outside, 0.99);
        assert!(kept(strict, &inside) >= 99, "{strict}");
        let loose = best_border(&inside, &outside, 0.5);
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
}
