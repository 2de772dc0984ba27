//! Processes and the records they are at; the same rules as in `postgres/runs.rs`.

use std::time::Duration;

use sqlx::{
    Row,
    sqlite::{SqlitePool, SqliteRow},
};

use super::{SqliteStore, outbox::now, to_its_end};
use crate::{
    bus::{Offset, TopicPartition},
    store::{RecordAt, StoreError, runs::FORGOTTEN},
};

impl SqliteStore {
    /// A process begins; says whether one of this name had begun and not ended.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn run_begun(&self, group: &'static str, run: &str) -> Result<bool, StoreError> {
        to_its_end(begun(self.writer_pool.clone(), group, run.to_owned())).await
    }

    /// A process ends in order.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn run_ended(&self, group: &'static str, run: &str) -> Result<(), StoreError> {
        to_its_end(ended(self.writer_pool.clone(), group, run.to_owned())).await
    }

    /// A process reads a partition from now on; how far a dead one may have been before it.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn partition_taken(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
    ) -> Result<Option<Offset>, StoreError> {
        let (pool, run, place) = (self.writer_pool.clone(), run.to_owned(), place.clone());
        to_its_end(async move {
            let row = sqlx::query(
                "INSERT INTO worker_reach (consumer_group, topic, partition, run) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET careful = careful OR run <> ?4, run = ?4
                 RETURNING CASE WHEN careful THEN reach END",
            )
            .bind(group)
            .bind(place.topic.as_str())
            .bind(place.partition)
            .bind(run)
            .fetch_one(&pool)
            .await?;
            Ok(row.try_get::<Option<i64>, _>(0)?.map(Offset))
        })
        .await
    }

    /// A process goes on up to this record.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn reach_moved(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        reach: Offset,
    ) -> Result<(), StoreError> {
        let (pool, run, place) = (self.writer_pool.clone(), run.to_owned(), place.clone());
        to_its_end(async move {
            sqlx::query(
                "UPDATE worker_reach SET reach = max(reach, ?), careful = 0
                 WHERE consumer_group = ? AND topic = ? AND partition = ? AND run = ?",
            )
            .bind(reach.0)
            .bind(group)
            .bind(place.topic.as_str())
            .bind(place.partition)
            .bind(run)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// A process begins to work on a record; `false` when another one has the partition.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn record_begun(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        record: RecordAt,
        times: u32,
    ) -> Result<bool, StoreError> {
        let (pool, run, place) = (self.writer_pool.clone(), run.to_owned(), place.clone());
        to_its_end(async move {
            let mut writer = pool.acquire().await?;
            let now = now(&mut writer).await?;
            let noted = sqlx::query(
                "INSERT OR REPLACE INTO record_at_work
                   (consumer_group, topic, partition, record_offset, run, begun, begun_at, written_ms)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS
                   (SELECT 1 FROM worker_reach WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 AND run = ?5)",
            )
            .bind(group)
            .bind(place.topic.as_str())
            .bind(place.partition)
            .bind(record.offset.0)
            .bind(run)
            .bind(times)
            .bind(now)
            .bind(record.written_ms)
            .execute(&mut *writer)
            .await?;
            Ok(noted.rows_affected() > 0)
        })
        .await
    }

    /// A record has its fate.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted.
    pub async fn record_done(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        offset: Offset,
    ) -> Result<(), StoreError> {
        let (pool, run, place) = (self.writer_pool.clone(), run.to_owned(), place.clone());
        to_its_end(async move {
            sqlx::query(
                "DELETE FROM record_at_work
                 WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 AND record_offset = ?4 AND (run = ?5 OR EXISTS
                   (SELECT 1 FROM worker_reach WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 AND run = ?5))",
            )
            .bind(group)
            .bind(place.topic.as_str())
            .bind(place.partition)
            .bind(offset.0)
            .bind(run)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// The records of a partition that have no fate, and how often each was begun.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn records_at_work(
        &self,
        group: &'static str,
        place: &TopicPartition,
    ) -> Result<Vec<(RecordAt, u32)>, StoreError> {
        let rows = sqlx::query(
            "SELECT record_offset, written_ms, begun FROM record_at_work
             WHERE consumer_group = ? AND topic = ? AND partition = ?",
        )
        .bind(group)
        .bind(place.topic.as_str())
        .bind(place.partition)
        .fetch_all(&self.readers)
        .await?;
        let one = |row: &SqliteRow| -> Result<(RecordAt, u32), StoreError> {
            Ok((RecordAt { offset: Offset(row.try_get(0)?), written_ms: row.try_get(1)? }, row.try_get(2)?))
        };
        rows.iter().map(one).collect()
    }
}

async fn begun(pool: SqlitePool, group: &'static str, run: String) -> Result<bool, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let forgotten = now(&mut transaction).await? - millis(FORGOTTEN);
    sqlx::query("DELETE FROM record_at_work WHERE consumer_group = ? AND begun_at <= ?")
        .bind(group)
        .bind(forgotten)
        .execute(&mut *transaction)
        .await?;
    let new =
        sqlx::query("INSERT INTO worker_run (consumer_group, run) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(group)
            .bind(&run)
            .execute(&mut *transaction)
            .await?;
    sqlx::query("UPDATE worker_reach SET careful = 1 WHERE consumer_group = ? AND run = ?")
        .bind(group)
        .bind(&run)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(new.rows_affected() == 0)
}

async fn ended(pool: SqlitePool, group: &'static str, run: String) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for forget in [
        "DELETE FROM worker_run WHERE consumer_group = ? AND run = ?",
        "DELETE FROM record_at_work WHERE consumer_group = ? AND run = ?",
        "DELETE FROM worker_reach WHERE consumer_group = ? AND run = ? AND careful = 0",
    ] {
        sqlx::query(forget).bind(group).bind(&run).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
