//! CSRF protection as Gateway does it: a session cookie and a token are fetched first, every write must show both.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

use super::error::SapError;

/// The name SAP builds from system id and client.
const COOKIE: &str = "SAP_SESSIONID_S4H_100";
const MAX_SESSIONS: usize = 1_000;

/// The open sessions; the oldest goes when there are too many.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<VecDeque<Session>>,
}

#[derive(Clone)]
struct Session {
    id: String,
    token: String,
}

impl Sessions {
    /// Whether the request asks for a token.
    pub(crate) fn is_fetch(headers: &HeaderMap) -> bool {
        headers.get("x-csrf-token").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"fetch"))
    }

    /// Adds a token, and the cookies of a new session where there is none, to the headers of an answer.
    pub(crate) fn hand_out(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let known = self.find(request);
        let fresh = known.is_none();
        let session = known.unwrap_or_else(|| self.open_one());
        let set = |answer: &mut HeaderMap, name: &'static str, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                let _existed = answer.append(name, value);
            }
        };
        set(answer, "x-csrf-token", session.token);
        if fresh {
            set(answer, "set-cookie", "sap-usercontext=sap-client=100; path=/".to_owned());
            set(answer, "set-cookie", format!("{COOKIE}={}; path=/; HttpOnly", session.id));
        }
    }

    /// Lets a write through only with a session's cookie and that session's token.
    pub(crate) fn check(&self, request: &HeaderMap) -> Result<(), SapError> {
        let session = self.find(request).ok_or(SapError::CsrfRequired)?;
        let sent = request.get("x-csrf-token").map(HeaderValue::as_bytes);
        if sent == Some(session.token.as_bytes()) { Ok(()) } else { Err(SapError::CsrfRequired) }
    }

    /// Ends every session, as a restart or a time-out does.
    pub(crate) fn expire_all(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn find(&self, request: &HeaderMap) -> Option<Session> {
        let id = request
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == COOKIE).then_some(value))?;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|session| session.id == id).cloned()
    }

    fn open_one(&self) -> Session {
        let word = || Uuid::new_v4().simple().to_string();
        let session = Session { id: word(), token: word() };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == MAX_SESSIONS {
            let _oldest = open.pop_front();
        }
        open.push_back(session.clone());
        session
    }
}
