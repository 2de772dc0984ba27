//! `peyvand calibrate`: confidence and out-of-scope border from labelled sentences of real people.

use std::path::PathBuf;

use peyvand::language::classifier::{Assessment, calibrate};
use peyvand_intent_classifier::understand::catalogue::Catalogue;

use crate::{eval, train};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Labelled sentences, a YAML list of { intent, language, text }; the intent out_of_scope is none.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    test: Vec<PathBuf>,
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// Which share of the sentences with an intent may at least not be turned away, in percent; those of which the model knows
    /// nothing do not count, as no border lets them in.
    #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    keep: u8,
    /// Where to write the calibration; a worker reads it as calibration.yaml from the assistant folder.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[allow(clippy::print_stdout, reason = "the figures are the output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let assistant = train::assistant(arguments.assistant.as_deref())?;
    let model = Catalogue::of(&assistant).learn()?;
    let sentences = eval::sentences(&arguments.test, &model)?;
    let found = calibrate(&model, &sentences, f32::from(arguments.keep) / 100.0)?;
    println!("temperature {:.2}, border moved by {:+.2}", found.temperature, found.border);
    println!("        off on average   kept in scope   out of scope caught");
    let before = eval::ask(&model, sentences.clone());
    let unknown = before.iter().filter(|answer| answer.found.ranked.is_empty()).count();
    let before = Assessment::of(&before);
    let after = Assessment::of(&eval::ask(&model.calibrated(&found)?, sentences));
    for (name, figures) in [("before", before), ("after", after)] {
        println!(
            "{name:<7} {:>7.1} points {:>13.1} % {:>19.1} %",
            figures.calibration_error_percent,
            figures.all.kept_percent,
            figures.out_of_scope_caught_percent.unwrap_or_default()
        );
    }
    println!("Both are figures of the same sentences; on others the second line is a little worse.");
    if unknown > 0 {
        println!(
            "Of {unknown} sentences the model knows no part; they are turned away wherever the border lies."
        );
    }
    if let Some(out) = &arguments.out {
        train::write_whole(out, found.to_string().as_bytes())?;
        println!("written to {}", out.display());
    }
    Ok(())
}
