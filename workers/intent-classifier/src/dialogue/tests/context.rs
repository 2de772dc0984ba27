//! What came of operations is spoken of too.

use peyvand::event::{OperationStatus, OperationUpdated};

use super::*;

const DONE: &str = include_str!("../../../../../schemas/examples/operation_updated.done.json");
const FOUND: &str = include_str!("../../../../../schemas/examples/operation_updated.found.json");

impl Talk {
    /// An operation took this step, a second later.
    fn told(&mut self, update: &OperationUpdated) -> bool {
        self.now_ms += 1000;
        let after = self.state.clone().after(update, self.now_ms);
        let changed = after.is_some();
        self.state = after.unwrap_or_else(|| self.state.clone());
        changed
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
        assert!(talk.told(&done("45500")));
        let turn = talk.say(then);
        assert_eq!(
            (turn.decision, turn.slot(SlotName::OrderNumber)),
            (Decision::Execute, Some("45500")),
            "{then}"
        );
    }
}

#[test]
fn what_was_spoken_of_later_stays_whichever_is_read_first() {
    let update = done("45500");
    let mut told_first = Talk::default();
    told_first.told(&update);
    told_first.say("where is order 45001?");
    let mut told_last = Talk { now_ms: 1000, ..Talk::default() };
    told_last.say("where is order 45001?");
    let late = told_last.state.clone().after(&update, 1000);
    assert!(late.is_none(), "it is of an earlier time and changes nothing");
    assert_eq!(told_first.state.mentioned, told_last.state.mentioned);
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
    assert!(talk.told(&missing));
    assert_eq!(talk.say("and when is it delivered?").decision, Decision::Ask);

    let mut talk = Talk::default();
    let mut found = of_file(FOUND);
    found.operation = Operation::OrderStatus;
    found.orders[0].items.truncate(1);
    found.orders[0].items[0].product = "CEM-042".to_owned();
    assert!(talk.told(&found));
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
        assert!(!Talk::default().told(&OperationUpdated { status, ..done("45500") }), "{status:?}");
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
        (Some("I want to place an order"), None),
    ]
}

fn state_after(story: &[(Option<&str>, Option<OperationUpdated>)], operations_last: bool) -> Dialogue {
    let mut talk = Talk::default();
    let mut late = Vec::new();
    for (text, update) in story {
        match (text, update) {
            (Some(text), _) => {
                talk.all(text);
            }
            (None, Some(update)) if operations_last => {
                talk.now_ms += 1000;
                late.push((update.clone(), talk.now_ms));
            }
            (None, Some(update)) => {
                talk.told(update);
            }
            (None, None) => {}
        }
    }
    late.into_iter()
        .fold(talk.state, |state, (update, at_ms)| state.clone().after(&update, at_ms).unwrap_or(state))
}

#[test]
fn the_state_is_rebuilt_equal_by_a_replay_whichever_topic_is_read_first() {
    let state = state_after(&story(), false);
    assert_eq!(state, state_after(&story(), false));
    assert_eq!(state, state_after(&story(), true));
    assert!(state.asked_slot().is_some(), "something is open in it");
}
