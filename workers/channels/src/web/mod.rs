//! The web channel: the chat page, the HTTP interface and the WebSocket of it. It checks what people send and carries
//! it to the desk; it may not understand a message.

mod bucket;
mod http;
mod input;
mod page;
mod refusal;
mod serve;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::{get, post};
use peyvand::event::{Button, ConversationId, EventId, TenantId};
use peyvand::store::StoredReply;
use serde::Serialize;
use tokio::sync::Semaphore;
use tower_http::set_header::SetResponseHeaderLayer;

pub use serve::serve;

use crate::desk::Desk;
use refusal::Refusal;

/// How many replies one answer or one reading of the database holds.
const PAGE: usize = 100;

/// The limits of the web channel.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Whose assistant is spoken to.
    pub tenant: TenantId,
    /// Longest message in UTF-8 bytes.
    pub text_bytes_max: usize,
    /// Largest request body and WebSocket message in bytes.
    pub body_bytes_max: usize,
    /// Most sockets open at once; one more is told to come back.
    pub sockets_max: usize,
    /// Longest `?wait=`.
    pub wait_max: Duration,
    /// What the page offers to try.
    pub sample_sentences: Vec<String>,
}

impl WebConfig {
    /// The usual limits.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            text_bytes_max: 4096,
            body_bytes_max: 64 * 1024,
            sockets_max: 20_000,
            wait_max: Duration::from_secs(60),
            sample_sentences: ["سفارش ۴۵۰۰۱ کجاست؟", "where is order 45001?", "موجودی سیمان چقدر است؟"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// What every handler needs.
struct Web {
    desk: Arc<dyn Desk>,
    config: WebConfig,
    places: Arc<Semaphore>,
}

/// A reply as the interface shows it.
#[derive(Serialize)]
struct ShownReply<'a> {
    cursor: i64,
    event_id: EventId,
    turn_id: EventId,
    text: &'a str,
    language: &'static str,
    buttons: &'a [Button],
    parts: &'a [EventId],
}

impl<'a> ShownReply<'a> {
    fn of(reply: &'a StoredReply) -> Self {
        Self {
            cursor: reply.cursor,
            event_id: reply.event_id,
            turn_id: reply.turn_id,
            text: reply.text.expose(),
            language: reply.language.as_str(),
            buttons: &reply.buttons,
            parts: &reply.parts,
        }
    }
}

impl Web {
    async fn page_after(
        &self,
        conversation: &ConversationId,
        after: i64,
    ) -> Result<Vec<StoredReply>, Refusal> {
        Ok(self.desk.replies_after(conversation, after, PAGE).await?)
    }
}

/// The routes of the web channel.
pub fn router(desk: Arc<dyn Desk>, config: WebConfig) -> Router {
    let places = Arc::new(Semaphore::new(config.sockets_max.min(Semaphore::MAX_PERMITS)));
    let pages = page::router(&config.sample_sentences, config.text_bytes_max);
    let web = Arc::new(Web { desk, config, places });
    Router::new()
        .route("/v1/messages", post(http::publish))
        .route("/v1/conversations/{id}/replies", get(http::replies))
        .route("/v1/socket", get(socket::open))
        .layer(set(header::CACHE_CONTROL, "no-store"))
        .with_state(web)
        .merge(pages)
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
        .fallback(|| async { Refusal::NotFound })
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// Sets a header where the handler has not set it.
fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
