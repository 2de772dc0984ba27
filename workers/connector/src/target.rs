//! How a system of record is reached and how it can fail, the same words for every vendor. This module may not know a
//! vendor's protocol, and its errors hold nothing a person wrote and nothing a system answered.

use std::time::Duration;

pub use peyvand::assistant::SalesArea;
use peyvand::event::FailureKind;
use peyvand::privacy::Sensitive;
use thiserror::Error;

const DEADLINE: Duration = Duration::from_secs(5);
const IN_FLIGHT_MAX: usize = 32;
const VISIBLE_WITHIN: Duration = Duration::from_secs(5);
const OUTBOX_MAX: u64 = 50_000;
const WORKS_FOR: Duration = Duration::from_secs(600);

/// One configured system.
#[derive(Clone, Debug)]
pub struct TargetConfig {
    /// Its name in the assistant folder, for errors and logs.
    pub name: String,
    /// Where it lies, such as `https://s4.example.com`. A query (`?sap-client=100`) goes with every request.
    pub base_url: String,
    /// The communication user.
    pub user: String,
    /// That user's password.
    pub password: Sensitive<String>,
    /// How long one operation may take in all: waiting for a place, every request, the repeat.
    pub deadline: Duration,
    /// How many operations may be under way at once, so that a slow system holds a bounded number of conversations.
    pub in_flight_max: usize,
    /// How long something that was written may stay unseen by a search.
    pub visible_within: Duration,
    /// How long the system may still work on a request that nobody waits for any more.
    pub works_for: Duration,
    /// Where sales orders are made; without it none can be.
    pub sales_area: Option<SalesArea>,
    /// The field of Salesforce's records that holds our key.
    pub key_field: String,
    /// Whether a webhook carries a repeat under the same key out once.
    pub keeps_key: bool,
    /// With more writes waiting than this, no more are taken.
    pub outbox_max: u64,
}

impl TargetConfig {
    /// A system with the usual limits: five seconds an operation, 32 operations at once.
    pub fn new(
        name: impl Into<String>,
        base_url: impl Into<String>,
        user: impl Into<String>,
        password: Sensitive<String>,
    ) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            user: user.into(),
            password,
            deadline: DEADLINE,
            in_flight_max: IN_FLIGHT_MAX,
            visible_within: VISIBLE_WITHIN,
            works_for: WORKS_FOR,
            sales_area: None,
            key_field: "Peyvand_Key__c".to_owned(),
            keeps_key: false,
            outbox_max: OUTBOX_MAX,
        }
    }
}

/// Why a system could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// It cannot be reached, breaks off, or says that it is down.
    #[error(
        "the system {target} does not answer; check that it runs and that its address can be reached from here"
    )]
    Unavailable {
        /// The system's name.
        target: String,
    },
    /// The deadline passed.
    #[error("the system {target} did not answer in time; look at its load, or give it a longer deadline")]
    Slow {
        /// The system's name.
        target: String,
    },
    /// It asks for a pause, or as many operations as allowed are under way.
    #[error("the system {target} has no room for more requests now; ask again later, or raise its limits")]
    Busy {
        /// The system's name.
        target: String,
        /// The pause it asked for.
        retry_after: Option<Duration>,
    },
    /// It does not accept us, or what lies at the address is not it.
    #[error(
        "the system {target} does not accept us; check its address, the user, the password and the user's rights"
    )]
    Misconfigured {
        /// The system's name.
        target: String,
    },
    /// Its answer is not what its protocol promises.
    #[error(
        "the answer of the system {target} cannot be understood; check its address and the version of its services"
    )]
    Unreadable {
        /// The system's name.
        target: String,
    },
}

impl TargetError {
    /// A stable word for logs, metrics and tests.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Slow { .. } => "slow",
            Self::Busy { .. } => "busy",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Whether the system was there: only errors of reach say that it is away, and a refusal of our credentials does too, for
    /// a while.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Slow { .. } | Self::Misconfigured { .. } => false,
            Self::Busy { .. } | Self::Unreadable { .. } => true,
        }
    }

    /// What the person is told.
    pub fn failure(&self) -> FailureKind {
        match self {
            Self::Unavailable { .. } => FailureKind::Unavailable,
            Self::Slow { .. } => FailureKind::Slow,
            Self::Busy { .. } => FailureKind::Busy,
            Self::Misconfigured { .. } => FailureKind::Misconfigured,
            Self::Unreadable { .. } => FailureKind::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_names_the_system_and_what_to_do() {
        let target = || "erp".to_owned();
        for error in [
            TargetError::Unavailable { target: target() },
            TargetError::Slow { target: target() },
            TargetError::Busy { target: target(), retry_after: None },
            TargetError::Misconfigured { target: target() },
            TargetError::Unreadable { target: target() },
        ] {
            let text = error.to_string();
            assert!(text.contains("the system erp") && text.contains("; "), "{text}");
            let kind = serde_json::to_value(error.failure()).unwrap();
            assert_eq!(kind, error.kind());
        }
    }

    #[test]
    fn a_printed_configuration_hides_the_password() {
        let config = TargetConfig::new("erp", "http://h", "U", Sensitive::new("geheim".to_owned()));
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
