//! Conversations that wait. Parking and the end of parking change the conversation's row as a step does, so that whoever had
//! looked before decides anew. Locks are taken in one order: the conversation, then what waits of it.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    PostgresStore,
    link::{Link, Remedy, remedy},
    outbox::{ATTEMPTS, give, patiently, seconds},
    parking_operator as by_hand, parking_statements as sql,
    read::Answer,
    statements,
};
use crate::{
    bus::{Offset, Record, TimestampType, Topic, TopicPartition},
    event::{ConversationId, EventId},
    store::{
        Kept, PUT_OFF_LIMIT, ParkedConversation, ParkedDecision, ParkedFate, ParkedLease, ParkedRecord,
        ParkedSize, ParkedTurn, StoreError, ToPark, Why, answer_of, row,
    },
};

/// What is wanted.
pub(super) enum What {
    Park { to_park: Box<ToPark>, answer: Answer<Kept> },
    Claim { group: &'static str, limit: u32, lease: Duration, answer: Answer<Vec<ParkedTurn>> },
    Settle { lease: ParkedLease, fate: ParkedFate, answer: Answer<bool> },
    HasLease { lease: ParkedLease, answer: Answer<bool> },
    Begun { lease: ParkedLease, begun: u32, anew: Duration, answer: Answer<bool> },
    List { limit: u32, answer: Answer<Vec<ParkedConversation>> },
    Records { group: String, conversation_id: ConversationId, limit: u32, answer: Answer<Vec<ParkedRecord>> },
    Decide { decision: Box<ParkedDecision>, answer: Answer<Option<Vec<EventId>>> },
}

impl PostgresStore {
    /// Lets a record wait.
    ///
    /// # Errors
    /// [`StoreError`] when it was not kept, or when it is not known.
    pub async fn park(&self, to_park: ToPark) -> Result<Kept, StoreError> {
        self.parking(|answer| What::Park { to_park: Box::new(to_park), answer }).await
    }

    /// Leases conversations whose time has come.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was leased, or when it is not known.
    pub async fn claim_parked(
        &self,
        group: &'static str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<ParkedTurn>, StoreError> {
        self.parking(|answer| What::Claim { group, limit, lease, answer }).await
    }

    /// Commits what became of a waiting record.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known.
    pub async fn settle_parked(&self, lease: ParkedLease, fate: ParkedFate) -> Result<bool, StoreError> {
        self.parking(|answer| What::Settle { lease, fate, answer }).await
    }

    /// Whether a lease is still the newest one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn has_parked_lease(&self, lease: &ParkedLease) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.parking(|answer| What::HasLease { lease, answer }).await
    }

    /// Whoever has a lease begins its round.
    ///
    /// # Errors
    /// [`StoreError`] when it was not noted, or when it is not known.
    pub async fn parked_begun(
        &self,
        lease: &ParkedLease,
        begun: u32,
        anew: Duration,
    ) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.parking(|answer| What::Begun { lease, begun, anew, answer }).await
    }

    /// Conversations that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_conversations(&self, limit: u32) -> Result<Vec<ParkedConversation>, StoreError> {
        self.parking(|answer| What::List { limit, answer }).await
    }

    /// The first waiting records of a conversation.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn parked_records(
        &self,
        group: &str,
        conversation_id: &ConversationId,
        limit: u32,
    ) -> Result<Vec<ParkedRecord>, StoreError> {
        let (group, conversation_id) = (group.to_owned(), conversation_id.clone());
        self.parking(|answer| What::Records { group, conversation_id, limit, answer }).await
    }

    /// Carries out a person's decision.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was committed, or when it is not known.
    pub async fn decide_parked(&self, decision: ParkedDecision) -> Result<Option<Vec<EventId>>, StoreError> {
        self.parking(|answer| What::Decide { decision: Box::new(decision), answer }).await
    }

    async fn parking<T>(&self, what: impl FnOnce(Answer<T>) -> What) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.parking.send(what(answer)).await.map_err(|_| StoreError::closed())?;
        answer_of(&self.parking, answered).await?
    }
}

