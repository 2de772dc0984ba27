//! Which of several is meant, what was wrong with a value, what cannot be done here, and the question that was open before.

use super::*;
use peyvand::{assistant::Intent, event::Prompt};

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn asks(language: Language, slot: SlotName, doubt: Doubt, choices: &[&str]) -> TurnDecided {
    TurnDecided {
        asked_slot: Some(slot),
        doubt: Some(doubt),
        choices: strings(choices),
        ..turn(language, Decision::Ask)
    }
}

#[test]
fn two_intents_are_named_in_one_sentence_and_answered_by_their_place() {
    let clarify = |language| TurnDecided {
        choices: strings(&["order_status", "invoice_status"]),
        ..turn(language, Decision::Clarify)
    };
    assert_eq!(
        spoken(&clarify(Language::En)),
        "Do you mean the status of an order (1) or the status of an invoice (2)?"
    );
    assert_eq!(spoken(&clarify(Language::Fa)), "منظورتان وضعیت سفارش (۱) است یا وضعیت فاکتور (۲)؟");
    let said = renderer().turn(&clarify(Language::Fa)).unwrap();
    assert_eq!(pressed(&said), [("وضعیت سفارش", "1"), ("وضعیت فاکتور", "2")]);
}

#[test]
fn more_than_two_are_a_numbered_list_and_at_most_five_are_offered() {
    let intents = ["order_status", "order_list", "stock_level", "my_own_thing", "help", "thanks"];
    let clarify = TurnDecided { choices: strings(&intents), ..turn(Language::En, Decision::Clarify) };
    let said = renderer().turn(&clarify).unwrap();
    let text = bare(&said.text);
    assert!(text.starts_with("Which of these do you mean?") && text.contains("\n4) my own thing"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
    assert_eq!(said.buttons.len(), 5, "a text and its buttons name the same");
}

#[test]
fn nothing_to_choose_from_is_asked_in_other_words() {
    for choices in [&[][..], &["order_status"]] {
        let clarify = TurnDecided { choices: strings(choices), ..turn(Language::En, Decision::Clarify) };
        let said = renderer().turn(&clarify).unwrap();
        assert!(said.text.contains("other words") && said.buttons.is_empty(), "{said:?}");
    }
}

#[test]
fn every_intent_has_a_name_of_its_own_in_both_languages() {
    let assistant = Assistant::shipped().unwrap();
    for texts in [&assistant.replies.fa, &assistant.replies.en] {
        let mut named = std::collections::BTreeMap::new();
        for Intent { name, .. } in &assistant.intents {
            let begin = format!("intent-{name} = ");
            let label = texts.lines().find_map(|line| line.strip_prefix(&begin));
            let other = named.insert(label.unwrap_or_else(|| panic!("{name} has no name")), name);
            assert_eq!(other, None, "{name} is called like another");
        }
    }
}

#[test]
fn what_is_not_connected_is_named_and_a_call_is_offered() {
    let answer = |language, intent: Option<&str>| TurnDecided {
        answer: Some(Answer::NotConnected),
        intent: intent.map(str::to_owned),
        ..turn(language, Decision::Answer)
    };
    let renderer = renderer();
    let english = renderer.turn(&answer(Language::En, Some("leave_balance"))).unwrap();
    assert!(bare(&english.text).starts_with("I understood: you ask about the leave you have left."));
    assert_eq!(pressed(&english), [("Please call me back", "please call me back")]);
    let persian = renderer.turn(&answer(Language::Fa, Some("leave_balance"))).unwrap();
    assert!(bare(&persian.text).starts_with("متوجه شدم: درباره‌ی مانده‌ی مرخصی می‌پرسید."));
    assert_eq!(pressed(&persian), [("با من تماس بگیرید", "با من تماس بگیرید")]);
    let hostile = renderer.turn(&answer(Language::En, Some("no_such\u{202e} {intent}"))).unwrap();
    assert!(hostile.text.contains("\u{2068}no such {intent}\u{2069}"), "{hostile:?}");
    assert!(renderer.turn(&answer(Language::En, None)).unwrap().text.starts_with("I understood you"));
}

#[test]
fn an_amount_without_its_unit_is_asked_about_with_both() {
    let unit = |language, choices: &[&str]| {
        renderer().turn(&asks(language, SlotName::Amount, Doubt::WhichUnit, choices)).unwrap()
    };
    let persian = unit(Language::Fa, &["20000000", "2000000"]);
    assert_eq!(bare(&persian.text), "منظورتان ۲ میلیون تومان است یا ۲ میلیون ریال؟");
    assert_eq!(pressed(&persian), [("۲ میلیون تومان", "1"), ("۲ میلیون ریال", "2")]);
    let english = unit(Language::En, &["25000000", "2500000"]);
    assert_eq!(bare(&english.text), "Do you mean 2.5 million Toman or 2.5 million Rial?");
    assert!(unit(Language::En, &["x", "y"]).text.starts_with("What is the amount"));
}

#[test]
fn a_value_that_is_flawed_is_asked_for_again_with_the_reason() {
    let checked = [SlotName::NationalId, SlotName::LegalId, SlotName::Iban, SlotName::Card, SlotName::Email];
    let mut texts = std::collections::BTreeSet::new();
    for language in [Language::Fa, Language::En] {
        for slot in checked {
            let again = spoken(&asks(language, slot, Doubt::NotValid, &[]));
            let first = spoken(&TurnDecided { asked_slot: Some(slot), ..turn(language, Decision::Ask) });
            assert!(texts.insert(again) && texts.insert(first), "{slot:?} has words of its own, twice");
        }
    }
}

#[test]
fn who_is_not_understood_is_told_so_and_offered_a_call() {
    let phone = |language| spoken(&asks(language, SlotName::Phone, Doubt::NotUnderstood, &[]));
    assert!(
        phone(Language::En).starts_with("I am sorry, I could not understand you. A colleague can call you")
    );
    assert!(phone(Language::Fa).starts_with("ببخشید، نتوانستم منظورتان را بفهمم. همکارانمان"));
    let customer = spoken(&asks(Language::En, SlotName::Customer, Doubt::NotUnderstood, &[]));
    assert!(customer.starts_with("I am sorry, I did not understand that. Which customer"), "{customer}");
}

#[test]
fn days_and_products_that_may_be_meant_are_offered_as_buttons() {
    let days = asks(Language::En, SlotName::DeliveryDate, Doubt::OneOfChoices, &["2026-11-28", "2026-12-05"]);
    let said = renderer().turn(&days).unwrap();
    assert_eq!(pressed(&said), [("Sat 28 November 2026", "1"), ("Sat 5 December 2026", "2")]);
    let long = "x".repeat(200);
    let products = asks(Language::Fa, SlotName::Product, Doubt::OneOfChoices, &["CEM-042", &long]);
    let said = renderer().turn(&products).unwrap();
    assert!(bare(&said.text).starts_with("کدام را می‌فرمایید: CEM-042 یا xxx"), "{}", said.text);
    assert!(pressed(&said).iter().all(|(label, _)| label.chars().count() <= 60));
}

#[test]
fn the_kinds_of_leave_are_offered_by_name() {
    for language in [Language::Fa, Language::En] {
        let ask = TurnDecided { asked_slot: Some(SlotName::LeaveKind), ..turn(language, Decision::Ask) };
        let said = renderer().turn(&ask).unwrap();
        assert_eq!(said.buttons.len(), 4);
        for (label, value) in pressed(&said) {
            assert!(label == value && said.text.contains(label), "{label} is not in {}", said.text);
        }
    }
}

fn prompt(decision: Decision, asked_slot: Option<SlotName>) -> Prompt {
    Prompt {
        decision,
        operation: Operation::SalesOrderCreate,
        slots: vec![
            slot(SlotName::Product, "CEM-042"),
            slot(SlotName::Quantity, "20"),
            slot(SlotName::Customer, "1000000018"),
        ],
        asked_slot,
        doubt: None,
        choices: Vec::new(),
    }
}

#[test]
fn whose_orders_are_wanted_is_asked_for_one_of_their_numbers() {
    let asks = |language| TurnDecided {
        operation: Some(Operation::OrderList),
        asked_slot: Some(SlotName::OrderNumber),
        ..turn(language, Decision::Ask)
    };
    assert_eq!(
        spoken(&asks(Language::En)),
        "To find your orders I need the number of one of them, please; for example 45001."
    );
    assert_eq!(
        spoken(&asks(Language::Fa)),
        "برای پیدا کردن سفارش‌هایتان، لطفاً شماره‌ی یکی از آن‌ها را بفرمایید؛ مثلاً ۴۵۰۰۱."
    );
}

#[test]
fn an_open_question_is_asked_again_below_the_answer() {
    let thanks = TurnDecided {
        answer: Some(Answer::Thanks),
        resumed: Some(prompt(Decision::Ask, Some(SlotName::Customer))),
        ..turn(Language::En, Decision::Answer)
    };
    assert_eq!(
        spoken(&thanks),
        "You are welcome.\n\nBack to your order: Which customer is it for? The customer's number, please."
    );
    let persian = TurnDecided { language: Language::Fa, ..thanks };
    assert!(spoken(&persian).contains("\n\nبرگردیم به سفارش شما: برای کدام مشتری؟"), "{}", spoken(&persian));
}

#[test]
fn an_open_confirmation_is_asked_again_below_the_result_with_its_buttons_first() {
    let mut found = update(Language::En, Operation::OrderList, OperationStatus::Found, "45001");
    found.orders = vec![order(OrderProgress::Open, ""); 6];
    found.resumed = Some(prompt(Decision::Confirm, None));
    let said = told(&found);
    let again = "\n\nBack to your order: Shall I order 20 (twenty) × CEM-042 for customer 1000000018? \
        Please answer yes or no.";
    assert!(bare(&said.text).ends_with(again), "{}", said.text);
    assert_eq!(pressed(&said), [("Yes", "Yes"), ("No", "No"), ("More", "more")]);
}

#[test]
fn every_operation_has_a_way_back_and_what_was_no_question_is_not_asked() {
    let operations = [
        Operation::OrderStatus,
        Operation::OrderList,
        Operation::StockLevel,
        Operation::SalesOrderCreate,
        Operation::CaseCreate,
        Operation::CallbackRequest,
    ];
    for language in [Language::Fa, Language::En] {
        let mut ways = std::collections::BTreeSet::new();
        for operation in operations {
            let resumed = Some(Prompt { operation, ..prompt(Decision::Ask, Some(SlotName::Phone)) });
            let said = spoken(&TurnDecided { resumed, ..turn(language, Decision::Answer) });
            assert!(ways.insert(said), "{operation:?} has a bridge of its own");
        }
        let resumed = Some(prompt(Decision::Execute, None));
        let said = spoken(&TurnDecided { resumed, ..turn(language, Decision::Answer) });
        assert_eq!(said, spoken(&turn(language, Decision::Answer)));
    }
}

#[test]
fn a_confirmation_is_answered_in_the_language_of_the_turn_and_tells_an_amount_twice() {
    let mut slots = prompt(Decision::Confirm, None).slots;
    slots.push(slot(SlotName::Amount, "20000000"));
    for (language, yes, no, amount) in [
        (Language::Fa, "بله", "نه", "۲۰٬۰۰۰٬۰۰۰ ریال (دو میلیون تومان)"),
        (Language::En, "Yes", "No", "20,000,000 Rial (two million Toman)"),
    ] {
        let confirm = TurnDecided {
            operation: Some(Operation::SalesOrderCreate),
            slots: slots.clone(),
            ..turn(language, Decision::Confirm)
        };
        let said = renderer().turn(&confirm).unwrap();
        assert_eq!(pressed(&said), [(yes, yes), (no, no)]);
        assert!(bare(&said.text).contains(amount), "{}", said.text);
    }
}

#[test]
fn a_number_in_words_is_said_to_its_end() {
    for (language, quantity, amount) in [
        (Language::En, "seven hundred seventy-seven point seven seven seven)", "Toman)"),
        (Language::Fa, "هفتصد و هفتاد و هفت ممیز هفت هفت هفت)", "تومان)"),
    ] {
        let slots = vec![
            slot(SlotName::Product, "CEM-042"),
            slot(SlotName::Quantity, "777777.777"),
            slot(SlotName::Customer, "1000000018"),
            slot(SlotName::Amount, "777777777770"),
        ];
        let turn = TurnDecided {
            operation: Some(Operation::SalesOrderCreate),
            slots,
            ..turn(language, Decision::Confirm)
        };
        let text = spoken(&turn);
        assert!(text.contains(quantity) && text.contains(amount) && !text.contains('…'), "{text}");
    }
}

#[test]
fn a_name_that_several_products_share_is_said_back_with_the_question() {
    for (language, name, question) in [
        (Language::En, "wall tile", "Which wall tile shall I order?"),
        (Language::Fa, "کاشی دیواری", "کدام کاشی دیواری را سفارش بدهم؟"),
    ] {
        let turn = TurnDecided {
            operation: Some(Operation::SalesOrderCreate),
            asked_slot: Some(SlotName::Product),
            choices: vec![name.to_owned()],
            ..turn(language, Decision::Ask)
        };
        assert!(spoken(&turn).starts_with(question), "{}", spoken(&turn));
    }
}
