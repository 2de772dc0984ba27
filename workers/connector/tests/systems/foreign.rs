//! Servers that lead elsewhere or answer something else: our password stays here, and nothing is made up.

use std::sync::{Arc, Mutex};

use peyvand::language::script::Language;
use peyvand_connector::sap::Sap;
use serde_json::{Value, json};

use crate::support::{Server, answer, d, order_json, target};

async fn order_kind(sap: &Sap) -> &'static str {
    match sap.order("45001", Language::En).await {
        Ok(Some(_)) => "found",
        Ok(None) => "not_found",
        Err(error) => error.kind(),
    }
}

/// A server that remembers whether our password ever came by.
async fn thief() -> (Server, Arc<Mutex<Vec<String>>>) {
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&stolen);
    let server = Server::new(move |request| {
        let password = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        kept.lock().unwrap().extend(password);
        std::future::ready(d(&json!({"results": []})))
    })
    .await;
    (server, stolen)
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_is_misconfigured() {
    let (thief, stolen) = thief().await;
    for code in [301, 302, 303, 307, 308] {
        let to = format!("{}/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('45001')", thief.url());
        let server = Server::new(move |_| {
            let mut moved = answer(code, "text/html", "moved");
            moved.headers_mut().insert("location", to.parse().unwrap());
            std::future::ready(moved)
        })
        .await;
        assert_eq!(order_kind(&server.sap()).await, "misconfigured", "{code}");
        assert_eq!(server.hits(), 1);
    }
    assert_eq!(thief.hits(), 0, "the password was carried elsewhere");
    assert!(stolen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_fetched_with_our_password() {
    let (thief, stolen) = thief().await;
    let inside = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('45001')/to_Item?$skiptoken=1";
    let port = thief.address.port();
    for next in [
        format!("{}{inside}", thief.url()),
        format!("//127.0.0.1:{port}{inside}"),
        format!("http://localhost:{port}{inside}"),
        format!("http://PEYVAND:welcome@127.0.0.1:{port}{inside}"),
        format!("\\\\127.0.0.1:{port}{inside}"),
    ] {
        let page = json!({"results": [], "__next": next.clone()});
        let server = Server::new(move |_| std::future::ready(d(&order_json(page.clone())))).await;
        assert_eq!(order_kind(&server.sap()).await, "unreadable", "{next}");
        assert_eq!(server.hits(), 1, "{next}");
    }
    assert_eq!(thief.hits(), 0);
    assert!(stolen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_next_page_outside_the_services_of_the_same_host_is_not_fetched() {
    for next in [
        "/admin",
        "../../../../../admin",
        "/sap/opu/odata/sap/../../../admin",
        "http://user@HOST/sap/opu/odata/sap/x",
        "http://[",
    ] {
        let server = Server::new(move |request| {
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let next = next.replace("HOST", &host);
            std::future::ready(d(&order_json(json!({"results": [], "__next": next}))))
        })
        .await;
        assert_eq!(order_kind(&server.sap()).await, "unreadable", "{next}");
        assert_eq!(server.hits(), 1, "{next}");
    }
}

#[tokio::test]
async fn a_list_whose_pages_never_end_is_given_up_and_not_told_as_a_whole() {
    let server = Server::new(|request| {
        let again = request.uri().to_string();
        let page = json!({"results": [], "__next": again});
        let first = !request.uri().path().contains("to_Item");
        let here = "A_SalesOrder('45001')/to_Item";
        let shown = if first { order_json(json!({"results": [], "__next": here})) } else { page };
        std::future::ready(d(&shown))
    })
    .await;
    assert_eq!(order_kind(&server.sap()).await, "unreadable");
    assert!((2..=70).contains(&server.hits()), "{} pages were asked for", server.hits());
}

#[tokio::test]
async fn what_is_not_the_protocol_is_unreadable_and_asked_once() {
    let deep = format!("{{\"d\":{}}}", "[".repeat(100_000));
    for (content_type, body) in [
        ("text/html", "<html><body>Log on</body></html>".to_owned()),
        ("application/json", String::new()),
        ("application/json", "null".to_owned()),
        ("application/json", "[]".to_owned()),
        ("application/json", "{\"d\":null}".to_owned()),
        ("application/json", "{\"d\":{\"results\":[]}}".to_owned()),
        ("application/json", "{\"d\":{\"SalesOrder\":45001}}".to_owned()),
        ("application/json", "{\"error\":{\"code\":\"x\"}}".to_owned()),
        ("application/json", "{\"d\":{\"SalesOrder\":\"45001\"".to_owned()),
        ("application/json", deep),
        ("application/xml", "<?xml version=\"1.0\"?><entry/>".to_owned()),
        ("application/json", "\u{feff}{}".to_owned()),
    ] {
        let start: String = body.chars().take(60).collect();
        let server = Server::saying(200, content_type, body).await;
        assert_eq!(order_kind(&server.sap()).await, "unreadable", "{start}");
        assert_eq!(server.hits(), 1, "{start}");
    }
}

async fn kind_of(order: Value) -> &'static str {
    let server = Server::new(move |request| {
        let names = request.uri().path().contains("A_ProductDescription");
        std::future::ready(d(&if names { json!({"results": []}) } else { order.clone() }))
    })
    .await;
    order_kind(&server.sap()).await
}

#[tokio::test]
async fn a_field_that_is_wrong_or_missing_is_unreadable_and_a_strange_letter_is_not() {
    let item = |field: &str, value: Value| {
        let mut item =
            json!({"SalesOrderItem": "10", "RequestedQuantity": "5", "to_ScheduleLine": {"results": []}});
        item[field] = value;
        order_json(json!({"results": [item]}))
    };
    let with = |field: &str, value: Value| {
        let mut order = order_json(json!({"results": []}));
        order[field] = value;
        order
    };
    assert_eq!(kind_of(order_json(json!({"results": []}))).await, "found");
    assert_eq!(kind_of(with("OverallDeliveryStatus", json!("Z"))).await, "found");
    assert_eq!(kind_of(with("TotalNetAmount", json!(12.5))).await, "found");
    assert_eq!(kind_of(with("TransactionCurrency", Value::Null)).await, "found");
    for (field, value) in [
        ("SalesOrder", json!("45002")),
        ("SalesOrder", Value::Null),
        ("TotalNetAmount", json!("twelve")),
        ("TotalNetAmount", json!("NaN")),
        ("TotalNetAmount", json!("1e999")),
        ("TotalNetAmount", Value::Null),
        ("SalesOrderDate", json!("/Date(99999999999999999999)/")),
        ("SalesOrderDate", json!("yesterday")),
        ("to_Item", json!({"results": "none"})),
        ("to_Item", json!(7)),
    ] {
        assert_eq!(kind_of(with(field, value.clone())).await, "unreadable", "{field} {value}");
    }
    for (field, value) in
        [("RequestedQuantity", Value::Null), ("RequestedQuantity", json!("")), ("SalesOrderItem", json!(10))]
    {
        assert_eq!(kind_of(item(field, value.clone())).await, "unreadable", "{field} {value}");
    }
}

#[tokio::test]
async fn a_system_that_passes_over_the_filter_shows_nobody_anothers_orders() {
    let server = Server::new(|request| {
        let given = order_json(json!({"results": []}));
        let mut other = given.clone();
        other["SoldToParty"] = json!("2000000099");
        let one = request.uri().path().contains("A_SalesOrder(");
        std::future::ready(d(&if one { given } else { json!({"results": [other]}) }))
    })
    .await;
    let orders = server.sap().orders_of_same_customer("45001", 10).await;
    assert_eq!(orders.unwrap_err().kind(), "unreadable");
}

#[tokio::test]
async fn every_request_carries_the_client_of_the_address_and_asks_for_json() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let server = Server::new(move |request| {
        let accept = request.headers()["accept"].to_str().unwrap().to_owned();
        noted.lock().unwrap().push((request.uri().to_string(), accept));
        let names = request.uri().path().contains("A_ProductDescription");
        let items = json!({"results": [{"SalesOrderItem": "10", "Material": "A", "RequestedQuantity": "5"}]});
        std::future::ready(d(&if names { json!({"results": []}) } else { order_json(items) }))
    })
    .await;
    let sap = Sap::new(target(&format!("{}/gateway/?sap-client=100", server.url()))).unwrap();
    let _found = sap.order("45001", Language::En).await;
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    for (uri, accept) in seen.iter() {
        assert!(uri.starts_with("/gateway/sap/opu/odata/sap/API_"), "{uri}");
        assert!(uri.contains("sap-client=100") && uri.contains("format=json"), "{uri}");
        assert_eq!(accept, "application/json");
    }
}

/// What is in an order is asked each time, what its products are called once a minute.
#[tokio::test]
async fn orders_with_the_same_products_ask_for_their_names_once() {
    let asked = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&asked);
    let server = Server::new(move |request| {
        let mut asked = counted.lock().unwrap();
        let no_lines = json!({"results": []});
        let item = |sku: &str| {
            json!({"SalesOrderItem": sku, "Material": sku, "RequestedQuantity": "5", "to_ScheduleLine": no_lines})
        };
        let name =
            |sku: &str| json!({"Product": sku, "Language": "EN", "ProductDescription": format!("a {sku}")});
        std::future::ready(d(&if request.uri().path().contains("A_ProductDescription") {
            asked.1 += 1;
            json!({"results": [name("A")]})
        } else {
            asked.0 += 1;
            order_json(json!({"results": [item("A"), item("B")]}))
        }))
    })
    .await;
    let sap = server.sap();
    for _ in 0..3 {
        let order = sap.order("45001", Language::En).await.unwrap().unwrap();
        let names: Vec<_> = order.items.iter().map(|item| item.description.as_str()).collect();
        assert_eq!(names, ["a A", "B"]);
    }
    assert_eq!(*asked.lock().unwrap(), (3, 1));
}

#[tokio::test]
async fn a_long_list_is_read_in_batches_and_each_order_once() {
    const ALL: usize = 23;
    let number = |query: &str, name: &str| -> usize {
        let (_, rest) = query.split_once(name).unwrap();
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    // The last is a system that passes over the place to go on from.
    for (limit, heeds, read, hits) in
        [(50, true, ALL, 4), (12, true, 12, 3), (10, true, 10, 2), (50, false, 10, 3)]
    {
        let server = Server::new(move |request| {
            let query = request.uri().query().unwrap_or_default();
            if request.uri().path().contains("A_SalesOrder(") {
                return std::future::ready(d(&order_json(json!({"results": []}))));
            }
            let skip = if heeds { number(query, "skip=") } else { 0 };
            let batch = (skip..ALL).take(number(query, "top=")).map(|place| {
                let mut order = order_json(json!({"results": []}));
                order["SalesOrder"] = json!((70_000 + place).to_string());
                order
            });
            std::future::ready(d(&json!({"results": batch.collect::<Vec<_>>()})))
        })
        .await;
        let orders = server.sap().orders_of_same_customer("45001", limit).await.unwrap().unwrap();
        let numbers: Vec<String> = orders.into_iter().map(|order| order.number).collect();
        assert_eq!(numbers, (70_000..70_000 + read).map(|place| place.to_string()).collect::<Vec<_>>());
        assert_eq!(server.hits(), hits);
    }
}
