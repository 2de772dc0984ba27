//! What is read, compared with what the system shows to anybody who asks it.

use std::collections::BTreeSet;

use peyvand::{event::OrderProgress, language::script::Language};
use serde_json::{Value, json};

use crate::support::{ORDERS, Server, World, d, order_json};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_comes_with_every_item_and_what_is_delivered_of_it() {
    let world = World::new().await;
    let order = world.order("45001").await.unwrap().unwrap();
    let path = format!("{ORDERS}/A_SalesOrder('45001')");
    let raw = world.raw(&path, &[("$expand", "to_Item,to_Item/to_ScheduleLine")]).await;
    assert_eq!(order.number, "45001");
    assert_eq!(order.progress, OrderProgress::PartlyDelivered);
    assert_eq!(order.net_amount, text(&raw["TotalNetAmount"]));
    assert_eq!(order.currency, text(&raw["TransactionCurrency"]));
    let items = raw["to_Item"]["results"].as_array().unwrap();
    assert_eq!((order.items.len(), items.len()), (3, 3));
    for (item, raw) in order.items.iter().zip(items) {
        assert_eq!(item.product, text(&raw["Material"]));
        assert_eq!(item.quantity, text(&raw["RequestedQuantity"]));
        assert_eq!(item.unit, text(&raw["RequestedQuantityUnit"]));
        let lines = raw["to_ScheduleLine"]["results"].as_array().unwrap();
        let delivered = |line: &Value| text(&line["DeliveredQtyInOrderQtyUnit"]).parse::<f64>().unwrap();
        assert_eq!(item.delivered.parse::<f64>().unwrap(), lines.iter().map(delivered).sum::<f64>());
    }
    assert!(order.delivery_on.is_some(), "a partly delivered order has a day for its rest");
}

#[tokio::test]
async fn an_order_is_found_by_every_way_to_write_its_number_and_none_by_another() {
    let world = World::new().await;
    let order = world.order("45002").await.unwrap().unwrap();
    assert_eq!(order.progress, OrderProgress::Delivered);
    assert_eq!(world.order("0000045002").await.unwrap().unwrap(), order);
    assert_eq!(world.order("45003").await.unwrap().unwrap().progress, OrderProgress::Rejected);
    for number in ["99999", "1", "4500199999"] {
        assert_eq!(world.order(number).await, Ok(None), "{number}");
    }
    assert_eq!(world.sap.orders_of_same_customer("99999", 10).await, Ok(None));
}

#[tokio::test]
async fn the_orders_of_a_customer_are_that_customers_alone_and_the_newest_first() {
    let world = World::new().await;
    let customer = text(&world.raw(&format!("{ORDERS}/A_SalesOrder('45001')"), &[]).await["SoldToParty"]);
    let filter = format!("SoldToParty eq '{customer}'");
    let raw = world.raw(&format!("{ORDERS}/A_SalesOrder"), &[("$filter", &filter)]).await;
    let theirs: BTreeSet<String> =
        raw["results"].as_array().unwrap().iter().map(|order| text(&order["SalesOrder"])).collect();
    let orders = world.sap.orders_of_same_customer("45001", 50).await.unwrap().unwrap();
    assert_eq!(orders.len(), theirs.len().min(50));
    assert!(orders.iter().all(|order| theirs.contains(&order.number)));
    assert!(orders.is_sorted_by(|one, two| one.ordered_on >= two.ordered_on));
    let two = world.sap.orders_of_same_customer("45001", 2).await.unwrap().unwrap();
    assert_eq!(two, orders[..2]);
}

#[tokio::test]
async fn a_name_comes_in_the_language_asked_for_and_stock_by_code_or_name() {
    let world = World::new().await;
    let persian = world.sap.order("45001", Language::Fa).await.unwrap().unwrap();
    let english = world.order("45001").await.unwrap().unwrap();
    assert!(persian.items.iter().all(|item| !item.description.is_ascii()));
    assert!(english.items.iter().all(|item| item.description.is_ascii()));
    let by_code = world.sap.stock("CEM-042", Language::Fa).await.unwrap();
    assert!(!by_code.is_empty() && by_code.iter().all(|level| level.product == "CEM-042"));
    assert_eq!(world.sap.stock("cem-042", Language::Fa).await.unwrap(), by_code);
    let by_name = world.sap.stock("سیمان", Language::Fa).await.unwrap();
    assert!(!by_name.is_empty() && by_name.iter().all(|level| level.description.contains("سیمان")));
    assert_eq!(world.sap.stock("no such thing", Language::En).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_list_that_comes_page_by_page_is_the_same_list() {
    let whole = World::new().await;
    let paged = World::with(1, |target| target).await;
    let order = whole.order("45001").await.unwrap();
    assert_eq!(paged.order("45001").await.unwrap(), order);
    let stock = whole.sap.stock("cement", Language::En).await.unwrap();
    assert_eq!(paged.sap.stock("cement", Language::En).await.unwrap(), stock);
    let followed = paged.sandbox.requests().iter().filter(|seen| seen.query.contains("skiptoken")).count();
    assert!(followed >= 2, "no second page was asked for");
    assert!(paged.sandbox.requests().iter().all(|seen| seen.status == Some(200)));
}

#[tokio::test]
async fn every_product_has_its_names_and_stands_once() {
    let world = World::new().await;
    let products = world.sap.products().await.unwrap();
    let raw = world.raw("/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product", &[("$select", "Product")]).await;
    let skus: BTreeSet<String> =
        raw["results"].as_array().unwrap().iter().map(|product| text(&product["Product"])).collect();
    let found: BTreeSet<String> = products.iter().map(|product| product.sku.clone()).collect();
    assert_eq!(products.len(), found.len());
    assert!(found.is_subset(&skus) && found.len() > 200, "{} of {}", found.len(), skus.len());
    world.sap.ping().await.unwrap();
}

#[tokio::test]
async fn items_and_lines_that_are_only_promised_are_asked_for() {
    let server = Server::new(|request| async move {
        let path = request.uri().path().to_owned();
        let deferred = json!({"__deferred": {"uri": "http://elsewhere.invalid/"}});
        let item = |number: &str| {
            json!({"SalesOrderItem": number, "Material": "CEM-042", "RequestedQuantity": "5",
                "RequestedQuantityUnit": "BAG", "to_ScheduleLine": deferred})
        };
        if path.ends_with("/to_ScheduleLine") {
            d(&json!({"results": [{"ConfirmedDeliveryDate": null, "ConfdOrderQtyByMatlAvailCheck": "5",
                "DeliveredQtyInOrderQtyUnit": "2"}]}))
        } else if path.ends_with("/to_Item") && request.uri().query().is_some_and(|q| q.contains("skiptoken"))
        {
            d(&json!({"results": [item("20")]}))
        } else if path.ends_with("/to_Item") {
            // A relative address of the next page is an address too.
            d(&json!({"results": [item("10")], "__next": "to_Item?$skiptoken=1"}))
        } else if path.contains("A_SalesOrder(") {
            d(&order_json(deferred))
        } else {
            d(&json!({"results": []}))
        }
    })
    .await;
    let order = server.sap().order("45001", Language::En).await.unwrap().unwrap();
    assert_eq!(order.items.len(), 2);
    assert!(order.items.iter().all(|item| item.delivered == "2" && item.description == "CEM-042"));
}
