//! What answers on labelled sentences say about a classifier: how often it is right, in which language, what it confuses and
//! whether its confidence can be believed. It only counts; where the answers come from is the caller's business.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Classification;
use super::evaluate::{auroc, percent};
use super::labelled::{Labelled, Written};

/// Into how many equal steps the confidence is cut.
const STEPS: usize = 10;
/// How many confused pairs and weak intents a text report shows.
const SHOWN: usize = 15;

/// A labelled sentence and what the classifier said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// What is right, and how it is written.
    pub sentence: Labelled,
    /// What was said.
    pub found: Classification,
}

impl Answered {
    fn is_right(&self) -> bool {
        self.sentence.intent.is_some()
            && self.found.ranked.first().map(|best| &best.intent) == self.sentence.intent.as_ref()
    }

    fn in_first_two(&self) -> bool {
        self.found.ranked.iter().take(2).any(|one| Some(&one.intent) == self.sentence.intent.as_ref())
    }

    fn confidence(&self) -> f64 {
        self.found.ranked.first().map_or(0.0, |best| f64::from(best.confidence))
    }
}

/// The figures. Percentages are 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// All in-scope sentences together.
    pub all: Share,
    /// The same for each way of writing.
    pub by_language: BTreeMap<Written, Share>,
    /// How many sentences belong to no intent.
    pub out_of_scope_sentences: usize,
    /// The share of those that were turned away.
    pub out_of_scope_caught_percent: Option<f64>,
    /// How well the out-of-scope figure tells both kinds apart: 50 is chance.
    pub out_of_scope_auroc_percent: Option<f64>,
    /// How far confidence and truth lie apart on average, in points.
    pub calibration_error_percent: f64,
    /// Confidence in ten steps against the truth.
    pub reliability: Vec<Step>,
    /// What was taken for what, most frequent first.
    pub confusions: Vec<Confusion>,
    /// How many of each intent's sentences were found, weakest first.
    pub recall: Vec<Recall>,
}

/// Figures of some in-scope sentences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many there are.
    pub sentences: usize,
    /// The best intent is right.
    pub accuracy_percent: f64,
    /// One of the best two is right: a question could find out.
    pub first_two_percent: f64,
    /// The sentence was not turned away as out of scope.
    pub kept_percent: f64,
}

/// One step of the confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// Where it begins, 0 to 1.
    pub from: f64,
    /// How many sentences fall into it.
    pub sentences: usize,
    /// What was said on average.
    pub said_percent: f64,
    /// What was so.
    pub right_percent: f64,
}

/// An intent that was taken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// What was meant.
    pub meant: String,
    /// What was found; nothing when no word was known.
    pub found: Option<String>,
    /// How often.
    pub times: usize,
}

/// How much of an intent is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recall {
    /// The intent.
    pub intent: String,
    /// How many sentences it has.
    pub sentences: usize,
    /// How many of them were found.
    pub percent: f64,
}

impl Assessment {
    /// Counts `answers`.
    pub fn of(answers: &[Answered]) -> Self {
        let (inside, outside): (Vec<&Answered>, Vec<&Answered>) =
            answers.iter().partition(|a| a.sentence.intent.is_some());
        let mut languages: BTreeMap<Written, Vec<&Answered>> = BTreeMap::new();
        for answer in &inside {
            languages.entry(answer.sentence.written).or_default().push(answer);
        }
        let reliability = reliability(&inside);
        let scores = |side: &[&Answered]| side.iter().map(|a| a.found.out_of_scope).collect::<Vec<f32>>();
        let caught = outside.iter().filter(|a| !a.found.in_scope).count();
        Self {
            all: share(&inside),
            by_language: languages.iter().map(|(written, some)| (*written, share(some))).collect(),
            out_of_scope_sentences: outside.len(),
            out_of_scope_caught_percent: (!outside.is_empty()).then(|| percent(caught, outside.len())),
            out_of_scope_auroc_percent: auroc(&scores(&inside), &scores(&outside)),
            calibration_error_percent: calibration_error(&reliability, inside.len()),
            reliability,
            confusions: confusions(&inside),
            recall: recall(&inside),
        }
    }
}

