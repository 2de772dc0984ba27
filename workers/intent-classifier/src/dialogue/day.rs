//! The day something is wanted on: one day that lies ahead. Everything else that was said for it is asked about, and never
//! taken for the likeliest.

use std::collections::HashSet;

use peyvand::{
    event::{Doubt, Slot, SlotName},
    language::{
        dates::{Day, FoundDate, Grain, Period, Reading},
        slots::Extracted,
    },
};

use super::{
    Heard,
    form::slot,
    open::Question,
    words::{is_indifferent, place},
};

/// Nobody orders for a day further away.
const AHEAD_DAYS_MAX: i64 = 2 * 366;

/// Why a day that was said is none, and which days it may be.
pub(super) type InDoubt = (Doubt, Vec<String>);

/// The day that the dates of a message say; places are those of the original text. What is over counts only where nothing
/// else was said, and of several days none is taken for the right one.
fn wanted(dates: &[FoundDate], today: Day) -> Option<(Extracted, Option<InDoubt>)> {
    let said = dates.iter().find(|date| !is_over(&date.reading, today));
    let meant = dates.iter().filter(|date| !is_over(&date.reading, today));
    let (mut all, mut doubt) = (Vec::new(), None);
    for date in meant {
        match days(&date.reading, today) {
            Ok(days) => all.extend(days),
            Err(of_date) => doubt = doubt.or(Some(of_date)),
        }
    }
    let mut seen = HashSet::new();
    all.retain(|day| seen.insert(*day));
    let (day, doubt) = match (doubt, all.as_slice()) {
        (Some(doubt), _) => (None, Some((doubt, Vec::new()))),
        (None, []) => (None, Some((Doubt::DayOutOfReach, Vec::new()))),
        (None, [only]) => (Some(*only), None),
        (None, [_, _]) => (None, Some((Doubt::OneOfChoices, all.iter().map(Day::to_string).collect()))),
        (None, _) => (None, Some((Doubt::NotOneDay, Vec::new()))),
    };
    let value = Extracted {
        slot: SlotName::DeliveryDate,
        value: day.map(|day| day.to_string()).unwrap_or_default(),
        raw_range: said.or(dates.first())?.at.clone(),
        exact: day.is_some(),
        flaw: None,
        choices: Vec::new(),
    };
    Some((value, doubt))
}

fn is_over(reading: &Reading, today: Day) -> bool {
    match reading {
        Reading::One(period) => period.end < today,
        Reading::Either(periods) => periods.iter().all(|period| period.end < today),
        Reading::NoSuchDay => false,
    }
}

/// The days to come that a date may mean, one or two; or why it means none.
fn days(reading: &Reading, today: Day) -> Result<Vec<Day>, Doubt> {
    let ahead = |day: &Day| (today..=today.plus(AHEAD_DAYS_MAX)).contains(day);
    let periods = match reading {
        Reading::NoSuchDay => return Err(Doubt::NoSuchDay),
        Reading::One(period) => std::slice::from_ref(period),
        Reading::Either(periods) => periods,
    };
    let days: Vec<Day> = periods.iter().filter_map(|period| day_of(period, today)).collect();
    if days.is_empty() {
        return Err(Doubt::NotOneDay);
    }
    let days: Vec<Day> = days.into_iter().filter(ahead).collect();
    if days.is_empty() { Err(Doubt::DayOutOfReach) } else { Ok(days) }
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
) -> (bool, Option<InDoubt>) {
    let asked = question.filter(|question| question.slot == SlotName::DeliveryDate);
    match asked.and_then(|question| picked(text, &question.choices)) {
        // ISO dates are in the order of their texts.
        Some(Picked::Choice(day)) if day < today.to_string() => {
            (false, Some((Doubt::DayOutOfReach, Vec::new())))
        }
        Some(Picked::Choice(day)) => {
            let raw_range = 0..text.len();
            let (slot, choices) = (SlotName::DeliveryDate, Vec::new());
            values.push(Extracted { slot, value: day, raw_range, exact: true, flaw: None, choices });
            (true, None)
        }
        Some(Picked::Any) => (true, None),
        None => {
            let Some((value, doubt)) = wanted(dates, today) else {
                // Whatever else was said, the day is still in doubt.
                let again = |question: &Question| Some((question.doubt?, question.choices.clone()));
                return (false, asked.and_then(again));
            };
            values.push(value);
            (false, doubt)
        }
    }
}

/// Keeps the day that was said, for a form that wants one; gives why the one that is known is none.
pub(super) fn keep(slots: &mut Vec<Slot>, heard: &Heard<'_>) -> Option<InDoubt> {
    let is_day = |slot: &Slot| slot.name == SlotName::DeliveryDate;
    let said = heard.values.iter().find(|value| value.slot == SlotName::DeliveryDate && value.exact);
    if let Some(said) = said {
        slots.retain(|slot| !is_day(slot));
        slots.push(slot(said, heard.text));
    }
    // One that was said some days ago may be over by now.
    let today = heard.today.to_string();
    let is_over = slots.iter().any(|slot| is_day(slot) && *slot.value.expose() < today);
    if is_over {
        slots.retain(|slot| !is_day(slot));
    }
    heard.doubt.clone().or_else(|| is_over.then_some((Doubt::DayOutOfReach, Vec::new())))
}

/// What is said to the question which day.
enum Picked {
    /// This one of the choices.
    Choice(String),
    /// Any day will do.
    Any,
}

/// The choice a message names by its place, or that none matters.
fn picked(text: &str, choices: &[String]) -> Option<Picked> {
    if is_indifferent(text) {
        return Some(Picked::Any);
    }
    choices.get(place(text)?).cloned().map(Picked::Choice)
}
