//! From one day to another, and stretches that are open on one side: `از ۵ تا ۱۰ آذر`, `تا آخر ماه`, `since Monday`.

use super::{Day, Grain, Period, Reading, Ruled, Words};

impl Words<'_> {
    /// A stretch between two dates, or between one and today.
    pub(super) fn span(&self, place: usize) -> Ruled {
        let rules = [Self::between, Self::until, Self::before_or_after, Self::since];
        rules.iter().find_map(|rule| rule(self, place))
    }

    /// `از ۵ تا ۱۰ آذر`, `۵ الی ۱۰ آذر`, `بین ۵ و ۱۰ آذر`, `from Monday to Friday`.
    fn between(&self, place: usize) -> Ruled {
        let pair = self.is(place, &["بین", "between"]);
        let begin = place + usize::from(pair || self.is(place, &["از", "from", "az"]));
        let joins: &[&str] = if pair {
            &["و", "and", "تا", "الی"]
        } else {
            &["تا", "الی", "to", "until", "till", "through", "ta", "-"]
        };
        if let Some((first, next)) = self.point(begin)
            && self.is(next, joins)
            && let Some((last, next)) = self.point(next + 1)
        {
            return Some((joined(&first, &last, self.context.today), next));
        }
        // The first day has its month from the last.
        let (day, next) = self.count(begin)?;
        if !self.is(next, joins) {
            return None;
        }
        if let Some((Reading::One(end), behind)) = self.counted(next + 1) {
            let start = self.context.today.plus(1).min(end.end);
            return Some((Reading::One(Period { start, grain: Grain::Week, ..end }), behind));
        }
        let (last, behind) = self.day_of_month(next + 1)?;
        let Reading::One(end) = last else { return Some((last, behind)) };
        let (year, month, end_day) = end.end.parts(end.calendar);
        let start = u8::try_from(day).ok().filter(|day| *day <= end_day)?;
        let start = Day::new(end.calendar, year, month, start);
        let span = start.map(|start| Reading::One(Period::span(start, end.end, end.calendar)));
        Some((span.unwrap_or(Reading::NoSuchDay), behind))
    }

    /// `تا آخر ماه`, `by Friday`: from today on.
    fn until(&self, place: usize) -> Ruled {
        if !self.is(place, &["تا", "until", "till", "by"]) {
            return None;
        }
        let (reading, next) = self.point(place + 1)?;
        let today = self.context.today;
        let open = |period: Period| match (period.end < today, period.grain) {
            (true, _) => period,
            (false, Grain::Day | Grain::Week | Grain::Span) => {
                Period::span(today, period.end, period.calendar)
            }
            // "By next month" says no day.
            (false, Grain::Month | Grain::Quarter | Grain::Year) => Period { start: today, ..period },
        };
        Some((each(reading, open), next))
    }

    /// `قبل از شنبه` is by the day before; `بعد از شنبه` is some day behind it.
    fn before_or_after(&self, place: usize) -> Ruled {
        let (before, begin) = match self.word(place) {
            "قبل" | "پیش" | "ghabl" if self.of_what_follows(place) => (true, place + 2),
            "بعد" | "bad" if self.of_what_follows(place) => (false, place + 2),
            "before" => (true, place + 1),
            "after" => (false, place + 1),
            _ => return None,
        };
        let (reading, next) = self.point(begin)?;
        let today = self.context.today;
        let open = |period: Period| match before {
            true if period.start > today => Period::span(today, period.start.plus(-1), period.calendar),
            true => period,
            false => Period { start: period.end, end: period.end.plus(7), grain: Grain::Week, ..period },
        };
        Some((each(reading, open), next))
    }

    /// `از اول سال`, `since Monday`: up to today, when it lies before.
    fn since(&self, place: usize) -> Ruled {
        if !self.is(place, &["از", "since", "from", "az"]) {
            return None;
        }
        let (reading, next) = self.point(place + 1)?;
        let today = self.context.today;
        let onwards = self.is(next, &["به"]) && self.is(next + 1, &["بعد"]);
        let open = |period: Period| match (period.start > today, onwards) {
            (true, false) => period,
            (true, true) => Period { end: period.end.plus(7), grain: Grain::Week, ..period },
            (false, _) => Period::span(period.start, today, period.calendar),
        };
        Some((each(reading, open), next + if onwards { 2 } else { 0 }))
    }
}

fn each(reading: Reading, change: impl Fn(Period) -> Period) -> Reading {
    match reading {
        Reading::One(period) => Reading::One(change(period)),
        Reading::Either(periods) => Reading::of(periods.into_iter().map(change).collect()),
        Reading::NoSuchDay => Reading::NoSuchDay,
    }
}

/// From each first day that may be meant to the next last one. A last that lies before the first is that of the week after it
/// (from Wednesday to Saturday), or the first was taken for next year's (from 3 to 10 Azar, on the fifth).
fn joined(first: &Reading, last: &Reading, today: Day) -> Reading {
    let all = |reading: &Reading| match reading {
        Reading::One(period) => vec![*period],
        Reading::Either(periods) => periods.clone(),
        Reading::NoSuchDay => Vec::new(),
    };
    let (firsts, lasts) = (all(first), all(last));
    let to_last = |first: &Period| {
        if let Some(last) = lasts.iter().find(|last| last.end >= first.start) {
            return Some(Period::span(first.start, last.end, last.calendar));
        }
        let last = lasts.last()?;
        let earlier = first.start.plus_months(first.calendar, -12);
        let (start, end) = match (first.start.since(last.end), last.end >= today && earlier <= last.end) {
            (..7, _) => (first.start, last.end.plus(7)),
            (_, true) => (earlier, last.end),
            (_, false) => (first.start, last.end.plus_months(last.calendar, 12).max(first.start)),
        };
        Some(Period::span(start, end, last.calendar))
    };
    Reading::of(firsts.iter().filter_map(to_last).collect())
}