fn share(some: &[&Answered]) -> Share {
    let of = |counts: fn(&Answered) -> bool| {
        percent(some.iter().filter(|answer| counts(answer)).count(), some.len())
    };
    Share {
        sentences: some.len(),
        accuracy_percent: of(Answered::is_right),
        first_two_percent: of(Answered::in_first_two),
        kept_percent: of(|answer| answer.found.in_scope),
    }
}

fn reliability(inside: &[&Answered]) -> Vec<Step> {
    let step_of = |answer: &Answered| ((answer.confidence() * STEPS as f64) as usize).min(STEPS - 1);
    let step = |number: usize| {
        let some: Vec<&&Answered> = inside.iter().filter(|answer| step_of(answer) == number).collect();
        let said: f64 = some.iter().map(|answer| answer.confidence()).sum();
        Step {
            from: number as f64 / STEPS as f64,
            sentences: some.len(),
            said_percent: 100.0 * said / some.len().max(1) as f64,
            right_percent: percent(some.iter().filter(|answer| answer.is_right()).count(), some.len()),
        }
    };
    (0..STEPS).map(step).collect()
}

fn calibration_error(steps: &[Step], all: usize) -> f64 {
    let apart = |step: &Step| step.sentences as f64 * (step.said_percent - step.right_percent).abs();
    steps.iter().map(apart).sum::<f64>() / all.max(1) as f64
}

fn confusions(inside: &[&Answered]) -> Vec<Confusion> {
    let mut pairs: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for answer in inside.iter().filter(|answer| !answer.is_right()) {
        let found = answer.found.ranked.first().map(|best| best.intent.as_str());
        *pairs.entry((answer.sentence.intent.as_deref().unwrap_or_default(), found)).or_default() += 1;
    }
    let confusion = |((meant, found), times): ((&str, Option<&str>), usize)| Confusion {
        meant: meant.to_owned(),
        found: found.map(str::to_owned),
        times,
    };
    let mut confusions: Vec<Confusion> = pairs.into_iter().map(confusion).collect();
    confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.times));
    confusions
}

fn recall(inside: &[&Answered]) -> Vec<Recall> {
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for answer in inside {
        let (right, all) = found.entry(answer.sentence.intent.as_deref().unwrap_or_default()).or_default();
        *right += usize::from(answer.is_right());
        *all += 1;
    }
    let one = |(intent, (right, all)): (&str, (usize, usize))| Recall {
        intent: intent.to_owned(),
        sentences: all,
        percent: percent(right, all),
    };
    let mut recall: Vec<Recall> = found.into_iter().map(one).collect();
    recall.sort_by(|a, b| a.percent.total_cmp(&b.percent));
    recall
}

