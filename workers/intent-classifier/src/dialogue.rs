//! One turn of a dialogue, decided purely: the message's values and meaning and what is remembered of the conversation
//! go in, decisions and what is to be remembered come out. Nothing is written to a system before the person has said yes to
//! exactly that, and a yes counts only for the proposal that stands.

mod command;
mod context;
mod day;
mod form;
mod heard;
mod items;
mod open;
mod said;
mod stage;
#[cfg(test)]
mod tests;
mod turn;
mod words;

use peyvand::{
    assistant::Assistant,
    event::{
        Backend, Decision, Doubt, EventId, OperationUpdated, RANKED_MAX, RankedIntent, SlotName, Stage,
        TurnDecided,
    },
    language::{
        classifier::{Classification, Model, Ranked},
        dates::{Day, FoundDate},
        script::Language,
        slots::Extracted,
    },
};
use serde::{Deserialize, Serialize};

use crate::{burst::Begun, received::Message};

pub(crate) use self::{heard::Part, turn::SWITCH};

use self::{
    context::SpokenOf,
    heard::Heard,
    open::{Interrupted, Open},
    said::Said,
    turn::Turn,
};

/// What is remembered of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    language: Option<Language>,
    #[serde(default)]
    open: Option<Open>,
    #[serde(default)]
    interrupted: Interrupted,
    #[serde(default)]
    spoken_of: SpokenOf,
    /// What was interrupted is come back to behind what a system says to this turn.
    #[serde(default)]
    comes_back: Option<EventId>,
    /// How often in a row the person was not understood.
    #[serde(default)]
    failures: u8,
    /// What was said last, and when.
    #[serde(default)]
    last: Option<(Said, i64)>,
    #[serde(default)]
    stage: Stage,
    /// Parts of a turn that goes on.
    #[serde(default)]
    begun: Begun,
}

impl Dialogue {
    /// The language of the conversation so far.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// What value a number alone means: the one that was asked for, or what a proposal counts.
    pub fn asked_slot(&self) -> Option<SlotName> {
        match &self.open {
            Some(Open::Asked(question)) => Some(question.slot),
            // "Make it 30" corrects it.
            Some(Open::Proposed(proposal)) => {
                proposal.slots.iter().map(|slot| slot.name).find(|name| *name == SlotName::Quantity)
            }
            Some(Open::Unclear(_)) | None => None,
        }
    }

    /// The whole text of a turn that this message ends, and where the message begins in it, in bytes.
    pub(crate) fn whole(&self, text: &str, now_ms: i64) -> (String, usize) {
        match self.begun.until(now_ms) {
            Some(begun) => (begun.before(text), begun.len()),
            None => (text.to_owned(), 0),
        }
    }

    /// Whether a message may be a part: nothing waits for an answer, and not too much was said.
    pub(crate) fn may_begin(&self, now_ms: i64) -> bool {
        self.open.is_none() && !self.begun.until(now_ms).is_some_and(Begun::is_full)
    }

    /// This message is a part of a turn that goes on.
    pub(crate) fn begun(self, message: Message<'_>) -> Self {
        let begun = self.begun.until(message.occurred_at_ms).cloned().unwrap_or_default();
        Self { begun: begun.and(message), ..self }
    }

    /// What was said last, when that is not longer ago.
    fn last_within(&self, ms: i64, now_ms: i64) -> Option<&Said> {
        self.last.as_ref().filter(|(_, at_ms)| (0..=ms).contains(&(now_ms - at_ms))).map(|(said, _)| said)
    }
}

/// After an operation took a step, told at this time: what is remembered, when that changes, and what is asked again behind it.
/// What counts is when the person spoke, so that a replay of old messages comes to the same.
pub(crate) fn after(
    assistant: &Assistant,
    model: &Model,
    update: &OperationUpdated,
    at_ms: i64,
    mut state: Dialogue,
) -> (Option<Dialogue>, Option<TurnDecided>) {
    let at_ms = if update.said_at_ms > 0 { update.said_at_ms } else { at_ms };
    let learned = state.spoken_of.learn(update, at_ms);
    if state.comes_back != Some(update.turn_id) {
        return (learned.then_some(state), None);
    }
    state.comes_back = None;
    if state.open.is_some() {
        // The person went on with something else; it is come back to behind that.
        return (Some(state), None);
    }
    let again = state.interrupted.again(assistant, at_ms);
    let turn = again.map(|(open, prompt)| {
        let said = Said::of_prompt(open.intent(), prompt);
        state.open = Some(open);
        state.last = Some((said.clone(), at_ms));
        said.decided(&come_back_to(model, update))
    });
    (Some(state), turn)
}

