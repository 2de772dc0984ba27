//! What waits for its publication since long, page by page. It may not decide who publishes it.

use std::time::Duration;

use sqlx::{Row, SqliteConnection};

use super::{
    outbox::{millis, now},
    outgoing_of,
};
use crate::{
    event::ConversationId,
    store::{
        LeftBehind, StoreError, row,
        step::{PAGE_BYTES, WaitingRow},
    },
};

/// The page is measured by its keys: what is sorted does not carry the values.
const PAGE: &str = "
WITH one AS (
  SELECT conversation_id, seq, COALESCE(length(key), 0) + COALESCE(length(value), 0) + length(CAST(headers AS BLOB)) AS bytes
  FROM outgoing WHERE consumer_group = ?1 AND conversation_id > ?2 ORDER BY conversation_id, seq LIMIT ?3
), page AS (
  SELECT conversation_id, seq, bytes, sum(bytes) OVER (ORDER BY conversation_id, seq) AS bytes_through FROM one
)
SELECT o.seq, o.topic, o.key, o.value, o.headers, o.conversation_id, o.kept_at <= ?4 OR o.kept_at > ?6 + 60000, p.bytes_through
FROM page p JOIN outgoing o ON o.consumer_group = ?1 AND o.conversation_id = p.conversation_id AND o.seq = p.seq
WHERE p.bytes_through - p.bytes < ?5 ORDER BY p.conversation_id, p.seq";

pub(super) async fn left_behind(
    connection: &mut SqliteConnection,
    group: &str,
    older_than: Duration,
    (after, limit): (Option<&ConversationId>, u32),
) -> Result<LeftBehind, StoreError> {
    let now = now(connection).await?;
    let rows = sqlx::query(PAGE)
        .bind(group)
        .bind(after.map_or("", ConversationId::as_str))
        .bind(i64::from(limit))
        .bind(now - millis(older_than))
        .bind(i64::from(PAGE_BYTES))
        .bind(now)
        .fetch_all(connection)
        .await?;
    let waiting = rows.iter().map(|row| {
        Ok(WaitingRow {
            outgoing: outgoing_of(row)?,
            conversation_id: row::conversation_of(row.try_get(5)?)?,
            is_old: row.try_get(6)?,
            bytes_through: row.try_get(7)?,
        })
    });
    Ok(LeftBehind::of_page(waiting.collect::<Result<_, StoreError>>()?, limit))
}
