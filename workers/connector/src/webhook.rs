//! Any HTTP service that takes a request as JSON: a gateway of text messages, an automation. It cannot be asked afterwards. One
//! that keeps the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) takes a repeat once; one that does not
//! gets each request once at most.

use std::collections::BTreeMap;

use futures_util::{FutureExt, future::BoxFuture};
use peyvand::{
    event::{Operation, SlotName},
    language::script::Language,
};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

use crate::{
    line::{Attempt, Line, retry_after},
    system::{Capability, Looked, Sent, Writer},
    target::{TargetConfig, TargetError},
    write::Write,
};

const KEY: &str = "idempotency-key";
const ID_CHARS_MAX: usize = 100;

/// One hook.
pub struct Webhook {
    line: Line,
    url: Url,
    config: TargetConfig,
}

/// What is sent. Its bytes are the same in every attempt.
#[derive(Serialize)]
struct Request<'a> {
    key: String,
    operation: &'static str,
    tracking: String,
    language: Language,
    slots: BTreeMap<SlotName, &'a str>,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

/// What a refusal is at least: a JSON object.
#[derive(Deserialize)]
struct Problem {}

impl Webhook {
    /// Checks the configuration; nothing is asked yet.
    ///
    /// # Errors
    /// [`TargetError::Misconfigured`] when the address is none.
    pub fn new(config: TargetConfig) -> Result<Self, TargetError> {
        let (line, url) = Line::new(&config)?;
        Ok(Self { line, url, config })
    }

    /// Whether something answers there that accepts us. A GET does nothing, so its own answer does not matter.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way.
    pub async fn ping(&self) -> Result<(), TargetError> {
        let request = self.line.client.get(self.url.clone()).bearer_auth(self.config.password.expose());
        match self.line.attempt(request, self.line.until()).await {
            Attempt::Answered(answer) => match answer.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    Err(self.line.misconfigured())
                }
                status if status.is_server_error() => Err(self.line.unavailable()),
                _ => Ok(()),
            },
            Attempt::NotSent(error) | Attempt::MaybeSent(error) => Err(error),
        }
    }

    async fn post(&self, write: &Write) -> Sent {
        let until = self.line.until();
        let _place = match self.line.place(until).await {
            Ok(place) => place,
            Err(busy) => return Sent::NotSent(busy),
        };
        let request = self.line.client.post(self.url.clone()).bearer_auth(self.config.password.expose());
        // A string of RFC 8941: in quotes.
        let request = request.header(KEY, format!("\"{}\"", write.id.key())).json(&body(write));
        let response = match self.line.attempt(request, until).await {
            Attempt::Answered(response) => response,
            Attempt::NotSent(error) => return Sent::NotSent(error),
            Attempt::MaybeSent(error) => return Sent::MaybeSent(error),
        };
        match response.status() {
            status if status.is_success() => match self.line.body_by(response, until).await {
                Ok(answer) => Sent::Done { reference: reference(write, &answer) },
                // The same again brings what it has answered.
                Err(error) if self.config.keeps_key => Sent::MaybeSent(error),
                // The status has said it already, and nobody may ask again.
                Err(_) => Sent::Done { reference: write.id.tracking() },
            },
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                match self.line.body_by(response, until).await {
                    // A page of a proxy is not the hook's word.
                    Ok(body) if serde_json::from_slice::<Problem>(&body).is_ok() => {
                        Sent::Refused { class: "refused_by_system" }
                    }
                    Ok(_) => Sent::NotSent(self.line.misconfigured()),
                    Err(error) => Sent::MaybeSent(error),
                }
            }
            StatusCode::TOO_MANY_REQUESTS => Sent::NotSent(self.line.busy(retry_after(response.headers()))),
            // Our first attempt is still at work there.
            StatusCode::CONFLICT => Sent::MaybeSent(self.line.busy(retry_after(response.headers()))),
            StatusCode::REQUEST_TIMEOUT => Sent::MaybeSent(self.line.slow()),
            status if status.is_server_error() => Sent::MaybeSent(self.line.unavailable()),
            // Some answer a request that they have carried out by leading on.
            status if status.is_redirection() => Sent::MaybeSent(self.line.misconfigured()),
            status if status.is_client_error() => Sent::NotSent(self.line.misconfigured()),
            _ => Sent::MaybeSent(self.line.unreadable()),
        }
    }
}

fn body(write: &Write) -> Request<'_> {
    Request {
        key: write.id.key(),
        operation: write.operation.name(),
        tracking: write.id.tracking(),
        language: write.language,
        slots: write.slots.iter().map(|slot| (slot.name, slot.value.expose().as_str())).collect(),
    }
}

/// The hook's own id of the request, where it gives a short one.
fn reference(write: &Write, answer: &[u8]) -> String {
    let taken = serde_json::from_slice::<Taken>(answer).ok().map(|taken| taken.id);
    let fits =
        |id: &String| (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    taken.filter(fits).unwrap_or_else(|| write.id.tracking())
}

impl Writer for Webhook {
    fn operation(&self) -> Operation {
        Operation::CallbackRequest
    }

    fn capability(&self) -> Capability {
        if self.config.keeps_key { Capability::Key } else { Capability::Blind }
    }

    fn send<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Sent> {
        self.post(write).boxed()
    }

    fn reconcile<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Looked> {
        std::future::ready(Looked::CannotTell(self.line.unreadable())).boxed()
    }
}
