//! A linear classifier over the vectors that a server of embeddings gives for texts, and how much it counts beside the built-in
//! model. Where vectors come from is the caller's business. Cosines of such servers lie close together, so the mean of the
//! catalogue is taken off first.

use super::model::{Judgement, Model};
use super::scope::{Scope, Signs};
use super::softmax::Softmax;
use super::svm::Plane;
use super::train::{self, HeldOut, fit, is_enough, least, log_loss, parted};
use super::{Classification, ClassifierError, Example, TrainOptions};
use crate::language::normal::NormalText;

/// Longer vectors than any server gives today.
const NUMBERS_MAX: usize = 16_384;
/// How hard vectors are fitted, as measured on texts of catalogues that were held out, with few examples and with many.
const COST: f32 = 30.0;
/// Between these, two judges together are made as sure as they are right: each is already, and two that know of different
/// things are twice as sure.
const TEMPERATURES: (f32, f32) = (0.5, 2.0);

/// A trained head. It is read-only: share it between threads.
#[derive(Debug, Clone)]
pub struct Head {
    intents: Vec<String>,
    mean: Vec<f32>,
    planes: Vec<Plane>,
    temperature: f32,
    scope: Scope,
    both: Both,
}

/// How the head and the built-in model of the same catalogue decide together, learned from texts that neither had seen.
#[derive(Debug, Clone, PartialEq)]
struct Both {
    /// How much of the decision is the head's, 0 to 1; the rest is the built-in model's.
    share: f32,
    temperature: f32,
    /// Reads the figures of both as the first two signs.
    scope: Scope,
}

impl Head {
    /// Learns from the vectors of `examples`, followed by those of the texts of `background`, that belong to no intent.
    ///
    /// # Errors
    /// [`ClassifierError`] when there is nothing to learn from or the vectors are not of one length.
    pub fn train(
        examples: &[Example],
        background: &[String],
        vectors: &[Vec<f32>],
        options: &TrainOptions,
    ) -> Result<Self, ClassifierError> {
        let mut intents: Vec<String> = examples.iter().map(|e| e.intent.clone()).collect();
        intents.sort_unstable();
        intents.dedup();
        let length = vectors.first().map_or(0, Vec::len);
        let fits = (1..=NUMBERS_MAX).contains(&length) && vectors.len() == examples.len() + background.len();
        if intents.is_empty() || !fits {
            return Err(ClassifierError::NoExamples);
        }
        if vectors.iter().any(|v| v.len() != length || v.iter().any(|x| !x.is_finite())) {
            return Err(ClassifierError::Vectors);
        }
        let others = train::held_out(examples, background, options)?;
        let mut labels: Vec<usize> =
            examples.iter().map(|e| intents.partition_point(|i| *i < e.intent)).collect();
        labels.resize(vectors.len(), intents.len());
        let classes = intents.len() + usize::from(!background.is_empty());
        let mean: Vec<f32> =
            (0..length).map(|k| vectors.iter().map(|v| v[k]).sum::<f32>() / vectors.len() as f32).collect();
        let rows: Vec<Vec<f32>> = vectors.iter().map(|v| centred(v, &mean)).collect();
        let learned = |seen: &[usize]| {
            let (rows, labels): (Vec<&[f32]>, Vec<usize>) =
                seen.iter().map(|i| (rows[*i].as_slice(), labels[*i])).unzip();
            Softmax { rows: &rows, labels: &labels, classes, cost: COST, threads: options.threads }.fit()
        };
        // The same texts in the same order as the built-in model is asked.
        let mut held_out = Vec::new();
        for (test, seen) in parted(&labels, options.folds, options.seed) {
            let planes = learned(&seen);
            held_out.extend(test.into_iter().map(|i| {
                let (scores, signs) = score(&planes, &rows[i], intents.len());
                HeldOut { label: Some(labels[i]).filter(|l| *l < intents.len()), scores, signs }
            }));
            if is_enough(&held_out) {
                break;
            }
        }
        let (temperature, scope) = fit(&held_out, options);
        let both = Both::fit(&held_out, &others, options);
        let planes = learned(&(0..rows.len()).collect::<Vec<usize>>());
        Ok(Self { intents, mean, planes, temperature, scope, both })
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
            Some(other) => self.both.together(&mine, &other),
        };
        Some(judgement.classification(&self.intents))
    }
}

