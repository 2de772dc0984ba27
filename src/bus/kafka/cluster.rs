//! Questions to the cluster and the making of topics. They block, so each runs where blocking is allowed; none
//! touches a group's members.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::producer::Publisher;
use super::{KafkaConfig, Lag, settings};
use crate::bus::{BusError, NextOffset, Topic, TopicPartition, TopicSpec};

/// How long one question may take.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a new topic may take until the brokers show it, and how often they are asked.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Replicas of a topic where there are brokers enough, and how many of them must have a record.
const REPLICAS: usize = 3;

/// What the cluster shows.
pub(super) struct Shown {
    brokers: usize,
    /// Topics with their partitions, Kafka's own left out.
    pub(super) topics: Vec<(Topic, i32)>,
}

impl Shown {
    pub(super) fn partitions(&self, topic: &Topic) -> Option<i32> {
        self.topics.iter().find(|(name, _)| name == topic).map(|(_, partitions)| *partitions)
    }

    /// Every partition of these topics.
    pub(super) fn places(&self, topics: &[Topic]) -> Result<Vec<TopicPartition>, BusError> {
        let mut places = Vec::new();
        for topic in topics {
            let partitions = self.partitions(topic).ok_or_else(|| BusError::UnknownTopic(topic.clone()))?;
            places
                .extend((0..partitions).map(|partition| TopicPartition { topic: topic.clone(), partition }));
        }
        Ok(places)
    }

    /// The first of these that is not as it is wanted.
    pub(super) fn check(&self, wanted: &[TopicSpec]) -> Result<(), BusError> {
        for spec in wanted {
            match self.partitions(&spec.topic) {
                None => return Err(BusError::UnknownTopic(spec.topic.clone())),
                Some(found) if found != spec.partitions => {
                    return Err(BusError::Partitions {
                        topic: spec.topic.clone(),
                        found,
                        wanted: spec.partitions,
                    });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Runs what blocks away from the workers of the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BusError> + Send + 'static,
) -> Result<T, BusError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| BusError::Closed)?
}

/// What the cluster shows now.
pub(super) async fn shown(publisher: &Arc<Publisher>, within: Duration) -> Result<Shown, BusError> {
    let publisher = Arc::clone(publisher);
    blocking(move || {
        let metadata = publisher.client()?.fetch_metadata(None, within).map_err(|error| no_answer(&error))?;
        let own = |name: &str| name.starts_with("__");
        let topics = metadata.topics().iter().filter(|topic| topic.error().is_none() && !own(topic.name()));
        let topics = topics
            .map(|topic| {
                (Topic::new(topic.name()), i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX))
            })
            .collect();
        Ok(Shown { brokers: metadata.brokers().len(), topics })
    })
    .await
}

/// What the cluster shows, asked with the usual patience.
pub(super) async fn look(publisher: &Arc<Publisher>) -> Result<Shown, BusError> {
    shown(publisher, ANSWER_WITHIN).await
}

/// Makes the topics that are missing, and waits until all are shown with their partitions.
pub(super) async fn create(
    config: &KafkaConfig,
    publisher: &Arc<Publisher>,
    wanted: &[TopicSpec],
) -> Result<(), BusError> {
    if let Some(spec) = wanted.iter().find(|spec| spec.partitions < 1) {
        return Err(BusError::Partitions { topic: spec.topic.clone(), found: 0, wanted: spec.partitions });
    }
    let shown = look(publisher).await?;
    let missing: Vec<TopicSpec> =
        wanted.iter().filter(|spec| shown.partitions(&spec.topic).is_none()).cloned().collect();
    let there: Vec<TopicSpec> =
        wanted.iter().filter(|spec| shown.partitions(&spec.topic).is_some()).cloned().collect();
    shown.check(&there)?;
    if missing.is_empty() {
        return Ok(());
    }
    make(config, &missing, shown.brokers).await?;
    let deadline = tokio::time::Instant::now() + SHOWN_WITHIN;
    loop {
        match look(publisher).await?.check(wanted) {
            Err(BusError::UnknownTopic(_)) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(ASK_EVERY).await;
            }
            other => return other,
        }
    }
}

