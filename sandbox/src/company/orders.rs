//! A sales order as the company thinks of it, and the records it becomes: header, items and schedule lines whose statuses
//! always follow from what was ordered, confirmed, delivered and rejected.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{CURRENCY, Company};
use crate::sap::model::Set;
use crate::sap::value::Value;

/// One sales order.
pub(crate) struct Order {
    pub(crate) number: u32,
    pub(crate) kind: String,
    pub(crate) organization: String,
    pub(crate) channel: String,
    pub(crate) division: String,
    pub(crate) customer: String,
    pub(crate) customer_reference: String,
    pub(crate) created: Date,
    pub(crate) created_by: &'static str,
    pub(crate) changed_ms: i64,
    pub(crate) requested: Date,
    pub(crate) payment_terms: String,
    pub(crate) billing_block: String,
    pub(crate) delivery_block: String,
    pub(crate) state: OrderState,
    pub(crate) items: Vec<OrderItem>,
}

/// Whether the order stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderState {
    Standing,
    /// Delivered quantities are billed too.
    Billed,
    Rejected,
}

/// One line of an order.
pub(crate) struct OrderItem {
    pub(crate) number: String,
    pub(crate) material: String,
    pub(crate) group: String,
    pub(crate) text: String,
    pub(crate) unit: String,
    pub(crate) net: Decimal,
    pub(crate) plant: String,
    pub(crate) schedule: Vec<ScheduleLine>,
}

/// One promised part of a line.
pub(crate) struct ScheduleLine {
    pub(crate) quantity: Decimal,
    /// None while nothing is promised.
    pub(crate) confirmed: Option<Date>,
    pub(crate) delivered: Decimal,
}

/// SAP's letters of progress.
const NOTHING: &str = "A";
const PARTLY: &str = "B";
const WHOLLY: &str = "C";

impl OrderItem {
    fn ordered(&self) -> Decimal {
        self.schedule.iter().map(|line| line.quantity).sum()
    }

    fn confirmed(&self) -> Decimal {
        self.schedule.iter().filter(|line| line.confirmed.is_some()).map(|line| line.quantity).sum()
    }

    fn delivery(&self) -> &'static str {
        let delivered: Decimal = self.schedule.iter().map(|line| line.delivered).sum();
        if delivered.is_zero() {
            NOTHING
        } else if delivered < self.ordered() {
            PARTLY
        } else {
            WHOLLY
        }
    }
}

impl Order {
    /// Puts the order into the tables.
    pub(crate) fn record(&self, company: &mut Company) {
        company.changed_at(self.changed_ms);
        let number = self.number.to_string();
        for item in &self.items {
            self.record_item(company, &number, item);
        }
        let rejected = self.state == OrderState::Rejected;
        let delivery = if rejected { "" } else { summary(self.items.iter().map(OrderItem::delivery)) };
        let billing = if rejected { "" } else { self.billing(delivery) };
        let process = if rejected || (delivery, billing) == (WHOLLY, WHOLLY) {
            WHOLLY
        } else if delivery == NOTHING {
            NOTHING
        } else {
            PARTLY
        };
        let total: Decimal =
            if rejected { Decimal::ZERO } else { self.items.iter().map(|item| item.net).sum() };
        company.insert(
            Set::SalesOrder,
            vec![
                ("SalesOrder", Value::alpha(&number)),
                ("SalesOrderType", text(&self.kind)),
                ("SalesOrganization", text(&self.organization)),
                ("DistributionChannel", text(&self.channel)),
                ("OrganizationDivision", text(&self.division)),
                ("SoldToParty", Value::alpha(&self.customer)),
                ("CreationDate", Value::date(self.created)),
                ("CreatedByUser", text(self.created_by)),
                ("LastChangeDate", Value::Date(crate::sap::value::day_of(self.changed_ms))),
                ("LastChangeDateTime", Value::Instant(self.changed_ms)),
                ("PurchaseOrderByCustomer", text(&self.customer_reference)),
                ("SalesOrderDate", Value::date(self.created)),
                ("TotalNetAmount", money(total)),
                ("OverallDeliveryStatus", text(delivery)),
                ("OverallOrdReltdBillgStatus", text(billing)),
                ("TransactionCurrency", text(CURRENCY)),
                ("RequestedDeliveryDate", Value::date(self.requested)),
                ("HeaderBillingBlockReason", text(&self.billing_block)),
                ("DeliveryBlockReason", text(&self.delivery_block)),
                ("CustomerPaymentTerms", text(&self.payment_terms)),
                ("OverallSDProcessStatus", text(process)),
                ("OverallSDDocumentRejectionSts", text(if rejected { WHOLLY } else { NOTHING })),
            ],
        );
    }

