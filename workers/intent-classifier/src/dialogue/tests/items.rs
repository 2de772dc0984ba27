//! Several products in one order: none is dropped, each is said back and confirmed by itself.

use super::{interrupted::answered, *};

const FIRST: [Option<&str>; 3] = [Some("20"), Some("CEM-042"), Some("1000000018")];
const SECOND: [Option<&str>; 3] = [Some("5"), Some("CEM-007"), Some("1000000018")];

#[test]
fn the_second_product_of_an_order_is_said_back_and_confirmed_after_the_first() {
    for (wish, yes) in [
        ("order 20 CEM-042 and 5 CEM-007 for customer 1000000018", "yes"),
        ("order 20 bags of CEM-042, 5 bags of CEM-007 for customer 1000000018", "yes"),
        ("for customer 1000000018 order CEM-042 20 bags and CEM-007 5 bags", "yes"),
        ("برای مشتری ۱۰۰۰۰۰۰۰۱۸ ۲۰ تا CEM-042 و ۵ تا CEM-007 سفارش بده", "بله"),
        ("۲۰ کیسه سیمان تیپ ۲ و ۵ کیسه سیمان تیپ ۱ برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "بله"),
        ("20 ta CEM-042 va 5 ta CEM-007 baraye moshtari 1000000018 sefaresh bede", "bale"),
    ] {
        let mut talk = Talk::default();
        let first = talk.say(wish);
        assert_eq!((first.decision, order(&first)), (Decision::Confirm, FIRST), "{wish}");
        let done = talk.say(yes);
        assert_eq!((done.decision, order(&done)), (Decision::Execute, FIRST), "{wish}");
        let second = answered(&mut talk, &done).expect(wish);
        assert_eq!((second.decision, order(&second)), (Decision::Confirm, SECOND), "{wish}");
        let done = talk.say(yes);
        assert_eq!((done.decision, order(&done)), (Decision::Execute, SECOND), "{wish}");
        assert_ne!(talk.say(yes).decision, Decision::Execute, "{wish}");
    }
}

#[test]
fn a_customer_who_is_asked_for_once_goes_for_every_product_and_a_no_only_for_one() {
    for (wish, customer, no, yes) in [
        ("order 20 bags of CEM-042 and 5 bags of CEM-007", "1000000018", "no", "yes"),
        ("۲۰ کیسه CEM-042 و ۵ کیسه CEM-007 سفارش بده", "۱۰۰۰۰۰۰۰۱۸", "نه", "بله"),
    ] {
        let mut talk = Talk::default();
        assert_eq!(talk.say(wish).asked_slot, Some(SlotName::Customer), "{wish}");
        assert_eq!(order(&talk.say(customer)), FIRST, "{wish}");
        let next = talk.say(no);
        assert_eq!(next.answer, Some(Answer::Cancelled), "{wish}");
        let resumed = next.resumed.expect(wish);
        assert_eq!(resumed.decision, Decision::Confirm, "{wish}");
        let done = talk.say(yes);
        assert_eq!((done.decision, order(&done)), (Decision::Execute, SECOND), "{wish}");
    }
}

#[test]
fn as_many_of_two_products_are_no_number_less() {
    let mut talk = Talk::default();
    talk.say("order 5 bags of CEM-042 and 5 bags of CEM-007 for customer 1000000018");
    let second = talk.say("no").resumed.unwrap();
    let values: Vec<_> = second.slots.iter().map(|slot| slot.value.expose().as_str()).collect();
    assert!(values.contains(&"5") && values.contains(&"CEM-007"), "{values:?}");
}

#[test]
fn what_is_wanted_beside_a_known_product_and_is_not_known_is_asked_for() {
    let mut talk = Talk::default();
    talk.say("order 20 bags of CEM-042 and 5 boxes of tiles for customer 1000000018");
    let next = talk.say("no").resumed.expect("the tiles are not forgotten");
    assert_eq!((next.decision, next.asked_slot), (Decision::Ask, Some(SlotName::Product)));
}

#[test]
fn several_products_answer_the_question_for_one() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("I want to place an order").asked_slot, Some(SlotName::Product));
    let first = talk.say("20 bags of CEM-042 and 5 bags of CEM-007");
    assert_eq!((first.asked_slot, order(&first)[1]), (Some(SlotName::Customer), Some("CEM-042")));
    assert_eq!(order(&talk.say("1000000018")), FIRST);
    assert!(talk.say("no").resumed.is_some_and(|next| next.decision == Decision::Confirm));
}

