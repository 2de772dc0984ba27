//! Which words stand near a value: what a number means is said by its neighbours.

use std::ops::Range;

pub(in crate::language) use super::units::is_unit;

/// How far a neighbour is looked for, in bytes: a word as long as the message must not be read again for each number in it.
const NEAR_BYTES: usize = 160;

/// The last `count` words before byte `at`, nearest first.
pub(super) fn before(text: &str, at: usize, count: usize) -> impl Iterator<Item = &str> {
    split(near_before(text, at)).rev().take(count)
}

/// The first `count` words from byte `at` on.
pub(super) fn after(text: &str, at: usize, count: usize) -> impl Iterator<Item = &str> {
    split(near_after(text, at)).take(count)
}

/// The text just before byte `at`.
pub(super) fn near_before(text: &str, at: usize) -> &str {
    text.get(text.ceil_char_boundary(at.saturating_sub(NEAR_BYTES))..at).unwrap_or_default()
}

/// The text just behind byte `at`.
pub(super) fn near_after(text: &str, at: usize) -> &str {
    text.get(at..text.floor_char_boundary(at.saturating_add(NEAR_BYTES))).unwrap_or_default()
}

fn split(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '#' | '$' | '€'))).filter(|w| !w.is_empty())
}

/// The words of a text with their places.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        match words.last_mut() {
            Some(last) if last.end == at => last.end += c.len_utf8(),
            _ => words.push(at..at + c.len_utf8()),
        }
    }
    words
}

/// Whether a word stands between the two ends of a range, or between two choices.
pub(super) fn lies_between(word: &str) -> bool {
    matches!(word, "or" | "to" | "یا" | "تا" | "الی" | "ya" | "ta")
}

/// Whether a word joins two things, so that no name begins or ends with it.
pub(super) fn joins(word: &str) -> bool {
    matches!(word, "and" | "or" | "و" | "یا" | "va" | "ya")
}

/// Whether a word names an order, in Persian, English or Finglish, with whatever ending.
pub(super) fn names_order(word: &str) -> bool {
    ["سفارش", "sefares", "order", "ord"].iter().any(|cue| word.starts_with(cue)) && word != "ordinary"
        || word == "so"
}

/// Whether a word announces a number.
pub(in crate::language) fn announces_number(word: &str) -> bool {
    word.starts_with("شمار")
        || word.starts_with("shomar")
        || matches!(word, "#" | "number" | "no" | "num" | "nr" | "کد" | "code" | "پیگیری" | "tracking")
        || word.starts_with('#')
}

/// Whether a word speaks of phones, so that the number beside it is none of ours.
pub(super) fn names_phone(word: &str) -> bool {
    let whole = matches!(
        word,
        "همراه"
            | "همراهم"
            | "همراهت"
            | "همراهش"
            | "تماس"
            | "تماسم"
            | "phone"
            | "phones"
            | "cell"
            | "cellphone"
            | "tel"
            | "hamrah"
            | "hamraham"
            | "hamrahe"
            | "tamas"
    );
    whole
        || ["تلفن", "موبایل", "telefon", "telephone", "mobile", "mobil"]
            .iter()
            .any(|cue| word.starts_with(cue))
}

/// Whether the nearest word that says whose number this is speaks of an account at a bank.
pub(super) fn is_of_a_bank(text: &str, at: usize) -> bool {
    let words: Vec<&str> = before(text, at, 5).collect();
    let says = |(place, word): (usize, &&str)| {
        let earlier = words.get(place + 1).copied().unwrap_or_default();
        match *word {
            "حساب" | "حسابم" | "حسابش" | "hesab" | "hesabe" => {
                Some(!matches!(earlier, "صورت" | "soorat" | "surat"))
            }
            "account" => Some(earlier == "bank"),
            word => (names_order(word) || names_phone(word) || names_customer(word)).then_some(false),
        }
    };
    words.iter().take(4).enumerate().find_map(says).unwrap_or(false)
}

/// Whether a word names a customer, in Persian, English or Finglish, with whatever ending.
pub(super) fn names_customer(word: &str) -> bool {
    ["مشتری", "customer", "moshtari", "client", "account"].iter().any(|cue| word.starts_with(cue))
}

/// Whether a word makes the number before it an amount.
pub(in crate::language) fn is_money(word: &str) -> bool {
    matches!(
        word,
        "ریال"
            | "تومان"
            | "تومن"
            | "هزار"
            | "میلیون"
            | "میلیارد"
            | "million"
            | "rial"
            | "rials"
            | "toman"
            | "tomans"
            | "tooman"
            | "irr"
    ) || is_other_money(word)
}

/// Whether a word is money that is not Rials.
fn is_other_money(word: &str) -> bool {
    matches!(
        word,
        "دلار"
            | "یورو"
            | "درهم"
            | "لیر"
            | "لیره"
            | "پوند"
            | "یوان"
            | "دینار"
            | "روبل"
            | "usd"
            | "eur"
            | "aed"
            | "gbp"
            | "cny"
            | "dollar"
            | "dollars"
            | "euro"
            | "euros"
            | "dirham"
            | "dirhams"
            | "derham"
            | "lira"
            | "liras"
            | "lir"
            | "pound"
            | "pounds"
            | "pond"
            | "yuan"
            | "yuans"
            | "$"
            | "€"
            | "£"
            | "¥"
    )
}
