//! From a decision to a system's answer, or to a write that is kept for the relay. A system that cannot be asked is not an
//! error here but an answer too: the person is told honestly. Nothing is written to a system here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use peyvand::{
    event::{
        Decision, Envelope, ORDERS_MAX, Operation, OperationStatus, OperationUpdated, Order, SlotName,
        StockLevel, TurnDecided,
    },
    topics,
    worker::{Emit, Handler, HandlerError, OnFailure, Outcome, longer_than},
};

use tokio::sync::{Notify, watch};

use crate::{
    sap::Sap,
    target::TargetError,
    write::{Told, Write},
};

/// What is read of a list of orders: one more than is shown, which says that there are others.
const ORDERS_READ_MAX: usize = ORDERS_MAX + 1;

/// Carries operations out on the systems of record.
pub struct Connector {
    sap: Arc<Sap>,
    target: String,
    routes: HashMap<Operation, Route>,
}

/// Where an operation is written.
pub(crate) struct Route {
    pub(crate) target: String,
    /// Wakes the target's relay.
    pub(crate) wake: Arc<Notify>,
    /// Whether so many writes wait for the target that no more are taken.
    pub(crate) is_full: watch::Receiver<bool>,
}

/// What is asked of a system and about what.
#[derive(Clone, Copy)]
enum Question<'a> {
    OrderStatus(&'a str),
    OrderList(&'a str),
    StockLevel(&'a str),
}

impl Question<'_> {
    fn subject(&self) -> &str {
        match self {
            Self::OrderStatus(subject) | Self::OrderList(subject) | Self::StockLevel(subject) => subject,
        }
    }
}

struct Answer {
    orders: Vec<Order>,
    stock: Vec<StockLevel>,
}

impl Connector {
    /// A connector that asks one SAP target of this name, and writes by these routes.
    pub(crate) fn new(sap: Arc<Sap>, target: String, routes: HashMap<Operation, Route>) -> Self {
        Self { sap, target, routes }
    }

    async fn ask(&self, question: Question<'_>, turn: &TurnDecided) -> Result<Option<Answer>, TargetError> {
        Ok(match question {
            Question::OrderStatus(number) => {
                let order = self.sap.order(number, turn.language).await?;
                order.map(|order| Answer { orders: vec![order], stock: Vec::new() })
            }
            Question::OrderList(number) => {
                let orders = self.sap.orders_of_same_customer(number, ORDERS_READ_MAX).await?;
                orders.map(|orders| Answer { orders, stock: Vec::new() })
            }
            Question::StockLevel(product) => {
                let stock = self.sap.stock(product, turn.language).await?;
                (!stock.is_empty()).then_some(Answer { orders: Vec::new(), stock })
            }
        })
    }

    async fn read(
        &self,
        operation: Operation,
        question: Question<'_>,
        turn: &TurnDecided,
    ) -> OperationUpdated {
        let answer = self.ask(question, turn).await;
        let status = match &answer {
            Ok(Some(_)) => OperationStatus::Found,
            Ok(None) => OperationStatus::NotFound,
            Err(_) => OperationStatus::Failed,
        };
        let failure = answer.as_ref().err().map(TargetError::failure);
        let found = answer.ok().flatten().unwrap_or(Answer { orders: Vec::new(), stock: Vec::new() });
        OperationUpdated {
            tenant: turn.tenant.clone(),
            conversation_id: turn.conversation_id.clone(),
            turn_id: turn.turn_id,
            channel: turn.channel.clone(),
            language: turn.language,
            operation,
            target: self.target.clone(),
            status,
            failure,
            subject: Some(question.subject().to_owned().into()),
            orders: found.orders,
            stock: found.stock,
            tracking: None,
            reference: None,
            resumed: turn.resumed.clone(),
            page: turn.page,
            stage: turn.stage,
            parts: turn.parts.clone(),
            said_at_ms: turn.said_at_ms,
        }
    }

    /// Where what was decided is written, if it is a write.
    fn route(&self, turn: &TurnDecided) -> Option<&Route> {
        let executed = turn.operation.filter(|_| turn.decision == Decision::Execute)?;
        self.routes.get(&executed)
    }

    /// Keeps the write with everything else of this step; the relay sends it.
    fn intend(
        &self,
        input: &Envelope<TurnDecided>,
        operation: Operation,
    ) -> Result<Outcome<()>, HandlerError> {
        let route = self
            .routes
            .get(&operation)
            .ok_or(HandlerError::Permanent("no target can do what was decided"))?;
        let write = Write::of(input, operation, &route.target);
        let entry = write.entry().ok_or(HandlerError::Permanent("a write cannot be kept"))?;
        let told = OperationUpdated {
            resumed: input.event.resumed.clone(),
            parts: input.event.parts.clone(),
            ..write.told(&Told::Accepted)
        };
        let accepted = Emit::new(topics::OPERATION_UPDATED, told);
        Ok(Outcome { emit: vec![accepted], entries: vec![entry], ..Outcome::default() })
    }
}

/// What must be known for a write.
const fn needed_for(operation: Operation) -> &'static [SlotName] {
    match operation {
        Operation::SalesOrderCreate => &[SlotName::Customer, SlotName::Product, SlotName::Quantity],
        Operation::CaseCreate => &[SlotName::Description],
        Operation::CallbackRequest => &[SlotName::Phone],
        Operation::OrderStatus | Operation::OrderList | Operation::StockLevel => &[],
    }
}

impl Handler for Connector {
    const GROUP: &'static str = "connector";
    // What a person decides next may follow from what was not done.
    const ON_FAILURE: OnFailure = OnFailure::Hold;
    type In = TurnDecided;
    type State = ();

    fn concerns(&self, turn: &TurnDecided) -> bool {
        turn.decision == Decision::Execute
    }

    async fn handle(&self, input: &Envelope<TurnDecided>, (): ()) -> Result<Outcome<()>, HandlerError> {
        let turn = &input.event;
        let operation =
            turn.operation.ok_or(HandlerError::Permanent("a decision to execute names no operation"))?;
        let needed = |name: SlotName| {
            turn.slot(name).ok_or(HandlerError::Permanent("a decision to execute lacks its slot"))
        };
        let question = match operation {
            Operation::OrderStatus => Question::OrderStatus(needed(SlotName::OrderNumber)?),
            Operation::OrderList => Question::OrderList(needed(SlotName::OrderNumber)?),
            Operation::StockLevel => Question::StockLevel(needed(SlotName::Product)?),
            Operation::SalesOrderCreate | Operation::CaseCreate | Operation::CallbackRequest => {
                for name in needed_for(operation) {
                    needed(*name)?;
                }
                return self.intend(input, operation);
            }
        };
        let updated = self.read(operation, question, turn).await;
        Ok(Outcome { emit: vec![Emit::new(topics::OPERATION_UPDATED, updated)], ..Outcome::default() })
    }

    fn longest(&self) -> Duration {
        longer_than(self.sap.deadline())
    }

    /// While too many wait for the target, a write waits in its lane, and what follows it in the log.
    async fn room(&self, input: &Envelope<TurnDecided>) {
        let Some(route) = self.route(&input.event) else { return };
        if route.is_full.clone().wait_for(|is_full| !is_full).await.is_err() {
            // The relay has ended, and so does this process: the record stays in the log for the next one.
            std::future::pending::<()>().await;
        }
    }

    fn settled(&self, input: &Envelope<TurnDecided>) {
        if let Some(route) = self.route(&input.event) {
            route.wake.notify_one();
        }
    }
}
