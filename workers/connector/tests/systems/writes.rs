//! A new order, every way it can fail, and what may be said afterwards: written, not written, or maybe.

use std::time::Duration;

use peyvand::event::{Operation, SlotName};
use peyvand_connector::{
    sap::Sap,
    system::{Looked, Sent, Writer},
    target::{SalesArea, TargetConfig},
    write::Write,
};
use peyvand_sandbox::{Fault, FaultBody};

use crate::{
    support::{ORDERS, Server, World, answer, target},
    turns::{kind, write_of},
};

fn area() -> Option<SalesArea> {
    let text = |text: &str| text.to_owned();
    Some(SalesArea {
        order_type: text("OR"),
        organization: text("1010"),
        channel: text("10"),
        division: text("00"),
    })
}

async fn world() -> World {
    World::with(1_000, |target| TargetConfig { sales_area: area(), ..target }).await
}

fn write(name: &str, customer: &str, quantity: &str) -> Write {
    let slots =
        [(SlotName::Product, "CEM-042"), (SlotName::Quantity, quantity), (SlotName::Customer, customer)];
    write_of(name, Operation::SalesOrderCreate, &slots)
}

fn good() -> Write {
    write("1", "1000000018", "2.5")
}

/// How many orders the system has under the write's key, by its own word.
async fn standing(world: &World, write: &Write) -> usize {
    let filter = format!("PurchaseOrderByCustomer eq '{}'", write.id.key());
    let found = world.raw(&format!("{ORDERS}/A_SalesOrder"), &[("$filter", filter.as_str())]).await;
    found["results"].as_array().unwrap().len()
}

fn at_writes() -> Fault {
    Fault { pattern: "A_SalesOrder".to_owned(), method: Some("POST".to_owned()), ..Fault::default() }
}

#[tokio::test]
async fn a_new_order_gets_a_number_and_is_found_by_our_key() {
    let world = world().await;
    let write = good();
    assert_eq!(world.sap.sales_orders().reconcile(&write).await, Looked::Absent);
    let Sent::Done { reference } = world.sap.sales_orders().send(&write).await else { panic!("not written") };
    assert_eq!(
        world.sap.sales_orders().reconcile(&write).await,
        Looked::Found { reference: reference.clone() }
    );
    let order = world.order(&reference).await.unwrap().unwrap();
    assert_eq!((order.items.len(), order.items[0].quantity.as_str()), (1, "2.5"));
    assert_eq!(standing(&world, &write).await, 1);
}

#[tokio::test]
async fn an_order_is_wanted_on_the_day_that_was_said_and_on_none_where_none_was() {
    let world = world().await;
    let dated = |name: &str, day: &str| {
        let slots = [
            (SlotName::Product, "CEM-042"),
            (SlotName::Quantity, "1"),
            (SlotName::Customer, "1000000018"),
            (SlotName::DeliveryDate, day),
        ];
        write_of(name, Operation::SalesOrderCreate, &slots)
    };
    let write = dated("dated", "2031-03-21");
    let Sent::Done { reference } = world.sap.sales_orders().send(&write).await else { panic!("not written") };
    let order = world.raw(&format!("{ORDERS}/A_SalesOrder('{reference}')"), &[]).await;
    // 21 March 2031, midnight in UTC.
    assert_eq!(order["RequestedDeliveryDate"], "/Date(1931817600000)/");
    assert_eq!(world.sap.sales_orders().reconcile(&write).await, Looked::Found { reference });
    let unreadable = world.sap.sales_orders().send(&dated("no day", "tomorrow")).await;
    assert!(matches!(unreadable, Sent::Refused { class: "incomplete" }));
}

