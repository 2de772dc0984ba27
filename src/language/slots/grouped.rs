//! Long numbers as people write them down: their digits in groups, with a blank or a dash between. It may not say what they are.

use std::ops::{Range, RangeInclusive};

use super::{Found, overlaps, runs};

/// A number in more groups than this is none.
const GROUPS_MAX: usize = 13;

/// Digits that stand together, and how many groups they are.
pub(super) struct Grouped {
    pub(super) at: Range<usize>,
    pub(super) digits: String,
    pub(super) groups: usize,
}

/// What is found in the groups of digits of a text, each time from one group on; what stands in another value or in the one found
/// before is passed over.
pub(super) fn each(
    text: &str,
    taken: &[Range<usize>],
    find: impl Fn(&[Range<usize>]) -> Option<Found>,
) -> Vec<Found> {
    let runs = runs(text);
    let mut found: Vec<Found> = Vec::new();
    for first in 0..runs.len() {
        let behind = found.last().is_none_or(|last| last.at.end <= runs[first].start);
        found.extend(behind.then(|| find(&runs[first..])).flatten().filter(|one| !overlaps(&one.at, taken)));
    }
    found
}

/// The fewest groups from the first on that have so many digits, and the most.
pub(super) fn shortest(text: &str, groups: &[Range<usize>], digits: usize) -> Option<Grouped> {
    chains(text, groups)
        .find(|count| length(&groups[..*count]) == digits)
        .and_then(|count| whole(text, &groups[..count]))
}

/// All groups that stand together from the first on, when they have so many digits.
pub(super) fn longest(
    text: &str,
    groups: &[Range<usize>],
    digits: &RangeInclusive<usize>,
) -> Option<Grouped> {
    let count = chains(text, groups).last()?;
    digits.contains(&length(&groups[..count])).then(|| whole(text, &groups[..count])).flatten()
}

/// How many groups may be one number.
fn chains(text: &str, groups: &[Range<usize>]) -> impl Iterator<Item = usize> {
    let together = groups
        .windows(2)
        .take(GROUPS_MAX - 1)
        .take_while(|pair| {
            let between = text.get(pair[0].end..pair[1].start).unwrap_or("?");
            between.len() <= 3 && between.bytes().all(|b| matches!(b, b' ' | b'-'))
        })
        .count();
    1..=(1 + together).min(groups.len())
}

fn length(groups: &[Range<usize>]) -> usize {
    groups.iter().map(Range::len).sum()
}

fn whole(text: &str, groups: &[Range<usize>]) -> Option<Grouped> {
    let at = groups.first()?.start..groups.last()?.end;
    let digits = groups.iter().filter_map(|group| text.get(group.clone())).collect();
    let glued =
        text.get(at.end..)?.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '_' | '%'));
    (!glued).then_some(Grouped { at, digits, groups: groups.len() })
}

/// Whether a number begins here, and is not the end of a code, a price or a decimal.
pub(super) fn begins(text: &str, at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    !head.ends_with(|c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '+' | '-' | '_' | '@' | '$' | '€')
    })
}
