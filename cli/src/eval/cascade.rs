//! `peyvand eval --embeddings`: the built-in classifier with a server behind it, asked as a worker asks both. It may not pass the
//! built-in classifier's figures off as the server's: what the server did not answer is counted and said.

use std::{collections::BTreeMap, fmt, time::Duration};

use peyvand::{
    config::{BackendConfig, UnderstandingConfig},
    event::Backend,
    language::classifier::{Answered, Assessment, DataSet, Example, Labelled, Model, Written},
    privacy::Sensitive,
};
use peyvand_intent_classifier::understand::{
    Understanding, Understood,
    catalogue::{Catalogue, model_of},
};
use serde::Serialize;

use super::{Arguments, draw, print, read, sentences};
use crate::train;

/// How long one question to a server may take here: the figures are about its answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is said how far the work is.
const PARTS: usize = 20;

/// What is learned and what is asked.
struct Subject {
    catalogue: Catalogue,
    model: Model,
    asked: Vec<Labelled>,
}

/// What became of the messages that were for the server.
#[derive(Default, Serialize)]
struct Tally {
    decided: usize,
    /// By what became of the question.
    unanswered: BTreeMap<&'static str, usize>,
}

/// The figures, as one JSON object.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    assessment: &'a Assessment,
    server: &'a Tally,
}

/// Says on standard error how far the work is: reading in a data set takes minutes.
struct Progress {
    what: &'static str,
    said: usize,
}

/// On a data set or a test set: the right share, in percent.
pub(super) async fn of(url: &str, arguments: &Arguments) -> anyhow::Result<f64> {
    let Subject { catalogue, model, asked } = subject(arguments)?;
    let understanding = Understanding::new(model, &catalogue, &config(url, arguments))?;
    let mut progress = Progress::of("texts of the examples read in");
    understanding.prepare_telling(|done, all| progress.at(done, all)).await?;
    let asked: Vec<Labelled> = asked.into_iter().step_by(arguments.each as usize).collect();
    let (answers, tally) = ask(&understanding, asked).await;
    tally.check()?;
    let assessment = Assessment::of(&answers);
    let share = 100.0 * tally.decided as f64 / answers.len().max(1) as f64;
    let title = format!("{} sentences, {share:.1} % decided with the server; {tally}", answers.len());
    let report = Report { assessment: &assessment, server: &tally };
    print(arguments.json, &report, &format!("{title}\n{assessment}"))?;
    if let Some(folder) = &arguments.plots {
        draw(folder, &assessment)?;
    }
    Ok(assessment.all.accuracy_percent)
}

fn subject(arguments: &Arguments) -> anyhow::Result<Subject> {
    let Some(file) = &arguments.file else {
        anyhow::ensure!(!arguments.test.is_empty(), "--embeddings needs a data set or --test");
        let folder = arguments.assistant.as_deref();
        let assistant = train::assistant(folder)?;
        let model = model_of(&assistant, folder, None)?;
        let asked = sentences(&arguments.test, &model)?;
        return Ok(Subject { catalogue: Catalogue::of(&assistant), model, asked });
    };
    let shots = arguments.shots.map(|shots| shots as usize);
    let DataSet { examples, background, asked } = DataSet::read(&read(file)?, shots)?;
    let sentence = |Example { text, intent }: Example| Labelled {
        written: Written::of_any(&text),
        text,
        intent: Some(intent),
    };
    let catalogue = Catalogue { sentences: examples.into_iter().map(sentence).collect(), background };
    Ok(Subject { model: catalogue.learn()?, catalogue, asked })
}

fn config(url: &str, arguments: &Arguments) -> UnderstandingConfig {
    UnderstandingConfig {
        embeddings: Some(BackendConfig {
            url: url.to_owned(),
            model: arguments.embeddings_model.clone(),
            key: arguments.embeddings_key.clone().map(Sensitive::new),
        }),
        below: arguments.below,
        deadline: PATIENCE,
        cache: arguments.cache.clone(),
        ..UnderstandingConfig::default()
    }
}

async fn ask(understanding: &Understanding, asked: Vec<Labelled>) -> (Vec<Answered>, Tally) {
    let (mut answers, mut tally) = (Vec::with_capacity(asked.len()), Tally::default());
    let mut progress = Progress::of("sentences asked");
    let all = asked.len();
    for sentence in asked {
        let Understood { found, backend, unanswered } = understanding.ask(&sentence.text).await;
        tally.decided += usize::from(backend != Backend::BuiltIn);
        if let Some(outcome) = unanswered {
            *tally.unanswered.entry(outcome.label()).or_default() += 1;
        }
        answers.push(Answered { sentence, found });
        progress.at(answers.len(), all);
    }
    (answers, tally)
}

impl Tally {
    fn unanswered(&self) -> usize {
        self.unanswered.values().sum()
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.decided > 0 || self.unanswered() == 0,
            "{self}, so that there are no figures of it; look at its log, the name of its model and its key"
        );
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unanswered = self.unanswered();
        write!(out, "the server did not answer {unanswered} of {} messages", self.decided + unanswered)?;
        for (at, (outcome, times)) in self.unanswered.iter().enumerate() {
            write!(out, "{}{outcome} {times}", if at == 0 { " (" } else { ", " })?;
        }
        if unanswered > 0 { write!(out, ")") } else { Ok(()) }
    }
}

impl Progress {
    fn of(what: &'static str) -> Self {
        Self { what, said: 0 }
    }

    #[allow(clippy::print_stderr, reason = "standard output is for the figures")]
    fn at(&mut self, done: usize, all: usize) {
        let part = done * PARTS / all.max(1);
        if part > self.said {
            self.said = part;
            eprintln!("{}: {done} of {all}", self.what);
        }
    }
}
