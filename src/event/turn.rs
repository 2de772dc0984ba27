//! What the intent-classifier made of a message.

use serde::{Deserialize, Serialize};

use super::{ChannelName, ConversationId, EventId, Operation, TenantId, event};
use crate::{
    language::{normal::NORMAL_FORM_VERSION, script::Language, slots::SlotName},
    privacy::Sensitive,
};

/// The decision about one turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnDecided {
    /// Whose assistant is spoken to.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The message that began the turn.
    pub turn_id: EventId,
    /// The channel the message came by.
    pub channel: ChannelName,
    /// The language to answer in.
    pub language: Language,
    /// What is to happen.
    pub decision: Decision,
    /// The best intent, in scope or not.
    #[serde(default)]
    pub intent: Option<String>,
    /// The classifier's confidence in the intent, 0 to 1.
    pub confidence: f64,
    /// Hash of the catalogue the classifier was trained on, so that a replay can be explained.
    pub catalogue_hash: String,
    /// What to do, when the decision is to execute or to ask.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// What is known for it.
    #[serde(default)]
    pub slots: Vec<Slot>,
    /// What the person is asked for, when the decision is to ask.
    #[serde(default)]
    pub asked_slot: Option<SlotName>,
    /// What is answered at once, when the decision is to answer.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// Why a value is asked for that was said, when the decision is to ask.
    #[serde(default)]
    pub doubt: Option<Doubt>,
    /// The values that may be meant, or the intents, when it is to be asked which.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What was under way before this, and is asked again once this is answered.
    #[serde(default)]
    pub resumed: Option<Prompt>,
    /// Which part of a long result is shown, from 0.
    #[serde(default)]
    pub page: u16,
    /// The tone to answer in.
    #[serde(default)]
    pub stage: Stage,
    /// The likeliest intents, at most [`RANKED_MAX`], the likeliest first.
    #[serde(default)]
    pub ranked: Vec<RankedIntent>,
    /// What understood the message.
    #[serde(default)]
    pub backend: Backend,
    /// Version of the normal form the message was read in.
    #[serde(default)]
    pub normal_form: u16,
    /// The earlier messages that are parts of this turn; it answers them too.
    #[serde(default)]
    pub parts: Vec<EventId>,
    /// When the message was written, as its channel recorded it (milliseconds since 1970-01-01 UTC); 0 when it is not known.
    #[serde(default)]
    pub said_at_ms: i64,
}
event!(TurnDecided, "turn_decided");

impl TurnDecided {
    /// A decision about which nothing more is known yet.
    pub fn bare(
        (tenant, conversation_id): (TenantId, ConversationId),
        turn_id: EventId,
        channel: ChannelName,
        language: Language,
        decision: Decision,
    ) -> Self {
        Self {
            tenant,
            conversation_id,
            turn_id,
            channel,
            language,
            decision,
            intent: None,
            confidence: 1.0,
            catalogue_hash: String::new(),
            operation: None,
            slots: Vec::new(),
            asked_slot: None,
            answer: None,
            doubt: None,
            choices: Vec::new(),
            resumed: None,
            page: 0,
            stage: Stage::default(),
            ranked: Vec::new(),
            backend: Backend::default(),
            normal_form: NORMAL_FORM_VERSION,
            parts: Vec::new(),
            said_at_ms: 0,
        }
    }

    /// The value of a slot, when it is known.
    pub fn slot(&self, name: SlotName) -> Option<&str> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.expose().as_str())
    }
}

/// Likeliest intents that a decision names.
pub const RANKED_MAX: usize = 3;

/// A question that was open before, to be asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// To ask or to confirm.
    pub decision: Decision,
    /// What it is asked for.
    pub operation: Operation,
    /// What is known for the operation.
    #[serde(default)]
    pub slots: Vec<Slot>,
    /// What the person is asked for, when the decision is to ask.
    #[serde(default)]
    pub asked_slot: Option<SlotName>,
    /// Why a value is asked for that was said.
    #[serde(default)]
    pub doubt: Option<Doubt>,
    /// The values that may be meant.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// An intent and how likely it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedIntent {
    /// Its name.
    pub intent: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// What understands messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The classifier that is always there.
    #[default]
    BuiltIn,
    /// A server of embeddings.
    Embeddings,
    /// A server of a language model.
    Chat,
}

/// How near a person is to the company, as far as the conversation shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is known.
    #[default]
    Lead,
    /// Asks about what could be bought.
    Prospect,
    /// Has bought.
    Customer,
    /// Has bought and complains.
    AtRisk,
}

/// What is to happen with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A slot is missing: ask for it.
    Ask,
    /// Everything is known: the connector carries the operation out.
    Execute,
    /// Small talk or help: answered without any system.
    Answer,
    /// Nothing this assistant can do.
    OutOfScope,
    /// Everything is known and something would be written: ask whether to do it.
    Confirm,
    /// It may mean one of several things: ask which.
    Clarify,
}

/// The small talk that needs no system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A greeting.
    Greeting,
    /// A farewell.
    Farewell,
    /// Thanks.
    Thanks,
    /// What can you do?
    Help,
    /// A form was given up.
    Cancelled,
    /// A yes or a no to nothing.
    NothingAsked,
    /// Everything was forgotten, and it begins anew.
    Restarted,
    /// It was understood, and no system is connected that does it.
    NotConnected,
    /// The write that was asked for last is under way, or done.
    UnderWay,
}

/// Why something that was said is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// No calendar has such a day.
    NoSuchDay,
    /// The day is over, or too far away.
    DayOutOfReach,
    /// A week or a month was said, and one day is needed.
    NotOneDay,
    /// It may be one of several: the choices.
    OneOfChoices,
    /// The person was not understood again and again: somebody else may.
    NotUnderstood,
    /// Its check digits do not fit.
    NotValid,
    /// An amount without Toman or Rial.
    WhichUnit,
}

/// One value taken from the person's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which value.
    pub name: SlotName,
    /// In normal form, ready for a system.
    pub value: Sensitive<String>,
    /// As the person wrote it.
    pub raw: Sensitive<String>,
    /// Where it begins in the message, in bytes of its UTF-8; `None` when an earlier message said it.
    #[serde(default)]
    pub start: Option<i32>,
    /// Where it ends in the message (not included).
    #[serde(default)]
    pub end: Option<i32>,
}
