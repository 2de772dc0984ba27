//! Order numbers: four to ten digits that a word nearby calls an order, or the only number there is.

use std::ops::{Range, RangeInclusive};

use super::{Found, SlotName, cues, overlaps, runs, words};

pub(super) const DIGITS: RangeInclusive<usize> = 4..=10;
/// How many words a cue may stand away.
const REACH: usize = 4;

pub(super) fn find(text: &str, found: &[Found], asked: bool) -> Vec<Found> {
    let taken = super::taken(found);
    let numbers: Vec<Range<usize>> = runs(text)
        .into_iter()
        .filter(|at| is_candidate(text, at, DIGITS) && !overlaps(at, &taken) && !is_other(text, at))
        .collect();
    let cued: Vec<Range<usize>> = numbers.iter().filter(|at| is_cued(text, at)).cloned().collect();
    let phone = found.iter().any(|f| f.slot == SlotName::Phone);
    let chosen = if !cued.is_empty() {
        cued
    } else if asked || (numbers.len() == 1 && !phone) {
        numbers.into_iter().filter(|at| !words::before(text, at.start, 3).any(words::names_phone)).collect()
    } else {
        Vec::new()
    };
    chosen.into_iter().filter_map(|at| order(text, at)).collect()
}

fn order(text: &str, at: Range<usize>) -> Option<Found> {
    let value = text.get(at.clone())?.trim_start_matches('0');
    (!value.is_empty()).then(|| Found::exact(SlotName::OrderNumber, value, at))
}

/// Whether the number is called an order, so that it answers no question for something else.
pub(super) fn is_named(text: &str, at: &Range<usize>) -> bool {
    DIGITS.contains(&at.len()) && cues::around(text, at) == Some(SlotName::OrderNumber)
}

/// Whether the number is said to be one of something else.
fn is_other(text: &str, at: &Range<usize>) -> bool {
    let none_of_those = [SlotName::OrderNumber, SlotName::Phone, SlotName::Customer];
    cues::around(text, at).is_some_and(|name| !none_of_those.contains(&name))
}

/// Whether the digits can be the number of a document at all: no price, date, decimal, quantity or part of another code.
pub(super) fn is_candidate(text: &str, at: &Range<usize>, digits: RangeInclusive<usize>) -> bool {
    let (head, tail) = (words::near_before(text, at.start), &text[at.end..]);
    digits.contains(&at.len()) && !joins_before(head) && !joins_after(tail) && !counts_something(text, at)
}

fn joins_before(head: &str) -> bool {
    let mut back = head.chars().rev();
    match back.next() {
        Some('$' | '€' | '+' | '@') => true,
        Some('-') => {
            let code =
                head[..head.len() - 1].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            !code.is_empty() && cues::document(code, "").is_none() && code != "no"
        }
        Some('/' | '.' | ',' | ':') => back.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) if c.is_ascii_alphabetic() => {
            let word = head.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            cues::document(word, "").is_none() && word != "no"
        }
        Some(_) | None => false,
    }
}

fn joins_after(tail: &str) -> bool {
    let mut next = tail.chars();
    match next.next() {
        Some('%' | '@' | '_') => true,
        Some('-' | '/' | '.' | ',' | ':') => next.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    }
}

/// Whether the number is an amount, a quantity or a year.
fn counts_something(text: &str, at: &Range<usize>) -> bool {
    let unit = |word: &str| {
        words::is_money(word)
            || matches!(
                word,
                "درصد"
                    | "عدد"
                    | "کیسه"
                    | "پاکت"
                    | "تن"
                    | "کیلو"
                    | "کیلویی"
                    | "متر"
                    | "متری"
                    | "روز"
                    | "pieces"
                    | "pcs"
                    | "bags"
                    | "kg"
                    | "tons"
                    | "tonnes"
                    | "days"
            )
    };
    let year = |word: &str| matches!(word, "سال" | "year" | "sal");
    words::after(text, at.end, 1).any(unit) || words::before(text, at.start, 1).any(year)
}

fn is_cued(text: &str, at: &Range<usize>) -> bool {
    let head = &text[..at.start];
    if head.ends_with('#') {
        return true;
    }
    if words::before(text, at.start, 3).any(words::names_phone) {
        return false;
    }
    words::before(text, at.start, REACH).any(|word| words::names_order(word) || words::announces_number(word))
        || words::after(text, at.end, 2).any(words::names_order)
}
