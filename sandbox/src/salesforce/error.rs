//! What Salesforce says when it refuses: a JSON array with its own error code, and at the door of tokens OAuth's object.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use thiserror::Error;

use crate::http::plain;

const JSON: &str = "application/json;charset=UTF-8";

/// A refusal of the REST interface.
#[derive(Debug, Error)]
pub(crate) enum SalesforceError {
    #[error("Session expired or invalid")]
    Session,
    #[error("The requested resource does not exist")]
    NotFound,
    #[error("HTTP method not allowed. Allowed are {0}")]
    Method(&'static str),
    #[error("Content-Type header specified in HTTP request is not supported: send application/json")]
    MediaType,
    #[error("The request body is larger than this service accepts")]
    TooLarge,
    #[error("Unexpected character or end of the body at [line:{line}, column:{column}]")]
    NotJson { line: usize, column: usize },
    #[error("The request body must be a JSON object")]
    NotObject,
    #[error("Cannot deserialize instance of string for {0} or request may be missing a required field")]
    NotText(&'static str),
    #[error("No such column '{0}' on sobject of type Case")]
    UnknownField(String),
    #[error("The {0} field should not be specified in the sobject data.")]
    KeyInBody(&'static str),
    #[error("Required fields are missing: [{0}]")]
    Required(&'static str),
    /// Salesforce repeats the value; whoever logs the message logs what a person wrote.
    #[error("{field}: data value too large: {value} (max length={length})")]
    TooLong { field: &'static str, value: String, length: usize },
    #[error("{field}: bad value for restricted picklist field: {value}")]
    NotInList { field: &'static str, value: String },
}

impl SalesforceError {
    /// A stable word for logs and tests.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            SalesforceError::Session => "session",
            SalesforceError::NotFound => "not_found",
            SalesforceError::Method(_) => "method",
            SalesforceError::MediaType => "media_type",
            SalesforceError::TooLarge => "too_large",
            SalesforceError::NotJson { .. } => "not_json",
            SalesforceError::NotObject => "not_object",
            SalesforceError::NotText(_) => "not_text",
            SalesforceError::UnknownField(_) => "unknown_field",
            SalesforceError::KeyInBody(_) => "key_in_body",
            SalesforceError::Required(_) => "required",
            SalesforceError::TooLong { .. } => "too_long",
            SalesforceError::NotInList { .. } => "not_in_list",
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            SalesforceError::Session => (StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID"),
            SalesforceError::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            SalesforceError::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            SalesforceError::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            SalesforceError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_ENTITY_TOO_LARGE"),
            SalesforceError::NotJson { .. } | SalesforceError::NotObject | SalesforceError::NotText(_) => {
                (StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR")
            }
            SalesforceError::UnknownField(_) | SalesforceError::KeyInBody(_) => {
                (StatusCode::BAD_REQUEST, "INVALID_FIELD")
            }
            SalesforceError::Required(_) => (StatusCode::BAD_REQUEST, "REQUIRED_FIELD_MISSING"),
            SalesforceError::TooLong { .. } => (StatusCode::BAD_REQUEST, "STRING_TOO_LONG"),
            SalesforceError::NotInList { .. } => {
                (StatusCode::BAD_REQUEST, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
            }
        }
    }

    /// The field Salesforce puts beside the message; it names one only where it looked at values.
    fn field(&self) -> Option<&'static str> {
        match self {
            SalesforceError::Required(field)
            | SalesforceError::TooLong { field, .. }
            | SalesforceError::NotInList { field, .. } => Some(field),
            SalesforceError::Session
            | SalesforceError::NotFound
            | SalesforceError::Method(_)
            | SalesforceError::MediaType
            | SalesforceError::TooLarge
            | SalesforceError::NotJson { .. }
            | SalesforceError::NotObject
            | SalesforceError::NotText(_)
            | SalesforceError::UnknownField(_)
            | SalesforceError::KeyInBody(_) => None,
        }
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let (status, code) = self.status_and_code();
        let mut complaint = json!({"message": self.to_string(), "errorCode": code});
        if let Some(field) = self.field() {
            complaint["fields"] = json!([field]);
        }
        let mut response = answer(status, &json!([complaint]));
        if let SalesforceError::Method(allowed) = self {
            let _previous = response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }
}

/// A refusal of the token endpoint.
#[derive(Debug, Error)]
pub(super) enum OAuthError {
    #[error("invalid client credentials")]
    Client { by_header: bool },
    #[error("grant type not supported")]
    Grant,
}

impl OAuthError {
    /// A stable word for logs and tests.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            OAuthError::Client { .. } => "invalid_client",
            OAuthError::Grant => "unsupported_grant_type",
        }
    }

    pub(super) fn response(&self) -> Response<Body> {
        // RFC 6749, 5.2: 401 is for a client that came with the header Authorization.
        let by_header = matches!(self, OAuthError::Client { by_header: true });
        let status = if by_header { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let mut response = oauth(status, self.kind(), &self.to_string());
        if by_header {
            let basic = HeaderValue::from_static("Basic realm=\"Salesforce\"");
            let _previous = response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// The failure that a fault asks for, in the form it has where it strikes.
pub(super) fn failure(status: StatusCode, at_token: bool) -> Response<Body> {
    let words = status.canonical_reason().unwrap_or("Error");
    if at_token {
        let error = match status.as_u16() {
            401 => "invalid_client",
            503 => "temporarily_unavailable",
            500.. => "server_error",
            _ => "invalid_request",
        };
        return oauth(status, error, words);
    }
    let (code, message) = match status.as_u16() {
        400 => ("FIELD_CUSTOM_VALIDATION_EXCEPTION", words),
        401 => return SalesforceError::Session.response(),
        403 | 429 => ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404 => return SalesforceError::NotFound.response(),
        503 => ("SERVER_UNAVAILABLE", words),
        _ => ("UNKNOWN_EXCEPTION", words),
    };
    answer(status, &json!([{"message": message, "errorCode": code}]))
}

fn oauth(status: StatusCode, error: &str, description: &str) -> Response<Body> {
    answer(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    plain(status, JSON, body.to_string())
}
