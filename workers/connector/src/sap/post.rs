//! One write to Gateway, with the only question that counts afterwards: may it have been carried out? Nothing is repeated
//! here except what Gateway says it has not looked at.

use reqwest::{Response, StatusCode, header::ACCEPT};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout_at};

use super::{http::Http, odata::Refusal, session::wants_token};
use crate::{
    line::{Attempt, retry_after},
    target::TargetError,
};

/// What a write came to.
pub(super) enum Written<T> {
    /// The new record.
    Created(T),
    /// Gateway understood and will not have it.
    Refused,
    /// It was not carried out.
    NotSent(TargetError),
    /// It may have been carried out.
    MaybeSent(TargetError),
}

impl Http {
    /// Makes a record, within the deadline.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        service: &str,
        set: &str,
        record: &impl Serialize,
    ) -> Written<T> {
        let until = Instant::now() + self.config.deadline;
        let place = self.line.place(until).await;
        let _place = match place {
            Ok(place) => place,
            Err(busy) => return Written::NotSent(busy),
        };
        let mut written = Written::NotSent(self.line.misconfigured());
        // A token may be out of date: Gateway then carries nothing out, and a new one is fetched once.
        for _ in 0..2 {
            let session = match timeout_at(until, self.session(service)).await {
                Ok(Ok(session)) => session,
                Ok(Err(error)) => return Written::NotSent(error),
                Err(_) => return Written::NotSent(self.line.slow()),
            };
            let url = self.url(service, &[set], &[]);
            let request = self.line.client.post(url).headers(session.headers());
            let request = request.header(ACCEPT, "application/json");
            let request =
                request.basic_auth(&self.config.user, Some(self.config.password.expose())).json(record);
            let response = match self.line.attempt(request, until).await {
                Attempt::Answered(response) => response,
                Attempt::NotSent(error) => return Written::NotSent(error),
                Attempt::MaybeSent(error) => return Written::MaybeSent(error),
            };
            if wants_token(&response) {
                self.forget_session().await;
                continue;
            }
            written = self.written(response, until).await;
            break;
        }
        written
    }

    async fn written<T: DeserializeOwned>(&self, response: Response, until: Instant) -> Written<T> {
        let status = response.status();
        let misconfigured = || self.line.misconfigured();
        match status {
            StatusCode::CREATED | StatusCode::OK => match self.line.body_by(response, until).await {
                Ok(body) => match self.read(&body) {
                    Ok(created) => Written::Created(created),
                    Err(error) => Written::MaybeSent(error),
                },
                Err(error) => Written::MaybeSent(error),
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Written::NotSent(misconfigured()),
            StatusCode::TOO_MANY_REQUESTS => {
                Written::NotSent(self.line.busy(retry_after(response.headers())))
            }
            StatusCode::REQUEST_TIMEOUT => Written::MaybeSent(self.line.slow()),
            status if status.is_redirection() => Written::NotSent(misconfigured()),
            // It may speak of our earlier attempt, or of a moment: ask before anything is said.
            StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::LOCKED
            | StatusCode::TOO_EARLY => Written::MaybeSent(self.line.unreadable()),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                match self.line.body_by(response, until).await {
                    // A page of a proxy is not SAP's word.
                    Ok(body) if serde_json::from_slice::<Refusal>(&body).is_ok() => Written::Refused,
                    Ok(_) => Written::NotSent(misconfigured()),
                    Err(error) => Written::MaybeSent(error),
                }
            }
            // The service is not there or not for us: nothing about the order itself.
            status if status.is_client_error() => Written::NotSent(misconfigured()),
            status if status.is_server_error() => Written::MaybeSent(self.line.unavailable()),
            _ => Written::MaybeSent(self.line.unreadable()),
        }
    }
}
