//! Quantities: a number in front of a unit or a product, or the only number when it was asked for. The unit itself is the
//! system's: it knows in what a product is sold.

use std::ops::Range;

use super::{Found, SlotName, order, overlaps, runs, words};
use crate::language::money;

const WHOLE_DIGITS_MAX: usize = 6;
const DECIMALS_MAX: usize = 3;

pub(super) fn find(text: &str, found: &[Found], asked: bool) -> Vec<Found> {
    let taken = super::taken(found);
    let spoken = spoken(text, asked);
    let numbers: Vec<(Range<usize>, String)> =
        numbers(text).into_iter().chain(spoken).filter(|(at, _)| !overlaps(at, &taken)).collect();
    // «سفارش ۴۵۰۰۱ تا فردا»: the word for pieces begins a date, and so long a number counts none.
    let until = |at: &Range<usize>| {
        let is_next =
            |f: &Found| text.get(at.end..f.at.start).is_some_and(|between| between.trim().is_empty());
        at.len() >= *order::DIGITS.start()
            && found.iter().any(|f| f.slot == SlotName::DeliveryDate && is_next(f))
    };
    let counts = |at: &Range<usize>| {
        let unit = words::after(text, at.end, 1).any(words::is_unit) && !until(at);
        unit || found.iter().any(|f| f.slot == SlotName::Product && is_next(text, at.end, f.at.start))
    };
    let counting: Vec<_> = numbers.iter().filter(|(at, _)| counts(at)).cloned().collect();
    let chosen = match (counting.is_empty(), asked, numbers.as_slice()) {
        (false, _, _) => counting,
        (true, true, [only]) if !order::is_named(text, &only.0) => vec![only.clone()],
        (true, _, _) => Vec::new(),
    };
    chosen.into_iter().map(|(at, value)| Found::exact(SlotName::Quantity, &value, at)).collect()
}

/// Numbers in words: in front of a unit, or nearly alone where one was asked for. Elsewhere "one" and «یه» count nothing.
fn spoken(text: &str, asked: bool) -> Vec<(Range<usize>, String)> {
    let words_in = |text: &str| text.split_whitespace().count();
    let counts = |at: &Range<usize>| {
        let alone = asked && words_in(&text[..at.start]) == 0 && words_in(&text[at.end..]) <= 1;
        let ends_a_range = words::before(text, at.start, 1).any(words::lies_between);
        alone || (words::after(text, at.end, 1).any(words::is_unit) && !ends_a_range)
    };
    let numbers = money::in_words(text).into_iter().filter(|(at, value)| *value > 0 && counts(at));
    numbers.map(|(at, value)| (at, value.to_string())).collect()
}

/// Whole and decimal numbers above zero, with their plain form.
fn numbers(text: &str) -> Vec<(Range<usize>, String)> {
    let mut numbers = Vec::new();
    let runs = runs(text);
    let mut place = 0;
    while let Some(whole) = runs.get(place) {
        place += 1;
        let decimals = runs.get(place).filter(|next| text.get(whole.end..next.start) == Some("."));
        let at = match decimals {
            Some(decimals) => {
                place += 1;
                whole.start..decimals.end
            }
            None => whole.clone(),
        };
        let fits = whole.len() <= WHOLE_DIGITS_MAX && decimals.is_none_or(|d| d.len() <= DECIMALS_MAX);
        let joins =
            |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '/' | '-' | '+' | '#' | '$' | '€');
        let apart = !text[..at.start].ends_with(joins)
            && !text[at.end..]
                .starts_with(|c: char| matches!(c, ',' | '/' | '-' | '%') || c.is_ascii_digit());
        let value = text.get(at.clone()).map(plain).unwrap_or_default();
        if fits && apart && !value.is_empty() {
            numbers.push((at, value));
        }
    }
    numbers
}

/// Without zeros that say nothing; empty for zero itself.
fn plain(number: &str) -> String {
    let number = number.trim_start_matches('0');
    let number =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    match number.strip_prefix('.') {
        Some(decimals) => format!("0.{decimals}"),
        None => number.to_owned(),
    }
}

/// Whether at most one little word stands between.
fn is_next(text: &str, end: usize, start: usize) -> bool {
    text.get(end..start).is_some_and(|between| {
        let mut words = between.split_whitespace();
        words.next().is_none_or(|word| matches!(word, "x" | "of" | "×" | "ta" | "تا" | "از"))
            && words.next().is_none()
    })
}
