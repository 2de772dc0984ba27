//! The WebSocket of the chat page: messages in, replies out as they come, resumed after a cursor. One task per socket
//! with small buffers, because most sockets are idle; it keeps nothing that a reconnect would miss.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use peyvand::event::ConversationId;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Error as WireError;
use tokio_util::sync::CancellationToken;

use super::bucket::Bucket;
use super::input::{self, Fields, Parameters};
use super::refusal::Refusal;
use super::serve::Closing;
use super::{PAGE, ShownReply, Web};

const PING_EACH: Duration = Duration::from_secs(30);
const SILENCE_MAX: Duration = Duration::from_secs(90);
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
const FAREWELL_MAX: Duration = Duration::from_secs(2);
const DESK_RETRY: Duration = Duration::from_secs(1);
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER_MAX: usize = 256 * 1024;
const BURST: u32 = 20;
const REFILL_EACH: Duration = Duration::from_millis(200);

/// `GET /v1/socket`
pub(super) async fn open(
    State(web): State<Arc<Web>>,
    closing: Option<Extension<Closing>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    if !same_origin(&headers) {
        return Err(Refusal::ForeignOrigin);
    }
    let parameters = Parameters::of(&uri)?;
    let (conversation, cursor) = (parameters.conversation()?, parameters.after()?);
    let upgrade = upgrade.map_err(|_| Refusal::NotAWebSocket)?;
    let place = Arc::clone(&web.places).try_acquire_owned().map_err(|_| Refusal::Full)?;
    let Closing { token, sockets } = closing.map(|Extension(closing)| closing).unwrap_or_default();
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(web.config.body_bytes_max)
        .max_frame_size(web.config.body_bytes_max);
    Ok(upgrade.on_upgrade(move |socket| {
        let news = web.desk.watch(&conversation);
        let bucket = Bucket::new(BURST, REFILL_EACH, std::time::Instant::now());
        let talk = Talk { socket, web, conversation, cursor, news, bucket, _place: Place::taken(place) };
        sockets.track_future(talk.run(token))
    }))
}

/// A browser says which site's page connects; other programs say nothing. Without this check any page a person visits
/// could talk through the person's network.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let site = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, site)| site);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((site, host), (Some(site), Some(host)) if site.eq_ignore_ascii_case(host))
}

/// One of the sockets there is room for, counted.
struct Place(
    #[expect(dead_code, reason = "held, not read: dropping it frees the place")] OwnedSemaphorePermit,
);

impl Place {
    fn taken(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("peyvand_web_sockets").increment(1.0);
        Self(permit)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("peyvand_web_sockets").decrement(1.0);
    }
}

