//! Carries out writes on sales orders: creation with its items, and changes under an ETag. Everything is checked before
//! anything is stored, so a refused request leaves no trace.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::error::SapError;
use super::json::etag;
use super::literal::from_json;
use super::model::{Access, Entity, Set};
use super::table::Row;
use super::value::{Value, day_of, strip_zeros};
use crate::company::{CURRENCY, Company, Order, OrderItem, OrderState, PLANTS, ScheduleLine};
use crate::http::short;

const MAX_ITEMS: usize = 200;
const REQUIRED: [&str; 5] =
    ["SalesOrderType", "SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty"];
const ORDER_TYPES: [&str; 4] = ["OR", "TA", "OAG", "RO"];
/// How many days delivery takes when the customer wishes no date.
const DELIVERY_DAYS: i64 = 5;

/// Creates a sales order with its items and gives its number.
pub(crate) fn create_order(company: &mut Company, body: &[u8]) -> Result<String, SapError> {
    let mut given = object(body)?;
    let items = given.remove("to_Item");
    let header = fields(Set::SalesOrder.entity(), &given, Access::Create)?;
    for name in REQUIRED {
        if text(&header, name).is_empty() {
            return Err(business("V1/309", format!("Enter a value for {name}"), name));
        }
    }
    check_header(company, &header)?;
    let today = company.today();
    let requested =
        date(&header, "RequestedDeliveryDate").unwrap_or(today.saturating_add(DELIVERY_DAYS.days()));
    let confirmed = requested.max(today.saturating_add(2.days()));
    let items = read_items(company, items, confirmed)?;
    let changed_ms = company.change_time();
    let order = Order {
        number: company.take_order_number(),
        kind: text(&header, "SalesOrderType").to_owned(),
        organization: text(&header, "SalesOrganization").to_owned(),
        channel: text(&header, "DistributionChannel").to_owned(),
        division: text(&header, "OrganizationDivision").to_owned(),
        customer: text(&header, "SoldToParty").to_owned(),
        customer_reference: text(&header, "PurchaseOrderByCustomer").to_owned(),
        created: today,
        created_by: "CC0000000001",
        changed_ms,
        requested,
        payment_terms: text(&header, "CustomerPaymentTerms").to_owned(),
        billing_block: text(&header, "HeaderBillingBlockReason").to_owned(),
        delivery_block: text(&header, "DeliveryBlockReason").to_owned(),
        state: OrderState::Standing,
        items,
    };
    order.record(company);
    Ok(order.number.to_string())
}

/// Changes the header of a sales order, if the client knows its present version.
pub(crate) fn change_order(
    company: &mut Company,
    key: &str,
    if_match: Option<&str>,
    body: &[u8],
) -> Result<(), SapError> {
    let entity = Set::SalesOrder.entity();
    let row = company.table(Set::SalesOrder).find(key).ok_or(SapError::NoSuchRecord(entity.name))?;
    check_version(entity, row, if_match)?;
    let given = object(body)?;
    let changes = fields(entity, &given, Access::Change)?;
    let now = company.change_time();
    if let Some(row) = company.table_mut(Set::SalesOrder).find_mut(key) {
        for (name, value) in changes {
            row.set(entity, name, value);
        }
        row.set(entity, "LastChangeDateTime", Value::Instant(now));
        row.set(entity, "LastChangeDate", Value::Date(day_of(now)));
    }
    Ok(())
}

fn check_version(entity: &Entity, row: &Row, if_match: Option<&str>) -> Result<(), SapError> {
    let sent = if_match.ok_or(SapError::PreconditionRequired)?;
    let current = etag(entity, row).unwrap_or_default();
    let fits = sent.split(',').map(str::trim).any(|tag| tag == "*" || tag == current);
    if fits { Ok(()) } else { Err(SapError::PreconditionFailed) }
}

fn check_header(company: &Company, header: &Fields) -> Result<(), SapError> {
    let kind = text(header, "SalesOrderType");
    if !ORDER_TYPES.contains(&kind) {
        return Err(business(
            "V1/312",
            format!("Sales document type {kind} is not defined"),
            "SalesOrderType",
        ));
    }
    let customer = text(header, "SoldToParty");
    if company.table(Set::Partner).find(customer).is_none() {
        return Err(business("V1/019", format!("Sold-to party {customer} does not exist"), "SoldToParty"));
    }
    let currency = text(header, "TransactionCurrency");
    if !currency.is_empty() && currency != CURRENCY {
        let message = format!("Currency {currency} is not maintained for this sales area");
        return Err(business("V1/351", message, "TransactionCurrency"));
    }
    Ok(())
}