#[tokio::test]
async fn each_failure_says_truly_whether_something_may_have_been_written() {
    let world = world().await;
    let status = |code, body| Fault { status: Some(code), body, ..at_writes() };
    for (name, fault, expected, stands) in [
        ("401", status(401, FaultBody::Sap), ("not sent", "misconfigured"), 0),
        ("403", status(403, FaultBody::Sap), ("not sent", "misconfigured"), 0),
        ("400", status(400, FaultBody::Sap), ("refused", "refused_by_system"), 0),
        ("400 of a proxy", status(400, FaultBody::Html), ("not sent", "misconfigured"), 0),
        ("422", status(422, FaultBody::Sap), ("refused", "refused_by_system"), 0),
        ("404", status(404, FaultBody::Sap), ("not sent", "misconfigured"), 0),
        ("405", status(405, FaultBody::Sap), ("not sent", "misconfigured"), 0),
        ("409", status(409, FaultBody::Sap), ("maybe sent", "unreadable"), 0),
        ("423", status(423, FaultBody::Sap), ("maybe sent", "unreadable"), 0),
        ("404 of a proxy", status(404, FaultBody::Empty), ("not sent", "misconfigured"), 0),
        ("429", status(429, FaultBody::Sap), ("not sent", "busy"), 0),
        ("408", status(408, FaultBody::Empty), ("maybe sent", "slow"), 0),
        ("500", status(500, FaultBody::Sap), ("maybe sent", "unavailable"), 0),
        ("503", status(503, FaultBody::Html), ("maybe sent", "unavailable"), 0),
        ("drop", Fault { drop: true, ..at_writes() }, ("maybe sent", "unavailable"), 0),
        ("lost", Fault { drop_after_commit: true, ..at_writes() }, ("maybe sent", "unavailable"), 1),
        ("half", Fault { half_body: true, ..at_writes() }, ("maybe sent", "unavailable"), 1),
    ] {
        let write = write(name, "1000000018", "1");
        world.fault(fault);
        assert_eq!(kind(&world.sap.sales_orders().send(&write).await), expected, "{name}");
        world.sandbox.clear_faults();
        assert_eq!(standing(&world, &write).await, stands, "{name}");
    }
}

#[tokio::test]
async fn an_order_the_system_does_not_take_is_refused() {
    let world = world().await;
    let stranger = write("1", "9999999999", "1");
    assert_eq!(kind(&world.sap.sales_orders().send(&stranger).await), ("refused", "refused_by_system"));
    assert_eq!(standing(&world, &stranger).await, 0);
}

#[tokio::test]
async fn a_token_that_is_out_of_date_is_renewed_once_and_the_order_stands_once() {
    let world = world().await;
    assert_eq!(kind(&world.sap.sales_orders().send(&write("first", "1000000018", "1")).await).0, "done");
    world.fault(Fault { expire_csrf: true, count: Some(1), ..at_writes() });
    let second = write("second", "1000000018", "1");
    assert_eq!(kind(&world.sap.sales_orders().send(&second).await).0, "done");
    assert_eq!(standing(&world, &second).await, 1);
    // A system that never takes a token is no endless loop.
    world.fault(Fault { expire_csrf: true, ..at_writes() });
    let third = write("third", "1000000018", "1");
    assert_eq!(kind(&world.sap.sales_orders().send(&third).await), ("not sent", "misconfigured"));
    assert_eq!(standing(&world, &third).await, 0);
}

#[tokio::test]
async fn a_write_that_is_slower_than_the_deadline_may_have_been_written() {
    let quick = Duration::from_secs(2);
    let world =
        World::with(1_000, |target| TargetConfig { sales_area: area(), deadline: quick, ..target }).await;
    world.fault(Fault { delay_ms: 4000, count: Some(1), ..at_writes() });
    let write = good();
    assert_eq!(kind(&world.sap.sales_orders().send(&write).await), ("maybe sent", "slow"));
    // It is carried out after we gave up, as real systems do.
    while standing(&world, &write).await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.sap.sales_orders().reconcile(&write).await, Looked::Found { .. }));
}

#[tokio::test]
async fn something_else_under_our_key_is_told_as_different() {
    let world = world().await;
    assert_eq!(kind(&world.sap.sales_orders().send(&good()).await).0, "done");
    for other in [write("1", "1000000020", "2.5"), write("1", "1000000018", "3")] {
        assert_eq!(world.sap.sales_orders().reconcile(&other).await, Looked::Different);
    }
}

#[tokio::test]
async fn a_system_that_is_away_or_not_set_up_for_orders_has_written_nothing() {
    let away = TargetConfig { sales_area: area(), ..target("http://127.0.0.1:9") };
    let sap = Sap::new(away).unwrap();
    assert_eq!(kind(&sap.sales_orders().send(&good()).await), ("not sent", "unavailable"));
    assert!(matches!(sap.sales_orders().reconcile(&good()).await, Looked::CannotTell(_)));
    let world = World::new().await;
    assert_eq!(kind(&world.sap.sales_orders().send(&good()).await), ("not sent", "misconfigured"));
}

#[tokio::test]
async fn a_system_that_passes_over_the_filter_cannot_tell() {
    let server = Server::new(|_| async {
        let order =
            serde_json::json!({"SalesOrder": "1", "SoldToParty": "1", "PurchaseOrderByCustomer": "other"});
        answer(200, "application/json", serde_json::json!({"d": {"results": [order]}}).to_string())
    })
    .await;
    assert!(matches!(server.sap().sales_orders().reconcile(&good()).await, Looked::CannotTell(_)));
}