#[test]
fn one_product_with_two_names_and_one_put_in_the_place_of_another_stay_one_order() {
    for (wish, expected) in [
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", FIRST),
        ("order 20 bags of cement CEM-042 for customer 1000000018", FIRST),
        ("order 20 bags of CEM-042 for customer 1000000018, please within 5 days", FIRST),
    ] {
        let mut talk = Talk::default();
        assert_eq!(order(&talk.say(wish)), expected, "{wish}");
        assert_eq!(talk.say("no").resumed, None, "{wish}");
    }
    let mut talk = Talk::default();
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    let corrected = talk.say("not CEM-042, 5 bags of CEM-007");
    assert_eq!(corrected.decision, Decision::Confirm);
    assert_eq!(talk.say("no").resumed, None);
}

#[test]
fn more_products_than_are_followed_are_asked_for_again() {
    let mut talk = Talk::default();
    let wish = "order 1 AA-01, 2 AA-02, 3 AA-03, 4 AA-04, 5 AA-05 and 6 AA-06 for customer 1000000018";
    let asked = talk.say(wish);
    assert_eq!((asked.decision, asked.asked_slot), (Decision::Ask, Some(SlotName::Product)));
    assert_eq!(order(&asked), [None, None, Some("1000000018")]);
}

#[test]
fn each_product_with_a_name_that_several_share_is_asked_for_by_that_name() {
    for (wish, first, customer) in [
        ("order 20 bags of cement and 5 bags of CEM-007", "cement", "1000000018"),
        ("۲۰ کیسه سیمان و ۵ کیسه CEM-007 سفارش بده", "سیمان", "۱۰۰۰۰۰۰۰۱۸"),
    ] {
        let mut talk = Talk::default();
        let asked = talk.say(wish);
        assert_eq!((asked.asked_slot, asked.choices), (Some(SlotName::Product), vec![first.to_owned()]));
        assert_eq!(talk.say("CEM-042").asked_slot, Some(SlotName::Customer), "{wish}");
        assert_eq!(order(&talk.say(customer)), FIRST, "{wish}");
    }
    let mut talk = Talk::default();
    talk.say("order 5 bags of CEM-007 and 20 bags of cement for customer 1000000018");
    let next = talk.say("no").resumed.unwrap();
    assert_eq!((next.asked_slot, next.choices), (Some(SlotName::Product), vec!["cement".to_owned()]));
}

#[test]
fn one_more_product_while_an_order_is_open_takes_nobodys_place() {
    for (wish, more, yes) in [
        ("order 20 bags of CEM-042 for customer 1000000018", "and 5 bags of CEM-007 too", "yes"),
        ("۲۰ کیسه CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "۵ تا هم CEM-007 بذار", "بله"),
        ("20 ta CEM-042 baraye moshtari 1000000018 sefaresh bede", "5 ta ham CEM-007", "bale"),
    ] {
        let mut talk = Talk::default();
        talk.say(wish);
        let added = talk.say(more);
        assert_eq!((added.decision, order(&added)), (Decision::Confirm, SECOND), "{more}");
        let done = talk.say(yes);
        assert_eq!((done.decision, order(&done)), (Decision::Execute, SECOND), "{more}");
        let first = answered(&mut talk, &done).expect(more);
        assert_eq!((first.decision, order(&first)), (Decision::Confirm, FIRST), "{more}");
    }
    let mut talk = Talk::default();
    assert_eq!(talk.say("order 20 bags of CEM-042").asked_slot, Some(SlotName::Customer));
    assert_eq!(order(&talk.say("and 5 bags of CEM-007")), [Some("5"), Some("CEM-007"), None]);
    assert_eq!(order(&talk.say("1000000018")), SECOND);
    let first = talk.say("no").resumed.unwrap();
    assert_eq!(first.decision, Decision::Confirm, "the customer goes for it too");
}

#[test]
fn a_number_between_two_questions_for_a_product_is_no_try_and_the_name_is_said_again() {
    for (wish, number, name) in
        [("order cement", "20 bags please", "cement"), ("سیمان سفارش بده", "۲۰ کیسه لطفا", "سیمان")]
    {
        let mut talk = Talk::default();
        assert_eq!(talk.say(wish).choices, [name]);
        for asked in [talk.say(number), talk.say("hmm")] {
            assert_eq!(asked.asked_slot, Some(SlotName::Product), "{wish}");
            assert_eq!((asked.choices, asked.doubt), (vec![name.to_owned()], None));
        }
        assert_eq!(talk.say("CEM-042").asked_slot, Some(SlotName::Customer), "{wish}");
    }
}
