//! What an organisation edits: intents with their examples, replies, targets. Everything is read and checked at once, with file
//! and line for each mistake, so that a wrong assistant never starts talking. It may not ask any system or bus.

mod error;
mod intent;
mod source;
mod target;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::event::Operation;

pub use error::{AssistantError, AssistantErrors, Warning};
pub use intent::{Intent, IntentKind, SlotSpec};
pub use source::Replies;
pub use target::{SalesArea, SystemKind, Target};

use source::Sources;

/// A checked assistant.
#[derive(Debug, Clone)]
pub struct Assistant {
    /// What can be meant.
    pub intents: Vec<Intent>,
    /// The systems that can be asked.
    pub targets: Vec<Target>,
    /// The texts of the replies.
    pub replies: Replies,
    /// Sentences near the business that none of the intents means, so that they are not taken for one.
    pub out_of_scope: Vec<String>,
    /// What works but could be better.
    pub warnings: Vec<Warning>,
}

impl Assistant {
    /// Reads and checks an assistant folder.
    ///
    /// # Errors
    /// [`AssistantErrors`] with every mistake found.
    pub fn load(dir: &Path) -> Result<Self, AssistantErrors> {
        Self::check(&Sources::read(dir)?)
    }

    /// The assistant that is part of the program.
    ///
    /// # Errors
    /// [`AssistantErrors`] when the program was built from a wrong assistant, which its tests rule out.
    pub fn shipped() -> Result<Self, AssistantErrors> {
        Self::check(&Sources::shipped())
    }

    fn check(sources: &Sources) -> Result<Self, AssistantErrors> {
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        let intents = intent::check(&sources.intents, &mut errors, &mut warnings);
        let targets = target::check(&sources.targets, &mut errors);
        let out_of_scope = sources.out_of_scope.as_ref();
        let out_of_scope =
            out_of_scope.map(|source| intent::sentences(source, &mut errors)).unwrap_or_default();
        if errors.is_empty() {
            Ok(Self { intents, targets, replies: sources.replies.clone(), out_of_scope, warnings })
        } else {
            Err(AssistantErrors(errors))
        }
    }

    /// Every example with the intent it belongs to, both languages together.
    pub fn examples(&self) -> Vec<(&str, &str)> {
        let of = |intent: &'_ Intent| intent.fa.len() + intent.en.len();
        let mut examples = Vec::with_capacity(self.intents.iter().map(of).sum());
        for intent in &self.intents {
            examples
                .extend(intent.fa.iter().chain(&intent.en).map(|text| (text.as_str(), intent.name.as_str())));
        }
        examples
    }

    /// The target where an operation is done: the first that can do it.
    pub fn target_of(&self, operation: Operation) -> Option<&Target> {
        self.targets.iter().find(|target| target.system.does(operation))
    }

    /// The operations that the intents lead to and no target can do.
    pub fn undone(&self) -> Vec<Operation> {
        let operations = self.intents.iter().filter_map(|intent| match intent.kind {
            IntentKind::Operation(operation) => Some(operation),
            IntentKind::Answer(_) => None,
        });
        operations.filter(|operation| self.target_of(*operation).is_none()).collect()
    }

    /// An intent by name.
    pub fn intent(&self, name: &str) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.name == name)
    }
}
