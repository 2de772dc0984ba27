//! Why a record could not be worked on, in bounded words, and who is to blame. It holds nothing of the record's.

use std::time::Duration;

use crate::codec::CodecError;

/// Why a record could not be worked on.
pub(super) enum Reason {
    /// It is not an event of this worker's.
    Codec(CodecError),
    /// Its id belongs to another event.
    Conflict,
    /// Its handler has no outcome.
    Handler { how: Failure, said: Option<&'static str> },
    /// Its handler had no outcome within this time.
    TooLong(Duration),
    /// What follows from it cannot be written as an event.
    Unwritable(CodecError),
    /// What is remembered of its conversation cannot be read or written.
    State,
    /// The database will never take its step.
    Refused {
        /// The database's own code.
        code: String,
    },
    /// It ended the process again and again.
    CrashLoop,
}

/// How a handler comes to no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It could not work just now, in any of its tries.
    Exhausted,
    /// It says that it never will.
    Permanent,
    /// It panicked twice.
    Panic,
}

impl Failure {
    const fn class(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Permanent => "permanent",
            Self::Panic => "panic",
        }
    }
}

impl Reason {
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Codec(error) => error.kind(),
            Self::Conflict => "event_id_conflict",
            Self::Handler { how, .. } => how.class(),
            Self::TooLong(_) => "too_long",
            Self::Unwritable(_) => "unwritable",
            Self::State => "state_unreadable",
            Self::Refused { .. } => "refused_by_database",
            Self::CrashLoop => "crash_loop",
        }
    }

    /// Whether we are to blame and not whoever published the record.
    pub(super) fn is_ours(&self) -> bool {
        match self {
            // Whoever sends too much makes too much follow.
            Self::Codec(_) | Self::Conflict | Self::Unwritable(CodecError::TooLarge) => false,
            Self::Handler { .. }
            | Self::TooLong(_)
            | Self::Unwritable(_)
            | Self::State
            | Self::Refused { .. }
            | Self::CrashLoop => true,
        }
    }

    /// What is said about it: words of our own code, which hold nothing of the record's.
    pub(super) fn said(&self) -> Option<String> {
        match self {
            Self::Codec(error) | Self::Unwritable(error) => Some(error.to_string()),
            Self::Handler { said, .. } => said.map(ToOwned::to_owned),
            Self::TooLong(longest) => Some(format!("it took longer than {longest:?}")),
            Self::Conflict | Self::State | Self::Refused { .. } | Self::CrashLoop => None,
        }
    }
}
