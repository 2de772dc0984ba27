//! Writes: tokens, ETags, deep insert, and that a refused write leaves no trace.

use super::*;
use serde_json::json;

fn new_order() -> Value {
    json!({
        "SalesOrderType": "OR", "SalesOrganization": "1010", "DistributionChannel": "10", "OrganizationDivision": "00",
        "SoldToParty": "1000000018", "PurchaseOrderByCustomer": "01JDPEYVANDKEY0000000000001",
        "RequestedDeliveryDate": "/Date(1796083200000)/",
        "to_Item": [
            {"Material": "CEM-042", "RequestedQuantity": "12", "RequestedQuantityUnit": "BAG"},
            {"Material": "REB-007", "RequestedQuantity": "2.5", "ProductionPlant": "1020"}
        ]
    })
}

async fn count(world: &World) -> String {
    world.get(&format!("{ORDERS}/A_SalesOrder/$count"), &[]).await.text().await.unwrap()
}

fn orders() -> String {
    format!("{ORDERS}/A_SalesOrder")
}

async fn etag(world: &World, order: &str) -> String {
    let response = world.get(&format!("{ORDERS}/A_SalesOrder('{order}')"), &[]).await;
    response.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_write_without_a_token_is_refused_and_not_executed() {
    let world = World::new().await;
    let (token, cookies) = world.token().await;
    let post = || world.request(Method::POST, &orders()).json(&new_order());
    for request in [
        post(),
        post().header("x-csrf-token", &token),
        post().header("cookie", &cookies),
        post().header("cookie", &cookies).header("x-csrf-token", "wrong"),
        post().header("cookie", "SAP_SESSIONID_S4H_100=none").header("x-csrf-token", &token),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["x-csrf-token"], "Required");
        assert_eq!(response.text().await.unwrap(), "CSRF token validation failed");
    }
    assert_eq!(count(&world).await, "2500");
}

#[tokio::test]
async fn a_token_comes_with_an_error_too_and_belongs_to_one_session() {
    let world = World::new().await;
    let missing = format!("{ORDERS}/A_SalesOrder('1')");
    let response = world.request(Method::GET, &missing).header("X-CSRF-Token", "fetch").send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.headers().contains_key("x-csrf-token"));
    let (token, cookies) = world.token().await;
    let again = world.request(Method::GET, &format!("{ORDERS}/")).header("x-csrf-token", "Fetch");
    let again = again.header("cookie", cookies).send().await.unwrap();
    assert_eq!(again.headers()["x-csrf-token"], token);
    assert!(!again.headers().contains_key("set-cookie"), "the session goes on");
}

#[tokio::test]
async fn an_order_with_items_is_created_and_found_by_the_customers_reference() {
    let world = World::new().await;
    let response = world.write("POST", &orders()).await.json(&new_order()).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(response.headers().contains_key("etag"));
    let order = response.json::<Value>().await.unwrap()["d"].take();
    assert_eq!(order["SalesOrder"], "45500");
    assert!(location.ends_with("/A_SalesOrder('45500')"));
    assert_eq!(order["to_Item"]["results"].as_array().unwrap().len(), 2);
    let filter = "PurchaseOrderByCustomer eq '01JDPEYVANDKEY0000000000001' and SoldToParty eq '1000000018'";
    let query = [("$filter", filter), ("$expand", "to_Item/to_ScheduleLine")];
    let found = world.list(&orders(), &query).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["OverallSDProcessStatus"], "A");
    let items = found[0]["to_Item"]["results"].as_array().unwrap();
    assert_eq!(items[1]["SalesOrderItem"], "20");
    assert_eq!(items[1]["RequestedQuantity"], "2.5");
    assert_eq!(items[0]["to_ScheduleLine"]["results"][0]["ConfirmedDeliveryDate"], "/Date(1796083200000)/");
}

#[tokio::test]
async fn an_order_that_is_wrong_is_refused_and_leaves_no_trace() {
    let world = World::new().await;
    let with = |path: &str, value: Value| {
        let mut order = new_order();
        *order.pointer_mut(path).unwrap() = value;
        order.to_string()
    };
    let mut unknown = new_order();
    unknown["Nothing"] = "x".into();
    let mut read_only = new_order();
    read_only["TotalNetAmount"] = "1".into();
    let bodies = [
        with("/SoldToParty", "9".into()),
        with("/SoldToParty", "".into()),
        with("/SalesOrderType", "ZZ".into()),
        with("/PurchaseOrderByCustomer", "x".repeat(36).into()),
        with("/RequestedDeliveryDate", "tomorrow".into()),
        with("/to_Item/0/Material", "NOPE-1".into()),
        with("/to_Item/0/RequestedQuantity", json!(12)),
        with("/to_Item/0/RequestedQuantity", "0".into()),
        with("/to_Item/0/RequestedQuantity", "1.2345".into()),
        with("/to_Item/0/RequestedQuantity", "99999999999999".into()),
        with("/to_Item/1/ProductionPlant", "9999".into()),
        with("/to_Item", "text".into()),
        unknown.to_string(),
        read_only.to_string(),
        "[]".to_owned(),
        "{".to_owned(),
        String::new(),
        "[".repeat(100_000),
    ];
    for body in bodies {
        let start: String = body.chars().take(80).collect();
        let request = world.write("POST", &orders()).await.header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{start}");
        assert!(error(response).await["message"]["value"].is_string());
    }
    assert_eq!(count(&world).await, "2500");
    let next = world.write("POST", &orders()).await.json(&new_order()).send().await.unwrap();
    assert_eq!(next.json::<Value>().await.unwrap()["d"]["SalesOrder"], "45500");
}

