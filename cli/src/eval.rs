//! `peyvand eval`: how good the classifier is on a file.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use peyvand::language::classifier::evaluate;

/// Largest data set that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The data set, in the JSON format of CLINC150.
    file: PathBuf,
    /// Only so many examples of each intent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    shots: Option<u32>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    let cannot = || format!("cannot read {}; check its path and permissions", file.display());
    let size = std::fs::metadata(file).with_context(cannot)?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{} is over {FILE_BYTES_MAX} bytes", file.display());
    let json = std::fs::read(file).with_context(cannot)?;
    let began = Instant::now();
    let clock = || -> Duration { began.elapsed() };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let report = evaluate(&name, &json, arguments.shots.map(|shots| shots as usize), &clock)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
