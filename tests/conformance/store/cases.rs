//! The cases that every backing passes.

use std::time::Duration;

use peyvand::store::{Commit, Found, Step, StepKey, StoredReply};

use super::{
    crowd,
    stage::{
        Stage, conversation, done, done_by_another, event, fresh, key, places, record, records, replies,
        reply, seen, step,
    },
};

pub(crate) async fn a_step_is_done_with_all_it_brings(stage: &Stage) {
    let store = stage.open().await;
    let first = key("c", "1");
    assert_eq!(store.look(&first).await.unwrap(), fresh((0, 0), None));
    // As every reply is that was kept before there were buttons.
    let bare = StoredReply { buttons: Vec::new(), ..reply("2", "\0") };
    let outgoing = done(
        &store,
        Step {
            state: Some(b"s1".to_vec()),
            outgoing: vec![record("a"), record("b")],
            replies: vec![reply("1", "hi"), bare.clone()],
            ..step(&first, 0)
        },
    )
    .await;
    assert_eq!(outgoing.iter().map(|one| &one.record).collect::<Vec<_>>(), [&record("a"), &record("b")]);
    assert_eq!(places(&outgoing), [(1, "a".to_owned()), (2, "b".to_owned())]);
    assert_eq!(store.look(&key("c", "2")).await.unwrap(), fresh((1, 2), Some(b"s1")));
    assert_eq!(seen(&store, &first).await, outgoing);
    let kept = store.replies_after(&conversation("c"), 0, 10).await.unwrap();
    assert_eq!(
        kept,
        [StoredReply { cursor: 1, ..reply("1", "hi") }, StoredReply { cursor: 2, ..bare }],
        "the buttons come back as they were, and none where there are none"
    );
    // No state leaves the one before; the order of outgoing events goes on.
    let next = Step { last_seq: 2, outgoing: vec![record("c")], ..step(&key("c", "2"), 1) };
    let next = done(&store, next).await;
    assert_eq!(places(&next), [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
    assert_eq!(store.look(&key("c", "3")).await.unwrap(), fresh((2, 3), Some(b"s1")));
    store.ping().await.unwrap();
    store.close().await;
}

pub(crate) async fn a_step_that_loses_leaves_nothing(stage: &Stage) {
    let store = stage.open().await;
    let loser = Step {
        state: Some(b"lost".to_vec()),
        outgoing: vec![record("lost")],
        replies: vec![reply("lost", "lost")],
        ..step(&key("c", "lost"), 5)
    };
    assert_eq!(store.commit(loser).await.unwrap(), Commit::Moved);
    assert_eq!(store.look(&key("c", "lost")).await.unwrap(), fresh((0, 0), None));
    assert_eq!(replies(&store, "c", 0, 10).await, []);
    let outgoing = done(&store, Step { outgoing: vec![record("a")], ..step(&key("c", "1"), 0) }).await;
    assert_eq!(places(&outgoing), [(1, "a".to_owned())]);
    assert_eq!(seen(&store, &key("c", "1")).await, outgoing);
    store.close().await;
}

pub(crate) async fn a_repeated_event_is_seen_with_what_it_left_unpublished(stage: &Stage) {
    let store = stage.open().await;
    let again = Step { outgoing: vec![record("a"), record("b"), record("c")], ..step(&key("c", "1"), 0) };
    let outgoing = done(&store, again.clone()).await;
    assert_eq!(store.commit(again.clone()).await.unwrap(), Commit::Seen(outgoing.clone()));
    store.published(again.key.group, conversation("c"), 2).await;
    assert_eq!(seen(&store, &again.key).await, outgoing[2..]);
    store.published(again.key.group, conversation("other"), 3).await;
    assert_eq!(seen(&store, &again.key).await, outgoing[2..]);
    store.published(again.key.group, conversation("c"), 3).await;
    assert_eq!(store.commit(again.clone()).await.unwrap(), Commit::Seen(Vec::new()));
    assert_eq!(seen(&store, &again.key).await, []);
    assert_eq!(store.look(&key("c", "2")).await.unwrap(), fresh((1, 3), None));
    store.close().await;
}

pub(crate) async fn the_same_event_with_other_bytes_is_a_conflict(stage: &Stage) {
    let store = stage.open().await;
    done(&store, Step { outgoing: vec![record("a")], ..step(&key("c", "1"), 0) }).await;
    let forged = StepKey { fingerprint: [8; 32], ..key("c", "1") };
    assert_eq!(store.look(&forged).await.unwrap(), Found::Conflict);
    // A commit that is the first to notice sends back to look; it may not hand out the other's events.
    for version in [0, 1] {
        let commit = store.commit(step(&forged, version)).await.unwrap();
        assert_eq!(commit, Commit::Moved, "version {version}");
    }
    assert_eq!(store.look(&key("c", "2")).await.unwrap(), fresh((1, 1), None));
    store.close().await;
}

pub(crate) async fn a_conversation_that_moved_is_not_overwritten(stage: &Stage) {
    let [store, other] = stage.open_twice().await;
    let read = store.look(&key("c", "1")).await.unwrap();
    assert_eq!(read, fresh((0, 0), None));
    done(&other, Step { state: Some(b"theirs".to_vec()), ..step(&key("c", "2"), 0) }).await;
    let mine = Step { state: Some(b"mine".to_vec()), ..step(&key("c", "1"), 0) };
    assert_eq!(store.commit(mine.clone()).await.unwrap(), Commit::Moved);
    assert_eq!(store.look(&key("c", "1")).await.unwrap(), fresh((1, 0), Some(b"theirs")));
    done(&store, Step { version: 1, ..mine }).await;
    assert_eq!(other.look(&key("c", "3")).await.unwrap(), fresh((2, 0), Some(b"mine")));
    store.close().await;
    other.close().await;
}

pub(crate) async fn steps_of_one_conversation_at_the_same_moment_have_one_winner(stage: &Stage) {
    let [store, other] = stage.open_twice().await;
    for round in 0..20 {
        let named = |name: &str| key(&format!("c{round}"), &format!("{round}-{name}"));
        let (one, two) = (step(&named("1"), 0), step(&named("2"), 0));
        let (a, b, c, d) = tokio::join!(
            store.commit(one.clone()),
            other.commit(two.clone()),
            store.commit(two),
            other.commit(one)
        );
        let commits = [a.unwrap(), b.unwrap(), c.unwrap(), d.unwrap()];
        let done = commits.iter().filter(|commit| matches!(commit, Commit::Done(_))).count();
        let seen = commits.iter().filter(|commit| matches!(commit, Commit::Seen(_))).count();
        assert_eq!((done, seen), (1, 1), "{commits:?}");
        assert_eq!(store.look(&named("3")).await.unwrap(), fresh((1, 0), None));
    }
    store.close().await;
    other.close().await;
}

pub(crate) async fn a_late_zombie_changes_nothing(stage: &Stage) {
    let [zombie, successor] = stage.open_twice().await;
    let held = Step {
        state: Some(b"zombie".to_vec()),
        outgoing: vec![record("zombie")],
        replies: vec![reply("1", "zombie")],
        ..step(&key("c", "1"), 0)
    };
    assert_eq!(zombie.look(&held.key).await.unwrap(), fresh((0, 0), None));
    let theirs = Step {
        state: Some(b"s".to_vec()),
        outgoing: vec![record("a")],
        replies: vec![reply("1", "a")],
        ..held.clone()
    };
    let outgoing = done(&successor, theirs).await;
    assert_eq!(records(&done_by_another(&zombie, held.clone()).await), records(&outgoing));
    let late = Step { key: key("c", "2"), ..held };
    assert_eq!(zombie.commit(late).await.unwrap(), Commit::Moved);
    assert_eq!(successor.look(&key("c", "2")).await.unwrap(), fresh((1, 1), Some(b"s")));
    assert_eq!(replies(&successor, "c", 0, 10).await, [(1, "a".to_owned())]);
    zombie.close().await;
    successor.close().await;
}

pub(crate) async fn a_crowd_in_several_processes_does_every_step_once(stage: &Stage) {
    let stores = stage.open_twice().await;
    let crowd = crowd::Crowd::new(50, 20);
    crowd.work(&stores).await;
    crowd.check(&stores[0]).await;
    for store in stores {
        store.close().await;
    }
}

pub(crate) async fn what_is_done_survives_a_restart(stage: &Stage) {
    let store = stage.open().await;
    let first = Step {
        state: Some(b"s".to_vec()),
        outgoing: vec![record("a")],
        replies: vec![reply("1", "hi")],
        ..step(&key("c", "1"), 0)
    };
    let outgoing = done(&store, first.clone()).await;
    done(&store, step(&key("d", "2"), 0)).await;
    store.close().await;
    let store = stage.open().await;
    assert_eq!(records(&seen(&store, &first.key).await), records(&outgoing));
    assert_eq!(records(&done_by_another(&store, first).await), records(&outgoing));
    assert_eq!(store.look(&key("c", "3")).await.unwrap(), fresh((1, 1), Some(b"s")));
    assert_eq!(replies(&store, "c", 0, 10).await, [(1, "hi".to_owned())]);
    let next = done(&store, Step { outgoing: vec![record("b")], ..step(&key("c", "3"), 1) }).await;
    assert_eq!(places(&next), [(1, "a".to_owned()), (2, "b".to_owned())]);
    store.close().await;
}

pub(crate) async fn replies_have_cursors_in_order_and_come_in_pages(stage: &Stage) {
    let store = stage.open().await;
    for n in 1..=7_i64 {
        let name = n.to_string();
        done(&store, Step { replies: vec![reply(&name, &name)], ..step(&key("c", &name), n - 1) }).await;
    }
    // The same reply in another step, of this and of another conversation, gets no second row.
    done(&store, Step { replies: vec![reply("3", "again"), reply("8", "8")], ..step(&key("c", "8"), 7) })
        .await;
    done(&store, Step { replies: vec![reply("3", "again")], ..step(&key("d", "9"), 0) }).await;
    let all: Vec<(i64, String)> = (1..=8).map(|n: i64| (n, n.to_string())).collect();
    assert_eq!(replies(&store, "c", 0, 100).await, all);
    assert_eq!(replies(&store, "c", 0, 3).await, all[..3]);
    assert_eq!(replies(&store, "c", 3, 3).await, all[3..6]);
    assert_eq!(replies(&store, "c", 8, 3).await, []);
    assert_eq!(replies(&store, "d", 0, 3).await, []);
    store.close().await;
}

pub(crate) async fn several_replies_of_one_step_keep_their_order(stage: &Stage) {
    let store = stage.open().await;
    let words = ["z", "a", "z2", "m"];
    let replies_of = |name: &str| words.map(|word| reply(&format!("{name}-{word}"), word)).to_vec();
    let (c, d) = (
        Step { replies: replies_of("c"), ..step(&key("c", "1"), 0) },
        Step { replies: replies_of("d"), ..step(&key("d", "2"), 0) },
    );
    let (c, d) = tokio::join!(store.commit(c), store.commit(d));
    assert_eq!([c.unwrap(), d.unwrap()], [Commit::Done(Vec::new()), Commit::Done(Vec::new())]);
    let twice = vec![reply("e", "e"), reply("e", "e"), reply("f", "f")];
    done(&store, Step { replies: twice, ..step(&key("c", "3"), 1) }).await;
    let numbered = |words: &[&str]| (1..).zip(words.iter().map(ToString::to_string)).collect::<Vec<_>>();
    assert_eq!(replies(&store, "c", 0, 10).await, numbered(&["z", "a", "z2", "m", "e", "f"]));
    assert_eq!(replies(&store, "d", 0, 10).await, numbered(&words));
    store.close().await;
}

pub(crate) async fn hostile_text_and_bytes_come_back_as_they_were(stage: &Stage) {
    let store = stage.open().await;
    let hostile = [
        "",
        "\0",
        "before\0after",
        "'; DROP TABLE reply; --",
        "\"quoted\" \\back\\ {a,b} $1 %s",
        "\u{202e}سلام\u{2066} می‌خواهم\u{200f}",
        "😀🏳️‍🌈\u{10ffff}",
        "\u{feff}\r\n\t\u{1b}[31m",
        &"ط".repeat(100_000),
    ];
    let mut outgoing = record("x");
    outgoing.key = None;
    outgoing.value = None;
    outgoing.headers.push("", Vec::new());
    outgoing.headers.push("na\0me \"'\\ نام", vec![0, 128, 255]);
    for (n, text) in hostile.iter().enumerate() {
        let (version, n) = (i64::try_from(n).unwrap(), n.to_string());
        let hostile = Step {
            state: Some(text.as_bytes().to_vec()),
            outgoing: vec![outgoing.clone()],
            replies: vec![reply(&n, text)],
            ..step(&key("c", &n), version)
        };
        let (hostile, mate) =
            tokio::join!(store.commit(hostile), store.commit(step(&key(&n, &format!("mate{n}")), 0)));
        assert!(matches!(hostile.unwrap(), Commit::Done(_)), "{n}");
        assert!(matches!(mate.unwrap(), Commit::Done(_)), "the mate of {n}");
        let expected = fresh((version + 1, version + 1), Some(text.as_bytes()));
        assert_eq!(store.look(&key("c", "next")).await.unwrap(), expected);
    }
    let found: Vec<String> = replies(&store, "c", 0, 100).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(found, hostile);
    let pending = seen(&store, &key("c", "0")).await;
    assert!(pending.iter().all(|one| one.record == outgoing), "{pending:?}");
    store.close().await;
}

pub(crate) async fn groups_do_not_see_each_other(stage: &Stage) {
    let store = stage.open().await;
    let mine = key("c", "1");
    let theirs = StepKey { group: "connector", ..mine.clone() };
    let first = Step { state: Some(b"mine".to_vec()), outgoing: vec![record("mine")], ..step(&mine, 0) };
    done(&store, first).await;
    assert_eq!(store.look(&theirs).await.unwrap(), fresh((0, 0), None));
    let outgoing = done(&store, Step { outgoing: vec![record("theirs")], ..step(&theirs, 0) }).await;
    assert_eq!(places(&outgoing), [(1, "theirs".to_owned())]);
    store.published(theirs.group, conversation("c"), 1).await;
    assert_eq!(seen(&store, &theirs).await, []);
    assert_eq!(places(&seen(&store, &mine).await), [(1, "mine".to_owned())]);
    // The replies of a conversation are one list, whoever says them.
    let a = Step { replies: vec![reply("a", "a")], ..step(&StepKey { event_id: event("2"), ..mine }, 1) };
    let b = Step { replies: vec![reply("b", "b")], ..step(&StepKey { event_id: event("3"), ..theirs }, 1) };
    let (a, b) = tokio::join!(store.commit(a), store.commit(b));
    assert_eq!([a.unwrap(), b.unwrap()], [Commit::Done(Vec::new()), Commit::Done(Vec::new())]);
    let cursors: Vec<i64> = replies(&store, "c", 0, 10).await.iter().map(|(cursor, _)| *cursor).collect();
    assert_eq!(cursors, [1, 2]);
    store.close().await;
}

pub(crate) async fn old_inbox_rows_are_dropped_in_batches(stage: &Stage) {
    let store = stage.open().await;
    for n in 0..5 {
        done(&store, step(&key("c", &n.to_string()), n)).await;
    }
    assert_eq!(store.prune_inbox(Duration::from_secs(3600), 100).await.unwrap(), 0);
    assert_eq!(seen(&store, &key("c", "0")).await, []);
    let mut dropped = Vec::new();
    for _ in 0..4 {
        dropped.push(store.prune_inbox(Duration::ZERO, 2).await.unwrap());
    }
    assert_eq!(dropped, [2, 2, 1, 0]);
    assert_eq!(store.look(&key("c", "0")).await.unwrap(), fresh((5, 0), None));
    store.close().await;
}

pub(crate) async fn a_closed_store_says_so(stage: &Stage) {
    let store = stage.open().await;
    let clone = store.clone();
    let last = store.commit(step(&key("c", "1"), 0));
    let (last, ()) = tokio::join!(last, clone.close());
    assert!(matches!(last.unwrap(), Commit::Done(_)), "what is queued is carried out");
    assert_eq!(store.commit(step(&key("c", "2"), 1)).await.unwrap_err().kind(), "unavailable");
    assert_eq!(store.look(&key("c", "2")).await.unwrap_err().kind(), "unavailable");
    assert_eq!(store.ping().await.unwrap_err().kind(), "unavailable");
    let store = stage.open().await;
    assert_eq!(store.look(&key("c", "2")).await.unwrap(), fresh((1, 0), None));
    store.close().await;
}
