//! One language's Fluent texts: checked once, then said with values that are cleaned and isolated. It knows no event.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use peyvand::event::Stage;
use peyvand::language::bidi::clean;
use peyvand::language::script::Language;
use peyvand::language::slots::DESCRIPTION_CHARS_MAX;
use unic_langid::LanguageIdentifier;

use super::RenderError;
use super::messages::MESSAGES;

/// Longest value put into a sentence, in characters.
const VALUE_CHARS_MAX: usize = 80;
/// The value that is a number and chooses the plural; it is not shown.
const NUMBER: &str = "n";
/// The value that every message has: the tone.
const STAGE: &str = "stage";
const STAGES: [Stage; 4] = [Stage::Lead, Stage::Prospect, Stage::Customer, Stage::AtRisk];

/// The texts of a language, when every message can be said.
pub(super) fn bundle(language: Language, text: &str) -> Result<FluentBundle<FluentResource>, RenderError> {
    let wrong = |problems| RenderError::Wrong { language, problems };
    let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| {
        wrong(errors.iter().map(|e| place(text, e.pos.start, &e.kind.to_string())).collect())
    })?;
    let id: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(true);
    bundle
        .add_resource(resource)
        .map_err(|errors| wrong(errors.iter().map(|error| format!("{error}")).collect()))?;
    let missing: Vec<String> =
        MESSAGES.iter().filter_map(|(id, values)| unusable(&bundle, id, values)).collect();
    if missing.is_empty() { Ok(bundle) } else { Err(wrong(missing)) }
}

fn place(text: &str, at: usize, problem: &str) -> String {
    let line = text.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
    format!("line {line}: {problem}")
}

/// Why a message cannot be said: it is missing, or in some tone or number it wants values nobody gives it.
fn unusable(bundle: &FluentBundle<FluentResource>, id: &str, values: &[&str]) -> Option<String> {
    let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
        return Some(format!("the message {id} is missing"));
    };
    let mut errors = Vec::new();
    for stage in STAGES {
        for number in ["1", "2"] {
            let mut args = FluentArgs::new();
            args.set(STAGE, stage_name(stage));
            for value in values {
                args.set(*value, if *value == NUMBER { FluentValue::try_number(number) } else { "x".into() });
            }
            let _text = bundle.format_pattern(pattern, Some(&args), &mut errors);
        }
    }
    errors.first().map(|error| format!("the message {id} cannot be said ({error})"))
}

const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Lead => "lead",
        Stage::Prospect => "prospect",
        Stage::Customer => "customer",
        Stage::AtRisk => "at_risk",
    }
}

/// One language's words, in one tone.
pub(super) struct Words<'a> {
    pub(super) bundle: &'a FluentBundle<FluentResource>,
    pub(super) language: Language,
    pub(super) stage: Stage,
}

impl Words<'_> {
    /// The message without a value.
    pub(super) fn text(&self, id: &str) -> String {
        self.with(id, &[])
    }

    /// The message with its values, each cleaned and isolated.
    pub(super) fn with(&self, id: &str, values: &[(&'static str, &str)]) -> String {
        self.maybe(id, values).unwrap_or_default()
    }

    /// The message with values as long as a person may write them, because what is said back is what is done.
    pub(super) fn whole(&self, id: &str, values: &[(&'static str, &str)]) -> String {
        self.cut(id, values, DESCRIPTION_CHARS_MAX).unwrap_or_default()
    }

    /// The message when there is one: units, plants and intents have one each as far as they are known.
    pub(super) fn maybe(&self, id: &str, values: &[(&'static str, &str)]) -> Option<String> {
        self.cut(id, values, VALUE_CHARS_MAX)
    }

    fn cut(&self, id: &str, values: &[(&'static str, &str)], chars_max: usize) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut args = FluentArgs::new();
        args.set(STAGE, stage_name(self.stage));
        for (name, value) in values {
            let value = match *name {
                NUMBER => FluentValue::try_number(value),
                _ => clean(value, chars_max).into(),
            };
            args.set(*name, value);
        }
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    }
}
