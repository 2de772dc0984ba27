//! What a conversation spoke of last, so that "and when is it delivered?" need not name the order again. It is used only where a
//! word points back to it, and only for a while: whoever does not point is asked.

use peyvand::event::Slot;
use serde::{Deserialize, Serialize};

use super::consent::words;

/// How long a word may point back, by the times of the messages.
const POINTS_BACK_MS: i64 = 30 * 60 * 1000;

/// An order that was spoken of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mentioned {
    order: Slot,
    at_ms: i64,
}

impl Mentioned {
    pub(super) fn new(order: Slot, at_ms: i64) -> Self {
        Self { order, at_ms }
    }

    /// The order, when the words point back to it and it was spoken of not long ago.
    pub(super) fn meant(&self, text: &str, now_ms: i64) -> Option<&Slot> {
        let fresh = (0..=POINTS_BACK_MS).contains(&(now_ms - self.at_ms));
        (fresh && points_back(text)).then_some(&self.order)
    }
}

/// Words that stand for something named before.
const POINTING: &[&str] = &[
    "it", "its", "it's", "that", "this", "same", "اون", "ان", "این", "همون", "همان", "همین", "اونو", "اینو",
    "oon", "hamoon", "hamun", "hamin",
];
/// Things an order has; with «ش» behind them they are those of what was named before.
const OF_AN_ORDER: &[&str] = &[
    "تحویل",
    "وضعیت",
    "مبلغ",
    "قیمت",
    "فاکتور",
    "جزییات",
    "تاریخ",
    "ارسال",
    "اقلام",
    "موجودی",
    "باقی",
    "بقیه",
    "مشتری",
    "شماره",
    "vaziat",
    "tahvil",
    "mablagh",
    "gheymat",
    "faktor",
    "tarikh",
    "ersal",
];

fn points_back(text: &str) -> bool {
    let said = words(text);
    let words: Vec<&str> = said.split(' ').collect();
    let owned = |word: &str| {
        let bare =
            word.strip_suffix("ش").or_else(|| word.strip_suffix("esh")).or_else(|| word.strip_suffix("ash"));
        bare.is_some_and(|bare| OF_AN_ORDER.contains(&bare))
    };
    let apart = words.windows(2).any(|pair| pair[1] == "ش" && OF_AN_ORDER.contains(&pair[0]));
    apart || words.iter().any(|word| POINTING.contains(word) || owned(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_point_back_are_known_in_both_languages() {
        for text in [
            "and when is it delivered?",
            "What about its amount?",
            "تحویلش کی هست؟",
            "وضعیت‌ش چیه؟",
            "همون کی می‌رسه؟",
            "مبلغ آن چقدر است؟",
            "vaziatesh chie",
        ] {
            assert!(points_back(text), "{text}");
        }
        for text in ["where is my order?", "سفارش من کجاست؟", "سفارشم کی می‌رسه؟", "", "آتش", "order status"]
        {
            assert!(!points_back(text), "{text}");
        }
    }
}
