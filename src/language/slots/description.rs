//! A description: the whole message, in the person's own words. Nothing is made of it, so it stays as it was written, but for signs
//! that would turn the text around it; one that is too long is none.

use super::{Extracted, SlotName};
use crate::language::bidi;

/// Longest description, in characters: as much as is said back before it is written.
pub const DESCRIPTION_CHARS_MAX: usize = 1000;
/// A shorter one says nothing.
const LETTERS_MIN: usize = 2;

pub(super) fn of(original: &str) -> Option<Extracted> {
    let text = original.trim();
    let start = original.len() - original.trim_start().len();
    let fits = text.chars().count() <= DESCRIPTION_CHARS_MAX
        && text.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS_MIN;
    fits.then(|| Extracted {
        slot: SlotName::Description,
        value: text.chars().filter(|c| *c == '\n' || !c.is_control() && !bidi::is_control(*c)).collect(),
        raw_range: start..start + text.len(),
        exact: true,
        flaw: None,
        choices: Vec::new(),
    })
}
