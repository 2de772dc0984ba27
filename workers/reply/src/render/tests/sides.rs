//! Direction: whatever is put into a sentence stays in its place and runs its own way.

use super::*;
use peyvand::event::Prompt;
use unicode_bidi::{BidiInfo, Level};

const DECISIONS: [Decision; 5] =
    [Decision::Ask, Decision::Answer, Decision::OutOfScope, Decision::Confirm, Decision::Clarify];
const SLOTS: [SlotName; 18] = [
    SlotName::OrderNumber,
    SlotName::Product,
    SlotName::Phone,
    SlotName::Email,
    SlotName::Quantity,
    SlotName::Customer,
    SlotName::Description,
    SlotName::DeliveryDate,
    SlotName::InvoiceNumber,
    SlotName::TicketNumber,
    SlotName::PurchaseOrderNumber,
    SlotName::Amount,
    SlotName::NationalId,
    SlotName::LegalId,
    SlotName::Iban,
    SlotName::Card,
    SlotName::Person,
    SlotName::LeaveKind,
];
const DOUBTS: [Option<Doubt>; 8] = [
    None,
    Some(Doubt::NoSuchDay),
    Some(Doubt::DayOutOfReach),
    Some(Doubt::NotOneDay),
    Some(Doubt::OneOfChoices),
    Some(Doubt::NotUnderstood),
    Some(Doubt::NotValid),
    Some(Doubt::WhichUnit),
];
const ANSWERS: [Answer; 9] = [
    Answer::Greeting,
    Answer::Farewell,
    Answer::Thanks,
    Answer::Help,
    Answer::Cancelled,
    Answer::NothingAsked,
    Answer::Restarted,
    Answer::NotConnected,
    Answer::UnderWay,
];
const OPERATIONS: [Operation; 6] = [
    Operation::OrderStatus,
    Operation::OrderList,
    Operation::StockLevel,
    Operation::SalesOrderCreate,
    Operation::CaseCreate,
    Operation::CallbackRequest,
];
/// In a value, things that turn a sentence: Latin and Persian, brackets, a number at the edge, controls.
const VALUE: &str = "(X-7 \u{202e}سیمان\u{2069} Lenovo 12) ";

fn turns(language: Language) -> Vec<TurnDecided> {
    let mut turns = Vec::new();
    for decision in DECISIONS {
        for (place, asked) in SLOTS.into_iter().enumerate() {
            for doubt in DOUBTS {
                turns.push(TurnDecided {
                    asked_slot: Some(asked),
                    doubt,
                    operation: Some(OPERATIONS[place % OPERATIONS.len()]),
                    slots: SLOTS.map(|name| slot(name, VALUE)).to_vec(),
                    choices: vec![VALUE.to_owned(), "2026-11-28".to_owned(), "20000000".to_owned()],
                    answer: Some(ANSWERS[place % ANSWERS.len()]),
                    intent: Some("Some-THING".to_owned()),
                    ..turn(language, decision)
                });
            }
        }
    }
    let open = turns.clone();
    for (turn, open) in turns.iter_mut().zip(open.into_iter().rev()) {
        turn.resumed = Some(Prompt {
            decision: open.decision,
            operation: open.operation.unwrap(),
            slots: open.slots,
            asked_slot: open.asked_slot,
            doubt: open.doubt,
            choices: open.choices,
        });
    }
    turns
}

fn results(language: Language) -> Vec<OperationUpdated> {
    use OperationStatus::{Accepted, Done, Failed, Found, NotFound, Refused, Unknown};
    let mut all = Vec::new();
    for operation in OPERATIONS {
        for status in [Found, NotFound, Failed, Accepted, Done, Refused, Unknown] {
            for tracking in [None, Some("7K3M9-Q2TB1".to_owned())] {
                let mut one = update(language, operation, status, VALUE);
                one.orders = vec![order(OrderProgress::PartlyDelivered, VALUE); 7];
                one.stock = vec![level("1010", "3"), level(VALUE, "1")];
                one.reference = Some("A-1".to_owned().into());
                (one.tracking, one.stage) = (tracking, Stage::AtRisk);
                all.push(one);
            }
        }
    }
    all
}

/// Every reply of a language.
fn replies_in(language: Language) -> Vec<String> {
    let renderer = renderer();
    let turns = turns(language);
    let turns = turns.iter().filter_map(|turn| renderer.turn(turn)).map(|said| said.text);
    let results = results(language);
    turns.chain(results.iter().map(|one| renderer.operation(&committed(one)).text)).collect()
}

/// A line as it stands on the screen, from left to right.
fn on_screen(line: &str, language: Language) -> String {
    let level = match language {
        Language::Fa => Level::rtl(),
        Language::En => Level::ltr(),
    };
    let info = BidiInfo::new(line, Some(level));
    info.paragraphs
        .first()
        .map_or_else(String::new, |all| info.reorder_line(all, all.range.clone()).into_owned())
}

#[test]
fn every_isolate_is_closed_in_its_line_and_no_other_control_is_left() {
    for language in [Language::Fa, Language::En] {
        for text in replies_in(language) {
            for line in text.lines() {
                let mut depth = 0_i32;
                for c in line.chars() {
                    depth += i32::from(c == '\u{2068}') - i32::from(c == '\u{2069}');
                    assert!(depth >= 0, "{line:?}");
                    let is_other = matches!(
                        c,
                        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'
                            ..='\u{202E}' | '\u{2066}' | '\u{2067}'
                    );
                    assert!(!is_other, "{line:?}");
                }
                assert_eq!(depth, 0, "{line:?}");
            }
        }
    }
}

#[test]
fn every_latin_code_in_a_persian_reply_is_read_from_left_to_right() {
    let mut codes = 0;
    for text in replies_in(Language::Fa) {
        for line in text.lines() {
            let shown = bare(&on_screen(line, Language::Fa));
            for code in ["CEM-042", "7K3M9-Q2TB1", "X-7", "A-1", "IR820540102680020817909002", "Some-THING"] {
                if bare(line).contains(code) {
                    codes += 1;
                    assert!(shown.contains(code), "{code} is turned: {shown}");
                }
            }
        }
    }
    assert!(codes > 100, "{codes} codes were looked at");
}

#[test]
fn persian_replies_hold_latin_letters_only_in_what_was_put_into_them() {
    for (language, is_foreign) in [
        (Language::Fa, (|c: char| c.is_ascii_alphabetic()) as fn(char) -> bool),
        (Language::En, peyvand::language::script::is_arabic_script),
    ] {
        for text in replies_in(language) {
            let mut depth = 0;
            for c in text.chars() {
                depth += i32::from(c == '\u{2068}') - i32::from(c == '\u{2069}');
                assert!(depth > 0 || !is_foreign(c), "{c} stands bare in {text:?}");
            }
        }
    }
}

#[test]
fn a_sentence_around_latin_and_numbers_keeps_its_order() {
    let confirm = TurnDecided {
        operation: Some(Operation::SalesOrderCreate),
        slots: vec![
            slot(SlotName::Product, "CEM-042"),
            slot(SlotName::Quantity, "20"),
            slot(SlotName::Customer, "18"),
        ],
        ..turn(Language::Fa, Decision::Confirm)
    };
    let text = renderer().turn(&confirm).unwrap().text;
    let shown = bare(&on_screen(&text, Language::Fa));
    // From right to left: how many, of what, for whom.
    let place = |part: &str| shown.find(part).unwrap();
    assert!(place("۲۰") > place("CEM-042") && place("CEM-042") > place("۱۸"), "{shown}");
}
