//! How good the classifier is on a public data set, in the JSON format of CLINC150: six lists of `[text, intent]`. Training takes
//! `train` and, as background, `oos_train` and `oos_val`; nothing of the test lists is seen before it is asked. The
//! caller reads the file and gives the clock; nothing here may change how a model is trained.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::labelled::{Labelled, Written};
use super::{ClassifierError, Example, Model, TrainOptions, train};
use crate::language::normal::normalise;

/// A data set is some megabytes; more is not one.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// What an evaluation found. Percentages are 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The file's name, without its folders.
    pub file: String,
    /// How many intents there are.
    pub intents: usize,
    /// How many examples were trained on, background not counted.
    pub train_examples: usize,
    /// How many in-scope texts were asked.
    pub test_examples: usize,
    /// The share of in-scope texts whose best intent is right.
    pub accuracy_percent: f64,
    /// How well the out-of-scope figure tells both kinds of text apart: 50 is chance.
    pub oos_auroc_percent: Option<f64>,
    /// The share of out-of-scope texts the model turns away at its own border.
    pub oos_recall_percent: Option<f64>,
    /// The share of in-scope texts that are right and not turned away.
    pub in_scope_accuracy_with_rejection_percent: f64,
    /// Half of the texts took at most this long, normalising included.
    pub p50_us: f64,
    /// 99 of 100 texts took at most this long.
    pub p99_us: f64,
    /// The size of the model.
    pub model_bytes: usize,
    /// How long training took.
    pub training_ms: u64,
}

#[derive(Deserialize)]
struct File {
    train: Vec<(String, String)>,
    test: Vec<(String, String)>,
    #[serde(default)]
    oos_train: Vec<(String, String)>,
    #[serde(default)]
    oos_val: Vec<(String, String)>,
    #[serde(default)]
    oos_test: Vec<(String, String)>,
}

/// A data set, parted into what is learned and what is asked.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// What is learned.
    pub examples: Vec<Example>,
    /// What belongs to no intent and is learned as such.
    pub background: Vec<String>,
    /// What is asked: sentences with their intents, then those out of scope.
    pub asked: Vec<Labelled>,
}

impl DataSet {
    /// Reads the JSON format of CLINC150. `shots` keeps only the first so many examples of each intent.
    ///
    /// # Errors
    /// [`ClassifierError`] when it is something else or asks nothing.
    pub fn read(json: &[u8], shots: Option<usize>) -> Result<Self, ClassifierError> {
        if json.len() as u64 > MAX_FILE_BYTES {
            return Err(ClassifierError::TooLarge);
        }
        let file: File = serde_json::from_slice(json)
            .map_err(|error| ClassifierError::FileFormat { line: error.line(), column: error.column() })?;
        if file.test.is_empty() {
            return Err(ClassifierError::NoExamples);
        }
        let asked = |(text, intent): (String, Option<String>)| Labelled {
            written: Written::of_any(&text),
            text,
            intent,
        };
        let inside = file.test.into_iter().map(|(text, intent)| (text, Some(intent)));
        let outside = file.oos_test.into_iter().map(|(text, _)| (text, None));
        Ok(Self {
            examples: spread_shots(file.train, shots),
            background: file.oos_train.into_iter().chain(file.oos_val).map(|(text, _)| text).collect(),
            asked: inside.chain(outside).map(asked).collect(),
        })
    }
}

/// Trains on `file` and asks its test texts. `shots` keeps only the first so many examples of each intent.
/// `clock` gives the time since any fixed moment.
///
/// # Errors
/// [`ClassifierError`] when the data cannot be read or trained on.
pub fn evaluate(
    name: &str,
    json: &[u8],
    shots: Option<usize>,
    clock: &dyn Fn() -> Duration,
) -> Result<Report, ClassifierError> {
    let DataSet { examples, background, asked } = DataSet::read(json, shots)?;
    let (test, oos_test): (Vec<Labelled>, Vec<Labelled>) =
        asked.into_iter().partition(|sentence| sentence.intent.is_some());
    let begin = clock();
    let model = train(&examples, &background, &TrainOptions::default())?;
    let training_ms = (clock() - begin).as_millis() as u64;

    ask(&model, &test, clock);
    let (inside, mut times) = ask(&model, &test, clock);
    let (outside, _) = ask(&model, &oos_test, clock);
    times.sort_unstable();
    let of_test = |right: usize| percent(right, inside.len());
    let scores = |answers: &[Answer]| answers.iter().map(|a| a.out_of_scope).collect::<Vec<f32>>();
    Ok(Report {
        file: name.to_owned(),
        intents: model.intents().len(),
        train_examples: examples.len(),
        test_examples: inside.len(),
        accuracy_percent: of_test(inside.iter().filter(|a| a.right).count()),
        oos_auroc_percent: auroc(&scores(&inside), &scores(&outside)),
        oos_recall_percent: (!outside.is_empty())
            .then(|| percent(outside.iter().filter(|a| !a.in_scope).count(), outside.len())),
        in_scope_accuracy_with_rejection_percent: of_test(
            inside.iter().filter(|a| a.right && a.in_scope).count(),
        ),
        p50_us: quantile_us(&times, 50),
        p99_us: quantile_us(&times, 99),
        model_bytes: model.to_bytes().len(),
        training_ms,
    })
}

