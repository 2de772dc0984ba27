//! Dates in a message: Jalali and Gregorian ones, days of the week, what is said from today on, and stretches of days. What may
//! be two days is given as both, and what no calendar has as such: the dialogue asks. It may not look at a clock: today is
//! given.

mod alone;
mod counted;
mod day;
mod edges;
mod lexicon;
mod numeric;
mod points;
mod spans;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use day::{Calendar, Day, UtcOffset, WrongOffset};

use super::{
    slots::words,
    tokens::{Token, tokens},
};

/// Longest stretch of a text that is searched, in bytes.
const SEARCHED_BYTES_MAX: usize = 16 * 1024;
/// Most dates taken from one message.
const DATES_MAX: usize = 16;

/// What a date is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Which day it is where the person is.
    pub today: Day,
    /// What counts where the words do not say it.
    pub calendar: Calendar,
    /// Which of several years or weeks is meant.
    pub prefer: Prefer,
    /// Whether a date was just asked for, so that `5/9` is one.
    pub asked: bool,
}

/// On which side of today a date lies that does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// Today or before, as with a payment.
    Past,
    /// Today or later, as with a delivery.
    Future,
    /// Whichever is nearer.
    Nearest,
}

/// How exactly a stretch of days was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// One day.
    Day,
    /// A week, from Saturday.
    Week,
    /// A month of its calendar.
    Month,
    /// Three months of its calendar.
    Quarter,
    /// A year of its calendar.
    Year,
    /// From one day to another.
    Span,
}

/// A stretch of days, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first day.
    pub start: Day,
    /// Its last day.
    pub end: Day,
    /// How exactly it was said.
    pub grain: Grain,
    /// In which calendar it was said.
    pub calendar: Calendar,
}

impl Period {
    fn day(day: Day, calendar: Calendar) -> Self {
        Self { start: day, end: day, grain: Grain::Day, calendar }
    }

    fn span(start: Day, end: Day, calendar: Calendar) -> Self {
        Self { start, end, grain: Grain::Span, calendar }
    }
}

/// What the words say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// These days.
    One(Period),
    /// One of these, the likelier first: it is to be asked which.
    Either(Vec<Period>),
    /// A day that no calendar has, such as 31 Mehr.
    NoSuchDay,
}

impl Reading {
    fn day(day: Option<Day>, calendar: Calendar) -> Self {
        day.map_or(Self::NoSuchDay, |day| Self::One(Period::day(day, calendar)))
    }

    /// All that were found; none of them is a day that there is not.
    fn of(mut periods: Vec<Period>) -> Self {
        periods.dedup();
        match periods.as_slice() {
            [] => Self::NoSuchDay,
            [only] => Self::One(*only),
            _ => Self::Either(periods),
        }
    }
}

/// A date and its place in the normal text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDate {
    /// Where it stands.
    pub at: Range<usize>,
    /// What it says.
    pub reading: Reading,
}

/// The dates of a text in normal form, in the order they are written.
pub fn find(text: &str, context: Context) -> Vec<FoundDate> {
    let text = text.get(..text.floor_char_boundary(SEARCHED_BYTES_MAX)).unwrap_or_default();
    let tokens = tokens(text);
    let words = Words { tokens: &tokens, context };
    let mut found = Vec::new();
    let mut place = 0;
    while place < tokens.len() && found.len() < DATES_MAX {
        match words.span(place).or_else(|| words.point(place)) {
            Some((reading, next)) if next > place => {
                found.push(FoundDate { at: tokens[place].at.start..tokens[next - 1].at.end, reading });
                place = next;
            }
            Some(_) | None => place += 1,
        }
    }
    found
}

/// What a rule made of the words at a place, and the place behind them.
type Ruled = Option<(Reading, usize)>;

/// The words of a message with what they are read for. Each rule looks at one place, and back at the word before
/// it at most.
struct Words<'a> {
    tokens: &'a [Token<'a>],
    context: Context,
}

