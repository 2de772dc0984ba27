//! Sales orders: what SAP's letters, schedule lines and dates mean to the customer who asks.

use std::collections::HashMap;

use peyvand::event::{ORDERS_MAX, Order, OrderItem, OrderProgress};
use peyvand::language::script::Language;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::ORDERS;
use super::http::Http;
use super::names::Names;
use super::odata::{Collection, Day, Number, literal, plain, text};
use crate::target::TargetError;

const NUMBER_DIGITS_MAX: usize = 10;
/// Orders asked for at once: with their items and lines they surely fit into one answer.
const BATCH: usize = 10;
/// Items and lines below an order.
const EXPAND: (&str, &str) = ("$expand", "to_Item,to_Item/to_ScheduleLine");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawOrder {
    sales_order: String,
    #[serde(default, deserialize_with = "text")]
    sold_to_party: String,
    sales_order_date: Option<Day>,
    creation_date: Option<Day>,
    requested_delivery_date: Option<Day>,
    total_net_amount: Option<Number>,
    #[serde(default, deserialize_with = "text")]
    transaction_currency: String,
    #[serde(default, deserialize_with = "text")]
    overall_delivery_status: String,
    #[serde(default, rename = "OverallSDDocumentRejectionSts", deserialize_with = "text")]
    rejection: String,
    #[serde(default, rename = "to_Item")]
    items: Collection<RawItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawItem {
    sales_order_item: String,
    #[serde(default, deserialize_with = "text")]
    sales_order_item_text: String,
    #[serde(default, deserialize_with = "text")]
    material: String,
    requested_quantity: Number,
    #[serde(default, deserialize_with = "text")]
    requested_quantity_unit: String,
    #[serde(default, rename = "SalesDocumentRjcnReason", deserialize_with = "text")]
    rejection_reason: String,
    #[serde(default, rename = "to_ScheduleLine")]
    lines: Collection<RawLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawLine {
    confirmed_delivery_date: Option<Day>,
    #[serde(rename = "ConfdOrderQtyByMatlAvailCheck")]
    confirmed: Option<Number>,
    #[serde(rename = "DeliveredQtyInOrderQtyUnit")]
    delivered: Option<Number>,
}

/// An item with its lines at hand.
struct Item {
    raw: RawItem,
    lines: Vec<RawLine>,
}

/// An order number as SAP shows it, without leading zeros; none when no order can be called so.
pub(super) fn number(given: &str) -> Option<&str> {
    let digits =
        !given.is_empty() && given.len() <= NUMBER_DIGITS_MAX && given.bytes().all(|b| b.is_ascii_digit());
    let number = given.trim_start_matches('0');
    (digits && !number.is_empty()).then_some(number)
}

/// One order with its items.
pub(super) async fn one(
    http: &Http,
    names: &Names,
    number: &str,
    language: Language,
) -> Result<Option<Order>, TargetError> {
    let Some(mut raw) = find(http, number, &[EXPAND]).await? else { return Ok(None) };
    let items = items(http, &mut raw).await?;
    let materials: Vec<&str> = items.iter().map(|item| item.raw.material.as_str()).collect();
    let names = names.of(http, &materials, language).await?;
    let mut order = order(http, &raw, &items)?;
    order.items = items.iter().map(|item| order_item(http, item, &names)).collect::<Result<_, _>>()?;
    Ok(Some(order))
}

/// The newest orders of the customer who owns an order.
pub(super) async fn of_same_customer(
    http: &Http,
    number: &str,
    limit: usize,
) -> Result<Option<Vec<Order>>, TargetError> {
    let Some(given) = find(http, number, &[]).await? else { return Ok(None) };
    // An empty customer would match everybody's orders.
    if given.sold_to_party.is_empty() {
        return Err(http.line.unreadable());
    }
    let limit = limit.min(ORDERS_MAX + 1);
    let mut orders: Vec<Order> = Vec::new();
    while orders.len() < limit {
        let (known, wanted) = (orders.len(), BATCH.min(limit - orders.len()));
        let batch = batch_of(http, &given.sold_to_party, known, wanted).await?;
        let came = batch.len();
        for mut raw in batch.into_iter().take(wanted) {
            let items = items(http, &mut raw).await?;
            let next = order(http, &raw, &items)?;
            // What was ordered meanwhile has moved the others on.
            if !orders.iter().any(|order| order.number == next.number) {
                orders.push(next);
            }
        }
        // A system that passes over `$skip` has nothing new for us.
        if came < wanted || orders.len() == known {
            break;
        }
    }
    Ok(Some(orders))
}

/// Some of a customer's orders, the newest first.
async fn batch_of(
    http: &Http,
    customer: &str,
    skip: usize,
    top: usize,
) -> Result<Vec<RawOrder>, TargetError> {
    let filter = format!("SoldToParty eq {}", literal(customer));
    let (skip, top) = (skip.to_string(), top.to_string());
    let newest = ("$orderby", "SalesOrderDate desc,SalesOrder desc");
    let options = [("$filter", filter.as_str()), newest, ("$skip", &skip), ("$top", &top), EXPAND];
    let batch: Vec<RawOrder> = http.list(http.url(ORDERS, &["A_SalesOrder"], &options)).await?;
    // A system that passes over the filter must not show one customer another's orders.
    if batch.iter().any(|raw| plain(&raw.sold_to_party) != plain(customer)) {
        return Err(http.line.unreadable());
    }
    Ok(batch)
}

async fn find(http: &Http, number: &str, options: &[(&str, &str)]) -> Result<Option<RawOrder>, TargetError> {
    let key = format!("A_SalesOrder({})", literal(number));
    let raw: Option<RawOrder> = http.record(&http.url(ORDERS, &[&key], options)).await?;
    match raw {
        Some(raw) if plain(&raw.sales_order) != number => Err(http.line.unreadable()),
        raw => Ok(raw),
    }
}

/// Takes the items out of an order, asking for what did not come with it.
async fn items(http: &Http, order: &mut RawOrder) -> Result<Vec<Item>, TargetError> {
    let key = format!("A_SalesOrder({})", literal(&order.sales_order));
    let own = http.url(ORDERS, &[&key, "to_Item"], &[("$expand", "to_ScheduleLine")]);
    let mut items = Vec::new();
    for mut raw in http.children(std::mem::take(&mut order.items), own).await? {
        let (number, item) = (literal(&order.sales_order), literal(&raw.sales_order_item));
        let key = format!("A_SalesOrderItem(SalesOrder={number},SalesOrderItem={item})");
        let own = http.url(ORDERS, &[&key, "to_ScheduleLine"], &[]);
        let lines = http.children(std::mem::take(&mut raw.lines), own).await?;
        items.push(Item { raw, lines });
    }
    Ok(items)
}

/// The order without its items.
fn order(http: &Http, raw: &RawOrder, items: &[Item]) -> Result<Order, TargetError> {
    let ordered_on = raw.sales_order_date.or(raw.creation_date).ok_or_else(|| http.line.unreadable())?;
    let net_amount = raw.total_net_amount.ok_or_else(|| http.line.unreadable())?;
    let progress = progress(&raw.overall_delivery_status, &raw.rejection);
    Ok(Order {
        number: plain(&raw.sales_order).to_owned(),
        progress,
        ordered_on: ordered_on.0.to_string(),
        delivery_on: delivery_on(progress, raw, items).map(|day| day.0.to_string()),
        net_amount: net_amount.0.to_string(),
        currency: raw.transaction_currency.clone(),
        items: Vec::new(),
    })
}

/// SAP's letters mean something else in every field: here A nothing, B a part, C the whole.
fn progress(delivery: &str, rejection: &str) -> OrderProgress {
    match (rejection, delivery) {
        ("C", _) => OrderProgress::Rejected,
        (_, "A") => OrderProgress::Open,
        (_, "B") => OrderProgress::PartlyDelivered,
        (_, "C") => OrderProgress::Delivered,
        (_, _) => OrderProgress::Unknown,
    }
}

/// The day on which the last confirmed open part comes; the asked day where nothing open is confirmed.
fn delivery_on(progress: OrderProgress, raw: &RawOrder, items: &[Item]) -> Option<Day> {
    match progress {
        OrderProgress::Delivered | OrderProgress::Rejected => None,
        OrderProgress::Open | OrderProgress::PartlyDelivered | OrderProgress::Unknown => {
            let standing = items.iter().filter(|item| item.raw.rejection_reason.is_empty());
            let confirmed = standing.flat_map(|item| &item.lines).filter(|line| line.is_open());
            confirmed.filter_map(|line| line.confirmed_delivery_date).max().or(raw.requested_delivery_date)
        }
    }
}

impl RawLine {
    fn is_open(&self) -> bool {
        self.confirmed.unwrap_or_default().0 > self.delivered.unwrap_or_default().0
    }
}

fn order_item(http: &Http, item: &Item, names: &HashMap<String, String>) -> Result<OrderItem, TargetError> {
    let mut delivered = Decimal::ZERO;
    for line in &item.lines {
        let part = line.delivered.unwrap_or_default().0;
        delivered = delivered.checked_add(part).ok_or_else(|| http.line.unreadable())?;
    }
    let product = plain(&item.raw.material);
    // An item without a material is free text; its text is all there is.
    let fallback = if product.is_empty() { item.raw.sales_order_item_text.as_str() } else { product };
    Ok(OrderItem {
        product: product.to_owned(),
        description: names.get(product).map_or(fallback, String::as_str).to_owned(),
        quantity: item.raw.requested_quantity.0.normalize().to_string(),
        delivered: delivered.normalize().to_string(),
        unit: item.raw.requested_quantity_unit.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_number_has_one_to_ten_digits_and_loses_its_leading_zeros() {
        for (given, read) in
            [("45001", Some("45001")), ("0000045001", Some("45001")), ("4500100000", Some("4500100000"))]
        {
            assert_eq!(number(given), read);
        }
        for wrong in
            ["", "0", "0000000000", "00000045001", "45 001", "45001'", "-1", "+1", "۴۵۰۰۱", "4500x", "1e5"]
        {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_unknown_letter_is_told_as_unknown() {
        for (delivery, rejection, expected) in [
            ("A", "A", OrderProgress::Open),
            ("B", "B", OrderProgress::PartlyDelivered),
            ("C", "", OrderProgress::Delivered),
            ("", "C", OrderProgress::Rejected),
            ("A", "C", OrderProgress::Rejected),
            ("", "A", OrderProgress::Unknown),
            ("Z", "A", OrderProgress::Unknown),
        ] {
            assert_eq!(progress(delivery, rejection), expected, "{delivery:?} {rejection:?}");
        }
    }

    fn delivery(json: &str) -> Option<String> {
        let mut raw: RawOrder = serde_json::from_str(json).unwrap();
        let Collection::Page { results, .. } = std::mem::take(&mut raw.items) else { panic!("no items") };
        let items: Vec<Item> = results
            .into_iter()
            .map(|mut raw| match std::mem::take(&mut raw.lines) {
                Collection::Page { results, .. } => Item { raw, lines: results },
                Collection::Deferred => panic!("no lines"),
            })
            .collect();
        delivery_on(progress(&raw.overall_delivery_status, &raw.rejection), &raw, &items)
            .map(|day| day.0.to_string())
    }

    fn order_json(status: &str, confirmed: &str, reason: &str) -> String {
        format!(
            r#"{{"SalesOrder":"1","OverallDeliveryStatus":"{status}","RequestedDeliveryDate":"/Date(0)/","to_Item":[
            {{"SalesOrderItem":"10","RequestedQuantity":5,"SalesDocumentRjcnReason":"{reason}","to_ScheduleLine":[
            {{"ConfirmedDeliveryDate":"/Date(86400000)/","ConfdOrderQtyByMatlAvailCheck":"2","DeliveredQtyInOrderQtyUnit":"2"}},
            {{"ConfirmedDeliveryDate":{confirmed},"ConfdOrderQtyByMatlAvailCheck":"3","DeliveredQtyInOrderQtyUnit":"1"}}]}}]}}"#
        )
    }

    #[test]
    fn the_delivery_date_is_that_of_the_open_rest_or_else_the_asked_one() {
        let promised = "\"/Date(172800000)/\"";
        assert_eq!(delivery(&order_json("B", promised, "")).as_deref(), Some("1970-01-03"));
        assert_eq!(delivery(&order_json("B", "null", "")).as_deref(), Some("1970-01-01"));
        assert_eq!(delivery(&order_json("B", promised, "02")).as_deref(), Some("1970-01-01"));
        assert_eq!(delivery(&order_json("C", promised, "")), None);
    }
}