/// Keeps so many examples of each intent, spread evenly over its examples: files list similar sentences together.
fn spread_shots(train: Vec<(String, String)>, shots: Option<usize>) -> Vec<Example> {
    let Some(shots) = shots else {
        return train.into_iter().map(|(text, intent)| Example { text, intent }).collect();
    };
    let mut by_intent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (text, intent) in train {
        by_intent.entry(intent).or_default().push(text);
    }
    let mut kept = Vec::new();
    for (intent, texts) in by_intent {
        let take = shots.min(texts.len());
        kept.extend(
            (0..take).map(|shot| Example {
                text: texts[shot * texts.len() / take].clone(),
                intent: intent.clone(),
            }),
        );
    }
    kept
}

struct Answer {
    right: bool,
    in_scope: bool,
    out_of_scope: f32,
}

fn ask(model: &Model, texts: &[Labelled], clock: &dyn Fn() -> Duration) -> (Vec<Answer>, Vec<Duration>) {
    texts
        .iter()
        .map(|sentence| {
            let begin = clock();
            let found = model.classify(&normalise(&sentence.text));
            let took = clock() - begin;
            let best = found.ranked.first().map(|best| &best.intent);
            let right = best.is_some() && best == sentence.intent.as_ref();
            (Answer { right, in_scope: found.in_scope, out_of_scope: found.out_of_scope }, took)
        })
        .unzip()
}

/// The probability that an out-of-scope text scores above an in-scope one, ties counted half (Mann and Whitney's U).
pub(super) fn auroc(inside: &[f32], outside: &[f32]) -> Option<f64> {
    if inside.is_empty() || outside.is_empty() {
        return None;
    }
    let mut sorted = inside.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let below = |score: f32| {
        (sorted.partition_point(|s| *s < score) + sorted.partition_point(|s| *s <= score)) as f64 / 2.0
    };
    let pairs = inside.len() as f64 * outside.len() as f64;
    Some(100.0 * outside.iter().map(|score| below(*score)).sum::<f64>() / pairs)
}

pub(super) fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn quantile_us(sorted: &[Duration], hundredths: usize) -> f64 {
    let at = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |took| took.as_nanos() as f64 / 1_000.0)
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional =
            |value: Option<f64>| value.map_or("none in the file".to_owned(), |v| format!("{v:.1} %"));
        writeln!(
            out,
            "{}: {} intents, {} examples, {} tests",
            self.file, self.intents, self.train_examples, self.test_examples
        )?;
        writeln!(out, "  accuracy                  {:.1} %", self.accuracy_percent)?;
        writeln!(out, "  right and not turned away {:.1} %", self.in_scope_accuracy_with_rejection_percent)?;
        writeln!(out, "  out of scope: AUROC       {}", optional(self.oos_auroc_percent))?;
        writeln!(out, "  out of scope: turned away {}", optional(self.oos_recall_percent))?;
        writeln!(out, "  time per message          p50 {:.0} µs, p99 {:.0} µs", self.p50_us, self.p99_us)?;
        writeln!(out, "  model                     {:.1} MB", self.model_bytes as f64 / 1e6)?;
        write!(out, "  training                  {:.1} s", self.training_ms as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(json: &str, shots: Option<usize>) -> Result<Report, ClassifierError> {
        evaluate("lights", json.as_bytes(), shots, &|| Duration::ZERO)
    }

    const LIGHTS: &str = r#""train":[["turn the light on","on"],["light on please","on"],["switch on the lamp","on"],
        ["turn the light off","off"],["light off please","off"],["switch off the lamp","off"]],
        "test":[["lamp on please","on"],["lamp off please","off"]]"#;

    #[test]
    fn a_file_without_out_of_scope_lists_reports_none() {
        let report = evaluated(&format!("{{{LIGHTS}}}"), None).unwrap();
        assert_eq!((report.intents, report.train_examples, report.test_examples), (2, 6, 2));
        assert_eq!((report.oos_auroc_percent, report.oos_recall_percent), (None, None));
        assert!((report.accuracy_percent - 100.0).abs() < 1e-9);
        assert!(report.to_string().contains("none in the file"));
    }

    #[test]
    fn shots_keep_so_many_examples_of_each_intent() {
        let oos = r#","oos_train":[["who won the match","oos"],["tell me a joke","oos"]],"oos_test":[["sing a song","oos"]]"#;
        let report = evaluated(&format!("{{{LIGHTS}{oos}}}"), Some(2)).unwrap();
        assert_eq!(report.train_examples, 4);
        assert!(report.oos_auroc_percent.is_some());
    }

    #[test]
    fn a_file_that_is_not_a_data_set_is_refused_with_the_place() {
        let error = evaluated("{\n\"train\": 7}", None).unwrap_err();
        assert!(matches!(error, ClassifierError::FileFormat { line: 2, .. }), "{error}");
        assert_eq!(evaluated(r#"{"train":[],"test":[["a","b"]]}"#, None).unwrap_err().kind(), "no_examples");
    }

    #[test]
    fn auroc_counts_pairs_and_halves_ties() {
        assert_eq!(auroc(&[0.1, 0.2], &[0.8, 0.9]), Some(100.0));
        assert_eq!(auroc(&[0.5, 0.5], &[0.5]), Some(50.0));
        assert_eq!(auroc(&[0.1, 0.9], &[0.5]), Some(50.0));
        assert_eq!(auroc(&[0.1], &[]), None);
    }
}
