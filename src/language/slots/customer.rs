//! Numbers of customers: four to ten digits that a word nearby calls a customer, or the only number when it was asked for.

use std::ops::Range;

use super::{Found, SlotName, order, overlaps, runs, words};

const DIGITS: std::ops::RangeInclusive<usize> = 4..=10;
/// How many words the cue may stand away.
const REACH: usize = 3;

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: bool) -> Vec<Found> {
    let numbers: Vec<Range<usize>> = runs(text)
        .into_iter()
        .filter(|at| {
            DIGITS.contains(&at.len())
                && stands_alone(text, at)
                && !overlaps(at, taken)
                && !words::is_of_a_bank(text, at.start)
        })
        .collect();
    let cued: Vec<Range<usize>> = numbers.iter().filter(|at| is_a_customers(text, at)).cloned().collect();
    let chosen = match (cued.is_empty(), asked, numbers.as_slice()) {
        (false, _, _) => cued,
        (true, true, [only]) if !order::is_named(text, only) => vec![only.clone()],
        (true, _, _) => Vec::new(),
    };
    chosen
        .into_iter()
        .filter_map(|at| {
            let value = text.get(at.clone())?.trim_start_matches('0');
            (!value.is_empty()).then(|| Found::exact(SlotName::Customer, value, at))
        })
        .collect()
}

/// Whether the nearest word that says whose number it is speaks of a customer: "the customer of order 45001" does not.
fn is_a_customers(text: &str, at: &Range<usize>) -> bool {
    let names =
        |word: &&str| words::names_customer(word) || words::names_order(word) || words::names_phone(word);
    words::before(text, at.start, REACH).find(names).is_some_and(words::names_customer)
}

fn stands_alone(text: &str, at: &Range<usize>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '+');
    let after = text[at.end..].chars().next();
    !text[..at.start].ends_with(joins)
        && !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '-'))
}
