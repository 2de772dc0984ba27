//! Processes and the records they are at. Each is one statement, so none can be half done.

use std::time::Duration;

use sqlx::{PgConnection, Row};

use super::{
    PostgresStore,
    link::Link,
    read::{self, Answer},
};
use crate::{
    bus::{Offset, TopicPartition},
    store::{RecordAt, StoreError, runs::FORGOTTEN},
};

const BEGUN: &str = "
WITH old_runs AS (DELETE FROM worker_run WHERE consumer_group = $1 AND run <> $2 AND seen_at <= now() - make_interval(secs => $3)),
  old_records AS (DELETE FROM record_at_work WHERE consumer_group = $1 AND begun_at <= now() - make_interval(secs => $3)),
  before AS (SELECT seen_at > now() - make_interval(secs => $3) AS counts FROM worker_run WHERE consumer_group = $1 AND run = $2),
  own AS (INSERT INTO worker_run (consumer_group, run) VALUES ($1, $2) ON CONFLICT (consumer_group, run) DO UPDATE SET seen_at = now()),
  left_by_own AS (UPDATE worker_reach SET careful = true WHERE consumer_group = $1 AND run = $2)
SELECT COALESCE((SELECT counts FROM before), false)";

const LIVES: &str = "
INSERT INTO worker_run (consumer_group, run) VALUES ($1, $2) ON CONFLICT (consumer_group, run) DO UPDATE SET seen_at = now()";

const ENDED: &str = "
WITH records AS (DELETE FROM record_at_work WHERE consumer_group = $1 AND run = $2),
  passed AS (DELETE FROM worker_reach WHERE consumer_group = $1 AND run = $2 AND NOT careful)
DELETE FROM worker_run WHERE consumer_group = $1 AND run = $2";

const TAKEN: &str = "
INSERT INTO worker_reach AS w (consumer_group, topic, partition, run) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET run = $4,
  careful = w.careful OR (w.run <> $4 AND NOT EXISTS (SELECT FROM worker_run r WHERE r.consumer_group = $1 AND r.run = w.run
    AND r.seen_at > now() - make_interval(secs => $5)))
RETURNING CASE WHEN careful THEN reach END";

const REACH_MOVED: &str = "
UPDATE worker_reach SET reach = GREATEST(reach, $5), careful = false WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND run = $4";

const RECORD_BEGUN: &str = "
INSERT INTO record_at_work (consumer_group, run, topic, partition, record_offset, begun, written_ms)
SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS
  (SELECT FROM worker_reach WHERE consumer_group = $1 AND topic = $3 AND partition = $4 AND run = $2)
ON CONFLICT (consumer_group, topic, partition, record_offset) DO UPDATE SET begun = $6, run = $2, begun_at = now(), written_ms = $7";

const RECORD_DONE: &str = "
DELETE FROM record_at_work WHERE consumer_group = $1 AND topic = $3 AND partition = $4 AND record_offset = $5 AND (run = $2 OR EXISTS
  (SELECT FROM worker_reach WHERE consumer_group = $1 AND topic = $3 AND partition = $4 AND run = $2))";

const AT_WORK: &str = "
SELECT record_offset, written_ms, counted FROM (
  SELECT w.record_offset, w.written_ms, w.begun - CASE WHEN w.run <> $4 AND EXISTS (SELECT FROM worker_run r WHERE r.consumer_group = $1 AND r.run = w.run
    AND r.seen_at > now() - make_interval(secs => $5)) THEN 1 ELSE 0 END AS counted
  FROM record_at_work w WHERE w.consumer_group = $1 AND w.topic = $2 AND w.partition = $3
) AS counts WHERE counted > 0";

/// What is wanted, of one group.
pub(super) enum What {
    Begun { run: String, answer: Answer<bool> },
    Lives { run: String, answer: Answer<()> },
    Ended { run: String, answer: Answer<()> },
    Taken { run: String, place: TopicPartition, silent: Duration, answer: Answer<Option<Offset>> },
    ReachMoved { run: String, place: TopicPartition, reach: Offset, answer: Answer<()> },
    RecordBegun { run: String, place: TopicPartition, record: RecordAt, times: i32, answer: Answer<bool> },
    RecordDone { run: String, place: TopicPartition, offset: Offset, answer: Answer<()> },
    AtWork { run: String, place: TopicPartition, silent: Duration, answer: Answer<Vec<(RecordAt, u32)>> },
}

