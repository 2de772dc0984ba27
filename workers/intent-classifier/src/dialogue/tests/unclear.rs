//! A message that may mean one of two things.

use peyvand::language::classifier::Ranked;

use super::*;

impl Talk {
    /// What is decided when the classifier is in two minds about a message.
    fn torn(&mut self, text: &str, between: [&str; 2]) -> TurnDecided {
        let ranked = between.into_iter().zip([0.42, 0.38]);
        let ranked =
            ranked.map(|(intent, confidence)| Ranked { intent: intent.to_owned(), confidence }).collect();
        let meaning = Classification { ranked, out_of_scope: 0.1, in_scope: true };
        let mut turns = self.decided(text, |read| read.meaning = meaning);
        assert_eq!(turns.len(), 1);
        turns.remove(0)
    }
}

const BETWEEN: [&str; 2] = ["order_status", "invoice_status"];

#[test]
fn which_of_two_is_asked_and_picked_by_place_or_word_with_what_was_said_before() {
    for (text, pick, decision, operation) in [
        ("45001 please", "1", Decision::Execute, Some(Operation::OrderStatus)),
        ("45001 please", "the first", Decision::Execute, Some(Operation::OrderStatus)),
        ("۴۵۰۰۱ لطفاً", "اولی", Decision::Execute, Some(Operation::OrderStatus)),
        ("۴۵۰۰۱ لطفاً", "۲", Decision::Answer, None),
        ("45001 please", "where is my order?", Decision::Execute, Some(Operation::OrderStatus)),
    ] {
        let mut talk = Talk::default();
        let asked = talk.torn(text, BETWEEN);
        assert_eq!(
            (asked.decision, asked.choices.as_slice()),
            (Decision::Clarify, BETWEEN.map(String::from).as_slice())
        );
        let picked = talk.say(pick);
        assert_eq!((picked.decision, picked.operation), (decision, operation), "{pick}");
        if operation.is_some() {
            assert_eq!(picked.slot(SlotName::OrderNumber), Some("45001"), "{pick}");
        }
    }
}

#[test]
fn whoever_wants_neither_is_not_understood_and_a_yes_to_both_is_asked_again() {
    for neither in ["neither", "هیچکدام", "no"] {
        let mut talk = Talk::default();
        talk.torn("45001 please", BETWEEN);
        assert_eq!(talk.say(neither).decision, Decision::OutOfScope, "{neither}");
    }
    let mut talk = Talk::default();
    talk.torn("45001 please", BETWEEN);
    assert_eq!(talk.say("yes").decision, Decision::Clarify);
    assert_eq!(talk.say("yes").asked_slot, Some(SlotName::Phone), "and then a person is offered");
}

#[test]
fn which_of_two_is_said_again_and_still_waits() {
    for (again, pick) in [("say that again", "1"), ("دوباره بگو", "اولی")] {
        let mut talk = Talk::default();
        talk.torn("45001 please", BETWEEN);
        let repeated = talk.say(again);
        assert_eq!(
            (repeated.decision, repeated.choices),
            (Decision::Clarify, BETWEEN.map(String::from).to_vec())
        );
        assert_eq!(talk.say(pick).operation, Some(Operation::OrderStatus), "{pick}");
    }
}

#[test]
fn what_is_sure_or_far_ahead_is_not_asked_about() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("where is order 45001?").decision, Decision::Execute);
    let small_talk = talk.torn("hey", ["greeting", "thanks"]);
    assert_ne!(small_talk.decision, Decision::Clarify, "nobody is asked which small talk was meant");
}
