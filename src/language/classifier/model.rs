//! The trained model and its one hot path, a message's text to its ranked intents.

use super::corpus::{Table, count, unit_vector};
use super::features::Extractor;
use super::scope::{Scope, sigmoid, signs};
use super::svm::Plane;
use super::train::hexadecimal;
use super::{Classification, Ranked};
use crate::language::normal::NormalText;

/// How many intents a classification names.
const RANKED: usize = 3;

/// A trained classifier. It is read-only: share it between threads.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(super) parts: Parts,
    table: Table,
    catalogue_hash: String,
}

/// What a model is made of and what its bytes hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parts {
    /// Sorted.
    pub(super) intents: Vec<String>,
    pub(super) catalogue: [u8; 32],
    pub(super) temperature: f32,
    pub(super) scope: Scope,
    /// The feature of each row.
    pub(super) hashes: Vec<u64>,
    /// How much the feature of each row counts.
    pub(super) importance: Vec<f32>,
    /// A column for each intent, then one for the background where there is one.
    pub(super) weights: Quantised,
}

/// All planes, turned so that the weights of one feature for every class lie together, eight bits each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantised {
    pub(super) scales: Vec<f32>,
    pub(super) weights: Vec<i8>,
    pub(super) biases: Vec<f32>,
}

impl Quantised {
    pub(super) fn from_planes(planes: &[Plane], features: usize) -> Self {
        let mut scales = Vec::with_capacity(features);
        let mut weights = Vec::with_capacity(features * planes.len());
        for feature in 0..features {
            let row = planes.iter().map(|plane| plane.weights[feature]);
            let largest = row.clone().fold(0.0_f32, |most, w| most.max(w.abs()));
            let scale = largest / 127.0;
            scales.push(scale);
            weights.extend(row.map(|w| if scale > 0.0 { (w / scale).round() as i8 } else { 0 }));
        }
        Self { scales, weights, biases: planes.iter().map(|plane| plane.bias).collect() }
    }

    pub(super) fn weight(&self, row: u32, class: usize) -> f32 {
        let row = row as usize;
        self.scales[row] * f32::from(self.weights[row * self.biases.len() + class])
    }

    fn scores(&self, row: &[(u32, f32)]) -> Vec<f32> {
        let classes = self.biases.len();
        let mut scores = self.biases.clone();
        for (feature, value) in row {
            let at = *feature as usize;
            let value = value * self.scales[at];
            for (score, weight) in scores.iter_mut().zip(&self.weights[at * classes..(at + 1) * classes]) {
                *score += value * f32::from(*weight);
            }
        }
        scores
    }
}

impl Model {
    pub(super) fn new(parts: Parts) -> Self {
        let table = parts.hashes.iter().zip(0..).map(|(hash, row)| (*hash, row)).collect();
        let catalogue_hash = hexadecimal(&parts.catalogue);
        Self { parts, table, catalogue_hash }
    }

    /// The intents it can tell apart, sorted.
    pub fn intents(&self) -> &[String] {
        &self.parts.intents
    }

    /// SHA-256 of everything it was trained from, in hexadecimal.
    pub fn catalogue_hash(&self) -> &str {
        &self.catalogue_hash
    }

    /// How many features it knows.
    pub fn features(&self) -> usize {
        self.parts.hashes.len()
    }

    /// What `text` means, as far as the catalogue goes. A text without anything the model knows is out of scope.
    pub fn classify(&self, text: &NormalText) -> Classification {
        match self.judge(text) {
            Some(judgement) => judgement.classification(&self.parts.intents),
            None => Classification { ranked: Vec::new(), out_of_scope: 1.0, in_scope: false },
        }
    }

    /// The figures behind a classification; nothing when nothing in the text is known.
    pub(super) fn judge(&self, text: &NormalText) -> Option<Judgement> {
        let counts = count(text.as_str(), &self.table, &mut Extractor::default());
        let row = unit_vector(&counts, &self.parts.importance);
        if row.is_empty() {
            return None;
        }
        let mut scores = self.parts.weights.scores(&row);
        let background = scores.get(self.parts.intents.len()).copied();
        scores.truncate(self.parts.intents.len());
        let scope = self.parts.scope.logit(&signs(&scores, background, &counts));
        Some(Judgement { scores, temperature: self.parts.temperature, scope })
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The row of a feature, where it is known.
    pub(super) fn row_of(&self, feature: u64) -> Option<u32> {
        self.table.get(&feature).copied()
    }
}

/// What a text scored, before it is said as confidences.
pub(super) struct Judgement {
    /// One for each intent.
    pub(super) scores: Vec<f32>,
    /// What they are multiplied with.
    pub(super) temperature: f32,
    /// Above 0: in scope.
    pub(super) scope: f32,
}

impl Judgement {
    pub(super) fn classification(&self, intents: &[String]) -> Classification {
        Classification {
            ranked: self.rank(intents),
            out_of_scope: sigmoid(-self.scope),
            in_scope: self.scope >= 0.0,
        }
    }

    /// The numbers of the best intents, best first.
    pub(super) fn best(&self) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::with_capacity(RANKED + 1);
        for (class, score) in self.scores.iter().enumerate() {
            let at = order.partition_point(|other| self.scores[*other] >= *score);
            if at < RANKED {
                order.insert(at, class);
                order.truncate(RANKED);
            }
        }
        order
    }

    fn rank(&self, intents: &[String]) -> Vec<Ranked> {
        let order = self.best();
        let best = order.first().map_or(0.0, |class| self.scores[*class]);
        let weight = |score: f32| ((score - best) * self.temperature).exp();
        let sum: f32 = self.scores.iter().map(|score| weight(*score)).sum();
        let named = |class: usize| Ranked {
            intent: intents[class].clone(),
            confidence: weight(self.scores[class]) / sum,
        };
        order.into_iter().map(named).collect()
    }
}
