//! Numbers of invoices, tickets and purchase orders: digits that the nearest word calls so, codes such as `INV-2026-17`, or the
//! only numbers when one was asked for.

use std::ops::{Range, RangeInclusive};

use super::{Found, SlotName, cues, order, overlaps, runs, words};

const DIGITS: RangeInclusive<usize> = 3..=12;
/// What a number has at least that is named by a word behind it, or by none.
const UNNAMED_DIGITS_MIN: usize = 4;
/// Longest code, in bytes behind its letters.
const CODE_MAX: usize = 24;

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: Option<SlotName>) -> Vec<Found> {
    let mut found = codes(text, taken);
    let occupied: Vec<Range<usize>> = taken.iter().cloned().chain(super::taken(&found)).collect();
    let numbers: Vec<Range<usize>> = runs(text)
        .into_iter()
        .filter(|at| order::is_candidate(text, at, DIGITS) && !overlaps(at, &occupied))
        .collect();
    let named = |at: &Range<usize>| named(text, at).map(|slot| (slot, at.clone()));
    let mut chosen: Vec<(SlotName, Range<usize>)> = numbers.iter().filter_map(named).collect();
    if let Some(asked) = asked.filter(|slot| is_document(*slot))
        && chosen.is_empty()
        && found.is_empty()
    {
        let bare =
            numbers.iter().filter(|at| cues::around(text, at).is_none() && !is_mobile_with_zero(text, at));
        chosen.extend(bare.map(|at| (asked, at.clone())));
    }
    found.extend(chosen.into_iter().filter_map(|(slot, at)| number(text, slot, at)));
    found
}

fn is_document(slot: SlotName) -> bool {
    matches!(slot, SlotName::InvoiceNumber | SlotName::TicketNumber | SlotName::PurchaseOrderNumber)
}

/// Which document a number is called.
fn named(text: &str, at: &Range<usize>) -> Option<SlotName> {
    let (slot, distance) = match cues::before(text, at.start) {
        Some((slot, distance)) => (slot, Some(distance)),
        None => (cues::around(text, at).filter(|_| at.len() >= UNNAMED_DIGITS_MIN)?, None),
    };
    let announced = words::before(text, at.start, 1).any(words::announces_number);
    let near = announced || distance == Some(0);
    let year = at.len() == 4 && matches!(text.get(at.clone())?.parse(), Ok(1300..=1500 | 1900..=2100));
    (is_document(slot) && (near || !year && !is_mobile(text, at))).then_some(slot)
}

/// Whether it may be a mobile number, with its zero or without.
fn is_mobile(text: &str, at: &Range<usize>) -> bool {
    let digits = text.get(at.clone()).unwrap_or_default();
    is_mobile_with_zero(text, at) || digits.len() == 10 && digits.starts_with('9')
}

/// Where a document was asked for, ten digits from a nine on are its number: those of some systems begin so.
fn is_mobile_with_zero(text: &str, at: &Range<usize>) -> bool {
    text.get(at.clone()).is_some_and(|digits| digits.len() == 11 && digits.starts_with("09"))
}

/// The number of a ticket keeps its zeros: systems that fill it up with them do so in every place.
fn number(text: &str, slot: SlotName, at: Range<usize>) -> Option<Found> {
    let digits = text.get(at.clone())?;
    let value = if slot == SlotName::TicketNumber { digits } else { digits.trim_start_matches('0') };
    value.bytes().any(|b| b != b'0').then(|| Found::exact(slot, value, at))
}

/// `INV-2026-17`, `TCK-5001`, `INV/2026/00017`, `PO4500000123`.
fn codes(text: &str, taken: &[Range<usize>]) -> Vec<Found> {
    let prefixes = [
        ("inv", SlotName::InvoiceNumber),
        ("tck", SlotName::TicketNumber),
        ("tkt", SlotName::TicketNumber),
        ("po", SlotName::PurchaseOrderNumber),
    ];
    let mut found: Vec<Found> = Vec::new();
    for (prefix, slot) in prefixes {
        let places = text.match_indices(prefix).take(64);
        let one = places.filter_map(|(start, _)| code(text, start, prefix, slot));
        found.extend(one.filter(|one| !overlaps(&one.at, taken)));
    }
    found
}

fn code(text: &str, start: usize, prefix: &str, slot: SlotName) -> Option<Found> {
    let digits = |b: &u8| b.is_ascii_digit();
    let joins = |b: u8| matches!(b, b'-' | b'/');
    let bytes = text.as_bytes();
    let mut groups = 0;
    let mut end = start + prefix.len();
    while end - start <= CODE_MAX {
        let begin = end + usize::from(bytes.get(end).is_some_and(|b| joins(*b)));
        let count =
            bytes.get(begin..).unwrap_or_default().iter().take(CODE_MAX).take_while(|b| digits(b)).count();
        if count == 0 || (groups > 0 && begin == end) {
            break;
        }
        groups += 1;
        end = begin + count;
    }
    let at = start..end;
    let written = text.get(at.clone())?;
    let number = written.get(prefix.len()..)?.trim_start_matches(['-', '/']);
    let fits = groups > 0
        && number.len() <= CODE_MAX
        && number.bytes().filter(u8::is_ascii_digit).count() >= *DIGITS.start()
        && !text[..start]
            .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '@' | '.' | '/' | '_'))
        && !text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_'));
    // A purchase order's letters are only the word for it, as with `ORD-45001`.
    let value = if slot == SlotName::PurchaseOrderNumber && groups == 1 {
        number.trim_start_matches('0').to_owned()
    } else {
        written.to_uppercase()
    };
    (fits && !value.is_empty()).then(|| Found::exact(slot, &value, at))
}
