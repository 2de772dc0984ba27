//! The access token of OAuth 2.0 client credentials. It has no stated end, so it is kept until it is refused, and then fetched
//! anew once. It is never printed.

use peyvand::privacy::Sensitive;
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::Http;
use crate::{
    line::{Attempt, retry_after},
    target::TargetError,
};

/// A token.
#[derive(Clone)]
pub(super) struct Token(Sensitive<String>);

impl Token {
    /// A request with it.
    pub(super) fn on(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(AUTHORIZATION, format!("Bearer {}", self.0.expose()))
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Sensitive<String>,
}

impl Http {
    /// A request with our token; when the token is refused, once more with a new one. Whoever is refused was not heard.
    pub(super) async fn authorised(
        &self,
        request: impl Fn(&Token) -> RequestBuilder,
        until: Instant,
    ) -> Attempt {
        let mut token = match self.token(None, until).await {
            Ok(token) => token,
            Err(error) => return Attempt::NotSent(error),
        };
        for _ in 0..2 {
            match self.line.attempt(request(&token), until).await {
                Attempt::Answered(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                    token = match self.token(Some(&token), until).await {
                        Ok(token) => token,
                        Err(error) => return Attempt::NotSent(error),
                    };
                }
                other => return other,
            }
        }
        Attempt::NotSent(self.line.misconfigured())
    }

    /// The token, or a new one when there is none or it is the refused one. Whoever fetches lets the others wait.
    async fn token(&self, refused: Option<&Token>, until: Instant) -> Result<Token, TargetError> {
        let Ok(mut kept) = timeout_at(until, self.token.lock()).await else { return Err(self.line.slow()) };
        if let Some(token) = &*kept
            && refused.is_none_or(|refused| refused.0.expose() != token.0.expose())
        {
            return Ok(token.clone());
        }
        *kept = None;
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["services", "oauth2", "token"]);
        }
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.config.user.as_str()),
            ("client_secret", self.config.password.expose()),
        ];
        // A form is written like a query.
        let written = Url::parse_with_params(url.as_str(), form).map_err(|_| self.line.misconfigured())?;
        let request = self.line.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(written.query().unwrap_or_default().to_owned());
        let response = match self.line.attempt(request, until).await {
            Attempt::Answered(response) => response,
            Attempt::NotSent(error) | Attempt::MaybeSent(error) => return Err(error),
        };
        match response.status() {
            StatusCode::OK => {
                let body = self.line.body_by(response, until).await?;
                let granted: Granted = serde_json::from_slice(&body).map_err(|_| self.line.unreadable())?;
                Ok(kept.insert(Token(granted.access_token)).clone())
            }
            StatusCode::TOO_MANY_REQUESTS => Err(self.line.busy(retry_after(response.headers()))),
            status if status.is_server_error() => Err(self.line.unavailable()),
            _ => Err(self.line.misconfigured()),
        }
    }
}
