//! Processes, how far they read and the records they are at: what every backing has to remember of an end without farewell.

use std::time::Duration;

use peyvand::{
    bus::{Offset, Topic, TopicPartition},
    store::{RecordAt, Store},
};

use super::stage::{GROUP, Stage};

fn place(partition: i32) -> TopicPartition {
    TopicPartition { topic: Topic::new("t"), partition }
}

/// Each record with a time of its own.
fn at(offset: i64) -> RecordAt {
    RecordAt { offset: Offset(offset), written_ms: 1_000 + offset }
}

const SILENT: Duration = Duration::from_secs(6);

/// A process takes a partition; up to where a dead one may have read it.
async fn taken(store: &Store, run: &str, partition: i32) -> Option<i64> {
    let below = store.partition_taken(GROUP, run, &place(partition), SILENT).await.unwrap();
    below.map(|offset| offset.0)
}

async fn begun(store: &Store, run: &str, offset: i64, times: u32) -> bool {
    store.record_begun(GROUP, run, &place(0), at(offset), times).await.unwrap()
}

async fn at_work(store: &Store, partition: i32) -> Vec<(i64, u32)> {
    suspects(store, "asker", partition, SILENT).await
}

async fn suspects(store: &Store, asker: &str, partition: i32, silent: Duration) -> Vec<(i64, u32)> {
    let found = store.records_at_work(GROUP, asker, &place(partition), silent).await.unwrap();
    let mut found: Vec<(i64, u32)> = found
        .into_iter()
        .map(|(record, begun)| {
            assert_eq!(record, at(record.offset.0));
            (record.offset.0, begun)
        })
        .collect();
    found.sort_unstable();
    found
}

pub(crate) async fn a_process_without_farewell_is_known_by_its_name_at_its_next_start(stage: &Stage) {
    let store = stage.open().await;
    assert!(!store.run_begun(GROUP, "one").await.unwrap());
    assert!(!store.run_begun("connector", "one").await.unwrap(), "groups know nothing of each other");
    store.run_lives(GROUP, "one").await.unwrap();
    store.close().await;
    let store = stage.open().await;
    assert!(store.run_begun(GROUP, "one").await.unwrap());
    assert!(!store.run_begun(GROUP, "other").await.unwrap());
    store.run_ended(GROUP, "one").await.unwrap();
    assert!(!store.run_begun(GROUP, "one").await.unwrap());
    store.close().await;
}

pub(crate) async fn a_record_is_at_work_until_it_is_done_whoever_does_it(stage: &Stage) {
    let store = stage.open().await;
    for (run, partition, offset, times) in
        [("one", 0, 7, 1), ("one", 0, 9, 1), ("one", 1, 7, 1), ("two", 0, 9, 2), ("two", 0, 9, 2)]
    {
        taken(&store, run, partition).await;
        assert!(store.record_begun(GROUP, run, &place(partition), at(offset), times).await.unwrap());
    }
    store.partition_taken("connector", "one", &place(0), SILENT).await.unwrap();
    assert!(store.record_begun("connector", "one", &place(0), at(8), 3).await.unwrap());
    store.close().await;
    let store = stage.open().await;
    assert_eq!(at_work(&store, 0).await, [(7, 1), (9, 2)], "told twice is begun once");
    store.record_done(GROUP, "two", &place(0), Offset(7)).await.unwrap();
    store.record_done(GROUP, "two", &place(0), Offset(7)).await.unwrap();
    assert_eq!((at_work(&store, 0).await, at_work(&store, 1).await), (vec![(9, 2)], vec![(7, 1)]));
    store.close().await;
}

pub(crate) async fn an_end_in_order_acquits_what_its_process_was_at_and_nothing_else(stage: &Stage) {
    let store = stage.open().await;
    store.run_begun(GROUP, "one").await.unwrap();
    for (run, offset) in [("one", 1), ("two", 2)] {
        taken(&store, run, 0).await;
        assert!(begun(&store, run, offset, 2).await);
    }
    store.run_ended(GROUP, "one").await.unwrap();
    assert_eq!(at_work(&store, 0).await, [(2, 2)]);
    store.close().await;
}

pub(crate) async fn what_a_dead_process_may_have_read_is_known_until_somebody_is_past_it(stage: &Stage) {
    let store = stage.open().await;
    store.run_begun(GROUP, "one").await.unwrap();
    assert_eq!(taken(&store, "one", 0).await, None);
    for offset in [100, 40] {
        store.reach_moved(GROUP, "one", &place(0), Offset(offset)).await.unwrap();
    }
    assert_eq!(taken(&store, "one", 0).await, None, "it lives");
    store.close().await;
    let store = stage.open().await;
    assert!(store.run_begun(GROUP, "one").await.unwrap());
    let both = [taken(&store, "one", 0).await, taken(&store, "one", 1).await];
    assert_eq!(both, [Some(100), None], "it may have been as far as it ever said");
    // It comes to nothing and ends in order.
    store.run_ended(GROUP, "one").await.unwrap();
    assert_eq!(taken(&store, "two", 0).await, Some(100));
    store.reach_moved(GROUP, "two", &place(0), Offset(116)).await.unwrap();
    store.run_ended(GROUP, "two").await.unwrap();
    assert!(!store.run_begun(GROUP, "one").await.unwrap());
    assert_eq!(taken(&store, "one", 0).await, None);
    store.close().await;
}

pub(crate) async fn only_who_has_a_partition_notes_its_records(stage: &Stage) {
    let store = stage.open().await;
    assert!(!begun(&store, "one", 7, 1).await, "it has none");
    taken(&store, "one", 0).await;
    assert!(begun(&store, "one", 7, 1).await && begun(&store, "one", 8, 1).await);
    taken(&store, "two", 0).await;
    assert!(begun(&store, "two", 7, 2).await);
    assert!(!begun(&store, "one", 9, 1).await);
    store.reach_moved(GROUP, "one", &place(0), Offset(1000)).await.unwrap();
    for offset in [7, 8] {
        store.record_done(GROUP, "one", &place(0), Offset(offset)).await.unwrap();
    }
    assert_eq!(at_work(&store, 0).await, [(7, 2)], "its own notes are its to take away");
    store.record_done(GROUP, "two", &place(0), Offset(7)).await.unwrap();
    assert_eq!(at_work(&store, 0).await, []);
    store.close().await;
}

#[cfg(feature = "stack-tests")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_that_lives_is_at_is_no_suspect_and_what_a_silent_one_was_at_is() {
    let stage = Stage::postgres().await;
    let store = stage.open().await;
    store.run_begun(GROUP, "known").await.unwrap();
    for (run, offset, times) in [("known", 1, 1), ("known", 2, 3), ("unknown", 3, 1)] {
        taken(&store, run, 0).await;
        assert!(begun(&store, run, offset, times).await);
    }
    let (all, long) = ([(1, 1), (2, 3), (3, 1)], Duration::from_secs(3600));
    assert_eq!(suspects(&store, "asker", 0, long).await, [(2, 2), (3, 1)], "two ended at the second one");
    assert_eq!(suspects(&store, "asker", 0, Duration::ZERO).await, all, "whoever was at them is silent");
    assert_eq!(suspects(&store, "known", 0, long).await, all, "whoever bore its name before has ended");
    store.run_ended(GROUP, "known").await.unwrap();
    assert_eq!(suspects(&store, "asker", 0, long).await, [(3, 1)]);
    store.close().await;
    stage.end().await;
}
