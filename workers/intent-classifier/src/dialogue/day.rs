//! The day something is wanted on: one day that lies ahead. Everything else that was said for it is asked about, and never
//! taken for the likeliest.

use peyvand::{
    event::{Doubt, SlotName},
    language::{
        dates::{Day, FoundDate, Grain, Period, Reading},
        slots::{Extracted, SlotKind},
    },
};

use super::{Question, consent::words};

/// Nobody orders for a day further away.
const AHEAD_DAYS_MAX: i64 = 2 * 366;

/// What was said for the day.
struct Wanted {
    /// Its place and, when it is one day, its value.
    value: Extracted,
    /// Why it is no such day, and which days it may be.
    doubt: Option<(Doubt, Vec<String>)>,
}

/// The first date of a message as a day to come; places are those of the original text.
fn wanted(dates: &[FoundDate], today: Day) -> Option<Wanted> {
    let date = dates.first()?;
    let ahead = |day: Day| (today..=today.plus(AHEAD_DAYS_MAX)).contains(&day);
    let (day, doubt) = match &date.reading {
        Reading::NoSuchDay => (None, Some((Doubt::NoSuchDay, Vec::new()))),
        Reading::One(period) => match day_of(period, today) {
            Some(day) if ahead(day) => (Some(day), None),
            Some(_) => (None, Some((Doubt::DayOutOfReach, Vec::new()))),
            None => (None, Some((Doubt::NotOneDay, Vec::new()))),
        },
        Reading::Either(periods) => {
            let days: Vec<Day> =
                periods.iter().filter_map(|period| day_of(period, today)).filter(|day| ahead(*day)).collect();
            match days.as_slice() {
                [] => (None, Some((Doubt::DayOutOfReach, Vec::new()))),
                [only] => (Some(*only), None),
                _ => (None, Some((Doubt::OneOfChoices, days.iter().map(Day::to_string).collect()))),
            }
        }
    };
    let value = Extracted {
        slot: SlotKind::DeliveryDate,
        value: day.map(|day| day.to_string()).unwrap_or_default(),
        raw_range: date.at.clone(),
        exact: day.is_some(),
    };
    Some(Wanted { value, doubt })
}

/// One day, or the last of those from today on: "by Friday".
fn day_of(period: &Period, today: Day) -> Option<Day> {
    match period.grain {
        Grain::Day => Some(period.start),
        Grain::Span if period.start == today => Some(period.end),
        Grain::Week | Grain::Month | Grain::Quarter | Grain::Year | Grain::Span => None,
    }
}

/// What a message says about the day: it joins the other values, with why it is none, and whether an offered one was picked.
pub(super) fn hear(
    text: &str,
    question: Option<&Question>,
    dates: &[FoundDate],
    today: Day,
    values: &mut Vec<Extracted>,
) -> (bool, Option<(Doubt, Vec<String>)>) {
    let asked = question.filter(|question| question.slot == SlotName::DeliveryDate);
    match asked.and_then(|question| picked(text, &question.choices)) {
        Some(Picked::Choice(day)) => {
            let raw_range = 0..text.len();
            values.push(Extracted { slot: SlotKind::DeliveryDate, value: day, raw_range, exact: true });
            (true, None)
        }
        Some(Picked::Any) => (true, None),
        None => {
            let Some(wanted) = wanted(dates, today) else { return (false, None) };
            values.push(wanted.value);
            (false, wanted.doubt)
        }
    }
}

/// What is said to the question which day.
enum Picked {
    /// This one of the choices.
    Choice(String),
    /// Any day will do.
    Any,
}

const FIRST: &[&str] = &[
    "1",
    "one",
    "first",
    "the first",
    "the first one",
    "first one",
    "اول",
    "اولی",
    "اولیش",
    "یک",
    "avali",
    "aval",
];
const SECOND: &[&str] = &[
    "2",
    "two",
    "second",
    "the second",
    "the second one",
    "second one",
    "دوم",
    "دومی",
    "دومیش",
    "دو",
    "dovomi",
    "dovom",
];
const ANY: &[&str] = &[
    "any",
    "any day",
    "skip",
    "skip it",
    "whenever",
    "it does not matter",
    "it doesn't matter",
    "doesn't matter",
    "no matter",
    "i don't know",
    "مهم نیست",
    "فرقی نمیکنه",
    "فرقی نمی کنه",
    "فرقی ندارد",
    "فرقی نداره",
    "فرق نمیکنه",
    "هر روزی",
    "هر روز",
    "هر وقت شد",
    "هر موقع شد",
    "نمیدونم",
    "نمی دونم",
    "رد کن",
    "بگذر",
    "mohem nist",
    "farghi nadare",
    "har rooz",
];

/// The choice a message names by its place, or that none matters.
fn picked(text: &str, choices: &[String]) -> Option<Picked> {
    let said = words(text);
    let is = |list: &[&str]| list.iter().any(|known| words(known) == said);
    if is(ANY) {
        return Some(Picked::Any);
    }
    let place = if is(FIRST) { 0 } else { is(SECOND).then_some(1)? };
    choices.get(place).cloned().map(Picked::Choice)
}
