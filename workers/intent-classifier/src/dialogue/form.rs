//! A form: what must be known for an operation, what was said of it, and what is to be done next. Decided purely.

use peyvand::{
    assistant::{Intent, SlotSpec},
    event::{Doubt, Operation, Slot, SlotName},
    language::slots::{Extracted, Flaw},
};

use super::{
    Heard,
    context::SpokenOf,
    day,
    open::{Proposal, Question},
};

/// What one turn is about.
pub(super) struct Form<'a> {
    pub(super) intent: &'a Intent,
    pub(super) operation: Operation,
    pub(super) tries: u8,
    pub(super) known: Vec<Slot>,
}

/// What is to be done next with a form.
pub(super) enum Filled {
    /// Everything is known.
    Execute(Vec<Slot>),
    /// Something would be written.
    Propose(Proposal),
    /// Something is missing or in doubt; what was said beside it.
    Ask(Question, Vec<Slot>),
    /// It was asked often enough.
    GivenUp(Vec<Slot>),
}

/// When every required slot is known: a read is executed, a write proposed. Else the first missing one is asked for, as
/// long as its tries allow.
pub(super) fn fill(form: Form<'_>, heard: &Heard<'_>, spoken_of: &SpokenOf) -> Filled {
    let Form { intent, operation, tries, known } = form;
    let mut slots = known_now(intent, operation, known, heard, spoken_of);
    // A day that was said is asked about first: it is fresh in mind.
    let day = intent.slots.iter().find(|spec| spec.name == SlotName::DeliveryDate);
    let day_in_doubt = day.and_then(|day| Some((day, day::keep(&mut slots, heard)?)));
    let is_known = |name| slots.iter().any(|slot: &Slot| slot.name == name);
    let in_doubt = day_in_doubt.or_else(|| {
        let flawed = |spec: &&SlotSpec| !is_known(spec.name) && flaw(spec.name, heard).is_some();
        let spec = intent.slots.iter().find(flawed)?;
        Some((spec, flaw(spec.name, heard)?))
    });
    let missing = match &in_doubt {
        Some((spec, _)) => Some(*spec),
        None => intent.slots.iter().find(|spec| spec.required && !is_known(spec.name)),
    };
    let in_doubt = in_doubt.map(|(_, doubt)| doubt);
    match missing {
        None if operation.is_write() => Filled::Propose(propose(slots, intent, heard.now_ms)),
        None => Filled::Execute(slots),
        Some(spec) if tries >= spec.max_tries => Filled::GivenUp(slots),
        Some(spec) => {
            let mut question = ask(intent, spec, tries, &slots, in_doubt, heard.now_ms);
            if question.doubt.is_none() {
                question.choices.extend(vague_name(spec.name, heard));
            }
            Filled::Ask(question, slots)
        }
    }
}

/// Why a value that was said is not taken, and what it may be.
fn flaw(name: SlotName, heard: &Heard<'_>) -> Option<(Doubt, Vec<String>)> {
    let value = heard.values.iter().find(|value| value.slot == name && value.flaw.is_some())?;
    let doubt = match value.flaw? {
        Flaw::NotValid => Doubt::NotValid,
        Flaw::WhichUnit => Doubt::WhichUnit,
    };
    Some((doubt, value.choices.clone()))
}

/// The name that several things share, as it was said: the question is which of them is meant.
fn vague_name(name: SlotName, heard: &Heard<'_>) -> Option<String> {
    let is_vague = |value: &&Extracted| value.slot == name && !value.exact && value.flaw.is_none();
    let value = heard.values.iter().find(is_vague)?;
    heard.text.get(value.raw_range.clone()).map(ToOwned::to_owned)
}

fn ask(
    intent: &Intent,
    spec: &SlotSpec,
    tries: u8,
    slots: &[Slot],
    in_doubt: Option<(Doubt, Vec<String>)>,
    at_ms: i64,
) -> Question {
    let (doubt, choices) = in_doubt.unzip();
    Question {
        intent: intent.name.clone(),
        slot: spec.name,
        tries: tries + 1,
        known: slots.iter().filter(|slot| wants(intent, slot.name)).cloned().collect(),
        at_ms,
        doubt,
        choices: choices.unwrap_or_default(),
    }
}

/// What is known for a form: what was said now, what was said before, and what a word points back to.
fn known_now(
    intent: &Intent,
    operation: Operation,
    known: Vec<Slot>,
    heard: &Heard<'_>,
    spoken_of: &SpokenOf,
) -> Vec<Slot> {
    let mut slots = heard.slots();
    // A write needs the one thing, a name that several share would be a guess; and nothing can be done with what is wrong.
    let is_vague = |value: &&Extracted| !value.exact && (operation.is_write() || value.flaw.is_some());
    let vague: Vec<&Extracted> = heard.values.iter().filter(is_vague).collect();
    slots.retain(|slot| !vague.iter().any(|v| v.slot == slot.name && v.value == *slot.value.expose()));
    // "Not 20 bags, 15": what was said before is no second value.
    let of_name = |slots: &[Slot], name| slots.iter().filter(|slot| slot.name == name).count();
    for old in &known {
        if of_name(&slots, old.name) > 1 {
            slots.retain(|slot| slot.name != old.name || slot.value != old.value);
        }
    }
    let lacks = |slots: &[Slot], name: SlotName| {
        slots.iter().all(|slot| slot.name != name) && vague.iter().all(|value| value.slot != name)
    };
    for slot in known {
        if lacks(&slots, slot.name) {
            slots.push(of_earlier(&slot));
        }
    }
    for spec in intent.slots.iter().filter(|spec| spec.required) {
        if let Some(meant) = spoken_of.meant(spec.name, heard.text, heard.now_ms)
            && lacks(&slots, spec.name)
        {
            slots.push(meant.clone());
        }
    }
    slots
}

/// What is proposed is what is written: one value of each, the first that was said.
fn propose(mut slots: Vec<Slot>, intent: &Intent, at_ms: i64) -> Proposal {
    let mut said = Vec::new();
    slots.retain(|slot| {
        let first = wants(intent, slot.name) && !said.contains(&slot.name);
        said.push(slot.name);
        first
    });
    Proposal { intent: intent.name.clone(), slots, at_ms, times: 1 }
}

pub(super) fn wants(intent: &Intent, slot: SlotName) -> bool {
    intent.slots.iter().any(|spec| spec.name == slot)
}

/// A value with its place in the message.
pub(super) fn slot(value: &Extracted, text: &str) -> Slot {
    // Nobody needs the whole number of a card.
    let is_card = value.slot == SlotName::Card;
    let raw = if is_card { &value.value } else { text.get(value.raw_range.clone()).unwrap_or_default() };
    let at = |at: usize| i32::try_from(at).ok();
    Slot {
        name: value.slot,
        value: value.value.clone().into(),
        raw: raw.to_owned().into(),
        start: at(value.raw_range.start),
        end: at(value.raw_range.end),
    }
}

/// A value that an earlier message said: it has no place in this one.
pub(super) fn of_earlier(slot: &Slot) -> Slot {
    Slot { start: None, end: None, ..slot.clone() }
}
