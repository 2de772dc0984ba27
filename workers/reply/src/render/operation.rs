//! Words for what a system of record said: an order, a list of orders, stock, or why it could not be asked.

use peyvand::event::{
    FailureKind, ORDERS_MAX, Operation, OperationStatus, OperationUpdated, Order, OrderItem, OrderProgress,
    Stage, StockLevel,
};
use peyvand::language::calendar::format_date;
use peyvand::language::number::{decimal, money, persian_digits, plain, sum};
use peyvand::language::script::Language;

use super::words::Words;
use super::{Said, buttons};

/// Most lines of one reply.
const LINES_MAX: usize = 12;
/// Orders of a list shown at once.
const ORDERS_A_PAGE: usize = 5;

pub(super) fn words(say: &Words<'_>, update: &OperationUpdated) -> Said {
    let subject = update.subject.as_ref().map(|subject| subject.expose().as_str()).unwrap_or_default();
    if let Some(tracking) = &update.tracking {
        return write(say, update, tracking).into();
    }
    match (update.status, update.operation) {
        (OperationStatus::Failed, _) => failure(say, update.failure).into(),
        (OperationStatus::NotFound, operation) => not_found(say, operation, subject).into(),
        // A write without its tracking number is not ours; nothing may be promised from it.
        (
            OperationStatus::Accepted
            | OperationStatus::Done
            | OperationStatus::Refused
            | OperationStatus::Unknown,
            _,
        )
        | (
            OperationStatus::Found,
            Operation::SalesOrderCreate | Operation::CaseCreate | Operation::CallbackRequest,
        ) => failure(say, Some(FailureKind::Unreadable)).into(),
        (OperationStatus::Found, Operation::OrderStatus) => match update.orders.first() {
            Some(found) => in_tone(say, update, order(say, found), Some("order-after")),
            None => not_found(say, Operation::OrderStatus, subject).into(),
        },
        (OperationStatus::Found, Operation::OrderList) => list(say, &update.orders, subject, update.page),
        (OperationStatus::Found, Operation::StockLevel) => match update.stock.first() {
            Some(first) => stock(say, update, &first.product),
            None => not_found(say, Operation::StockLevel, subject).into(),
        },
    }
}

/// Something found, in the tone of the stage, and one offer at its end; while a question is open there is nothing to offer.
fn in_tone(say: &Words<'_>, update: &OperationUpdated, text: String, after: Option<&str>) -> Said {
    let offer = after.filter(|_| update.resumed.is_none()).map(|id| say.text(id)).unwrap_or_default();
    let calls = say.stage == Stage::AtRisk && !offer.is_empty();
    let parts = [say.text("found-before"), text, offer];
    let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    Said { text, buttons: calls.then(|| buttons::call_back(say.language)).into_iter().collect() }
}

/// How far a write is.
fn write(say: &Words<'_>, update: &OperationUpdated, tracking: &str) -> String {
    let id = match (update.status, &update.reference) {
        (OperationStatus::Done, Some(number)) => {
            return done(say, update.operation, &plain(number.expose(), say.language), tracking);
        }
        (OperationStatus::Accepted, _) => "write-accepted",
        (OperationStatus::Refused, _) => "write-refused",
        (OperationStatus::Failed, _) => "write-failed",
        (
            OperationStatus::Unknown
            | OperationStatus::Done
            | OperationStatus::Found
            | OperationStatus::NotFound,
            _,
        ) => "write-unknown",
    };
    say.with(id, &[("tracking", tracking)])
}

fn done(say: &Words<'_>, operation: Operation, number: &str, tracking: &str) -> String {
    match operation {
        Operation::SalesOrderCreate => {
            say.with("sales-order-done", &[("number", number), ("tracking", tracking)])
        }
        Operation::CaseCreate => say.with("case-done", &[("number", number), ("tracking", tracking)]),
        Operation::CallbackRequest => say.with("callback-done", &[("tracking", tracking)]),
        // These are never written.
        Operation::OrderStatus | Operation::OrderList | Operation::StockLevel => {
            say.with("write-unknown", &[("tracking", tracking)])
        }
    }
}

