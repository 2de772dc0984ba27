//! `peyvand train`: an assistant's model as a file, so that workers start without training.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use peyvand::{
    assistant::Assistant,
    language::classifier::{Labelled, Written},
};
use peyvand_intent_classifier::understand::catalogue::{Catalogue, calibration, calibration_in};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// Where to write the model; without it, nothing is written.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A calibration that `peyvand calibrate` wrote; without it, calibration.yaml of the assistant folder, where there is one.
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
}

#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.assistant.as_deref();
    let assistant = assistant(folder)?;
    let catalogue = Catalogue::of(&assistant);
    let began = Instant::now();
    let mut model = catalogue.learn()?;
    let took = began.elapsed();
    let calibration = match &arguments.calibration {
        Some(file) => Some(calibration(file)?),
        None => folder.map(calibration_in).transpose()?.flatten(),
    };
    if let Some(calibration) = &calibration {
        model = model.calibrated(calibration).context("the calibration does not fit")?;
    }
    let bytes = model.to_bytes();
    println!("intents      {}", model.intents().len());
    println!(
        "examples     {} ({}), {} sentences that are none",
        catalogue.sentences.len(),
        by_language(&catalogue.sentences),
        catalogue.background.len()
    );
    println!("features     {}", model.features());
    println!("model        {:.2} MB, eight bits a weight", bytes.len() as f64 / 1e6);
    println!("catalogue    {}", model.catalogue_hash());
    println!(
        "calibration  {}",
        if calibration.is_some() { "from sentences people wrote" } else { "from the examples" }
    );
    println!("time         {:.2} s", took.as_secs_f64());
    if let Some(out) = &arguments.out {
        write_whole(out, &bytes)?;
        println!("written to   {}", out.display());
    }
    for warning in &assistant.warnings {
        println!("note         {warning}");
    }
    Ok(())
}

/// The assistant of a folder, or the shipped one.
pub(crate) fn assistant(folder: Option<&Path>) -> anyhow::Result<Assistant> {
    Ok(folder.map_or_else(Assistant::shipped, Assistant::load)?)
}

/// A reader never sees half of a file, and a worker that reads the old one goes on with it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}; check its folder and permissions", path.display());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes).with_context(cannot)?;
    std::fs::rename(&beside, path).with_context(cannot)
}

fn by_language(sentences: &[Labelled]) -> String {
    let of = |written| sentences.iter().filter(|s| s.written == written).count();
    let all = [Written::Fa, Written::En, Written::Finglish];
    all.map(|written| format!("{written} {}", of(written))).join(", ")
}