impl<'a> Words<'a> {
    fn word(&self, place: usize) -> &'a str {
        self.tokens.get(place).map_or("", |token| token.text)
    }

    /// The next few words.
    fn few(&self, place: usize) -> Vec<&'a str> {
        self.tokens.iter().skip(place).take(4).map(|token| token.text).collect()
    }

    fn is(&self, place: usize, words: &[&str]) -> bool {
        words.contains(&self.word(place))
    }

    /// Whether no space stands before a token.
    fn touches(&self, place: usize) -> bool {
        place
            .checked_sub(1)
            .and_then(|before| Some(self.tokens.get(before)?.at.end == self.tokens.get(place)?.at.start))
            .unwrap_or(false)
    }

    /// A number in digits or words, also as an order (`5th`, `۵ام`), and the place behind it.
    fn count(&self, place: usize) -> Option<(u32, usize)> {
        if self.touches(place) && place > 0 && self.is(place - 1, &[".", "/", "-"]) {
            // The end of a longer number.
            return None;
        }
        let (number, next) = match self.tokens.get(place)?.number() {
            Some(number) => (number, place + 1),
            None => {
                let (number, words) = lexicon::number(&self.few(place))?;
                (number, place + words)
            }
        };
        let ordered = self.is(next, &["ام", "م", "om", "th", "st", "nd", "rd"]);
        Some((number, next + usize::from(ordered)))
    }

    /// A year in four digits with its calendar, `سال` or a comma before it, and the place behind it.
    fn year(&self, place: usize) -> Option<(Calendar, i32, usize)> {
        let place = place + usize::from(self.is(place, &["سال", "sal", ",", "of"]));
        let year = self.tokens.get(place).filter(|token| token.text.len() == 4)?.number()?;
        if self.counts(place + 1) {
            return None;
        }
        let joined =
            self.is(place + 1, &["/", "-", "."]) && self.touches(place + 1) && self.touches(place + 2);
        let year = i32::try_from(year).ok().filter(|_| !joined)?;
        calendar_of(year).map(|calendar| (calendar, year, place + 1))
    }

    /// Whether a word counts or measures goods, so that the number before it is no part of a date.
    fn counts(&self, place: usize) -> bool {
        let word = self.word(place);
        words::is_unit(word) || words::is_money(word) || self.is(place, &["inch", "%", "x", "×"])
    }

    /// Whether «بعد» or «قبل» speaks of what follows it: «بعد از ظهر».
    fn of_what_follows(&self, place: usize) -> bool {
        self.is(place + 1, &["از", "az"])
    }

    /// The year that is meant when none was said, among this one and its neighbours.
    fn nearest(&self, periods: impl IntoIterator<Item = Period>) -> Option<Period> {
        let today = self.context.today;
        let (mut before, mut after) = (None, None);
        for period in periods {
            match (period.start <= today, period.end >= today) {
                (true, true) => return Some(period),
                (true, false) => before = Some(period),
                (false, _) => after = after.or(Some(period)),
            }
        }
        match (self.context.prefer, before, after) {
            (Prefer::Past, Some(before), _) => Some(before),
            (Prefer::Future, _, Some(after)) => Some(after),
            (Prefer::Nearest, Some(before), Some(after)) => {
                let (since, until) = (today.since(before.end), after.start.since(today));
                Some(if since <= until { before } else { after })
            }
            (_, before, after) => before.or(after),
        }
    }

    /// This year and its neighbours, in the order of time.
    fn years(&self, calendar: Calendar) -> std::ops::RangeInclusive<i32> {
        let (year, _, _) = self.context.today.parts(calendar);
        year - 1..=year + 1
    }
}

/// In which calendar somebody counts who writes this year.
fn calendar_of(year: i32) -> Option<Calendar> {
    match year {
        1300..=1500 => Some(Calendar::Jalali),
        1900..=2100 => Some(Calendar::Gregorian),
        _ => None,
    }
}
