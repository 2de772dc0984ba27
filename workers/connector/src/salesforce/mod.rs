//! Salesforce through its REST interface: cases are written under our own key in an external-id field, so that a repeat
//! changes nothing. It decides nothing about who may do what, and not whether a write is tried again.

mod answer;
mod cases;
mod token;

use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;
use tokio::{
    sync::{Mutex, OnceCell},
    time::{Instant, timeout_at},
};

pub use cases::Cases;
use token::Token;

use crate::{
    line::{Attempt, Line},
    target::{TargetConfig, TargetError},
};

/// Spring '26. Salesforce keeps a version for at least three years.
const API: &str = "v66.0";

/// One Salesforce organisation.
pub struct Salesforce {
    http: Arc<Http>,
}

/// The way to one organisation.
struct Http {
    line: Line,
    root: Url,
    config: TargetConfig,
    token: Mutex<Option<Token>>,
    /// Whether the key field was seen to be one.
    checked: OnceCell<()>,
}

/// What the organisation says about an object.
#[derive(Deserialize)]
struct Description {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
}

impl Salesforce {
    /// Checks the configuration; nothing is asked yet.
    ///
    /// # Errors
    /// [`TargetError::Misconfigured`] when the address is none.
    pub fn new(config: TargetConfig) -> Result<Self, TargetError> {
        let (line, root) = Line::new(&config)?;
        let http = Http { line, root, config, token: Mutex::default(), checked: OnceCell::new() };
        Ok(Self { http: Arc::new(http) })
    }

    /// Whether the organisation accepts us, and our key's field is there, an external id and unique: without that a repeat
    /// would make a second record.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way.
    pub async fn ping(&self) -> Result<(), TargetError> {
        self.http.key_field_is_one(self.http.line.until()).await
    }

    /// The way to write cases.
    pub fn cases(&self) -> Cases {
        Cases::new(Arc::clone(&self.http))
    }
}

impl Http {
    /// The address of a resource of the version we speak, every part percent-encoded.
    fn url(&self, resource: &[&str]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["services", "data", API]).extend(resource);
        }
        url
    }

    /// Looks once at the field that holds our key; when it is no key, nothing may be written. Whoever looks lets the others wait,
    /// each no longer than its own time.
    async fn key_field_is_one(&self, until: Instant) -> Result<(), TargetError> {
        let looked = timeout_at(until, self.checked.get_or_try_init(|| self.look_at_key_field(until))).await;
        looked.unwrap_or_else(|_| Err(self.line.slow())).copied()
    }

    async fn look_at_key_field(&self, until: Instant) -> Result<(), TargetError> {
        let url = self.url(&["sobjects", "Case", "describe"]);
        let described = match self
            .authorised(|token| token.on(self.line.client.get(url.clone())), until)
            .await
        {
            Attempt::Answered(response) => answer::read::<Description>(&self.line, response, until).await?,
            Attempt::NotSent(error) | Attempt::MaybeSent(error) => return Err(error),
        };
        let name = &self.config.key_field;
        let field = described.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        if field.is_some_and(|field| field.external_id && field.unique) {
            return Ok(());
        }
        tracing::error!(
            system = self.line.name(),
            field = name,
            "Case has no such field that is both an external id and unique; nothing is written until it has one"
        );
        Err(self.line.misconfigured())
    }
}