impl fmt::Display for Assessment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  language  sentences    right  in first two    kept")?;
        let line = |out: &mut fmt::Formatter<'_>, name: &dyn fmt::Display, share: &Share| {
            let Share { sentences, accuracy_percent, first_two_percent, kept_percent } = share;
            writeln!(
                out,
                "  {name:<9} {sentences:>9} {accuracy_percent:>6.1} % {first_two_percent:>11.1} % {kept_percent:>5.1} %"
            )
        };
        line(out, &"all", &self.all)?;
        for (written, share) in &self.by_language {
            line(out, written, share)?;
        }
        if let (Some(caught), Some(auroc)) =
            (self.out_of_scope_caught_percent, self.out_of_scope_auroc_percent)
        {
            let many = self.out_of_scope_sentences;
            writeln!(out, "  out of scope: {caught:.1} % of {many} turned away, AUROC {auroc:.1} %")?;
        }
        writeln!(
            out,
            "  confidence is off by {:.1} points on average (ECE)",
            self.calibration_error_percent
        )?;
        for step in self.reliability.iter().filter(|step| step.sentences > 0) {
            let Step { from, sentences, said_percent, right_percent } = step;
            let bar = "#".repeat((right_percent / 5.0).round() as usize);
            let to = from + 1.0 / STEPS as f64;
            writeln!(
                out,
                "    {from:.1}–{to:.1} {sentences:>6} sentences, said {said_percent:>3.0} %, right {right_percent:>3.0} % {bar}"
            )?;
        }
        write!(out, "  confused, most frequent first:")?;
        for Confusion { meant, found, times } in self.confusions.iter().take(SHOWN) {
            write!(out, "\n    {times:>4} × {meant} taken for {}", found.as_deref().unwrap_or("nothing"))?;
        }
        write!(out, "\n  found of each intent, weakest first:")?;
        for Recall { intent, sentences, percent } in self.recall.iter().take(SHOWN) {
            write!(out, "\n    {percent:>5.1} % of {sentences:>3} {intent}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::classifier::Ranked;

    fn answered(intent: Option<&str>, written: Written, ranked: &[(&str, f32)], outside: f32) -> Answered {
        let ranked = ranked
            .iter()
            .map(|(intent, confidence)| Ranked { intent: (*intent).to_owned(), confidence: *confidence })
            .collect();
        Answered {
            sentence: Labelled { text: "x".to_owned(), intent: intent.map(str::to_owned), written },
            found: Classification { ranked, out_of_scope: outside, in_scope: outside <= 0.5 },
        }
    }

    fn some() -> Vec<Answered> {
        vec![
            answered(Some("a"), Written::Fa, &[("a", 0.95), ("b", 0.05)], 0.1),
            answered(Some("a"), Written::Fa, &[("b", 0.65), ("a", 0.35)], 0.2),
            answered(Some("b"), Written::En, &[("b", 0.85), ("a", 0.15)], 0.6),
            answered(Some("b"), Written::Finglish, &[], 1.0),
            answered(None, Written::En, &[("a", 0.4), ("b", 0.3)], 0.9),
            answered(None, Written::Fa, &[("a", 0.9), ("b", 0.1)], 0.15),
        ]
    }

    #[test]
    fn shares_are_counted_for_all_and_for_each_language_without_the_out_of_scope() {
        let found = Assessment::of(&some());
        let shares = |s: Share| (s.sentences, s.accuracy_percent, s.first_two_percent, s.kept_percent);
        assert_eq!(shares(found.all), (4, 50.0, 75.0, 50.0));
        assert_eq!(shares(found.by_language[&Written::Fa]), (2, 50.0, 100.0, 100.0));
        assert_eq!(shares(found.by_language[&Written::Finglish]), (1, 0.0, 0.0, 0.0));
        assert_eq!((found.out_of_scope_sentences, found.out_of_scope_caught_percent), (2, Some(50.0)));
        assert_eq!(found.out_of_scope_auroc_percent, Some(100.0 * (3.0 + 1.0) / 8.0));
    }

    #[test]
    fn the_calibration_error_is_the_mean_distance_of_what_was_said_from_what_was_so() {
        let found = Assessment::of(&some());
        // 0.95 right (5 off), 0.65 wrong (65), 0.85 right (15), 0 wrong (0).
        assert!((found.calibration_error_percent - 85.0 / 4.0).abs() < 1e-3, "{found:?}");
        assert_eq!(found.reliability.iter().map(|step| step.sentences).sum::<usize>(), 4);
    }

    #[test]
    fn confusions_and_recall_name_the_weak_places_first() {
        let mut answers = some();
        answers.push(answers[1].clone());
        let found = Assessment::of(&answers);
        let first = &found.confusions[0];
        assert_eq!((first.meant.as_str(), first.found.as_deref(), first.times), ("a", Some("b"), 2));
        assert_eq!((found.recall[0].intent.as_str(), found.recall[0].sentences), ("a", 3));
        let text = found.to_string();
        assert!(text.contains("2 × a taken for b") && text.contains("1 × b taken for nothing"), "{text}");
    }

    #[test]
    fn nothing_asked_gives_figures_and_no_fault() {
        let found = Assessment::of(&[]);
        assert_eq!((found.all.sentences, found.out_of_scope_auroc_percent), (0, None));
        assert!(!found.to_string().contains("NaN"));
    }
}
