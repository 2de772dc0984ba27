//! The way to a Confluent-compatible schema registry. Workers only look up; registering is a step of a release
//! (`peyvand schemas register`). Nothing is cached here: `schemas` decides what is kept and for how long.

use std::time::Duration;

use schema_registry_converter::{
    async_impl::schema_registry::{
        SrSettings, get_schema_by_id, is_compatible_schema, perform_sr_call, post_schema,
    },
    error::SRCError,
    schema_registry_common::{SchemaType, SrCall, SuppliedSchema},
};
use thiserror::Error;

use crate::privacy::Sensitive;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a registry is and who asks it.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// Its base address, such as `http://registry:8080/apis/ccompat/v7`.
    pub url: String,
    /// The user of HTTP Basic, where it asks for one.
    pub user: Option<String>,
    /// That user's password.
    pub password: Option<Sensitive<String>>,
}

/// Why the registry did not help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// It cannot be reached or does not work just now.
    #[error("the schema registry cannot be asked just now ({0}); check that it runs and its address")]
    Unavailable(String),
    /// It does not accept us.
    #[error("the schema registry does not accept us (status {0}); check registry.user and registry.password")]
    NotAllowed(u16),
    /// It does not have a schema this version writes with.
    #[error(
        "the schema of {subject} is not registered; run `peyvand schemas register` once for this release"
    )]
    NotRegistered {
        /// The subject.
        subject: String,
    },
    /// It refuses a schema because readers or writers of another version could not live with it.
    #[error(
        "the registry refuses the schema of {subject}: it is not compatible with the version that is there"
    )]
    Incompatible {
        /// The subject.
        subject: String,
    },
    /// What it says cannot be understood.
    #[error(
        "the schema registry's answer cannot be understood; is registry.url the Confluent-compatible address?"
    )]
    Unreadable,
}

impl RegistryError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotRegistered { .. } => "not_registered",
            Self::Incompatible { .. } => "incompatible",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A registry.
#[derive(Clone, Debug)]
pub struct Registry {
    settings: SrSettings,
}

impl Registry {
    /// Prepares the way; nothing is asked yet.
    ///
    /// # Errors
    /// [`RegistryError::Unreadable`] when no client can be made of the configuration.
    pub fn new(config: &RegistryConfig) -> Result<Self, RegistryError> {
        let mut builder = SrSettings::new_builder(config.url.trim_end_matches('/').to_owned());
        if let Some(user) = &config.user {
            let password = config.password.as_ref().map(|password| password.expose().as_str());
            builder.set_basic_authorization(user, password);
        }
        builder.set_timeout(TIMEOUT).no_proxy();
        Ok(Self { settings: builder.build().map_err(|_| RegistryError::Unreadable)? })
    }

    /// The text of the Avro schema with this id; none when there is no such id.
    pub(super) async fn schema(&self, id: u32) -> Result<Option<String>, RegistryError> {
        match get_schema_by_id(id, &self.settings).await {
            // A schema of another kind, or in several pieces, is none that this codec can read.
            Ok(found) if found.schema_type == SchemaType::Avro && found.references.is_empty() => {
                Ok(Some(found.schema))
            }
            Ok(_) => Ok(None),
            Err(error) => match problem(&error) {
                Problem::Status(404) => Ok(None),
                other => Err(other.into_error()),
            },
        }
    }

    /// The id of exactly this schema in a subject.
    ///
    /// # Errors
    /// [`RegistryError::NotRegistered`] when the subject does not have it; else why it could not be asked.
    pub async fn id_of(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let body = serde_json::json!({"schema": text, "schemaType": "AVRO"}).to_string();
        match perform_sr_call(&self.settings, SrCall::PostForVersion(subject, &body)).await {
            Ok(found) => found.id.ok_or(RegistryError::Unreadable),
            Err(error) => match problem(&error) {
                Problem::Status(404) => Err(RegistryError::NotRegistered { subject: subject.to_owned() }),
                other => Err(other.into_error()),
            },
        }
    }

    /// Whether a subject would take this schema; a subject that is not there takes any.
    ///
    /// # Errors
    /// Why it could not be asked.
    pub async fn would_take(&self, subject: &str, text: &str) -> Result<bool, RegistryError> {
        match is_compatible_schema(&self.settings, subject.to_owned(), supplied(text)).await {
            Ok(compatible) => Ok(compatible),
            Err(error) => match problem(&error) {
                Problem::Status(404) => Ok(true),
                other => Err(other.into_error()),
            },
        }
    }

    /// Puts a schema under a subject, when it is compatible with what is there; gives its id.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] when the registry refuses it; else why it could not be asked.
    pub async fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        if !self.would_take(subject, text).await? {
            return Err(RegistryError::Incompatible { subject: subject.to_owned() });
        }
        match post_schema(&self.settings, subject.to_owned(), supplied(text)).await {
            Ok(registered) => Ok(registered.id),
            Err(error) => match problem(&error) {
                Problem::Status(409) => Err(RegistryError::Incompatible { subject: subject.to_owned() }),
                other => Err(other.into_error()),
            },
        }
    }
}

fn supplied(text: &str) -> SuppliedSchema {
    SuppliedSchema::new(None, SchemaType::Avro, text.to_owned())
}

enum Problem {
    Status(u16),
    Transport,
    Answer,
}

impl Problem {
    fn into_error(self) -> RegistryError {
        match self {
            Self::Status(status @ (401 | 403)) => RegistryError::NotAllowed(status),
            Self::Status(status) => RegistryError::Unavailable(format!("it answers with status {status}")),
            Self::Transport => RegistryError::Unavailable("no connection or no answer in time".to_owned()),
            Self::Answer => RegistryError::Unreadable,
        }
    }
}

/// The client's errors carry the status only in their text, and count a status of 500 as final; here every failure
/// but "not found" and "refused" may pass.
fn problem(error: &SRCError) -> Problem {
    let status =
        error.error.split_once("failed with status ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    match status {
        Some(status) => Problem::Status(status),
        None if error.retriable => Problem::Transport,
        None => Problem::Answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_clients_error() {
        let of = |text: &str, retriable| problem(&SRCError::new(text, None, retriable)).into_error().kind();
        assert_eq!(
            of("HTTP request to schema registry failed with status 401 Unauthorized", false),
            "not_allowed"
        );
        assert_eq!(
            of("HTTP request to schema registry failed with status 500 Internal", false),
            "unavailable"
        );
        assert_eq!(of("http call to schema registry failed", true), "unavailable");
        assert_eq!(of("could not parse to RawRegisteredSchema", false), "unreadable");
    }

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_unavailable_and_not_an_unknown_schema() {
        let url = "http://127.0.0.1:9/apis/ccompat/v7".to_owned();
        let registry = Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap();
        assert_eq!(registry.schema(1).await.unwrap_err().kind(), "unavailable");
    }
}
