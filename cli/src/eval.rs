//! `peyvand eval`: how good the classifier is, on a public data set, on the assistant's own examples by turns, or on
//! labelled sentences.

mod cascade;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use peyvand::{
    config::UnderstandingConfig,
    language::{
        classifier::{
            Answered, Assessment, Labelled, Model, TrainOptions, check_intents, confusions_svg,
            cross_validate, evaluate, labelled, recall_svg, reliability_svg,
        },
        normal::normalise,
    },
};
use peyvand_intent_classifier::understand::catalogue::{Catalogue, model_of};

use crate::train;

/// Largest data set and test set that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

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
    #[arg(long, default_value_t = 5, conflicts_with_all = ["file", "test", "embeddings"], value_parser = clap::value_parser!(u8).range(2..=20))]
    folds: u8,
    /// Where the fixed shuffle of those parts begins.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["file", "test", "embeddings"])]
    seed: u64,
    /// Draws the reliability curve, the recall and the confusions into this folder, as SVG; not for a data set without a
    /// server.
    #[arg(long, value_name = "FOLDER")]
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
        (Some(url), _) => cascade::of(url, arguments).await?,
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
    anyhow::ensure!(
        arguments.plots.is_none(),
        "--plots draws nothing for a data set without --embeddings; leave it out"
    );
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
