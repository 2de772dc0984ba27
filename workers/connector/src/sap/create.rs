//! A new sales order. SAP keeps no key of a request, so ours stands in the customer's reference, where it can be searched:
//! a second attempt is made only when the first is proven absent.

use peyvand::event::SlotName;
use serde::{Deserialize, Serialize};

use super::{
    ORDERS,
    http::Http,
    odata::{Collection, Number, json_date, literal, plain, text},
    post::Written,
};
use crate::{
    system::{Looked, Sent},
    target::SalesArea,
    write::Write,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewOrder<'a> {
    sales_order_type: &'a str,
    sales_organization: &'a str,
    distribution_channel: &'a str,
    organization_division: &'a str,
    sold_to_party: &'a str,
    purchase_order_by_customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_delivery_date: Option<String>,
    #[serde(rename = "to_Item")]
    items: [NewItem<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewItem<'a> {
    material: &'a str,
    /// A decimal number as text: SAP refuses a JSON number.
    requested_quantity: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    sales_order: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FoundOrder {
    sales_order: String,
    #[serde(default, deserialize_with = "text")]
    sold_to_party: String,
    #[serde(default, deserialize_with = "text")]
    purchase_order_by_customer: String,
    #[serde(default, rename = "to_Item")]
    items: Collection<WrittenItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenItem {
    #[serde(default, deserialize_with = "text")]
    material: String,
    requested_quantity: Number,
}

/// What an order needs.
struct Wanted<'a> {
    customer: &'a str,
    product: &'a str,
    quantity: &'a str,
    /// In SAP's writing; the system sets one where none is wanted.
    delivery_date: Option<String>,
}

fn wanted(write: &Write) -> Option<Wanted<'_>> {
    Some(Wanted {
        customer: write.slot(SlotName::Customer)?,
        product: write.slot(SlotName::Product)?,
        quantity: write.slot(SlotName::Quantity)?,
        delivery_date: match write.slot(SlotName::DeliveryDate) {
            Some(day) => Some(json_date(day)?),
            None => None,
        },
    })
}

pub(super) async fn send(http: &Http, area: Option<&SalesArea>, write: &Write) -> Sent {
    let Some(area) = area else { return Sent::NotSent(http.line.misconfigured()) };
    let Some(wanted) = wanted(write) else { return Sent::Refused { class: "incomplete" } };
    let order = NewOrder {
        sales_order_type: &area.order_type,
        sales_organization: &area.organization,
        distribution_channel: &area.channel,
        organization_division: &area.division,
        sold_to_party: wanted.customer,
        purchase_order_by_customer: write.id.key(),
        requested_delivery_date: wanted.delivery_date,
        items: [NewItem { material: wanted.product, requested_quantity: wanted.quantity }],
    };
    match http.post::<Created>(ORDERS, "A_SalesOrder", &order).await {
        Written::Created(created) => match reference(&created.sales_order) {
            Some(reference) => Sent::Done { reference },
            None => Sent::MaybeSent(http.line.unreadable()),
        },
        Written::Refused => Sent::Refused { class: "refused_by_system" },
        Written::NotSent(error) => Sent::NotSent(error),
        Written::MaybeSent(error) => Sent::MaybeSent(error),
    }
}

pub(super) async fn reconcile(http: &Http, write: &Write) -> Looked {
    let key = write.id.key();
    let filter = format!("PurchaseOrderByCustomer eq {}", literal(&key));
    let url =
        http.url(ORDERS, &["A_SalesOrder"], &[("$filter", &filter), ("$top", "2"), ("$expand", "to_Item")]);
    match http.list::<FoundOrder>(url).await {
        Err(error) => Looked::CannotTell(error),
        Ok(found) => judge(http, write, &key, found),
    }
}

fn judge(http: &Http, write: &Write, key: &str, found: Vec<FoundOrder>) -> Looked {
    // A system that passes over the filter says nothing about our key.
    if found.iter().any(|order| order.purchase_order_by_customer != key) {
        return Looked::CannotTell(http.line.unreadable());
    }
    match found.as_slice() {
        [] => Looked::Absent,
        [one] if is_wanted(write, one) => match reference(&one.sales_order) {
            Some(reference) => Looked::Found { reference },
            None => Looked::CannotTell(http.line.unreadable()),
        },
        _ => Looked::Different,
    }
}

/// The order's number as a person is told it; none when it is no number of an order.
fn reference(sales_order: &str) -> Option<String> {
    super::orders::number(sales_order).map(ToOwned::to_owned)
}

fn is_wanted(write: &Write, found: &FoundOrder) -> bool {
    let Some(wanted) = wanted(write) else { return false };
    let customer = plain(&found.sold_to_party) == plain(wanted.customer);
    let items = match &found.items {
        // A Gateway that does not expand shows no items; customer and key have to do.
        Collection::Deferred => true,
        Collection::Page { results, .. } => match results.as_slice() {
            [item] => {
                plain(&item.material) == plain(wanted.product)
                    && wanted.quantity.parse().is_ok_and(|quantity| item.requested_quantity.0 == quantity)
            }
            _ => false,
        },
    };
    customer && items
}
