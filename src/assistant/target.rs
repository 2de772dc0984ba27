//! Targets: the systems of record that can be asked, and how hard they may be.

use serde::Deserialize;

use super::error::AssistantError;
use super::source::Source;
use crate::event::Operation;

/// One configured system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What speaks there.
    pub system: SystemKind,
    /// Its address, or `sandbox` for the sandbox that runs beside Peyvand.
    pub base_url: String,
    /// Who logs on: SAP's communication user, Salesforce's consumer key. A webhook has none.
    #[serde(default)]
    pub user: String,
    /// The name of the secret that holds the password: of the user, the consumer secret, the webhook's token.
    pub password_secret: String,
    /// How long one question may take, in milliseconds.
    pub deadline_ms: u64,
    /// How many questions may be open at once.
    pub in_flight_max: usize,
    /// How long something that was written may stay unseen by a search, in milliseconds.
    #[serde(default = "five_seconds")]
    pub visible_within_ms: u64,
    /// How long the system may still work on a request that nobody waits for any more, in milliseconds: the longest time it
    /// lets a request run. A write that was lost is sent again only when it is not there after this time.
    #[serde(default = "ten_minutes")]
    pub works_for_ms: u64,
    /// Where sales orders are made; without it none can be.
    #[serde(default)]
    pub sales_area: Option<SalesArea>,
    /// The field of Salesforce's records that holds our key, external id and unique.
    #[serde(default = "peyvand_key")]
    pub key_field: String,
    /// Whether a webhook keeps the header `Idempotency-Key` and carries a repeat out once.
    #[serde(default)]
    pub keeps_key: bool,
    /// With more writes than this waiting for the system, no more are taken from the log.
    #[serde(default = "fifty_thousand")]
    pub outbox_max: u64,
}

const fn fifty_thousand() -> u64 {
    50_000
}

fn peyvand_key() -> String {
    "Peyvand_Key__c".to_owned()
}

const fn five_seconds() -> u64 {
    5000
}

/// As long as SAP lets a dialogue request run by default (rdisp/max_wprun_time).
const fn ten_minutes() -> u64 {
    600_000
}

/// Where SAP makes a sales order, and of which type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalesArea {
    /// Sales order type, such as `OR`.
    pub order_type: String,
    /// Sales organisation.
    pub organization: String,
    /// Distribution channel.
    pub channel: String,
    /// Division.
    pub division: String,
}

/// The systems Peyvand can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemKind {
    /// SAP S/4HANA by OData v2.
    SapS4,
    /// Salesforce by REST.
    Salesforce,
    /// Any HTTP service that takes a request as JSON.
    Webhook,
}

impl SystemKind {
    /// Whether such a system is where this is done.
    pub const fn does(self, operation: Operation) -> bool {
        match operation {
            Operation::OrderStatus
            | Operation::OrderList
            | Operation::StockLevel
            | Operation::SalesOrderCreate => matches!(self, Self::SapS4),
            Operation::CaseCreate => matches!(self, Self::Salesforce),
            Operation::CallbackRequest => matches!(self, Self::Webhook),
        }
    }
}

impl Target {
    /// Whether the sandbox stands in for the system.
    pub fn is_sandbox(&self) -> bool {
        self.base_url == "sandbox"
    }
}

pub(super) fn check(sources: &[Source], errors: &mut Vec<AssistantError>) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for source in sources {
        match serde_norway::from_str::<Target>(&source.text) {
            Ok(target) => {
                errors.extend(mistakes(source, &target));
                if targets.iter().any(|other| other.name == target.name) {
                    let problem = format!("the target {} is there twice; give it another name", target.name);
                    errors.push(AssistantError::new(&source.name, line(source, "name:"), problem));
                }
                targets.push(target);
            }
            Err(error) => {
                let line = error.location().map(|at| at.line());
                errors.push(AssistantError::new(&source.name, line, error.to_string()));
            }
        }
    }
    targets
}

fn line(source: &Source, field: &str) -> Option<usize> {
    source.text.lines().position(|line| line.starts_with(field)).map(|at| at + 1)
}

fn mistakes(source: &Source, target: &Target) -> Vec<AssistantError> {
    let url_fits = target.is_sandbox()
        || ["https://", "http://"].iter().any(|scheme| {
            target.base_url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.contains('@'))
        });
    let secret_fits = !target.password_secret.is_empty()
        && target.password_secret.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let key_field_fits = (1..=80).contains(&target.key_field.len())
        && target.key_field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let checks = [
        (!target.name.trim().is_empty(), "name:", "name may not be empty"),
        (url_fits, "base_url:", "base_url is `sandbox` or an address https://… without user and password"),
        (
            target.system == SystemKind::Webhook || !target.user.trim().is_empty(),
            "user:",
            "user may not be empty",
        ),
        (
            secret_fits,
            "password_secret:",
            "password_secret names a secret in capitals, such as SAP_PASSWORD; the password itself does not belong here",
        ),
        ((100..=120_000).contains(&target.deadline_ms), "deadline_ms:", "deadline_ms is 100 to 120000"),
        (target.visible_within_ms <= 600_000, "visible_within_ms:", "visible_within_ms is 0 to 600000"),
        (target.works_for_ms <= 86_400_000, "works_for_ms:", "works_for_ms is 0 to 86400000"),
        (key_field_fits, "key_field:", "key_field is the name of a field: letters, digits and _"),
        ((1..=10_000_000).contains(&target.outbox_max), "outbox_max:", "outbox_max is 1 to 10000000"),
        ((1..=1_000).contains(&target.in_flight_max), "in_flight_max:", "in_flight_max is 1 to 1000"),
    ];
    let wrong = checks.into_iter().filter(|(fits, _, _)| !fits);
    wrong.map(|(_, field, problem)| AssistantError::new(&source.name, line(source, field), problem)).collect()
}