    fn billing(&self, delivery: &'static str) -> &'static str {
        if self.state == OrderState::Billed { delivery } else { NOTHING }
    }

    fn record_item(&self, company: &mut Company, number: &str, item: &OrderItem) {
        let rejected = self.state == OrderState::Rejected;
        let delivery = if rejected { "" } else { item.delivery() };
        let billing = if rejected { "" } else { self.billing(item.delivery()) };
        let process = if rejected { WHOLLY } else { item.delivery() };
        company.insert(
            Set::SalesOrderItem,
            vec![
                ("SalesOrder", Value::alpha(number)),
                ("SalesOrderItem", Value::alpha(&item.number)),
                ("SalesOrderItemCategory", text("TAN")),
                ("SalesOrderItemText", text(&item.text)),
                ("PurchaseOrderByCustomer", text(&self.customer_reference)),
                ("Material", Value::alpha(&item.material)),
                ("RequestedQuantity", Value::Decimal(item.ordered().normalize())),
                ("RequestedQuantityUnit", text(&item.unit)),
                ("ConfdDelivQtyInOrderQtyUnit", Value::Decimal(item.confirmed().normalize())),
                ("TransactionCurrency", text(CURRENCY)),
                ("NetAmount", money(item.net)),
                ("MaterialGroup", text(&item.group)),
                ("ProductionPlant", text(&item.plant)),
                ("StorageLocation", text("101A")),
                ("ShippingPoint", text(&item.plant)),
                ("SalesDocumentRjcnReason", text(if rejected { "02" } else { "" })),
                ("SDProcessStatus", text(process)),
                ("DeliveryStatus", text(delivery)),
                ("OrderRelatedBillingStatus", text(billing)),
            ],
        );
        for (index, line) in item.schedule.iter().enumerate() {
            self.record_line(company, number, item, (index + 1, line));
        }
    }

    fn record_line(
        &self,
        company: &mut Company,
        number: &str,
        item: &OrderItem,
        (index, line): (usize, &ScheduleLine),
    ) {
        let promised = if line.confirmed.is_some() { line.quantity } else { Decimal::ZERO };
        let open = (promised - line.delivered).max(Decimal::ZERO);
        company.insert(
            Set::ScheduleLine,
            vec![
                ("SalesOrder", Value::alpha(number)),
                ("SalesOrderItem", Value::alpha(&item.number)),
                ("ScheduleLine", Value::alpha(&index.to_string())),
                ("RequestedDeliveryDate", Value::date(self.requested)),
                ("ConfirmedDeliveryDate", line.confirmed.map_or(Value::Null, Value::date)),
                ("OrderQuantityUnit", text(&item.unit)),
                ("ScheduleLineOrderQuantity", Value::Decimal(line.quantity.normalize())),
                ("ConfdOrderQtyByMatlAvailCheck", Value::Decimal(promised.normalize())),
                ("DeliveredQtyInOrderQtyUnit", Value::Decimal(line.delivered.normalize())),
                ("OpenConfdDelivQtyInOrdQtyUnit", Value::Decimal(open.normalize())),
            ],
        );
    }
}

/// The letter of the whole out of the letters of its parts.
fn summary(parts: impl Iterator<Item = &'static str>) -> &'static str {
    let parts: Vec<&str> = parts.collect();
    if parts.iter().all(|part| *part == WHOLLY) {
        WHOLLY
    } else if parts.iter().all(|part| *part == NOTHING) {
        NOTHING
    } else {
        PARTLY
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Amounts stand with two decimal places on the wire.
fn money(mut amount: Decimal) -> Value {
    amount.rescale(2);
    Value::Decimal(amount)
}
