//! What is said to a message: a decision without the message it answers. It is kept, so that it can be said once more.

use peyvand::event::{Answer, Decision, Doubt, Operation, Prompt, Slot, SlotName, TurnDecided};
use serde::{Deserialize, Serialize};

use super::form::of_earlier;

/// Things that one message can ask about.
const EACH_MAX: usize = 5;

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) decision: Decision,
    /// `None`: whatever the message is likely about.
    pub(super) intent: Option<String>,
    pub(super) operation: Option<Operation>,
    pub(super) slots: Vec<Slot>,
    pub(super) asked_slot: Option<SlotName>,
    pub(super) answer: Option<Answer>,
    pub(super) doubt: Option<Doubt>,
    pub(super) choices: Vec<String>,
    pub(super) resumed: Option<Prompt>,
    pub(super) page: u16,
}

impl Said {
    pub(super) fn new(decision: Decision, slots: Vec<Slot>) -> Self {
        Self {
            decision,
            intent: None,
            operation: None,
            slots,
            asked_slot: None,
            answer: None,
            doubt: None,
            choices: Vec::new(),
            resumed: None,
            page: 0,
        }
    }

    pub(super) fn answer(answer: Answer, slots: Vec<Slot>) -> Self {
        Self { answer: Some(answer), ..Self::new(Decision::Answer, slots) }
    }

    /// What was open, asked once more.
    pub(super) fn of_prompt(intent: Option<&str>, prompt: Prompt) -> Self {
        let Prompt { decision, operation, slots, asked_slot, doubt, choices } = prompt;
        Self {
            intent: intent.map(ToOwned::to_owned),
            operation: Some(operation),
            asked_slot,
            doubt,
            choices,
            ..Self::new(decision, slots.iter().map(of_earlier).collect())
        }
    }

    /// Whether a system is asked or written to.
    pub(super) fn executes(&self, operation: Operation) -> bool {
        self.decision == Decision::Execute && self.operation == Some(operation)
    }

    /// The same for each of the things a read is asked about, when it can be asked about one only; what is resumed comes last.
    pub(super) fn each(self) -> Vec<Self> {
        let name = match self.operation.filter(|_| self.decision == Decision::Execute) {
            Some(Operation::OrderStatus) => SlotName::OrderNumber,
            Some(Operation::StockLevel) => SlotName::Product,
            Some(
                Operation::OrderList
                | Operation::SalesOrderCreate
                | Operation::CaseCreate
                | Operation::CallbackRequest,
            )
            | None => return vec![self],
        };
        let (things, others): (Vec<Slot>, Vec<Slot>) =
            self.slots.iter().cloned().partition(|slot| slot.name == name);
        if things.len() < 2 {
            return vec![self];
        }
        let mut each: Vec<Self> = things
            .into_iter()
            .take(EACH_MAX)
            .map(|thing| {
                let slots = std::iter::once(thing).chain(others.iter().cloned()).collect();
                Self { slots, resumed: None, ..self.clone() }
            })
            .collect();
        if let Some(last) = each.last_mut() {
            last.resumed = self.resumed;
        }
        each
    }

    /// As the decision about a message.
    pub(super) fn decided(self, base: &TurnDecided) -> TurnDecided {
        TurnDecided {
            decision: self.decision,
            intent: self.intent.or_else(|| base.intent.clone()),
            operation: self.operation,
            slots: self.slots,
            asked_slot: self.asked_slot,
            answer: self.answer,
            doubt: self.doubt,
            choices: self.choices,
            resumed: self.resumed,
            page: self.page,
            ..base.clone()
        }
    }
}