/// Answers until the store is closed or nobody can ask any more, on a connection of its own: many that wait keep no write from
/// being sent.
pub(super) async fn run(mut link: Link, mut wanted: mpsc::Receiver<What>, closed: CancellationToken) {
    loop {
        let what = tokio::select! {
            biased;
            () = closed.cancelled() => None,
            what = wanted.recv() => what,
        };
        match what {
            Some(What::Park { to_park, answer }) => {
                give(answer, patiently!(link, c => park(c, &to_park)));
            }
            Some(What::Claim { group, limit, lease, answer }) => {
                give(answer, patiently!(link, c => claim(c, group, limit, lease)));
            }
            Some(What::HasLease { lease, answer }) => {
                give(answer, patiently!(link, c => has_lease(c, &lease)));
            }
            Some(What::Begun { lease, begun, anew, answer }) => {
                give(answer, patiently!(link, c => note_begun(c, &lease, begun, anew)));
            }
            Some(What::Settle { lease, fate, answer }) => {
                give(answer, patiently!(link, c => settle(c, &lease, fate)));
            }
            Some(What::List { limit, answer }) => {
                give(answer, patiently!(link, c => by_hand::list(c, limit)));
            }
            Some(What::Records { group, conversation_id, limit, answer }) => {
                let found = patiently!(link, c => by_hand::records(c, &group, &conversation_id, limit));
                give(answer, found);
            }
            Some(What::Decide { decision, answer }) => {
                give(answer, patiently!(link, c => by_hand::decide(c, &decision)));
            }
            None => return,
        }
    }
}

async fn park(connection: &mut PgConnection, to_park: &ToPark) -> Result<Kept, sqlx::Error> {
    let ToPark { key, record, why, room } = to_park;
    let (group, conversation_id) = (key.group, key.conversation_id.as_str());
    let event_id = key.event_id.to_string();
    // A look before the lock: it may take its time, and a few more do no harm.
    let waits = sqlx::query(sql::WAITS).bind(group).bind(conversation_id).fetch_one(&mut *connection).await?;
    let all = ParkedSize::of(waits.try_get(0)?, waits.try_get(1)?);
    let has_room = room.has_room(all, ParkedSize::of(waits.try_get(2)?, waits.try_get(3)?));
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let query = sqlx::query(sql::IS_DONE).bind(group).bind(&event_id);
    let is_done: bool = query.fetch_one(&mut *transaction).await?.try_get(0)?;
    let waits = match why {
        Why::First { .. } => true,
        Why::Follows => {
            let query = sqlx::query(sql::IS_PARKED).bind(group).bind(conversation_id);
            query.fetch_one(&mut *transaction).await?.try_get(0)?
        }
    };
    let refused = match (is_done || !waits, has_room) {
        (true, _) => Some(Kept::Free),
        // What waits already needs no room.
        (false, false) => Some(match is_same(&mut transaction, to_park).await? {
            Some(true) => Kept::Parked,
            Some(false) => Kept::Conflict,
            None => Kept::Full,
        }),
        (false, true) => None,
    };
    if let Some(kept) = refused {
        transaction.rollback().await?;
        return Ok(kept);
    }
    if let Why::First { class, held } = why {
        let query = sqlx::query(sql::PARK).bind(group).bind(conversation_id).bind(class).bind(held);
        query.execute(&mut *transaction).await?;
        sqlx::query(sql::MOVE_ON).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    }
    let headers = row::headers_text(&record.headers).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let bytes = to_park.bytes(&headers);
    let kept = sqlx::query(sql::KEEP)
        .bind(group)
        .bind(conversation_id)
        .bind(&event_id)
        .bind(record.place.topic.as_str())
        .bind(record.place.partition)
        .bind(record.offset.0)
        .bind(record.timestamp_ms)
        .bind(record.key.as_deref())
        .bind(record.value.as_deref())
        .bind(headers)
        .bind(bytes)
        .execute(&mut *transaction)
        .await?;
    if kept.rows_affected() == 0 && is_same(&mut transaction, to_park).await? != Some(true) {
        transaction.rollback().await?;
        return Ok(Kept::Conflict);
    }
    transaction.commit().await?;
    Ok(Kept::Parked)
}