impl Both {
    /// Finds the share with which what is right surprises least, among texts that both judged unseen, in one order.
    fn fit(mine: &[HeldOut], others: &[HeldOut], options: &TrainOptions) -> Self {
        let ((my_temperature, my_scope), (other_temperature, other_scope)) =
            (fit(mine, options), fit(others, options));
        let both = || mine.iter().zip(others);
        let mixed = |share: f32| -> Vec<(Vec<f32>, usize)> {
            let of = |(m, o): (&HeldOut, &HeldOut)| {
                Some((mix(share, (&m.scores, my_temperature), (&o.scores, other_temperature)), m.label?))
            };
            both().filter_map(of).collect()
        };
        let loss = |mixed: &[(Vec<f32>, usize)], factor| log_loss(mixed, factor);
        let best = |mixed: &[(Vec<f32>, usize)]| least(TEMPERATURES, |factor| loss(mixed, factor));
        let share = least((0.0, 1.0), |share| {
            let mixed = mixed(share);
            // Where the texts cannot tell, as with few examples, both count alike.
            loss(&mixed, best(&mixed)) + (share - 0.5).powi(2)
        });
        let temperature = best(&mixed(share));
        let signs = |inside: bool| -> Vec<Signs> {
            both()
                .filter(|(m, _)| m.label.is_some() == inside)
                .map(|(m, o)| signs_of_both(my_scope.logit(&m.signs), other_scope.logit(&o.signs)))
                .collect()
        };
        let scope = Scope::fit(&signs(true), &signs(false), options.rejected_share);
        Self { share, temperature, scope }
    }

    fn together(&self, mine: &Judgement, other: &Judgement) -> Judgement {
        let scores = mix(self.share, (&mine.scores, mine.temperature), (&other.scores, other.temperature));
        let scope = self.scope.logit(&signs_of_both(mine.scope, other.scope));
        Judgement { scores, temperature: self.temperature, scope }
    }
}

/// Two judges' scores, each on the scale of its confidences.
fn mix(share: f32, one: (&[f32], f32), other: (&[f32], f32)) -> Vec<f32> {
    let (one_scale, other_scale) = (share * one.1, (1.0 - share) * other.1);
    one.0.iter().zip(other.0).map(|(a, b)| one_scale * a + other_scale * b).collect()
}

/// Both figures as signs; the other two say nothing here.
fn signs_of_both(mine: f32, other: f32) -> Signs {
    [mine, other, 1.0, 1.0]
}

fn score(planes: &[Plane], row: &[f32], intents: usize) -> (Vec<f32>, Signs) {
    let of = |plane: &Plane| plane.weights.iter().zip(row).map(|(w, x)| w * x).sum::<f32>() + plane.bias;
    let mut scores: Vec<f32> = planes.iter().map(of).collect();
    let background = scores.get(intents).copied();
    scores.truncate(intents);
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Every vector is wholly known; the two other signs say nothing here.
    (scores, [best, best - background.unwrap_or(0.0), 1.0, 1.0])
}

