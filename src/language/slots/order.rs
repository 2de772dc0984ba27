//! Order numbers: four to ten digits that a word nearby calls an order, or the only number there is.

use std::ops::{Range, RangeInclusive};

use super::{
    Found, SlotName, cues, overlaps, quantity, runs,
    units::{self, Behind},
    words,
};

pub(super) const DIGITS: RangeInclusive<usize> = 4..=10;
/// How many words a cue may stand away.
const REACH: usize = 4;

pub(super) fn find(text: &str, found: &[Found], asked: bool) -> Vec<Found> {
    let taken = super::taken(found);
    let numbers: Vec<Range<usize>> = runs(text)
        .into_iter()
        .filter(|at| is_candidate(text, at, DIGITS) && !overlaps(at, &taken) && !is_other(text, at))
        .filter(|at| !begins_a_phone_number(text, at, asked))
        .collect();
    let cued: Vec<Range<usize>> = numbers.iter().filter(|at| is_cued(text, at)).cloned().collect();
    let phone = found.iter().any(|f| f.slot == SlotName::Phone);
    let chosen = if !cued.is_empty() {
        cued
    } else if asked || (numbers.len() == 1 && !phone) {
        numbers.into_iter().filter(|at| nearest(text, at) != Some(SlotName::Phone)).collect()
    } else {
        Vec::new()
    };
    chosen.into_iter().filter_map(|at| order(text, at)).collect()
}

fn order(text: &str, at: Range<usize>) -> Option<Found> {
    let value = text.get(at.clone())?.trim_start_matches('0');
    (!value.is_empty()).then(|| Found::exact(SlotName::OrderNumber, value, at))
}

/// A system that fills its numbers up with zeros does so in every place: fewer digits behind a single zero are the beginning of a
/// phone number, unless they are called an order; where an order was asked for, those of a mobile number alone.
fn begins_a_phone_number(text: &str, at: &Range<usize>, asked: bool) -> bool {
    let digits = text.get(at.clone()).unwrap_or_default();
    let begins = if asked { digits.starts_with("09") } else { digits.starts_with('0') };
    begins
        && digits.len() < *DIGITS.end()
        && !digits.starts_with("00")
        && !text[..at.start].ends_with('#')
        && nearest(text, at) != Some(SlotName::OrderNumber)
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
    digits.contains(&at.len())
        && !joins_before(head)
        && !joins_after(tail)
        && !counts_something(text, at)
        && !words::is_of_a_bank(text, at.start)
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
    let named = quantity::is_called_a_document(text, at);
    let unit = match units::behind(text, at.end, |_| false) {
        Behind::Unit => true,
        // A quantity of four digits and more is found before an order is.
        Behind::Perhaps => at.len() < *DIGITS.start(),
        Behind::Nothing => false,
    };
    let other = |word: &str| {
        words::is_money(word)
            || matches!(word, "درصد" | "کیلویی" | "percent")
            || !named && matches!(word, "روز" | "days" | "rooz")
    };
    let year = |word: &str| matches!(word, "سال" | "year" | "sal" | "بودجه" | "budget" | "boodje");
    unit || words::after(text, at.end, 1).any(other) || words::before(text, at.start, 1).any(year)
}

fn is_cued(text: &str, at: &Range<usize>) -> bool {
    if text[..at.start].ends_with('#') {
        return true;
    }
    match nearest(text, at) {
        Some(SlotName::OrderNumber) => true,
        Some(_) => false,
        None => {
            words::before(text, at.start, REACH).any(words::announces_number)
                || words::after(text, at.end, 2).any(words::names_order)
        }
    }
}

/// Whether the nearest word that says what a number is speaks of an order or of a phone.
fn nearest(text: &str, at: &Range<usize>) -> Option<SlotName> {
    words::before(text, at.start, REACH).find_map(|word| match () {
        () if words::names_order(word) => Some(SlotName::OrderNumber),
        () if words::names_phone(word) => Some(SlotName::Phone),
        () => None,
    })
}
