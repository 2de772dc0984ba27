mod open_set;

use std::path::Path;

use super::source::{Replies, Source, Sources};
use super::*;
use crate::event::{Answer, Operation, SlotName};

fn intents(text: &str) -> Result<Assistant, AssistantErrors> {
    let intents = vec![Source { name: "intents/a.yaml".to_owned(), text: text.to_owned() }];
    Assistant::check(&Sources {
        intents,
        targets: Vec::new(),
        replies: Replies::default(),
        out_of_scope: None,
    })
}

fn target(text: &str) -> Result<Assistant, AssistantErrors> {
    let targets = vec![Source { name: "targets/a.yaml".to_owned(), text: text.to_owned() }];
    Assistant::check(&Sources {
        intents: Vec::new(),
        targets,
        replies: Replies::default(),
        out_of_scope: None,
    })
}

fn mistakes(result: Result<Assistant, AssistantErrors>) -> Vec<String> {
    result.unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_assistant_has_no_mistake_and_no_warning() {
    let assistant = Assistant::shipped().unwrap();
    assert_eq!(assistant.warnings, []);
    assert_eq!(assistant.intents.len(), 28);
    for intent in &assistant.intents {
        let finglish = intent.fa.iter().filter(|text| text.is_ascii()).count();
        let counts = [intent.fa.len(), intent.en.len(), finglish];
        assert!(
            counts.into_iter().zip([25, 25, 5]).all(|(has, least)| has >= least),
            "{} has too few examples: {counts:?} in Persian, in English, in Latin letters",
            intent.name
        );
    }
}

#[test]
fn every_scenario_of_the_product_is_understood_and_those_without_a_system_say_so() {
    let assistant = Assistant::shipped().unwrap();
    for name in [
        "invoice_status",
        "payment_status",
        "purchase_order_status",
        "purchase_history",
        "ticket_status",
        "conversation_history",
        "lead_create",
        "opportunity_status",
        "leave_request",
        "leave_balance",
        "mission_request",
        "contact_update",
        "management_report",
        "order_cancel",
        "order_change",
        "price_inquiry",
    ] {
        let kind = assistant.intent(name).map(|intent| intent.kind);
        assert_eq!(kind, Some(IntentKind::Answer(Answer::NotConnected)), "{name}");
    }
    let human = assistant.intent("human").unwrap();
    assert_eq!(human.kind, IntentKind::Operation(Operation::CallbackRequest));
    assert_eq!(human.slots, [SlotSpec { name: SlotName::Phone, required: true, max_tries: 2 }]);
}

#[test]
fn every_operation_of_the_shipped_assistant_has_a_target() {
    let mut assistant = Assistant::shipped().unwrap();
    assert_eq!(assistant.undone(), []);
    assert_eq!(assistant.target_of(Operation::CaseCreate).map(|target| target.name.as_str()), Some("crm"));
    assistant.targets.retain(|target| target.name != "crm");
    assert_eq!(assistant.undone(), [Operation::CaseCreate]);
}

#[test]
fn the_shipped_assistant_is_the_folder_beside_the_source() {
    let folder = Assistant::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assistant")).unwrap();
    let shipped = Assistant::shipped().unwrap();
    assert_eq!((folder.intents, folder.targets), (shipped.intents, shipped.targets));
    assert_eq!(folder.replies, shipped.replies);
}

#[test]
fn no_shipped_example_stands_twice() {
    let assistant = Assistant::shipped().unwrap();
    let mut texts: Vec<&str> = assistant.examples().into_iter().map(|(text, _)| text).collect();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

#[test]
fn an_intent_is_found_by_name_with_its_operation_and_slots() {
    let assistant = Assistant::shipped().unwrap();
    let intent = assistant.intent("order_status").unwrap();
    assert_eq!(intent.kind, IntentKind::Operation(Operation::OrderStatus));
    assert_eq!(intent.slots, [SlotSpec { name: SlotName::OrderNumber, required: true, max_tries: 2 }]);
    assert!(assistant.intent("nothing").is_none());
    assert!(assistant.examples().contains(&("where is order 45001?", "order_status")));
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line() {
    let text = "# comment\n\
        - intent: a\n  operation: order_stat\n  examples: { fa: [x], en: [] }\n\
        - intent: b\n  colour: red\n  answer: help\n  examples: { fa: [x], en: [y] }\n\
        - intent: a\n  answer: hello\n  slots:\n    - name: color\n      max_tries: 9\n  examples: { fa: [x], en: [' '] }\n\
        - intent: c\n  examples: { fa: [x], en: [y] }\n";
    let found = mistakes(intents(text));
    for (line, word) in [
        (3, "wrong operation"),
        (4, "no en example"),
        (6, "unknown field `colour`"),
        (9, "already in intents/a.yaml:2"),
        (10, "wrong answer"),
        (12, "wrong slot"),
        (13, "max_tries"),
        (14, "is empty"),
        (15, "either an operation or an answer"),
    ] {
        let place = format!("intents/a.yaml:{line}: ");
        assert!(
            found.iter().any(|m| m.starts_with(&place) && m.contains(word)),
            "{place}{word} in {found:#?}"
        );
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn few_examples_are_a_warning_and_no_mistake() {
    let assistant = intents("- intent: a\n  answer: help\n  examples: { fa: [x], en: [y] }\n").unwrap();
    let warnings: Vec<String> = assistant.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings[0].starts_with("intents/a.yaml:3: ") && warnings[0].contains("1 fa examples"),
        "{warnings:?}"
    );
}

#[test]
fn text_that_is_no_list_of_intents_is_a_mistake() {
    for text in ["nonsense", "a: b", "- [", "- intent: a\n  answer: {", "\u{0}", "- &a [*a]"] {
        assert!(intents(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_target_with_a_password_or_out_of_bounds_is_refused() {
    let text = "name: ''\nsystem: sap_s4\nbase_url: https://u:p@sap\nuser: X\npassword_secret: Hunter2!\ndeadline_ms: 0\nin_flight_max: 0\n";
    let found = mistakes(target(text));
    let lines: Vec<&str> = found.iter().filter_map(|m| m.split(':').nth(1)).collect();
    assert_eq!(lines, ["1", "3", "5", "6", "7"], "{found:#?}");
    assert!(found.iter().all(|m| !m.contains("Hunter2") && !m.contains("u:p")), "{found:#?}");
}

#[test]
fn a_target_of_an_unknown_system_is_refused_with_its_line() {
    let found = mistakes(target("name: a\nsystem: abacus\n"));
    assert!(found[0].starts_with("targets/a.yaml:2: "), "{found:#?}");
}

#[test]
fn a_folder_that_is_not_there_names_every_missing_part() {
    let found = mistakes(Assistant::load(Path::new("no-such-folder")));
    for part in ["intents", "targets", "replies/fa.ftl", "replies/en.ftl"] {
        assert!(found.iter().any(|m| m.starts_with(part)), "{part} in {found:#?}");
    }
}
