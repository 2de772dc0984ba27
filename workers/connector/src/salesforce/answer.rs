//! What Salesforce's answers mean: its own error codes say more than the status. Nothing of an answer is passed on.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    line::{Line, retry_after},
    target::TargetError,
};

/// The daily quota is used up, and Salesforce says no pause: it comes back in hours, and is asked for in minutes.
const QUOTA_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Why a request was not carried out as asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It will not have this record, now or later.
    Refused,
    /// There is no such record.
    Absent,
    /// Nothing was written.
    NotDone(TargetError),
    /// It may have been written.
    Unclear(TargetError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    error_code: String,
}

/// Why an answer is not the one that was asked for.
pub(super) async fn flaw(line: &Line, response: Response, until: Instant) -> Flaw {
    let status = response.status();
    let pause = retry_after(response.headers());
    let code = match line.body_by(response, until).await {
        Ok(body) => code(&body),
        Err(error) => return Flaw::Unclear(error),
    };
    judge(line, status, code.as_deref(), pause)
}

/// The first complaint's code; none when the answer is not Salesforce's.
fn code(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Vec<Complaint>>(body).ok()?.into_iter().next().map(|one| one.error_code)
}

fn judge(line: &Line, status: StatusCode, code: Option<&str>, pause: Option<Duration>) -> Flaw {
    match (status, code) {
        (_, Some("UNABLE_TO_LOCK_ROW")) => Flaw::NotDone(line.busy(pause)),
        (_, Some("REQUEST_LIMIT_EXCEEDED")) => Flaw::NotDone(line.busy(pause.or(Some(QUOTA_PAUSE)))),
        // Two attempts under our key met: one of them is there.
        (_, Some("DUPLICATE_VALUE")) => Flaw::Unclear(line.busy(pause)),
        (StatusCode::NOT_FOUND, Some("NOT_FOUND")) => Flaw::Absent,
        (StatusCode::TOO_MANY_REQUESTS, _) => Flaw::NotDone(line.busy(pause)),
        // Of the record itself.
        (
            StatusCode::BAD_REQUEST,
            Some(
                "REQUIRED_FIELD_MISSING"
                | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
                | "FIELD_INTEGRITY_EXCEPTION"
                | "STRING_TOO_LONG"
                | "DUPLICATES_DETECTED"
                | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ),
        ) => Flaw::Refused,
        // Of our set-up or of the moment: a field that is not there, a missing right, a trigger, storage.
        (StatusCode::BAD_REQUEST, _) => Flaw::NotDone(line.misconfigured()),
        (StatusCode::REQUEST_TIMEOUT, _) => Flaw::Unclear(line.slow()),
        (status, _) if status.is_server_error() => Flaw::Unclear(line.unavailable()),
        // 300: our key is not unique, and nothing was written. The rest: not for us, or not Salesforce.
        (status, _) if status.is_redirection() || status.is_client_error() || status.as_u16() == 300 => {
            Flaw::NotDone(line.misconfigured())
        }
        (_, _) => Flaw::Unclear(line.unreadable()),
    }
}

/// The answer to a question.
pub(super) async fn read<T: DeserializeOwned>(
    line: &Line,
    response: Response,
    until: Instant,
) -> Result<T, TargetError> {
    if response.status() != StatusCode::OK {
        return Err(match flaw(line, response, until).await {
            Flaw::NotDone(error) | Flaw::Unclear(error) => error,
            Flaw::Refused | Flaw::Absent => line.misconfigured(),
        });
    }
    let body = line.body_by(response, until).await?;
    serde_json::from_slice(&body).map_err(|_| line.unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TargetConfig;

    #[test]
    fn the_code_says_more_than_the_status() {
        let config = TargetConfig::new("crm", "http://h", "u", "p".to_owned().into());
        let (line, _) = Line::new(&config).unwrap();
        let said = |status: u16, code| judge(&line, StatusCode::from_u16(status).unwrap(), code, None);
        assert_eq!(said(400, Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")), Flaw::Refused);
        assert_eq!(said(400, Some("REQUIRED_FIELD_MISSING")), Flaw::Refused);
        assert_eq!(said(400, Some("UNABLE_TO_LOCK_ROW")), Flaw::NotDone(line.busy(None)));
        assert_eq!(said(400, Some("DUPLICATE_VALUE")), Flaw::Unclear(line.busy(None)));
        assert_eq!(said(403, Some("REQUEST_LIMIT_EXCEEDED")), Flaw::NotDone(line.busy(Some(QUOTA_PAUSE))));
        for (status, code) in
            [(400, None), (400, Some("INVALID_FIELD")), (300, None), (302, None), (403, None)]
        {
            assert_eq!(said(status, code), Flaw::NotDone(line.misconfigured()), "{status} {code:?}");
        }
        assert_eq!(said(404, Some("NOT_FOUND")), Flaw::Absent);
        assert_eq!(said(404, None), Flaw::NotDone(line.misconfigured()), "a page of a proxy");
        assert_eq!(said(503, Some("SERVER_UNAVAILABLE")), Flaw::Unclear(line.unavailable()));
    }

    #[test]
    fn an_answer_that_is_not_salesforces_has_no_code() {
        assert_eq!(code(br#"[{"errorCode":"X","message":"m"}]"#).as_deref(), Some("X"));
        for body in [&b"<html>"[..], b"[]", b"{}", b"[1]"] {
            assert_eq!(code(body), None);
        }
    }
}