/// Without the mean and of length 1.
fn centred(vector: &[f32], mean: &[f32]) -> Vec<f32> {
    let apart = || vector.iter().zip(mean).map(|(x, m)| x - m);
    let length = apart().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if length > 0.0 { length.recip() } else { 0.0 };
    apart().map(|x| x * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::classifier::train;
    use crate::language::normal::normalise;

    /// Three directions far from the origin and close to one another, as servers give them.
    fn vector(direction: usize, shift: f32) -> Vec<f32> {
        let mut vector = vec![5.0, 5.0, 5.0, shift];
        vector[direction] += 1.0;
        vector
    }

    struct Taught {
        examples: Vec<Example>,
        background: Vec<String>,
        vectors: Vec<Vec<f32>>,
    }

    impl Taught {
        /// Ten examples of each intent and ten texts of none; `direction` is that of the vector of the n-th text of a class, and
        /// `text` what it says.
        fn by(direction: impl Fn(usize, usize) -> usize, text: impl Fn(usize, usize) -> String) -> Self {
            let mut taught = Self { examples: Vec::new(), background: Vec::new(), vectors: Vec::new() };
            for class in 0..3 {
                for n in 0..10 {
                    taught.vectors.push(vector(direction(class, n), n as f32 / 100.0));
                    match ["order", "stock"].get(class) {
                        Some(intent) => taught
                            .examples
                            .push(Example { text: text(class, n), intent: (*intent).to_owned() }),
                        None => taught.background.push(text(class, n)),
                    }
                }
            }
            taught
        }

        fn head(&self) -> Head {
            Head::train(&self.examples, &self.background, &self.vectors, &TrainOptions::default()).unwrap()
        }

        fn model(&self) -> Model {
            train(&self.examples, &self.background, &TrainOptions::default()).unwrap()
        }
    }

    /// Vectors that say everything and words that say nothing.
    fn clear_vectors() -> Taught {
        Taught::by(
            |class, _| class,
            |_, n| format!("{} please", ["one", "two", "three", "four", "five"][n % 5]),
        )
    }

    /// Words that say everything and vectors that say nothing.
    fn clear_words() -> Taught {
        Taught::by(
            |_, n| n % 3,
            |class, _| ["where is my order", "stock of cement", "tell a joke"][class].to_owned(),
        )
    }

    #[test]
    fn vectors_that_differ_little_are_told_apart_and_what_is_elsewhere_is_out_of_scope() {
        let head = clear_vectors().head();
        for (direction, intent) in [(0, "order"), (1, "stock")] {
            let found = head.classify(&vector(direction, 0.05), None).unwrap();
            assert!(found.in_scope && found.ranked[0].intent == intent, "{found:?}");
        }
        let found = head.classify(&vector(2, 0.05), None).unwrap();
        assert!(!found.in_scope && found.out_of_scope > 0.5, "{found:?}");
    }

    #[test]
    fn a_vector_of_another_length_or_without_numbers_is_no_answer() {
        let taught = clear_vectors();
        assert!(taught.head().classify(&[1.0, 2.0], None).is_none());
        assert!(taught.head().classify(&[f32::NAN; 4], None).is_none());
        let two = &taught.examples[9..11];
        let kind = |vectors: &[Vec<f32>]| {
            Head::train(two, &[], vectors, &TrainOptions::default()).unwrap_err().kind()
        };
        assert_eq!(kind(&[vec![1.0], vec![1.0, 2.0]]), "vectors");
        assert_eq!(kind(&[vec![1.0]]), "no_examples");
    }

    /// What a judge says of a hundred texts of two intents who is right about those for which `right` holds, and never in doubt.
    fn judged(right: impl Fn(usize) -> bool) -> Vec<HeldOut> {
        let of = |n: usize| {
            let said = if right(n) { n % 2 } else { 1 - n % 2 };
            let scores = if said == 0 { vec![1.0, -1.0] } else { vec![-1.0, 1.0] };
            HeldOut { label: Some(n % 2), scores, signs: [1.0; 4] }
        };
        (0..100).map(of).collect()
    }

    #[test]
    fn who_is_right_about_unseen_texts_counts_more() {
        let share =
            |mine: &[HeldOut], others: &[HeldOut]| Both::fit(mine, others, &TrainOptions::default()).share;
        let (sharp, dull) = (judged(|n| n % 10 < 9), judged(|n| n / 10 % 2 == 0));
        assert!(share(&sharp, &dull) > 0.8, "{}", share(&sharp, &dull));
        assert!(share(&dull, &sharp) < 0.2, "{}", share(&dull, &sharp));
        let same = share(&sharp, &sharp);
        assert!((same - 0.5).abs() < 0.01, "{same}");
    }

    #[test]
    fn where_one_of_both_knows_nothing_the_other_decides() {
        let (by_vectors, by_words) = (clear_vectors(), clear_words());
        let ask = |taught: &Taught, text: &str| {
            let (model, text) = (taught.model(), normalise(text));
            taught.head().classify(&vector(0, 0.05), Some((&model, &text))).unwrap()
        };
        let found = ask(&by_vectors, "two please");
        assert!(found.in_scope && found.ranked[0].intent == "order", "{found:?}");
        let found = ask(&by_words, "stock of cement");
        assert!(found.in_scope && found.ranked[0].intent == "stock", "{found:?}");
        let found = ask(&by_words, "tell a joke");
        assert!(!found.in_scope, "{found:?}");
    }

    #[test]
    fn a_model_of_other_intents_is_not_heard() {
        let mut other = clear_words();
        other.examples.iter_mut().for_each(|example| example.intent.push('s'));
        let head = clear_words().head();
        let text = normalise("stock of cement");
        let heard = head.classify(&vector(0, 0.05), Some((&other.model(), &text)));
        assert_eq!(heard, head.classify(&vector(0, 0.05), None));
    }

    #[test]
    fn the_same_vectors_give_the_same_head_whatever_the_threads() {
        let taught = clear_words();
        let head = |threads| {
            let options = TrainOptions { threads, ..TrainOptions::default() };
            Head::train(&taught.examples, &taught.background, &taught.vectors, &options).unwrap()
        };
        let (one, three) = (head(1), head(3));
        assert_eq!((one.planes, one.both), (three.planes, three.both));
    }
}
