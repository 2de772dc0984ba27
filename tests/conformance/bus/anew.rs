//! What somebody does to a topic or to a group's place in it from outside: whatever is in the log then is read, from its
//! beginning, and the group's place is true afterwards.

use std::time::Duration;

use peyvand::bus::{Epoch, NextOffset, Offset, Record, Topic};
use rdkafka::{
    ClientConfig, Offset as At, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
};

use super::backing::{Backing, Kafka, PARTITIONS, spec, told};
use super::reader::{Reader, fill, text};

const PATIENCE: Duration = Duration::from_secs(60);
const ALL: usize = PARTITIONS as usize;

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", told("PEYVAND_TEST_KAFKA")).create().unwrap()
}

/// Deletes a topic and waits until the brokers have carried it out.
async fn delete(topic: &Topic) {
    let admin = admin();
    let gone = admin.delete_topics(&[topic.as_str()], &AdminOptions::new()).await.unwrap();
    gone.into_iter().for_each(|one| drop(one.unwrap()));
    let until = tokio::time::Instant::now() + PATIENCE;
    while is_there(&admin, topic.as_str()) {
        assert!(tokio::time::Instant::now() < until, "{topic} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_there(admin: &AdminClient<DefaultClientContext>, topic: &str) -> bool {
    let seen = admin.inner().fetch_metadata(None, PATIENCE).unwrap();
    seen.topics().iter().any(|one| one.name() == topic)
}

/// Every partition of a topic at this offset.
fn at(topic: &Topic, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic.as_str(), partition, At::Offset(offset)).unwrap();
    }
    list
}

/// What an operator does while nobody of the group is there.
fn set_place(log: &Kafka, group: &str, offset: i64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", told("PEYVAND_TEST_KAFKA")).set("group.id", log.group(group));
    let outsider: BaseConsumer = config.create().unwrap();
    outsider.commit(&at(&log.topic(), offset), CommitMode::Sync).unwrap();
}

fn settle(reader: &Reader, read: &[(Record, Epoch)]) {
    read.iter().for_each(|(record, epoch)| reader.store(record, *epoch));
}

/// The group's place in every partition is this, before long.
async fn committed_everywhere(log: &Kafka, group: &str, wanted: i64) {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let lags = log.bus.lag(&log.group(group), &[log.topic()]).await.unwrap();
        let committed: Vec<_> = lags.into_iter().map(|lag| lag.committed).collect();
        if committed.iter().all(|place| *place == Some(NextOffset(wanted))) {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "{committed:?} and not {wanted}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A member that has settled three records of each partition.
async fn settled(log: &Kafka) -> Reader {
    fill(&log.producer(), &log.topic(), ALL, 3).await;
    let mut reader = Reader::of(log.join("g"));
    let read = reader.records(3 * ALL).await;
    settle(&reader, &read);
    committed_everywhere(log, "g", 3).await;
    reader
}

/// Reads until it has seen each value of each partition in a stay that still is, and settles all.
async fn reads_all(reader: &mut Reader, many: usize) {
    let mut read: Vec<(Record, Epoch)> = Vec::new();
    let all = async {
        while read.len() < many * ALL {
            let next = reader.records(1).await;
            read.extend(next);
            read.retain(|(record, epoch)| reader.held.get(&record.place) == Some(epoch));
        }
    };
    let ended = tokio::time::timeout(PATIENCE, all).await;
    let mut seen: Vec<(i32, Offset, String)> =
        read.iter().map(|(record, _)| (record.place.partition, record.offset, text(record))).collect();
    seen.sort();
    assert!(ended.is_ok(), "only these were read: {seen:?}");
    let wanted = (0..PARTITIONS).flat_map(|partition| {
        (0..many).map(move |number| (partition, Offset(i64::try_from(number).unwrap()), number.to_string()))
    });
    assert_eq!(seen, wanted.collect::<Vec<_>>());
    settle(reader, &read);
}

async fn made_anew_with(many: usize, away: Duration) {
    let log = Kafka::open().await;
    let mut reader = settled(&log).await;
    delete(&log.topic()).await;
    // As long as the brokers need, or until the member knows.
    tokio::time::sleep(away).await;
    log.bus.create_topics(&[spec(&log.topic(), PARTITIONS)]).await.unwrap();
    fill(&log.producer(), &log.topic(), ALL, many).await;
    reads_all(&mut reader, many).await;
    committed_everywhere(&log, "g", i64::try_from(many).unwrap()).await;
    reader.close().await;
}

#[tokio::test]
async fn a_topic_that_is_made_anew_at_once_and_has_less_than_before_is_read_whole() {
    made_anew_with(2, Duration::ZERO).await;
}

#[tokio::test]
async fn a_topic_that_is_made_anew_at_once_and_has_more_than_before_is_read_whole() {
    made_anew_with(9, Duration::ZERO).await;
}

#[tokio::test]
async fn a_topic_that_was_gone_for_a_while_and_has_more_than_before_is_read_whole() {
    made_anew_with(9, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_group_that_was_set_to_the_beginning_reads_everything_again() {
    let log = Kafka::open().await;
    settled(&log).await.close().await;
    set_place(&log, "g", 0);
    let mut reader = Reader::of(log.join("g"));
    reads_all(&mut reader, 3).await;
    committed_everywhere(&log, "g", 3).await;
    reader.close().await;
}

/// What the log gets up to there later would be passed over if the group's place stayed where it is.
#[tokio::test]
async fn a_group_whose_place_is_beyond_the_end_begins_at_the_beginning_and_its_place_comes_back() {
    let log = Kafka::open().await;
    settled(&log).await.close().await;
    set_place(&log, "g", 1000);
    let lags = log.bus.lag(&log.group("g"), &[log.topic()]).await.unwrap();
    assert!(lags.iter().all(|lag| lag.behind() == 3), "all of it is still to be read");
    let mut reader = Reader::of(log.join("g"));
    reads_all(&mut reader, 3).await;
    committed_everywhere(&log, "g", 3).await;
    reader.close().await;
}

#[tokio::test]
async fn a_group_whose_place_the_log_has_dropped_goes_on_at_the_oldest_record() {
    let log = Kafka::open().await;
    settled(&log).await.close().await;
    set_place(&log, "g", 1);
    admin().delete_records(&at(&log.topic(), 2), &AdminOptions::new()).await.unwrap();
    let mut reader = Reader::of(log.join("g"));
    let read = reader.records(ALL).await;
    assert!(read.iter().all(|(record, _)| record.offset == Offset(2)));
    settle(&reader, &read);
    committed_everywhere(&log, "g", 3).await;
    reader.close().await;
}
