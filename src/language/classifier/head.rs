//! A linear classifier over the vectors that a server of embeddings gives for texts: the same training as for the built-in
//! model, on dense numbers. Where vectors come from is the caller's business. Cosines of such servers lie close together, so the
//! mean of the catalogue is taken off first.

use super::model::{Judgement, Model};
use super::scope::{Scope, Signs};
use super::svm::{Plane, Row};
use super::train::{HeldOut, fit, is_enough, parted, planes};
use super::{Classification, ClassifierError, Example, TrainOptions};
use crate::language::normal::NormalText;

/// Longer vectors than any server gives today.
const NUMBERS_MAX: usize = 16_384;

/// A trained head. It is read-only: share it between threads.
#[derive(Debug, Clone)]
pub struct Head {
    intents: Vec<String>,
    mean: Vec<f32>,
    planes: Vec<Plane>,
    temperature: f32,
    scope: Scope,
}

impl Head {
    /// Learns from the vectors of `examples`, followed by those of texts that belong to no intent.
    ///
    /// # Errors
    /// [`ClassifierError`] when there is nothing to learn from or the vectors are not of one length.
    pub fn train(
        examples: &[Example],
        vectors: &[Vec<f32>],
        options: &TrainOptions,
    ) -> Result<Self, ClassifierError> {
        let mut intents: Vec<String> = examples.iter().map(|e| e.intent.clone()).collect();
        intents.sort_unstable();
        intents.dedup();
        let length = vectors.first().map_or(0, Vec::len);
        let fits = (1..=NUMBERS_MAX).contains(&length) && vectors.len() >= examples.len();
        if intents.is_empty() || !fits {
            return Err(ClassifierError::NoExamples);
        }
        if vectors.iter().any(|v| v.len() != length || v.iter().any(|x| !x.is_finite())) {
            return Err(ClassifierError::Vectors);
        }
        let mut labels: Vec<usize> =
            examples.iter().map(|e| intents.partition_point(|i| *i < e.intent)).collect();
        labels.resize(vectors.len(), intents.len());
        let classes = intents.len() + usize::from(vectors.len() > examples.len());
        let mean: Vec<f32> =
            (0..length).map(|k| vectors.iter().map(|v| v[k]).sum::<f32>() / vectors.len() as f32).collect();
        let rows: Vec<Row> = vectors.iter().map(|v| centred(v, &mean)).collect();
        let mut held_out = Vec::new();
        for (test, seen) in parted(&labels, options.folds, options.seed) {
            let some: Vec<Row> = seen.iter().map(|i| rows[*i].clone()).collect();
            let some_labels: Vec<usize> = seen.iter().map(|i| labels[*i]).collect();
            let planes = planes(&some, length, &some_labels, classes, options);
            held_out.extend(test.into_iter().map(|i| {
                let (scores, signs) = score(&planes, &rows[i], intents.len());
                HeldOut { label: Some(labels[i]).filter(|l| *l < intents.len()), scores, signs }
            }));
            if is_enough(&held_out) {
                break;
            }
        }
        let (temperature, scope) = fit(&held_out, options);
        let planes = planes(&rows, length, &labels, classes, options);
        Ok(Self { intents, mean, planes, temperature, scope })
    }

    /// What a text with this vector means. With the built-in model of the same catalogue, both speak: their errors differ, so
    /// together they are right more often than either. Nothing for a vector that cannot be one of these.
    pub fn classify(
        &self,
        vector: &[f32],
        built_in: Option<(&Model, &NormalText)>,
    ) -> Option<Classification> {
        if vector.len() != self.mean.len() || vector.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let (scores, signs) = score(&self.planes, &centred(vector, &self.mean), self.intents.len());
        let mine = Judgement { scores, temperature: self.temperature, scope: self.scope.logit(&signs) };
        let other = built_in
            .filter(|(model, _)| model.intents() == self.intents)
            .and_then(|(model, text)| model.judge(text));
        let judgement = match other {
            None => mine,
            Some(other) => together(&mine, &other),
        };
        Some(judgement.classification(&self.intents))
    }
}

