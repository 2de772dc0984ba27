use super::{
    Fate,
    crash::{Begun, CrashGuard},
    tests::stage,
};
use crate::{
    bus::{Headers, Offset, Record, Topic, TopicPartition},
    store::Store,
};

const GROUP: &str = "reply";

async fn store() -> Store {
    stage().await.store
}

fn place() -> TopicPartition {
    TopicPartition { topic: Topic::new("t"), partition: 0 }
}

fn record(offset: i64) -> Record {
    let (place, offset) = (place(), Offset(offset));
    Record { place, offset, timestamp_ms: 0, key: None, value: None, headers: Headers::default() }
}

/// A process that has just got the partition.
async fn process(store: &Store, run: &str) -> CrashGuard {
    let guard = CrashGuard::new(GROUP, store.clone(), Some(run.to_owned()));
    guard.open().await;
    guard.assigned(&[place()]);
    guard
}

/// Works on a record; says whether it was noted meanwhile.
async fn work(guard: &CrashGuard, offset: i64) -> bool {
    let record = record(offset);
    match guard.begin(&record).await {
        Begun::Unwatched => false,
        Begun::Noted(noted) => {
            guard.done(&record, Fate::Settled).await;
            drop(noted);
            true
        }
        Begun::CrashLoop => panic!("nothing is convicted here"),
    }
}

async fn noted(store: &Store) -> Vec<(Offset, u32)> {
    store.records_at_work(GROUP, &place()).await.unwrap()
}

#[tokio::test]
async fn a_killer_is_found_whatever_stands_before_it_and_after_as_many_ends_as_any_other() {
    let store = store().await;
    let first = process(&store, "one").await;
    for offset in 0..1500 {
        assert!(!work(&first, offset).await);
    }
    assert!(matches!(first.begin(&record(1500)).await, Begun::Unwatched));
    // It ends here, and so do the next three, before anything of all that is stored.
    for _ in 0..3 {
        let next = process(&store, "one").await;
        for offset in 0..1500 {
            assert!(work(&next, offset).await, "{offset}");
        }
        assert!(matches!(next.begin(&record(1500)).await, Begun::Noted(_)));
    }
    assert_eq!(noted(&store).await, [(Offset(1500), 3)]);
    let last = process(&store, "one").await;
    assert!(matches!(last.begin(&record(1500)).await, Begun::CrashLoop));
}

#[tokio::test]
async fn after_an_end_without_farewell_only_what_may_have_been_open_then_is_noted() {
    let store = store().await;
    let first = process(&store, "one").await;
    assert!(!work(&first, 0).await);
    let second = process(&store, "one").await;
    assert!(work(&second, 0).await);
    // A few more than the first one was at; each partition for itself.
    let mut careful = 1..1000;
    let passed = loop {
        let offset = careful.next().unwrap();
        if !work(&second, offset).await {
            break offset;
        }
    };
    assert!(passed <= 16, "{passed}");
    second.close().await;
    let third = process(&store, "one").await;
    assert!(!work(&third, passed + 1).await, "nobody has ended without farewell since");
}

#[tokio::test]
async fn an_end_in_order_before_the_killer_s_turn_does_not_hide_it() {
    let store = store().await;
    assert!(!work(&process(&store, "one").await, 0).await);
    let second = process(&store, "two").await;
    assert!(work(&second, 0).await, "another one has ended without farewell");
    second.close().await;
    assert!(work(&process(&store, "three").await, 1).await);
}

#[tokio::test]
async fn what_is_worked_on_after_its_partition_went_to_another_leaves_no_note_and_takes_none_away() {
    let store = store().await;
    assert!(!work(&process(&store, "one").await, 0).await);
    let before = process(&store, "two").await;
    assert!(work(&before, 0).await);
    let now = process(&store, "three").await;
    let (at, late) = (record(1), record(2));
    let Begun::Noted(_begun) = now.begin(&at).await else { panic!("it is to be noted") };
    assert!(matches!(before.begin(&late).await, Begun::Unwatched));
    before.done(&at, Fate::Settled).await;
    assert_eq!(noted(&store).await, [(Offset(1), 1)]);
}
