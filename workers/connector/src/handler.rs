//! From a decision to a system's answer. A system that cannot be asked is not an error here but an answer too: the
//! person is told honestly.

use std::sync::Arc;

use peyvand::{
    event::{
        Decision, Envelope, Operation, OperationStatus, OperationUpdated, Order, SlotName, StockLevel,
        TurnDecided,
    },
    topics,
    worker::{Emit, Handler, HandlerError, Outcome},
};

use crate::{sap::Sap, target::TargetError};

/// Orders listed at once.
const ORDERS_MAX: usize = 10;

/// Carries operations out on the systems of record.
pub struct Connector {
    sap: Arc<Sap>,
    target: String,
}

struct Answer {
    orders: Vec<Order>,
    stock: Vec<StockLevel>,
}

impl Connector {
    /// A connector with one SAP target of this name.
    pub fn new(sap: Arc<Sap>, target: impl Into<String>) -> Self {
        Self { sap, target: target.into() }
    }

    async fn ask(
        &self,
        operation: Operation,
        subject: &str,
        turn: &TurnDecided,
    ) -> Result<Option<Answer>, TargetError> {
        Ok(match operation {
            Operation::OrderStatus => {
                let order = self.sap.order(subject, turn.language).await?;
                order.map(|order| Answer { orders: vec![order], stock: Vec::new() })
            }
            Operation::OrderList => {
                let orders = self.sap.orders_of_same_customer(subject, ORDERS_MAX).await?;
                orders.map(|orders| Answer { orders, stock: Vec::new() })
            }
            Operation::StockLevel => {
                let stock = self.sap.stock(subject, turn.language).await?;
                (!stock.is_empty()).then_some(Answer { orders: Vec::new(), stock })
            }
        })
    }
}

impl Handler for Connector {
    const GROUP: &'static str = "connector";
    type In = TurnDecided;
    type State = ();

    async fn handle(&self, input: &Envelope<TurnDecided>, (): ()) -> Result<Outcome<()>, HandlerError> {
        let turn = &input.event;
        if turn.decision != Decision::Execute {
            return Ok(Outcome::default());
        }
        let operation =
            turn.operation.ok_or(HandlerError::Permanent("a decision to execute names no operation"))?;
        let wanted = match operation {
            Operation::OrderStatus | Operation::OrderList => SlotName::OrderNumber,
            Operation::StockLevel => SlotName::Product,
        };
        let subject =
            turn.slot(wanted).ok_or(HandlerError::Permanent("a decision to execute lacks its slot"))?;
        let answer = self.ask(operation, subject, turn).await;
        let status = match &answer {
            Ok(Some(_)) => OperationStatus::Found,
            Ok(None) => OperationStatus::NotFound,
            Err(_) => OperationStatus::Failed,
        };
        let failure = answer.as_ref().err().map(TargetError::failure);
        let found = answer.ok().flatten().unwrap_or(Answer { orders: Vec::new(), stock: Vec::new() });
        let updated = OperationUpdated {
            tenant: turn.tenant.clone(),
            conversation_id: turn.conversation_id.clone(),
            turn_id: turn.turn_id,
            channel: turn.channel.clone(),
            language: turn.language,
            operation,
            target: self.target.clone(),
            status,
            failure,
            subject: Some(subject.to_owned().into()),
            orders: found.orders,
            stock: found.stock,
        };
        Ok(Outcome { emit: vec![Emit::new(topics::OPERATION_UPDATED, updated)], ..Outcome::default() })
    }
}
