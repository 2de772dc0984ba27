//! The outbox: what every backing has to keep, whoever dies when.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use peyvand::{
    bus::NewRecord,
    event::{ConversationId, EntryId},
    store::{Claimed, Commit, Known, NewEntry, Outgoing, Settled, Settlement, Step, Store, Verdict},
};

use super::stage::{GROUP, Stage, conversation, done, event, key, places, record, step};

pub(super) const TARGET: &str = "sap";
const LONG: Duration = Duration::from_secs(60);
const NO_TIME: Duration = Duration::ZERO;

pub(super) fn entry(conversation_name: &str, name: &str) -> NewEntry {
    NewEntry {
        id: EntryId::of(&event(name), TARGET, "test"),
        target: TARGET.to_owned(),
        conversation_id: conversation(conversation_name),
        operation: "test".to_owned(),
        payload: name.as_bytes().to_vec(),
    }
}

pub(super) async fn enqueue(store: &Store, conversation_name: &str, name: &str, version: i64) {
    let entries = vec![entry(conversation_name, name)];
    done(store, Step { entries, ..step(&key(conversation_name, name), version) }).await;
}

pub(super) async fn claim(store: &Store, limit: u32) -> Vec<Claimed> {
    let mut claimed = store.claim(TARGET, limit, LONG).await.unwrap();
    claimed.sort_by(|a, b| a.payload.cmp(&b.payload));
    claimed
}

pub(super) async fn claim_one(store: &Store) -> Claimed {
    let mut claimed = claim(store, 10).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

/// Who has not kept the entry gets it a little later.
async fn claimed_by_another(store: &Store) -> Claimed {
    let until = Instant::now() + LONG;
    loop {
        if let Some(claimed) = store.claim(TARGET, 10, LONG).await.unwrap().pop() {
            return claimed;
        }
        assert!(Instant::now() < until, "nobody else gets it");
    }
}

pub(super) fn names(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| std::str::from_utf8(&one.payload).unwrap()).collect()
}

fn settlement(claimed: &Claimed, verdict: Verdict) -> Settlement {
    Settlement { lease: claimed.lease.clone(), verdict, group: GROUP, outgoing: Vec::new() }
}

pub(super) fn finished() -> Verdict {
    Verdict::Done { reference: "45500".to_owned() }
}

pub(super) async fn settle(store: &Store, claimed: &Claimed, verdict: Verdict) -> Settled {
    settle_telling(store, claimed, verdict, Vec::new()).await
}

async fn settle_telling(
    store: &Store,
    claimed: &Claimed,
    verdict: Verdict,
    outgoing: Vec<NewRecord>,
) -> Settled {
    let one = Settlement { outgoing, ..settlement(claimed, verdict) };
    store.settle(vec![one]).await.unwrap().remove(0)
}

async fn waiting(store: &Store) -> u64 {
    store.depth(TARGET).await.unwrap().waiting
}

