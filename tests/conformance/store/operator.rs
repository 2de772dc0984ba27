//! Writes that wait for a person: what every backing has to keep of them and of the decision.

use peyvand::event::EntryId;
use peyvand::store::{Claimed, Decided, Decision, Known, Parked, Settled, Store, Verdict};

use super::{
    outbox::{TARGET, claim, claim_held, claim_one, enqueue, finished, names, settle},
    stage::{GROUP, Stage, conversation, event, places, record},
};

pub(crate) async fn a_parked_conversation_stands_still_and_the_others_go_on(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    enqueue(&store, "c", "2", 1).await;
    settle(&store, &claim_one(&store).await, Verdict::Parked { class: "in_doubt", unsent: false }).await;
    enqueue(&store, "d", "3", 0).await;
    assert_eq!(names(&claim(&store, 10).await), ["3"]);
    let depth = store.depth(TARGET).await.unwrap();
    assert_eq!((depth.waiting, depth.parked), (3, 1));
    store.close().await;
}

fn decided(parked: &Parked, decision: Decision) -> Decided {
    let outgoing = match decision {
        Decision::Done { .. } => vec![record("done")],
        Decision::Resume | Decision::Absent | Decision::Skip => Vec::new(),
    };
    let text = |text: &str| text.to_owned();
    Decided {
        id: parked.id,
        in_doubt: parked.in_doubt,
        decision,
        who: text("sara"),
        why: text("looked"),
        group: GROUP,
        outgoing,
    }
}

async fn park(store: &Store, claimed: &Claimed) -> Parked {
    settle(store, claimed, Verdict::Parked { class: "in_doubt", unsent: false }).await;
    let mut parked = store.parked(10).await.unwrap();
    assert_eq!(parked.len(), 1);
    parked.remove(0)
}

pub(crate) async fn a_person_decides_what_becomes_of_a_parked_entry(stage: &Stage) {
    let store = stage.open().await;
    for (n, name) in ["1", "2", "3"].iter().enumerate() {
        enqueue(&store, "c", name, i64::try_from(n).unwrap()).await;
    }
    let first = claim_one(&store).await;
    let parked = park(&store, &first).await;
    assert_eq!(
        (parked.class.as_str(), parked.in_doubt, parked.attempts, parked.behind),
        ("in_doubt", true, 1, 2)
    );
    assert_eq!((parked.target.as_str(), &parked.conversation_id), (TARGET, &conversation("c")));
    // Resumed, it is still in doubt; found absent, it is sent as if never sent.
    assert!(store.decide(decided(&parked, Decision::Resume)).await.unwrap());
    let again = claim_held(&store, "1").await;
    assert!(matches!(again.known, Known::InDoubt { absent_for: None, .. }));
    assert_eq!(settle(&store, &first, finished()).await, Settled::Fenced, "the older lease is worth nothing");
    let parked = park(&store, &again).await;
    assert!(store.decide(decided(&parked, Decision::Absent)).await.unwrap());
    let unsent = claim_held(&store, "1").await;
    assert_eq!((unsent.known, unsent.attempts), (Known::Unsent, 1));
    // Found in the system, it is done and told; the next one's turn has come.
    let parked = park(&store, &unsent).await;
    assert!(store.decide(decided(&parked, Decision::Done { reference: "7".to_owned() })).await.unwrap());
    let pending = store.pending(GROUP, &conversation("c")).await.unwrap();
    assert_eq!(places(&pending), [(1, "done".to_owned())]);
    let parked = park(&store, &claim_held(&store, "2").await).await;
    assert!(store.decide(decided(&parked, Decision::Skip)).await.unwrap());
    assert_eq!(names(&claim(&store, 10).await), ["3"]);
    assert_eq!(store.parked(10).await.unwrap(), []);
    store.close().await;
}

pub(crate) async fn what_was_never_sent_is_parked_as_unsent(stage: &Stage) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    let unsent = Verdict::Parked { class: "exhausted", unsent: true };
    settle(&store, &claim_one(&store).await, unsent).await;
    let parked = store.parked(10).await.unwrap().remove(0);
    assert!(!parked.in_doubt);
    assert!(store.decide(decided(&parked, Decision::Resume)).await.unwrap());
    assert_eq!(claim_one(&store).await.known, Known::Unsent);
    store.close().await;
}

pub(crate) async fn a_decision_about_a_write_that_came_in_doubt_since_it_was_looked_at_changes_nothing(
    stage: &Stage,
) {
    let store = stage.open().await;
    enqueue(&store, "c", "1", 0).await;
    let unsent = Verdict::Parked { class: "exhausted", unsent: true };
    settle(&store, &claim_one(&store).await, unsent).await;
    let looked_at = store.parked(10).await.unwrap().remove(0);
    assert!(store.decide(decided(&looked_at, Decision::Resume)).await.unwrap());
    let now = park(&store, &claim_one(&store).await).await;
    assert!(now.in_doubt);
    assert!(!store.decide(decided(&looked_at, Decision::Skip)).await.unwrap(), "it may be written by now");
    assert!(store.decide(decided(&now, Decision::Skip)).await.unwrap());
    store.close().await;
}

pub(crate) async fn a_decision_about_what_does_not_wait_changes_nothing(stage: &Stage) {
    let [store, other] = stage.open_twice().await;
    enqueue(&store, "c", "1", 0).await;
    enqueue(&store, "c", "2", 1).await;
    let parked = park(&store, &claim_one(&store).await).await;
    let skip = || decided(&parked, Decision::Skip);
    let (one, two) = tokio::join!(store.decide(skip()), other.decide(skip()));
    assert!(one.unwrap() ^ two.unwrap(), "two at the same time are one decision");
    assert!(!store.decide(skip()).await.unwrap());
    let unknown = Decided { id: EntryId::of(&event("x"), TARGET, "x"), ..skip() };
    assert!(!store.decide(unknown).await.unwrap());
    assert_eq!(names(&claim(&store, 10).await), ["2"]);
    store.close().await;
    other.close().await;
}