/// What a decision that follows from a step of an operation has of that.
fn come_back_to(model: &Model, update: &OperationUpdated) -> TurnDecided {
    let whose = (update.tenant.clone(), update.conversation_id.clone());
    let (channel, language) = (update.channel.clone(), update.language);
    TurnDecided {
        catalogue_hash: model.catalogue_hash().to_owned(),
        stage: update.stage,
        said_at_ms: update.said_at_ms,
        ..TurnDecided::bare(whose, update.turn_id, channel, language, Decision::Ask)
    }
}

/// Whether a decision shows that the message was understood.
pub(crate) fn is_understood(turn: &TurnDecided) -> bool {
    match turn.decision {
        Decision::OutOfScope | Decision::Clarify => false,
        Decision::Ask => turn.doubt != Some(Doubt::NotUnderstood),
        Decision::Execute | Decision::Answer | Decision::Confirm => true,
    }
}

/// Whether a message is a value, a yes, a no or another word to the conversation: what it is likely about does not matter.
pub(crate) fn speaks_for_itself(read: &Read) -> bool {
    let text = read.text.as_str();
    let is_word = words::command(text).is_some() || words::consent(text).is_some() || words::is_cancel(text);
    is_word || heard::rest(text, &read.values).trim().is_empty()
}

/// What the reading of a message gave.
pub(crate) struct Read {
    /// The text of the whole turn, and where its last message begins, in bytes.
    pub(crate) text: String,
    pub(crate) before: usize,
    /// The language it is written in, or that of the conversation.
    pub(crate) language: Language,
    /// Its values but for dates.
    pub(crate) values: Vec<Extracted>,
    /// Its dates, at their places in the original.
    pub(crate) dates: Vec<FoundDate>,
    /// What it is likely about.
    pub(crate) meaning: Classification,
    /// What said so.
    pub(crate) backend: Backend,
    /// The parts it can be taken apart in, when it says several things.
    pub(crate) parts: Vec<Part>,
    /// Which day it was written.
    pub(crate) today: Day,
}

/// Decides one turn: one decision, or several when several things were asked for.
pub(crate) fn decide(
    assistant: &Assistant,
    model: &Model,
    message: Message<'_>,
    read: Read,
    mut state: Dialogue,
) -> (Vec<TurnDecided>, Dialogue) {
    let now_ms = message.occurred_at_ms;
    let begun = std::mem::take(&mut state.begun);
    state.language = Some(read.language);
    let open = state.open.take().filter(|open| open.stands(now_ms));
    if open.is_none() && state.comes_back.is_none() {
        // They waited behind something that is over.
        state.interrupted = Interrupted::default();
    }
    let question = match &open {
        Some(Open::Asked(question)) => Some(question),
        Some(Open::Proposed(_) | Open::Unclear(_)) | None => None,
    };
    let heard = Heard::new(&read.text, question, &read, now_ms);
    let said = Turn { assistant, heard: &heard, state: &mut state, turn_id: message.id }.said(open);
    let said: Vec<Said> = said.into_iter().flat_map(Said::each).collect();
    state.stage = stage::after(state.stage, &said);
    for one in &said {
        state.spoken_of.note(&one.slots, now_ms);
    }
    let parts = begun.until(now_ms).map(Begun::parts).unwrap_or_default().to_vec();
    let base = TurnDecided { parts, ..base(model, message, &read, state.stage) };
    let turns = said.iter().cloned().map(|said| placed(said, read.before).decided(&base)).collect();
    state.last = said.into_iter().next_back().map(|said| (said, now_ms));
    (turns, state)
}

/// With the places of values in the last message; those of earlier ones have none.
fn placed(mut said: Said, before: usize) -> Said {
    let before = i32::try_from(before).unwrap_or(i32::MAX);
    for slot in &mut said.slots {
        let at = slot.start.zip(slot.end).filter(|(start, _)| *start >= before);
        (slot.start, slot.end) = at.map(|(start, end)| (start - before, end - before)).unzip();
    }
    said
}

/// What all decisions about a message have in common.
fn base(model: &Model, message: Message<'_>, read: &Read, stage: Stage) -> TurnDecided {
    let Message { id, occurred_at_ms, event: message } = message;
    let best = read.meaning.ranked.first();
    let named = |one: &Ranked| RankedIntent { intent: one.intent.clone(), confidence: one.confidence.into() };
    let whose = (message.tenant.clone(), message.conversation_id.clone());
    TurnDecided {
        intent: best.map(|best| best.intent.clone()),
        confidence: best.map_or(0.0, |best| f64::from(best.confidence)),
        catalogue_hash: model.catalogue_hash().to_owned(),
        stage,
        ranked: read.meaning.ranked.iter().take(RANKED_MAX).map(named).collect(),
        backend: read.backend,
        said_at_ms: occurred_at_ms,
        ..TurnDecided::bare(whose, id, message.channel.clone(), read.language, Decision::OutOfScope)
    }
}
