//! Which words stand near a value: what a number means is said by its neighbours.

use std::ops::Range;

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

/// Whether a word names an order, in Persian, English or Finglish, with whatever ending.
pub(super) fn names_order(word: &str) -> bool {
    ["سفارش", "sefares", "order", "ord"].iter().any(|cue| word.starts_with(cue)) && word != "ordinary"
        || word == "so"
}

/// Whether a word announces a number.
pub(super) fn announces_number(word: &str) -> bool {
    word.starts_with("شمار")
        || word.starts_with("shomar")
        || matches!(word, "#" | "number" | "no" | "num" | "nr" | "کد" | "code" | "پیگیری" | "tracking")
        || word.starts_with('#')
}

/// Whether a word speaks of phones, so that the number beside it is none of ours.
pub(super) fn names_phone(word: &str) -> bool {
    ["تلفن", "موبایل", "همراه", "تماس", "phone", "mobile", "cell", "tel"].iter().any(|c| word.starts_with(c))
}

/// Whether a word names a customer, in Persian, English or Finglish, with whatever ending.
pub(super) fn names_customer(word: &str) -> bool {
    ["مشتری", "customer", "moshtari", "client", "account"].iter().any(|cue| word.starts_with(cue))
}

/// Whether a word counts pieces or measures goods.
pub(in crate::language) fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "عدد"
            | "تا"
            | "دونه"
            | "دانه"
            | "کیسه"
            | "پاکت"
            | "تن"
            | "کیلو"
            | "کیلوگرم"
            | "متر"
            | "مترمربع"
            | "متری"
            | "رول"
            | "قوطی"
            | "حلب"
            | "شاخه"
            | "بسته"
            | "کارتن"
            | "جعبه"
            | "لیتر"
            | "ست"
            | "سری"
            | "دستگاه"
            | "adad"
            | "ta"
            | "kise"
            | "kiseh"
            | "paket"
            | "kilo"
            | "metr"
            | "shakhe"
            | "baste"
            | "karton"
            | "piece"
            | "pieces"
            | "pcs"
            | "pc"
            | "bag"
            | "bags"
            | "kg"
            | "kilos"
            | "ton"
            | "tons"
            | "tonnes"
            | "m"
            | "m2"
            | "meter"
            | "meters"
            | "metres"
            | "roll"
            | "rolls"
            | "can"
            | "cans"
            | "box"
            | "boxes"
            | "carton"
            | "cartons"
            | "pack"
            | "packs"
            | "set"
            | "sets"
            | "unit"
            | "units"
            | "litres"
            | "liters"
    )
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
            | "دلار"
            | "یورو"
            | "million"
            | "rial"
            | "rials"
            | "toman"
            | "tomans"
            | "tooman"
            | "irr"
            | "usd"
            | "eur"
            | "dollars"
            | "euros"
            | "$"
            | "€"
    )
}