pub(crate) async fn an_entry_commits_with_its_step_and_with_no_other(stage: &Stage) {
    let store = stage.open().await;
    let lost = Step { entries: vec![entry("c", "lost")], ..step(&key("c", "lost"), 7) };
    assert_eq!(store.commit(lost).await.unwrap(), Commit::Moved);
    assert_eq!(waiting(&store).await, 0);
    enqueue(&store, "c", "1", 0).await;
    assert_eq!(waiting(&store).await, 1);
    assert_eq!(names(&claim(&store, 10).await), ["1"]);
    assert!(store.claim("another", 10, LONG).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn an_entry_is_marked_in_doubt_before_anybody_may_send_it(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    let claimed = claim_one(&store).await;
    assert_eq!((claimed.known, claimed.attempts), (Known::Unsent, 1));
    let depth = store.depth(TARGET).await.unwrap();
    assert_eq!((depth.waiting, depth.in_doubt, depth.parked), (1, 1, 0));
    assert_eq!(settle(&store, &claimed, finished()).await, Settled::Committed(Vec::new()));
    let depth = store.depth(TARGET).await.unwrap();
    assert_eq!((depth.waiting, depth.in_doubt), (0, 0));
    assert!(claim(&store, 10).await.is_empty());
    store.close().await;
}

pub(crate) async fn entries_of_one_conversation_are_sent_in_the_order_of_their_commits(stage: &Stage) {
    let store = stage.open().await;
    let two = vec![entry("c", "1"), entry("c", "2")];
    done(&store, Step { entries: two, ..step(&key("c", "1"), 0) }).await;
    enqueue(&store, "c", "3", 1).await;
    enqueue(&store, "d", "0", 0).await;
    let first = claim(&store, 10).await;
    assert_eq!(names(&first), ["0", "1"]);
    assert!(claim(&store, 10).await.is_empty(), "one entry of a conversation at a time");
    settle(&store, &first[1], finished()).await;
    for expected in ["2", "3"] {
        let claimed = claim_held(&store, expected).await;
        settle(&store, &claimed, finished()).await;
    }
    store.close().await;
}

pub(super) async fn claim_held(store: &Store, name: &str) -> Claimed {
    let claimed = claim_one(store).await;
    assert_eq!(names(std::slice::from_ref(&claimed)), [name]);
    claimed
}

pub(crate) async fn what_is_told_waits_behind_what_the_conversation_was_told_before(stage: &Stage) {
    let store = stage.open().await;
    let accepted = Step {
        entries: vec![entry("c", "1")],
        outgoing: vec![record("accepted")],
        ..step(&key("c", "1"), 0)
    };
    done(&store, accepted).await;
    let claimed = claim_one(&store).await;
    let Settled::Committed(told) = settle_telling(&store, &claimed, finished(), vec![record("done")]).await
    else {
        panic!("the lease was lost")
    };
    let both = [(1, "accepted".to_owned()), (2, "done".to_owned())];
    assert_eq!(places(&told), both);
    assert_eq!(store.pending(GROUP, &conversation("c")).await.unwrap(), told);
    store.published(GROUP, conversation("c"), 1).await;
    // A step that follows goes on behind both, and its version is not touched by what was told.
    let next = done(&store, Step { outgoing: vec![record("next")], ..step(&key("c", "2"), 1) }).await;
    assert_eq!(places(&next), [(2, "done".to_owned()), (3, "next".to_owned())]);
    store.close().await;
}

/// A relay commits what it tells and dies before it publishes. The next step's process publishes both, or it would forget
/// what it never published.
pub(crate) async fn what_another_process_left_is_published_with_what_follows(stage: &Stage) {
    let [store, relay] = stage.open_twice().await;
    enqueue(&store, "c", "1", 0).await;
    let claimed = claimed_by_another(&relay).await;
    let _left = settle_telling(&relay, &claimed, finished(), vec![record("done")]).await;
    let next = done(&store, Step { outgoing: vec![record("next")], ..step(&key("c", "2"), 1) }).await;
    assert_eq!(places(&next), [(1, "done".to_owned()), (2, "next".to_owned())]);
    store.published(GROUP, conversation("c"), 2).await;
    assert_eq!(left_behind(&store, GROUP, NO_TIME).await, [""; 0]);
    store.close().await;
    relay.close().await;
}

pub(crate) async fn whoever_lost_the_lease_changes_nothing(stage: &Stage) {
    let [store, other] = stage.open_twice().await;
    enqueue(&store, "c", "1", 0).await;
    let late = store.claim(TARGET, 10, NO_TIME).await.unwrap().remove(0);
    let newer = claimed_by_another(&other).await;
    assert!(newer.lease.generation > late.lease.generation);
    for verdict in
        [finished(), Verdict::Refused { class: "x" }, Verdict::Parked { class: "x", unsent: false }]
    {
        let told = settle_telling(&store, &late, verdict, vec![record("zombie")]).await;
        assert_eq!(told, Settled::Fenced);
    }
    assert_eq!(store.pending(GROUP, &conversation("c")).await.unwrap(), []);
    assert_eq!(settle(&other, &newer, finished()).await, Settled::Committed(Vec::new()));
    // Also not a second time under the same lease.
    assert_eq!(settle(&other, &newer, finished()).await, Settled::Fenced);
    store.close().await;
    other.close().await;
}

pub(crate) async fn a_lease_that_ran_out_goes_to_another_and_the_entry_is_in_doubt(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    store.claim(TARGET, 10, NO_TIME).await.unwrap();
    let again = loop {
        if let Some(again) = store.claim(TARGET, 10, LONG).await.unwrap().pop() {
            break again;
        }
    };
    assert!(matches!(again.known, Known::InDoubt { absent_for: None, .. }), "{again:?}");
    assert_eq!(again.attempts, 2);
    store.close().await;
}

pub(crate) async fn a_pause_is_kept_and_costs_an_attempt_only_when_it_counts(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    let again = |after, counts| Verdict::Again { after, class: "busy", counts };
    let first = claim_one(&store).await;
    settle(&store, &first, again(NO_TIME, false)).await;
    let second = claim_one(&store).await;
    assert_eq!((second.known, second.attempts), (Known::Unsent, 1));
    settle(&store, &second, again(NO_TIME, true)).await;
    let third = claim_one(&store).await;
    assert_eq!((third.known, third.attempts), (Known::Unsent, 2));
    settle(&store, &third, again(LONG, true)).await;
    assert!(claim(&store, 10).await.is_empty());
    // What comes behind waits for it: the conversation keeps its order.
    enqueue(&store, "c", "2", 1).await;
    assert!(claim(&store, 10).await.is_empty());
    store.close().await;
}

pub(crate) async fn absence_is_remembered_from_the_first_time_it_was_said(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    let doubt = |absent| Verdict::Doubt { after: NO_TIME, class: "absent", absent, counts: true };
    settle(&store, &claim_one(&store).await, doubt(false)).await;
    let absent_for = |claimed: &Claimed| match claimed.known {
        Known::InDoubt { absent_for, .. } => absent_for,
        Known::Unsent => panic!("it was sent"),
    };
    let asked = claim_one(&store).await;
    assert_eq!(absent_for(&asked), None);
    settle(&store, &asked, doubt(true)).await;
    let mut longest = NO_TIME;
    for said in [true, false, true] {
        let asked = claim_one(&store).await;
        let now = absent_for(&asked).unwrap();
        assert!(now >= longest);
        longest = now;
        settle(&store, &asked, doubt(said)).await;
    }
    // Proven absent, it begins anew.
    let proven = Verdict::Again { after: NO_TIME, class: "absent", counts: true };
    settle(&store, &claim_one(&store).await, proven).await;
    assert_eq!(claim_one(&store).await.known, Known::Unsent);
    store.close().await;
}

pub(crate) async fn the_same_intention_twice_is_one_entry(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    // As when the inbox row was dropped and the event came once more.
    let again = Step { entries: vec![entry("c", "1"), entry("c", "2")], ..step(&key("c", "x"), 1) };
    done(&store, again).await;
    assert_eq!(waiting(&store).await, 2);
    for expected in ["1", "2"] {
        let claimed = claim_held(&store, expected).await;
        settle(&store, &claimed, finished()).await;
    }
    store.close().await;
}

pub(crate) async fn several_relays_share_the_entries_and_send_each_once(stage: &Stage) {
    const CONVERSATIONS: usize = 20;
    const EACH: i64 = 5;
    let [one, other] = stage.open_twice().await;
    for n in 0..EACH {
        let steps = (0..CONVERSATIONS).map(|c| {
            let store = one.clone();
            async move { enqueue(&store, &format!("c{c}"), &format!("c{c}-{n}"), n).await }
        });
        futures_util::future::join_all(steps).await;
    }
    let relay = async |store: Store| {
        let mut sent: Vec<(String, i64)> = Vec::new();
        while waiting(&store).await > 0 {
            let claimed = store.claim(TARGET, 3, LONG).await.unwrap();
            sent.extend(claimed.iter().map(|c| (c.lease.conversation_id.to_string(), c.lease.seq)));
            store.settle(claimed.iter().map(|c| settlement(c, finished())).collect()).await.unwrap();
        }
        sent
    };
    let (mut a, b, c) = tokio::join!(relay(one.clone()), relay(other.clone()), relay(one.clone()));
    let mut order: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for sent in [&a, &b, &c] {
        for pair in sent.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            assert!(pair[0].1 < pair[1].1, "out of order: {pair:?}");
        }
    }
    a.extend(b.into_iter().chain(c));
    for (conversation, seq) in a {
        order.entry(conversation).or_default().push(seq);
    }
    assert_eq!(order.len(), CONVERSATIONS);
    for sent in order.values_mut() {
        sent.sort_unstable();
        assert_eq!(*sent, (1..=EACH).collect::<Vec<_>>());
    }
    one.close().await;
    other.close().await;
}

pub(crate) async fn what_nobody_published_is_found_after_a_while(stage: &Stage) {
    let store = stage.open().await;
    let left = Step { outgoing: vec![record("a")], ..step(&key("c", "1"), 0) };
    done(&store, left).await;
    let published = Step { outgoing: vec![record("b")], ..step(&key("d", "2"), 0) };
    done(&store, published).await;
    store.published(GROUP, conversation("d"), 1).await;
    assert_eq!(left_behind(&store, GROUP, NO_TIME).await, ["c"]);
    assert_eq!(left_behind(&store, GROUP, LONG).await, [""; 0]);
    assert_eq!(left_behind(&store, "connector", NO_TIME).await, [""; 0]);
    store.close().await;
}

/// The events of each page, by conversation.
async fn pages(store: &Store, limit: u32) -> Vec<String> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = store.left_behind(GROUP, NO_TIME, after.as_ref(), limit).await.unwrap();
        let of = |(conversation, events): &(ConversationId, Vec<Outgoing>)| {
            format!("{conversation}{}", events.iter().map(|one| one.seq.to_string()).collect::<String>())
        };
        pages.push(page.conversations.iter().map(of).collect::<Vec<_>>().join(" "));
        after = page.next_after;
        if after.is_none() {
            return pages;
        }
    }
}

