//! Dates in digits alone.

use super::{Calendar, Day, Period, Reading, Ruled, Words, calendar_of};

/// Words before `5/9` that make it a date and no fraction.
const CUES: &[&str] = &["تاریخ", "روز", "برای", "date", "on", "for", "by", "tarikh", "baraye"];

impl Words<'_> {
    /// `1405/09/05`, `2026-11-26`, `5/9/1405`, `99/05/01`, and `5/9` where a date is expected.
    pub(super) fn numeric(&self, place: usize) -> Ruled {
        let first = self.tokens.get(place)?;
        let separator = self.word(place + 1);
        // A part of a longer number or a code is no date.
        let begins = !(self.touches(place) && place.checked_sub(1).is_some_and(|before| self.joins(before)));
        let part = |place: usize| {
            let token = self.tokens.get(place).filter(|_| self.touches(place))?;
            Some((token.number()?, token.text.len()))
        };
        let (a, length) = (first.number()?, first.text.len());
        if !begins || !matches!(separator, "/" | "-" | ".") || !self.touches(place + 1) {
            return None;
        }
        let (b, b_length) = part(place + 2)?;
        let third =
            (self.word(place + 3) == separator && self.touches(place + 3)).then(|| part(place + 4)).flatten();
        let next = place + if third.is_some() { 5 } else { 3 };
        if b_length > 2
            || (self.touches(next) && (self.joins(next) && part(next + 1).is_some() || self.is_word(next)))
        {
            return None;
        }
        let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        let reading = match (third, length) {
            (Some((c, 1..=2)), 4) => {
                let year = i32::try_from(a).ok()?;
                let calendar = calendar_of(year)?;
                Reading::day(Day::new(calendar, year, small(b), small(c)), calendar)
            }
            (Some((c, 4)), 1..=2) => {
                let year = i32::try_from(c).ok()?;
                either_order(calendar_of(year)?, year, small(a), small(b))
            }
            (Some((c, c_length @ 1..=2)), 1..=2) if separator == "/" => {
                // A year has two digits: `1/2/3` is none.
                match (self.context.calendar, a > 31, length, c_length) {
                    (Calendar::Jalali, _, 2, _) | (Calendar::Gregorian, true, 2, _) => {
                        let day = Day::new(Calendar::Jalali, short_year(a)?, small(b), small(c));
                        Reading::day(day, Calendar::Jalali)
                    }
                    (Calendar::Jalali, _, _, 2) => {
                        either_order(Calendar::Jalali, short_year(c)?, small(a), small(b))
                    }
                    (Calendar::Gregorian, false, _, 2) => {
                        either_order(Calendar::Gregorian, 2000 + i32::try_from(c).ok()?, small(a), small(b))
                    }
                    (Calendar::Jalali | Calendar::Gregorian, _, _, _) => return None,
                }
            }
            (None, 1..=2) if separator == "/" && self.expects(place, next) => {
                self.without_year(place, small(a), small(b))?
            }
            (_, _) => return None,
        };
        Some((reading, next))
    }

    fn is_word(&self, place: usize) -> bool {
        self.word(place).chars().next().is_some_and(char::is_alphanumeric)
    }

    fn joins(&self, place: usize) -> bool {
        self.is(place, &["/", "-", ".", "#", "_", "+", "@"]) || self.is_word(place)
    }

    fn expects(&self, place: usize, next: usize) -> bool {
        let counts = self.counts(next);
        let cued = place.checked_sub(1).is_some_and(|before| self.is(before, CUES));
        !counts && (self.context.asked || cued)
    }

    /// Day and month in either order.
    fn without_year(&self, place: usize, a: u8, b: u8) -> Option<Reading> {
        let persian = place > 0 && self.is(place - 1, &["baraye", "tarikh"]);
        let calendar = if persian { Calendar::Jalali } else { self.context.calendar };
        let on = |month: u8, day: u8| {
            let days = self.years(calendar).filter_map(|year| Day::new(calendar, year, month, day));
            self.nearest(days.map(|day| Period::day(day, calendar)))
        };
        let days: Vec<Period> = [on(b, a), on(a, b)].into_iter().flatten().collect();
        // A size or a fraction, unless a date was asked for.
        (!days.is_empty() || self.context.asked).then(|| Reading::of(days))
    }
}

/// The year of Jalali two digits.
fn short_year(digits: u32) -> Option<i32> {
    let year = i32::try_from(digits).ok()?;
    Some(if year >= 50 { 1300 + year } else { 1400 + year })
}

/// Day, month and year, or month, day and year: whichever there is, and both when both are. Whoever counts as in Iran does not
/// begin with the month.
fn either_order(calendar: Calendar, year: i32, a: u8, b: u8) -> Reading {
    let days = match calendar {
        Calendar::Jalali => [Day::new(calendar, year, b, a).or_else(|| Day::new(calendar, year, a, b)), None],
        Calendar::Gregorian => [Day::new(calendar, year, b, a), Day::new(calendar, year, a, b)],
    };
    Reading::of(days.into_iter().flatten().map(|day| Period::day(day, calendar)).collect())
}
