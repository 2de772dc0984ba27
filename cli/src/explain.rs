//! `peyvand explain`: why a sentence is taken for what it is taken for, in plain words of its own language.

use std::path::PathBuf;

use peyvand::language::{
    classifier::{Explanation, Spoke, Trait},
    normal::normalise,
    script::{Language, detect},
};
use peyvand_intent_classifier::understand::catalogue::model_of;

use crate::train;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The sentence.
    text: String,
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// How many traits of the sentence to show for each side.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..))]
    most: u8,
    /// In which language to explain, fa or en; without it, in that of the sentence.
    #[arg(long)]
    language: Option<Language>,
}

#[allow(clippy::print_stdout, reason = "the explanation is the output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.assistant.as_deref();
    let model = model_of(&train::assistant(folder)?, folder, None)?;
    let explanation = model.explain(&normalise(&arguments.text));
    let language = arguments.language.or(detect(&arguments.text)).unwrap_or_default();
    println!("{}", in_words(&explanation, language, usize::from(arguments.most)));
    Ok(())
}

/// A text in one of the two languages.
type Say = fn(&'static str, &'static str) -> &'static str;

fn in_words(explanation: &Explanation, language: Language, most: usize) -> String {
    let say: Say = match language {
        Language::Fa => |fa, _| fa,
        Language::En => |_, en| en,
    };
    let mut lines = Vec::new();
    let found = &explanation.found;
    for (rank, one) in found.ranked.iter().enumerate() {
        lines.push(format!("{}. {:<24} {:>5.1} %", rank + 1, one.intent, 100.0 * one.confidence));
    }
    if found.ranked.is_empty() {
        lines.push(say("هیچ کلمه‌ای از این جمله آشنا نیست.", "Nothing in this sentence is known.").to_owned());
    }
    let verdict = if found.in_scope {
        say("در محدوده است", "taken as in scope")
    } else {
        say("خارج از محدوده گرفته می‌شود", "turned away as out of scope")
    };
    let out_of_scope = say("خارج از محدوده", "out of scope");
    lines.push(format!("{out_of_scope}: {:.1} %{} {verdict}", 100.0 * found.out_of_scope, say("،", ",")));
    if let [first, rest @ ..] = found.ranked.as_slice() {
        let second = rest.first().map_or("", |second| second.intent.as_str());
        let (pro, contra): (Vec<&Spoke>, Vec<&Spoke>) =
            explanation.spoke.iter().filter(|spoke| spoke.weight != 0.0).partition(|s| s.weight > 0.0);
        lines.push(format!("\n{} {}:", say("به سود", "For"), first.intent));
        lines.extend(pro.into_iter().take(most).map(|spoke| line(spoke, say)));
        if !contra.is_empty() {
            lines.push(format!("{} {second}:", say("به سود", "For")));
            lines.extend(contra.into_iter().take(most).map(|spoke| line(spoke, say)));
        }
    }
    if !explanation.unknown_words.is_empty() {
        let unknown = explanation.unknown_words.join(say("، ", ", "));
        lines.push(format!("{} {unknown}", say("در هیچ مثالی نیست:", "In no example:")));
    }
    lines.join("\n")
}

fn line(spoke: &Spoke, say: Say) -> String {
    let kind = match spoke.kind {
        Trait::Word => say("کلمهٔ", "the word"),
        Trait::Pair => say("دو کلمهٔ پشت سر هم", "the two words"),
        Trait::Letters => say("حروف", "the letters"),
        Trait::Sounds => say("صامت‌های کلمهٔ", "the consonants of the word"),
        Trait::SoundPair => say("صامت‌های دو کلمهٔ", "the consonants of the two words"),
        Trait::SoundLetters => say("صامت‌های", "the consonants"),
    };
    format!("  {:>5.2}  {kind} «{}»", spoke.weight.abs(), spoke.text)
}
