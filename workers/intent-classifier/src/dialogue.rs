//! One turn of a dialogue, decided purely: the message's values and meaning and what is remembered of the conversation
//! go in, a decision and what is to be remembered come out. Nothing is written to a system before the person has said yes to
//! exactly that, and a yes counts only for the proposal that stands.

mod consent;
mod context;
mod day;
#[cfg(test)]
mod tests;

use peyvand::{
    assistant::{Assistant, Intent, IntentKind},
    event::{
        Answer, Backend, Decision, Doubt, Envelope, MessageReceived, Operation, RANKED_MAX, RankedIntent,
        Slot, SlotName, Stage, TurnDecided,
    },
    language::{
        classifier::{Classification, Model, Ranked},
        dates::{Day, FoundDate},
        normal::NORMAL_FORM_VERSION,
        script::{Language, detect},
        slots::Extracted,
    },
};
use serde::{Deserialize, Serialize};

use self::{
    consent::{Consent, consent, is_cancel},
    context::Mentioned,
    day::InDoubt,
};

/// Confidence from which an intent is taken.
const ACCEPT: f32 = 0.5;
/// Confidence from which a message that answers nothing leaves an open question.
const SWITCH: f32 = 0.8;
/// How long a proposal stands and a description is waited for, by the times of the messages.
const PROPOSAL_MS: i64 = 10 * 60 * 1000;
/// How often a proposal is said again when the answer is neither yes nor no.
const PROPOSALS_MAX: u8 = 2;

/// What is remembered of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    language: Option<Language>,
    asked: Option<Question>,
    #[serde(default)]
    proposed: Option<Proposal>,
    #[serde(default)]
    mentioned: Option<Mentioned>,
}

/// A value that a form lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Question {
    intent: String,
    slot: SlotName,
    tries: u8,
    /// What the form has already.
    #[serde(default)]
    known: Vec<Slot>,
    /// When it was asked.
    #[serde(default)]
    at_ms: i64,
    /// Why a day that was said was none, and what was offered.
    #[serde(default)]
    doubt: Option<Doubt>,
    #[serde(default)]
    choices: Vec<String>,
}

/// A write that waits for a yes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Proposal {
    intent: String,
    slots: Vec<Slot>,
    at_ms: i64,
    times: u8,
}

impl Dialogue {
    /// The language of the conversation so far.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// What kind of value the person was asked for.
    pub fn asked_kind(&self) -> Option<SlotName> {
        self.asked.as_ref().map(|question| question.slot)
    }
}

/// What one turn is about.
struct Form<'a> {
    intent: &'a Intent,
    operation: Operation,
    tries: u8,
    known: Vec<Slot>,
}

/// What the reading of a message gave.
pub(crate) struct Read {
    /// Its values but for dates.
    pub(crate) values: Vec<Extracted>,
    /// Its dates, at their places in the original.
    pub(crate) dates: Vec<FoundDate>,
    /// What it is likely about.
    pub(crate) meaning: Classification,
    /// Which day it was written.
    pub(crate) today: Day,
}

/// What of a message counts for a form.
struct Heard<'a> {
    text: &'a str,
    values: Vec<Extracted>,
    meaning: &'a Classification,
    /// Why the day that was said is none, and which it may be.
    doubt: Option<InDoubt>,
    today: Day,
    now_ms: i64,
}

/// Decides one turn.
pub(crate) fn decide(
    assistant: &Assistant,
    model: &Model,
    input: &Envelope<MessageReceived>,
    read: Read,
    state: Dialogue,
) -> (TurnDecided, Dialogue) {
    let (turn, mut state) = decided(assistant, model, input, read, state);
    if let Some(order) = turn.slots.iter().find(|slot| slot.name == SlotName::OrderNumber) {
        state.mentioned = Some(Mentioned::new(order.clone(), input.occurred_at_ms));
    }
    (turn, state)
}

