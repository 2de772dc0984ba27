//! Conversations that wait: what every backing has to keep of them.

use std::time::{Duration, UNIX_EPOCH};

use peyvand::{
    bus::{Offset, Record, TimestampType, TopicPartition},
    store::{
        Commit, Found, Kept, ParkedDecision, ParkedFate, ParkedRoom, ParkedSize, ParkedTurn, ParkedVerb,
        StepKey, Store, ToPark, Why,
    },
};

use sha2::Digest;

use super::stage::{GROUP, Stage, conversation, done, event, key, record, seen, step};

const LEASE: Duration = Duration::from_secs(60);
pub(crate) const FAILED: Why = Why::First { class: "exhausted", held: false };

fn to_park(conversation: &str, event: &str, why: Why) -> ToPark {
    let new = record(event);
    let record = Record {
        place: TopicPartition { topic: new.topic, partition: 3 },
        offset: Offset(41),
        timestamp_ms: 7,
        timestamp_type: TimestampType::default(),
        key: new.key,
        value: new.value,
        headers: new.headers,
    };
    ToPark { key: key(conversation, event), record, why, room: ParkedRoom::default() }
}

pub(crate) async fn park(store: &Store, conversation: &str, event: &str, why: Why) -> Kept {
    store.park(to_park(conversation, event, why)).await.unwrap()
}

pub(crate) async fn claim(store: &Store) -> Vec<ParkedTurn> {
    store.claim_parked(GROUP, 10, LEASE).await.unwrap()
}

/// The one conversation whose time has come, and which of its records.
pub(crate) async fn turn(store: &Store) -> (ParkedTurn, String) {
    let mut turns = claim(store).await;
    assert_eq!(turns.len(), 1, "{turns:?}");
    let turn = turns.remove(0);
    let text = String::from_utf8(turn.record.value.clone().unwrap()).unwrap();
    (turn, text)
}

