//! `peyvand eval`: how good the classifier is, on a public data set, on the assistant's own examples by turns, or on
//! labelled sentences.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use peyvand::{
    config::{BackendConfig, UnderstandingConfig},
    event::Backend,
    language::{
        classifier::{
            Answered, Assessment, DataSet, Example, Labelled, Model, TrainOptions, Written, check_intents,
            confusions_svg, cross_validate, evaluate, labelled, recall_svg, reliability_svg,
        },
        normal::normalise,
    },
    privacy::Sensitive,
};
use peyvand_intent_classifier::understand::{
    Understanding,
    catalogue::{Catalogue, model_of},
};

use crate::train;

/// Largest data set and test set that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How long one question to a server may take here: the figures are about its answers.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A data set in the JSON format of CLINC150; without it, the assistant is evaluated.
    #[arg(conflicts_with_all = ["assistant", "test"])]
    file: Option<PathBuf>,
    /// Only so many examples of each intent of the data set.
    #[arg(long, requires = "file", value_parser = clap::value_parser!(u32).range(1..))]
    shots: Option<u32>,
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// Labelled sentences to ask, a YAML list of { intent, language, text }; without them, the assistant's own by turns.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    test: Vec<PathBuf>,
    /// Into how many parts the assistant's examples are cut, each asked of a model that learned the others.
    #[arg(long, default_value_t = 5, conflicts_with = "test", value_parser = clap::value_parser!(u8).range(2..=20))]
    folds: u8,
    /// Where the fixed shuffle begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draws the reliability curve, the recall and the confusions into this folder, as SVG.
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    plots: Option<PathBuf>,
    /// Fails when less than this share is right, in percent.
    #[arg(long, value_name = "PERCENT")]
    at_least: Option<f64>,
    /// A server of embeddings to ask about what the built-in classifier is not sure of, what stands before /v1.
    #[arg(long, value_name = "URL")]
    embeddings: Option<String>,
    /// The model that server is to use.
    #[arg(long, value_name = "NAME", requires = "embeddings", default_value = "default")]
    embeddings_model: String,
    /// What that server lets us in with.
    #[arg(long, env = "PEYVAND_UNDERSTANDING_EMBEDDINGS_KEY", hide_env_values = true)]
    embeddings_key: Option<String>,
    /// The folder that keeps that server's vectors of the examples.
    #[arg(long, value_name = "FOLDER", requires = "embeddings")]
    cache: Option<PathBuf>,
    /// The confidence below which that server is asked.
    #[arg(long, requires = "embeddings", default_value_t = UnderstandingConfig::default().below)]
    below: f32,
    /// Asks only every so many-th sentence.
    #[arg(long, requires = "embeddings", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    each: u32,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let accuracy = match (&arguments.embeddings, &arguments.file) {
        (Some(url), _) => of_cascade(url, arguments).await?,
        (None, Some(file)) => of_file(file, arguments)?,
        (None, None) => of_assistant(arguments)?,
    };
    if let Some(least) = arguments.at_least {
        anyhow::ensure!(
            accuracy >= least,
            "{accuracy:.2} % are right, and at least {least} % were asked for"
        );
    }
    Ok(())
}

/// A public data set: the right share, in percent.
fn of_file(file: &Path, arguments: &Arguments) -> anyhow::Result<f64> {
    let json = read(file)?;
    let began = Instant::now();
    let clock = || -> Duration { began.elapsed() };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let report = evaluate(&name, &json, arguments.shots.map(|shots| shots as usize), &clock)?;
    print(arguments.json, &report, &report.to_string())?;
    Ok(report.accuracy_percent)
}

/// The assistant itself: the right share, in percent.
fn of_assistant(arguments: &Arguments) -> anyhow::Result<f64> {
    let folder = arguments.assistant.as_deref();
    let assistant = train::assistant(folder)?;
    let (title, answers) = if arguments.test.is_empty() {
        let catalogue = Catalogue::of(&assistant);
        let folds = usize::from(arguments.folds);
        let options = TrainOptions { seed: arguments.seed, ..TrainOptions::default() };
        let answers = cross_validate(&catalogue.sentences, &catalogue.background, folds, &options)?;
        (format!("the assistant's own examples, {folds} parts in turn:"), answers)
    } else {
        let model = model_of(&assistant, folder, None)?;
        let sentences = sentences(&arguments.test, &model)?;
        (format!("{} labelled sentences:", sentences.len()), ask(&model, sentences))
    };
    let assessment = Assessment::of(&answers);
    print(arguments.json, &assessment, &format!("{title}\n{assessment}"))?;
    if let Some(folder) = &arguments.plots {
        draw(folder, &assessment)?;
    }
    Ok(assessment.all.accuracy_percent)
}