fn decided(
    assistant: &Assistant,
    model: &Model,
    input: &Envelope<MessageReceived>,
    read: Read,
    mut state: Dialogue,
) -> (TurnDecided, Dialogue) {
    let Read { mut values, dates, meaning, today } = read;
    let message = &input.event;
    let text = message.text.expose();
    let language = detect(text).or(state.language).or(message.language).unwrap_or_default();
    state.language = Some(language);
    let best = meaning.ranked.first();
    let mut turn = TurnDecided {
        tenant: message.tenant.clone(),
        conversation_id: message.conversation_id.clone(),
        turn_id: input.event_id,
        channel: message.channel.clone(),
        language,
        decision: Decision::OutOfScope,
        intent: best.map(|best| best.intent.clone()),
        confidence: best.map_or(0.0, |best| f64::from(best.confidence)),
        catalogue_hash: model.catalogue_hash().to_owned(),
        operation: None,
        slots: Vec::new(),
        asked_slot: None,
        answer: None,
        doubt: None,
        choices: Vec::new(),
        resumed: None,
        page: 0,
        stage: Stage::default(),
        ranked: ranked(&meaning),
        backend: Backend::BuiltIn,
        normal_form: NORMAL_FORM_VERSION,
    };
    let now_ms = input.occurred_at_ms;
    // A word that is older than the proposal says nothing about it.
    let stands = |at_ms: i64| (0..=PROPOSAL_MS).contains(&(now_ms - at_ms));
    let proposed = state.proposed.take().filter(|proposal| stands(proposal.at_ms));
    // Whatever is said days later is no description.
    let describes = |question: &Question| question.slot == SlotName::Description;
    let question = state.asked.take().filter(|question| !describes(question) || stands(question.at_ms));
    let describes = question.as_ref().is_some_and(describes);
    let (picked, doubt) = day::hear(text, question.as_ref(), &dates, today, &mut values);
    turn.slots = slots(&values, describes, text);
    let heard = Heard { text, values, meaning: &meaning, doubt, today, now_ms };
    if describes && consent(text) == Some(Consent::No) || question.is_some() && is_cancel(text) {
        // Every other message is the description, whatever it resembles.
        turn.decision = Decision::Answer;
        turn.answer = Some(Answer::Cancelled);
        return (turn, state);
    }
    if let Some(proposal) = proposed
        && answered(assistant, &mut turn, &mut state, &proposal, &heard)
    {
        return (turn, state);
    }
    match chosen(assistant, &heard, question.as_ref(), picked) {
        None => {}
        Some((intent, tries, known)) => match intent.kind {
            IntentKind::Answer(answer) => {
                turn.decision = Decision::Answer;
                turn.answer = Some(answer);
            }
            IntentKind::Operation(operation) => {
                let form = Form { intent, operation, tries, known };
                fill(&mut turn, &mut state, form, &heard);
            }
        },
    }
    (turn, state)
}

/// What the message says about a proposal; `false` when it is about something else, and the proposal falls.
fn answered(
    assistant: &Assistant,
    turn: &mut TurnDecided,
    state: &mut Dialogue,
    proposal: &Proposal,
    heard: &Heard<'_>,
) -> bool {
    let Heard { text, values, meaning, .. } = heard;
    let Some(intent) = assistant.intent(&proposal.intent) else { return false };
    let IntentKind::Operation(operation) = intent.kind else { return false };
    match consent(text) {
        Some(Consent::Yes) => {
            turn.intent = Some(intent.name.clone());
            turn.operation = Some(operation);
            turn.slots = proposal.slots.clone();
            turn.decision = Decision::Execute;
            return true;
        }
        Some(Consent::No) => {
            turn.decision = Decision::Answer;
            turn.answer = Some(Answer::Cancelled);
            return true;
        }
        None => {}
    }
    let best = meaning.ranked.first();
    let something_else =
        best.is_some_and(|best| meaning.in_scope && best.confidence >= SWITCH && best.intent != intent.name);
    if something_else {
        return false;
    }
    let corrects = values.iter().any(|value| wants(intent, value.slot));
    if !corrects && proposal.times >= PROPOSALS_MAX {
        turn.decision = Decision::Answer;
        turn.answer = Some(Answer::Cancelled);
        return true;
    }
    let form = Form { intent, operation, tries: 0, known: proposal.slots.clone() };
    fill(turn, state, form, heard);
    if let Some(again) = state.proposed.as_mut().filter(|_| !corrects) {
        again.times = proposal.times + 1;
    }
    true
}

/// The intent to follow, how often its open slot was asked for already, and what is known for it.
fn chosen<'a>(
    assistant: &'a Assistant,
    heard: &Heard<'_>,
    question: Option<&Question>,
    picked: bool,
) -> Option<(&'a Intent, u8, Vec<Slot>)> {
    let Heard { text, values, meaning, .. } = heard;
    let best = meaning.ranked.first();
    let by_meaning = |least: f32| {
        best.filter(|best| meaning.in_scope && best.confidence >= least)
            .and_then(|best| assistant.intent(&best.intent))
    };
    let Some(question) = question else { return by_meaning(ACCEPT).map(|intent| (intent, 0, Vec::new())) };
    let asked = assistant.intent(&question.intent)?;
    let wanted = question.slot;
    let stay = |tries| (asked, tries, question.known.clone());
    if picked {
        return Some(stay(0));
    }
    if values.iter().any(|value| value.slot == wanted) {
        // What was said again and is still not one thing counts as a try.
        let exact = values.iter().any(|value| value.slot == wanted && value.exact);
        let tries = if exact { 0 } else { question.tries };
        if is_bare(text, values) {
            return Some(stay(tries));
        }
        let other =
            by_meaning(SWITCH).filter(|other| other.name != asked.name && wants(other, question.slot));
        return Some(other.map_or_else(|| stay(tries), |other| (other, 0, Vec::new())));
    }
    match by_meaning(SWITCH) {
        Some(other) if other.name != asked.name => Some((other, 0, Vec::new())),
        Some(_) | None => Some(stay(question.tries)),
    }
}

/// Whether a message is values and nothing else: an answer, whatever it resembles.
fn is_bare(text: &str, values: &[Extracted]) -> bool {
    text.char_indices()
        .filter(|(_, c)| c.is_alphanumeric())
        .all(|(at, _)| values.iter().any(|value| value.raw_range.contains(&at)))
}

