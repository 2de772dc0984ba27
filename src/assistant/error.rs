//! Mistakes in an assistant folder, each with the place where it can be mended.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssistantError {
    /// The file inside the assistant folder.
    pub file: String,
    /// The line, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl AssistantError {
    pub(super) fn new(file: &str, line: Option<usize>, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, problem: problem.into() }
    }
}

impl fmt::Display for AssistantError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.file, self.problem),
            None => write!(out, "{}: {}", self.file, self.problem),
        }
    }
}

/// All mistakes of an assistant folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the assistant has {} mistakes:\n{}", .0.len(), lines(.0))]
pub struct AssistantErrors(pub Vec<AssistantError>);

impl AssistantErrors {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        "wrong_assistant"
    }
}

fn lines(errors: &[AssistantError]) -> String {
    errors.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")
}

/// Something that works but could be better.
pub type Warning = AssistantError;
