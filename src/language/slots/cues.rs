//! What the words beside a number call it. The nearest of them counts: in «فاکتور سفارش ۴۵۰۰۱» the number is the order's.

use std::ops::Range;

use super::{SlotName, words};

/// How many words before a number may call it something.
const BEFORE: usize = 4;
/// How many words behind it may.
const AFTER: usize = 2;

/// What the nearest word before a number calls it, and how many words stand between.
pub(super) fn before(text: &str, at: usize) -> Option<(SlotName, usize)> {
    let words: Vec<&str> = words::before(text, at, BEFORE + 1).collect();
    let named = |(place, word): (usize, &&str)| {
        let earlier = words.get(place + 1).copied().unwrap_or_default();
        name(word, earlier).map(|name| (name, place))
    };
    words.iter().take(BEFORE).enumerate().find_map(named)
}

/// What a number is called by the words before it, or else behind it.
pub(super) fn around(text: &str, at: &Range<usize>) -> Option<SlotName> {
    if let Some((name, _)) = before(text, at.start) {
        return Some(name);
    }
    let words: Vec<&str> = words::after(text, at.end, AFTER).collect();
    words.iter().find_map(|word| document(word, "").filter(|_| !is_number(word)))
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn name(word: &str, earlier: &str) -> Option<SlotName> {
    if let Some(document) = document(word, earlier) {
        return Some(document);
    }
    let company = matches!(earlier, "شناسه" | "shenase" | "shenaseh" | "shenaseye");
    // A bank is called «ملی» too.
    let person = matches!(
        earlier,
        "کد" | "شماره" | "کارت" | "code" | "kode" | "kod" | "shomare" | "shomareh" | "kart" | "karte"
    );
    Some(match word {
        "ملی" | "ملیش" | "ملیم" | "meli" | "melli" | "شرکت" | "sherkat" if company => {
            SlotName::LegalId
        }
        "ملی" | "ملیش" | "ملیم" | "meli" | "melli" | "melliam" if person => SlotName::NationalId,
        "کدملی" | "codemelli" | "kodemelli" => SlotName::NationalId,
        "id" | "code" | "number" | "no" | "card" if earlier == "national" => SlotName::NationalId,
        "شناسهملی" | "legal" => SlotName::LegalId,
        "شبا" | "شبام" | "شباش" | "شبای" | "sheba" | "shaba" | "shebam" | "iban" => {
            SlotName::Iban
        }
        "کارت" | "کارتم" | "کارتش" | "کارتت" | "card" | "kart" | "karte" | "kartam" => {
            SlotName::Card
        }
        "account" if earlier == "bank" => return None,
        word if words::names_customer(word) => SlotName::Customer,
        word if words::names_phone(word) => SlotName::Phone,
        _ => return None,
    })
}

/// Which document a word names, in Persian, English or Finglish.
pub(in crate::language) fn document(word: &str, earlier: &str) -> Option<SlotName> {
    let begins = |names: &[&str]| names.iter().any(|name| word.starts_with(name));
    if begins(&["فاکتور", "صورتحساب", "invoice", "faktor", "factor"]) || word == "inv" {
        return Some(SlotName::InvoiceNumber);
    }
    if matches!(word, "حساب" | "حسابم") && earlier == "صورت" {
        return Some(SlotName::InvoiceNumber);
    }
    let in_case = matches!(word, "case" | "cases") && matches!(earlier, "in" | "any" | "that" | "which");
    let ticket = begins(&["تیکت", "ticket", "tiket"])
        || matches!(word, "tck" | "tkt" | "case" | "cases" | "کیس" | "پرونده" | "parvande" | "parvandeh");
    if ticket && !in_case {
        return Some(SlotName::TicketNumber);
    }
    let bought = match word {
        "po" | "pos" => true,
        "خرید" | "خریدم" | "خریدمون" | "kharid" | "kharidam" => words::names_order(earlier),
        _ => words::names_order(word) && matches!(earlier, "purchase" | "purchasing"),
    };
    match () {
        () if bought => Some(SlotName::PurchaseOrderNumber),
        () if words::names_order(word) => Some(SlotName::OrderNumber),
        () => None,
    }
}
