//! From examples to a model. The same catalogue and options give the same model, byte for byte, however many
//! threads work. It may not know files or the assistant folder.

use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::corpus::{Corpus, unit_vector};
use super::model::{Model, Parts, Quantised};
use super::scope::{Scope, Signs, signs};
use super::svm::{Effort, Plane, Random, Row, separate};
use super::{ClassifierError, Example, TrainOptions};
use crate::language::normal::{NORMAL_FORM_VERSION, normalise};

/// Scores on this many unseen texts pin temperature and threshold; more folds of a large catalogue only cost time.
const ENOUGH_HELD_OUT: usize = 1_500;

/// A catalogue beyond these is a mistake in a file, not an organisation's language.
const MAX_TEXTS: usize = 200_000;
const MAX_INTENTS: usize = 2_000;
const MAX_WEIGHTS: usize = 100_000_000;

/// Learns the intents of `examples`. `background` are texts that belong to none of them.
pub fn train(
    examples: &[Example],
    background: &[String],
    options: &TrainOptions,
) -> Result<Model, ClassifierError> {
    let Lesson { intents, corpus, labels, classes } = Lesson::read(examples, background, options)?;
    let catalogue = hash_of(examples, background, options);
    let task = Task { corpus: &corpus, labels: &labels, intents: intents.len(), classes, options };
    let (temperature, scope) = fit(&task.held_out(), options);

    let all: Vec<usize> = (0..labels.len()).collect();
    let importance = corpus.importance(&all);
    let weights = Quantised::from_planes(&task.planes(&all, &importance), corpus.hashes.len());
    let hashes = corpus.hashes;
    Ok(Model::new(Parts { intents, catalogue, temperature, scope, hashes, importance, weights }))
}

/// What a built-in model says of texts of its catalogue that it was not trained on: those that [`parted`] has first, in its order.
pub(super) fn held_out(
    examples: &[Example],
    background: &[String],
    options: &TrainOptions,
) -> Result<Vec<HeldOut>, ClassifierError> {
    let Lesson { intents, corpus, labels, classes } = Lesson::read(examples, background, options)?;
    Ok(Task { corpus: &corpus, labels: &labels, intents: intents.len(), classes, options }.held_out())
}

/// A catalogue as numbers.
struct Lesson {
    intents: Vec<String>,
    corpus: Corpus,
    /// The intent of each text; one more than the last for the background.
    labels: Vec<usize>,
    classes: usize,
}

impl Lesson {
    fn read(
        examples: &[Example],
        background: &[String],
        options: &TrainOptions,
    ) -> Result<Self, ClassifierError> {
        check_options(options)?;
        let mut intents: Vec<String> = examples.iter().map(|e| e.intent.clone()).collect();
        intents.sort_unstable();
        intents.dedup();
        if intents.is_empty() {
            return Err(ClassifierError::NoExamples);
        }
        if intents.len() > MAX_INTENTS || examples.len() + background.len() > MAX_TEXTS {
            return Err(ClassifierError::TooLarge);
        }
        let normal: Vec<_> =
            examples.iter().map(|e| &e.text).chain(background).map(|text| normalise(text)).collect();
        let mut corpus = Corpus::read(normal.iter().map(|n| n.as_str()));
        if let Some((example, _)) =
            examples.iter().zip(&corpus.texts).find(|(_, counts)| counts.rows.is_empty())
        {
            return Err(ClassifierError::NoWords { intent: example.intent.clone() });
        }
        corpus.prune();
        let classes = intents.len() + usize::from(!background.is_empty());
        if corpus.hashes.len() * classes > MAX_WEIGHTS {
            return Err(ClassifierError::TooLarge);
        }
        let mut labels: Vec<usize> =
            examples.iter().map(|e| intents.partition_point(|i| *i < e.intent)).collect();
        labels.resize(corpus.texts.len(), intents.len());
        Ok(Self { intents, corpus, labels, classes })
    }
}

fn check_options(options: &TrainOptions) -> Result<(), ClassifierError> {
    for (fits, rule) in [
        (options.cost > 0.0 && options.cost.is_finite(), "cost must be a number above 0"),
        ((2..=20).contains(&options.folds), "folds must be 2 to 20"),
        ((1..=64).contains(&options.threads), "threads must be 1 to 64"),
        ((0.0..=0.5).contains(&options.rejected_share), "rejected_share must be 0 to 0.5"),
    ] {
        if !fits {
            return Err(ClassifierError::Option { rule });
        }
    }
    Ok(())
}

struct Task<'a> {
    corpus: &'a Corpus,
    labels: &'a [usize],
    intents: usize,
    classes: usize,
    options: &'a TrainOptions,
}

/// What a model says of a text it was not trained on.
pub(super) struct HeldOut {
    pub(super) label: Option<usize>,
    pub(super) scores: Vec<f32>,
    pub(super) signs: Signs,
}

/// What is learned from texts the scoring models had not seen: how sure a score is, and where the catalogue ends.
pub(super) fn fit(held_out: &[HeldOut], options: &TrainOptions) -> (f32, Scope) {
    let (inside, outside): (Vec<_>, Vec<_>) = held_out.iter().partition(|h| h.label.is_some());
    let of = |side: &[&HeldOut]| side.iter().map(|h| h.signs).collect::<Vec<Signs>>();
    let scope = Scope::fit(&of(&inside), &of(&outside), options.rejected_share);
    let labelled: Vec<(&[f32], usize)> =
        inside.iter().filter_map(|h| Some((h.scores.as_slice(), h.label?))).collect();
    (fit_temperature(&labelled), scope)
}

