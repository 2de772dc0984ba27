//! Days, and how both calendars count them. A day has no hour and no zone: which day it is now is said by whoever asks.

use std::{fmt, str::FromStr};

use icu_calendar::{
    Date,
    cal::{Iso, Persian},
    types::RataDie,
};

/// A day, as both calendars know it; from 1 Farvardin 1300 (1921) to the end of 2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// Which calendar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// Solar Hijri, as Iran counts.
    Jalali,
    /// The rest of the world.
    Gregorian,
}

/// How far the clocks of a country are ahead of UTC, all year: no summer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UtcOffset {
    minutes: i64,
}

impl UtcOffset {
    /// Iran's, which has had no summer time since 2022.
    pub const IRAN: Self = Self { minutes: 3 * 60 + 30 };

    /// `+03:30`, `-05:00`; `None` for anything else, and beyond 14 hours.
    fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':').filter(|_| rest.len() == 5)?;
        let number = |text: &str| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<i64>().ok()).flatten()
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours <= 14 && minutes < 60).then_some(Self { minutes: sign * (hours * 60 + minutes) })
    }

    /// Which day it is there, so many milliseconds after 1970 began in UTC.
    pub fn day_at(self, ms: i64) -> Day {
        const EPOCH: i64 = 719_163;
        let days = ms.saturating_add(self.minutes * 60_000).div_euclid(24 * 60 * 60 * 1000);
        Day(EPOCH.saturating_add(days)).clamp(FIRST, LAST)
    }
}

impl FromStr for UtcOffset {
    type Err = WrongOffset;

    fn from_str(text: &str) -> Result<Self, WrongOffset> {
        Self::parse(text).ok_or(WrongOffset)
    }
}

/// A text that is no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an offset from UTC is written like +03:30")]
pub struct WrongOffset;

const FIRST: Day = Day(701_345);
const LAST: Day = Day(767_009);
/// Saturday begins the week.
const SATURDAY: i64 = 6;
/// The day that is free, counted from Saturday: as many working days lie before it.
const FRIDAY: i64 = 6;

impl Day {
    /// The day of a calendar's year, month and day; `None` when there is none or it is out of the years that are known.
    pub fn new(calendar: Calendar, year: i32, month: u8, day: u8) -> Option<Self> {
        let days = match calendar {
            Calendar::Jalali => Date::try_new_persian(year, month, day).ok()?.to_rata_die(),
            Calendar::Gregorian => Date::try_new_iso(year, month, day).ok()?.to_rata_die(),
        };
        let day = Self(days.to_i64_date());
        (FIRST..=LAST).contains(&day).then_some(day)
    }

    /// Year, month and day in a calendar.
    pub fn parts(self, calendar: Calendar) -> (i32, u8, u8) {
        let iso = Date::from_rata_die(RataDie::new(self.0), Iso::new());
        match calendar {
            Calendar::Gregorian => (iso.year().extended_year(), iso.month().ordinal, iso.day_of_month().0),
            Calendar::Jalali => {
                let date = iso.to_calendar(Persian::new());
                (date.year().extended_year(), date.month().ordinal, date.day_of_month().0)
            }
        }
    }

    /// So many days later, or earlier; it stays within what is known.
    pub fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days)).clamp(FIRST, LAST)
    }

    /// So many working days later, or earlier: all days but Fridays.
    pub(super) fn plus_working_days(self, days: i64) -> Self {
        // A Friday counts as the Thursday before it, and as the Saturday after it when going back.
        let from = if days < 0 { self.day_of_week() } else { self.day_of_week().min(FRIDAY - 1) };
        let all = from.saturating_add(days);
        self.week_start()
            .plus(all.div_euclid(FRIDAY).saturating_mul(7).saturating_add(all.rem_euclid(FRIDAY)))
    }

    /// Days from an earlier one to this one.
    pub(super) fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// So many months later, or earlier, on the same day of the month or its last.
    pub(super) fn plus_months(self, calendar: Calendar, months: i64) -> Self {
        let (year, month, day) = self.parts(calendar);
        let (year, month) = shifted(year, month, months);
        (0..4)
            .find_map(|short| Self::new(calendar, year, month, day.saturating_sub(short)))
            .unwrap_or(if months < 0 { FIRST } else { LAST })
    }

    /// The first and the last day of a month.
    pub(super) fn month(calendar: Calendar, year: i32, month: u8) -> Option<(Self, Self)> {
        let first = Self::new(calendar, year, month, 1)?;
        let last = (28..=31).rev().find_map(|day| Self::new(calendar, year, month, day))?;
        Some((first, last))
    }

    /// Days since the week began with Saturday, 0 to 6.
    pub(super) fn day_of_week(self) -> i64 {
        (self.0 - SATURDAY).rem_euclid(7)
    }

    /// The Saturday of its week.
    pub(super) fn week_start(self) -> Self {
        self.plus(-self.day_of_week())
    }
}

/// A year and a month so many months later.
pub(super) fn shifted(year: i32, month: u8, months: i64) -> (i32, u8) {
    let all = i64::from(year) * 12 + i64::from(month) - 1 + months;
    let year = i32::try_from(all.div_euclid(12)).unwrap_or_default();
    (year, u8::try_from(all.rem_euclid(12)).unwrap_or_default() + 1)
}

