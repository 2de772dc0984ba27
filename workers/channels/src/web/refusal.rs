//! Everything the web channel can say no to: one code, one status, one sentence in each language. A sentence names
//! the field, never its content.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use thiserror::Error;

use crate::desk::DeskError;

const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// Why a request or a frame is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("refused: {}", self.kind())]
pub(super) enum Refusal {
    NotUtf8,
    NotJson,
    MissingField(&'static str),
    WrongType(&'static str),
    BadParameter(&'static str),
    UnknownType,
    BodyTooLarge(usize),
    TextTooLarge(usize),
    SlowBody,
    WrongContentType,
    EmptyText,
    UnreadableText,
    BadId(&'static str),
    UnknownLanguage,
    NotFound,
    MethodNotAllowed,
    NotAWebSocket,
    ForeignOrigin,
    TooFast,
    Full,
    Unavailable,
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Unavailable => Self::Unavailable,
        }
    }
}

impl Refusal {
    /// The code a program reads.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::MissingField(_) => "missing_field",
            Self::WrongType(_) => "wrong_type",
            Self::BadParameter(_) => "bad_parameter",
            Self::UnknownType => "unknown_type",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::TextTooLarge(_) => "text_too_large",
            Self::SlowBody => "slow_body",
            Self::WrongContentType => "wrong_content_type",
            Self::EmptyText => "empty_text",
            Self::UnreadableText => "unreadable_text",
            Self::BadId(_) => "bad_id",
            Self::UnknownLanguage => "unknown_language",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAWebSocket => "not_a_websocket",
            Self::ForeignOrigin => "foreign_origin",
            Self::TooFast => "too_fast",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotUtf8
            | Self::NotJson
            | Self::MissingField(_)
            | Self::WrongType(_)
            | Self::BadParameter(_)
            | Self::UnknownType
            | Self::NotAWebSocket => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge(_) | Self::TextTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::WrongContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::EmptyText | Self::UnreadableText | Self::BadId(_) | Self::UnknownLanguage => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::TooFast => StatusCode::TOO_MANY_REQUESTS,
            Self::Full | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The sentence for a person, in both languages.
    pub(super) fn message(&self) -> Value {
        let (en, fa) = match self {
            Self::NotUtf8 => ("The text is not UTF-8.".into(), "متن با UTF-8 نوشته نشده است.".into()),
            Self::NotJson => ("A JSON object is expected.".into(), "یک شیء JSON لازم است.".into()),
            Self::MissingField(field) => {
                (format!("The field “{field}” is missing."), format!("فیلد «{field}» وجود ندارد."))
            }
            Self::WrongType(field) => {
                (format!("The field “{field}” has to be text."), format!("فیلد «{field}» باید متن باشد."))
            }
            Self::BadParameter(name) => (
                format!("The parameter “{name}” is missing or out of range."),
                format!("پارامتر «{name}» وجود ندارد یا خارج از محدوده است."),
            ),
            Self::UnknownType => {
                ("The only known type is “message”.".into(), "تنها نوع شناخته‌شده «message» است.".into())
            }
            Self::BodyTooLarge(max) => (
                format!("The request is too large; at most {max} bytes are taken."),
                format!("درخواست بیش از حد بزرگ است؛ حداکثر {max} بایت پذیرفته می‌شود."),
            ),
            Self::TextTooLarge(max) => (
                format!("The message is too long; at most {max} bytes are taken. Please shorten it."),
                format!("پیام بیش از حد بلند است؛ حداکثر {max} بایت پذیرفته می‌شود. لطفاً کوتاه‌ترش کنید."),
            ),
            Self::SlowBody => ("The request did not arrive in time.".into(), "درخواست به‌موقع نرسید.".into()),
            Self::WrongContentType => (
                "The content type has to be application/json.".into(),
                "نوع محتوا باید application/json باشد.".into(),
            ),
            Self::EmptyText => ("The message is empty.".into(), "پیام خالی است.".into()),
            Self::UnreadableText => (
                "The message holds a character that cannot be kept (U+0000).".into(),
                "پیام نویسه‌ای دارد که نمی‌توان نگه داشت (U+0000).".into(),
            ),
            Self::BadId(field) => (
                format!("“{field}” has 1 to 128 plain characters; this one does not."),
                format!("«{field}» باید ۱ تا ۱۲۸ نویسهٔ سادهٔ لاتین باشد."),
            ),
            Self::UnknownLanguage => (
                "The language is unknown; write fa or en.".into(),
                "زبان ناشناخته است؛ fa یا en بنویسید.".into(),
            ),
            Self::NotFound => ("There is nothing here.".into(), "اینجا چیزی نیست.".into()),
            Self::MethodNotAllowed => {
                ("This address does not take that method.".into(), "این نشانی این متد را نمی‌پذیرد.".into())
            }
            Self::NotAWebSocket => {
                ("A WebSocket handshake is expected here.".into(), "اینجا اتصال WebSocket لازم است.".into())
            }
            Self::ForeignOrigin => (
                "Pages of other sites may not connect.".into(),
                "صفحهٔ سایت‌های دیگر اجازهٔ اتصال ندارد.".into(),
            ),
            Self::TooFast => (
                "Too many messages at once. Please wait a moment.".into(),
                "پیام‌ها پشت سر هم زیاد شد. لطفاً کمی صبر کنید.".into(),
            ),
            Self::Full => (
                "Too many people are connected. Please try again in a moment.".into(),
                "شمار اتصال‌ها زیاد است. لطفاً کمی بعد دوباره تلاش کنید.".into(),
            ),
            Self::Unavailable => (
                "The message could not be taken just now. Please try again in a moment.".into(),
                "اکنون نمی‌توان پیام را پذیرفت. لطفاً کمی بعد دوباره تلاش کنید.".to_owned(),
            ),
        };
        json!({"en": en, "fa": fa})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({"error": {"code": self.kind(), "message": self.message()}});
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