fn read_items(company: &Company, items: Option<Json>, confirmed: Date) -> Result<Vec<OrderItem>, SapError> {
    let list = match items {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(list)) => list,
        Some(Json::Object(mut map)) => match map.remove("results") {
            Some(Json::Array(list)) => list,
            Some(_) | None => return Err(SapError::Body("to_Item must be an array".into())),
        },
        Some(_) => return Err(SapError::Body("to_Item must be an array".into())),
    };
    if list.len() > MAX_ITEMS {
        return Err(SapError::Body(format!("an order has at most {MAX_ITEMS} items")));
    }
    let mut read: Vec<OrderItem> = Vec::new();
    for (index, json) in list.into_iter().enumerate() {
        let Json::Object(given) = json else {
            return Err(SapError::Body("each item must be an object".into()));
        };
        let item = read_item(company, &given, (index + 1) * 10, confirmed)?;
        if read.iter().any(|other| other.number == item.number) {
            let message = format!("Item {} stands twice", item.number);
            return Err(business("V1/317", message, "SalesOrderItem"));
        }
        read.push(item);
    }
    Ok(read)
}

fn read_item(
    company: &Company,
    given: &Map<String, Json>,
    number: usize,
    confirmed: Date,
) -> Result<OrderItem, SapError> {
    let fields = fields(Set::SalesOrderItem.entity(), given, Access::Create)?;
    let material = text(&fields, "Material");
    let product = company.price(material).ok_or_else(|| {
        business("V1/382", format!("Material {} is not defined", short(material)), "Material")
    })?;
    let quantity = match field(&fields, "RequestedQuantity") {
        Some(Value::Decimal(quantity)) if *quantity > Decimal::ZERO => *quantity,
        Some(_) | None => {
            return Err(business("V1/327", "Enter a quantity above zero".into(), "RequestedQuantity"));
        }
    };
    let unit = text(&fields, "RequestedQuantityUnit");
    if !unit.is_empty() && unit != product.unit {
        let message = format!("Unit {unit} is not defined for material {}", product.material);
        return Err(business("V1/384", message, "RequestedQuantityUnit"));
    }
    let plant = match text(&fields, "ProductionPlant") {
        "" => PLANTS[0].0,
        plant if PLANTS.iter().any(|(known, _)| *known == plant) => plant,
        plant => {
            let message = format!("Plant {plant} is not defined");
            return Err(business("V1/386", message, "ProductionPlant"));
        }
    };
    let own = text(&fields, "SalesOrderItem");
    let number = if own.is_empty() { number.to_string() } else { strip_zeros(own).to_owned() };
    let own_text = text(&fields, "SalesOrderItemText");
    Ok(OrderItem {
        number,
        material: product.material.clone(),
        group: product.group.clone(),
        text: if own_text.is_empty() { product.text.clone() } else { own_text.to_owned() },
        unit: product.unit.to_owned(),
        net: quantity * product.price,
        plant: plant.to_owned(),
        schedule: vec![ScheduleLine { quantity, confirmed: Some(confirmed), delivered: Decimal::ZERO }],
    })
}

type Fields = Vec<(&'static str, Value)>;

fn object(body: &[u8]) -> Result<Map<String, Json>, SapError> {
    let json: Json = serde_json::from_slice(body).map_err(|error| {
        SapError::Body(format!("not JSON at line {} column {}", error.line(), error.column()))
    })?;
    match json {
        // Some clients send back what they read, envelope and all.
        Json::Object(mut map) if map.len() == 1 && map.contains_key("d") => match map.remove("d") {
            Some(Json::Object(inner)) => Ok(inner),
            Some(_) | None => Err(SapError::Body("an object is expected".into())),
        },
        Json::Object(map) => Ok(map),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(SapError::Body("an object is expected".into()))
        }
    }
}

/// Checks the named values of a body against the entity and against who may write them.
fn fields(entity: &'static Entity, given: &Map<String, Json>, needed: Access) -> Result<Fields, SapError> {
    let mut read = Vec::new();
    for (name, json) in given.iter().filter(|(name, _)| *name != "__metadata") {
        let (_, prop) = entity
            .prop(name)
            .ok_or_else(|| SapError::UnknownProperty { property: short(name), entity: entity.name })?;
        let allowed = match needed {
            Access::Read => true,
            Access::Create => prop.access != Access::Read,
            Access::Change => prop.access == Access::Change,
        };
        if !allowed {
            return Err(SapError::Body(format!("property '{}' may not be written here", prop.name)));
        }
        let value = from_json(json, prop.edm)
            .map_err(|reason| SapError::Body(format!("property '{}': {reason}", prop.name)))?;
        read.push((prop.name, value));
    }
    Ok(read)
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    field(fields, name).and_then(Value::as_text).unwrap_or_default()
}

fn date(fields: &Fields, name: &str) -> Option<Date> {
    match field(fields, name) {
        Some(Value::Date(ms)) => {
            let time = jiff::Timestamp::from_millisecond(*ms).ok()?;
            Some(time.to_zoned(jiff::tz::TimeZone::UTC).date())
        }
        Some(Value::Null | Value::Text(_) | Value::Alpha(_) | Value::Decimal(_) | Value::Instant(_))
        | None => None,
    }
}

fn business(code: &'static str, message: String, target: &'static str) -> SapError {
    SapError::Business { code, message, target }
}
