//! What `$filter` understands, and that it refuses the rest without falling over.

use proptest::prelude::*;

use super::*;
use crate::sap::model::Set;
use rust_decimal::Decimal;

fn order() -> Row {
    Row::new(
        Set::SalesOrder.entity(),
        vec![
            ("SalesOrder", Value::alpha("45001")),
            ("SoldToParty", Value::alpha("1000000018")),
            ("PurchaseOrderByCustomer", Value::Text("خرید O'Neil".into())),
            ("TotalNetAmount", Value::Decimal(Decimal::new(1_250, 2))),
            ("CreationDate", Value::date(jiff::civil::date(2026, 11, 1))),
            ("OverallDeliveryStatus", Value::Text("B".into())),
        ],
    )
}

fn accepts(filter: &str) -> bool {
    Filter::parse(Set::SalesOrder.entity(), filter).unwrap().accepts(&order())
}

fn refused(filter: &str) -> bool {
    let refusal = Filter::parse(Set::SalesOrder.entity(), filter).err().map(|error| error.kind());
    matches!(refusal, Some("filter" | "unknown_property"))
}

#[test]
fn every_comparison_works_on_every_type() {
    for filter in [
        "SalesOrder eq '45001'",
        "SalesOrder ne '45002'",
        "SalesOrder gt '9999'",
        "SalesOrder lt '100000'",
        "TotalNetAmount eq 12.5M",
        "TotalNetAmount ge 12.50",
        "TotalNetAmount lt 13",
        "CreationDate le datetime'2026-11-01T00:00:00'",
        "CreationDate gt datetime'2026-10-31T23:59:59'",
        "RequestedDeliveryDate eq null",
        "CreationDate ne null",
    ] {
        assert!(accepts(filter), "{filter} should hold");
    }
    for filter in [
        "SalesOrder gt '45001'",
        "TotalNetAmount gt 12.5M",
        "RequestedDeliveryDate gt datetime'2000-01-01T00:00:00'",
    ] {
        assert!(!accepts(filter), "{filter} should not hold");
    }
}

#[test]
fn leading_zeros_of_numbers_do_not_matter() {
    assert!(accepts("SalesOrder eq '0000045001'"));
    assert!(!accepts("OverallDeliveryStatus eq '0B'"));
}

#[test]
fn and_binds_more_tightly_than_or() {
    assert!(accepts("SalesOrder eq '45001' or SalesOrder eq '1' and SalesOrder eq '2'"));
    assert!(!accepts("(SalesOrder eq '45001' or SalesOrder eq '1') and SalesOrder eq '2'"));
}

#[test]
fn text_functions_work_with_and_without_a_truth_value() {
    assert!(accepts("substringof('خرید',PurchaseOrderByCustomer)"));
    assert!(accepts("substringof('Neil', PurchaseOrderByCustomer) eq true"));
    assert!(accepts("substringof('absent',PurchaseOrderByCustomer) eq false"));
    assert!(accepts("startswith(PurchaseOrderByCustomer,'خر') and endswith(PurchaseOrderByCustomer,'Neil')"));
    assert!(!accepts("startswith(PurchaseOrderByCustomer,'Neil')"));
}

#[test]
fn a_doubled_quote_is_one_quote() {
    assert!(accepts("PurchaseOrderByCustomer eq 'خرید O''Neil'"));
}

#[test]
fn what_is_not_a_filter_is_refused() {
    for filter in [
        "",
        " ",
        "SalesOrder",
        "SalesOrder eq",
        "SalesOrder eq 45001",
        "SalesOrder eq '45001",
        "SalesOrder = '45001'",
        "SalesOrder like '45001'",
        "'45001' eq SalesOrder",
        "Nothing eq '1'",
        "SalesOrder eq '1' and",
        "SalesOrder eq '1' SalesOrder eq '2'",
        "(SalesOrder eq '1'",
        "SalesOrder eq '1')",
        "TotalNetAmount eq '12.5'",
        "TotalNetAmount eq 12.5.5M",
        "CreationDate eq '2026-11-01'",
        "CreationDate eq datetime'2026-11-01'",
        "CreationDate eq datetime'2026-13-01T00:00:00'",
        "CreationDate eq datetimeoffset'2026-11-01T00:00:00Z'",
        "substringof(PurchaseOrderByCustomer,'x')",
        "substringof('x',TotalNetAmount)",
        "substringof('x',PurchaseOrderByCustomer) eq maybe",
        "length(SalesOrder) eq 5",
        "SalesOrder eq '1' -- ",
        "\u{0}",
    ] {
        assert!(refused(filter), "{filter:?} was let through");
    }
}

#[test]
fn depth_length_and_number_of_conditions_are_bounded() {
    let one = "SalesOrder eq '45001'";
    let nested = |depth: usize| format!("{}{one}{}", "(".repeat(depth), ")".repeat(depth));
    assert!(accepts(&nested(MAX_DEPTH)));
    assert!(refused(&nested(MAX_DEPTH + 1)));
    let short = "SalesOrder eq '1'";
    assert!(refused(&vec![short; MAX_CONDITIONS + 1].join(" or ")));
    assert!(refused(&format!("PurchaseOrderByCustomer eq '{}'", "x".repeat(MAX_LENGTH))));
    assert!(refused(&"(".repeat(MAX_LENGTH)));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        if let Ok(filter) = Filter::parse(Set::SalesOrder.entity(), &text) {
            let _held = filter.accepts(&order());
        }
    }

    #[test]
    fn no_mixture_of_its_own_words_makes_the_parser_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "SalesOrder", "TotalNetAmount", "CreationDate", "eq", "gt", "and", "or", "(", ")", ",", "'a'", "'",
                "12.5M", "-", "null", "true", "substringof", "startswith", "datetime'2026-01-01T00:00:00'", "سلام", "%",
            ]),
            0..30,
        ),
    ) {
        if let Ok(filter) = Filter::parse(Set::SalesOrder.entity(), &words.join(" ")) {
            let _held = filter.accepts(&order());
        }
    }

    #[test]
    fn any_text_survives_quoting(text in "[^\\p{C}]{0,40}") {
        let row = Row::new(Set::SalesOrder.entity(), vec![("PurchaseOrderByCustomer", Value::Text(text.clone()))]);
        let filter = format!("PurchaseOrderByCustomer eq '{}'", text.replace('\'', "''"));
        prop_assert!(Filter::parse(Set::SalesOrder.entity(), &filter).unwrap().accepts(&row));
    }
}