async fn make(config: &KafkaConfig, missing: &[TopicSpec], brokers: usize) -> Result<(), BusError> {
    let settings = settings::admin(config);
    let admin: AdminClient<DefaultClientContext> =
        blocking(move || settings.create().map_err(|error| settings::refused(&error))).await?;
    let replicas = brokers.clamp(1, REPLICAS);
    let limits: Vec<(String, String)> = missing
        .iter()
        .map(|spec| (spec.retention_ms.to_string(), spec.retention_bytes.to_string()))
        .collect();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&limits)
        .map(|(spec, (time, bytes))| {
            let replicas = i32::try_from(replicas).unwrap_or(1);
            NewTopic::new(spec.topic.as_str(), spec.partitions, TopicReplication::Fixed(replicas))
                .set("cleanup.policy", "delete")
                .set("retention.ms", time)
                .set("retention.bytes", bytes)
                .set("max.message.bytes", settings::MOST_TOPIC_BYTES)
                .set("message.timestamp.type", "LogAppendTime")
                // A record counts as kept when a second replica has it, where there is one to spare.
                .set("min.insync.replicas", if replicas == 3 { "2" } else { "1" })
        })
        .collect();
    let options =
        AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN));
    let made = admin.create_topics(&topics, &options).await;
    let () = blocking(move || {
        drop(admin);
        Ok(())
    })
    .await?;
    for result in made.map_err(|error| no_answer(&error))? {
        match result {
            // Another process was quicker.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(BusError::Unavailable(format!(
                    "topic {topic} could not be created ({code}); an operator with the right may create it"
                )));
            }
        }
    }
    Ok(())
}

/// How far a group is behind in each partition of these topics.
pub(super) async fn lag(
    config: &KafkaConfig,
    publisher: &Arc<Publisher>,
    group: &str,
    topics: &[Topic],
) -> Result<Vec<Lag>, BusError> {
    let places = look(publisher).await?.places(topics)?;
    let settings = settings::onlooker(config, group);
    blocking(move || {
        let onlooker: BaseConsumer = settings.create().map_err(|error| settings::refused(&error))?;
        let mut list = TopicPartitionList::with_capacity(places.len());
        for place in &places {
            let _added = list.add_partition(place.topic.as_str(), place.partition);
        }
        let committed = onlooker.committed_offsets(list, ANSWER_WITHIN).map_err(|error| no_answer(&error))?;
        let mut lags = Vec::with_capacity(places.len());
        for place in places {
            let name = place.topic.as_str();
            let (begin, end) = onlooker
                .fetch_watermarks(name, place.partition, ANSWER_WITHIN)
                .map_err(|error| no_answer(&error))?;
            let committed = match committed.find_partition(name, place.partition).map(|e| e.offset()) {
                Some(Offset::Offset(next)) => Some(NextOffset(next)),
                _ => None,
            };
            lags.push(Lag { place, committed, begin: NextOffset(begin), end: NextOffset(end) });
        }
        Ok(lags)
    })
    .await
}

pub(super) fn no_answer(error: &KafkaError) -> BusError {
    BusError::Unavailable(format!(
        "{error}; check that the brokers run, that their address is right and that this user may ask them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(topic: &str, partitions: i32) -> TopicSpec {
        TopicSpec { topic: Topic::new(topic), partitions, retention_ms: -1, retention_bytes: -1 }
    }

    #[test]
    fn a_missing_topic_and_another_number_of_partitions_are_told_apart() {
        let shown = Shown { brokers: 1, topics: vec![(Topic::new("a"), 6), (Topic::new("b"), 3)] };
        let kind = |wanted: &[TopicSpec]| shown.check(wanted).map_err(|error| error.kind());
        assert_eq!(kind(&[spec("a", 6), spec("b", 3)]), Ok(()));
        assert_eq!(kind(&[spec("a", 6), spec("c", 3)]), Err("unknown_topic"));
        assert_eq!(kind(&[spec("b", 6)]), Err("partitions"));
    }
}