pub(crate) async fn what_nobody_published_is_read_page_by_page(stage: &Stage) {
    let store = stage.open().await;
    for name in ["a", "b", "d"] {
        done(&store, Step { outgoing: vec![record("1"), record("2")], ..step(&key(name, name), 0) }).await;
    }
    assert_eq!(pages(&store, 3).await, ["a12", "b12", "d12"], "nothing of b is published without its rest");
    assert_eq!(pages(&store, 5).await, ["a12 b12", "d12"]);
    assert_eq!(pages(&store, 7).await, ["a12 b12 d12"]);
    assert_eq!(pages(&store, 1).await, ["a1", "b1", "d1", ""], "the rest is found by the next round");
    store.close().await;
}

/// Events of three MiB: a page ends behind the third.
pub(crate) async fn a_page_of_what_nobody_published_is_bounded_in_bytes(stage: &Stage) {
    let store = stage.open().await;
    let large = || {
        let mut large = record("");
        large.value = Some(vec![b'x'; 3 << 20]);
        large
    };
    for (name, many) in [("a", 2), ("b", 1), ("d", 1), ("e", 4)] {
        let outgoing = (0..many).map(|_| large()).collect();
        done(&store, Step { outgoing, ..step(&key(name, name), 0) }).await;
    }
    assert_eq!(pages(&store, 100).await, ["a12", "b1 d1", "e123", ""]);
    store.close().await;
}

