//! Processes and the records they are at: what every backing has to remember of an end without farewell.

use peyvand::{
    bus::{Offset, Topic, TopicPartition},
    store::Store,
};

use super::stage::{GROUP, Stage};

fn place(partition: i32) -> TopicPartition {
    TopicPartition { topic: Topic::new("t"), partition }
}

async fn at_work(store: &Store, partition: i32) -> Vec<(i64, u32)> {
    let found = store.records_at_work(GROUP, &place(partition)).await.unwrap();
    let mut found: Vec<(i64, u32)> = found.into_iter().map(|(offset, begun)| (offset.0, begun)).collect();
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
        store.record_begun(GROUP, run, &place(partition), Offset(offset), times).await.unwrap();
    }
    store.record_begun("connector", "one", &place(0), Offset(8), 3).await.unwrap();
    store.close().await;
    let store = stage.open().await;
    assert_eq!(at_work(&store, 0).await, [(7, 1), (9, 2)], "told twice is begun once");
    store.record_done(GROUP, &place(0), Offset(7)).await.unwrap();
    store.record_done(GROUP, &place(0), Offset(7)).await.unwrap();
    assert_eq!((at_work(&store, 0).await, at_work(&store, 1).await), (vec![(9, 2)], vec![(7, 1)]));
    store.close().await;
}

pub(crate) async fn an_end_in_order_acquits_what_its_process_was_at_and_nothing_else(stage: &Stage) {
    let store = stage.open().await;
    store.run_begun(GROUP, "one").await.unwrap();
    for (run, offset) in [("one", 1), ("two", 2)] {
        store.record_begun(GROUP, run, &place(0), Offset(offset), 2).await.unwrap();
    }
    store.run_ended(GROUP, "one").await.unwrap();
    assert_eq!(at_work(&store, 0).await, [(2, 2)]);
    store.close().await;
}
