//! Amounts of money as people write them: «۲/۵ میلیون تومان», «دو میلیون و نیم», "two and a half million rials", `500k toman`. What
//! may be two amounts is given as both, and an amount that is said to lie between two is none. It may not ask and not choose.

mod counted;
mod number;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;

use rust_decimal::{Decimal, prelude::ToPrimitive};

use self::{
    number::{Meaning, Number, Tokens},
    words::Unit,
};
use super::{
    slots::{cues, words as around},
    tokens::{Token, tokens},
};

pub(super) use self::counted::{Counted, numbers};

/// Most amounts taken from one message.
const AMOUNTS_MAX: usize = 32;
/// Nobody pays more Rials.
const RIALS_MAX: u64 = 1_000_000_000_000_000_000;
/// Tomans below which thousands or millions are meant, however the word is written.
const SPOKEN_BELOW: i64 = 1_000;

/// An amount with its place in the normal text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundAmount {
    pub(super) at: Range<usize>,
    /// In Rials.
    pub(super) rials: Rials,
    pub(super) said: Said,
}

/// How many Rials an amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rials {
    /// So many.
    One(u64),
    /// One of these; the meaning in Tomans first, where one is in Rials.
    Either(u64, u64),
}

/// What makes a number an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Its unit.
    WithUnit,
    /// It has no unit, and is in millions or more.
    InMillions,
    /// Nothing but that it may be one.
    Bare,
}

/// The amounts of a text in normal form, and the numbers that may be some, in the order they are written.
pub(super) fn find(text: &str) -> Vec<FoundAmount> {
    let tokens = split(tokens(text));
    let words = Tokens(&tokens);
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() && found.len() < AMOUNTS_MAX {
        let Some(number) = words.begins(place).then(|| words.number(place)).flatten() else {
            place += 1;
            continue;
        };
        let amount = words.amount(place, &number);
        place = amount.as_ref().map_or(number.next, |(_, next)| *next).max(place + 1);
        found.extend(amount.map(|(amount, _)| amount));
    }
    found
}

/// `هزارتومن` as its two words.
fn split(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut all = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Some((head, tail)) = words::glued(token.text).map(|cut| token.text.split_at(cut)) else {
            all.push(token);
            continue;
        };
        let middle = token.at.start + head.len();
        all.push(Token { text: head, at: token.at.start..middle });
        all.push(Token { text: tail, at: middle..token.at.end });
    }
    all
}