fn failure(say: &Words<'_>, kind: Option<FailureKind>) -> String {
    let id = match kind {
        Some(FailureKind::Unavailable) | None => "failed-unavailable",
        Some(FailureKind::Slow) => "failed-slow",
        Some(FailureKind::Busy) => "failed-busy",
        Some(FailureKind::Misconfigured) => "failed-misconfigured",
        Some(FailureKind::Unreadable) => "failed-unreadable",
    };
    say.text(id)
}

fn not_found(say: &Words<'_>, operation: Operation, subject: &str) -> String {
    match operation {
        Operation::OrderStatus | Operation::OrderList => {
            say.with("order-not-found", &[("number", &plain(subject, say.language))])
        }
        Operation::StockLevel => say.with("stock-not-found", &[("product", subject)]),
        Operation::SalesOrderCreate | Operation::CaseCreate | Operation::CallbackRequest => {
            failure(say, Some(FailureKind::Unreadable))
        }
    }
}

fn order(say: &Words<'_>, order: &Order) -> String {
    let id = match order.progress {
        OrderProgress::Open => "order-open",
        OrderProgress::PartlyDelivered => "order-partly-delivered",
        OrderProgress::Delivered => "order-delivered",
        OrderProgress::Rejected => "order-rejected",
        OrderProgress::Unknown => "order-unknown",
    };
    let mut lines = vec![say.with(id, &[("number", &plain(&order.number, say.language))])];
    lines.extend(order.items.iter().take(LINES_MAX).map(|item| item_line(say, item)));
    if let Some(more) = order.items.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        lines.push(counted(say, "order-more-items", more));
    }
    let delivery = match order.progress {
        OrderProgress::PartlyDelivered => Some("order-delivery"),
        OrderProgress::Open | OrderProgress::Unknown => Some("order-delivery-open"),
        OrderProgress::Delivered | OrderProgress::Rejected => None,
    };
    if let (Some(id), Some(date)) = (delivery, &order.delivery_on) {
        lines.push(say.with(id, &[("date", &format_date(date, say.language))]));
    }
    if order.progress != OrderProgress::Rejected {
        lines.push(say.with("order-amount", &[("amount", &amount(say, order))]));
    }
    lines.join("\n")
}

fn amount(say: &Words<'_>, order: &Order) -> String {
    money(&order.net_amount, &order.currency, say.language)
}

fn item_line(say: &Words<'_>, item: &OrderItem) -> String {
    say.with(
        "order-item",
        &[
            ("name", &name(say, &item.description)),
            ("quantity", &decimal(&item.quantity, say.language)),
            ("delivered", &decimal(&item.delivered, say.language)),
            ("unit", &unit(say, &item.unit, &item.quantity)),
            ("delivered_unit", &unit(say, &item.unit, &item.delivered)),
        ],
    )
}

/// A message about so many of something.
fn counted(say: &Words<'_>, id: &str, count: usize) -> String {
    let count = count.to_string();
    say.with(id, &[("n", &count), ("count", &decimal(&count, say.language))])
}

/// A purely Persian name gets Persian digits like the sentence around it; a name with Latin letters keeps its own.
fn name(say: &Words<'_>, description: &str) -> String {
    let latin = description.chars().any(|c| c.is_ascii_alphabetic());
    match say.language {
        Language::Fa if !latin => persian_digits(description),
        Language::Fa | Language::En => description.to_owned(),
    }
}

/// The name of a unit as it stands behind this quantity.
fn unit(say: &Words<'_>, code: &str, quantity: &str) -> String {
    say.maybe(&format!("unit-{code}"), &[("n", &sum([quantity]).unwrap_or_default())])
        .unwrap_or_else(|| code.to_owned())
}

fn plant(say: &Words<'_>, code: &str) -> String {
    say.maybe(&format!("plant-{code}"), &[])
        .unwrap_or_else(|| say.with("plant-other", &[("code", &plain(code, say.language))]))
}

