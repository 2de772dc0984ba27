//! Logon, addresses, query options, paging and the shape of answers.

use super::*;

#[tokio::test]
async fn wrong_or_missing_credentials_are_refused_with_saps_page() {
    let world = World::new().await;
    let url = format!("{}{ORDERS}/A_SalesOrder", world.sandbox.base_url());
    for request in [
        world.client.get(&url),
        world.client.get(&url).basic_auth("PEYVAND", Some("wrong")),
        world.client.get(&url).bearer_auth("welcome"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
        assert!(response.text().await.unwrap().contains("Logon failed"));
    }
}

#[tokio::test]
async fn an_order_is_found_with_and_without_leading_zeros() {
    let world = World::new().await;
    for key in ["'45001'", "'0000045001'", "SalesOrder='45001'", "%2745001%27"] {
        let order = world.d(&format!("{ORDERS}/A_SalesOrder({key})"), &[]).await;
        assert_eq!(order["SalesOrder"], "45001", "{key}");
    }
}

#[tokio::test]
async fn an_order_stands_in_true_odata_v2() {
    let world = World::new().await;
    let response = world.get(&format!("{ORDERS}/A_SalesOrder('45001')"), &[]).await;
    assert_eq!(response.headers()["dataserviceversion"], "2.0");
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let order: Value = response.json::<Value>().await.unwrap()["d"].take();
    let uri = format!("{}{ORDERS}/A_SalesOrder('45001')", world.sandbox.base_url());
    assert_eq!(order["__metadata"]["uri"], uri);
    assert_eq!(order["__metadata"]["type"], "API_SALES_ORDER_SRV.A_SalesOrderType");
    assert_eq!(order["__metadata"]["etag"], etag);
    assert!(etag.starts_with("W/\"datetimeoffset'2026-11-"), "{etag}");
    assert_eq!(order["to_Item"]["__deferred"]["uri"], format!("{uri}/to_Item"));
    assert!(order["TotalNetAmount"].as_str().unwrap().ends_with(".00"));
    assert!(order["CreationDate"].as_str().unwrap().starts_with("/Date("));
    assert!(order["LastChangeDateTime"].as_str().unwrap().ends_with("+0000)/"));
}

#[tokio::test]
async fn items_and_schedule_lines_are_expanded_in_place() {
    let world = World::new().await;
    let query = [("$expand", "to_Item,to_Item/to_ScheduleLine")];
    let order = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &query).await;
    let items = order["to_Item"]["results"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items[1]["to_ScheduleLine"]["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        items[0]["__metadata"]["uri"].as_str().unwrap().rsplit('/').next(),
        Some("A_SalesOrderItem(SalesOrder='45001',SalesOrderItem='10')")
    );
}

#[tokio::test]
async fn a_navigation_leads_to_the_children_of_one_record() {
    let world = World::new().await;
    assert_eq!(world.list(&format!("{ORDERS}/A_SalesOrder('45001')/to_Item"), &[]).await.len(), 3);
    let lines =
        format!("{ORDERS}/A_SalesOrderItem(SalesOrder='45001',SalesOrderItem='000020')/to_ScheduleLine");
    assert_eq!(world.list(&lines, &[]).await.len(), 2);
    let deep = format!(
        "{ORDERS}/A_SalesOrder('45001')/to_Item(SalesOrder='45001',SalesOrderItem='20')/to_ScheduleLine"
    );
    assert_eq!(world.list(&deep, &[]).await.len(), 2);
    let foreign = format!("{ORDERS}/A_SalesOrder('45001')/to_Item(SalesOrder='45002',SalesOrderItem='10')");
    assert_eq!(world.get(&foreign, &[]).await.status(), 404);
}

#[tokio::test]
async fn select_leaves_out_everything_else() {
    let world = World::new().await;
    let query = [("$select", "SalesOrder,to_Item/Material"), ("$expand", "to_Item")];
    let order = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &query).await;
    let names: Vec<&String> = order.as_object().unwrap().keys().collect();
    assert_eq!(names, ["SalesOrder", "__metadata", "to_Item"]);
    let item = order["to_Item"]["results"][0].as_object().unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["Material", "__metadata"]);
    let unselected = [("$select", "SalesOrder"), ("$expand", "to_Item")];
    let order = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &unselected).await;
    assert!(order.get("to_Item").is_none());
}

