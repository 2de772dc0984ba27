//! Days, weeks, months and years that are said as one.

use super::{Calendar, Day, Grain, Period, Prefer, Reading, Ruled, Words, lexicon};

/// What makes a month's name a month where it may be another word.
const INTO_MONTH: &[&str] = &["در", "تا", "از", "برای", "in", "since", "until", "by", "of", "during", "dar"];

/// A day without a year that is over for no longer is no day of next year.
const JUST_OVER_DAYS: i64 = 60;

impl Words<'_> {
    /// The date at a place, the longest there is.
    pub(super) fn point(&self, place: usize) -> Ruled {
        let rules = [
            Self::numeric,
            Self::day_of_month,
            Self::month_then_day,
            Self::whole_month,
            Self::near_day,
            Self::weekday,
            Self::this_or_next,
            Self::counted,
            Self::quarter,
            Self::edge,
            Self::day_alone,
        ];
        rules
            .iter()
            .filter_map(|rule| rule(self, place))
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// A month by its name, with the place behind it and behind a word for month.
    pub(super) fn month_name(&self, place: usize) -> Option<(Calendar, u8, usize)> {
        const NOT_MAY: &[&str] = &["be", "i", "we", "you", "they", "not", "have", "a"];
        let (calendar, month) = lexicon::month(self.word(place))?;
        let other = match self.word(place) {
            "may" => self.is(place + 1, NOT_MAY),
            "تیر" => self.is(place + 1, &["اهن"]),
            _ => false,
        };
        let short = self.word(place).is_ascii() && self.is(place + 1, &["."]) && self.touches(place + 1);
        let behind = place + 1 + usize::from(short || self.is(place + 1, &["ماه", "mah"]));
        (!other).then_some((calendar, month, behind))
    }

    /// `5 آذر`, `پنجم آذرماه ۱۴۰۵`, `26 Nov`, `26th of November, 2026`.
    pub(super) fn day_of_month(&self, place: usize) -> Ruled {
        if lexicon::is_also_no_number(self.word(place)) {
            return None;
        }
        let (day, next) = self.count(place)?;
        let next = next + usize::from(self.is(next, &["of"]));
        let (calendar, month, next) = self.month_name(next)?;
        self.dated(calendar, month, u8::try_from(day).ok().filter(|day| *day < 100)?, next)
    }

    /// `November 26, 2026`.
    pub(super) fn month_then_day(&self, place: usize) -> Ruled {
        let (calendar, month, next) = self.month_name(place)?;
        if lexicon::is_also_no_number(self.word(next)) {
            return None;
        }
        let (day, behind) = self.count(next)?;
        if self.counts(behind) {
            return None;
        }
        let day = u8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
        // «آذر ۵ کیسه» counts; whoever writes Jalali says the day first.
        if calendar == Calendar::Jalali || self.month_name(behind).is_some() {
            return None;
        }
        self.dated(calendar, month, day, behind)
    }

    fn dated(&self, calendar: Calendar, month: u8, day: u8, next: usize) -> Ruled {
        match self.year(next) {
            Some((same, year, next)) if same == calendar => {
                Some((Reading::day(Day::new(calendar, year, month, day), calendar), next))
            }
            // A number like the year of another calendar is something else.
            Some(_) | None => {
                let days = self.years(calendar).filter_map(|year| Day::new(calendar, year, month, day));
                let days: Vec<Period> = days.map(|day| Period::day(day, calendar)).collect();
                let today = self.context.today;
                // What is just over is meant to be, and not next year's.
                let just_over = |period: &&Period| (1..=JUST_OVER_DAYS).contains(&today.since(period.end));
                let chosen = days.iter().find(just_over).copied().or_else(|| self.nearest(days.clone()));
                Some((chosen.map_or(Reading::NoSuchDay, Reading::One), next))
            }
        }
    }

    /// `آبان`, `برج ۸`, `آذرماه ۱۴۰۵`, `November 2026`, `نیمه آبان`.
    pub(super) fn whole_month(&self, place: usize) -> Ruled {
        // «هفته دوم آذر» is none of its days.
        if self.is(place, &["هفته", "نیمه", "دهه"])
            && let Some((_, next)) = self.count(place + 1)
            && self.month_name(next).is_some()
        {
            return self.whole_month(next);
        }
        let middle = self.is(place, &["نیمه", "اواسط", "mid"]);
        let begin = place + usize::from(middle);
        let (calendar, month, next) = if self.is(begin, &["برج", "borj"]) {
            let month = self.tokens.get(begin + 1)?.number().and_then(|month| u8::try_from(month).ok())?;
            (Calendar::Jalali, Some(month).filter(|month| (1..=12).contains(month))?, begin + 2)
        } else {
            self.month_name(begin)?
        };
        let year = self.year(next).filter(|(same, _, _)| *same == calendar);
        let before = place.checked_sub(1).map_or("", |before| self.word(before));
        let a_person = next == begin + 1 && (lexicon::is_title(before) || lexicon::is_title(self.word(next)));
        if a_person && year.is_none() && !middle {
            return None;
        }
        let vague = lexicon::is_vague_month(self.word(begin)) && next == begin + 1 && year.is_none();
        let cued = middle || place.checked_sub(1).is_some_and(|before| self.is(before, INTO_MONTH));
        if vague && !cued {
            return None;
        }
        let of = |year: i32| {
            let (start, end) = Day::month(calendar, year, month)?;
            Some(match middle {
                true => Period::day(start.plus(14), calendar),
                false => Period { start, end, grain: Grain::Month, calendar },
            })
        };
        let (period, next) = match year {
            Some((_, year, next)) => (of(year), next),
            None => (self.nearest(self.years(calendar).filter_map(of)), next),
        };
        Some((period.map_or(Reading::NoSuchDay, Reading::One), next))
    }

    /// `فردا`, `day after tomorrow`.
    fn near_day(&self, place: usize) -> Ruled {
        let (days, words) = lexicon::near_day(&self.few(place))?;
        let calendar = self.calendar_of_word(place);
        Some((Reading::day(Some(self.context.today.plus(days)), calendar), place + words))
    }

    /// In which calendar a word counts: that of its script.
    pub(super) fn calendar_of_word(&self, place: usize) -> Calendar {
        match self.word(place).is_ascii() {
            true => self.context.calendar,
            false => Calendar::Jalali,
        }
    }

    /// `شنبه`, `شنبه هفته بعد`, `next Friday`, `شنبه ۱۴ آذر`. On some days a next Saturday may be this one or the one after it.
    fn weekday(&self, place: usize) -> Ruled {
        let before = lexicon::which_before(self.word(place));
        let begin = place + usize::from(before.is_some());
        let (weekday, words) = lexicon::weekday(&self.few(begin))?;
        let calendar = self.calendar_of_word(begin);
        let today = self.context.today;
        let ahead = today.plus((weekday - today.day_of_week()).rem_euclid(7));
        if let Some((dated, next)) = self.dated_behind(begin + words) {
            return Some((agreed(dated, weekday, Period::day(ahead, calendar)), next));
        }
        let (behind, of_week, next) = self.which_week(begin + words);
        let strict = |week: i64| today.week_start().plus(7 * week + weekday);
        let days = match (before.or(behind), self.context.prefer) {
            (Some(1), _) if self.is(place, &["coming"]) => vec![ahead],
            (Some(1), _) if strict(1) == ahead => vec![ahead, ahead.plus(7)],
            (Some(1), _) if !of_week => vec![ahead, strict(1)],
            (Some(0), _) if strict(0) < today && !of_week => vec![ahead],
            (Some(week), _) => vec![strict(week)],
            (None, _) if ahead == today => vec![today, today.plus(7)],
            (None, Prefer::Past) => vec![ahead.plus(-7)],
            (None, Prefer::Future | Prefer::Nearest) => vec![ahead],
        };
        Some((Reading::of(days.into_iter().map(|day| Period::day(day, calendar)).collect()), next))
    }

    /// A date that follows its weekday.
    fn dated_behind(&self, place: usize) -> Ruled {
        let place = place + usize::from(self.is(place, &[",", "،"]));
        [Self::day_of_month, Self::month_then_day, Self::numeric].iter().find_map(|rule| rule(self, place))
    }

    /// Which week is meant behind a weekday, whether it is said to be a week, and the place behind it.
    fn which_week(&self, place: usize) -> (Option<i64>, bool, usize) {
        let ezafe = |place: usize| place + usize::from(self.is(place, &["ی"]));
        let begin = ezafe(place);
        if self.is(begin, &["این", "this"]) && self.is(begin + 1, &["هفته", "hafte", "week"]) {
            return (Some(0), true, begin + 2);
        }
        let of_week = self.is(begin, &["هفته", "hafte", "hafteye"]);
        let named = ezafe(begin + usize::from(of_week));
        match lexicon::which_behind(self.word(named)) {
            Some(which) if !self.of_what_follows(named) => (Some(which), of_week, named + 1),
            Some(_) | None => (None, false, place),
        }
    }

    /// `هفته آینده`, `این ماه`, `next week`, `پارسال`.
    pub(super) fn this_or_next(&self, place: usize) -> Ruled {
        let years = match self.word(place) {
            "امسال" | "emsal" => Some(0),
            "پارسال" | "parsal" => Some(-1),
            _ => None,
        };
        if let Some(years) = years {
            return self
                .unit(lexicon::Unit::Year, Calendar::Jalali, years)
                .map(|reading| (reading, place + 1));
        }
        let before = lexicon::which_before(self.word(place));
        let begin = place + usize::from(before.is_some());
        let (unit, calendar) = lexicon::unit(self.word(begin))?;
        // «یه روز دیگه» and «این روزها» are no days.
        if unit == lexicon::Unit::Day {
            return None;
        }
        let ezafe = begin + 1 + usize::from(self.is(begin + 1, &["ی"]));
        let (which, next) = match before {
            Some(which) => (which, begin + 1),
            None if self.of_what_follows(ezafe) => return None,
            None => (lexicon::which_behind(self.word(ezafe))?, ezafe + 1),
        };
        self.unit(unit, calendar, which).map(|reading| (reading, next))
    }

    /// A unit so many further on.
    pub(super) fn unit(&self, unit: lexicon::Unit, calendar: Calendar, which: i64) -> Option<Reading> {
        let today = self.context.today;
        let (year, month, _) = today.parts(calendar);
        let period = match unit {
            lexicon::Unit::Day => Period::day(today.plus(which), calendar),
            lexicon::Unit::WorkingDay => Period::day(today.plus_working_days(which), calendar),
            lexicon::Unit::Week => {
                let start = today.week_start().plus(7 * which);
                Period { start, end: start.plus(6), grain: Grain::Week, calendar }
            }
            lexicon::Unit::Month => {
                let (year, month) = super::day::shifted(year, month, which);
                let (start, end) = Day::month(calendar, year, month)?;
                Period { start, end, grain: Grain::Month, calendar }
            }
            lexicon::Unit::Year => {
                let year = year + i32::try_from(which).ok()?;
                whole_year(calendar, year)?
            }
        };
        Some(Reading::One(period))
    }
}

pub(super) fn whole_year(calendar: Calendar, year: i32) -> Option<Period> {
    let (start, _) = Day::month(calendar, year, 1)?;
    let (_, end) = Day::month(calendar, year, 12)?;
    Some(Period { start, end, grain: Grain::Year, calendar })
}

/// A date with its weekday; when they do not fit, both may be meant.
fn agreed(dated: Reading, weekday: i64, ahead: Period) -> Reading {
    match dated {
        Reading::One(period) if period.start.day_of_week() != weekday => Reading::of(vec![period, ahead]),
        Reading::One(_) | Reading::NoSuchDay => dated,
        Reading::Either(periods) => {
            let fitting: Vec<Period> =
                periods.iter().filter(|period| period.start.day_of_week() == weekday).copied().collect();
            if fitting.is_empty() { Reading::Either(periods) } else { Reading::of(fitting) }
        }
    }
}