#[tokio::test]
async fn a_body_too_large_or_of_another_type_is_refused() {
    let world = World::new().await;
    let request = world.write("POST", &orders()).await.header("content-type", "application/json");
    let large = request.body(vec![b' '; 2 << 20]).send().await.unwrap();
    assert_eq!(large.status(), 413);
    let request = world.write("POST", &orders()).await.header("content-type", "text/plain");
    assert_eq!(request.body(new_order().to_string()).send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn a_change_needs_the_present_version() {
    let world = World::new().await;
    let path = format!("{ORDERS}/A_SalesOrder('45001')");
    let first = etag(&world, "45001").await;
    let patch = async |if_match: Option<&str>, method: &str| {
        let mut request =
            world.write(method, &path).await.json(&json!({"PurchaseOrderByCustomer": "PO-NEW"}));
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(patch(None, "PATCH").await, 428);
    assert_eq!(patch(Some("W/\"old\""), "PATCH").await, 412);
    assert_eq!(patch(Some(&first), "PATCH").await, 204);
    assert_eq!(patch(Some(&first), "MERGE").await, 412);
    let second = etag(&world, "45001").await;
    assert_ne!(first, second);
    assert_eq!(patch(Some(&second), "MERGE").await, 204);
    assert_eq!(patch(Some("*"), "PATCH").await, 204);
    assert_eq!(world.d(&path, &[]).await["PurchaseOrderByCustomer"], "PO-NEW");
}

#[tokio::test]
async fn a_merge_may_travel_inside_a_post() {
    let world = World::new().await;
    let path = format!("{ORDERS}/A_SalesOrder('45002')");
    let request = world.write("POST", &path).await.header("x-http-method", "MERGE").header("if-match", "*");
    let response = request.json(&json!({"DeliveryBlockReason": "01"})).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(world.d(&path, &[]).await["DeliveryBlockReason"], "01");
}

#[tokio::test]
async fn what_may_not_be_changed_stays() {
    let world = World::new().await;
    let path = format!("{ORDERS}/A_SalesOrder('45002')");
    for body in [json!({"SoldToParty": "1000000001"}), json!({"TotalNetAmount": "1"}), json!({"to_Item": []})]
    {
        let request = world.write("PATCH", &path).await.header("if-match", "*").json(&body);
        assert_eq!(request.send().await.unwrap().status(), 400, "{body}");
    }
    for (method, path) in [
        ("DELETE", path.clone()),
        ("PUT", path.clone()),
        ("POST", path),
        ("POST", format!("{STOCK}/A_MatlStkInAcctMod")),
        ("PATCH", format!("{ORDERS}/A_SalesOrder")),
    ] {
        let request = world.write(method, &path).await.json(&json!({}));
        assert_eq!(request.send().await.unwrap().status(), 405, "{method} {path}");
    }
}

#[tokio::test]
async fn of_twenty_changes_at_once_under_one_version_one_wins() {
    let world = World::new().await;
    let tag = etag(&world, "45001").await;
    let path = format!("{ORDERS}/A_SalesOrder('45001')");
    let mut sent = Vec::new();
    for number in 0..20 {
        let body = json!({"PurchaseOrderByCustomer": format!("PO-{number}")});
        let request = world.write("PATCH", &path).await.header("if-match", &tag).json(&body);
        sent.push(tokio::spawn(request.send()));
    }
    let mut statuses = Vec::new();
    for answer in sent {
        statuses.push(answer.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort();
    assert_eq!(statuses[..2], [204, 412]);
}

#[tokio::test]
async fn a_change_is_always_later_than_what_was_there() {
    let world = World::new().await;
    let newest = world.list(&orders(), &[("$orderby", "LastChangeDateTime desc"), ("$top", "1")]).await;
    let before = newest[0]["LastChangeDateTime"].as_str().unwrap().to_owned();
    let created = world.write("POST", &orders()).await.json(&new_order()).send().await.unwrap();
    let created: Value = created.json().await.unwrap();
    assert!(created["d"]["LastChangeDateTime"].as_str().unwrap() > before.as_str());
}

#[tokio::test]
async fn a_new_order_is_a_line_on_disk_and_a_change_is_none() {
    let notes = Notes::new();
    let world = notes.world().await;
    let created = world.write("POST", &orders()).await.json(&new_order()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    let path = format!("{ORDERS}/A_SalesOrder('45500')");
    let change = world.write("PATCH", &path).await.header("if-match", "*");
    let changed = change.json(&json!({"DeliveryBlockReason": "01"})).send().await.unwrap();
    assert_eq!(changed.status(), 204);
    let line = json!({"system": "sap", "number": "45500", "reference": "01JDPEYVANDKEY0000000000001"});
    assert_eq!(notes.lines(), [line]);
}
