//! The tone by the stage of the person: one offer at most, never a price or a day.

use super::*;

const STAGES: [Stage; 4] = [Stage::Lead, Stage::Prospect, Stage::Customer, Stage::AtRisk];

/// Everything whose tone differs, of one stage.
fn all(language: Language, stage: Stage) -> Vec<Said> {
    let renderer = renderer();
    let answers = [Answer::Greeting, Answer::Thanks, Answer::Farewell];
    let mut said: Vec<Said> = answers
        .map(|answer| TurnDecided { answer: Some(answer), stage, ..turn(language, Decision::Answer) })
        .iter()
        .chain([&TurnDecided { stage, ..turn(language, Decision::OutOfScope) }])
        .map(|turn| renderer.turn(turn).unwrap())
        .collect();
    let mut found = OperationUpdated {
        stage,
        ..update(language, Operation::OrderStatus, OperationStatus::Found, "45001")
    };
    found.orders = vec![order(OrderProgress::Open, "Cement")];
    said.push(told(&found));
    let mut stock = OperationUpdated {
        stage,
        ..update(language, Operation::StockLevel, OperationStatus::Found, "cement")
    };
    stock.stock = vec![level("1010", "3")];
    said.push(told(&stock));
    said
}

#[test]
fn every_stage_has_its_own_tone_in_both_languages() {
    for language in [Language::Fa, Language::En] {
        let by_stage = STAGES.map(|stage| all(language, stage));
        for place in 0..by_stage[0].len() {
            let mut texts: Vec<&str> = by_stage.iter().map(|said| said[place].text.as_str()).collect();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), STAGES.len(), "{texts:#?}");
        }
    }
}

#[test]
fn a_customer_is_answered_shortly() {
    for language in [Language::Fa, Language::En] {
        let customer = all(language, Stage::Customer);
        for stage in [Stage::Lead, Stage::Prospect, Stage::AtRisk] {
            for (short, long) in customer.iter().zip(all(language, stage)) {
                assert!(short.text.len() < long.text.len(), "{short:?} is longer than {long:?}");
            }
        }
    }
}

#[test]
fn who_is_at_risk_gets_an_apology_first_and_one_offer_of_a_call() {
    for (language, sorry, call) in
        [(Language::En, "sorry for the trouble", "call"), (Language::Fa, "پوزش می‌خواهیم", "تماس می‌گیرند")]
    {
        for said in all(language, Stage::AtRisk) {
            let text = &said.text;
            assert!(text.find(sorry) < text.find(call) && text.contains(sorry), "{text}");
            assert_eq!(said.buttons.len(), 1, "{said:?}");
            assert!(text.contains(&said.buttons[0].value), "the text names what the button says: {text}");
        }
    }
}

#[test]
fn nothing_is_offered_while_a_question_is_open_or_of_what_is_not_there() {
    let mut found = OperationUpdated {
        stage: Stage::AtRisk,
        ..update(Language::En, Operation::OrderStatus, OperationStatus::Found, "1")
    };
    found.orders = vec![order(OrderProgress::Open, "Cement")];
    found.resumed = Some(peyvand::event::Prompt {
        decision: Decision::Ask,
        operation: Operation::SalesOrderCreate,
        slots: Vec::new(),
        asked_slot: Some(SlotName::Quantity),
        doubt: None,
        choices: Vec::new(),
    });
    let said = told(&found);
    assert!(said.text.starts_with("I am sorry") && said.text.contains("How many"), "{}", said.text);
    assert!(!said.text.contains("call") && said.buttons.is_empty(), "{}", said.text);
    let mut none = OperationUpdated {
        stage: Stage::Prospect,
        ..update(Language::En, Operation::StockLevel, OperationStatus::Found, "1")
    };
    none.stock = vec![level("1010", "0")];
    assert!(!told(&none).text.contains("order"), "{}", told(&none).text);
    none.stock = vec![level("1010", "5"), StockLevel { product: "CEM-050".to_owned(), ..level("1010", "5") }];
    let last = bare(told(&none).text.lines().last().unwrap());
    assert!(last.starts_with("1 more product matches"), "{last}");
}
