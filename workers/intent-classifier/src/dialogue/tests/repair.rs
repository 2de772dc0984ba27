//! What people do in a conversation beside answering: each pattern in Persian and in English. The list is that of Rasa's repair
//! patterns (CALM): continue interrupted, correction, cancel, skip, chitchat, completed, clarification, cannot handle, human
//! handoff, session start, validate, repeat.

use super::{
    interrupted::{BEGIN, ORDER, STATUS, resumed},
    *,
};

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
fn what_is_no_longer_wanted_gives_up_what_is_open_and_only_that() {
    for text in ["I don't want it anymore", "دیگه نمی‌خوامش", "dige nemikham"] {
        let mut talk = Talk::default();
        talk.say("I want to place an order");
        assert_eq!(talk.say(text).answer, Some(Answer::Cancelled), "in a form: {text}");
        talk.say("order 20 bags of CEM-042 for customer 1000000018");
        assert_eq!(talk.say(text).answer, Some(Answer::Cancelled), "before a write: {text}");
        assert_ne!(talk.say("yes").decision, Decision::Execute, "{text}");
        assert_ne!(talk.say(text).answer, Some(Answer::Cancelled), "nothing is open: {text}");
    }
}
