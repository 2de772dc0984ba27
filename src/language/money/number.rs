//! Numbers in front of a unit: digits with their separators, words, thousands and millions, halves.

use rust_decimal::Decimal;

use super::words;
use crate::language::tokens::Token;

/// Longest number in digits, without its separators.
const DIGITS_MAX: usize = 15;
/// A number is said in at most so many parts: so much million, so much thousand and the rest.
const PARTS_MAX: usize = 6;

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    One(Decimal),
    /// Thousands that nobody named, as in «دو و پانصد»: one of these.
    Either(Decimal, Decimal),
}

/// A number and the place behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) meaning: Meaning,
    pub(super) next: usize,
    /// What it was multiplied with last: a thousand, a million.
    pub(super) scale: u64,
    /// Whether that was a letter, which may be a metre as well.
    pub(super) by_letter: bool,
    /// Whether it is written in digits.
    pub(super) in_digits: bool,
}

/// What was read so far, and the place behind it.
type Read<T> = Option<(T, usize)>;

pub(super) struct Tokens<'a>(pub(super) &'a [Token<'a>]);

impl<'a> Tokens<'a> {
    pub(super) fn word(&self, place: usize) -> &'a str {
        self.0.get(place).map_or("", |token| token.text)
    }

    /// Whether no space stands before a token.
    pub(super) fn touches(&self, place: usize) -> bool {
        let end = place.checked_sub(1).and_then(|before| self.0.get(before)).map(|token| token.at.end);
        end.is_some() && end == self.0.get(place).map(|token| token.at.start)
    }

    pub(super) fn is_digits(&self, place: usize) -> bool {
        self.word(place).starts_with(|c: char| c.is_ascii_digit())
    }

    /// The number at a place, the longest there is.
    pub(super) fn number(&self, place: usize) -> Option<Number> {
        let in_digits = self.is_digits(place);
        let (term, next) = self.term(place, place)?;
        let (mut scale, by_letter, mut next) = self.scales(next);
        let mut sum = term.checked_mul(scale.into())?;
        let largest = scale;
        let mut meaning = None;
        for _ in 1..PARTS_MAX {
            let and = self.word(next);
            let begin = next + usize::from(words::joins(and));
            if begin > next
                && scale > 1
                && self.half(begin).is_some_and(|(_, behind)| self.scales(behind).0 == 1)
            {
                // «دو میلیون و نیم»
                sum = sum.checked_add(Decimal::from(scale / 2))?;
                next = self.half(begin)?.1;
                break;
            }
            let Some((term, behind)) = self.term(begin, place) else { break };
            let (part, _, behind) = self.scales(behind);
            let hundreds = part == 1 && (Decimal::from(100)..Decimal::from(1000)).contains(&term);
            if hundreds && words::is_spoken_and(and) && scale != 1_000 {
                meaning = unnamed(sum, scale, term);
                next = if meaning.is_some() { behind } else { next };
                break;
            }
            if part >= scale {
                break;
            }
            sum = sum.checked_add(term.checked_mul(part.into())?)?;
            (scale, next) = (part, behind);
        }
        let meaning = meaning.unwrap_or(Meaning::One(sum));
        Some(Number { meaning, next, scale: largest, by_letter, in_digits })
    }

    /// A number before its thousands or millions: digits, words below a thousand, a half, or a thousand that is one without
    /// saying so.
    fn term(&self, place: usize, first: usize) -> Read<Decimal> {
        if let Some(half) = self.half(place).filter(|(_, next)| words::scale(self.word(*next)).is_some()) {
            return Some(half);
        }
        let (term, next) = match self.is_digits(place) {
            true => self.digits(place)?,
            false => match self.below_thousand(place) {
                Some((number, next)) => (number.into(), next),
                None => return self.one_thousand(place, first),
            },
        };
        // «دو و نیم», "two and a half"
        match words::joins(self.word(next)).then(|| self.half(next + 1)).flatten() {
            Some((half, next)) => Some((term.checked_add(half)?, next)),
            None => Some((term, next)),
        }
    }

    fn half(&self, place: usize) -> Read<Decimal> {
        let skipped = |place: usize| place + usize::from(matches!(self.word(place), "a" | "an"));
        let half = skipped(place);
        words::is_half(self.word(half)).then(|| (Decimal::new(5, 1), skipped(half + 1)))
    }

    fn one_thousand(&self, place: usize, first: usize) -> Read<Decimal> {
        let counted = place == first
            && place.checked_sub(1).is_some_and(|before| {
                words::is_some(self.word(before))
                    || words::is_up_to(self.word(before))
                    || self.is_digits(before)
            });
        let thousand =
            words::scale(self.word(place)) == Some(1_000) && !self.word(place).starts_with("thousand");
        (thousand && !counted).then_some((Decimal::ONE, place))
    }

    /// Thousands, millions, thousands of millions; by how much, whether by a letter, and the place behind them.
    fn scales(&self, place: usize) -> (u64, bool, usize) {
        if let Some(scale) = words::scale_letter(self.word(place)).filter(|_| self.touches(place)) {
            return (scale, true, place + 1);
        }
        let Some(scale) = words::scale(self.word(place)) else { return (1, false, place) };
        match words::scale(self.word(place + 1)) {
            Some(more) if scale == 1_000 && more > 1_000 => (scale.saturating_mul(more), false, place + 2),
            Some(_) | None => (scale, false, place + 1),
        }
    }

    /// `صد و بیست و پنج`, `twenty-five`, `two hundred and five`.
    fn below_thousand(&self, place: usize) -> Read<u32> {
        let (mut sum, mut next, mut room) = (0, place, 1_000);
        while room > 1 {
            let joined = sum > 0 && (words::joins(self.word(next)) || self.word(next) == "-");
            let begin = next + usize::from(joined);
            let hundred = |place: usize| matches!(self.word(place), "hundred" | "hundreds");
            let one = matches!(self.word(begin), "a" | "an")
                && (hundred(begin + 1) || words::scale(self.word(begin + 1)).is_some());
            let Some(small) = one.then_some(1).or_else(|| words::small(self.word(begin))) else { break };
            let (part, behind) = match hundred(begin + 1) && small < 10 {
                true => (100 * small, begin + 2),
                false => (small, begin + 1),
            };
            if part >= room {
                break;
            }
            (sum, next) = (sum + part, behind);
            room = match part {
                100.. => 100,
                20.. => 10,
                _ => 1,
            };
        }
        (sum > 0).then_some((sum, next))
    }

    /// `12,500,000`, `2.5`, `2/5`, `3/500/000`. A single group of three behind a point may be thousands or decimals: such
    /// a number says nothing, unless millions follow, of which there are no thousands.
    fn digits(&self, place: usize) -> Read<Decimal> {
        if let Some(spaced) = self.spaced(place) {
            return Some(spaced);
        }
        let part = |place: usize| {
            let joined = self.touches(place) && self.touches(place + 1) && self.is_digits(place + 1);
            let sign = self.word(place);
            (joined && matches!(sign, "," | "." | "/")).then(|| (sign, self.word(place + 1)))
        };
        let (mut whole, mut next) = (self.word(place).to_owned(), place + 1);
        let mut behind: Vec<(&str, &str)> = Vec::new();
        while let Some(one) = part(next) {
            if whole.len() > DIGITS_MAX || behind.len() > DIGITS_MAX {
                return None;
            }
            behind.push(one);
            next += 2;
        }
        let decimals = match behind.last() {
            Some((sign @ ("." | "/"), digits)) if behind.iter().all(|(s, _)| s == sign) => {
                let groups = behind.len() > 1;
                let scaled = words::scale(self.word(next)).is_some();
                if !groups && digits.len() == 3 && !scaled {
                    return None;
                }
                if groups { None } else { behind.pop() }
            }
            Some(("." | "/", _)) => behind.pop(),
            Some(_) | None => None,
        };
        let grouped = behind.iter().all(|(sign, digits)| digits.len() == 3 && *sign == behind[0].0);
        if !grouped || (!behind.is_empty() && whole.len() > 3) {
            return None;
        }
        whole.extend(behind.iter().map(|(_, digits)| *digits));
        let decimals = decimals.map_or("0", |(_, digits)| digits);
        let fits = whole.len() <= DIGITS_MAX && decimals.len() <= 6;
        let number = if fits { format!("{whole}.{decimals}").parse().ok()? } else { return None };
        Some((number, next))
    }

    /// `2 500 000`, where money is counted: a single group behind a blank may be another number.
    fn spaced(&self, place: usize) -> Read<Decimal> {
        let groups = (place + 1..)
            .take(DIGITS_MAX / 3)
            .take_while(|at| self.is_digits(*at) && self.word(*at).len() == 3 && !self.touches(*at))
            .count();
        let next = place + 1 + groups;
        let fits = groups >= 2 && self.word(place).len() <= 3 && words::unit(self.word(next)).is_some();
        let digits = || (place..next).map(|at| self.word(at)).collect::<String>();
        fits.then(|| digits().parse().ok()).flatten().map(|number| (number, next))
    }
}

/// «دو و پانصد» is two and a half thousand or million; «یک میلیون و پانصد» is likelier half a million more than five hundred.
fn unnamed(sum: Decimal, scale: u64, hundreds: Decimal) -> Option<Meaning> {
    let thousand = Decimal::from(1_000);
    if scale == 1 {
        let said = sum.checked_mul(thousand)?.checked_add(hundreds)?;
        return (sum < Decimal::from(100)).then_some(Meaning::Either(said, said.checked_mul(thousand)?));
    }
    let more = hundreds.checked_mul(Decimal::from(scale / 1_000))?;
    Some(Meaning::Either(sum.checked_add(more)?, sum.checked_add(hundreds)?))
}
