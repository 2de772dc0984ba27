//! A day of this month or the next that is said by its number alone: `۱۵ام`, `پانزدهم`, `the 15th`.

use super::{Calendar, Day, Grain, Period, Prefer, Reading, Ruled, Words, lexicon};

/// Words behind which such a number is a day.
const CUES: &[&str] = &[
    "روز",
    "تاریخ",
    "برای",
    "تا",
    "از",
    "در",
    "رو",
    "را",
    "یا",
    "و",
    "واسه",
    "بین",
    "الی",
    "بعد",
    "قبل",
    "همین",
    "on",
    "by",
    "until",
    "till",
    "for",
    "from",
    "to",
    "before",
    "after",
    "since",
    "or",
    "and",
    "date",
    "rooz",
    "rooze",
    "baraye",
    "ta",
    "az",
    "tarikh",
    "ro",
    "ya",
    ",",
    ".",
    "?",
    "!",
    ":",
    ";",
    "(",
];
/// Words before it that say nothing of what is counted.
const OPENINGS: &[&str] =
    &["سلام", "بله", "اره", "نه", "لطفا", "باشه", "خب", "hi", "hello", "yes", "no", "please", "ok"];
/// Words behind "the 15th" that are not counted by it.
const ENDS: &[&str] = &[
    "", ",", ".", "?", "!", ")", ";", ":", "-", "please", "is", "would", "will", "works", "at", "and", "or",
    "to", "until", "till", "if", "then", "for", "of", "in", "by", "thanks", "because", "instead",
];
/// Words between two days of one month.
const JOINS: &[&str] = &["تا", "الی", "و", "to", "until", "till", "through", "and", "ta", "-"];
/// In words, smaller numbers are said of other things too.
const IN_WORDS_MIN: u32 = 4;

impl Words<'_> {
    /// The day, when the words leave nothing else that is counted by the number.
    pub(super) fn day_alone(&self, place: usize) -> Ruled {
        let the = self.is(place, &["the"]);
        let begin = place + usize::from(the);
        let digits = self.tokens.get(begin)?.number().is_some();
        let (day, next) = self.count(begin)?;
        let ordered = self.is_ordered(begin, next);
        let whole = place == 0 && next == self.tokens.len();
        let asked = self.context.asked && whole && !lexicon::is_also_no_number(self.word(begin));
        let day = u8::try_from(day).ok().filter(|day| (1..=31).contains(day))?;
        let clear = digits || u32::from(day) >= IN_WORDS_MIN || self.after_the_word_day(place);
        let of_month = ordered.and_then(|_| self.of_a_month(next));
        let said = match ordered {
            Some(Calendar::Gregorian) => clear && self.is_said_in_english(place, begin, next),
            Some(Calendar::Jalali) => clear && self.is_said_in_persian(place),
            None => false,
        };
        // The first of two days has its month from the second.
        let of_another = self.is(next, JOINS) && self.day_of_month(next + 1).is_some();
        if of_another || !(asked || said || of_month.is_some()) {
            return None;
        }
        if let Some((month, behind)) = of_month {
            return Some((self.in_month(month, day), behind));
        }
        let calendar = match ordered {
            Some(Calendar::Jalali) => Calendar::Jalali,
            Some(Calendar::Gregorian) | None => self.context.calendar,
        };
        (!self.is(next, &["of"])).then(|| (self.next_such_day(calendar, day), next))
    }

    /// «پانزدهم این ماه», "the 15th of this month".
    fn of_a_month(&self, next: usize) -> Option<(Period, usize)> {
        match self.this_or_next(next + usize::from(self.is(next, &["of"])))? {
            (Reading::One(month), behind) if month.grain == Grain::Month => Some((month, behind)),
            (Reading::One(_) | Reading::Either(_) | Reading::NoSuchDay, _) => None,
        }
    }

    /// Whether a number is said as an order, and in which language.
    pub(super) fn is_ordered(&self, begin: usize, next: usize) -> Option<Calendar> {
        let last = self.word(next.checked_sub(1)?);
        match last {
            "th" | "st" | "nd" | "rd" => Some(Calendar::Gregorian),
            "ام" | "م" | "om" => Some(Calendar::Jalali),
            _ if self.tokens.get(begin)?.number().is_some() => None,
            _ if last.is_ascii()
                && (last.ends_with("th") || matches!(last, "first" | "second" | "third")) =>
            {
                Some(Calendar::Gregorian)
            }
            _ if last.ends_with('م') && last != "اسم" => Some(Calendar::Jalali),
            _ => None,
        }
    }

    fn is_said_in_english(&self, place: usize, begin: usize, next: usize) -> bool {
        let before = place.checked_sub(1).map_or("", |before| self.word(before));
        let cued = begin > place || CUES.contains(&before) || self.context.asked;
        cued && ENDS.contains(&self.word(next))
    }

    /// «طبقه پانزدهم» is no day: in Persian the order follows what it counts.
    fn is_said_in_persian(&self, place: usize) -> bool {
        let before = place.checked_sub(1).map_or("", |before| self.word(before));
        before.is_empty() || CUES.contains(&before) || OPENINGS.contains(&before)
    }

    fn after_the_word_day(&self, place: usize) -> bool {
        self.context.asked
            || place.checked_sub(1).is_some_and(|before| self.is(before, &["روز", "تاریخ", "rooz", "rooze"]))
    }

    fn in_month(&self, month: Period, day: u8) -> Reading {
        let (year, number, _) = month.start.parts(month.calendar);
        Reading::day(Day::new(month.calendar, year, number, day), month.calendar)
    }

    /// The day of this month, or of the next where it is over; before today where that is looked for.
    fn next_such_day(&self, calendar: Calendar, day: u8) -> Reading {
        let today = self.context.today;
        let (year, month, _) = today.parts(calendar);
        let in_month = |months: i64| {
            let (year, month) = super::day::shifted(year, month, months);
            Day::new(calendar, year, month, day)
        };
        let found = match self.context.prefer {
            Prefer::Past => [0, -1].into_iter().filter_map(in_month).find(|day| *day <= today),
            Prefer::Future | Prefer::Nearest => {
                [0, 1].into_iter().filter_map(in_month).find(|day| *day >= today)
            }
        };
        Reading::day(found, calendar)
    }
}
