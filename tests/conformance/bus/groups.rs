//! Who reads what, and where a group goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use peyvand::bus::{ConsumerEvent, Epoch, NextOffset, Offset};

use super::backing::Backing;
use super::reader::{Reader, fill, hold_both, places, record, text};

pub(crate) async fn a_group_goes_on_at_its_stored_offset_after_everything_was_closed(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    for value in ["one", "two", "three"] {
        producer.send(record(&topic, "k", value)).await.unwrap();
    }
    let mut reader = Reader::of(log.join("g"));
    let read = reader.records(2).await;
    reader.store(&read[0].0, read[0].1);
    reader.close().await;
    let log = log.open_again().await;
    assert_eq!(log.committed("g", &read[0].0.place).await, Some(NextOffset(1)));
    let mut reader = Reader::of(log.join("g"));
    assert_eq!(reader.records(1).await[0].0, read[1].0);
    assert_eq!(text(&reader.records(1).await[0].0), "three");
}

pub(crate) async fn records_that_were_not_settled_come_again(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    fill(&producer, &topic, 4, 3).await;
    let mut reader = Reader::of(log.join("g"));
    let first = reader.records(12).await;
    reader.close().await;
    assert_eq!(log.committed("g", &first[0].0.place).await, None);
    let again = Reader::of(log.join("g")).records(12).await;
    assert_eq!(places(&first), places(&again));
    assert!(again.iter().all(|(_, epoch)| first.iter().all(|(_, before)| before != epoch)));
}

pub(crate) async fn a_store_of_an_earlier_stay_or_an_earlier_offset_changes_nothing(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    for value in ["one", "two", "three"] {
        producer.send(record(&topic, "k", value)).await.unwrap();
    }
    let mut reader = Reader::of(log.join("g"));
    let (got, epoch) = reader.records(3).await.remove(1);
    for (epoch, next) in [(epoch, 2), (Epoch(epoch.0 + 1_000_000), 3), (epoch, 1), (epoch, 0)] {
        reader.consumer.store(&got.place, epoch, NextOffset(next));
    }
    reader.close().await;
    assert_eq!(log.committed("g", &got.place).await, Some(NextOffset(2)));

    let mut reader = Reader::of(log.join("g"));
    let (third, now) = reader.records(1).await.remove(0);
    assert_eq!(third.offset, Offset(2));
    // What an earlier stay says counts no more, and neither does going back behind it.
    reader.consumer.store(&got.place, epoch, NextOffset(3));
    reader.consumer.store(&got.place, now, NextOffset(1));
    reader.close().await;
    assert_eq!(log.committed("g", &got.place).await, Some(NextOffset(2)));
}

pub(crate) async fn two_groups_read_the_same_records_independently(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    fill(&producer, &topic, 4, 5).await;
    let (mut one, mut other) = (Reader::of(log.join("one")), Reader::of(log.join("other")));
    let (read, same) = tokio::join!(one.records(20), other.records(20));
    assert_eq!(places(&read), places(&same));
    one.store(&read[19].0, read[19].1);
    one.close().await;
    other.close().await;
    assert!(log.committed("one", &read[19].0.place).await.is_some());
    assert_eq!(log.committed("other", &read[19].0.place).await, None);
}

pub(crate) async fn two_members_share_the_partitions_and_each_record_is_read_once(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    let (mut one, mut other) = (Reader::of(log.join("g")), Reader::of(log.join("g")));
    hold_both((&mut one, 2), (&mut other, 2)).await;
    assert!(one.held.keys().all(|place| !other.held.contains_key(place)));
    fill(&producer, &topic, 4, 10).await;
    let (read, rest) = tokio::join!(one.records(20), other.records(20));
    let all: BTreeSet<_> = places(&read).into_iter().chain(places(&rest)).collect();
    assert_eq!(all.len(), 40);
    assert!(one.soon(9, Duration::from_millis(300)).await.is_none());
    assert!(other.soon(9, Duration::from_millis(300)).await.is_none());
}

pub(crate) async fn a_joining_member_starts_where_the_first_has_stored_last(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    fill(&producer, &topic, 4, 5).await;
    let mut one = Reader::of(log.join("g"));
    let read = one.records(20).await;
    for (record, epoch) in read.iter().filter(|(record, _)| record.offset.0 < 2) {
        one.store(record, *epoch);
    }
    let mut other = Reader::of(log.join("g"));
    let asked = async {
        loop {
            if let ConsumerEvent::Revoking(places, let_go) = one.event(0).await {
                // The last work for these partitions is settled after they were asked back.
                for (record, epoch) in read.iter().filter(|(record, _)| places.contains(&record.place)) {
                    if record.offset.0 < 3 {
                        one.store(record, *epoch);
                    }
                }
                let_go.now();
                return places;
            }
        }
    };
    let (asked, came) = tokio::join!(asked, other.records(4));
    assert_eq!(asked.len(), 2);
    let expected: BTreeSet<_> =
        asked.into_iter().flat_map(|place| [(place.clone(), Offset(3)), (place, Offset(4))]).collect();
    assert_eq!(places(&came).into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(crate) async fn the_partitions_of_a_member_that_leaves_go_on_with_the_other(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    let (mut one, mut other) = (Reader::of(log.join("g")), Reader::of(log.join("g")));
    hold_both((&mut one, 2), (&mut other, 2)).await;
    fill(&producer, &topic, 4, 4).await;
    let (read, kept) = tokio::join!(one.records(8), other.records(8));
    for (record, epoch) in read.iter().filter(|(record, _)| record.offset.0 < 3) {
        one.store(record, *epoch);
    }
    one.close().await;
    let came = other.records(2).await;
    assert_eq!(other.held.len(), 4);
    let expected: BTreeSet<_> =
        places(&read).into_iter().filter(|(_, offset)| *offset == Offset(3)).collect();
    assert_eq!(places(&came).into_iter().collect::<BTreeSet<_>>(), expected);
    // What it held all the time goes on in the same stay.
    assert!(kept.iter().all(|(record, epoch)| other.held.get(&record.place) == Some(epoch)));
}

pub(crate) async fn a_member_without_room_is_still_asked_to_let_go(log: impl Backing) {
    let (producer, topic) = (log.producer(), log.topic());
    fill(&producer, &topic, 4, 600).await;
    let mut one = Reader::of(log.join("g"));
    one.hold(4).await;
    // Long enough that whatever reads ahead has read all it may.
    assert!(one.soon(0, Duration::from_millis(1500)).await.is_none(), "something without room");
    let mut other = Reader::of(log.join("g"));
    let (_, came) = tokio::join!(one.hold(2), other.records(1200));
    assert_eq!(came.iter().map(|(record, _)| record.place.clone()).collect::<BTreeSet<_>>().len(), 2);
    let kept = one.records(1200).await;
    assert!(kept.iter().all(|(record, _)| !other.held.contains_key(&record.place)));
    let mut once = places(&kept);
    once.dedup();
    assert_eq!(once.len(), 1200);
}

pub(crate) async fn a_member_that_was_dropped_leaves_its_partitions_to_the_other(log: impl Backing) {
    let (mut one, mut other) = (Reader::of(log.join("g")), Reader::of(log.join("g")));
    hold_both((&mut one, 2), (&mut other, 2)).await;
    drop(one);
    other.hold(4).await;
}
