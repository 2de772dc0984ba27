//! A description: the whole message, in the person's own words. Nothing is made of it, so it stays as it was written.

use super::{Extracted, SlotKind};

/// Longest description, in characters.
const CHARS_MAX: usize = 2000;
/// A shorter one says nothing.
const LETTERS_MIN: usize = 2;

pub(super) fn of(original: &str) -> Option<Extracted> {
    let start = original.len() - original.trim_start().len();
    let text = original.trim();
    let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end)?;
    (text.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS_MIN).then(|| Extracted {
        slot: SlotKind::Description,
        value: text.chars().filter(|c| !c.is_control() || *c == '\n').collect(),
        raw_range: start..start + end,
        exact: true,
    })
}