/// Why a talk ends.
enum Parting {
    /// The other side is gone or going.
    Gone,
    /// We close it with a code of RFC 6455.
    Close(u16, &'static str),
}

struct Talk {
    socket: WebSocket,
    web: Arc<Web>,
    conversation: ConversationId,
    cursor: i64,
    news: watch::Receiver<u64>,
    bucket: Bucket,
    _place: Place,
}

impl Talk {
    async fn run(mut self, closing: CancellationToken) {
        let Err(parting) = self.talk(&closing).await;
        let mut code = close_code::NORMAL;
        if let Parting::Close(why, reason) = parting {
            code = why;
            let frame = CloseFrame { code, reason: reason.into() };
            if self.say(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        // The other side's close frame is awaited, else its last bytes turn our close frame into a reset.
        let ended =
            timeout(FAREWELL_MAX, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        if code == close_code::SIZE && ended.is_ok() {
            sleep(FAREWELL_MAX).await;
        }
    }

    async fn talk(&mut self, closing: &CancellationToken) -> Result<std::convert::Infallible, Parting> {
        self.check_cursor().await;
        self.tell(&json!({"type": "ready", "cursor": self.cursor})).await?;
        let mut heard = Instant::now();
        let mut look_at = Some(heard);
        let mut beat = interval_at(heard + PING_EACH, PING_EACH);
        loop {
            tokio::select! {
                () = closing.cancelled() => return Err(Parting::Close(close_code::AWAY, "the server stops")),
                frame = self.socket.recv() => {
                    heard = Instant::now();
                    self.hear(frame).await?;
                }
                changed = self.news.changed() => {
                    changed.map_err(|_| Parting::Close(close_code::AWAY, "the server stops"))?;
                    look_at = Some(Instant::now());
                }
                () = sleep_until(look_at.unwrap_or(heard)), if look_at.is_some() => {
                    look_at = self.deliver().await?.then(|| Instant::now() + DESK_RETRY);
                }
                _ = beat.tick() => {
                    if heard.elapsed() >= SILENCE_MAX {
                        return Err(Parting::Gone);
                    }
                    self.say(Message::Ping(Bytes::new())).await?;
                    // A reply may be kept by another process, and its notice may be lost.
                    look_at = Some(Instant::now());
                }
            }
        }
    }

    /// A cursor of a conversation that this database never had, or has no more, would hide all that follows: it begins
    /// anew, and the reader drops what it knows by event id.
    async fn check_cursor(&mut self) {
        if self.cursor == 0 {
            return;
        }
        let known = self.web.desk.replies_after(&self.conversation, self.cursor - 1, 1).await;
        if known.is_ok_and(|page| page.first().is_none_or(|reply| reply.cursor != self.cursor)) {
            self.cursor = 0;
        }
    }

    /// Takes what came.
    async fn hear(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), Parting> {
        match frame {
            None | Some(Ok(Message::Close(_))) => Err(Parting::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => {
                Err(Parting::Close(close_code::UNSUPPORTED, "only text frames are understood"))
            }
            Some(Ok(Message::Text(text))) => {
                let answer = self.answer(text.as_bytes()).await;
                self.tell(&answer).await
            }
            Some(Err(error)) => Err(parting_of(error)),
        }
    }

    async fn answer(&mut self, bytes: &[u8]) -> Value {
        let fields = match input::fields(bytes) {
            Ok(fields) => fields,
            Err(refusal) => return refused(&Fields::new(), &refusal),
        };
        match self.publish(&fields).await {
            Ok(accepted) => accepted,
            Err(refusal) => refused(&fields, &refusal),
        }
    }

    async fn publish(&mut self, fields: &Fields) -> Result<Value, Refusal> {
        if !self.bucket.take(std::time::Instant::now()) {
            return Err(Refusal::TooFast);
        }
        if input::text_of(fields, "type")? != "message" {
            return Err(Refusal::UnknownType);
        }
        let config = &self.web.config;
        let message =
            input::message(fields, &config.tenant, self.conversation.clone(), config.text_bytes_max)?;
        let event_id = self.web.desk.publish(message).await?;
        metrics::counter!("peyvand_web_messages_total", "by" => "socket").increment(1);
        let client_id = fields.get("client_message_id");
        Ok(json!({"type": "accepted", "client_message_id": client_id, "event_id": event_id}))
    }

    /// Sends every reply after the cursor. True when the desk could not be asked and has to be asked again.
    async fn deliver(&mut self) -> Result<bool, Parting> {
        loop {
            let Ok(page) = self.web.page_after(&self.conversation, self.cursor).await else {
                return Ok(true);
            };
            let more = page.len() == PAGE;
            for reply in page {
                let mut shown = json!(ShownReply::of(&reply));
                shown["type"] = json!("reply");
                self.tell(&shown).await?;
                self.cursor = reply.cursor;
            }
            if !more {
                return Ok(false);
            }
        }
    }

    async fn tell(&mut self, value: &Value) -> Result<(), Parting> {
        self.say(Message::text(value.to_string())).await
    }

    /// Sends a frame; who does not take it in time is gone and resumes by the cursor.
    async fn say(&mut self, message: Message) -> Result<(), Parting> {
        match timeout(SEND_TIME_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Parting::Gone),
        }
    }
}

/// The client's own id is repeated only when it is one, so that a refusal is never larger than a message.
fn refused(fields: &Fields, refusal: &Refusal) -> Value {
    let mut answer = json!({"type": "refused", "code": refusal.kind(), "message": refusal.message()});
    if let Some(Value::String(id)) = fields.get("client_message_id")
        && id.len() <= input::CLIENT_ID_BYTES_MAX
    {
        answer["client_message_id"] = json!(id);
    }
    answer
}

fn parting_of(error: axum::Error) -> Parting {
    let Ok(error) = error.into_inner().downcast::<WireError>() else { return Parting::Gone };
    match *error {
        WireError::Capacity(_) => Parting::Close(close_code::SIZE, "the frame is too large"),
        WireError::Utf8(_) => Parting::Close(close_code::INVALID, "the text is not UTF-8"),
        WireError::Protocol(_) => Parting::Close(close_code::PROTOCOL, "this is not the WebSocket protocol"),
        _ => Parting::Gone,
    }
}
