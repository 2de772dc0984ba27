//! Why a text was taken for what it was taken for: the words and letter groups that spoke for the best intent and against
//! the second. It reads a model; it may not change how one decides.

use super::Classification;
use super::corpus::{count, unit_vector};
use super::features::{Extractor, Kind};
use super::model::Model;
use crate::language::normal::NormalText;

/// What kind of trait of a text spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// A word.
    Word,
    /// Two words, one after the other.
    Pair,
    /// A group of letters inside a word.
    Letters,
    /// The consonants of a word, the same in both scripts.
    Sounds,
    /// The consonants of two words.
    SoundPair,
    /// A group of consonants.
    SoundLetters,
}

impl From<Kind> for Trait {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Word => Self::Word,
            Kind::Pair => Self::Pair,
            Kind::Letters => Self::Letters,
            Kind::SkeletonWord => Self::Sounds,
            Kind::SkeletonPair => Self::SoundPair,
            Kind::SkeletonLetters => Self::SoundLetters,
        }
    }
}

/// One trait of a text and what it spoke for.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoke {
    /// What it is.
    pub kind: Trait,
    /// Its letters; `_` is where a word begins or ends.
    pub text: String,
    /// Above 0 for the best intent against the second, below 0 the other way round.
    pub weight: f32,
}

/// Why a text was taken for what it was taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What it was taken for.
    pub found: Classification,
    /// Every known trait, the strongest first.
    pub spoke: Vec<Spoke>,
    /// The words that no example holds.
    pub unknown_words: Vec<String>,
}

impl Model {
    /// Explains what [`Model::classify`] says of `text`.
    pub fn explain(&self, text: &NormalText) -> Explanation {
        let found = self.classify(text);
        let mut explanation = Explanation { found, spoke: Vec::new(), unknown_words: Vec::new() };
        let Some(judgement) = self.judge(text) else {
            explanation.read_words(self, text);
            return explanation;
        };
        let best = judgement.best();
        let (first, second) = (best.first().copied().unwrap_or_default(), best.get(1).copied());
        let counts = count(text.as_str(), self.table(), &mut Extractor::default());
        for (row, value) in unit_vector(&counts, &self.parts.importance) {
            let weight = |class: usize| self.parts.weights.weight(row, class);
            let weight = value * (weight(first) - second.map_or(0.0, weight));
            let Some((kind, text)) = named(self, text, row) else { continue };
            explanation.spoke.push(Spoke { kind, text, weight });
        }
        explanation.spoke.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        explanation.read_words(self, text);
        explanation
    }
}

impl Explanation {
    fn read_words(&mut self, model: &Model, text: &NormalText) {
        Extractor::default().features(text.as_str(), |kind, hash, chars| {
            let word = written(chars);
            if kind == Kind::Word && model.row_of(hash).is_none() && !self.unknown_words.contains(&word) {
                self.unknown_words.push(word.trim_matches('_').to_owned());
            }
        });
    }
}

/// What the feature of a row is in this text.
fn named(model: &Model, text: &NormalText, row: u32) -> Option<(Trait, String)> {
    let mut found = None;
    Extractor::default().features(text.as_str(), |kind, hash, chars| {
        if found.is_none() && model.row_of(hash) == Some(row) {
            found = Some((kind, written(chars)));
        }
    });
    let (kind, text) = found?;
    let text = match kind {
        Kind::Word | Kind::SkeletonWord => text.trim_matches('_').to_owned(),
        Kind::Pair | Kind::SkeletonPair => text.trim_matches('_').replace("__", " "),
        Kind::Letters | Kind::SkeletonLetters => text,
    };
    Some((kind.into(), text))
}

fn written(chars: &[char]) -> String {
    chars.iter().map(|c| if *c == ' ' { '_' } else { *c }).collect()
}