fn wants(intent: &Intent, slot: SlotName) -> bool {
    intent.slots.iter().any(|spec| spec.name == slot)
}

/// When every required slot is known: a read is executed, a write proposed. Else the first missing one is asked for, as
/// long as its tries allow.
fn fill(turn: &mut TurnDecided, state: &mut Dialogue, form: Form<'_>, heard: &Heard<'_>) {
    let Form { intent, operation, tries, known } = form;
    let Heard { values, now_ms, .. } = heard;
    let now_ms = *now_ms;
    turn.intent = Some(intent.name.clone());
    turn.operation = Some(operation);
    // A write needs the one thing; a name that several share would be a guess.
    let vague: Vec<&Extracted> = values.iter().filter(|value| operation.is_write() && !value.exact).collect();
    let is_vague = |slot: &Slot| vague.iter().any(|v| v.slot == slot.name && v.value == *slot.value.expose());
    turn.slots.retain(|slot| !is_vague(slot));
    for slot in known {
        let unsaid = vague.iter().all(|v| v.slot != slot.name);
        if turn.slot(slot.name).is_none() && unsaid {
            turn.slots.push(slot);
        }
    }
    if let Some(order) = state.mentioned.as_ref().and_then(|mentioned| mentioned.meant(heard.text, now_ms))
        && intent.slots.iter().any(|spec| spec.required && spec.name == SlotName::OrderNumber)
        && turn.slot(SlotName::OrderNumber).is_none()
    {
        turn.slots.push(order.clone());
    }
    // A day that was said is asked about first: it is fresh in mind.
    let day = intent.slots.iter().find(|spec| spec.name == SlotName::DeliveryDate);
    let in_doubt = day.and_then(|_| day::keep(turn, heard));
    let missing = match &in_doubt {
        Some(_) => day,
        None => intent.slots.iter().find(|spec| spec.required && turn.slot(spec.name).is_none()),
    };
    match missing {
        None if operation.is_write() => {
            state.proposed = Some(propose(turn, intent, now_ms));
        }
        None => turn.decision = Decision::Execute,
        Some(spec) if tries >= spec.max_tries => {
            turn.decision = Decision::Answer;
            turn.answer = Some(Answer::Help);
        }
        Some(spec) => {
            turn.decision = Decision::Ask;
            turn.asked_slot = Some(spec.name);
            let (doubt, choices) = in_doubt.unzip();
            turn.doubt = doubt;
            turn.choices = choices.unwrap_or_default();
            state.asked = Some(Question {
                intent: intent.name.clone(),
                slot: spec.name,
                tries: tries + 1,
                known: turn.slots.iter().filter(|slot| wants(intent, slot.name)).cloned().collect(),
                at_ms: now_ms,
                doubt: turn.doubt,
                choices: turn.choices.clone(),
            });
        }
    }
}

/// What is proposed is what is written: one value of each, the first that was said.
fn propose(turn: &mut TurnDecided, intent: &Intent, now_ms: i64) -> Proposal {
    turn.decision = Decision::Confirm;
    let mut said = Vec::new();
    turn.slots.retain(|slot| {
        let first = wants(intent, slot.name) && !said.contains(&slot.name);
        said.push(slot.name);
        first
    });
    Proposal { intent: intent.name.clone(), slots: turn.slots.clone(), at_ms: now_ms, times: 1 }
}

fn ranked(meaning: &Classification) -> Vec<RankedIntent> {
    let named = |one: &Ranked| RankedIntent { intent: one.intent.clone(), confidence: one.confidence.into() };
    meaning.ranked.iter().take(RANKED_MAX).map(named).collect()
}

/// What was said, as far as it counts: a description only where it was asked for, a day only where one is wanted.
fn slots(values: &[Extracted], describes: bool, text: &str) -> Vec<Slot> {
    let counts = |value: &&Extracted| match value.slot {
        SlotName::Description => describes,
        SlotName::DeliveryDate => false,
        SlotName::OrderNumber
        | SlotName::Product
        | SlotName::Phone
        | SlotName::Email
        | SlotName::Quantity
        | SlotName::Customer
        | SlotName::InvoiceNumber
        | SlotName::TicketNumber
        | SlotName::PurchaseOrderNumber
        | SlotName::Amount
        | SlotName::NationalId
        | SlotName::LegalId
        | SlotName::Iban
        | SlotName::Card
        | SlotName::Person
        | SlotName::LeaveKind => true,
    };
    values.iter().filter(counts).map(|value| slot(value, text)).collect()
}

fn slot(value: &Extracted, text: &str) -> Slot {
    let raw = text.get(value.raw_range.clone()).unwrap_or_default();
    let at = |at: usize| i32::try_from(at).ok();
    Slot {
        name: value.slot,
        value: value.value.clone().into(),
        raw: raw.to_owned().into(),
        start: at(value.raw_range.start),
        end: at(value.raw_range.end),
    }
}
