//! An order for a day: which days are taken, and which are asked about.

use super::*;

/// Thursday, 26 November 2026, 5 Azar 1405, at noon in Iran.
const THURSDAY_MS: i64 = 1_795_681_800_000;

fn day(turn: &TurnDecided) -> Option<&str> {
    turn.slot(SlotName::DeliveryDate)
}

#[test]
fn an_order_is_proposed_and_placed_for_the_day_that_was_said() {
    for (wish, yes) in [
        ("order 20 bags of CEM-042 for customer 1000000018 for December 5", "yes"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ برای ۱۴ آذر سفارش بده", "بله"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ تا ۱۴۰۵/۰۹/۱۴ سفارش بده", "بله"),
    ] {
        let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
        let proposed = talk.say(wish);
        assert_eq!((proposed.decision, order(&proposed)), (Decision::Confirm, WHOLE), "{wish}");
        assert_eq!(day(&proposed), Some("2026-12-05"), "{wish}");
        let done = talk.say(yes);
        assert_eq!((done.decision, day(&done)), (Decision::Execute, Some("2026-12-05")));
    }
}

#[test]
fn a_day_that_may_be_two_is_asked_for_and_answered_by_its_place_or_its_date() {
    for (wish, answer) in [
        ("order 20 bags of CEM-042 for customer 1000000018 next saturday", "the second"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ برای شنبه هفته بعد سفارش بده", "دومی"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ برای شنبه هفته بعد سفارش بده", "۱۴ آذر"),
    ] {
        let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
        let asked = talk.say(wish);
        assert_eq!(
            (asked.decision, asked.asked_slot),
            (Decision::Ask, Some(SlotName::DeliveryDate)),
            "{wish}"
        );
        assert_eq!(
            (asked.doubt, asked.choices.as_slice()),
            (Some(Doubt::OneOfChoices), ["2026-11-28".to_owned(), "2026-12-05".to_owned()].as_slice(),)
        );
        let proposed = talk.say(answer);
        assert_eq!((proposed.decision, order(&proposed)), (Decision::Confirm, WHOLE), "{answer}");
        assert_eq!(day(&proposed), Some("2026-12-05"), "{answer}");
    }
}

#[test]
fn a_day_that_is_none_or_over_or_many_is_never_written() {
    for (said, doubt) in [
        ("۳۱ مهر", Doubt::NoSuchDay),
        ("دیروز", Doubt::DayOutOfReach),
        ("هفته آینده", Doubt::NotOneDay),
        ("31 November", Doubt::NoSuchDay),
        ("2030-01-01", Doubt::DayOutOfReach),
        ("next week", Doubt::NotOneDay),
    ] {
        let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
        let asked = talk.say(&format!("order 20 bags of CEM-042 for customer 1000000018 for {said}"));
        assert_eq!((asked.decision, asked.doubt), (Decision::Ask, Some(doubt)), "{said}");
        assert_eq!(day(&asked), None);
        let again = talk.say(said);
        assert_eq!((again.decision, again.doubt), (Decision::Ask, Some(doubt)), "{said}, said again");
        let proposed = talk.say("it does not matter");
        assert_eq!((proposed.decision, order(&proposed), day(&proposed)), (Decision::Confirm, WHOLE, None));
    }
}

#[test]
fn a_day_that_stays_unclear_is_given_up_in_the_end() {
    let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
    talk.say("order 20 bags of CEM-042 for customer 1000000018 for 31 mehr");
    let turns: Vec<TurnDecided> = (0..3).map(|_| talk.say("31 mehr")).collect();
    let offers = |turn: &TurnDecided| turn.asked_slot == Some(SlotName::Phone);
    assert!(turns.iter().any(offers), "it is not asked for ever");
    assert!(turns.iter().all(|turn| turn.decision != Decision::Execute));
}

#[test]
fn a_proposal_is_corrected_by_another_day() {
    let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
    talk.say("order 20 bags of CEM-042 for customer 1000000018 for December 5");
    let corrected = talk.say("no, December 7");
    assert_eq!((corrected.decision, day(&corrected)), (Decision::Confirm, Some("2026-12-07")));
    assert_eq!(order(&corrected), WHOLE);
    assert_eq!(day(&talk.say("yes")), Some("2026-12-07"));
}

#[test]
fn of_several_days_none_is_taken_for_the_right_one_and_what_is_over_is_passed_over() {
    let order_for = |when: &str| {
        let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
        talk.say(&format!("order 20 bags of CEM-042 for customer 1000000018 {when}"))
    };
    let two = order_for("for December 5 or December 7");
    assert_eq!((two.doubt, two.choices.len()), (Some(Doubt::OneOfChoices), 2));
    assert_eq!(order_for("for December 5, as yesterday").slot(SlotName::DeliveryDate), Some("2026-12-05"));
    assert_eq!(order_for("for December 5, 7 December or 9 December").doubt, Some(Doubt::NotOneDay));
}

#[test]
fn an_answer_that_is_no_day_is_asked_again_and_the_day_is_not_dropped() {
    let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
    let asked = talk.say("order 20 bags of CEM-042 for customer 1000000018 next saturday");
    for answer in ["that other one", "yes"] {
        let again = talk.say(answer);
        assert_eq!((again.decision, again.doubt), (Decision::Ask, asked.doubt), "{answer}");
        assert_eq!(again.choices, asked.choices);
    }
}

#[test]
fn a_day_that_is_over_by_the_time_of_the_answer_is_asked_for_again() {
    let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
    assert_eq!(
        talk.say("order CEM-042 for customer 1000000018 for tomorrow").asked_slot,
        Some(SlotName::Quantity)
    );
    talk.now_ms += 3 * 24 * 60 * 60 * 1000;
    let asked = talk.say("20");
    assert_eq!((asked.decision, asked.doubt), (Decision::Ask, Some(Doubt::DayOutOfReach)));
}

#[test]
fn a_day_that_nobody_wants_is_in_no_decision() {
    let mut talk = Talk { now_ms: THURSDAY_MS, ..Talk::default() };
    let turn = talk.say("where is order 45001? I need it tomorrow");
    assert_eq!((turn.operation, day(&turn)), (Some(Operation::OrderStatus), None));
}
