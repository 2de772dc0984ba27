//! Which of the systems a request is for. The path alone says it; what a system speaks is its own business.

use crate::{hook, salesforce};

/// The systems the stand-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Sap,
    Salesforce,
    Hook,
}

impl System {
    /// The system a path belongs to.
    pub(crate) fn of(path: &str) -> System {
        if path.starts_with(salesforce::ROOT) {
            System::Salesforce
        } else if path.starts_with(hook::ROOT) {
            System::Hook
        } else {
            System::Sap
        }
    }

    /// Its name in the journal.
    pub(crate) fn name(self) -> &'static str {
        match self {
            System::Sap => "sap",
            System::Salesforce => "salesforce",
            System::Hook => "hook",
        }
    }
}
