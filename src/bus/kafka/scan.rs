//! Looking through topics from the outside: every record that is there now, without being a member of any group.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message, Offset as Position, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use super::{
    KafkaConfig,
    cluster::{ANSWER_WITHIN, blocking, look, no_answer},
    message::record_of,
    producer::Publisher,
    settings,
};
use crate::bus::{BusError, Offset, Record, Topic, TopicPartition};

/// A broker that says nothing for so long is away.
const SILENCE: Duration = Duration::from_secs(15);

/// What is held of each record while many are read.
#[derive(Clone, Copy)]
enum Values {
    Kept,
    LeftOut,
}

/// Hears that a partition is read to its end, also while it leaves: that is what it waits for and no error.
struct Onlooker;

impl ClientContext for Onlooker {
    fn error(&self, error: KafkaError, reason: &str) {
        match error {
            KafkaError::Global(RDKafkaErrorCode::PartitionEOF) => {}
            other => tracing::warn!("{other}: {reason}"),
        }
    }
}

impl ConsumerContext for Onlooker {}

/// The records of topics without their values, those of a partition in their order; at most `limit` of each partition, the
/// oldest first.
pub(super) async fn scan(
    config: &KafkaConfig,
    publisher: &Arc<Publisher>,
    topics: &[Topic],
    limit: usize,
) -> Result<Vec<Record>, BusError> {
    let places = look(publisher).await?.places(topics)?;
    from(config, places, Offset(0), limit, Values::LeftOut).await
}

/// The record at a place, when it is there.
pub(super) async fn one(
    config: &KafkaConfig,
    publisher: &Arc<Publisher>,
    place: TopicPartition,
    offset: Offset,
) -> Result<Option<Record>, BusError> {
    let places = look(publisher).await?.places(std::slice::from_ref(&place.topic))?;
    if !places.contains(&place) {
        return Ok(None);
    }
    let found = from(config, vec![place], offset, 1, Values::Kept).await?;
    Ok(found.into_iter().find(|record| record.offset == offset))
}

/// At most `limit` records of each partition, from an offset on.
async fn from(
    config: &KafkaConfig,
    places: Vec<TopicPartition>,
    offset: Offset,
    limit: usize,
    values: Values,
) -> Result<Vec<Record>, BusError> {
    let mut settings = settings::onlooker(config, "peyvand-onlooker");
    settings.set("enable.partition.eof", "true");
    blocking(move || {
        let onlooker: BaseConsumer<Onlooker> =
            settings.create_with_context(Onlooker).map_err(|error| settings::refused(&error))?;
        read(&onlooker, &places, offset, limit, values)
    })
    .await
}

fn read(
    onlooker: &BaseConsumer<Onlooker>,
    places: &[TopicPartition],
    offset: Offset,
    limit: usize,
    values: Values,
) -> Result<Vec<Record>, BusError> {
    let mut list = TopicPartitionList::with_capacity(places.len());
    let (mut open, mut found) = (HashSet::new(), Vec::new());
    let mut ends = HashMap::new();
    for place in places {
        let watermarks = onlooker.fetch_watermarks(place.topic.as_str(), place.partition, ANSWER_WITHIN);
        let (low, end) = watermarks.map_err(|error| no_answer(&error))?;
        let low = low.max(offset.0);
        if low < end {
            list.add_partition_offset(place.topic.as_str(), place.partition, Position::Offset(low))
                .map_err(|error| no_answer(&error))?;
            open.insert(place.clone());
            // What comes while we read is not read: a topic that is written to would have no end.
            ends.insert(place.clone(), (end, 0_usize));
        }
    }
    onlooker.assign(&list).map_err(|error| no_answer(&error))?;
    let mut heard = Instant::now();
    while !open.is_empty() {
        match onlooker.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let place =
                    TopicPartition { topic: Topic::new(message.topic()), partition: message.partition() };
                let Some((end, count)) = ends.get_mut(&place).filter(|_| open.contains(&place)) else {
                    continue;
                };
                if message.offset() < *end {
                    *count += 1;
                    let record = record_of(place.clone(), &message);
                    found.push(match values {
                        Values::Kept => record,
                        Values::LeftOut => Record { value: None, ..record },
                    });
                }
                if message.offset() + 1 >= *end || *count >= limit {
                    open.remove(&place);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                heard = Instant::now();
                open.retain(|place| !is_read(onlooker, place, &ends));
            }
            Some(Err(error)) if heard.elapsed() > SILENCE => return Err(no_answer(&error)),
            Some(Err(_)) | None if heard.elapsed() <= SILENCE => {}
            Some(Err(_)) | None => {
                return Err(BusError::Unavailable("no broker answers; check that they run".to_owned()));
            }
        }
    }
    found.sort_by(|a, b| (&a.place, a.offset).cmp(&(&b.place, b.offset)));
    Ok(found)
}

/// Whether the reader stands at the end: what is missing before it are marks of transactions, or was dropped.
fn is_read(
    onlooker: &BaseConsumer<Onlooker>,
    place: &TopicPartition,
    ends: &HashMap<TopicPartition, (i64, usize)>,
) -> bool {
    let at = onlooker.position().ok();
    let at = at.as_ref().and_then(|list| list.find_partition(place.topic.as_str(), place.partition));
    match (at.map(|element| element.offset()), ends.get(place)) {
        (Some(Position::Offset(at)), Some((end, _))) => at >= *end,
        (_, _) => false,
    }
}
