//! What the intent-classifier made of a message.

use serde::{Deserialize, Serialize};

use super::{ChannelName, ConversationId, EventId, Operation, TenantId, event};
use crate::{language::script::Language, privacy::Sensitive};

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
    /// The values that may be meant, when it is to be asked which.
    #[serde(default)]
    pub choices: Vec<String>,
}
event!(TurnDecided, "turn_decided");

impl TurnDecided {
    /// The value of a slot, when it is known.
    pub fn slot(&self, name: SlotName) -> Option<&str> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.expose().as_str())
    }
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
}

/// The values an operation may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotName {
    /// Number of a sales order.
    OrderNumber,
    /// Product by name or SKU.
    Product,
    /// Phone number in E.164.
    Phone,
    /// E-mail address.
    Email,
    /// How much, a decimal number.
    Quantity,
    /// Number of a customer.
    Customer,
    /// What it is about, in the person's own words.
    Description,
    /// The day something is wanted on, `2026-11-26`.
    DeliveryDate,
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
}
