//! Amounts of money, in Rials. A number without a unit is one where the words or the question say so, and is asked about then.

use std::ops::Range;

use super::{Flaw, Found, SlotName, cues, overlaps, words};
use crate::language::money::{self, FoundAmount, Rials, Said};

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: bool) -> Vec<Found> {
    let mut amounts = money::find(text);
    amounts.retain(|amount| !overlaps(&amount.at, taken));
    let said = |amount: &FoundAmount| match amount.said {
        Said::WithUnit => true,
        Said::InMillions => cues::around(text, &amount.at).is_none(),
        Said::Bare => is_called_so(text, amount.at.start) && !is_year_of_a_budget(text, &amount.at),
    };
    let (mut chosen, others): (Vec<FoundAmount>, Vec<FoundAmount>) = amounts.into_iter().partition(said);
    if asked && chosen.is_empty() {
        let bare: Vec<FoundAmount> = others.into_iter().filter(|amount| answers(text, &amount.at)).collect();
        // Of several nobody knows which is the amount.
        if bare.len() == 1 {
            chosen = bare;
        }
    }
    chosen.into_iter().map(|amount| slot(amount.rials, amount.at)).collect()
}

fn slot(rials: Rials, at: Range<usize>) -> Found {
    match rials {
        Rials::One(rials) => Found::exact(SlotName::Amount, &rials.to_string(), at),
        Rials::Either(first, second) => {
            let choices = vec![first.to_string(), second.to_string()];
            let found = Found::exact(SlotName::Amount, &choices[0], at);
            Found { exact: false, flaw: Some(Flaw::WhichUnit), choices, ..found }
        }
    }
}

/// Whether a number may be the answer to how much: nothing else is said of it, and it is no phone number.
fn answers(text: &str, at: &Range<usize>) -> bool {
    !text[at.clone()].starts_with('0') && cues::around(text, at).is_none()
}

/// Whether the word before a number says that it is an amount.
fn is_called_so(text: &str, at: usize) -> bool {
    const AMOUNT: &[&str] = &["مبلغ", "مبلغش", "بودجه", "بودجم", "mablagh", "mablaghe", "amount", "budget"];
    const SMALL: &[&str] = &["of", "is", "حدود", "about", "به", "تا", "hodood", "=", "حدودا"];
    let mut before = words::before(text, at, 2);
    match before.next() {
        Some(word) if SMALL.contains(&word) => before.next().is_some_and(|word| AMOUNT.contains(&word)),
        Some(word) => AMOUNT.contains(&word),
        None => false,
    }
}

/// "budget 2026" is what may be spent in that year.
fn is_year_of_a_budget(text: &str, at: &Range<usize>) -> bool {
    let year = text.get(at.clone()).and_then(|digits| digits.parse().ok());
    let budget = |word: &str| matches!(word, "بودجه" | "بودجم" | "budget" | "boodje");
    matches!(year, Some(1300..=1500 | 1900..=2100)) && words::before(text, at.start, 2).any(budget)
}
