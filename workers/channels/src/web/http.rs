//! The HTTP half of the interface: hand a message in, fetch replies. It may not hold a request longer than its wait.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use peyvand::event::{ConversationId, EventId};
use peyvand::store::StoredReply;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::input::{self, Parameters};
use super::refusal::Refusal;
use super::serve::Closing;
use super::{ShownReply, Web};

/// How long a notice of a new reply is trusted to come.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const BODY_TIME_MAX: Duration = Duration::from_secs(15);

/// `POST /v1/messages`
pub(super) async fn publish(
    State(web): State<Arc<Web>>,
    closing: Option<Extension<Closing>>,
    request: Request,
) -> Result<Response, Refusal> {
    let wait = Parameters::of(request.uri())?.wait(web.config.wait_max.as_secs())?;
    if !is_json(request.headers()) {
        return Err(Refusal::WrongContentType);
    }
    let fields = input::fields(&body(request, web.config.body_bytes_max).await?)?;
    let conversation = input::conversation(input::text_of(&fields, "conversation_id")?)?;
    let message =
        input::message(&fields, &web.config.tenant, conversation.clone(), web.config.text_bytes_max)?;
    // Watched before it is published: a reply that comes in between must wake us too.
    let news = web.desk.watch(&conversation);
    let event_id = web.desk.publish(message).await?;
    metrics::counter!("peyvand_web_messages_total", "by" => "http").increment(1);
    let Some(seconds) = wait else {
        let taken = json!({"event_id": event_id, "conversation_id": conversation});
        return Ok((StatusCode::ACCEPTED, Json(taken)).into_response());
    };
    let closing = closing.map(|Extension(closing)| closing).unwrap_or_default();
    let answer = timeout(
        Duration::from_secs(seconds),
        closing.token.run_until_cancelled(answer_of(&web, &conversation, event_id, news)),
    );
    let replies = answer.await.ok().flatten().transpose()?.unwrap_or_default();
    let shown: Vec<_> = replies
        .iter()
        .map(|reply| {
            let (text, language) = (reply.text.expose(), reply.language.as_str());
            json!({"event_id": reply.event_id, "text": text, "language": language, "buttons": reply.buttons})
        })
        .collect();
    Ok(Json(json!({"event_id": event_id, "conversation_id": conversation, "replies": shown})).into_response())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

async fn body(request: Request, max: usize) -> Result<Bytes, Refusal> {
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|text| text.parse::<u64>().ok()).is_some_and(|said| said > max as u64) {
        return Err(Refusal::BodyTooLarge(max));
    }
    let read = timeout(BODY_TIME_MAX, to_bytes(request.into_body(), max)).await;
    // Besides its length only a broken connection ends a body early, and then nobody reads the answer.
    read.map_err(|_| Refusal::SlowBody)?.map_err(|_| Refusal::BodyTooLarge(max))
}

/// Waits until the turn has a reply; every reply of the conversation is read once.
async fn answer_of(
    web: &Web,
    conversation: &ConversationId,
    turn: EventId,
    mut news: watch::Receiver<u64>,
) -> Result<Vec<StoredReply>, Refusal> {
    let mut cursor = 0;
    let mut found = Vec::new();
    loop {
        news.mark_unchanged();
        loop {
            let page = web.page_after(conversation, cursor).await?;
            let Some(last) = page.last() else { break };
            cursor = last.cursor;
            found.extend(
                page.into_iter().filter(|reply| reply.turn_id == turn || reply.parts.contains(&turn)),
            );
        }
        if !found.is_empty() {
            return Ok(found);
        }
        // The reply may be kept by another process, and its notice may be lost.
        if let Ok(changed) = timeout(LOOK_AGAIN, news.changed()).await {
            changed.map_err(|_| Refusal::Unavailable)?;
        }
    }
}

/// `GET /v1/conversations/{id}/replies`
pub(super) async fn replies(
    State(web): State<Arc<Web>>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::BadId("conversation_id"))?;
    let conversation = input::conversation(&id)?;
    let after = Parameters::of(&uri)?.after()?;
    let page = web.page_after(&conversation, after).await?;
    let cursor = page.last().map_or(after, |reply| reply.cursor);
    let shown: Vec<_> = page.iter().map(ShownReply::of).collect();
    Ok(Json(json!({"replies": shown, "cursor": cursor})).into_response())
}
