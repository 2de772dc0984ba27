//! What is said in several short messages, one right after the other, is one turn: "45001", "where is", "it now". Only what means
//! nothing by itself waits, so that whoever is understood is answered at once. The recorded times of the messages decide.

use std::time::Duration;

use peyvand::{event::EventId, privacy::Sensitive};
use serde::{Deserialize, Serialize};

use crate::received::Message;

/// How soon the next message has to follow.
pub(crate) const FOLLOWS_WITHIN: Duration = Duration::from_millis(1500);
/// A part has so many words at most, and so many bytes.
const PART_WORDS_MAX: usize = 3;
const PART_BYTES_MAX: usize = 100;
/// So many messages at most are one turn, with the one that ends it one more.
const PARTS_MAX: usize = 7;
/// What is longer together is no burst, in bytes.
const BEGUN_BYTES_MAX: usize = 400;

/// What was said so far of a turn that goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    text: Sensitive<String>,
    parts: Vec<EventId>,
    /// When the last of them was said.
    at_ms: i64,
}

impl Begun {
    /// With one more part.
    pub(crate) fn and(mut self, message: Message<'_>) -> Self {
        self.text = self.before(message.text()).into();
        self.parts.push(message.id);
        self.at_ms = message.occurred_at_ms;
        self
    }

    /// The same, when a message of this time goes on with it.
    pub(crate) fn until(&self, now_ms: i64) -> Option<&Self> {
        (!self.parts.is_empty() && follows(self.at_ms, now_ms)).then_some(self)
    }

    /// The messages that are parts so far.
    pub(crate) fn parts(&self) -> &[EventId] {
        &self.parts
    }

    /// The whole text of a turn that this message ends.
    pub(crate) fn before(&self, text: &str) -> String {
        if self.parts.is_empty() { text.to_owned() } else { format!("{} {text}", self.text.expose()) }
    }

    /// Where the last message begins in the whole text, in bytes.
    pub(crate) fn len(&self) -> usize {
        if self.parts.is_empty() { 0 } else { self.text.expose().len() + 1 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.text.expose().len() >= BEGUN_BYTES_MAX || self.parts.len() >= PARTS_MAX
    }
}

/// Whether a message is short enough to be a part, and ends like one.
pub(crate) fn may_be_part(text: &str) -> bool {
    text.len() <= PART_BYTES_MAX
        && text.split_whitespace().count() <= PART_WORDS_MAX
        && !text.trim_end().ends_with(['.', '?', '!', '؟'])
        && text.chars().any(char::is_alphanumeric)
}

/// Whether a message follows another one as closely as parts do, by their recorded times.
pub(crate) fn follows(first_ms: i64, next_ms: i64) -> bool {
    let after = u64::try_from(next_ms.saturating_sub(first_ms));
    after.is_ok_and(|ms| Duration::from_millis(ms) <= FOLLOWS_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_short_and_not_ended_may_be_a_part() {
        for part in ["45001", "where is", "سفارش ۴۵۰۰۱", "my order 45001"] {
            assert!(may_be_part(part), "{part}");
        }
        for whole in ["where is it?", "order 45001.", "", "👍", "where is my order 45001", &"x".repeat(200)]
        {
            assert!(!may_be_part(whole), "{whole}");
        }
    }

    #[test]
    fn what_comes_before_or_much_later_does_not_follow() {
        assert_eq!(
            [0, 1500, 1501, -1].map(|after| follows(10_000, 10_000 + after)),
            [true, true, false, false]
        );
        assert!(!follows(i64::MAX, i64::MIN) && !follows(i64::MIN, i64::MAX));
    }
}