/// Whether so many texts say enough about temperature and border.
pub(super) fn is_enough(held_out: &[HeldOut]) -> bool {
    held_out.len() >= ENOUGH_HELD_OUT
}

/// One plane per class over `rows`, by as many threads as may work.
pub(super) fn planes(
    rows: &[Row],
    features: usize,
    labels: &[usize],
    classes: usize,
    options: &TrainOptions,
) -> Vec<Plane> {
    by_turns(classes, options.threads, |class| {
        let effort = Effort {
            cost: options.cost,
            tolerance: 0.1,
            max_epochs: 100,
            seed: options.seed.wrapping_add(class as u64),
        };
        separate(rows, features, |i| labels[i] == class, effort)
    })
}

/// What `task` makes of every number below `count`, in their order, by as many threads as may work.
pub(super) fn by_turns<T: Send>(count: usize, threads: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, task(number)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, made)| made).collect()
}

/// Parts `labels` into what is asked and what is learned from, once for each fold, each label spread evenly over the folds.
pub(super) fn parted(
    labels: &[usize],
    folds: usize,
    seed: u64,
) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Random::new(seed).shuffle(&mut order);
    order.sort_by_key(|i| labels[*i]);
    (0..folds).map(move |fold| {
        let (test, seen): (Vec<_>, Vec<_>) = order.iter().enumerate().partition(|(at, _)| at % folds == fold);
        let bare = |side: Vec<(usize, &usize)>| side.into_iter().map(|(_, i)| *i).collect();
        (bare(test), bare(seen))
    })
}

impl Task<'_> {
    /// One plane per class over the texts in `seen`.
    fn planes(&self, seen: &[usize], importance: &[f32]) -> Vec<Plane> {
        let rows: Vec<Row> = seen.iter().map(|i| unit_vector(&self.corpus.texts[*i], importance)).collect();
        let labels: Vec<usize> = seen.iter().map(|i| self.labels[*i]).collect();
        planes(&rows, importance.len(), &labels, self.classes, self.options)
    }

    /// Scores texts by models that did not see them, each class spread evenly over the folds.
    fn held_out(&self) -> Vec<HeldOut> {
        let mut held_out = Vec::new();
        for (test, seen) in parted(self.labels, self.options.folds, self.options.seed) {
            let importance = self.corpus.importance(&seen);
            let planes = self.planes(&seen, &importance);
            held_out.extend(test.into_iter().map(|i| self.judge(i, &importance, &planes)));
            if is_enough(&held_out) {
                break;
            }
        }
        held_out
    }

    fn judge(&self, i: usize, importance: &[f32], planes: &[Plane]) -> HeldOut {
        let counts = self.corpus.counts_under(i, importance);
        let row = unit_vector(&counts, importance);
        let mut scores: Vec<f32> = planes.iter().map(|plane| plane.score(&row)).collect();
        let background = scores.get(self.intents).copied();
        scores.truncate(self.intents);
        let signs = signs(&scores, background, &counts);
        HeldOut { label: Some(self.labels[i]).filter(|l| *l < self.intents), scores, signs }
    }
}

/// The factor that makes the softmax of the scores say how often the best intent is right (golden section on the log loss).
/// Each text comes with its scores and the intent that is right.
pub(super) fn fit_temperature(labelled: &[(&[f32], usize)]) -> f32 {
    least((1.0, 20.0), |factor| log_loss(labelled, factor))
}

/// How surprising what is right is on the whole, when scores are multiplied with `factor`.
pub(super) fn log_loss(labelled: &[(impl AsRef<[f32]>, usize)], factor: f32) -> f32 {
    labelled
        .iter()
        .map(|(scores, label)| {
            let scores = scores.as_ref();
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = scores.iter().map(|s| ((s - best) * factor).exp()).sum();
            sum.ln() - (scores[*label] - best) * factor
        })
        .sum()
}

/// Where a loss with one valley is least.
pub(super) fn least((mut low, mut high): (f32, f32), loss: impl Fn(f32) -> f32) -> f32 {
    let ratio = 0.618_034_f32;
    for _ in 0..24 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    f32::midpoint(low, high)
}

/// SHA-256, in hexadecimal, of everything a model of these examples is trained from: what [`Model::catalogue_hash`] says.
pub fn catalogue_hash(examples: &[Example], background: &[String], options: &TrainOptions) -> String {
    hexadecimal(&hash_of(examples, background, options))
}

pub(super) fn hexadecimal(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_of(examples: &[Example], background: &[String], options: &TrainOptions) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(&u32::from(NORMAL_FORM_VERSION).to_le_bytes());
    part(&options.cost.to_le_bytes());
    part(&options.folds.to_le_bytes());
    part(&options.seed.to_le_bytes());
    part(&options.rejected_share.to_le_bytes());
    for example in examples {
        part(example.intent.as_bytes());
        part(example.text.as_bytes());
    }
    for text in background {
        part(text.as_bytes());
    }
    hash.finalize().into()
}
