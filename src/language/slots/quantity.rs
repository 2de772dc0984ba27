//! Quantities: a number in front of a unit or a product, or the only number when it was asked for. The unit itself is the
//! system's: it knows in what a product is sold.

use std::ops::Range;

use rust_decimal::Decimal;

use super::{
    Found, SlotName, cues, order, overlaps,
    units::{self, Behind},
    words,
};
use crate::language::money::{self, Counted};

/// Nobody orders more.
const QUANTITY_BELOW: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const DECIMALS_MAX: u32 = 3;

pub(super) fn find(text: &str, found: &[Found], asked: bool) -> Vec<Found> {
    let taken = super::taken(found);
    let numbers: Vec<Counted> = money::numbers(text)
        .into_iter()
        .filter(|one| {
            !overlaps(&one.at, &taken) && fits(text, one) && (one.in_digits || is_said(text, one, asked))
        })
        .collect();
    let counting: Vec<&Counted> = numbers.iter().filter(|one| counts(text, one, found)).collect();
    let chosen: Vec<&Counted> = match (counting.is_empty(), asked, numbers.as_slice()) {
        (false, _, _) => counting,
        (true, true, [only]) if !order::is_named(text, &only.at) && !is_of_time(text, only.at.end) => {
            vec![only]
        }
        (true, _, _) => Vec::new(),
    };
    chosen
        .into_iter()
        .map(|one| Found::exact(SlotName::Quantity, &one.value.to_string(), one.at.clone()))
        .collect()
}

fn fits(text: &str, one: &Counted) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '/' | '-' | '+' | '#' | '$' | '€');
    one.value < QUANTITY_BELOW && one.value.scale() <= DECIMALS_MAX && !text[..one.at.start].ends_with(joins)
}

/// Whether a number counts what stands behind it.
fn counts(text: &str, one: &Counted, found: &[Found]) -> bool {
    let at = &one.at;
    let products = || found.iter().filter(|f| f.slot == SlotName::Product);
    let named = is_called_a_document(text, at);
    match units::behind(text, at.end, |place| products().any(|f| f.at.start == place)) {
        Behind::Unit => true,
        Behind::Perhaps => !named && !until(text, at, found),
        Behind::Nothing => !named && products().any(|f| is_next(text, at.end, f.at.start)),
    }
}

/// Whether a number as long as an order's is called one, or another document.
pub(super) fn is_called_a_document(text: &str, at: &Range<usize>) -> bool {
    at.len() >= *order::DIGITS.start()
        && matches!(
            cues::before(text, at.start),
            Some((
                SlotName::OrderNumber
                    | SlotName::InvoiceNumber
                    | SlotName::TicketNumber
                    | SlotName::PurchaseOrderNumber,
                _
            ))
        )
}

/// «سفارش ۴۵۰۰۱ تا فردا»: the word for pieces begins a date, and so long a number counts none.
fn until(text: &str, at: &Range<usize>, found: &[Found]) -> bool {
    let is_next = |f: &Found| {
        text.get(at.end..f.at.start).is_some_and(|between| matches!(between.trim(), "" | "تا" | "ta"))
    };
    at.len() >= *order::DIGITS.start() && found.iter().any(|f| f.slot == SlotName::DeliveryDate && is_next(f))
}

/// Whether a number in words is meant as one: in front of a unit, or nearly alone where one was asked for. Elsewhere "one" and
/// «یه» count nothing.
fn is_said(text: &str, one: &Counted, asked: bool) -> bool {
    let number = text.get(one.at.clone()).unwrap_or_default();
    let next = words::after(text, one.at.end, 1).next().unwrap_or_default();
    let counted = match (number, next) {
        // «یه سری» are some, «نه تا حالا» is a no, and "do units" asks.
        ("یه" | "یک" | "ye" | "yek", "سری") => false,
        ("do", next) => {
            units::is_finglish(next) && units::behind(text, one.at.end, |_| false) != Behind::Nothing
        }
        _ => units::behind(text, one.at.end, |_| false) != Behind::Nothing,
    };
    let alone = asked && words::places(&text[..one.at.start]).is_empty();
    let behind = words::places(words::near_after(text, one.at.end)).len();
    let polite =
        behind == 0 && number != "نه" || behind == 1 && is_polite(next) && !matches!(number, "نه" | "do");
    let ends_a_range = words::before(text, one.at.start, 1).any(words::lies_between);
    counted && !ends_a_range || alone && polite
}

/// Whether a number says when or how many people: "in 5 minutes" is no answer to how much.
fn is_of_time(text: &str, end: usize) -> bool {
    words::after(text, end, 1).any(|word| {
        matches!(
            word,
            "دقیقه"
                | "ساعت"
                | "روز"
                | "هفته"
                | "ماه"
                | "نفر"
                | "درصد"
                | "minute"
                | "minutes"
                | "min"
                | "mins"
                | "hour"
                | "hours"
                | "day"
                | "days"
                | "week"
                | "weeks"
                | "month"
                | "months"
                | "percent"
                | "daghighe"
                | "saat"
                | "rooz"
                | "hafte"
                | "nafar"
        )
    })
}

fn is_polite(word: &str) -> bool {
    matches!(
        word,
        "لطفا"
            | "ممنون"
            | "مرسی"
            | "سپاس"
            | "متشکرم"
            | "please"
            | "pls"
            | "thanks"
            | "thx"
            | "lotfan"
            | "mersi"
            | "mamnoon"
            | "merci"
    )
}

/// Whether at most one little word stands between.
fn is_next(text: &str, end: usize, start: usize) -> bool {
    text.get(end..start).is_some_and(|between| {
        let mut words = between.split_whitespace();
        words.next().is_none_or(|word| matches!(word, "x" | "of" | "×" | "ta" | "تا" | "از"))
            && words.next().is_none()
    })
}
