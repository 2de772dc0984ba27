//! Phone numbers, Iranian where no country is given, checked against the numbering plans and written as E.164. Where one was asked
//! for, what begins as one and is none is a slip, and no other number.

use std::ops::Range;

use phonenumber::{Mode, country};

use super::{Found, SlotName, cues, overlaps, runs, words};

/// A number written in more groups than this is none.
const GROUPS_MAX: usize = 7;
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Digits of what may be a slip: fewer are no number, more are none of a phone.
const SLIP_DIGITS: std::ops::RangeInclusive<usize> = 4..=17;

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: bool) -> Vec<Found> {
    let groups = runs(text);
    let mut found = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        let longest = (first + 1..=groups.len().min(first + GROUPS_MAX))
            .rev()
            .filter(|end| joined(text, &groups[first..*end]))
            .find_map(|end| number(text, &groups[first..end]).map(|value| (end, value)));
        match longest {
            Some((end, value)) => {
                let at = start(text, groups[first].start)..groups[end - 1].end;
                if !overlaps(&at, taken) {
                    found.push(Found::exact(SlotName::Phone, &value, at));
                }
                first = end;
            }
            None => first += 1,
        }
    }
    if asked && found.is_empty() {
        found.extend(slip(text, &groups, taken));
    }
    found
}

/// The only digits of a message, when they begin as a phone number does.
fn slip(text: &str, groups: &[Range<usize>], taken: &[Range<usize>]) -> Option<Found> {
    let (first, last) = (groups.first()?, groups.last()?);
    if groups.len() > GROUPS_MAX || !joined(text, groups) {
        return None;
    }
    let digits: String = groups.iter().map(|group| &text[group.clone()]).collect();
    let at = start(text, first.start)..last.end;
    let begins = text[at.clone()].starts_with(['0', '+']) || digits.starts_with("98");
    let fits = begins && SLIP_DIGITS.contains(&digits.len()) && !overlaps(&at, taken);
    let is_other = cues::around(text, first).is_some_and(|name| name != SlotName::Phone);
    (fits && !is_other).then(|| Found::checked(SlotName::Phone, digits, at, false))
}

/// Whether the groups are written as one number: a blank, a dash or a bracket between them.
fn joined(text: &str, groups: &[Range<usize>]) -> bool {
    groups.windows(2).all(|pair| {
        let between = text.get(pair[0].end..pair[1].start).unwrap_or("?");
        between.len() <= 2 && between.bytes().all(|b| matches!(b, b' ' | b'-' | b'(' | b')'))
    })
}

fn start(text: &str, first: usize) -> usize {
    if text[..first].ends_with('+') { first - 1 } else { first }
}

fn number(text: &str, groups: &[Range<usize>]) -> Option<String> {
    let digits: String = groups.iter().map(|group| &text[group.clone()]).collect();
    let (begin, end) = (groups.first()?.start, groups.last()?.end);
    let glued = text[..begin].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '#' | '/' | '.' | ','))
        || text[end..].starts_with(char::is_alphanumeric);
    if glued || !DIGITS.contains(&digits.len()) {
        return None;
    }
    let international = match () {
        () if text[..begin].ends_with('+') => digits,
        () if digits.starts_with("00") => digits[2..].to_owned(),
        () if digits.starts_with("989") && digits.len() == 12 => digits,
        () if digits.starts_with('0') && matches!(digits.len(), 10 | 11) => format!("98{}", &digits[1..]),
        () if digits.starts_with('9') && digits.len() == 10 && !is_order(text, begin) => {
            format!("98{digits}")
        }
        () => return None,
    };
    let number = phonenumber::parse(Some(country::IR), format!("+{international}")).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(Mode::E164).to_string())
}

/// Ten digits that begin with 9 may be a mobile number or an order number; the word before them says which.
fn is_order(text: &str, at: usize) -> bool {
    words::before(text, at, 2).any(words::names_order)
}
