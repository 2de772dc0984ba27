//! What a stranger types never becomes a part of the question's syntax.

use std::sync::OnceLock;

use peyvand::language::script::Language;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::World;

const SPECIAL: &[&str] = &[
    "'",
    "''",
    "' or '1' eq '1",
    "') or (Product ne '",
    "CEM-042' or Product ne 'x",
    "%27",
    "%2527",
    "a&$filter=Product ne ''",
    "a?b=c#d",
    "../../A_SalesOrder('45001')",
    "a/b\\c",
    "+",
    "a+b c",
    "%",
    "%zz",
    "\"",
    "\0",
    "a\r\nHost: evil",
    "\u{202e}سیمان\u{202c}",
    "سیمان'",
    "سي\u{200c}مان",
    "😀😀",
    "ﷺ",
    "(((((((",
    ",",
    ";",
    "$format=xml",
    "null",
    "datetime'2026-01-01T00:00:00'",
];

/// One sandbox for all cases.
fn shared() -> &'static (Runtime, World) {
    static SHARED: OnceLock<(Runtime, World)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::new());
        (runtime, world)
    })
}

/// Asks for everything that takes a text; no question may be one that the system cannot read, or find everything.
fn ask(text: &str) {
    let (runtime, world) = shared();
    let stock = runtime.block_on(world.sap.stock(text, Language::Fa));
    assert!(stock.is_ok(), "stock of {text:?}: {stock:?}");
    let order = runtime.block_on(world.sap.order(text, Language::En));
    assert!(order.is_ok(), "order {text:?}: {order:?}");
    let list = runtime.block_on(world.sap.orders_of_same_customer(text, 5));
    assert!(list.is_ok(), "orders of {text:?}: {list:?}");
    let refused = world
        .sandbox
        .requests()
        .into_iter()
        .find(|seen| seen.status != Some(200) && seen.status != Some(404));
    assert_eq!(refused, None, "{text:?}");
}

#[test]
fn quotes_and_signs_of_the_language_are_part_of_the_text() {
    for text in SPECIAL {
        ask(text);
        let (runtime, world) = shared();
        assert_eq!(runtime.block_on(world.order(text)), Ok(None), "{text:?}");
    }
}

#[test]
fn a_text_that_would_widen_the_question_finds_nothing_more() {
    let (runtime, world) = shared();
    for text in ["' or '1' eq '1", "CEM-042' or Product ne 'x", "x',ProductDescription) or substringof('"] {
        assert_eq!(runtime.block_on(world.sap.stock(text, Language::En)), Ok(Vec::new()), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_question_the_system_cannot_read(text in any::<String>()) {
        ask(&text);
    }

    #[test]
    fn no_mixture_of_signs_makes_a_question_the_system_cannot_read(
        parts in prop::collection::vec(prop::sample::select(SPECIAL), 1..6),
        word in "[a-zآ-ی0-9]{0,12}",
    ) {
        ask(&format!("{word}{}{word}", parts.concat()));
    }

    #[test]
    fn no_run_of_letters_makes_a_question_too_long(text in "\\PC{60,120}") {
        ask(&text);
    }
}
