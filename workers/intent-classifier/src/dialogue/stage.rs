//! How near a person is to the company, as far as the conversation shows. It changes the tone of an answer and nothing else.

use peyvand::event::{Decision, Operation, SlotName, Stage};

use super::said::Said;

/// The stage after this was said: a person comes nearer, and stays where they are.
pub(super) fn after(before: Stage, said: &[Said]) -> Stage {
    said.iter().filter_map(shown_by).fold(before, Stage::max)
}

fn shown_by(said: &Said) -> Option<Stage> {
    let has_order = said.slots.iter().any(|slot| slot.name == SlotName::OrderNumber);
    Some(match said.operation? {
        Operation::CaseCreate if said.decision == Decision::Execute => Stage::AtRisk,
        Operation::OrderStatus | Operation::OrderList if has_order => Stage::Customer,
        Operation::SalesOrderCreate | Operation::StockLevel => Stage::Prospect,
        Operation::CaseCreate
        | Operation::OrderStatus
        | Operation::OrderList
        | Operation::CallbackRequest => return None,
    })
}
