//! One turn of a dialogue, decided purely: the message's values and meaning and what is remembered of the conversation
//! go in, a decision and what is to be remembered come out.

use peyvand::{
    assistant::{Assistant, Intent, IntentKind},
    event::{Answer, Decision, Envelope, MessageReceived, Operation, Slot, SlotName, TurnDecided},
    language::{
        classifier::{Classification, Model},
        script::{Language, detect},
        slots::{Extracted, SlotKind},
    },
};
use serde::{Deserialize, Serialize};

/// Confidence from which an intent is taken.
const ACCEPT: f32 = 0.5;
/// Confidence from which a message that answers nothing leaves an open question.
const SWITCH: f32 = 0.8;

/// What is remembered of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    language: Option<Language>,
    asked: Option<Question>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Question {
    intent: String,
    slot: SlotName,
    tries: u8,
}

impl Dialogue {
    /// What kind of value the person was asked for.
    pub fn asked_kind(&self) -> Option<SlotKind> {
        self.asked.as_ref().map(|question| question.slot.into())
    }
}

/// Decides one turn.
pub(crate) fn decide(
    assistant: &Assistant,
    model: &Model,
    input: &Envelope<MessageReceived>,
    values: &[Extracted],
    meaning: &Classification,
    mut state: Dialogue,
) -> (TurnDecided, Dialogue) {
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
        slots: values.iter().map(|value| slot(value, text)).collect(),
        asked_slot: None,
        answer: None,
    };
    let question = state.asked.take();
    match chosen(assistant, meaning, values, question.as_ref()) {
        None => {}
        Some((intent, tries)) => match intent.kind {
            IntentKind::Answer(answer) => {
                turn.decision = Decision::Answer;
                turn.answer = Some(answer);
            }
            IntentKind::Operation(operation) => {
                state.asked = fill(&mut turn, intent, operation, tries);
            }
        },
    }
    (turn, state)
}

/// The intent to follow and how often its open slot was asked for already.
fn chosen<'a>(
    assistant: &'a Assistant,
    meaning: &Classification,
    values: &[Extracted],
    question: Option<&Question>,
) -> Option<(&'a Intent, u8)> {
    let best = meaning.ranked.first();
    let by_meaning = |least: f32| {
        best.filter(|best| meaning.in_scope && best.confidence >= least)
            .and_then(|best| assistant.intent(&best.intent))
    };
    let Some(question) = question else { return by_meaning(ACCEPT).map(|intent| (intent, 0)) };
    let asked = assistant.intent(&question.intent)?;
    let wanted: SlotKind = question.slot.into();
    if values.iter().any(|value| value.slot == wanted) {
        return Some((by_meaning(SWITCH).filter(|other| wants(other, question.slot)).unwrap_or(asked), 0));
    }
    match by_meaning(SWITCH) {
        Some(other) if other.name != asked.name => Some((other, 0)),
        Some(_) | None => Some((asked, question.tries)),
    }
}

fn wants(intent: &Intent, slot: SlotName) -> bool {
    intent.slots.iter().any(|spec| spec.name == slot)
}

/// Executes when every required slot is known; else asks for the first missing one, as long as its tries allow.
fn fill(turn: &mut TurnDecided, intent: &Intent, operation: Operation, tries: u8) -> Option<Question> {
    turn.intent = Some(intent.name.clone());
    turn.operation = Some(operation);
    let missing = intent.slots.iter().find(|spec| spec.required && turn.slot(spec.name).is_none());
    match missing {
        None => {
            turn.decision = Decision::Execute;
            None
        }
        Some(spec) if tries >= spec.max_tries => {
            turn.decision = Decision::Answer;
            turn.answer = Some(Answer::Help);
            None
        }
        Some(spec) => {
            turn.decision = Decision::Ask;
            turn.asked_slot = Some(spec.name);
            Some(Question { intent: intent.name.clone(), slot: spec.name, tries: tries + 1 })
        }
    }
}

fn slot(value: &Extracted, text: &str) -> Slot {
    let raw = text.get(value.raw_range.clone()).unwrap_or_default();
    Slot { name: value.slot.into(), value: value.value.clone().into(), raw: raw.to_owned().into() }
}