impl PostgresStore {
    /// A process begins; says whether one of this name had begun and not ended.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn run_begun(&self, group: &'static str, run: &str) -> Result<bool, StoreError> {
        let run = run.to_owned();
        self.runs(group, |answer| What::Begun { run, answer }).await
    }

    /// A process is alive.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn run_lives(&self, group: &'static str, run: &str) -> Result<(), StoreError> {
        let run = run.to_owned();
        self.runs(group, |answer| What::Lives { run, answer }).await
    }

    /// A process ends in order.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn run_ended(&self, group: &'static str, run: &str) -> Result<(), StoreError> {
        let run = run.to_owned();
        self.runs(group, |answer| What::Ended { run, answer }).await
    }

    /// A process reads a partition from now on; how far a dead one may have been before it.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn partition_taken(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        silent: Duration,
    ) -> Result<Option<Offset>, StoreError> {
        let (run, place) = (run.to_owned(), place.clone());
        self.runs(group, |answer| What::Taken { run, place, silent, answer }).await
    }

    /// A process goes on up to this record.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn reach_moved(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        reach: Offset,
    ) -> Result<(), StoreError> {
        let (run, place) = (run.to_owned(), place.clone());
        self.runs(group, |answer| What::ReachMoved { run, place, reach, answer }).await
    }

    /// A process begins to work on a record; `false` when another one has the partition.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn record_begun(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        record: RecordAt,
        times: u32,
    ) -> Result<bool, StoreError> {
        let (run, place) = (run.to_owned(), place.clone());
        let times = i32::try_from(times).unwrap_or(i32::MAX);
        self.runs(group, |answer| What::RecordBegun { run, place, record, times, answer }).await
    }

    /// A record has its fate.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn record_done(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        offset: Offset,
    ) -> Result<(), StoreError> {
        let (run, place) = (run.to_owned(), place.clone());
        self.runs(group, |answer| What::RecordDone { run, place, offset, answer }).await
    }

    /// The records of a partition at which processes may have ended, and how often each was begun.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn records_at_work(
        &self,
        group: &'static str,
        run: &str,
        place: &TopicPartition,
        silent: Duration,
    ) -> Result<Vec<(RecordAt, u32)>, StoreError> {
        let (run, place) = (run.to_owned(), place.clone());
        self.runs(group, |answer| What::AtWork { run, place, silent, answer }).await
    }

    async fn runs<T>(
        &self,
        group: &'static str,
        what: impl FnOnce(Answer<T>) -> What,
    ) -> Result<T, StoreError> {
        self.read(|answer| read::Ask::Runs { group, what: what(answer) }).await
    }
}

/// Carries out one of them.
pub(super) async fn carry_out(link: &mut Link, group: &'static str, what: What) {
    match what {
        What::Begun { run, answer } => {
            let asked = on(link, async |connection| {
                let query = sqlx::query(BEGUN).bind(group).bind(run).bind(FORGOTTEN.as_secs_f64());
                query.fetch_one(connection).await?.try_get(0)
            });
            read::give(answer, asked.await);
        }
        What::Lives { run, answer } => {
            let told = on(link, async |connection| {
                sqlx::query(LIVES).bind(group).bind(run).execute(connection).await.map(drop)
            });
            read::give(answer, told.await);
        }
        What::Ended { run, answer } => {
            let told = on(link, async |connection| {
                sqlx::query(ENDED).bind(group).bind(run).execute(connection).await.map(drop)
            });
            read::give(answer, told.await);
        }
        What::Taken { run, place, silent, answer } => {
            let asked = on(link, async |connection| {
                let query = of_partition(TAKEN, group, &place).bind(run).bind(silent.as_secs_f64());
                Ok(query.fetch_one(connection).await?.try_get::<Option<i64>, _>(0)?.map(Offset))
            });
            read::give(answer, asked.await);
        }
        What::ReachMoved { run, place, reach, answer } => {
            let told = on(link, async |connection| {
                let query = of_partition(REACH_MOVED, group, &place).bind(run).bind(reach.0);
                query.execute(connection).await.map(drop)
            });
            read::give(answer, told.await);
        }
        What::RecordBegun { run, place, record, times, answer } => {
            let told = on(link, async |connection| {
                let query = sqlx::query(RECORD_BEGUN).bind(group).bind(run).bind(place.topic.as_str());
                let query =
                    query.bind(place.partition).bind(record.offset.0).bind(times).bind(record.written_ms);
                Ok(query.execute(connection).await?.rows_affected() > 0)
            });
            read::give(answer, told.await);
        }
        What::RecordDone { run, place, offset, answer } => {
            let told = on(link, async |connection| {
                let query = sqlx::query(RECORD_DONE).bind(group).bind(run).bind(place.topic.as_str());
                query.bind(place.partition).bind(offset.0).execute(connection).await.map(drop)
            });
            read::give(answer, told.await);
        }
        What::AtWork { run, place, silent, answer } => {
            let query = of_partition(AT_WORK, group, &place).bind(run).bind(silent.as_secs_f64());
            let asked = on(link, async |connection| at_work(connection, query).await);
            read::give(answer, asked.await);
        }
    }
}

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn of_partition(sql: &'static str, group: &'static str, place: &TopicPartition) -> Query {
    sqlx::query(sql).bind(group).bind(place.topic.as_str().to_owned()).bind(place.partition)
}

async fn at_work(connection: &mut PgConnection, query: Query) -> Result<Vec<(RecordAt, u32)>, sqlx::Error> {
    let rows = query.fetch_all(connection).await?;
    let one = |row: &sqlx::postgres::PgRow| -> Result<(RecordAt, u32), sqlx::Error> {
        let begun: i32 = row.try_get(2)?;
        let record = RecordAt { offset: Offset(row.try_get(0)?), written_ms: row.try_get(1)? };
        Ok((record, u32::try_from(begun).unwrap_or_default()))
    };
    rows.iter().map(one).collect()
}

async fn on<T>(
    link: &mut Link,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, StoreError> {
    let mut connection = link.take().await?;
    let done = link.in_time(work(&mut connection)).await?;
    link.keep(connection);
    Ok(done)
}