fn list(say: &Words<'_>, orders: &[Order], subject: &str, page: u16) -> Said {
    let subject = plain(subject, say.language);
    if orders.is_empty() {
        return say.with("list-empty", &[("number", &subject)]).into();
    }
    // What is read beyond those that are shown only says that there are more.
    let (orders, beyond) = orders.split_at(orders.len().min(ORDERS_MAX));
    let (_, rest) = orders.split_at(orders.len().min(usize::from(page) * ORDERS_A_PAGE));
    if rest.is_empty() {
        return say.text(if beyond.is_empty() { "list-end" } else { "list-end-older" }).into();
    }
    let head = if page == 0 { "list-head" } else { "list-head-more" };
    let mut lines = vec![say.with(head, &[("number", &subject)])];
    lines.extend(rest.iter().take(ORDERS_A_PAGE).map(|order| order_line(say, order)));
    let mut buttons = Vec::new();
    if let Some(more) = rest.len().checked_sub(ORDERS_A_PAGE).filter(|more| *more > 0) {
        let id = if beyond.is_empty() { "list-more" } else { "list-more-at-least" };
        lines.push(counted(say, id, more));
        buttons.push(buttons::more(say.language));
    } else if !beyond.is_empty() {
        lines.push(say.text("list-end-older"));
    }
    Said { text: lines.join("\n"), buttons }
}

fn order_line(say: &Words<'_>, order: &Order) -> String {
    let progress = match order.progress {
        OrderProgress::Open => "progress-open",
        OrderProgress::PartlyDelivered => "progress-partly-delivered",
        OrderProgress::Delivered => "progress-delivered",
        OrderProgress::Rejected => "progress-rejected",
        OrderProgress::Unknown => "progress-unknown",
    };
    say.with(
        "list-line",
        &[
            ("number", &plain(&order.number, say.language)),
            ("date", &format_date(&order.ordered_on, say.language)),
            ("progress", &say.text(progress)),
            ("amount", &amount(say, order)),
        ],
    )
}

fn stock(say: &Words<'_>, update: &OperationUpdated, product: &str) -> Said {
    let mut lines = Vec::new();
    let (shown, others): (Vec<&StockLevel>, Vec<&StockLevel>) =
        update.stock.iter().partition(|level| level.product == product);
    let description = shown.first().map(|level| name(say, &level.description)).unwrap_or_default();
    let head = [("name", description.as_str()), ("product", product)];
    let total = sum(shown.iter().map(|level| level.quantity.as_str()));
    let is_none = total.as_deref() == Some("0");
    if is_none {
        lines.push(say.with("stock-none", &head));
    } else {
        lines.push(say.with("stock-head", &head));
        lines.extend(shown.iter().take(LINES_MAX).map(|level| stock_line(say, level)));
        let unit_code = shown.first().map(|level| level.unit.as_str()).unwrap_or_default();
        if let (Some(total), true) = (total, shown.len() > 1 && shown.iter().all(|l| l.unit == unit_code)) {
            let unit = unit(say, unit_code, &total);
            let total = decimal(&total, say.language);
            lines.push(say.with("stock-total", &[("quantity", &total), ("unit", &unit)]));
        }
    }
    let mut more: Vec<&str> = others.iter().map(|level| level.product.as_str()).collect();
    more.sort_unstable();
    more.dedup();
    if !more.is_empty() {
        lines.push(counted(say, "stock-more", more.len()));
    }
    // What is not there is not offered, and a question for the exact name is enough.
    let after = (!is_none && more.is_empty()).then_some("stock-after");
    in_tone(say, update, lines.join("\n"), after)
}

fn stock_line(say: &Words<'_>, level: &StockLevel) -> String {
    let quantity = decimal(&level.quantity, say.language);
    let unit = unit(say, &level.unit, &level.quantity);
    say.with("stock-line", &[("plant", &plant(say, &level.plant)), ("quantity", &quantity), ("unit", &unit)])
}