/// The mean of what two judges say, on the scale of their confidences.
fn together(one: &Judgement, other: &Judgement) -> Judgement {
    let scaled = |judge: &Judgement, score: f32| judge.temperature * score;
    let both = one.scores.iter().zip(&other.scores);
    Judgement {
        scores: both.map(|(a, b)| f32::midpoint(scaled(one, *a), scaled(other, *b))).collect(),
        temperature: 1.0,
        scope: f32::midpoint(one.scope, other.scope),
    }
}

fn score(planes: &[Plane], row: &Row, intents: usize) -> (Vec<f32>, Signs) {
    let mut scores: Vec<f32> = planes.iter().map(|plane| plane.score(row)).collect();
    let background = scores.get(intents).copied();
    scores.truncate(intents);
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Every vector is wholly known; the two other signs say nothing here.
    (scores, [best, best - background.unwrap_or(0.0), 1.0, 1.0])
}

/// Without the mean and of length 1.
fn centred(vector: &[f32], mean: &[f32]) -> Row {
    let apart = || vector.iter().zip(mean).map(|(x, m)| x - m);
    let length = apart().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if length > 0.0 { length.recip() } else { 0.0 };
    (0..).zip(apart()).map(|(at, x)| (at, x * scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::classifier::train;
    use crate::language::normal::normalise;

    fn example(text: &str, intent: &str) -> Example {
        Example { text: text.to_owned(), intent: intent.to_owned() }
    }

    /// Three directions far from the origin and close to one another, as servers give them.
    fn vector(direction: usize, shift: f32) -> Vec<f32> {
        let mut vector = vec![5.0, 5.0, 5.0, shift];
        vector[direction] += 1.0;
        vector
    }

    fn head() -> Head {
        let mut examples = Vec::new();
        let mut vectors = Vec::new();
        for (direction, intent) in ["order", "stock"].into_iter().enumerate() {
            for n in 0..10 {
                examples.push(example("a", intent));
                vectors.push(vector(direction, n as f32 / 100.0));
            }
        }
        vectors.extend((0..10).map(|n| vector(2, n as f32 / 100.0)));
        Head::train(&examples, &vectors, &TrainOptions::default()).unwrap()
    }

    #[test]
    fn vectors_that_differ_little_are_told_apart_and_what_is_elsewhere_is_out_of_scope() {
        let head = head();
        for (direction, intent) in [(0, "order"), (1, "stock")] {
            let found = head.classify(&vector(direction, 0.05), None).unwrap();
            assert!(found.in_scope && found.ranked[0].intent == intent, "{found:?}");
        }
        let found = head.classify(&vector(2, 0.05), None).unwrap();
        assert!(!found.in_scope && found.out_of_scope > 0.5, "{found:?}");
    }

    #[test]
    fn a_vector_of_another_length_or_without_numbers_is_no_answer() {
        assert!(head().classify(&[1.0, 2.0], None).is_none());
        assert!(head().classify(&[f32::NAN; 4], None).is_none());
        let two = [example("a", "x"), example("b", "y")];
        let kind =
            |vectors: &[Vec<f32>]| Head::train(&two, vectors, &TrainOptions::default()).unwrap_err().kind();
        assert_eq!(kind(&[vec![1.0], vec![1.0, 2.0]]), "vectors");
        assert_eq!(kind(&[vec![1.0]]), "no_examples");
    }

    #[test]
    fn the_built_in_model_of_the_same_catalogue_speaks_too() {
        let examples: Vec<Example> = (0..6)
            .flat_map(|n| {
                [example(&format!("order number {n}"), "order"), example("stock of cement", "stock")]
            })
            .collect();
        let model = train(&examples, &[], &TrainOptions::default()).unwrap();
        let text = normalise("stock of cement");
        let between = [5.52, 5.48, 5.0, 0.05];
        let alone = head().classify(&between, None).unwrap();
        let both = head().classify(&between, Some((&model, &text))).unwrap();
        assert_eq!((alone.ranked[0].intent.as_str(), both.ranked[0].intent.as_str()), ("order", "stock"));
    }
}
