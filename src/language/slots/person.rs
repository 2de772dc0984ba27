//! Names of persons: a few words behind one that announces a name. It may not guess where no word does, unless a name was asked for.

use std::ops::Range;

use super::{Found, SlotName, cues, overlaps, words as around};

/// Longest name, in words.
const WORDS_MAX: usize = 4;
/// How much of a name is believed that goes on into other words: a first and a last name.
const UNENDED_WORDS: usize = 2;
/// Longest word of a name, in letters.
const LETTERS_MAX: usize = 24;
/// Most names taken from one message.
const NAMES_MAX: usize = 4;

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
    &["سرکار"],
    &["be", "name"],
    &["be", "esme"],
    &["esmam"],
    &["esme", "man"],
    &["aghaye"],
    &["aqaye"],
    &["khanom"],
    &["khanome"],
    &["khanoom"],
    &["my", "name", "is"],
    &["name", "is"],
    &["mr"],
    &["mrs"],
    &["ms"],
    &["miss"],
    &["on", "behalf", "of"],
];

/// Words that are in no name, so that it ends before them.
const NO_NAME: &[&str] = &[
    "است",
    "هست",
    "هستم",
    "هستش",
    "هستن",
    "ه",
    "ام",
    "بود",
    "و",
    "با",
    "از",
    "به",
    "در",
    "را",
    "رو",
    "که",
    "برای",
    "واسه",
    "تا",
    "هم",
    "یا",
    "این",
    "ان",
    "اون",
    "من",
    "شما",
    "ما",
    "ایشون",
    "زنگ",
    "تماس",
    "گفت",
    "گفتن",
    "خواست",
    "میخواد",
    "میخوام",
    "می",
    "نمی",
    "لطفا",
    "سلام",
    "بله",
    "نه",
    "اره",
    "خیر",
    "چی",
    "کی",
    "کجا",
    "کجاست",
    "چرا",
    "چطور",
    "ثبت",
    "کن",
    "کنید",
    "کنین",
    "بزن",
    "بزنید",
    "بده",
    "بدید",
    "بفرست",
    "بفرستید",
    "شد",
    "شده",
    "نام",
    "اسم",
    "عزیز",
    "محترم",
    "گرامی",
    "نیست",
    "نمیدونم",
    "لغو",
    "بیخیال",
    "مرسی",
    "ممنون",
    "is",
    "are",
    "was",
    "and",
    "or",
    "the",
    "a",
    "an",
    "of",
    "from",
    "with",
    "for",
    "at",
    "in",
    "on",
    "to",
    "i",
    "my",
    "me",
    "we",
    "you",
    "he",
    "she",
    "it",
    "not",
    "no",
    "yes",
    "please",
    "thanks",
    "thank",
    "who",
    "what",
    "where",
    "when",
    "want",
    "wants",
    "would",
    "need",
    "needs",
    "called",
    "asked",
    "said",
    "has",
    "had",
    "can",
    "will",
    "hi",
    "hello",
    "ok",
    "cancel",
    "hastam",
    "ast",
    "hast",
    "e",
    "o",
    "va",
    "az",
    "dar",
    "ro",
    "baraye",
    "salam",
    "lotfan",
    "mikham",
    "mikhad",
    "mige",
    "zang",
    "goft",
    "bale",
    "na",
    "cheshm",
    "number",
    "account",
];

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: bool) -> Vec<Found> {
    let words = around::places(text);
    let mut found: Vec<Found> = Vec::new();
    let mut place = 0;
    while place < words.len() && found.len() < NAMES_MAX {
        let cue = CUES.iter().filter(|cue| said(text, &words[place..], cue)).map(|cue| cue.len()).max();
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
    if found.is_empty() && asked && words.len() <= WORDS_MAX {
        let whole = name(text, &words, taken).filter(|(_, count)| *count == words.len());
        found.extend(
            whole.and_then(|(at, _)| Some(Found::exact(SlotName::Person, text.get(at.clone())?, at))),
        );
    }
    found
}

/// A name as it was written, on one line and without signs that turn the text around.
pub(super) fn written(raw: &str) -> String {
    let plain = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
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
        && !NO_NAME.contains(&word)
        && cues::document(word, "").is_none()
        && !around::names_customer(word)
        && !around::names_phone(word)
}
