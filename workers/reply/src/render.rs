//! Words for what was decided and found, from the Fluent texts of the assistant. Values enter as finished text in the digits
//! and calendar of the language, cleaned of everything that could turn or break the sentence. It may not ask or decide.

mod answer;
mod buttons;
mod messages;
mod operation;
mod question;
#[cfg(test)]
mod tests;
mod words;

use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use peyvand::assistant::Replies;
use peyvand::codec::Committed;
use peyvand::event::{Button, Decision, OperationUpdated, Prompt, Stage, TurnDecided};
use peyvand::language::script::Language;

use question::Question;
use words::Words;

const EXAMPLE_ORDER: &str = "45001";
const EXAMPLE_PRODUCT: &str = "CEM-042";

/// Replies that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// The texts of a language are wrong.
    #[error("replies/{language}.ftl has mistakes: {}", problems.join("; "))]
    Wrong {
        /// Whose texts.
        language: Language,
        /// What is wrong, each with its place.
        problems: Vec<String>,
    },
}

impl RenderError {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wrong { .. } => "wrong_replies",
        }
    }
}

/// Makes the words.
pub struct Renderer {
    fa: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Renderer")
    }
}

/// What a person is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// The words; they name every choice that a button offers.
    pub text: String,
    /// Answers that the channel may offer.
    pub buttons: Vec<Button>,
}

impl std::fmt::Debug for Said {
    /// Without the words: they say back what a person wrote.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Said(with {} buttons)", self.buttons.len())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, buttons: Vec::new() }
    }
}

impl Said {
    /// This, and then the question that was open before: what answers the question stands first among the buttons.
    fn and_again(self, say: &Words<'_>, open: Option<&Prompt>) -> Self {
        let Some(question) = open.and_then(|prompt| question::resumed(say, prompt)) else { return self };
        let text = format!("{}\n\n{}", self.text, question.text);
        let buttons = question.buttons.into_iter().chain(self.buttons).take(buttons::BUTTONS_MAX).collect();
        Self { text, buttons }
    }
}

impl Renderer {
    /// A renderer of these texts.
    ///
    /// # Errors
    /// [`RenderError`] when a text does not parse, or a message that is needed is missing.
    pub fn new(replies: &Replies) -> Result<Self, RenderError> {
        let bundle = words::bundle;
        Ok(Self { fa: bundle(Language::Fa, &replies.fa)?, en: bundle(Language::En, &replies.en)? })
    }

    /// The words for a decision; `None` when the words come only with the operation's result.
    pub fn turn(&self, turn: &TurnDecided) -> Option<Said> {
        let say = self.words(turn.language, turn.stage);
        let said = match turn.decision {
            Decision::Execute => return None,
            Decision::Confirm => question::confirm(&say, &Question::from(turn)),
            Decision::Ask => question::ask(&say, &Question::from(turn)),
            Decision::Answer => answer::answer(&say, turn),
            Decision::OutOfScope => answer::out_of_scope(&say),
            Decision::Clarify => answer::clarify(&say, turn),
        };
        Some(said.and_again(&say, turn.resumed.as_ref()))
    }

    /// The words for a step of an operation.
    ///
    /// "Done" can only be said from a fact that was read from the log, and so was committed before:
    ///
    /// ```compile_fail,E0308
    /// # use peyvand::event::OperationUpdated;
    /// # use peyvand_reply::render::{Renderer, Said};
    /// fn promise(renderer: &Renderer, hoped_for: &OperationUpdated) -> Said {
    ///     renderer.operation(hoped_for)
    /// }
    /// ```
    pub fn operation(&self, update: &Committed<OperationUpdated>) -> Said {
        let say = self.words(update.language, update.stage);
        operation::words(&say, update).and_again(&say, update.resumed.as_ref())
    }

    fn words(&self, language: Language, stage: Stage) -> Words<'_> {
        let bundle = match language {
            Language::Fa => &self.fa,
            Language::En => &self.en,
        };
        Words { bundle, language, stage }
    }
}
