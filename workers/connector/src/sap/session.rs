//! The session that Gateway wants for a write: a token and the cookies it came with. One for the connection, fetched when
//! there is none, thrown away when it is refused.

use reqwest::{
    Response, StatusCode,
    header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use super::http::Http;
use crate::{line::retry_after, target::TargetError};

const TOKEN: &str = "x-csrf-token";
const COOKIES_MAX: usize = 16;

/// Token and cookies.
#[derive(Clone)]
pub(super) struct Session {
    token: HeaderValue,
    cookies: HeaderValue,
}

impl Session {
    /// The headers of a write.
    pub(super) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (reqwest::header::HeaderName::from_static(TOKEN), self.token.clone()),
            (COOKIE, self.cookies.clone()),
        ])
    }

    /// What an answer hands out, if it does: also an error may.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let token = headers.get(TOKEN).filter(|token| !token.as_bytes().eq_ignore_ascii_case(b"required"))?;
        let pairs: Vec<&str> = headers
            .get_all(SET_COOKIE)
            .iter()
            .take(COOKIES_MAX)
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        Some(Self { token: token.clone(), cookies: HeaderValue::from_str(&pairs.join("; ")).ok()? })
    }
}

/// Whether a refusal asks for a (new) token. The write was not carried out then.
pub(super) fn wants_token(response: &Response) -> bool {
    response.status() == StatusCode::FORBIDDEN
        && response
            .headers()
            .get(TOKEN)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"required"))
}

impl Http {
    /// The session, or a new one. Whoever fetches lets the others wait.
    pub(super) async fn session(&self, service: &str) -> Result<Session, TargetError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        // The slash at the end keeps the address from being redirected.
        let url = self.url(service, &[""], &[]);
        let request = self.line.client.get(url).header(TOKEN, "Fetch");
        let request = request.basic_auth(&self.config.user, Some(self.config.password.expose()));
        let response = request.send().await.map_err(|error| self.line.broken(&error))?;
        match Session::of(response.headers()) {
            Some(session) => Ok(kept.insert(session).clone()),
            None => Err(match response.status() {
                StatusCode::TOO_MANY_REQUESTS => self.line.busy(retry_after(response.headers())),
                status if status.is_server_error() => self.line.unavailable(),
                _ => self.line.misconfigured(),
            }),
        }
    }

    /// The session is out of date.
    pub(super) async fn forget_session(&self) {
        *self.session.lock().await = None;
    }
}