impl Tokens<'_> {
    /// Whether a number may begin here: it is not the end of a longer one, of a code or of a price in another money.
    fn begins(&self, place: usize) -> bool {
        let Some(before) = place.checked_sub(1) else { return true };
        let word = self.word(before);
        if self.is_digits(place) && self.is_digits(before) && self.word(place).len() == 3 {
            // Thousands with a blank between, or two numbers.
            return false;
        }
        if !self.touches(place) || !self.is_digits(place) {
            return !matches!(word, "$" | "€" | "£" | "usd" | "eur" | "aed" | "gbp" | "cny");
        }
        match word {
            "," | "." | ":" | "/" => !before.checked_sub(1).is_some_and(|earlier| self.is_digits(earlier)),
            "(" | ")" | "=" | "~" | "\"" | "«" | "»" | "!" | "?" => true,
            word if word.is_ascii() => words::unit(word).is_some(),
            word => word.starts_with(char::is_alphabetic),
        }
    }

    /// What a number is as an amount, and the place behind its unit.
    fn amount(&self, place: usize, number: &Number) -> Option<(FoundAmount, usize)> {
        if self.is_end_of_a_range(place) || self.is_begin_of_a_range(number.next) {
            return None;
        }
        let before = place.checked_sub(1).and_then(|before| words::unit(self.word(before)));
        let before = before.filter(|_| self.word(place - 1).is_ascii());
        let (unit, begin, next) = match (words::unit(self.word(number.next)), before) {
            (Some(unit), _) => (Some(unit), place, number.next + 1),
            (None, Some(unit)) => (Some(unit), place - 1, number.next),
            (None, None) => (None, place, number.next),
        };
        if unit.is_some() && self.is_begin_of_a_range_of_amounts(next) {
            return None;
        }
        let said = match unit {
            Some(_) => Said::WithUnit,
            None => self.without_unit(number)?,
        };
        let rials = rials(number, unit)?;
        let at = self.0.get(begin)?.at.start..self.0.get(next - 1)?.at.end;
        Some((FoundAmount { at, rials, said }, next))
    }

    /// Whether a number may be an amount though nothing says of what.
    fn without_unit(&self, number: &Number) -> Option<Said> {
        let next = self.word(number.next);
        let joined = self.touches(number.next)
            && (next.starts_with(char::is_alphanumeric) || matches!(next, "%" | "@" | "-" | "/" | "_" | "#"));
        if joined || around::is_unit(next) || around::is_money(next) || matches!(next, "درصد" | "نفر" | "%")
        {
            return None;
        }
        let several = number.scale > 1 && !number.by_letter || matches!(number.meaning, Meaning::Either(..));
        match number.scale {
            1_000_000.. if !number.by_letter => Some(Said::InMillions),
            _ if number.in_digits || several => Some(Said::Bare),
            _ => None,
        }
    }

    fn is_number(&self, place: usize) -> bool {
        self.is_digits(place) || words::small(self.word(place)).is_some()
    }

    /// `۲ تا ۳ میلیون` and «دو سه میلیون»: neither is the amount. Behind «۲ و», a two that may be of millions is part of it.
    fn is_end_of_a_range(&self, place: usize) -> bool {
        if self.is_end_of_a_pair(place) {
            return true;
        }
        let Some(earlier) = place.checked_sub(2) else { return false };
        let joined = self.word(place - 1);
        let of_amount = |place: usize| {
            self.is_number(place)
                || words::scale(self.word(place)).is_some()
                || words::unit(self.word(place)).is_some()
        };
        let short = self.word(earlier).len() <= 2 || !self.is_digits(earlier);
        words::is_up_to(joined) && of_amount(earlier) && !self.leads_elsewhere(earlier, place)
            || words::joins(joined) && self.is_number(earlier) && short
    }

    /// «دو سه», «ده بیست», `2 3`: two numbers with a blank between, the second the larger one. «یه بیست» is about twenty, and in
    /// «تیپ ۲ ۲۰ کیسه» each is something else.
    fn is_end_of_a_pair(&self, place: usize) -> bool {
        let Some(earlier) = place.checked_sub(1).filter(|_| !self.touches(place)) else { return false };
        if self.is_digits(earlier) && self.is_digits(place) {
            let [first, second] = [earlier, place].map(|place| self.word(place));
            let pair = first.parse::<u32>().ok().zip(second.parse::<u32>().ok());
            return !self.is_of_a_kind(earlier)
                && second.len() <= 3
                && pair.is_some_and(|(a, b)| a < b && b / 2 <= a);
        }
        let about = matches!(self.word(earlier), "یه" | "ye");
        let pair = words::small(self.word(earlier)).zip(words::small(self.word(place)));
        !about && pair.is_some_and(|(a, b)| a < b)
    }

    /// Whether the number before a dash or a "to" begins no range: it is a part of a code, or it is called an order or a document and
    /// is no smaller one, as in "change order 45001 to 30 bags".
    fn leads_elsewhere(&self, earlier: usize, place: usize) -> bool {
        if !self.is_digits(earlier) {
            return false;
        }
        let Some(before) = earlier.checked_sub(1).map(|before| self.word(before)) else { return false };
        let called = cues::document(before, "").is_some() || around::announces_number(before);
        let value = |place: usize| self.word(place).parse::<u64>().ok();
        let falls = value(earlier).zip(value(place)).is_some_and(|(a, b)| a > b);
        self.is_of_a_kind(earlier)
            || called && self.word(earlier).len() > 3 && (falls || self.word(place - 1) == "-")
    }

    /// Whether a number is the end of a code, a type or a line of an order.
    fn is_of_a_kind(&self, place: usize) -> bool {
        let kind = place.checked_sub(1).is_some_and(|before| {
            matches!(
                self.word(before),
                "تیپ"
                    | "نوع"
                    | "سایز"
                    | "ردیف"
                    | "قلم"
                    | "type"
                    | "size"
                    | "line"
                    | "item"
                    | "tip"
                    | "noe"
                    | "radif"
            )
        });
        kind || !self.begins(place)
    }

    fn is_begin_of_a_range(&self, next: usize) -> bool {
        words::is_up_to(self.word(next)) && self.is_number(next + 1)
    }

    fn is_begin_of_a_range_of_amounts(&self, next: usize) -> bool {
        let end = self.is_begin_of_a_range(next).then(|| self.number(next + 1)).flatten();
        end.is_some_and(|end| words::unit(self.word(end.next)).is_some())
    }
}

fn rials(number: &Number, unit: Option<Unit>) -> Option<Rials> {
    let ten = Decimal::TEN;
    let thousand = Decimal::from(1_000);
    let (a, b) = match (number.meaning, unit) {
        (Meaning::One(n), Some(Unit::Rial)) => (n, None),
        (Meaning::One(n), Some(Unit::Toman)) if number.scale == 1 && n < SPOKEN_BELOW.into() => {
            // Less than a hundred Tomans buys nothing, and a hundred are hardly a hundred million.
            let least = if n < Decimal::ONE_HUNDRED { n.checked_mul(thousand)? } else { n };
            (least.checked_mul(ten)?, Some(least.checked_mul(thousand)?.checked_mul(ten)?))
        }
        (Meaning::One(n), Some(Unit::Toman)) => (n.checked_mul(ten)?, None),
        (Meaning::One(n), None) => (n.checked_mul(ten)?, Some(n)),
        (Meaning::Either(a, b), Some(Unit::Rial)) => (a, Some(b)),
        (Meaning::Either(a, b), Some(Unit::Toman) | None) => (a.checked_mul(ten)?, Some(b.checked_mul(ten)?)),
    };
    match b {
        None => Some(Rials::One(whole(a)?)),
        Some(b) => Some(Rials::Either(whole(a)?, whole(b)?)),
    }
}

/// A whole number of Rials above zero.
fn whole(number: Decimal) -> Option<u64> {
    let fits = number.is_integer() && number > Decimal::ZERO;
    fits.then(|| number.to_u64()).flatten().filter(|rials| *rials <= RIALS_MAX)
}
