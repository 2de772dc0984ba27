//! What only a server can do wrong: die in the middle, hold a row, refuse a value, be of another version. Databases are
//! made, watched and hurt by connections of the test's own.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use peyvand::{
    bus::{Offset, Topic, TopicPartition},
    event::EntryId,
    privacy::Sensitive,
    store::{Commit, NewEntry, PostgresStore, Store},
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::timeout;

use super::{
    crowd::Crowd,
    database::{Database, LONG},
    parking,
    stage::{GROUP, Stage, conversation, done, event, key, record, replies, reply, step},
};
use peyvand::store::{Step, StepKey};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_in_the_middle_lose_and_repeat_nothing() {
    let database = Database::migrated().await;
    let stores: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    let crowd = Crowd::new(20, 20);
    let mut progress = crowd.progress();
    let hurt = async {
        for goal in (20..400).step_by(40) {
            progress.wait_for(|done| *done >= goal).await.unwrap();
            database.end_all_connections().await;
        }
    };
    let (faults, ()) = tokio::join!(crowd.work(&stores), hurt);
    assert!(faults > 0, "no connection ended in the middle");
    let store = database.connect().await.into();
    crowd.check(&store).await;
    drop(stores);
    database.drop().await;
}

/// Two processes are held at a gate until both have a full batch of the same conversations queued, one from the first
/// to the last and one from the last to the first; then both go at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opposed_batches_of_two_processes_neither_block_each_other_nor_both_win() {
    let database = Database::migrated().await;
    let stores: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    for (n, store) in stores.iter().enumerate() {
        done(store, step(&key(&format!("gate{n}"), &format!("gate{n}")), 0)).await;
    }
    for round in 0..6_i64 {
        let mut beside = database.beside().await;
        let mut gate = beside.begin().await.unwrap();
        let close = sqlx::query("SELECT FROM conversation WHERE conversation_id LIKE 'gate%' FOR UPDATE");
        close.execute(&mut *gate).await.unwrap();
        let steps = |n: usize| -> Vec<Step> {
            (0..100).map(|c| step(&key(&format!("c{c:0>3}"), &format!("{round}-{n}-{c}")), round)).collect()
        };
        let held = stores.iter().enumerate().map(async |(n, store)| {
            let gate = step(&key(&format!("gate{n}"), &format!("gate{n}-{round}")), round + 1);
            while store.commit(gate.clone()).await.is_err() {}
        });
        let forth = join_all(steps(0).into_iter().map(|step| stores[0].commit(step)));
        let back = join_all(steps(1).into_iter().rev().map(|step| stores[1].commit(step)));
        let open = async {
            database.wait_for_waiting(2).await;
            gate.rollback().await.unwrap();
        };
        let (_held, forth, mut back, ()) = tokio::join!(join_all(held), forth, back, open);
        back.reverse();
        for (c, (one, other)) in forth.into_iter().zip(back).enumerate() {
            let both = [one.unwrap(), other.unwrap()];
            assert!(both.contains(&Commit::Done(Vec::new())), "conversation {c}: {both:?}");
            assert!(both.contains(&Commit::Moved), "conversation {c}: {both:?}");
        }
    }
    for store in stores {
        store.close().await;
    }
    assert_eq!(timeout(LONG, database.deadlocks()).await.unwrap(), 0);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_kept_a_write_has_a_start_at_sending_it() {
    let database = Database::migrated().await;
    let [keeper, other]: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    for number in 0.. {
        let name = number.to_string();
        let entry = NewEntry {
            id: EntryId::of(&event(&name), "sap", "test"),
            target: "sap".to_owned(),
            conversation_id: conversation(&name),
            operation: "test".to_owned(),
            payload: Vec::new(),
        };
        let began = Instant::now();
        drop(done(&keeper, Step { entries: vec![entry], ..step(&key(&name, &name), 0) }).await);
        let by_other = other.claim("sap", 10, LONG).await.unwrap();
        // On a machine that stood still for so long the start is over.
        if began.elapsed() < Duration::from_millis(900) {
            assert_eq!(by_other, []);
            assert_eq!(keeper.claim("sap", 10, LONG).await.unwrap().len(), 1);
            break;
        }
    }
    keeper.close().await;
    other.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_forgotten_though_the_commit_it_was_to_ride_with_fails() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    let told = key("told", "told");
    let outgoing = done(&store, Step { outgoing: vec![record("a")], ..step(&told, 0) }).await;
    let refused = step(&StepKey { group: "gr\0up", ..key("bad", "bad") }, 0);
    let publishes = store.published(told.group, told.conversation_id.clone(), outgoing[0].seq);
    let ((), refused) = tokio::join!(publishes, store.commit(refused));
    assert!(!refused.unwrap_err().is_transient());
    let until = Instant::now() + Duration::from_secs(10);
    while !store.pending(told.group, &told.conversation_id).await.unwrap().is_empty() {
        assert!(Instant::now() < until, "what was published is never forgotten");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_the_server_refuses_fails_alone() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    for round in 0..3 {
        let refused = step(&StepKey { group: "gr\0up", ..key("bad", &format!("bad{round}")) }, 0);
        let mates = (0..20).map(|n| step(&key(&format!("{round}-{n}"), &format!("{round}-{n}")), 0));
        let mates = join_all(mates.map(|mate| store.commit(mate)));
        let (refused, mates) = tokio::join!(store.commit(refused), mates);
        let error = refused.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("22021"), "{error}");
        for mate in mates {
            assert_eq!(mate.unwrap(), Commit::Done(Vec::new()));
        }
    }
    let mates = join_all((0..20).map(|n| {
        let store = store.clone();
        async move { store.look(&key(&format!("0-{n}"), &format!("0-{n}"))).await }
    }));
    let bad = StepKey { group: "gr\0up", ..key("bad", "bad") };
    let (refused, mates) = tokio::join!(store.look(&bad), mates);
    assert_eq!(refused.unwrap_err().kind(), "refused");
    assert!(mates.into_iter().all(|mate| mate.is_ok()));
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_held_by_a_stuck_process_does_not_hold_the_others() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    done(&store, step(&key("held", "1"), 0)).await;
    let mut stuck = database.beside().await;
    let mut holding = stuck.begin().await.unwrap();
    let lock = sqlx::query("SELECT FROM conversation WHERE conversation_id = 'held' FOR UPDATE");
    lock.execute(&mut *holding).await.unwrap();
    let waiting = step(&key("held", "2"), 1);
    let mates = join_all((0..10).map(|n| store.commit(step(&key(&n.to_string(), &format!("mate{n}")), 0))));
    let (held, mates) =
        timeout(LONG, async { tokio::join!(store.commit(waiting.clone()), mates) }).await.unwrap();
    let error = held.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("55P03"), "{error}");
    for mate in mates {
        assert_eq!(mate.unwrap(), Commit::Done(Vec::new()));
    }
    holding.rollback().await.unwrap();
    done(&store, waiting).await;
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_groups_that_reply_to_one_conversation_share_its_cursors() {
    let database = Database::migrated().await;
    let stores: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    let groups = [GROUP, "connector"];
    let work = stores.iter().zip(groups).map(|(store, group)| async move {
        for n in 0..30 {
            let name = format!("{group}-{n}");
            let key = StepKey { group, ..key("c", &name) };
            loop {
                let step = Step { replies: vec![reply(&name, &name)], ..step(&key, n) };
                match store.commit(step).await {
                    Ok(Commit::Done(_)) => break,
                    Ok(other) => panic!("expected Done and got {other:?}"),
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
            }
        }
    });
    timeout(LONG, join_all(work)).await.unwrap();
    let said = replies(&stores[0], "c", 0, 100).await;
    assert_eq!(said.iter().map(|(cursor, _)| *cursor).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
    for group in groups {
        let own: Vec<&String> =
            said.iter().map(|(_, text)| text).filter(|text| text.starts_with(group)).collect();
        assert_eq!(
            own,
            (0..30).map(|n| format!("{group}-{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    database.drop().await;
}

/// Announces until it is heard: a notice may be lost.
async fn heard(
    speaker: &Store,
    listener: &mut tokio::sync::mpsc::Receiver<peyvand::event::ConversationId>,
    name: &str,
) {
    let hearing = async {
        loop {
            speaker.announce(&conversation(name));
            while let Ok(Some(id)) = timeout(Duration::from_millis(100), listener.recv()).await {
                if id == conversation(name) {
                    return;
                }
            }
        }
    };
    timeout(LONG, hearing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_wakes_another_process_even_after_its_connection_ended() {
    let database = Database::migrated().await;
    let [speaker, listener]: [Store; 2] = [database.connect().await.into(), database.connect().await.into()];
    let mut hearing = listener.announcements().unwrap();
    heard(&speaker, &mut hearing, "web:1").await;
    // Many at once share few notices, and each is heard.
    let mut expected: Vec<String> = (0..500).map(|n| format!("web:{n:0>100}")).collect();
    expected.iter().for_each(|name| speaker.announce(&conversation(name)));
    while !expected.is_empty() {
        let id = timeout(LONG, hearing.recv()).await.unwrap().unwrap();
        expected.retain(|name| name != id.as_str());
    }
    database.end_all_connections().await;
    heard(&speaker, &mut hearing, "web:2").await;
    listener.close().await;
    let rest = async { while hearing.recv().await.is_some() {} };
    timeout(LONG, rest).await.unwrap();
    speaker.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_fell_silent_counts_for_what_it_read_until_somebody_is_past_it() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    let place = |partition| TopicPartition { topic: Topic::new("t"), partition };
    let taken = async |run: &str, partition| {
        let place = place(partition);
        let taken = store.partition_taken(GROUP, run, &place, Duration::from_secs(6)).await.unwrap();
        taken.map(|offset| offset.0)
    };
    let read = async |run: &str, partition, to| {
        store.reach_moved(GROUP, run, &place(partition), Offset(to)).await.unwrap();
    };
    let mut beside = database.beside().await;
    let mut ago = async |time: &str| {
        let back = format!("UPDATE worker_run SET seen_at = now() - interval '{time}' WHERE run = 'silent'");
        beside.execute(AssertSqlSafe(back)).await.unwrap();
    };
    for run in ["silent", "other"] {
        store.run_begun(GROUP, run).await.unwrap();
    }
    for partition in 0..3 {
        assert_eq!(taken("silent", partition).await, None);
        read("silent", partition, 100).await;
    }
    assert_eq!(taken("other", 0).await, None, "it came from one that lives");
    ago("7 seconds").await;
    assert_eq!(taken("other", 1).await, Some(100));
    assert_eq!(taken("other", 0).await, None, "the silent one had left it");
    read("other", 1, 120).await;
    assert_eq!(taken("other", 1).await, None, "its time is over though the dead one is still known");
    store.run_lives(GROUP, "silent").await.unwrap();
    assert_eq!(taken("silent", 1).await, None);
    ago("61 minutes").await;
    store.run_begun(GROUP, "new").await.unwrap();
    assert_eq!(taken("new", 2).await, Some(100), "nobody has passed it in all that time");
    assert!(!store.run_begun(GROUP, "silent").await.unwrap(), "that is history");
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_tells_the_password_or_the_words() {
    let database = Database::migrated().await;
    let missing = database.url().expose().replace("postgres@", "postgres:geheim@") + "_missing";
    let closed_port = "postgres://peyvand:geheim@127.0.0.1:1/peyvand".to_owned();
    for url in [missing, closed_port, "postgres://peyvand:geheim@:x/".to_owned(), "geheim".to_owned()] {
        let error = PostgresStore::connect(&Sensitive::new(url), None).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
    }
    let store: Store = database.connect().await.into();
    assert!(!format!("{store:?}").contains("127.0.0.1"));
    let words = Step {
        replies: vec![reply("1", "geheim")],
        ..step(&StepKey { group: "gr\0up", ..key("c", "1") }, 0)
    };
    let error = store.commit(words).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
    store.close().await;
    Stage::Postgres(database).end().await;
}

/// What is not kept must not keep its conversation's row from the writer, which waits for all conversations of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_not_kept_aside_leaves_no_row_locked() {
    let database = Database::migrated().await;
    let store: Store = database.connect().await.into();
    done(&store, step(&key("a", "1"), 0)).await;
    let follows = peyvand::store::Why::Follows;
    assert_eq!(parking::park(&store, "a", "2", follows).await, peyvand::store::Kept::Free);
    let mut beside = database.beside().await;
    let row = "SELECT FROM conversation WHERE conversation_id = 'a' FOR UPDATE NOWAIT";
    beside.execute(row).await.expect("the row is locked");
    store.close().await;
    drop(beside);
    database.drop().await;
}