/// Whether the event that waits under this id is the same one; none when none waits.
async fn is_same(connection: &mut PgConnection, to_park: &ToPark) -> Result<Option<bool>, sqlx::Error> {
    let ToPark { key, record, .. } = to_park;
    let query = sqlx::query(sql::IS_SAME).bind(key.group).bind(key.event_id.to_string());
    let query = query.bind(key.conversation_id.as_str()).bind(record.value.as_deref());
    query.fetch_optional(connection).await?.map(|row| row.try_get(0)).transpose()
}

async fn has_lease(connection: &mut PgConnection, lease: &ParkedLease) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(sql::HAS_LEASE).bind(lease.group).bind(lease.conversation_id.as_str());
    query.bind(lease.generation).fetch_one(connection).await?.try_get(0)
}

async fn note_begun(
    connection: &mut PgConnection,
    lease: &ParkedLease,
    begun: u32,
    anew: Duration,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(sql::BEGUN).bind(lease.group).bind(lease.conversation_id.as_str());
    let query = query.bind(lease.generation).bind(i32::try_from(begun).unwrap_or(i32::MAX));
    Ok(query.bind(anew.as_secs_f64()).execute(connection).await?.rows_affected() > 0)
}

async fn claim(
    connection: &mut PgConnection,
    group: &'static str,
    limit: u32,
    lease: Duration,
) -> Result<Vec<ParkedTurn>, sqlx::Error> {
    let query = sqlx::query(sql::CLAIM).bind(group).bind(i64::from(limit)).bind(lease.as_secs_f64());
    let query = query.bind(PUT_OFF_LIMIT.as_secs_f64());
    query.fetch_all(connection).await?.iter().map(|row| turn_of(group, row)).collect()
}

pub(super) fn unreadable(error: StoreError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn turn_of(group: &'static str, row: &PgRow) -> Result<ParkedTurn, sqlx::Error> {
    let headers: String = row.try_get(10)?;
    Ok(ParkedTurn {
        lease: ParkedLease {
            group,
            conversation_id: row::conversation_of(row.try_get(0)?).map_err(unreadable)?,
            generation: row.try_get(1)?,
            pos: row.try_get(3)?,
        },
        record: Record {
            place: TopicPartition {
                topic: Topic::new(row.try_get::<String, _>(4)?),
                partition: row.try_get(5)?,
            },
            offset: Offset(row.try_get(6)?),
            timestamp_ms: row.try_get(7)?,
            timestamp_type: TimestampType::NotAvailable,
            key: row.try_get(8)?,
            value: row.try_get(9)?,
            headers: row::headers_of(&headers).map_err(unreadable)?,
        },
        attempts: u32::try_from(row.try_get::<i32, _>(2)?).unwrap_or_default(),
        begun: u32::try_from(row.try_get::<i32, _>(12)?).unwrap_or_default(),
        age: seconds(row.try_get(11)?).unwrap_or_default(),
    })
}

async fn settle(
    connection: &mut PgConnection,
    lease: &ParkedLease,
    fate: ParkedFate,
) -> Result<bool, sqlx::Error> {
    let (group, conversation_id) = (lease.group, lease.conversation_id.as_str());
    let (after, class) = fate.pause_and_class();
    let after = after.map(|after| after.as_secs_f64());
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    statements::lock(&mut transaction, &[(group, conversation_id)]).await?;
    let query = sqlx::query(sql::SETTLE).bind(group).bind(conversation_id).bind(lease.generation);
    let query = query.bind(after).bind(class).bind(lease.pos);
    let query = query.bind(fate.is_held()).bind(!fate.counts());
    if query.execute(&mut *transaction).await?.rows_affected() == 0 {
        transaction.rollback().await?;
        return Ok(false);
    }
    if fate == ParkedFate::Done {
        let query = sqlx::query(sql::DROP_ONE).bind(group).bind(conversation_id).bind(lease.pos);
        query.execute(&mut *transaction).await?;
        sqlx::query(sql::FREE).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
        // Whoever is still at the record decides anew, and finds its lease gone.
        sqlx::query(sql::MOVE_ON).bind(group).bind(conversation_id).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(true)
}
