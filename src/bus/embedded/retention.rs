//! Drops the oldest records of a partition when they are too old or too many bytes. A batch at a time, so that
//! appends never wait long for it.

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Sqlite};

use super::shared::Place;
use crate::bus::TopicSpec;

const BATCH: i64 = 512;

/// Drops up to a batch; tells whether there may be more to drop. A negative limit is none.
pub(super) async fn trim(
    connection: &mut SqliteConnection,
    place: Place,
    spec: &TopicSpec,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let oldest = oldest(connection, place).await?;
    let held = held_bytes(connection, place).await?;
    let Some((below, bytes, dropped)) = over_the_limits(&oldest, held, spec, now_ms) else {
        return Ok(false);
    };
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let _some = sqlx::query::<Sqlite>(
        r#"DELETE FROM record WHERE topic_id = ? AND "partition" = ? AND "offset" < ?"#,
    )
    .bind(place.topic_id)
    .bind(place.partition)
    .bind(below)
    .execute(&mut *transaction)
    .await?;
    let _one =
        sqlx::query::<Sqlite>(r#"UPDATE head SET bytes = bytes - ? WHERE topic_id = ? AND "partition" = ?"#)
            .bind(bytes)
            .bind(place.topic_id)
            .bind(place.partition)
            .execute(&mut *transaction)
            .await?;
    transaction.commit().await?;
    Ok(dropped == BATCH)
}

/// (offset, timestamp, size) of the oldest records.
async fn oldest(
    connection: &mut SqliteConnection,
    place: Place,
) -> Result<Vec<(i64, i64, i64)>, sqlx::Error> {
    sqlx::query_as::<Sqlite, (i64, i64, i64)>(
        r#"SELECT "offset", timestamp_ms, size FROM record
           WHERE topic_id = ? AND "partition" = ? ORDER BY "offset" LIMIT ?"#,
    )
    .bind(place.topic_id)
    .bind(place.partition)
    .bind(BATCH)
    .fetch_all(connection)
    .await
}

async fn held_bytes(connection: &mut SqliteConnection, place: Place) -> Result<i64, sqlx::Error> {
    let row =
        sqlx::query_as::<Sqlite, (i64,)>(r#"SELECT bytes FROM head WHERE topic_id = ? AND "partition" = ?"#)
            .bind(place.topic_id)
            .bind(place.partition)
            .fetch_optional(connection)
            .await?;
    Ok(row.map_or(0, |(bytes,)| bytes))
}

/// The first offset that stays, the bytes that go and the number of records that go, when any go.
fn over_the_limits(
    oldest: &[(i64, i64, i64)],
    held: i64,
    spec: &TopicSpec,
    now_ms: i64,
) -> Option<(i64, i64, i64)> {
    let too_old =
        |timestamp: i64| spec.retention_ms >= 0 && timestamp < now_ms.saturating_sub(spec.retention_ms);
    let too_many = |bytes: i64| spec.retention_bytes >= 0 && bytes > spec.retention_bytes;
    let mut gone = None;
    for (offset, timestamp, size) in oldest {
        let (_, bytes, records) = gone.unwrap_or((0, 0, 0));
        if !too_old(*timestamp) && !too_many(held - bytes) {
            break;
        }
        gone = Some((offset + 1, bytes + size, records + 1));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Topic;

    fn spec(retention_ms: i64, retention_bytes: i64) -> TopicSpec {
        TopicSpec { topic: Topic::new("t"), partitions: 1, retention_ms, retention_bytes }
    }

    const THREE: [(i64, i64, i64); 3] = [(7, 100, 10), (8, 200, 10), (9, 300, 10)];

    #[test]
    fn without_limits_everything_stays() {
        assert_eq!(over_the_limits(&THREE, 30, &spec(-1, -1), i64::MAX), None);
    }

    #[test]
    fn a_record_exactly_as_old_as_allowed_stays() {
        assert_eq!(over_the_limits(&THREE, 30, &spec(100, -1), 300), Some((8, 10, 1)));
    }

    #[test]
    fn only_so_many_go_that_the_bytes_fit() {
        assert_eq!(over_the_limits(&THREE, 30, &spec(-1, 10), 300), Some((9, 20, 2)));
    }
}
