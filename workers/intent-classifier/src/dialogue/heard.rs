//! What of a message counts in a dialogue: its values, its meaning, and the parts it can be taken apart in.

use std::ops::Range;

use peyvand::{
    assistant::{Assistant, Intent, IntentKind},
    event::{Answer, Doubt, Slot, SlotName},
    language::{
        classifier::Classification,
        dates::{Day, FoundDate},
        slots::Extracted,
    },
};

use super::{
    Read,
    day::{self, InDoubt},
    form::{slot, wants},
    open::Question,
    words::{place, unit_place, words},
};

/// Wishes of one message that are followed.
const WISHES_MAX: usize = 3;

/// A part of a message that may be a wish of its own, at its place in the original.
pub(crate) struct Part {
    pub(crate) at: Range<usize>,
    pub(crate) meaning: Classification,
}

/// What of a message counts.
pub(super) struct Heard<'a> {
    pub(super) text: &'a str,
    pub(super) values: Vec<Extracted>,
    pub(super) meaning: &'a Classification,
    /// Whether one of the offered choices was picked.
    pub(super) picked: bool,
    /// Why the day that was said is none, and which it may be.
    pub(super) doubt: Option<InDoubt>,
    pub(super) today: Day,
    pub(super) now_ms: i64,
    describes: bool,
    dates: Vec<FoundDate>,
    parts: &'a [Part],
}

impl<'a> Heard<'a> {
    pub(super) fn new(text: &'a str, question: Option<&Question>, read: &'a Read, now_ms: i64) -> Self {
        let mut values = read.values.clone();
        let (picked, doubt) = match question.and_then(|question| amount(text, question)) {
            Some(amount) => {
                values.push(amount);
                (true, None)
            }
            None => day::hear(text, question, &read.dates, read.today, &mut values),
        };
        Self {
            text,
            values,
            meaning: &read.meaning,
            picked,
            doubt,
            today: read.today,
            now_ms,
            describes: question.is_some_and(Question::describes),
            dates: read.dates.clone(),
            parts: &read.parts,
        }
    }

    /// What was said, as far as it counts: a description only where it was asked for, a day only where one is wanted.
    pub(super) fn slots(&self) -> Vec<Slot> {
        let counts = |value: &&Extracted| {
            value.slot != SlotName::DeliveryDate && (value.slot != SlotName::Description || self.describes)
        };
        self.values.iter().filter(counts).map(|value| slot(value, self.text)).collect()
    }

    /// Whether the message is values and nothing else: an answer, whatever it resembles.
    pub(super) fn is_bare(&self) -> bool {
        self.rest().is_empty()
    }

    /// The words of the message without its values.
    pub(super) fn rest(&self) -> String {
        rest(self.text, &self.values)
    }

    /// The wishes of a message that has several; what goes with none of them makes it one wish.
    pub(super) fn several<'m>(&'m self, assistant: &'m Assistant) -> Vec<(&'m Intent, Heard<'m>)> {
        let wish = |part: &'m Part| {
            let best = part.meaning.ranked.first().filter(|_| part.meaning.in_scope)?;
            Some((part, assistant.intent(&best.intent)?))
        };
        let meant: Option<Vec<_>> = self.parts.iter().map(wish).collect();
        let Some(mut meant) = meant else { return Vec::new() };
        // A greeting before a wish is none.
        meant.retain(|(_, intent)| match intent.kind {
            IntentKind::Operation(_) | IntentKind::Answer(Answer::NotConnected) => true,
            IntentKind::Answer(_) => false,
        });
        let differ = |(at, one): (usize, &(&Part, &Intent))| {
            meant[..at]
                .iter()
                .all(|(part, intent)| intent.name != one.1.name || self.differ(part, one.0, intent))
        };
        if meant.len() > WISHES_MAX || !meant.iter().enumerate().all(differ) {
            return Vec::new();
        }
        meant.into_iter().map(|(part, intent)| (intent, self.part(part))).collect()
    }

    /// Whether two wishes for the same are about different things.
    fn differ(&self, one: &Part, other: &Part, intent: &Intent) -> bool {
        let of = |part: &Part| -> Vec<&str> {
            let counts = |value: &&Extracted| within(value, &part.at) && wants(intent, value.slot);
            self.values.iter().filter(counts).map(|value| value.value.as_str()).collect()
        };
        let (one, other) = (of(one), of(other));
        !one.is_empty() && !other.is_empty() && one != other
    }

    fn part<'m>(&'m self, part: &'m Part) -> Heard<'m> {
        let values = self.values.iter().filter(|v| within(v, &part.at)).cloned().collect();
        let dates = self.dates.iter().filter(|date| part.at.contains(&date.at.start)).cloned().collect();
        Heard { meaning: &part.meaning, parts: &[], ..self.with(values, dates) }
    }

    /// The message as if it said only this.
    pub(super) fn with(&self, mut values: Vec<Extracted>, dates: Vec<FoundDate>) -> Heard<'a> {
        values.retain(|value| value.slot != SlotName::DeliveryDate);
        let (picked, doubt) = day::hear(self.text, None, &dates, self.today, &mut values);
        Heard {
            text: self.text,
            values,
            meaning: self.meaning,
            picked,
            doubt,
            today: self.today,
            now_ms: self.now_ms,
            describes: false,
            dates,
            parts: &[],
        }
    }

    /// Nothing that is said now, at the same time.
    pub(super) fn silent(&self) -> Heard<'a> {
        Heard { text: "", ..self.with(Vec::new(), Vec::new()) }
    }

    /// The dates of the message.
    pub(super) fn dates(&self) -> &[FoundDate] {
        &self.dates
    }
}

/// The amount that is picked where its unit was asked for: the one in Tomans stands first.
fn amount(text: &str, question: &Question) -> Option<Extracted> {
    if question.doubt != Some(Doubt::WhichUnit) {
        return None;
    }
    let value = question.choices.get(place(text).or_else(|| unit_place(text))?)?.clone();
    let (slot, raw_range) = (question.slot, 0..text.len());
    Some(Extracted { slot, value, raw_range, exact: true, flaw: None, choices: Vec::new() })
}

/// The words of a text without values.
pub(super) fn rest(text: &str, values: &[Extracted]) -> String {
    let in_value = |at: usize| values.iter().any(|value| value.raw_range.contains(&at));
    words(&text.char_indices().filter(|(at, _)| !in_value(*at)).map(|(_, c)| c).collect::<String>())
}

fn within(value: &Extracted, at: &Range<usize>) -> bool {
    at.contains(&value.raw_range.start)
}
