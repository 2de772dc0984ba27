//! What people do in a conversation beside answering: each pattern in Persian and in English. The list is that of Rasa's repair
//! patterns (CALM): continue interrupted, correction, cancel, skip, chitchat, completed, clarification, cannot handle, human
//! handoff, session start, validate, repeat.

use super::*;

const ORDER: [(&str, &str); 2] = [
    ("order 20 bags of CEM-042 for customer 1000000018", "yes"),
    ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "بله"),
];
const STATUS: [&str; 2] = ["where is order 45001?", "سفارش ۴۵۰۰۱ کجاست؟"];
const BEGIN: [&str; 2] = ["I want to place an order", "می‌خوام سفارش جدید ثبت کنم"];

fn resumed(turn: &TurnDecided) -> Option<(Decision, Option<SlotName>)> {
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
fn answered(talk: &mut Talk, turn: &TurnDecided) -> Option<TurnDecided> {
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
fn a_value_that_was_said_wrong_is_put_right_before_and_after() {
    for (status, right) in [(STATUS[0], "no, I meant 45002"), (STATUS[1], "نه، منظورم ۴۵۰۰۲ بود")]
    {
        let mut talk = Talk::default();
        talk.say(status);
        let turn = talk.say(right);
        assert_eq!(
            (turn.operation, turn.slot(SlotName::OrderNumber)),
            (Some(Operation::OrderStatus), Some("45002")),
            "{right}"
        );
    }
    for ((wish, yes), right) in ORDER
        .into_iter()
        .zip(["no, 15 bags", "نه، ۱۵ کیسه"])
        .chain(ORDER.into_iter().zip(["not 20 bags, 15 bags", "۲۰ کیسه نه، ۱۵ کیسه"]))
    {
        let mut talk = Talk::default();
        talk.say(wish);
        let corrected = talk.say(right);
        assert_eq!((corrected.decision, corrected.slot(SlotName::Quantity)), (Decision::Confirm, Some("15")));
        assert_eq!(talk.say(yes).slot(SlotName::Quantity), Some("15"), "{right}");
    }
}

#[test]
fn the_same_is_asked_of_another_by_its_number_alone() {
    for (status, then) in
        [(STATUS[0], "and 45002?"), (STATUS[1], "۴۵۰۰۲ چی؟"), (STATUS[0], "what about 45002?")]
    {
        let mut talk = Talk::default();
        talk.say(status);
        let turn = talk.say(then);
        assert_eq!(
            (turn.decision, turn.slot(SlotName::OrderNumber)),
            (Decision::Execute, Some("45002")),
            "{then}"
        );
    }
}

#[test]
fn a_value_that_is_needed_cannot_be_skipped_and_one_that_is_not_can() {
    for (begin, skip) in [(BEGIN[0], "skip"), (BEGIN[1], "رد کن")] {
        let mut talk = Talk::default();
        talk.say(begin);
        let again = talk.say(skip);
        assert_eq!((again.decision, again.asked_slot), (Decision::Ask, Some(SlotName::Product)), "{skip}");
    }
    for (wish, skip) in [
        ("order 20 bags of CEM-042 for customer 1000000018 for 31 November", "skip"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ برای ۳۱ مهر سفارش بده", "رد کن"),
    ] {
        let mut talk = Talk::default();
        assert_eq!(talk.say(wish).asked_slot, Some(SlotName::DeliveryDate), "{wish}");
        assert_eq!(talk.say(skip).decision, Decision::Confirm);
    }
}

#[test]
fn a_question_that_does_not_stand_any_more_is_not_said_again() {
    let mut talk = Talk::default();
    talk.say(ORDER[0].0);
    talk.now_ms += PROPOSAL_MS;
    let again = talk.say("say that again");
    assert_ne!(again.decision, Decision::Confirm);
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn what_was_said_last_is_said_again_and_no_write_is_done_twice() {
    for ((wish, yes), repeat) in ORDER.into_iter().zip(["say that again", "دوباره بگو"]) {
        let mut talk = Talk::default();
        let proposed = talk.say(wish);
        let again = talk.say(repeat);
        assert_eq!((again.decision, order(&again)), (Decision::Confirm, order(&proposed)), "{repeat}");
        assert_eq!(talk.say(yes).decision, Decision::Execute, "it still stands");
        let under_way = talk.say(repeat);
        assert_eq!((under_way.decision, under_way.answer), (Decision::Answer, Some(Answer::UnderWay)));
    }
    for (status, repeat) in STATUS.into_iter().zip(["repeat", "تکرار کنید"]) {
        let mut talk = Talk::default();
        talk.say(status);
        let again = talk.say(repeat);
        assert_eq!(again.slot(SlotName::OrderNumber), Some("45001"), "a read is asked anew");
        assert!(again.slots.iter().all(|slot| slot.start.is_none()), "no value stands in this message");
    }
}

#[test]
fn whoever_begins_anew_has_nothing_open_and_nothing_remembered() {
    for ((wish, yes), restart) in ORDER.into_iter().zip(["start over", "از اول شروع کنیم"]) {
        let mut talk = Talk::default();
        talk.say(STATUS[0]);
        talk.say(wish);
        assert_eq!(talk.say(restart).answer, Some(Answer::Restarted), "{restart}");
        assert_eq!(talk.say(yes).answer, Some(Answer::NothingAsked));
        assert_eq!(talk.say("and when is it delivered?").slot(SlotName::OrderNumber), None);
    }
}

#[test]
fn a_yes_a_no_or_a_cancel_to_nothing_is_told_so() {
    for text in ["yes", "no", "cancel", "بله", "نه", "لغو کن", "bale"] {
        let turn = Talk::default().say(text);
        assert_eq!((turn.decision, turn.answer), (Decision::Answer, Some(Answer::NothingAsked)), "{text}");
    }
}

#[test]
fn whoever_is_not_understood_twice_is_offered_a_person_and_may_decline() {
    for (strange, no) in [
        (["the weather is lovely in spring", "my cat likes purple music"], "no"),
        (["هوا در بهار خیلی قشنگ است", "گربه من موسیقی دوست دارد"], "نه"),
    ] {
        let mut talk = Talk::default();
        assert_eq!(talk.say(strange[0]).decision, Decision::OutOfScope, "{}", strange[0]);
        let offered = talk.say(strange[1]);
        assert_eq!(
            (offered.operation, offered.asked_slot),
            (Some(Operation::CallbackRequest), Some(SlotName::Phone))
        );
        assert_eq!(offered.doubt, Some(Doubt::NotUnderstood));
        assert_eq!(talk.say(no).answer, Some(Answer::Cancelled));
        assert_eq!(talk.say(strange[0]).decision, Decision::OutOfScope, "it is counted anew");
    }
}

#[test]
fn an_offered_person_is_called_with_a_number_and_a_yes_or_forgotten_by_a_wish() {
    let strange = ["the weather is lovely in spring", "my cat likes purple music"];
    let mut talk = Talk::default();
    for text in strange {
        talk.say(text);
    }
    assert_eq!(talk.say("09123456789").decision, Decision::Confirm);
    assert_eq!(talk.say("yes").operation, Some(Operation::CallbackRequest));
    for text in strange {
        talk.say(text);
    }
    let wish = talk.say(STATUS[0]);
    assert_eq!(
        (wish.operation, wish.resumed),
        (Some(Operation::OrderStatus), None),
        "nobody asked for the offer"
    );
}

#[test]
fn whoever_never_gives_the_value_is_offered_a_person() {
    for (wish, strange) in
        [("where is my order?", "the sky is blue today"), ("سفارشم کجاست؟", "آسمان امروز آبی است")]
    {
        let mut talk = Talk::default();
        assert_eq!(talk.say(wish).asked_slot, Some(SlotName::OrderNumber));
        assert_eq!(talk.say(strange).asked_slot, Some(SlotName::OrderNumber));
        assert_eq!(talk.say(strange).asked_slot, Some(SlotName::Phone), "{strange}");
    }
}

#[test]
fn two_wishes_in_one_message_are_both_followed() {
    for text in [
        "where is order 45001? how much cement is in stock?",
        "سفارش ۴۵۰۰۱ کجاست؟ موجودی سیمان چقدر است؟",
        "where is order 45001 and how much cement is in stock?",
    ] {
        let turns = Talk::default().all(text);
        let done: Vec<_> = turns.iter().map(|turn| (turn.decision, turn.operation)).collect();
        let wanted = [Operation::OrderStatus, Operation::StockLevel];
        assert_eq!(done, wanted.map(|operation| (Decision::Execute, Some(operation))), "{text}");
    }
}

#[test]
fn a_wish_that_lacks_something_is_asked_for_behind_the_one_that_is_done() {
    let mut talk = Talk::default();
    let turns = talk.all("I want to place an order. where is order 45001?");
    assert_eq!(turns.len(), 1, "{turns:?}");
    assert_eq!(turns[0].operation, Some(Operation::OrderStatus));
    assert_eq!(resumed(&turns[0]), Some((Decision::Ask, Some(SlotName::Product))));
    assert_eq!(talk.say("CEM-042").asked_slot, Some(SlotName::Quantity));
}

#[test]
fn two_orders_asked_about_at_once_are_both_looked_up() {
    for text in ["what is the status of orders 45001 and 45002?", "سفارش ۴۵۰۰۱ و سفارش ۴۵۰۰۲ کجا هستند؟"]
    {
        let turns = Talk::default().all(text);
        let numbers: Vec<_> = turns.iter().map(|turn| turn.slot(SlotName::OrderNumber)).collect();
        assert_eq!(numbers, [Some("45001"), Some("45002")], "{text}");
    }
}

#[test]
fn the_rest_of_a_list_is_shown_page_by_page() {
    for (list, more) in [
        ("list the other orders of the customer of order 45001", "more"),
        ("بقیه سفارش‌های مشتری سفارش ۴۵۰۰۱ را نشان بده", "بیشتر"),
    ] {
        let mut talk = Talk::default();
        let first = talk.say(list);
        assert_eq!((first.operation, first.page), (Some(Operation::OrderList), 0), "{list}");
        let second = talk.say(more);
        assert_eq!((second.operation, second.page), (Some(Operation::OrderList), 1), "{more}");
        assert_eq!(second.slot(SlotName::OrderNumber), Some("45001"));
        assert_eq!(talk.say(more).page, 2);
    }
}

#[test]
fn persian_in_latin_letters_is_answered_in_persian_and_english_in_english() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("salam, sefaresh 45001 kojast?").language, Language::Fa);
    assert_eq!(talk.say("45002").language, Language::Fa, "a number changes no language");
    assert_eq!(talk.say("where is order 45001?").language, Language::En);
    assert_eq!(talk.say("CEM-042").language, Language::En);
    assert_eq!(talk.say("سفارش ۴۵۰۰۱ کجاست؟").language, Language::Fa);
}

#[test]
fn a_person_comes_nearer_and_a_complaint_is_heard() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("hello").stage, Stage::Lead);
    assert_eq!(talk.say("how much CEM-042 is in stock?").stage, Stage::Prospect);
    assert_eq!(talk.say("where is order 45001?").stage, Stage::Customer);
    assert_eq!(talk.say("how much CEM-042 is in stock?").stage, Stage::Customer);
    talk.say("I want to file a complaint");
    talk.say("three bags came torn");
    assert_eq!(talk.say("yes").stage, Stage::AtRisk);
}