/// The built-in classifier and a server behind it, on a data set or a test set: the right share, in percent.
async fn of_cascade(url: &str, arguments: &Arguments) -> anyhow::Result<f64> {
    let (catalogue, asked) = match &arguments.file {
        Some(file) => {
            let shots = arguments.shots.map(|shots| shots as usize);
            let DataSet { examples, background, asked } = DataSet::read(&read(file)?, shots)?;
            let sentence = |Example { text, intent }: Example| Labelled {
                written: Written::of_any(&text),
                text,
                intent: Some(intent),
            };
            (Catalogue { sentences: examples.into_iter().map(sentence).collect(), background }, asked)
        }
        None => {
            anyhow::ensure!(!arguments.test.is_empty(), "--embeddings needs a data set or --test");
            let assistant = train::assistant(arguments.assistant.as_deref())?;
            (Catalogue::of(&assistant), Vec::new())
        }
    };
    let model = catalogue.learn()?;
    let asked = if asked.is_empty() { sentences(&arguments.test, &model)? } else { asked };
    let config = UnderstandingConfig {
        embeddings: Some(BackendConfig {
            url: url.to_owned(),
            model: arguments.embeddings_model.clone(),
            key: arguments.embeddings_key.clone().map(Sensitive::new),
        }),
        below: arguments.below,
        deadline: PATIENCE,
        cache: arguments.cache.clone(),
        ..UnderstandingConfig::default()
    };
    let understanding = Understanding::new(model, &catalogue, &config)?;
    understanding.prepare().await?;
    let (mut answers, mut sent_on) = (Vec::new(), 0_usize);
    for sentence in asked.into_iter().step_by(arguments.each as usize) {
        let (found, backend) = understanding.ask(&sentence.text).await;
        sent_on += usize::from(backend != Backend::BuiltIn);
        answers.push(Answered { sentence, found });
    }
    let assessment = Assessment::of(&answers);
    let share = 100.0 * sent_on as f64 / answers.len().max(1) as f64;
    let title = format!("{} sentences, {share:.1} % decided with the server:", answers.len());
    print(arguments.json, &assessment, &format!("{title}\n{assessment}"))?;
    Ok(assessment.all.accuracy_percent)
}

/// What a model says of labelled sentences.
pub(crate) fn ask(model: &Model, sentences: Vec<Labelled>) -> Vec<Answered> {
    let answered =
        |sentence: Labelled| Answered { found: model.classify(&normalise(&sentence.text)), sentence };
    sentences.into_iter().map(answered).collect()
}

/// The labelled sentences of test sets, all of intents the model knows.
pub(crate) fn sentences(files: &[PathBuf], model: &Model) -> anyhow::Result<Vec<Labelled>> {
    let mut all = Vec::new();
    for file in files {
        let text = String::from_utf8(read(file)?)
            .with_context(|| format!("{} is not UTF-8 text", file.display()))?;
        let some = labelled(&text).with_context(|| file.display().to_string())?;
        check_intents(&some, model.intents()).with_context(|| file.display().to_string())?;
        all.extend(some);
    }
    anyhow::ensure!(!all.is_empty(), "the test sets have no sentence");
    Ok(all)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}; check its path and permissions", file.display());
    let size = std::fs::metadata(file).with_context(cannot)?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{} is over {FILE_BYTES_MAX} bytes", file.display());
    std::fs::read(file).with_context(cannot)
}

fn draw(folder: &Path, assessment: &Assessment) -> anyhow::Result<()> {
    let cannot = || format!("cannot make the folder {}", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    for (name, svg) in [
        ("reliability.svg", reliability_svg(assessment)),
        ("recall.svg", recall_svg(assessment)),
        ("confusions.svg", confusions_svg(assessment)),
    ] {
        train::write_whole(&folder.join(name), svg.as_bytes())?;
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the figures are the output")]
fn print(json: bool, report: &impl serde::Serialize, text: &str) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
    } else {
        println!("{text}");
    }
    Ok(())
}
