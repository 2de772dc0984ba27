//! National ids of persons and of companies. Ten or eleven digits are many things, so that one needs a word that says it or the
//! question for it.

use std::ops::{Range, RangeInclusive};

use super::{Found, SlotName, checks, cues, grouped, words};

const PERSON_DIGITS: usize = 10;
const COMPANY_DIGITS: usize = 11;
/// What is taken for an id with too few or too many digits.
const NEARLY: RangeInclusive<usize> = 5..=14;
/// Zeros at the beginning that get lost on the way.
const LOST_ZEROS_MAX: usize = 2;

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: Option<SlotName>) -> Vec<Found> {
    grouped::each(text, taken, |groups| {
        let first = groups.first()?.start;
        let said = grouped::begins(text, first).then(|| said(text, first, asked)).flatten()?;
        id(text, groups, said, asked)
    })
}

/// Which of the two it is said to be.
fn said(text: &str, at: usize, asked: Option<SlotName>) -> Option<SlotName> {
    let is_id = |slot: &SlotName| matches!(slot, SlotName::NationalId | SlotName::LegalId);
    match cues::before(text, at) {
        Some((name, _)) => Some(name).filter(is_id),
        None => asked.filter(is_id),
    }
}

fn id(text: &str, groups: &[Range<usize>], said: SlotName, asked: Option<SlotName>) -> Option<Found> {
    let number = grouped::shortest(text, groups, COMPANY_DIGITS)
        .filter(|number| checks::is_legal_id(&number.digits))
        .or_else(|| grouped::shortest(text, groups, PERSON_DIGITS))
        .or_else(|| grouped::longest(text, groups, &NEARLY))?;
    if words::after(text, number.at.end, 1).any(words::is_money) {
        return None;
    }
    let digits = number.digits.as_str();
    let is_mobile =
        digits.starts_with("09") && digits.len() == COMPANY_DIGITS && !checks::is_legal_id(digits);
    if is_mobile {
        return None;
    }
    // «کد ملی شرکت» is said of a company's id too, and «شناسه ملی» of a person's. What was asked for is not turned into the other.
    let slot = match digits.len() {
        PERSON_DIGITS if asked != Some(SlotName::LegalId) => SlotName::NationalId,
        COMPANY_DIGITS if asked != Some(SlotName::NationalId) => SlotName::LegalId,
        _ => said,
    };
    let lost = PERSON_DIGITS.saturating_sub(digits.len());
    let of_person = slot == SlotName::NationalId;
    let digits = if of_person && (1..=LOST_ZEROS_MAX).contains(&lost) {
        format!("{digits:0>PERSON_DIGITS$}")
    } else {
        digits.to_owned()
    };
    let valid = if of_person { checks::is_national_id(&digits) } else { checks::is_legal_id(&digits) };
    Some(Found::checked(slot, digits, number.at, valid))
}
