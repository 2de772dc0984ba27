//! What a system of record said to an operation. Vendor-neutral: no field here knows which ERP it came from.

use serde::{Deserialize, Serialize};

use super::{ChannelName, ConversationId, EventId, Prompt, Stage, TenantId, event};
use crate::{language::script::Language, privacy::Sensitive};

/// An operation took a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationUpdated {
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
    /// What was asked of the system.
    pub operation: Operation,
    /// The target that was asked.
    pub target: String,
    /// The step.
    pub status: OperationStatus,
    /// Why, when the status is failed.
    #[serde(default)]
    pub failure: Option<FailureKind>,
    /// What was looked for, as the person may see it again: an order number, a product.
    #[serde(default)]
    pub subject: Option<Sensitive<String>>,
    /// The orders found, newest first: one above [`ORDERS_MAX`] says that there are more.
    #[serde(default)]
    pub orders: Vec<Order>,
    /// The stock found, one entry a product and plant.
    #[serde(default)]
    pub stock: Vec<StockLevel>,
    /// What a write is called until the system has given it a number.
    #[serde(default)]
    pub tracking: Option<String>,
    /// The number that the system has given to what was written, when the status is done.
    #[serde(default)]
    pub reference: Option<Sensitive<String>>,
    /// What was under way before this was asked, and is asked again now.
    #[serde(default)]
    pub resumed: Option<Prompt>,
    /// Which part of a long result is shown, from 0.
    #[serde(default)]
    pub page: u16,
    /// The tone to answer in.
    #[serde(default)]
    pub stage: Stage,
    /// The earlier messages that are parts of this turn; it answers them too.
    #[serde(default)]
    pub parts: Vec<EventId>,
    /// When the message was written, as its channel recorded it (milliseconds since 1970-01-01 UTC); 0 when it is not known.
    #[serde(default)]
    pub said_at_ms: i64,
}
event!(OperationUpdated, "operation_updated");

/// A vendor-neutral thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// Where one order stands.
    #[serde(rename = "order_status")]
    OrderStatus,
    /// The latest orders of the customer who owns a given order.
    #[serde(rename = "order_list")]
    OrderList,
    /// What of a product is in stock.
    #[serde(rename = "stock_level")]
    StockLevel,
    /// A new sales order.
    #[serde(rename = "sales_order_create")]
    SalesOrderCreate,
    /// A new case of the customer service.
    #[serde(rename = "case_create")]
    CaseCreate,
    /// Somebody of the company calls the person.
    #[serde(rename = "callback_request")]
    CallbackRequest,
}

impl Operation {
    /// Its name in topics, files and rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderStatus => "order_status",
            Self::OrderList => "order_list",
            Self::StockLevel => "stock_level",
            Self::SalesOrderCreate => "sales_order_create",
            Self::CaseCreate => "case_create",
            Self::CallbackRequest => "callback_request",
        }
    }

    /// Whether it changes something in a system. A write is confirmed by the person, goes through the outbox and happens
    /// once; a read is asked at once.
    pub const fn is_write(self) -> bool {
        match self {
            Self::OrderStatus | Self::OrderList | Self::StockLevel => false,
            Self::SalesOrderCreate | Self::CaseCreate | Self::CallbackRequest => true,
        }
    }
}

/// The steps an operation can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// The system answered, here is what it has.
    Found,
    /// The system answered: there is no such thing.
    NotFound,
    /// The system could not be asked.
    Failed,
    /// A write is intended and kept; it will be sent, and its result told.
    Accepted,
    /// The system has what was written.
    Done,
    /// The system will not have it; nothing was written.
    Refused,
    /// It may or may not be written; a person has to look.
    Unknown,
}

/// Why a system could not be asked, as far as the person needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It does not answer.
    Unavailable,
    /// It did not answer in time.
    Slow,
    /// It asks us to come back later.
    Busy,
    /// It does not accept us: our credentials or rights are wrong.
    Misconfigured,
    /// Its answer cannot be understood.
    Unreadable,
}

/// Orders of a list that a person may page through.
pub const ORDERS_MAX: usize = 50;

/// A sales order as a customer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number without leading zeros.
    pub number: String,
    /// How far it is.
    pub progress: OrderProgress,
    /// Calendar date, `YYYY-MM-DD`.
    pub ordered_on: String,
    /// The date on which the open rest is confirmed, `YYYY-MM-DD`; the asked date where nothing is confirmed.
    #[serde(default)]
    pub delivery_on: Option<String>,
    /// Net amount, a decimal number.
    pub net_amount: String,
    /// ISO 4217.
    pub currency: String,
    /// Its items; empty in a list of orders.
    #[serde(default)]
    pub items: Vec<OrderItem>,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderProgress {
    /// Nothing delivered yet.
    Open,
    /// A part is delivered.
    PartlyDelivered,
    /// Everything is delivered.
    Delivered,
    /// Rejected or cancelled.
    Rejected,
    /// The system's code is unknown to us.
    Unknown,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// SKU.
    pub product: String,
    /// Its name in the language of the turn, or the SKU.
    pub description: String,
    /// Ordered, a decimal number.
    pub quantity: String,
    /// Delivered so far, a decimal number.
    pub delivered: String,
    /// The system's unit code.
    pub unit: String,
}

/// Unrestricted stock of a product in a plant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// SKU.
    pub product: String,
    /// Its name in the language of the turn, or the SKU.
    pub description: String,
    /// The plant's code.
    pub plant: String,
    /// Free to sell, a decimal number.
    pub quantity: String,
    /// The system's unit code.
    pub unit: String,
}
