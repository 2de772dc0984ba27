//! A new case, as an upsert under our key. A second attempt finds the first one's record and changes nothing of it but what is
//! the same anyway.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use peyvand::event::{Operation, SlotName};
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Http,
    answer::{self, Flaw},
};
use crate::{
    line::Attempt,
    system::{Capability, Looked, Sent, Writer},
    target::TargetError,
    write::Write,
};

/// Salesforce takes 255 characters in a subject.
const SUBJECT_CHARS_MAX: usize = 200;

/// New cases in one organisation.
pub struct Cases {
    http: Arc<Http>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewCase<'a> {
    subject: String,
    description: &'a str,
    origin: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Standing {
    case_number: String,
    #[serde(default)]
    description: Option<String>,
}

impl Cases {
    pub(super) fn new(http: Arc<Http>) -> Self {
        Self { http }
    }

    fn url(&self, write: &Write) -> Url {
        self.http.url(&["sobjects", "Case", &self.http.config.key_field, &write.id.key()])
    }

    async fn upsert(&self, write: &Write) -> Sent {
        let line = &self.http.line;
        let Some(description) = write.slot(SlotName::Description) else {
            return Sent::Refused { class: "incomplete" };
        };
        let until = line.until();
        let _place = match line.place(until).await {
            Ok(place) => place,
            Err(busy) => return Sent::NotSent(busy),
        };
        if let Err(error) = self.http.key_field_is_one(until).await {
            return Sent::NotSent(error);
        }
        let case = NewCase {
            subject: subject(write.slot(SlotName::OrderNumber), description),
            description,
            origin: "Chat",
        };
        let url = self.url(write);
        let request = |token: &super::Token| token.on(line.client.patch(url.clone()).json(&case));
        let response = match self.http.authorised(request, until).await {
            Attempt::Answered(response) => response,
            Attempt::NotSent(error) => return Sent::NotSent(error),
            Attempt::MaybeSent(error) => return Sent::MaybeSent(error),
        };
        match response.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => {
                match self.standing(write, until).await {
                    Ok(Some(case)) => Sent::Done { reference: case.case_number },
                    // It is there, and only its number is not known: the same upsert again brings it.
                    Ok(None) => Sent::MaybeSent(line.unreadable()),
                    Err(error) => Sent::MaybeSent(error),
                }
            }
            _ => match answer::flaw(line, response, until).await {
                Flaw::Refused => Sent::Refused { class: "refused_by_system" },
                Flaw::Absent => Sent::NotSent(line.misconfigured()),
                Flaw::NotDone(error) => Sent::NotSent(error),
                Flaw::Unclear(error) => Sent::MaybeSent(error),
            },
        }
    }

    /// The case under our key; none when there is none.
    async fn standing(&self, write: &Write, until: Instant) -> Result<Option<Standing>, TargetError> {
        let line = &self.http.line;
        let mut url = self.url(write);
        url.query_pairs_mut().append_pair("fields", "CaseNumber,Description");
        let request = |token: &super::Token| token.on(line.client.get(url.clone()));
        let response = match self.http.authorised(request, until).await {
            Attempt::Answered(response) => response,
            Attempt::NotSent(error) | Attempt::MaybeSent(error) => return Err(error),
        };
        if response.status() == StatusCode::NOT_FOUND {
            return match answer::flaw(line, response, until).await {
                Flaw::Absent => Ok(None),
                Flaw::Refused => Err(line.misconfigured()),
                Flaw::NotDone(error) | Flaw::Unclear(error) => Err(error),
            };
        }
        let case: Standing = answer::read(line, response, until).await?;
        let number = &case.case_number;
        let fits = (1..=40).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { Ok(Some(case)) } else { Err(line.unreadable()) }
    }

    async fn look(&self, write: &Write) -> Looked {
        let until = self.http.line.until();
        let _place = match self.http.line.place(until).await {
            Ok(place) => place,
            Err(busy) => return Looked::CannotTell(busy),
        };
        match self.standing(write, until).await {
            Ok(Some(case)) if case.description.as_deref() == write.slot(SlotName::Description) => {
                Looked::Found { reference: case.case_number }
            }
            Ok(Some(_)) => Looked::Different,
            Ok(None) => Looked::Absent,
            Err(error) => Looked::CannotTell(error),
        }
    }
}

/// The order it is about, and how it begins.
fn subject(order: Option<&str>, description: &str) -> String {
    let about = order.map(|order| format!("{order}: ")).unwrap_or_default();
    let begins = description.lines().next().unwrap_or_default();
    about.chars().chain(begins.chars()).take(SUBJECT_CHARS_MAX).collect()
}

impl Writer for Cases {
    fn operation(&self) -> Operation {
        Operation::CaseCreate
    }

    fn capability(&self) -> Capability {
        Capability::Upsert
    }

    fn send<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Sent> {
        self.upsert(write).boxed()
    }

    fn reconcile<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Looked> {
        self.look(write).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_the_order_and_is_short_and_one_line() {
        assert_eq!(subject(Some("45001"), "broken\nall of it"), "45001: broken");
        assert_eq!(subject(None, &"پ".repeat(999)).chars().count(), SUBJECT_CHARS_MAX);
    }
}
