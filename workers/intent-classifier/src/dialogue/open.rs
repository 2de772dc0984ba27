//! What waits for the person's next word: a question, a proposal, or which of several things is meant; and what waits behind
//! it, because the person spoke of something else in between.

use peyvand::{
    assistant::{Assistant, IntentKind},
    event::{Decision, Doubt, Operation, Prompt, Slot, SlotName},
};
use serde::{Deserialize, Serialize};

/// How long a proposal stands and a description is waited for, by the times of the messages.
pub(super) const PROPOSAL_MS: i64 = 10 * 60 * 1000;
/// How long something that was interrupted is come back to.
const INTERRUPTED_MS: i64 = 30 * 60 * 1000;
/// How many things may wait behind what is open: the products of two messages, and some more.
const INTERRUPTED_MAX: usize = 12;

/// What waits for the person's next word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Open {
    Asked(Question),
    Proposed(Proposal),
    Unclear(Unclear),
}

/// A value that a form lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) intent: String,
    pub(super) slot: SlotName,
    pub(super) tries: u8,
    /// What the form has already.
    pub(super) known: Vec<Slot>,
    /// When it was asked.
    pub(super) at_ms: i64,
    /// Why a value that was said is not taken, and what was offered; without a doubt, the name that several things share.
    pub(super) doubt: Option<Doubt>,
    pub(super) choices: Vec<String>,
}

/// A write that waits for a yes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Proposal {
    pub(super) intent: String,
    pub(super) slots: Vec<Slot>,
    pub(super) at_ms: i64,
    /// How often it was said.
    pub(super) times: u8,
}

/// A message that may mean several things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unclear {
    /// What it may mean.
    pub(super) intents: Vec<String>,
    /// What it said.
    pub(super) known: Vec<Slot>,
    pub(super) at_ms: i64,
}

impl Question {
    pub(super) fn describes(&self) -> bool {
        self.slot == SlotName::Description
    }

    /// Whether the person did not ask for it: it was offered, because nothing was understood.
    pub(super) fn is_handoff(&self) -> bool {
        self.doubt == Some(Doubt::NotUnderstood)
    }
}

impl Open {
    /// Whether what is said now can be about it.
    pub(super) fn stands(&self, now_ms: i64) -> bool {
        // A word that is older than the proposal says nothing about it; whatever is said days later is no description.
        let fresh = |at_ms: i64| (0..=PROPOSAL_MS).contains(&(now_ms - at_ms));
        match self {
            Self::Asked(question) => !question.describes() || fresh(question.at_ms),
            Self::Proposed(proposal) => fresh(proposal.at_ms),
            Self::Unclear(unclear) => fresh(unclear.at_ms),
        }
    }

    /// The intent it is about, when that is one.
    pub(super) fn intent(&self) -> Option<&str> {
        match self {
            Self::Asked(question) => Some(&question.intent),
            Self::Proposed(proposal) => Some(&proposal.intent),
            Self::Unclear(_) => None,
        }
    }

    fn at_ms(&mut self) -> &mut i64 {
        match self {
            Self::Asked(question) => &mut question.at_ms,
            Self::Proposed(proposal) => &mut proposal.at_ms,
            Self::Unclear(unclear) => &mut unclear.at_ms,
        }
    }

    /// The same, asked now; with the words for it. `None` when it is not worth it.
    pub(super) fn again(mut self, assistant: &Assistant, now_ms: i64) -> Option<(Self, Prompt)> {
        let prompt = match &self {
            Self::Unclear(_) => return None,
            Self::Asked(question) if question.is_handoff() => return None,
            Self::Asked(question) => Prompt {
                decision: Decision::Ask,
                operation: operation(assistant, &question.intent)?,
                slots: question.known.clone(),
                asked_slot: Some(question.slot),
                doubt: question.doubt,
                choices: question.choices.clone(),
            },
            Self::Proposed(proposal) => Prompt {
                decision: Decision::Confirm,
                operation: operation(assistant, &proposal.intent)?,
                slots: proposal.slots.clone(),
                asked_slot: None,
                doubt: None,
                choices: Vec::new(),
            },
        };
        *self.at_ms() = now_ms;
        Some((self, prompt))
    }
}

/// The operation of an intent that the assistant still has.
pub(super) fn operation(assistant: &Assistant, intent: &str) -> Option<Operation> {
    match assistant.intent(intent)?.kind {
        IntentKind::Operation(operation) => Some(operation),
        IntentKind::Answer(_) => None,
    }
}

/// What waits behind what is open, the last interrupted on top.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Interrupted(Vec<Open>);

impl Interrupted {
    /// This one waits too, for when the others before it are through.
    pub(super) fn push(&mut self, open: Open) {
        if self.0.len() >= INTERRUPTED_MAX {
            self.0.remove(0);
        }
        self.0.push(open);
    }

    /// Those that are about an intent.
    pub(super) fn about(&mut self, intent: &str) -> impl Iterator<Item = &mut Open> {
        self.0.iter_mut().filter(move |open| open.intent() == Some(intent))
    }

    /// Whether the last one is a proposal.
    pub(super) fn proposes_next(&self) -> bool {
        matches!(self.0.last(), Some(Open::Proposed(_)))
    }

    /// The last one that is worth it and not too old, asked now; with the words for it.
    pub(super) fn again(&mut self, assistant: &Assistant, now_ms: i64) -> Option<(Open, Prompt)> {
        while let Some(mut open) = self.0.pop() {
            let fresh = (0..=INTERRUPTED_MS).contains(&(now_ms - *open.at_ms()));
            if let Some(again) = fresh.then(|| open.again(assistant, now_ms)).flatten() {
                return Some(again);
            }
        }
        None
    }
}