#[tokio::test]
async fn a_filter_with_order_and_top_gives_the_newest_orders_of_a_customer() {
    let world = World::new().await;
    let customer = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &[]).await["SoldToParty"].clone();
    let filter = format!("SoldToParty eq '{}'", customer.as_str().unwrap());
    let query = [
        ("$filter", filter.as_str()),
        ("$orderby", "SalesOrder desc"),
        ("$top", "3"),
        ("$inlinecount", "allpages"),
    ];
    let page = world.d(&format!("{ORDERS}/A_SalesOrder"), &query).await;
    let orders = page["results"].as_array().unwrap();
    assert_eq!(orders.len(), 3);
    assert!(orders.iter().all(|order| order["SoldToParty"] == customer));
    assert!(page["__count"].as_str().unwrap().parse::<u32>().unwrap() >= 6);
    assert!(orders[0]["SalesOrder"].as_str() > orders[1]["SalesOrder"].as_str());
    assert!(page.get("__next").is_none(), "three were asked for and three were given");
}

#[tokio::test]
async fn pages_follow_each_other_until_every_order_was_seen_once() {
    let world = World::with(SandboxConfig { page_size: 700, ..SandboxConfig::loopback(today()) }).await;
    let mut url =
        format!("{}{ORDERS}/A_SalesOrder?$select=SalesOrder&sap-client=100", world.sandbox.base_url());
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let path = url.strip_prefix(&world.sandbox.base_url()).unwrap().to_owned();
        let page = world.d(&path, &[]).await;
        seen.extend(page["results"].as_array().unwrap().iter().map(|order| order["SalesOrder"].to_string()));
        pages += 1;
        match page["__next"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((pages, total, seen.len()), (4, 2_500, 2_500));
}

#[tokio::test]
async fn skip_and_count_agree_with_the_whole() {
    let world = World::new().await;
    let all = world.get(&format!("{ORDERS}/A_SalesOrder/$count"), &[]).await.text().await.unwrap();
    assert_eq!(all, "2500");
    let rest = world.list(&format!("{ORDERS}/A_SalesOrder"), &[("$skip", "2495")]).await;
    assert_eq!(rest.len(), 5);
    let none = world.list(&format!("{ORDERS}/A_SalesOrder"), &[("$skip", "999999999"), ("$top", "0")]).await;
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_request_that_is_wrong_gets_saps_error_body() {
    let world = World::new().await;
    let orders = format!("{ORDERS}/A_SalesOrder");
    for query in [
        ("$filter", "Nonsense eq '1'"),
        ("$filter", "SalesOrder eq"),
        ("$filter", "((("),
        ("$top", "-1"),
        ("$top", "many"),
        ("$skip", "99999999999999999999"),
        ("$orderby", "SalesOrder sideways"),
        ("$orderby", "Nothing"),
        ("$select", "Nothing"),
        ("$expand", "to_Nothing"),
        ("$inlinecount", "some"),
        ("$search", "x"),
    ] {
        let response = world.get(&orders, &[query]).await;
        assert_eq!(response.status(), 400, "{query:?}");
        let error = error(response).await;
        assert_eq!(error["message"]["lang"], "en");
        assert!(!error["message"]["value"].as_str().unwrap().is_empty());
        assert_eq!(error["innererror"]["errordetails"][0]["severity"], "error");
    }
}

#[tokio::test]
async fn a_broken_address_is_refused() {
    let world = World::new().await;
    for (path, status) in [
        ("/sap/opu/odata/sap/NO_SUCH_SRV/A_SalesOrder".to_owned(), 403),
        (format!("{ORDERS}/A_Nothing"), 404),
        (format!("{ORDERS}/A_SalesOrder('99999')"), 404),
        (format!("{ORDERS}/A_SalesOrder('99999')/to_Item"), 404),
        (format!("{ORDERS}/A_SalesOrder('45001')/to_Nothing"), 404),
        (format!("{ORDERS}/A_SalesOrder(45001)"), 400),
        (format!("{ORDERS}/A_SalesOrder('45001"), 404),
        (format!("{ORDERS}/A_SalesOrderItem('45001')"), 400),
        (format!("{ORDERS}/A_SalesOrderItem(SalesOrder='45001')"), 400),
        (format!("{ORDERS}/A_SalesOrder('%FF')"), 400),
        (format!("{ORDERS}/A_SalesOrder?$filter=%zz"), 400),
        (format!("{ORDERS}/A_SalesOrder?$top=1&$top=2"), 400),
    ] {
        assert_eq!(world.get(&path, &[]).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn xml_is_the_default_and_json_is_given_to_who_asks() {
    let world = World::new().await;
    let url = format!("{}{ORDERS}/A_SalesOrder('1')", world.sandbox.base_url());
    let plain = world.client.get(&url).basic_auth("PEYVAND", Some("welcome")).send().await.unwrap();
    assert_eq!(plain.status(), 406);
    assert!(plain.text().await.unwrap().starts_with("<?xml"));
    let asked = world.client.get(format!("{url}?$format=json")).basic_auth("PEYVAND", Some("welcome"));
    assert_eq!(error(asked.send().await.unwrap()).await["code"], "/IWBEP/CM_MGW_RT/020");
}

#[tokio::test]
async fn every_service_answers_its_root_and_its_metadata() {
    let world = World::new().await;
    for (service, set) in [
        (ORDERS, "A_SalesOrderScheduleLine"),
        (STOCK, "A_MatlStkInAcctMod"),
        (PRODUCTS, "A_ProductDescription"),
        (PARTNERS, "A_BusinessPartner"),
    ] {
        let root = world.d(&format!("{service}/"), &[]).await;
        assert!(root["EntitySets"].as_array().unwrap().iter().any(|name| name == set));
        let edmx = world.get(&format!("{service}/$metadata"), &[]).await;
        assert_eq!(edmx.headers()["content-type"], "application/xml;charset=utf-8");
        let edmx = edmx.text().await.unwrap();
        assert!(edmx.contains(&format!("<EntitySet Name=\"{set}\"")), "{service}");
    }
    let edmx = world.get(&format!("{ORDERS}/$metadata"), &[]).await.text().await.unwrap();
    assert!(edmx.contains(
        "Name=\"LastChangeDateTime\" Type=\"Edm.DateTimeOffset\" Precision=\"7\" ConcurrencyMode=\"Fixed\""
    ));
    assert!(edmx.contains("<NavigationProperty Name=\"to_Item\""));
}

#[tokio::test]
async fn a_sandbox_that_others_could_reach_does_not_start_unasked() {
    let config = SandboxConfig { listen: "0.0.0.0:0".parse().unwrap(), ..SandboxConfig::loopback(today()) };
    assert_eq!(start(config).await.err().map(|error| error.kind()), Some("not_loopback"));
}

#[tokio::test]
async fn a_taken_address_is_reported() {
    let world = World::new().await;
    let config = SandboxConfig { listen: world.sandbox.addr(), ..SandboxConfig::loopback(today()) };
    assert_eq!(start(config).await.err().map(|error| error.kind()), Some("listen"));
}

#[tokio::test]
async fn after_shutdown_nobody_listens() {
    let world = World::new().await;
    let addr = world.sandbox.addr();
    world.sandbox.shutdown().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
