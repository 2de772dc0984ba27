//! Each fault switch, seen from the other end of the wire, and the ledger.

use super::*;
use crate::FaultBody;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ORDER: &str = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('45001')";

/// Sends a GET over a bare connection and gives every byte that comes until it closes.
async fn raw_get(world: &World, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(world.sandbox.addr()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\nauthorization: Basic UEVZVkFORDp3ZWxjb21l\r\n\r\n",
        world.sandbox.addr()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    read.expect("the connection was not closed").expect("the connection was reset");
    bytes
}

#[tokio::test]
async fn a_status_comes_with_its_retry_after_and_its_body() {
    let world = World::new().await;
    for (status, retry_after) in
        [(401, None), (404, None), (429, Some("7")), (500, None), (503, Some("soon, perhaps"))]
    {
        let retry_after = retry_after.map(str::to_owned);
        world.fault(Fault { status: Some(status), retry_after: retry_after.clone(), ..fault(ORDER) });
        let response = world.get(ORDER, &[]).await;
        assert_eq!(response.status(), status);
        let sent = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent, retry_after);
    }
}

#[tokio::test]
async fn the_body_of_a_failure_is_saps_or_html_or_nothing() {
    let world = World::new().await;
    let body = async |body: FaultBody| {
        world.fault(Fault { status: Some(500), body, ..fault("A_SalesOrder") });
        world.get(ORDER, &[]).await.text().await.unwrap()
    };
    assert!(body(FaultBody::Sap).await.contains("\"innererror\""));
    assert!(body(FaultBody::Html).await.starts_with("<html>"));
    assert_eq!(body(FaultBody::Empty).await, "");
}

#[tokio::test]
async fn a_fault_with_a_count_ends_by_itself() {
    let world = World::new().await;
    world.fault(Fault { status: Some(401), count: Some(1), ..fault("A_SalesOrder") });
    assert_eq!(world.get(ORDER, &[]).await.status(), 401);
    assert_eq!(world.get(ORDER, &[]).await.status(), 200);
}

#[tokio::test]
async fn a_delay_holds_one_request_and_nobody_else() {
    let world = World::new().await;
    world.fault(Fault { delay_ms: 60_000, ..fault("A_SalesOrder('45001')") });
    let slow = tokio::spawn(world.request(Method::GET, ORDER).send());
    while world.sandbox.app.faults().list()[0].hits == 0 {
        tokio::task::yield_now().await;
    }
    let other = world.get(&format!("{ORDERS}/A_SalesOrder('45002')"), &[]).await;
    assert_eq!(other.status(), 200);
    assert!(!slow.is_finished());
    world.fault(Fault { delay_ms: 150, ..fault("A_SalesOrder('45001')") });
    let began = Instant::now();
    assert_eq!(world.get(ORDER, &[]).await.status(), 200);
    assert!(began.elapsed() >= Duration::from_millis(150));
    world.sandbox.shutdown().await;
    assert!(slow.await.unwrap().is_err(), "a stop ends the wait");
}

#[tokio::test]
async fn a_dropped_request_gets_not_one_byte() {
    let world = World::new().await;
    world.fault(Fault { drop: true, ..fault(ORDER) });
    assert_eq!(raw_get(&world, ORDER).await, b"");
    let error = world.request(Method::GET, ORDER).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
    world.sandbox.clear_faults();
    assert_eq!(world.get(ORDER, &[]).await.status(), 200);
}

#[tokio::test]
async fn after_drop_after_commit_the_order_exists_though_nobody_was_told() {
    let world = World::new().await;
    world.fault(Fault {
        drop_after_commit: true,
        method: Some("POST".into()),
        count: Some(1),
        ..fault("A_SalesOrder")
    });
    let order = json!({
        "SalesOrderType": "OR", "SalesOrganization": "1010", "DistributionChannel": "10", "OrganizationDivision": "00",
        "SoldToParty": "1000000018", "PurchaseOrderByCustomer": "LOST-ANSWER", "to_Item": []
    });
    let sent = world.write("POST", &format!("{ORDERS}/A_SalesOrder")).await.json(&order).send().await;
    assert!(sent.is_err());
    let filter = [("$filter", "PurchaseOrderByCustomer eq 'LOST-ANSWER'")];
    assert_eq!(world.list(&format!("{ORDERS}/A_SalesOrder"), &filter).await.len(), 1);
}