async fn is_parked(store: &Store, conversation: &str) -> bool {
    match store.look(&key(conversation, "any")).await.unwrap() {
        Found::Fresh { parked, .. } => parked,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn what_waits_comes_back_as_it_was_and_in_order(stage: &Stage) {
    let store = stage.open().await;
    assert_eq!(park(&store, "a", "1", Why::Follows).await, Kept::Free, "nothing waits before it");
    assert_eq!(park(&store, "a", "1", FAILED).await, Kept::Parked);
    for event in ["2", "1", "3", "2"] {
        assert_eq!(park(&store, "a", event, Why::Follows).await, Kept::Parked);
    }
    assert!(is_parked(&store, "a").await && !is_parked(&store, "b").await);
    store.close().await;
    let store = stage.open().await;
    for (left, event) in [(2, "1"), (1, "2"), (0, "3")] {
        let (turn, text) = turn(&store).await;
        assert_eq!(text, event);
        let expected = to_park("a", event, FAILED).record;
        assert_eq!(
            (turn.record.place, turn.record.offset, turn.record.timestamp_ms),
            (expected.place, expected.offset, 7)
        );
        assert_eq!((turn.record.key, turn.record.headers), (expected.key, expected.headers));
        assert!(claim(&store).await.is_empty(), "one has it");
        assert!(store.settle_parked(turn.lease, ParkedFate::Done).await.unwrap());
        let records = store.parked_records(GROUP, &conversation("a"), 10).await.unwrap();
        assert_eq!(records.len(), left);
    }
    assert!(!is_parked(&store, "a").await);
    assert_eq!(park(&store, "a", "4", Why::Follows).await, Kept::Free);
    assert!(store.parked_conversations(10).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn whoever_looked_before_a_conversation_was_parked_decides_anew(stage: &Stage) {
    let store = stage.open().await;
    drop(done(&store, step(&key("a", "0"), 0)).await);
    assert_eq!(park(&store, "a", "1", FAILED).await, Kept::Parked);
    let late = store.commit(step(&key("a", "2"), 1)).await.unwrap();
    assert_eq!(late, Commit::Moved);
    // Whoever has the lease commits by what it sees.
    let Found::Fresh { version, parked: true, .. } = store.look(&key("a", "1")).await.unwrap() else {
        panic!()
    };
    drop(done(&store, step(&key("a", "1"), version)).await);
    store.close().await;
}

pub(crate) async fn a_round_in_vain_waits_and_an_older_lease_changes_nothing(stage: &Stage) {
    let store = stage.open().await;
    park(&store, "a", "1", FAILED).await;
    let first = store.claim_parked(GROUP, 10, Duration::ZERO).await.unwrap().remove(0);
    // The lease of no time is over as soon as the database's clock has moved.
    let second = loop {
        if let Some(second) = claim(&store).await.pop() {
            break second;
        }
    };
    assert!(!store.settle_parked(first.lease, ParkedFate::Done).await.unwrap(), "its lease ran out");
    assert!(
        store
            .settle_parked(second.lease.clone(), ParkedFate::Later { after: LEASE, class: None })
            .await
            .unwrap()
    );
    assert!(!store.settle_parked(second.lease, ParkedFate::Done).await.unwrap(), "it is settled already");
    assert!(claim(&store).await.is_empty(), "its time has not come");
    let waiting = store.parked_conversations(10).await.unwrap().remove(0);
    assert_eq!((waiting.attempts, waiting.records, waiting.held), (2, 1, false), "begun twice");
    store.close().await;
}

pub(crate) async fn a_held_conversation_waits_for_a_person_and_is_noted(stage: &Stage) {
    let store = stage.open().await;
    let decide = async |verb| {
        let (who, why) = ("sara".to_owned(), "seen".to_owned());
        let decision =
            ParkedDecision { group: GROUP.to_owned(), conversation_id: conversation("a"), verb, who, why };
        store.decide_parked(decision).await.unwrap()
    };
    assert_eq!(decide(ParkedVerb::Resume).await, None, "it does not wait");
    park(&store, "a", "1", Why::First { class: "panic", held: true }).await;
    park(&store, "a", "2", Why::Follows).await;
    park(&store, "a", "3", Why::Follows).await;
    assert!(claim(&store).await.is_empty());
    assert_eq!(decide(ParkedVerb::Resume).await, Some(Vec::new()));
    let (again, text) = turn(&store).await;
    assert_eq!((text.as_str(), again.attempts), ("1", 1));
    assert!(store.settle_parked(again.lease, ParkedFate::Held { class: "panic" }).await.unwrap());
    assert!(claim(&store).await.is_empty());
    assert_eq!(decide(ParkedVerb::Skip(event("2"))).await, None, "another one is the first");
    assert_eq!(decide(ParkedVerb::Skip(event("1"))).await, Some(vec![event("1")]));
    assert_eq!(turn(&store).await.1, "2");
    let mut dropped = decide(ParkedVerb::Drop).await.unwrap();
    dropped.sort_unstable();
    let mut both = vec![event("2"), event("3")];
    both.sort_unstable();
    assert_eq!(dropped, both);
    assert!(!is_parked(&store, "a").await);
    let noted = store.noted("parked").await.unwrap();
    let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let of_first = noted.iter().find(|(subject, _)| subject.contains(&event("1").to_string()));
    // The servers run on this machine, so their clocks are ours.
    assert!(of_first.is_some_and(|(_, at)| now.abs_diff(*at) < 60_000), "{noted:?} at {now}");
    store.close().await;
}

pub(crate) async fn groups_park_for_themselves(stage: &Stage) {
    let store = stage.open().await;
    park(&store, "a", "1", FAILED).await;
    let mut other = to_park("a", "1", Why::Follows);
    other.key.group = "connector";
    assert_eq!(store.park(other).await.unwrap(), Kept::Free);
    assert!(store.claim_parked("connector", 10, LEASE).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn whoever_is_at_a_record_when_a_person_decides_finds_its_lease_gone(stage: &Stage) {
    let store = stage.open().await;
    park(&store, "a", "1", FAILED).await;
    park(&store, "a", "2", Why::Follows).await;
    let (late, _) = turn(&store).await;
    let Found::Fresh { version, .. } = store.look(&key("a", "1")).await.unwrap() else { panic!() };
    assert!(store.has_parked_lease(&late.lease).await.unwrap());
    let decision = ParkedDecision {
        group: GROUP.to_owned(),
        conversation_id: conversation("a"),
        verb: ParkedVerb::Skip(event("1")),
        who: "sara".to_owned(),
        why: "seen".to_owned(),
    };
    assert!(store.decide_parked(decision).await.unwrap().is_some());
    assert!(!store.has_parked_lease(&late.lease).await.unwrap());
    // It counts as worked on, so neither the late one nor a copy changes anything.
    let fingerprint = sha2::Sha256::digest(record("1").value.unwrap()).into();
    let same = StepKey { fingerprint, ..key("a", "1") };
    assert_eq!(store.commit(step(&same, version)).await.unwrap(), Commit::Seen(Vec::new()));
    assert_eq!(seen(&store, &same).await, []);
    assert!(!store.settle_parked(late.lease, ParkedFate::Held { class: "panic" }).await.unwrap());
    assert_eq!(turn(&store).await.1, "2");
    store.close().await;
}

pub(crate) async fn what_is_done_already_is_not_parked_and_other_bytes_are_a_conflict(stage: &Stage) {
    let store = stage.open().await;
    drop(done(&store, step(&key("a", "1"), 0)).await);
    assert_eq!(park(&store, "a", "1", Why::First { class: "panic", held: true }).await, Kept::Free);
    assert!(!is_parked(&store, "a").await);
    assert_eq!(park(&store, "a", "2", FAILED).await, Kept::Parked);
    let mut forged = to_park("a", "2", Why::Follows);
    forged.record.value = Some(b"other".to_vec());
    assert_eq!(store.park(forged).await.unwrap(), Kept::Conflict);
    let elsewhere = to_park("b", "2", FAILED);
    assert_eq!(store.park(elsewhere).await.unwrap(), Kept::Conflict);
    assert!(!is_parked(&store, "b").await, "a conversation without a record would wait for ever");
    store.close().await;
}

pub(crate) async fn a_round_that_was_begun_and_never_ended_is_known_to_the_next(stage: &Stage) {
    let store = stage.open().await;
    park(&store, "a", "1", FAILED).await;
    park(&store, "a", "2", Why::Follows).await;
    let first = store.claim_parked(GROUP, 10, LEASE).await.unwrap().remove(0);
    assert_eq!(first.begun, 0);
    // Its process ends: nobody settles it, and its lease of no time is over when the database's clock has moved.
    assert!(store.parked_begun(&first.lease, 1, Duration::ZERO).await.unwrap());
    let second = loop {
        if let Some(second) = claim(&store).await.pop() {
            break second;
        }
    };
    assert_eq!(second.begun, 1);
    assert!(!store.parked_begun(&first.lease, 2, LEASE).await.unwrap(), "its lease ran out");
    assert!(store.parked_begun(&second.lease, 2, LEASE).await.unwrap());
    assert!(claim(&store).await.is_empty(), "the lease counts anew");
    assert!(
        store
            .settle_parked(second.lease, ParkedFate::Later { after: Duration::ZERO, class: None })
            .await
            .unwrap()
    );
    let (third, text) = turn(&store).await;
    assert_eq!((third.begun, text.as_str()), (0, "1"), "its round has ended");
    assert!(store.parked_begun(&third.lease, 1, LEASE).await.unwrap());
    assert!(store.settle_parked(third.lease, ParkedFate::Done).await.unwrap());
    let (next, text) = turn(&store).await;
    assert_eq!((next.begun, text.as_str()), (0, "2"), "another record's rounds are none of its own");
    assert!(store.parked_begun(&next.lease, 3, LEASE).await.unwrap());
    let (who, why) = ("sara".to_owned(), "mended".to_owned());
    let conversation_id = conversation("a");
    let verb = ParkedVerb::Resume;
    let resume = ParkedDecision { group: GROUP.to_owned(), conversation_id, verb, who, why };
    assert!(store.decide_parked(resume).await.unwrap().is_some());
    assert_eq!(turn(&store).await.0.begun, 0, "a person lets it begin anew");
    store.close().await;
}

/// Parks a record of so many bytes where no more than this may wait.
async fn park_in(store: &Store, room: ParkedRoom, names: [&str; 2], why: Why, bytes: usize) -> Kept {
    let mut to_park = to_park(names[0], names[1], why);
    to_park.record.value = Some(vec![7; bytes]);
    store.park(ToPark { room, ..to_park }).await.unwrap()
}

pub(crate) async fn a_conversation_and_a_group_have_room_for_so_many_records_and_bytes(stage: &Stage) {
    let store = stage.open().await;
    let many = ParkedSize { records: 1000, bytes: 1 << 20 };
    let few = ParkedSize { records: 3, ..many };
    let room = ParkedRoom { all: few, one: ParkedSize { records: 2, ..many } };
    for (names, why, kept) in [
        (["a", "1"], FAILED, Kept::Parked),
        (["a", "2"], Why::Follows, Kept::Parked),
        (["a", "3"], Why::Follows, Kept::Full),
        (["a", "2"], Why::Follows, Kept::Parked),
        (["a", "1"], FAILED, Kept::Parked),
        (["b", "4"], FAILED, Kept::Parked),
        (["c", "5"], FAILED, Kept::Full),
        (["c", "5"], Why::Follows, Kept::Free),
    ] {
        assert_eq!(park_in(&store, room, names, why, 10).await, kept, "{names:?}");
    }
    assert!(!is_parked(&store, "c").await);
    let other_bytes = park_in(&store, room, ["a", "2"], Why::Follows, 11).await;
    let records = store.parked_records(GROUP, &conversation("a"), 10).await.unwrap().len();
    assert_eq!((other_bytes, records), (Kept::Conflict, 2), "what waits already needs no room");
    store.close().await;
    let store = stage.open().await;
    assert_eq!(park_in(&store, room, ["a", "3"], Why::Follows, 10).await, Kept::Full);
    let first = claim(&store).await.into_iter().find(|turn| turn.lease.conversation_id == conversation("a"));
    assert!(store.settle_parked(first.unwrap().lease, ParkedFate::Done).await.unwrap());
    assert_eq!(park_in(&store, room, ["a", "3"], Why::Follows, 10).await, Kept::Parked, "one has gone");

    let heavy = |all, one| ParkedRoom {
        all: ParkedSize { bytes: all, ..many },
        one: ParkedSize { bytes: one, ..many },
    };
    let room = heavy(1 << 20, 1000);
    assert_eq!(park_in(&store, room, ["d", "6"], FAILED, 2000).await, Kept::Parked, "it passes the limit");
    assert_eq!(park_in(&store, room, ["d", "7"], Why::Follows, 10).await, Kept::Full);
    assert_eq!(park_in(&store, room, ["e", "8"], FAILED, 10).await, Kept::Parked);
    let room = heavy(1500, 1 << 20);
    assert_eq!(park_in(&store, room, ["e", "9"], Why::Follows, 10).await, Kept::Full);
    let (who, why) = ("sara".to_owned(), "seen".to_owned());
    let verb = ParkedVerb::Drop;
    let let_go =
        ParkedDecision { group: GROUP.to_owned(), conversation_id: conversation("d"), verb, who, why };
    assert!(store.decide_parked(let_go).await.unwrap().is_some());
    assert_eq!(park_in(&store, room, ["e", "9"], Why::Follows, 10).await, Kept::Parked);
    store.close().await;
}

pub(crate) async fn a_person_who_lets_one_record_go_makes_room_for_one(stage: &Stage) {
    let store = stage.open().await;
    let size = ParkedSize { records: 2, bytes: 1 << 20 };
    let room = ParkedRoom { all: size, one: size };
    for event in ["1", "2"] {
        assert_eq!(park_in(&store, room, ["a", event], FAILED, 10).await, Kept::Parked);
    }
    let (who, why) = ("sara".to_owned(), "seen".to_owned());
    let verb = ParkedVerb::Skip(event("1"));
    let skip = ParkedDecision { group: GROUP.to_owned(), conversation_id: conversation("a"), verb, who, why };
    assert!(store.decide_parked(skip).await.unwrap().is_some());
    for (event, kept) in [("3", Kept::Parked), ("4", Kept::Full)] {
        assert_eq!(park_in(&store, room, ["a", event], Why::Follows, 10).await, kept);
    }
    assert_eq!(store.parked_conversations(10).await.unwrap()[0].records, 2);
    store.close().await;
}

pub(crate) async fn a_turn_that_was_not_begun_with_does_not_count_and_one_in_vain_says_why(stage: &Stage) {
    let store = stage.open().await;
    park(&store, "a", "1", FAILED).await;
    let claim = async || store.claim_parked(GROUP, 10, LEASE).await.unwrap().remove(0);
    let waits = async || store.parked_conversations(10).await.unwrap().remove(0);
    for _ in 0..3 {
        let turn = claim().await;
        assert_eq!(turn.attempts, 1);
        assert!(store.settle_parked(turn.lease, ParkedFate::NotYet(Duration::ZERO)).await.unwrap());
        let waits = waits().await;
        assert_eq!((waits.attempts, waits.class.as_str(), waits.held), (0, "exhausted", false));
    }
    let in_vain = ParkedFate::Later { after: Duration::ZERO, class: Some("too_long") };
    assert!(store.settle_parked(claim().await.lease, in_vain).await.unwrap());
    let waits = waits().await;
    assert_eq!((waits.attempts, waits.class.as_str(), waits.held), (1, "too_long", false));
    assert_eq!(claim().await.attempts, 2);
}
