//! What may become of a question to a server, and how each is counted. It may not decide anything.

use peyvand::event::Backend;

/// What became of a question to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its answer decided.
    Decided,
    /// The catalogue is not read in yet.
    NotReady,
    /// It failed too often lately and is left alone.
    Open,
    /// Too many questions were under way.
    Busy,
    /// It took longer than the deadline.
    Slow,
    /// There was no connection.
    Unreachable,
    /// It answered with an error.
    Refused,
    /// It does not take this message; another one it may.
    NotTaken,
    /// It said nothing about this message: it would not, called for a tool, or was cut off.
    NoAnswer,
    /// It answered this message otherwise than in the form it was asked for.
    OtherForm,
    /// It named an intent that the assistant does not have.
    UnknownIntent,
    /// Its answer is longer than any to such a question.
    TooLarge,
    /// Its answer is not of its protocol.
    Garbage,
}

impl Outcome {
    /// A bounded label for metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::NotReady => "not_ready",
            Self::Open => "open",
            Self::Busy => "busy",
            Self::Slow => "slow",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::NotTaken => "not_taken",
            Self::NoAnswer => "no_answer",
            Self::OtherForm => "other_form",
            Self::UnknownIntent => "unknown_intent",
            Self::TooLarge => "too_large",
            Self::Garbage => "garbage",
        }
    }

    /// Whether the server may well answer other messages. What a person writes may not close it for everybody, so whatever a
    /// message alone can bring about is no failure of the server.
    pub(super) const fn shows_it_is_there(self) -> bool {
        match self {
            Self::Decided | Self::NotTaken | Self::NoAnswer | Self::OtherForm | Self::UnknownIntent => true,
            // It was not asked.
            Self::NotReady | Self::Open | Self::Busy => false,
            Self::Slow | Self::Unreachable | Self::Refused | Self::TooLarge | Self::Garbage => false,
        }
    }
}

/// A bounded label for metrics.
pub(super) const fn backend_label(backend: Backend) -> &'static str {
    match backend {
        Backend::BuiltIn => "built_in",
        Backend::Embeddings => "embeddings",
        Backend::Chat => "chat",
    }
}

pub(super) fn count(backend: &'static str, outcome: Outcome) {
    metrics::counter!("peyvand_understanding_total", "backend" => backend, "outcome" => outcome.label())
        .increment(1);
}
