//! The token endpoint: client credentials, in the body or by HTTP Basic. There is one session at a time, and asking again
//! gives its token again, as long as it is good. It never says when that ends, as Salesforce does not.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::{OAuthError, SalesforceError, answer};
use crate::auth::{BasicAuth, bears, same};
use crate::http::percent_decode;

const ORGANISATION: &str = "00DPv0000000001";
const USER: &str = "005Pv0000000001";

/// The one client and the session it has.
pub(super) struct OAuth {
    id: String,
    secret: String,
    basic: BasicAuth,
    token: Mutex<String>,
    addr: SocketAddr,
}

impl OAuth {
    pub(super) fn new((id, secret): (&str, &str), addr: SocketAddr) -> OAuth {
        let basic = BasicAuth::new(id, secret);
        OAuth { id: id.to_owned(), secret: secret.to_owned(), basic, token: Mutex::new(token()), addr }
    }

    /// Answers a request to the token endpoint.
    pub(super) fn answer(&self, method: &Method, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        if method != Method::POST {
            return SalesforceError::Method("POST").response();
        }
        match self.grant(headers, body) {
            Ok(granted) => answer(StatusCode::OK, &granted),
            Err(error) => {
                tracing::debug!(kind = error.kind(), "the token endpoint refused a request");
                error.response()
            }
        }
    }

    /// Whether the request carries the token of the present session.
    pub(super) fn allows(&self, headers: &HeaderMap) -> bool {
        bears(headers, &self.token())
    }

    /// Ends the session.
    pub(super) fn expire(&self) {
        *self.token() = token();
    }

    fn grant(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, OAuthError> {
        let form = form(body);
        let sent = |name: &str| {
            form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        if sent("grant_type") != "client_credentials" {
            return Err(OAuthError::Grant);
        }
        let by_header = BasicAuth::is_tried(headers);
        let known = if by_header {
            self.basic.allows(headers)
        } else {
            // Both are always compared, so that the time does not tell which one was wrong.
            same(sent("client_id").as_bytes(), self.id.as_bytes())
                & same(sent("client_secret").as_bytes(), self.secret.as_bytes())
        };
        if !known {
            return Err(OAuthError::Client { by_header });
        }
        let instance = format!("http://{}", self.addr);
        Ok(json!({
            "access_token": *self.token(),
            "signature": Uuid::new_v4().simple().to_string(),
            "token_format": "opaque",
            "instance_url": instance,
            "id": format!("{instance}/id/{ORGANISATION}/{USER}"),
            "token_type": "Bearer",
            "issued_at": Timestamp::now().as_millisecond().to_string(),
        }))
    }

    fn token(&self) -> MutexGuard<'_, String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn token() -> String {
    format!("{ORGANISATION}!{}", Uuid::new_v4().simple())
}

/// The pairs of a form; what is broken is left out.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let plain = |text: &str| percent_decode(&text.replace('+', " "));
    let pairs = std::str::from_utf8(body).unwrap_or_default().split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((plain(name)?, plain(value)?)))
        .collect()
}
