//! What a conversation spoke of last, so that "and when is it delivered?" need not name the order again. It is used only where a
//! word points back to it, and only for a while: whoever does not point is asked.

use peyvand::event::{Operation, OperationStatus, OperationUpdated, Slot, SlotName};
use serde::{Deserialize, Serialize};

use super::{form::of_earlier, words::words};

/// How long a word may point back, by the times of the messages.
const POINTS_BACK_MS: i64 = 30 * 60 * 1000;

/// What was spoken of last: one order, one product, one customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mentioned(Vec<(Slot, i64)>);

impl Mentioned {
    /// These were spoken of now.
    pub(super) fn note(&mut self, slots: &[Slot], now_ms: i64) {
        for name in [SlotName::OrderNumber, SlotName::Product, SlotName::Customer] {
            if let Some(slot) = slots.iter().find(|slot| slot.name == name) {
                let _is_newest = self.put(of_earlier(slot), now_ms);
            }
        }
    }

    /// What came of an operation is spoken of too; says whether that changed anything. What was spoken of later stays, so that
    /// it does not matter which of two topics is read first.
    pub(super) fn learn(&mut self, update: &OperationUpdated, at_ms: i64) -> bool {
        match (update.operation, update.status) {
            (Operation::SalesOrderCreate, OperationStatus::Done) => {
                let number = update.reference.as_ref().map(|number| number.expose());
                number.is_some_and(|number| self.put(told(SlotName::OrderNumber, number), at_ms))
            }
            (Operation::OrderStatus, OperationStatus::Found) => {
                let items = update.orders.first().map(|order| order.items.as_slice());
                let Some([only]) = items else { return false };
                self.put(told(SlotName::Product, &only.product), at_ms)
            }
            (Operation::OrderStatus | Operation::OrderList, OperationStatus::NotFound) => {
                let before = self.0.len();
                let is_it = |slot: &Slot| {
                    slot.name == SlotName::OrderNumber && Some(&slot.value) == update.subject.as_ref()
                };
                self.0.retain(|(slot, _)| !is_it(slot));
                self.0.len() < before
            }
            (
                Operation::OrderStatus
                | Operation::OrderList
                | Operation::StockLevel
                | Operation::SalesOrderCreate
                | Operation::CaseCreate
                | Operation::CallbackRequest,
                OperationStatus::Found
                | OperationStatus::NotFound
                | OperationStatus::Failed
                | OperationStatus::Accepted
                | OperationStatus::Done
                | OperationStatus::Refused
                | OperationStatus::Unknown,
            ) => false,
        }
    }

    /// Keeps it, when nothing of its kind was spoken of later.
    fn put(&mut self, slot: Slot, at_ms: i64) -> bool {
        let is_kind = |known: &Slot| known.name == slot.name;
        if self.0.iter().any(|(known, known_ms)| is_kind(known) && *known_ms > at_ms) {
            return false;
        }
        self.0.retain(|(known, _)| !is_kind(known));
        self.0.push((slot, at_ms));
        true
    }

    /// What the words point back to, when it was spoken of not long ago.
    pub(super) fn meant(&self, name: SlotName, text: &str, now_ms: i64) -> Option<&Slot> {
        let fresh = |at_ms: i64| (0..=POINTS_BACK_MS).contains(&(now_ms - at_ms));
        let (slot, _) = self.0.iter().find(|(slot, at_ms)| slot.name == name && fresh(*at_ms))?;
        // "It" is an order or a product; a customer is called one.
        let is_named = name != SlotName::Customer || has_one_of(text, CUSTOMER);
        (is_named && points_back(text)).then_some(slot)
    }
}

/// A value that a system told.
fn told(name: SlotName, value: &str) -> Slot {
    Slot { name, value: value.to_owned().into(), raw: value.to_owned().into(), start: None, end: None }
}

const CUSTOMER: &[&str] = &["customer", "client", "مشتری", "moshtari"];

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

fn has_one_of(text: &str, known: &[&str]) -> bool {
    words(text).split(' ').any(|word| known.contains(&word))
}

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
