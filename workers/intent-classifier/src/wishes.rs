//! Takes a message apart that says several things: at the ends of its sentences, or at a word that joins two. Parts count only
//! when each of them is surely understood by itself; else the message stays one.

use std::ops::Range;

use peyvand::language::{
    classifier::{Classification, Model},
    normal::normalise,
};

use crate::dialogue::{Part, SWITCH};

/// Fewer words than this are one wish.
const WORDS_LEAST: usize = 5;
/// A longer message is a story and no list of wishes, in bytes.
const BYTES_MAX: usize = 1000;
/// Places that are tried.
const CUTS_MAX: usize = 4;
const ENDS: &[char] = &['.', '?', '!', '؟', '؛', ';', '\n'];
/// Words between two things that are both wanted.
pub(crate) const JOINS: &[&str] =
    &["and", "plus", "also", "then", "و", "همچنین", "بعلاوه", "بعد", "ضمنا", "va", "hamchenin"];

/// The parts of a message, in their order; none when it is one.
pub(crate) fn parts(text: &str, model: &Model) -> Vec<Part> {
    if text.len() > BYTES_MAX || text.split_whitespace().count() < WORDS_LEAST {
        return Vec::new();
    }
    let ends = ends(text);
    let joins = joins(text);
    let all_ends = (!ends.is_empty()).then(|| ends.clone());
    let one_by_one = ends.iter().chain(&joins).map(|cut| vec![cut.clone()]);
    let tries = all_ends.into_iter().chain(one_by_one);
    tries.take(2 * CUTS_MAX).find_map(|cuts| understood(text, &cuts, model)).unwrap_or_default()
}

/// The ends of sentences that something follows.
fn ends(text: &str) -> Vec<Range<usize>> {
    let at = text.char_indices().filter(|(_, c)| ENDS.contains(c)).map(|(at, c)| at..at + c.len_utf8());
    let ended = at.filter(|at| {
        let rest = &text[at.end..];
        let is_end = text[at.clone()] == *"\n" || rest.starts_with(char::is_whitespace);
        is_end && rest.chars().any(char::is_alphanumeric)
    });
    ended.take(CUTS_MAX).collect()
}

/// The words that join what stands before and behind them.
fn joins(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    for word in text.split(char::is_whitespace) {
        let at = from..from + word.len();
        from = at.end + text[at.end..].chars().next().map_or(0, char::len_utf8);
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if JOINS.contains(&bare.as_str()) {
            found.push(at);
        }
    }
    found.truncate(CUTS_MAX);
    found
}

fn understood(text: &str, cuts: &[Range<usize>], model: &Model) -> Option<Vec<Part>> {
    let starts = std::iter::once(0).chain(cuts.iter().map(|cut| cut.end));
    let ends = cuts.iter().map(|cut| cut.start).chain(std::iter::once(text.len()));
    let parts = starts.zip(ends).filter(|(start, end)| text[*start..*end].chars().any(char::is_alphanumeric));
    let parts: Option<Vec<Part>> = parts
        .map(|(start, end)| {
            let meaning = model.classify(&normalise(&text[start..end]));
            is_sure(&meaning).then_some(Part { at: start..end, meaning })
        })
        .collect();
    parts.filter(|parts| parts.len() > 1)
}

fn is_sure(meaning: &Classification) -> bool {
    meaning.in_scope && meaning.ranked.first().is_some_and(|best| best.confidence >= SWITCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_behind_sentences_and_at_joining_words_and_nowhere_else() {
        let cut = |cuts: Vec<Range<usize>>, text: &str| -> Vec<String> {
            cuts.into_iter().map(|at| text[at].to_owned()).collect()
        };
        let text = "سلام! سفارش ۴۵۰۰۱ کجاست؟ موجودی سیمان و گچ چقدره.";
        assert_eq!(cut(ends(text), text), ["!", "؟"]);
        assert_eq!(cut(joins(text), text), ["و"]);
        let text = "2.5 tonnes, and\tthe android App also.";
        assert_eq!(cut(ends(text), text), Vec::<String>::new());
        assert_eq!(cut(joins(text), text), ["and", "also."]);
    }
}
