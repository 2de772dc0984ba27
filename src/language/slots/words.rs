//! Which words stand near a value: what a number means is said by its neighbours.

/// The last `count` words before byte `at`, nearest first.
pub(super) fn before(text: &str, at: usize, count: usize) -> impl Iterator<Item = &str> {
    split(text.get(..at).unwrap_or_default()).rev().take(count)
}

/// The first `count` words from byte `at` on.
pub(super) fn after(text: &str, at: usize, count: usize) -> impl Iterator<Item = &str> {
    split(text.get(at..).unwrap_or_default()).take(count)
}

fn split(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '#' | '$' | '€'))).filter(|w| !w.is_empty())
}

/// Whether a word names an order, in Persian, English or Finglish, with whatever ending.
pub(super) fn names_order(word: &str) -> bool {
    ["سفارش", "sefares", "order", "ord"].iter().any(|cue| word.starts_with(cue)) && word != "ordinary"
        || matches!(word, "po" | "so")
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
