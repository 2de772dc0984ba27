//! What a conversation spoke of last, so that "and when is it delivered?" need not name the order again. It is used only where a
//! word points back to it, and only for a while: whoever does not point is asked.

use peyvand::event::{Operation, OperationStatus, OperationUpdated, Slot, SlotName};
use serde::{Deserialize, Serialize};

use super::{form::of_earlier, words::words};

/// How long a word may point back, by the times of the messages.
const POINTS_BACK_MS: i64 = 30 * 60 * 1000;

/// Things of one kind that are kept in mind.
const KEPT_MAX: usize = 4;
/// The kinds of things a word may point back to.
const KINDS: [SlotName; 3] = [SlotName::OrderNumber, SlotName::Product, SlotName::Customer];

/// Something that was spoken of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    slot: Slot,
    at_ms: i64,
    /// Whether there is such a thing at all, as far as is known.
    is_there: bool,
}

/// What was spoken of of late, by the recorded times: it does not matter which of two topics is read first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SpokenOf(Vec<Thing>);

impl SpokenOf {
    /// These were spoken of now.
    pub(super) fn note(&mut self, slots: &[Slot], at_ms: i64) {
        for name in KINDS {
            if let Some(slot) = slots.iter().find(|slot| slot.name == name) {
                self.put(Thing { slot: of_earlier(slot), at_ms, is_there: true });
            }
        }
    }

    /// What came of an operation is spoken of too; says whether that changed anything.
    pub(super) fn learn(&mut self, update: &OperationUpdated, at_ms: i64) -> bool {
        let thing = match (update.operation, update.status) {
            (Operation::SalesOrderCreate, OperationStatus::Done) => update.reference.as_ref().map(|number| {
                Thing { slot: told(SlotName::OrderNumber, number.expose()), at_ms, is_there: true }
            }),
            (Operation::OrderStatus, OperationStatus::Found) => {
                match update.orders.first().map(|order| order.items.as_slice()) {
                    Some([only]) => {
                        Some(Thing { slot: told(SlotName::Product, &only.product), at_ms, is_there: true })
                    }
                    Some(_) | None => None,
                }
            }
            (Operation::OrderStatus | Operation::OrderList, OperationStatus::NotFound) => {
                update.subject.as_ref().map(|number| Thing {
                    slot: told(SlotName::OrderNumber, number.expose()),
                    at_ms,
                    is_there: false,
                })
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
            ) => None,
        };
        let changes = thing.is_some();
        thing.into_iter().for_each(|thing| self.put(thing));
        changes
    }

    /// What the words point back to, when it was spoken of not long ago.
    pub(super) fn meant(&self, name: SlotName, text: &str, now_ms: i64) -> Option<&Slot> {
        let in_reach = |at_ms: i64| (0..=POINTS_BACK_MS).contains(&(now_ms - at_ms));
        let thing = self.0.iter().rev().find(|thing| thing.slot.name == name && in_reach(thing.at_ms))?;
        // "It" is an order or a product; a customer is called one.
        let is_named = name != SlotName::Customer || has_one_of(text, CUSTOMER);
        (thing.is_there && is_named && points_back(text)).then_some(&thing.slot)
    }

    /// Keeps it in the order of the times, the newest of its kind.
    fn put(&mut self, thing: Thing) {
        let name = thing.slot.name;
        let place = self.0.partition_point(|known| known.at_ms <= thing.at_ms);
        self.0.insert(place, thing);
        let of_kind = |known: &&Thing| known.slot.name == name;
        if self.0.iter().filter(of_kind).count() > KEPT_MAX
            && let Some(oldest) = self.0.iter().position(|known| known.slot.name == name)
        {
            let _forgotten = self.0.remove(oldest);
        }
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
