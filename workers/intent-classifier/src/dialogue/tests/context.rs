//! What came of operations is spoken of too.

use peyvand::event::{OperationStatus, OperationUpdated};

use super::*;

const DONE: &str = include_str!("../../../../../schemas/examples/operation_updated.done.json");
const FOUND: &str = include_str!("../../../../../schemas/examples/operation_updated.found.json");

impl Talk {
    /// An operation took this step, a second later; what is asked again behind it.
    fn told(&mut self, update: &OperationUpdated) -> Option<TurnDecided> {
        self.now_ms += 1000;
        let at_ms = self.now_ms;
        self.told_at(update, at_ms).1
    }

    /// Whether it changed anything, and what is asked again.
    fn told_at(&mut self, update: &OperationUpdated, at_ms: i64) -> (bool, Option<TurnDecided>) {
        let Trained { assistant, model, .. } = &*TRAINED;
        let (after, turn) = super::after(assistant, model, update, at_ms, self.state.clone());
        let changed = after.is_some();
        self.state = after.unwrap_or_else(|| self.state.clone());
        (changed, turn)
    }
}

fn of_file(text: &str) -> OperationUpdated {
    serde_json::from_str(text).unwrap()
}

fn done(number: &str) -> OperationUpdated {
    let reference = Some(number.to_owned().into());
    OperationUpdated { operation: Operation::SalesOrderCreate, reference, ..of_file(DONE) }
}

#[test]
fn an_order_that_was_placed_is_meant_by_a_word_that_points_back() {
    for (wish, yes, then) in [
        ("order 20 bags of CEM-042 for customer 1000000018", "yes", "and when is it delivered?"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "بله", "وضعیتش چیه؟"),
    ] {
        let mut talk = Talk::default();
        talk.say("where is order 45001?");
        talk.say(wish);
        talk.say(yes);
        assert_eq!(talk.told(&done("45500")), None);
        let turn = talk.say(then);
        assert_eq!(
            (turn.decision, turn.slot(SlotName::OrderNumber)),
            (Decision::Execute, Some("45500")),
            "{then}"
        );
    }
}

#[test]
fn what_was_spoken_of_at_its_time_is_meant_whichever_topic_is_read_first() {
    let status = "سفارش ۴۵۰۰۱ کجاست؟";
    for operation_first in [false, true] {
        let mut talk = Talk { now_ms: 100_000, ..Talk::default() };
        let placed = |talk: &mut Talk| talk.told_at(&done("45500"), 110_000);
        if operation_first {
            placed(&mut talk);
        }
        talk.say(status);
        assert_eq!(talk.say("وضعیتش چیه؟").slot(SlotName::OrderNumber), Some("45001"));
        if !operation_first {
            placed(&mut talk);
        }
        talk.now_ms = 111_000;
        assert_eq!(talk.say("وضعیتش چیه؟").slot(SlotName::OrderNumber), Some("45500"));
    }
}

#[test]
fn an_order_is_spoken_of_when_the_person_spoke_whatever_the_clock_of_the_system_says() {
    for told_at_ms in [1, 100_000, 999_000_000] {
        let mut talk = Talk { now_ms: 100_000, ..Talk::default() };
        talk.told_at(&OperationUpdated { said_at_ms: 100_000, ..done("45500") }, told_at_ms);
        assert_eq!(talk.say("وضعیتش چیه؟").slot(SlotName::OrderNumber), Some("45500"));
    }
    let mut talk = Talk { now_ms: 100_000, ..Talk::default() };
    talk.told_at(&OperationUpdated { said_at_ms: 200_000, ..done("45500") }, 1);
    assert_eq!(talk.say("وضعیتش چیه؟").slot(SlotName::OrderNumber), None, "that was said later");
}

#[test]
fn an_order_that_is_not_there_is_not_meant_and_the_one_product_of_an_order_is() {
    let mut talk = Talk::default();
    talk.say("where is order 45999?");
    let mut missing = of_file(FOUND);
    missing.operation = Operation::OrderStatus;
    missing.status = OperationStatus::NotFound;
    missing.subject = Some("45999".to_owned().into());
    missing.orders.clear();
    talk.told(&missing);
    assert_eq!(talk.say("and when is it delivered?").decision, Decision::Ask);

    let mut talk = Talk::default();
    let mut found = of_file(FOUND);
    found.operation = Operation::OrderStatus;
    found.orders[0].items.truncate(1);
    found.orders[0].items[0].product = "CEM-042".to_owned();
    talk.told(&found);
    let turn = talk.say("how much of it is in stock?");
    assert_eq!((turn.decision, turn.slot(SlotName::Product)), (Decision::Execute, Some("CEM-042")));
}

#[test]
fn steps_that_name_nothing_change_nothing() {
    for status in [
        OperationStatus::Accepted,
        OperationStatus::Failed,
        OperationStatus::Refused,
        OperationStatus::Unknown,
    ] {
        let (changed, turn) = Talk::default().told_at(&OperationUpdated { status, ..done("45500") }, 1);
        assert!(!changed && turn.is_none(), "{status:?}");
    }
}

/// What a conversation reads, in the order of its time.
fn story() -> Vec<(Option<&'static str>, Option<OperationUpdated>)> {
    vec![
        (Some("سلام"), None),
        (Some("سفارش ۴۵۰۰۱ کجاست؟"), None),
        (Some("order 20 bags of CEM-042 for customer 1000000018"), None),
        (Some("I want to file a complaint"), None),
        (Some("never mind"), None),
        (Some("yes"), None),
        (None, Some(done("45500"))),
        (Some("وضعیتش چیه؟"), None),
        (Some("I want to place an order"), None),
    ]
}

/// Everything decided, and what is remembered in the end; operations are read where they happened, or before everything else.
fn played(
    story: &[(Option<&str>, Option<OperationUpdated>)],
    operations_first: bool,
) -> (Vec<TurnDecided>, Dialogue) {
    let (mut talk, mut turns) = (Talk::default(), Vec::new());
    if operations_first {
        for (at, (_, update)) in story.iter().enumerate() {
            if let Some(update) = update {
                talk.told_at(update, 1000 * (at as i64 + 1));
            }
        }
    }
    for (text, update) in story {
        match (text, update) {
            (Some(text), _) => turns.extend(talk.all(text)),
            (None, Some(_)) if operations_first => talk.now_ms += 1000,
            (None, Some(update)) => turns.extend(talk.told(update)),
            (None, None) => {}
        }
    }
    (turns, talk.state)
}

#[test]
fn decisions_and_state_are_the_same_in_a_replay_whichever_topic_is_read_first() {
    let (turns, state) = played(&story(), false);
    assert_eq!((turns.clone(), state.clone()), played(&story(), true));
    assert!(state.asked_slot().is_some(), "something is open in it");
    let placed = |turn: &TurnDecided| turn.slot(SlotName::OrderNumber) == Some("45500");
    assert!(turns.iter().any(placed), "what was placed is meant");
}

#[test]
fn a_state_of_the_version_before_is_read_and_only_what_was_open_is_forgotten() {
    let old = r#"{"language":"fa","asked":{"intent":"order_status","slot":"order_number","tries":1},"proposed":null,
        "mentioned":{"order":{"name":"order_number","value":"45001","raw":"45001"},"at_ms":1}}"#;
    for old in [old, r#"{"language":"en","asked":null,"mentioned":null}"#, r#"{"language":null}"#] {
        let state: Dialogue = serde_json::from_str(old).unwrap();
        let mut talk = Talk { state, ..Talk::default() };
        assert_eq!(talk.say("where is order 45001?").decision, Decision::Execute);
    }
}
