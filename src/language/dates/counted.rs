//! What is counted from today: `سه روز دیگه`, `two weeks ago`, `۱۰ روز گذشته`.

use super::{Calendar, Grain, Period, Reading, Ruled, Words, lexicon, lexicon::Unit};

/// Whoever counts further means something else.
const COUNT_MAX: u32 = 1000;

impl Words<'_> {
    /// A number of days, working days, weeks, months or years from today on, or back.
    pub(super) fn counted(&self, place: usize) -> Ruled {
        let ahead = self
            .is(place, &["in", "within", "last", "next", "past", "ظرف", "zarfe"])
            .then(|| self.word(place));
        let begin = place + usize::from(ahead.is_some());
        let (count, next) = self.count(begin)?;
        let (unit, calendar, last) = self.counted_unit(next)?;
        let (word, behind) = match ahead {
            Some(word) => (word, last + 1),
            None if self.is(last + 1, &["from"]) && self.is(last + 2, &["now"]) => ("later", last + 3),
            None => (self.word(last + 1), last + 2),
        };
        let said = self.word(begin);
        let some_day = unit == Unit::Day && matches!(said, "یک" | "یه") && matches!(word, "دیگه" | "دیگر");
        // «پانزدهم ماه بعد» is a day of it and counts no months.
        let an_order = ahead.is_none() && self.is_ordered(begin, next).is_some();
        let a_no = said == "نه" && !matches!(word, "دیگه" | "دیگر" | "پیش");
        if some_day || an_order || a_no || (ahead.is_none() && self.of_what_follows(last + 1)) {
            return None;
        }
        let count = i64::from(Some(count).filter(|count| *count <= COUNT_MAX)?);
        let calendar = if calendar == Calendar::Gregorian { self.context.calendar } else { calendar };
        let today = self.context.today;
        let at = |count: i64| match unit {
            Unit::Day => today.plus(count),
            Unit::WorkingDay => today.plus_working_days(count),
            Unit::Week => today.plus(7 * count),
            Unit::Month => today.plus_months(calendar, count),
            Unit::Year => today.plus_months(calendar, 12 * count),
        };
        let period = match word {
            "دیگه" | "دیگر" | "بعد" | "dige" | "bad" | "later" | "in" => {
                Period::day(at(count), calendar)
            }
            "پیش" | "قبل" | "pish" | "ghabl" | "ago" => Period::day(at(-count), calendar),
            "گذشته" | "اخیر" | "gozashte" | "last" | "past" => {
                Period::span(at(-count), today, calendar)
            }
            "اینده" | "ayande" | "next" | "within" | "ظرف" | "zarfe" => {
                // Some months are no day by which something is done.
                let grain = match unit {
                    Unit::Day | Unit::WorkingDay | Unit::Week => Grain::Span,
                    Unit::Month => Grain::Month,
                    Unit::Year => Grain::Year,
                };
                Period { grain, ..Period::span(today, at(count), calendar) }
            }
            _ => return None,
        };
        Some((Reading::One(period), behind))
    }

    /// What is counted, with the place of its last word: `روز`, `روز کاری`, `business days`.
    fn counted_unit(&self, place: usize) -> Option<(Unit, Calendar, usize)> {
        let works = self.is(place, &["business", "working", "work"]);
        let (unit, calendar) = lexicon::unit(self.word(place + usize::from(works)))?;
        if !works && !self.is(place + 1, &["کاری", "kari"]) {
            return Some((unit, calendar, place));
        }
        (unit == Unit::Day).then_some((Unit::WorkingDay, calendar, place + 1))
    }

    /// `سه ماهه اول ۱۴۰۵`, `Q1 2026`, `first quarter of 2026`.
    pub(super) fn quarter(&self, place: usize) -> Ruled {
        let (quarter, calendar, next) = if self.is(place, &["سه"]) && self.is(place + 1, &["ماهه"]) {
            let (quarter, next) = self.count(place + 2)?;
            (quarter, Calendar::Jalali, next)
        } else if self.is(place, &["فصل"]) {
            let (quarter, next) = self.count(place + 1)?;
            (quarter, Calendar::Jalali, next)
        } else if self.is(place, &["q"]) && self.touches(place + 1) {
            (self.tokens.get(place + 1)?.number()?, self.context.calendar, place + 2)
        } else {
            let (quarter, next) = self.count(place)?;
            // A quarter of a ton or an inch is none of a year.
            let of_something = self.is(next + 1, &["of", "inch", "a"]) && self.year(next + 1).is_none();
            let named = self.is(next, &["quarter"]) && !of_something;
            (quarter, self.context.calendar, named.then_some(next + 1)?)
        };
        let quarter = u8::try_from(quarter).ok().filter(|quarter| (1..=4).contains(quarter))?;
        let of = |calendar, year| {
            let (start, _) = super::Day::month(calendar, year, 3 * quarter - 2)?;
            let (_, end) = super::Day::month(calendar, year, 3 * quarter)?;
            Some(Period { start, end, grain: Grain::Quarter, calendar })
        };
        let (period, next) = match self.year(next) {
            Some((calendar, year, next)) => (of(calendar, year)?, next),
            None => (of(calendar, self.context.today.parts(calendar).0)?, next),
        };
        Some((Reading::One(period), next))
    }
}
