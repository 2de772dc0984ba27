//! Names of persons: a few words behind one that announces a name. It may not guess where no word does, unless a name was asked for.

use std::ops::Range;

use super::{Found, SlotName, cues, nameless, overlaps, words as around};
use crate::language::bidi;

/// Longest name, in words.
const WORDS_MAX: usize = 4;
/// How much of a name is believed that goes on into other words: a first and a last name.
const UNENDED_WORDS: usize = 2;
/// Longest word of a name, in letters.
const LETTERS_MAX: usize = 24;
/// Most names taken from one message.
pub(super) const NAMES_MAX: usize = 4;

/// Words behind which a name stands.
const CUES: &[&[&str]] = &[
    &["به", "نام"],
    &["به", "اسم"],
    &["نام", "و", "نام", "خانوادگی"],
    &["نام", "من"],
    &["اسم", "من"],
    &["نامم"],
    &["اسمم"],
    &["اقای"],
    &["خانم"],
    &["خانوم"],
    &["جناب"],
    &["be", "name"],
    &["be", "esme"],
    &["esmam"],
    &["esme", "man"],
    &["aghaye"],
    &["aqaye"],
    &["khanom"],
    &["khanome"],
    &["khanoom"],
    &["name", "is"],
    &["mr"],
    &["mrs"],
    &["ms"],
    &["miss"],
    &["on", "behalf", "of"],
];

/// Words before `name is` that say whose name it is; a product's is no person's.
const OF_A_PERSON: &[&str] =
    &["my", "his", "her", "the", "full", "first", "last", "contact", "customer", "and", "hello", "hi"];
/// Behind one of these, `miss` is a verb.
const DOERS: &[&str] = &[
    "i", "you", "we", "they", "he", "she", "to", "not", "t", "d", "ll", "will", "would", "never", "dont",
    "might", "may", "can", "could", "and", "or",
];
/// How an answer with a name may begin: with who it is, and a greeting before that. A greeting alone announces none.
const SELF: &[&[&str]] = &[
    &["من"],
    &["بنده"],
    &["اینجانب"],
    &["man"],
    &["it", "s"],
    &["its"],
    &["it", "is"],
    &["i", "m"],
    &["im"],
    &["i", "am"],
    &["this", "is"],
];
const GREETINGS: &[&str] = &["سلام", "بله", "hi", "hello", "salam", "yes"];
/// How it may end.
const ENDS: &[&str] = &["هستم", "هستش", "است", "ام", "hastam", "ast", "here", "speaking"];

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: bool, most: usize) -> Vec<Found> {
    let words = around::places(text);
    let mut found: Vec<Found> = Vec::new();
    let mut place = 0;
    while place < words.len() && found.len() < most {
        let before = place.checked_sub(1).and_then(|before| text.get(words[before].clone()));
        let cues = CUES.iter().filter(|cue| said(text, &words[place..], cue) && announces(cue, before));
        let cue = cues.map(|cue| cue.len()).max();
        let name =
            cue.and_then(|cue| name(text, &words[place + cue..], taken).map(|(at, count)| (at, cue + count)));
        match name {
            Some((at, count)) => {
                found.extend(text.get(at.clone()).map(|value| Found::exact(SlotName::Person, value, at)));
                place += count;
            }
            None => place += 1,
        }
    }
    if found.is_empty() && asked {
        found.extend(answer(text, &words, taken));
    }
    found
}

/// The name that a message is, but for the words around that say so.
fn answer(text: &str, words: &[Range<usize>], taken: &[Range<usize>]) -> Option<Found> {
    let greeted = |at: &Range<usize>| text.get(at.clone()).is_some_and(|word| GREETINGS.contains(&word));
    let behind = words.get(words.iter().take_while(|at| greeted(at)).count()..)?;
    let announced = SELF.iter().find(|begin| said(text, behind, begin));
    let mut rest = announced.map_or(Some(words), |begin| behind.get(begin.len()..))?;
    while let Some((last, others)) = rest.split_last()
        && text.get(last.clone()).is_some_and(|word| ENDS.contains(&word))
    {
        rest = others;
    }
    if rest.is_empty() || rest.len() > WORDS_MAX {
        return None;
    }
    let (at, count) = name(text, rest, taken)?;
    let value = text.get(at.clone()).filter(|_| count == rest.len())?;
    Some(Found::exact(SlotName::Person, value, at))
}

/// Whether words announce a name where they stand.
fn announces(cue: &[&str], before: Option<&str>) -> bool {
    match cue {
        ["name", "is"] => before.is_none_or(|before| OF_A_PERSON.contains(&before)),
        ["miss"] => before.is_none_or(|before| !DOERS.contains(&before)),
        ["ms"] => before.is_none_or(|before| !before.starts_with(|c: char| c.is_ascii_digit())),
        _ => true,
    }
}

/// A name as it was written, on one line and without signs that turn the text around.
pub(super) fn written(raw: &str) -> String {
    let plain = |c: &char| !c.is_control() && !bidi::is_control(*c);
    raw.split_whitespace().map(|word| word.chars().filter(plain).collect()).collect::<Vec<String>>().join(" ")
}

fn said(text: &str, words: &[Range<usize>], cue: &[&str]) -> bool {
    words.len() >= cue.len() && cue.iter().zip(words).all(|(cue, at)| text.get(at.clone()) == Some(*cue))
}

/// The name that begins with the first of some words, and how many of them it is.
fn name(text: &str, words: &[Range<usize>], taken: &[Range<usize>]) -> Option<(Range<usize>, usize)> {
    let mut count = 0;
    let mut ended = false;
    for (place, at) in words.iter().enumerate().take(WORDS_MAX + 1) {
        let between = match place.checked_sub(1).and_then(|before| words.get(before)) {
            Some(before) => text.get(before.end..at.start)?,
            None => "",
        };
        ended = between.chars().any(|c| !c.is_whitespace() && !matches!(c, '-' | '\'' | '’'))
            || !(may_be_of_a_name(text.get(at.clone())?) || is_o_of_o_neil(text, at))
            || overlaps(at, taken);
        if ended || place == WORDS_MAX {
            break;
        }
        count = place + 1;
    }
    let ended = ended || count == words.len();
    let count = if ended { count } else { count.min(UNENDED_WORDS) };
    Some((words.first()?.start..words.get(count.checked_sub(1)?)?.end, count))
}

fn is_o_of_o_neil(text: &str, at: &Range<usize>) -> bool {
    matches!(text.get(at.clone()), Some("o" | "d")) && text[at.end..].starts_with(['\'', '’'])
}

fn may_be_of_a_name(word: &str) -> bool {
    let letters = word.chars().count();
    letters <= LETTERS_MAX
        && word.chars().all(char::is_alphabetic)
        && (letters > 1 || word.is_ascii())
        && !nameless::is(word)
        && cues::document(word, "").is_none()
        && !around::names_customer(word)
        && !around::names_phone(word)
}