/// The conversations that are left behind, all on one page.
pub(crate) async fn left_behind(store: &Store, group: &'static str, older_than: Duration) -> Vec<String> {
    let page = store.left_behind(group, older_than, None, 100).await.unwrap();
    assert_eq!(page.next_after, None);
    page.conversations.into_iter().map(|(conversation, _)| conversation.to_string()).collect()
}

pub(crate) async fn finished_entries_are_dropped_in_batches(stage: &Stage) {
    let store = stage.open().await;
    for (n, name) in ["1", "2", "3"].iter().enumerate() {
        enqueue(&store, "c", name, i64::try_from(n).unwrap()).await;
    }
    for _ in 0..2 {
        settle(&store, &claim_one(&store).await, finished()).await;
    }
    assert_eq!(store.prune_outbox(LONG, 10).await.unwrap(), 0);
    assert_eq!(store.prune_outbox(NO_TIME, 1).await.unwrap(), 1);
    assert_eq!(store.prune_outbox(NO_TIME, 10).await.unwrap(), 1);
    let third = claim_one(&store).await;
    assert_eq!((names(std::slice::from_ref(&third)), third.lease.seq), (vec!["3"], 3));
    settle(&store, &third, finished()).await;
    // Nothing of the conversation is left, not even its place in the order.
    assert_eq!(store.prune_outbox(NO_TIME, 10).await.unwrap(), 1);
    enqueue(&store, "c", "4", 3).await;
    assert_eq!(claim_one(&store).await.lease.seq, 1);
    store.close().await;
}
