//! Numbers of things: read as amounts are, but with no money behind them. A number that is only one end of a range, or that may be
//! a part of a longer one, is none. It may not say what is counted.

use std::ops::Range;

use rust_decimal::Decimal;

use super::{
    number::{Meaning, Number, Tokens},
    split,
};
use crate::language::tokens::tokens;

/// Most numbers taken from one message.
const NUMBERS_MAX: usize = 128;
/// What looks like a decimal and is a fraction to others.
const FRACTIONS: &[&str] = &["1/2", "1/3", "2/3", "1/4", "3/4"];

/// A number with its place in the normal text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::language) struct Counted {
    pub(in crate::language) at: Range<usize>,
    pub(in crate::language) value: Decimal,
    /// Whether it is written in digits, at least at its beginning.
    pub(in crate::language) in_digits: bool,
}

/// The numbers above zero that stand alone, in the order they are written.
pub(in crate::language) fn numbers(text: &str) -> Vec<Counted> {
    let tokens = split(tokens(text));
    let words = Tokens(&tokens);
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() && found.len() < NUMBERS_MAX {
        let Some(number) = words.begins(place).then(|| words.of_things(place)).flatten() else {
            place += 1;
            continue;
        };
        let next = number.next.max(place + 1);
        let at = tokens[place].at.start..tokens[next - 1].at.end;
        let written = text.get(at.clone()).unwrap_or_default();
        if let Meaning::One(value) = number.meaning
            && value > Decimal::ZERO
            && words.is_alone(place, next)
            && !FRACTIONS.contains(&written)
        {
            found.push(Counted { at, value: value.normalize(), in_digits: number.in_digits });
        }
        place = next;
    }
    found
}

impl Tokens<'_> {
    /// `5m` are metres and no millions; a decimal with three places is one, for nobody writes bags in thousands and a point.
    fn of_things(&self, place: usize) -> Option<Number> {
        let Some(number) = self.number(place) else { return self.with_three_decimals(place) };
        if number.by_letter && number.scale > 1_000 {
            let value = self.word(place).parse().ok()?;
            let alone = number.next == place + 2;
            return alone.then_some(Number {
                meaning: Meaning::One(value),
                next: place + 1,
                scale: 1,
                by_letter: false,
                ..number
            });
        }
        Some(number)
    }

    fn with_three_decimals(&self, place: usize) -> Option<Number> {
        let joined = self.is_digits(place)
            && self.word(place + 1) == "."
            && (1..=2).all(|behind| self.touches(place + behind))
            && self.word(place + 2).len() == 3
            && !(self.touches(place + 3) && matches!(self.word(place + 3), "." | "/" | ","));
        let short = self.word(place).len() <= 6;
        let written = (joined && short).then(|| format!("{}.{}", self.word(place), self.word(place + 2)))?;
        let value = written.parse().ok()?;
        Some(Number {
            meaning: Meaning::One(value),
            next: place + 3,
            scale: 1,
            by_letter: false,
            in_digits: true,
        })
    }

    /// Whether a number is neither an end of a range nor a part of something longer.
    fn is_alone(&self, place: usize, next: usize) -> bool {
        let joined_behind = self.touches(next)
            && match self.word(next) {
                "-" | "/" | "%" | "@" | "_" | "#" | ":" => true,
                "," | "." => self.touches(next + 1) && self.is_digits(next + 1),
                _ => self.is_digits(next),
            };
        let ordinal = self.touches(next) && matches!(self.word(next), "st" | "nd" | "rd" | "th");
        !joined_behind
            && !ordinal
            && !self.is_end_of_numbers(place)
            && !self.is_begin_of_a_range(next)
            && !self.is_digits(next)
            && !self.is_number(next)
    }

    /// `2 to 3`, `2 - 3`, and «دو سه» without a word between.
    fn is_end_of_numbers(&self, place: usize) -> bool {
        let joined = place >= 2
            && super::words::is_up_to(self.word(place - 1))
            && self.is_number(place - 2)
            && !self.leads_elsewhere(place - 2, place);
        joined || self.is_end_of_a_pair(place)
    }
}
