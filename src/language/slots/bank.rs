//! Bank accounts and cards. A card is never kept whole: its value has the first six and the last four digits.

use std::ops::{Range, RangeInclusive};

use super::{Found, SlotName, checks, cues, grouped, words};

const IBAN_DIGITS: usize = 24;
/// What is taken for an account with too few or too many digits, where it is said to be one.
const NEARLY_IBAN: RangeInclusive<usize> = 18..=30;
const CARD_DIGITS: usize = 16;
const NEARLY_CARD: RangeInclusive<usize> = 13..=19;

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: Option<SlotName>) -> Vec<Found> {
    grouped::each(text, taken, |groups| iban(text, groups, asked).or_else(|| card(text, groups, asked)))
}

/// Whether the words around say it, or it was asked for and they say nothing else.
fn is_meant(text: &str, at: usize, slot: SlotName, asked: Option<SlotName>) -> bool {
    match cues::before(text, at) {
        Some((name, _)) => name == slot,
        None => asked == Some(slot),
    }
}

fn iban(text: &str, groups: &[Range<usize>], asked: Option<SlotName>) -> Option<Found> {
    let first = groups.first()?.start;
    let country = country(text, first);
    let meant = || grouped::begins(text, first) && is_meant(text, first, SlotName::Iban, asked);
    if country.is_none() && !meant() {
        return None;
    }
    let number = grouped::shortest(text, groups, IBAN_DIGITS)
        .or_else(|| grouped::longest(text, groups, &NEARLY_IBAN))?;
    let at = country.unwrap_or(number.at.start)..number.at.end;
    let value = format!("IR{}", number.digits);
    Some(Found::checked(SlotName::Iban, value, at, checks::is_iban(&number.digits)))
}

/// Where the `ir` before a number begins.
fn country(text: &str, at: usize) -> Option<usize> {
    let head = text.get(..at)?.trim_end_matches([' ', '-', ':']);
    let start = head.strip_suffix("ir")?;
    (at - head.len() <= 2 && !start.ends_with(|c: char| c.is_ascii_alphanumeric())).then_some(start.len())
}

fn card(text: &str, groups: &[Range<usize>], asked: Option<SlotName>) -> Option<Found> {
    let first = groups.first()?.start;
    if !grouped::begins(text, first) {
        return None;
    }
    let meant = is_meant(text, first, SlotName::Card, asked);
    let number = grouped::shortest(text, groups, CARD_DIGITS);
    let number =
        if meant { number.or_else(|| grouped::longest(text, groups, &NEARLY_CARD)) } else { number }?;
    let valid = checks::is_card(&number.digits);
    let in_fours = number.groups == 4 && groups[..4].iter().all(|group| group.len() == 4);
    let looks_so = (valid && number.groups == 1 || in_fours)
        && cues::before(text, first).is_none()
        && !words::before(text, first, 3)
            .any(|word| matches!(word, "پیگیری" | "ارجاع" | "tracking" | "reference" | "ref"));
    (meant || looks_so).then(|| Found::checked(SlotName::Card, masked(&number.digits), number.at, valid))
}

fn masked(digits: &str) -> String {
    let (head, tail) = (&digits[..6], &digits[digits.len() - 4..]);
    format!("{head}{}{tail}", "*".repeat(digits.len() - 10))
}