#[tokio::test]
async fn half_a_body_is_half_of_what_was_promised() {
    let world = World::new().await;
    for path in [ORDER.to_owned(), format!("{ORDERS}/A_SalesOrder?$top=40")] {
        let whole = world.get(&path, &[]).await.bytes().await.unwrap().len();
        world.fault(Fault { half_body: true, count: Some(2), ..fault("A_SalesOrder") });
        let bytes = raw_get(&world, &path).await;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let (head, body) = (std::str::from_utf8(&bytes[..end]).unwrap(), &bytes[end + 4..]);
        assert!(head.starts_with("HTTP/1.1 200 OK"));
        let promised: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        assert_eq!((promised, body.len()), (whole, whole / 2));
        let response = world.get(&path, &[]).await;
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.is_err());
    }
}

#[tokio::test]
async fn an_expired_session_makes_the_token_stale_once() {
    let world = World::new().await;
    let (token, cookies) = world.token().await;
    world.fault(Fault { expire_csrf: true, count: Some(1), method: Some("PATCH".into()), ..fault(ORDER) });
    let patch = |token: String, cookies: String| {
        let request =
            world.request(Method::PATCH, ORDER).header("x-csrf-token", token).header("cookie", cookies);
        request.header("if-match", "*").json(&json!({"DeliveryBlockReason": "01"})).send()
    };
    assert_eq!(patch(token, cookies).await.unwrap().status(), 403);
    let (token, cookies) = world.token().await;
    assert_eq!(patch(token, cookies).await.unwrap().status(), 204);
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared_over_http() {
    let world = World::new().await;
    let url = format!("{}/_sandbox/faults", world.sandbox.base_url());
    let put = |body: Value| world.client.put(&url).json(&body).send();
    let set = put(json!({"match": "API_PRODUCT_SRV", "status": 429, "retry_after": "3", "body": "html"}))
        .await
        .unwrap();
    assert_eq!(set.status(), 200);
    assert_eq!(world.get(&format!("{PRODUCTS}/A_Product"), &[]).await.status(), 429);
    let list: Value = world.client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&list["faults"][0]["hits"], &list["faults"][0]["match"]),
        (&json!(1), &json!("API_PRODUCT_SRV"))
    );
    for wrong in
        [json!({}), json!({"match": "x"}), json!({"match": "x", "drop": true, "surprise": 1}), json!([])]
    {
        assert_eq!(put(wrong.clone()).await.unwrap().status(), 400, "{wrong}");
    }
    assert_eq!(world.client.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(world.get(&format!("{PRODUCTS}/A_Product('CEM-042')"), &[]).await.status(), 200);
}

#[tokio::test]
async fn the_ledger_shows_what_was_asked_and_what_was_answered() {
    let world = World::new().await;
    let answered = world.get(ORDER, &[("$expand", "to_Item")]).await;
    assert_eq!(answered.status(), 200);
    world.fault(Fault { drop: true, ..fault(ORDER) });
    assert!(world.request(Method::GET, ORDER).send().await.is_err());
    let url = format!("{}/_sandbox/requests", world.sandbox.base_url());
    let ledger: Value = world.client.get(&url).send().await.unwrap().json().await.unwrap();
    let seen = ledger["requests"].as_array().unwrap();
    assert_eq!((&seen[0]["method"], &seen[0]["path"]), (&json!("GET"), &json!(ORDER)));
    assert_eq!(seen[0]["query"], "%24expand=to_Item");
    assert_eq!((&seen[0]["status"], &seen[0]["fault"]), (&json!(200), &json!(false)));
    assert_eq!((&seen[1]["status"], &seen[1]["fault"]), (&Value::Null, &json!(true)));
    assert_eq!(world.client.delete(&url).send().await.unwrap().status(), 204);
    assert!(world.sandbox.requests().is_empty());
}
