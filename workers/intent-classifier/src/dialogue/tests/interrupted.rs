//! Something else is asked while a form or a proposal is open: it is answered, and what was open is come back to.

use super::*;

pub(super) const ORDER: [(&str, &str); 2] = [
    ("order 20 bags of CEM-042 for customer 1000000018", "yes"),
    ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "بله"),
];
pub(super) const STATUS: [&str; 2] = ["where is order 45001?", "سفارش ۴۵۰۰۱ کجاست؟"];
pub(super) const BEGIN: [&str; 2] = ["I want to place an order", "می‌خوام سفارش جدید ثبت کنم"];

pub(super) fn resumed(turn: &TurnDecided) -> Option<(Decision, Option<SlotName>)> {
    turn.resumed.as_ref().map(|prompt| (prompt.decision, prompt.asked_slot))
}

#[test]
fn a_question_asked_in_between_is_answered_and_the_form_goes_on() {
    for (begin, status, number) in [(BEGIN[0], STATUS[0], "CEM-042"), (BEGIN[1], STATUS[1], "CEM-042")] {
        let mut talk = Talk::default();
        assert_eq!(talk.say(begin).asked_slot, Some(SlotName::Product), "{begin}");
        let between = talk.say(status);
        assert_eq!((between.decision, between.operation), (Decision::Execute, Some(Operation::OrderStatus)));
        assert_eq!(resumed(&between), Some((Decision::Ask, Some(SlotName::Product))), "{status}");
        let on = talk.say(number);
        assert_eq!(
            (on.operation, on.asked_slot),
            (Some(Operation::SalesOrderCreate), Some(SlotName::Quantity))
        );
        assert_eq!(on.slot(SlotName::Product), Some("CEM-042"));
    }
}

/// What a system said to a turn: it is there.
pub(super) fn answered(talk: &mut Talk, turn: &TurnDecided) -> Option<TurnDecided> {
    let Trained { assistant, model, .. } = &*TRAINED;
    // The system's clock is hours ahead, as in a replay of old messages.
    let told_at_ms = talk.now_ms + 10_000_000;
    let found = include_str!("../../../../../schemas/examples/operation_updated.found.json");
    let found: peyvand::event::OperationUpdated = serde_json::from_str(found).unwrap();
    let (turn_id, said_at_ms) = (turn.turn_id, turn.said_at_ms);
    let update = peyvand::event::OperationUpdated { turn_id, said_at_ms, ..found };
    let (state, again) = after(assistant, model, &update, told_at_ms, talk.state.clone());
    talk.state = state.unwrap_or_else(|| talk.state.clone());
    again
}

#[test]
fn a_proposal_is_said_again_behind_the_answer_to_what_came_between_and_counts_once() {
    for ((wish, yes), status) in ORDER.into_iter().zip(STATUS) {
        let mut talk = Talk::default();
        talk.say(wish);
        let between = talk.say(status);
        assert_eq!((between.operation, &between.resumed), (Some(Operation::OrderStatus), &None));
        let again = answered(&mut talk, &between).expect(status);
        assert_eq!(
            (again.decision, order(&again)),
            (Decision::Confirm, WHOLE),
            "everything is said back again"
        );
        let done = talk.say(yes);
        assert_eq!((done.decision, order(&done)), (Decision::Execute, WHOLE));
        assert_ne!(talk.say(yes).decision, Decision::Execute);
    }
}

#[test]
fn a_yes_before_the_proposal_is_said_again_means_nothing() {
    for ((wish, yes), status) in ORDER.into_iter().zip(STATUS) {
        let mut talk = Talk::default();
        talk.say(wish);
        let between = talk.say(status);
        assert_eq!(talk.say(yes).answer, Some(Answer::NothingAsked), "{status}");
        assert!(answered(&mut talk, &between).is_some_and(|again| again.decision == Decision::Confirm));
    }
}

#[test]
fn whoever_goes_on_with_something_else_is_asked_again_behind_that_and_not_in_between() {
    let mut talk = Talk::default();
    talk.say(ORDER[0].0);
    let between = talk.say(STATUS[0]);
    assert_eq!(talk.say("please call me back").asked_slot, Some(SlotName::Phone));
    assert_eq!(answered(&mut talk, &between), None, "the phone number is asked for now");
    let cancelled = talk.say("never mind");
    assert_eq!(resumed(&cancelled), Some((Decision::Confirm, None)));
}

