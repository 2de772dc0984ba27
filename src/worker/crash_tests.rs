use std::{pin::pin, time::Duration};

use futures_util::FutureExt;

use super::{
    Fate,
    crash::{Among, Begun, CRASHES_MAX, CrashGuard},
    tests::stage,
};
use crate::{
    bus::{Headers, Offset, Record, TimestampType, Topic, TopicPartition},
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
    Record {
        place,
        offset,
        timestamp_ms: 0,
        timestamp_type: TimestampType::default(),
        key: None,
        value: None,
        headers: Headers::default(),
    }
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
        Begun::CrashLoop | Begun::Gone => panic!("it is to be worked on here"),
    }
}

async fn noted(store: &Store) -> Vec<(Offset, u32)> {
    let noted = store.records_at_work(GROUP, "asker", &place(), Duration::ZERO).await.unwrap();
    noted.into_iter().map(|(record, times)| (record.offset, times)).collect()
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
    // Its right is given up at once: another test's suspect may wait for it, and what begins next would wait behind that one.
    assert!(matches!(now.begin(&at).await, Begun::Noted(_)));
    assert!(matches!(before.begin(&late).await, Begun::Unwatched));
    before.done(&at, Fate::Settled).await;
    assert_eq!(noted(&store).await, [(Offset(1), 1)]);
}

/// A process that has looked at the partition after another one ended at its first record.
async fn suspecting(store: &Store) -> CrashGuard {
    assert!(!work(&process(store, "one").await, 0).await);
    assert!(matches!(process(store, "two").await.begin(&record(0)).await, Begun::Noted(_)));
    let suspecting = process(store, "three").await;
    assert!(work(&suspecting, 1).await);
    assert_eq!(noted(store).await, [(Offset(0), 1)]);
    suspecting
}

#[tokio::test]
async fn a_suspect_whose_partition_went_to_another_is_not_worked_on_here() {
    let store = store().await;
    let before = suspecting(&store).await;
    let now = process(&store, "four").await;
    assert!(work(&now, 1).await);
    let suspect = record(0);
    assert!(matches!(before.begin(&suspect).await, Begun::Gone));
    before.done(&suspect, Fate::Gone).await;
    assert_eq!(noted(&store).await, [(Offset(0), 1)], "neither noted nor acquitted");
    assert!(matches!(now.begin(&suspect).await, Begun::Noted(_)), "it is that one's");
}

#[tokio::test]
async fn a_suspect_that_waits_for_its_turn_until_its_partition_came_anew_is_left_to_the_new_stay() {
    let store = store().await;
    let guard = suspecting(&store).await;
    let suspect = record(0);
    let other = Among::wait(1).await;
    let mut begin = pin!(guard.begin(&suspect));
    assert!(begin.as_mut().now_or_never().is_none(), "another suspect runs");
    guard.assigned(&[place()]);
    drop(other);
    assert!(matches!(begin.await, Begun::Gone));
    assert_eq!(noted(&store).await, [(Offset(0), 1)]);
    assert!(matches!(guard.begin(&suspect).await, Begun::Noted(_)));
}

#[tokio::test]
async fn a_record_that_has_the_offset_of_a_killer_since_its_topic_was_made_anew_is_innocent() {
    let store = store().await;
    for _ in 0..=CRASHES_MAX {
        let ended = process(&store, "one").await;
        let _at_work = ended.begin(&record(0)).await;
    }
    let next = process(&store, "one").await;
    assert!(matches!(next.begin(&record(0)).await, Begun::CrashLoop));
    let innocent = Record { timestamp_ms: 1, ..record(0) };
    assert!(matches!(next.begin(&innocent).await, Begun::Noted(_)));
}
