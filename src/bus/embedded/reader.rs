//! Reads records out of the file, bounded in number and bytes. Reads only.

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, Sqlite};

use super::headers;
use super::shared::{Place, of_sqlite};
use crate::bus::{BusError, Offset, Record, TimestampType, TopicPartition};

/// Bytes of payload in one read; a single record may be over it.
const MOST_BYTES: usize = 4 << 20;

/// The records of a partition from an offset on, `limit` of them or 4 MiB at most.
pub(super) async fn read(
    pool: &SqlitePool,
    place: Place,
    name: &TopicPartition,
    from: i64,
    limit: usize,
) -> Result<Vec<Record>, BusError> {
    let mut rows = sqlx::query::<Sqlite>(
        r#"SELECT "offset", timestamp_ms, "key", value, headers FROM record
           WHERE topic_id = ? AND "partition" = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?"#,
    )
    .bind(place.topic_id)
    .bind(place.partition)
    .bind(from)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch(pool);
    let mut records: Vec<Record> = Vec::new();
    let mut bytes = 0;
    while bytes < MOST_BYTES
        && let Some(row) = rows.try_next().await.map_err(|error| of_sqlite(&error))?
    {
        match record(name, &row) {
            Ok(record) => {
                bytes += record.headers.size();
                bytes += record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len);
                records.push(record);
            }
            // What stands before a damaged record is still good; the damage is told when it is next in line.
            Err(_) if !records.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

fn record(name: &TopicPartition, row: &SqliteRow) -> Result<Record, BusError> {
    let of = |error: sqlx::Error| of_sqlite(&error);
    let offset = Offset(row.try_get(0).map_err(of)?);
    let column: Vec<u8> = row.try_get(4).map_err(of)?;
    let headers = headers::decode(&column).map_err(|headers::Damaged| {
        BusError::Unavailable(format!(
            "the headers of record {} of {name} are damaged; restore the file from a backup or seek behind it",
            offset.0
        ))
    })?;
    Ok(Record {
        place: name.clone(),
        offset,
        timestamp_ms: row.try_get(1).map_err(of)?,
        timestamp_type: TimestampType::LogAppendTime,
        key: row.try_get(2).map_err(of)?,
        value: row.try_get(3).map_err(of)?,
        headers,
    })
}

/// The first record that was appended at this time or later.
pub(super) async fn first_since(
    pool: &SqlitePool,
    place: Place,
    timestamp_ms: i64,
) -> Result<Option<Offset>, BusError> {
    let row = sqlx::query_as::<Sqlite, (i64,)>(
        r#"SELECT "offset" FROM record
           WHERE topic_id = ? AND "partition" = ? AND timestamp_ms >= ? ORDER BY "offset" LIMIT 1"#,
    )
    .bind(place.topic_id)
    .bind(place.partition)
    .bind(timestamp_ms)
    .fetch_optional(pool)
    .await
    .map_err(|error| of_sqlite(&error))?;
    Ok(row.map(|(offset,)| Offset(offset)))
}