#[test]
fn a_form_asked_in_between_is_finished_first_and_a_yes_to_it_is_none_to_the_other() {
    for ((wish, yes), (complain, words)) in ORDER.into_iter().zip([
        ("I want to file a complaint", "three bags came torn"),
        ("می‌خوام شکایت ثبت کنم", "سه کیسه پاره رسید"),
    ]) {
        let mut talk = Talk::default();
        talk.say(wish);
        let asked = talk.say(complain);
        assert_eq!((asked.asked_slot, asked.resumed), (Some(SlotName::Description), None), "{complain}");
        assert_eq!(talk.say(words).operation, Some(Operation::CaseCreate));
        let done = talk.say(yes);
        assert_eq!((done.decision, done.operation), (Decision::Execute, Some(Operation::CaseCreate)));
        assert_eq!(talk.say(yes).answer, Some(Answer::NothingAsked), "the order was not shown again yet");
        let again = answered(&mut talk, &done).expect("the order is come back to");
        assert_eq!((again.decision, again.operation), (Decision::Confirm, Some(Operation::SalesOrderCreate)));
        let done = talk.say(yes);
        assert_eq!((done.decision, done.operation), (Decision::Execute, Some(Operation::SalesOrderCreate)));
    }
}

#[test]
fn small_talk_in_between_is_answered_and_the_question_stays() {
    for (begin, chat, answer) in
        [(BEGIN[0], "thank you very much", Answer::Thanks), (BEGIN[1], "خیلی ممنون", Answer::Thanks)]
    {
        let mut talk = Talk::default();
        talk.say(begin);
        let between = talk.say(chat);
        assert_eq!((between.decision, between.answer), (Decision::Answer, Some(answer)), "{chat}");
        assert_eq!(resumed(&between), Some((Decision::Ask, Some(SlotName::Product))));
        assert_eq!(talk.say("CEM-042").asked_slot, Some(SlotName::Quantity));
    }
}

#[test]
fn what_is_given_up_in_between_leads_back_to_what_was_interrupted() {
    for ((wish, yes), (complain, cancel)) in ORDER
        .into_iter()
        .zip([("I want to file a complaint", "never mind"), ("می‌خوام شکایت ثبت کنم", "بی‌خیال")])
    {
        let mut talk = Talk::default();
        talk.say(wish);
        talk.say(complain);
        let cancelled = talk.say(cancel);
        assert_eq!(cancelled.answer, Some(Answer::Cancelled));
        assert_eq!(resumed(&cancelled), Some((Decision::Confirm, None)));
        assert_eq!(talk.say(yes).operation, Some(Operation::SalesOrderCreate));
    }
}

#[test]
fn what_was_interrupted_long_ago_is_not_come_back_to() {
    let mut talk = Talk::default();
    talk.say(ORDER[0].0);
    talk.say("I want to file a complaint");
    talk.now_ms += 31 * 60 * 1000;
    let cancelled = talk.say("never mind");
    assert_eq!(cancelled.resumed, None);
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn what_cannot_be_done_is_no_answer_to_an_open_question_though_it_names_a_value() {
    for (wish, cancel) in
        [("where is my order?", "please cancel order 45001"), ("سفارشم کجاست؟", "سفارش ۴۵۰۰۱ رو لغو کن")]
    {
        let mut talk = Talk::default();
        talk.say(wish);
        let turn = talk.say(cancel);
        assert_eq!((turn.decision, turn.answer), (Decision::Answer, Some(Answer::NotConnected)), "{cancel}");
        assert_eq!(resumed(&turn), Some((Decision::Ask, Some(SlotName::OrderNumber))));
    }
}

#[test]
fn two_questions_within_a_form_are_answered_and_the_form_goes_on() {
    let mut talk = Talk::default();
    talk.say(BEGIN[0]);
    let turns = talk.all("where is order 45001? and where is order 45002?");
    let numbers: Vec<_> = turns.iter().map(|turn| turn.slot(SlotName::OrderNumber)).collect();
    assert_eq!(numbers, [Some("45001"), Some("45002")]);
    assert_eq!(resumed(&turns[1]), Some((Decision::Ask, Some(SlotName::Product))));
}
