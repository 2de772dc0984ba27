//! From one day to another, and stretches that are open on one side: `از ۵ تا ۱۰ آذر`, `تا آخر ماه`, `since Monday`.

use super::{Period, Reading, Ruled, Words};

impl Words<'_> {
    /// A stretch between two dates, or between one and today.
    pub(super) fn span(&self, place: usize) -> Ruled {
        self.between(place).or_else(|| self.until(place)).or_else(|| self.since(place))
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
            return Some((joined(&first, &last)?, next));
        }
        // The first day has its month from the last.
        let (day, next) = self.count(begin)?;
        if !self.is(next, joins) {
            return None;
        }
        let (last, behind) = self.day_of_month(next + 1)?;
        let Reading::One(end) = last else { return Some((last, behind)) };
        let (year, month, end_day) = end.end.parts(end.calendar);
        let start = u8::try_from(day).ok().filter(|day| *day <= end_day)?;
        let start = super::Day::new(end.calendar, year, month, start);
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
        let open = |period: Period| match period.end < today {
            true => period,
            false => Period::span(today, period.end, period.calendar),
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
        let open = |period: Period| match period.start > today {
            true => period,
            false => Period::span(period.start, today, period.calendar),
        };
        Some((each(reading, open), next))
    }
}

fn each(reading: Reading, change: impl Fn(Period) -> Period) -> Reading {
    match reading {
        Reading::One(period) => Reading::One(change(period)),
        Reading::Either(periods) => Reading::of(periods.into_iter().map(change).collect()),
        Reading::NoSuchDay => Reading::NoSuchDay,
    }
}

/// From each first day that may be meant to the next last one; `None` when the last lies before the first.
fn joined(first: &Reading, last: &Reading) -> Option<Reading> {
    let all = |reading: &Reading| match reading {
        Reading::One(period) => vec![*period],
        Reading::Either(periods) => periods.clone(),
        Reading::NoSuchDay => Vec::new(),
    };
    let (firsts, lasts) = (all(first), all(last));
    if firsts.is_empty() || lasts.is_empty() {
        return Some(Reading::NoSuchDay);
    }
    let to_last = |first: &Period| {
        let end = lasts.iter().find(|last| last.end >= first.start)?;
        Some(Period::span(first.start, end.end, end.calendar))
    };
    let spans: Vec<Period> = firsts.iter().filter_map(to_last).collect();
    if spans.is_empty() { None } else { Some(Reading::of(spans)) }
}