/// As `2026-11-26`.
impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts(Calendar::Gregorian);
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gregorian(year: i32, month: u8, day: u8) -> Day {
        Day::new(Calendar::Gregorian, year, month, day).unwrap()
    }

    #[test]
    fn both_calendars_count_the_same_days() {
        assert_eq!(Day::new(Calendar::Jalali, 1405, 9, 5), Some(gregorian(2026, 11, 26)));
        assert_eq!(Day::new(Calendar::Jalali, 1300, 1, 1), Some(FIRST));
        assert_eq!(FIRST.to_string(), "1921-03-21");
        assert_eq!(LAST.to_string(), "2100-12-31");
    }

    #[test]
    fn what_no_calendar_has_is_no_day() {
        for (calendar, year, month, day) in [
            (Calendar::Jalali, 1404, 12, 30),
            (Calendar::Jalali, 1405, 7, 31),
            (Calendar::Jalali, 1405, 13, 1),
            (Calendar::Jalali, 1299, 12, 1),
            (Calendar::Gregorian, 2026, 2, 29),
            (Calendar::Gregorian, 2101, 1, 1),
            (Calendar::Gregorian, 2026, 1, 0),
        ] {
            assert_eq!(Day::new(calendar, year, month, day), None, "{year}/{month}/{day}");
        }
    }

    #[test]
    fn a_new_day_begins_at_midnight_of_the_place() {
        // 2026-11-25 20:29:59 and 20:30 UTC
        let before = 1_795_638_599_000;
        assert_eq!(UtcOffset::IRAN.day_at(before), gregorian(2026, 11, 25));
        assert_eq!(UtcOffset::IRAN.day_at(before + 1000), gregorian(2026, 11, 26));
        assert_eq!(UtcOffset::parse("-05:00").unwrap().day_at(0), gregorian(1969, 12, 31));
        assert_eq!(UtcOffset::parse("+03:30"), Some(UtcOffset::IRAN));
        for wrong in ["", "3:30", "+3:30", "+03:60", "+15:00", "03:30", "+0３:30", "+-3:30"] {
            assert_eq!(UtcOffset::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_week_begins_with_saturday() {
        assert_eq!(gregorian(2026, 11, 28).day_of_week(), 0);
        assert_eq!(gregorian(2026, 11, 27).day_of_week(), 6);
        assert_eq!(gregorian(2026, 11, 26).week_start(), gregorian(2026, 11, 21));
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_last_one() {
        let last_of_mehr =
            |day| Day::new(Calendar::Jalali, 1405, 6, day).unwrap().plus_months(Calendar::Jalali, 1);
        assert_eq!(last_of_mehr(31), Day::new(Calendar::Jalali, 1405, 7, 30).unwrap());
        assert_eq!(gregorian(2026, 1, 31).plus_months(Calendar::Gregorian, 13), gregorian(2027, 2, 28));
        assert_eq!(gregorian(2026, 1, 15).plus_months(Calendar::Gregorian, -1), gregorian(2025, 12, 15));
    }

    #[test]
    fn a_working_day_is_no_friday() {
        // Thursday, and the Friday after it.
        let (thursday, friday) = (gregorian(2026, 11, 26), gregorian(2026, 11, 27));
        for (from, days, expected) in [
            (thursday, 1, gregorian(2026, 11, 28)),
            (thursday, 3, gregorian(2026, 11, 30)),
            (thursday, 7, gregorian(2026, 12, 5)),
            (friday, 1, gregorian(2026, 11, 28)),
            (friday, -1, thursday),
            (gregorian(2026, 11, 28), -1, thursday),
            (thursday, -6, gregorian(2026, 11, 19)),
        ] {
            assert_eq!(from.plus_working_days(days), expected, "{from} {days}");
        }
    }

    proptest! {
        #[test]
        fn working_days_are_counted_one_by_one(start in 0_i64..3000, count in 1_i64..60, back in any::<bool>()) {
            let from = FIRST.plus(2000 + start);
            let step = if back { -1 } else { 1 };
            let (mut day, mut left) = (from, count);
            while left > 0 {
                day = day.plus(step);
                left -= i64::from(day.day_of_week() != FRIDAY);
            }
            prop_assert_eq!(from.plus_working_days(step * count), day);
        }

        #[test]
        fn a_day_is_found_again_by_its_parts(days in 0_i64..65_000) {
            let day = FIRST.plus(days);
            for calendar in [Calendar::Jalali, Calendar::Gregorian] {
                let (year, month, in_month) = day.parts(calendar);
                prop_assert_eq!(Day::new(calendar, year, month, in_month), Some(day));
            }
        }

        #[test]
        fn no_shift_leaves_what_is_known(days in any::<i64>(), months in -1_000_000_i64..1_000_000) {
            let day = gregorian(2026, 11, 26);
            for shifted in [day.plus(days), day.plus_months(Calendar::Jalali, months)] {
                prop_assert!((FIRST..=LAST).contains(&shifted));
            }
        }
    }
}