#[test]
fn parts_of_a_burst_are_one_turn_and_values_have_their_places_in_the_last_part() {
    for (parts, last, place) in [
        (["وضعیت", "سفارش 45001"], "چیه", (None, None)),
        (["وضعیت", "سفارش"], "45001 چیه", (Some(0), Some(5))),
    ] {
        let mut talk = Talk::default();
        let ids = parts.map(|text| talk.begin(text));
        let turn = talk.say(last);
        assert_eq!((turn.decision, turn.operation), (Decision::Execute, Some(Operation::OrderStatus)));
        assert_eq!(turn.slots.iter().map(|slot| (slot.start, slot.end)).collect::<Vec<_>>(), [place]);
        assert_eq!(turn.parts, ids);
        assert!(talk.all("سلام")[0].parts.is_empty(), "what was begun is over");
        assert_eq!(talk.say("وضعیت سفارش 45002 چیه").slot(SlotName::OrderNumber), Some("45002"));
    }
}

#[test]
fn a_proposal_is_corrected_by_a_number_alone() {
    for ((wish, yes), right) in ORDER.into_iter().zip(["make it 30", "۳۰ تاش کن"]) {
        let mut talk = Talk::default();
        talk.say(wish);
        let corrected = talk.say(right);
        assert_eq!(
            (corrected.decision, corrected.slot(SlotName::Quantity)),
            (Decision::Confirm, Some("30")),
            "{right}"
        );
        assert_eq!(talk.say(yes).slot(SlotName::Quantity), Some("30"));
    }
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
