//! Salesforce: the token, the upsert under the external id, reads, refusals, and each fault in Salesforce's own form.

use super::*;
use crate::FaultBody;
use serde_json::json;

const TOKEN: &str = "/services/oauth2/token";
const CASES: &str = "/services/data/v66.0/sobjects/Case";
const GOOD: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "peyvand"), ("client_secret", "secret-of-peyvand")];

fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://h").unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap().to_owned()
}

/// The path of the case with this key, as a client must encode it.
fn case(key: &str) -> String {
    let mut url = reqwest::Url::parse("http://h").unwrap();
    url.path_segments_mut().unwrap().push(key);
    format!("{CASES}/Peyvand_Key__c{}", url.path())
}

/// A client that has logged on to Salesforce.
struct Crm<'a> {
    world: &'a World,
    token: String,
}

impl Crm<'_> {
    async fn of(world: &World) -> Crm<'_> {
        let granted = ask_token(world, &GOOD).await;
        assert_eq!(granted.status(), 200);
        let granted: Value = granted.json().await.unwrap();
        Crm { world, token: granted["access_token"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Response {
        self.world.with_token(Method::GET, path, &self.token).send().await.unwrap()
    }

    async fn record(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    fn upsert(&self, key: &str, body: &Value) -> RequestBuilder {
        self.world.with_token(Method::PATCH, &case(key), &self.token).json(body)
    }

    async fn upserted(&self, key: &str, body: &Value) -> Value {
        let response = self.upsert(key, body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, if answer["created"] == true { 201 } else { 200 }, "{answer}");
        assert_eq!((&answer["success"], &answer["errors"]), (&json!(true), &json!([])));
        answer
    }
}

async fn ask_token(world: &World, pairs: &[(&str, &str)]) -> Response {
    let url = format!("{}{TOKEN}", world.sandbox.base_url());
    let request = world.client.post(url).header("content-type", "application/x-www-form-urlencoded");
    request.body(form(pairs)).send().await.unwrap()
}

/// The status of a refusal with the code of its one complaint.
async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let complaints = body.as_array().unwrap();
    assert_eq!(complaints.len(), 1);
    assert!(!complaints[0]["message"].as_str().unwrap().is_empty());
    (status, complaints[0]["errorCode"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_is_given_for_the_credentials_in_the_body_or_by_basic() {
    let world = World::new().await;
    let granted: Value = ask_token(&world, &GOOD).await.json().await.unwrap();
    assert_eq!(granted["instance_url"], world.sandbox.base_url());
    assert_eq!((&granted["token_type"], &granted["token_format"]), (&json!("Bearer"), &json!("opaque")));
    for name in ["access_token", "signature", "id", "issued_at"] {
        assert!(!granted[name].as_str().unwrap().is_empty(), "{name}");
    }
    assert!(granted.get("expires_in").is_none(), "Salesforce does not say how long");
    let basic = world.client.post(format!("{}{TOKEN}", world.sandbox.base_url()));
    let basic = basic.basic_auth("peyvand", Some("secret-of-peyvand")).body(form(&GOOD[..1]));
    assert_eq!(basic.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_wrong_client_or_grant_gets_no_token() {
    let world = World::new().await;
    let wrong = async |pairs: &[(&str, &str)]| {
        let response = ask_token(&world, pairs).await;
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let invalid = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
    for (id, secret) in [("peyvand", "secret"), ("somebody", "secret-of-peyvand"), ("", "")] {
        let pairs = [GOOD[0], ("client_id", id), ("client_secret", secret)];
        assert_eq!(wrong(&pairs).await, (400, invalid.clone()));
    }
    let (status, body) = wrong(&[("grant_type", "password"), GOOD[1], GOOD[2]]).await;
    assert_eq!((status, &body["error"]), (400, &json!("unsupported_grant_type")));
    let basic = world.client.post(format!("{}{TOKEN}", world.sandbox.base_url()));
    // The credentials of the header count, not those of the body.
    let basic = basic.basic_auth("peyvand", Some("wrong")).body(form(&GOOD)).send().await.unwrap();
    assert_eq!(basic.status(), 401);
    assert_eq!(basic.json::<Value>().await.unwrap(), invalid);
}

#[tokio::test]
async fn without_the_right_token_nothing_is_shown_and_nothing_is_written() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    let expired = json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    let (same_length, body) = ("x".repeat(crm.token.len()), json!({"Subject": "s"}));
    for token in ["", "wrong", &crm.token[1..], &same_length] {
        for (method, path) in
            [(Method::PATCH, case("k")), (Method::GET, case("k")), (Method::GET, "/services/data/".into())]
        {
            let response = world.with_token(method, &path, token).json(&body).send().await.unwrap();
            assert_eq!(response.status(), 401);
            assert_eq!(response.json::<Value>().await.unwrap(), expired);
        }
    }
    assert_eq!(refused(crm.get(&case("k")).await).await, (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn an_upsert_creates_once_and_then_changes() {
    let notes = Notes::new();
    let world = notes.world().await;
    let crm = Crm::of(&world).await;
    let first = crm.upserted("key-1", &json!({"Subject": "broken", "Origin": "Chat"})).await;
    let id = first["id"].as_str().unwrap();
    assert!(first["created"] == true && id.starts_with("500") && id.len() == 18);
    let again = crm.upserted("key-1", &json!({"Subject": "mended"})).await;
    assert_eq!((&again["created"], &again["id"]), (&json!(false), &json!(id)));
    let case = crm.record(&case("key-1")).await;
    assert_eq!((&case["Subject"], &case["Origin"]), (&json!("mended"), &json!("Chat")));
    assert_eq!((&case["CaseNumber"], &case["Status"]), (&json!("00001001"), &json!("New")));
    let other = crm.upserted("key-2", &json!({"Subject": "late"})).await;
    assert_ne!(other["id"], id);
    let line = |number: &str, key: &str| json!({"system": "salesforce", "number": number, "reference": key});
    assert_eq!(notes.lines(), [line("00001001", "key-1"), line("00001002", "key-2")]);
}

#[tokio::test]
async fn of_twenty_upserts_at_once_under_one_key_one_creates() {
    let notes = Notes::new();
    let world = notes.world().await;
    let crm = Crm::of(&world).await;
    let sent: Vec<_> = (0..20)
        .map(|number| tokio::spawn(crm.upsert("one", &json!({"Subject": format!("s{number}")})).send()))
        .collect();
    let mut statuses = Vec::new();
    for answer in sent {
        statuses.push(answer.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort();
    assert_eq!((&statuses[..19], statuses[19]), (&[200; 19][..], 201));
    assert_eq!(notes.lines().len(), 1);
}

#[tokio::test]
async fn any_key_and_any_text_comes_back_as_it_went_in() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    for key in ["a b%2Fc", "a b/c", "a+b", "describe", "کلید ۱", "'\";--"] {
        let text = "سفارش من نرسید؛\n«فوری» 🙏 \"x\" \\ ‌نیم";
        let made = crm.upserted(key, &json!({"Subject": key, "Description": text})).await;
        assert_eq!(made["created"], true, "{key}");
        let case = crm.record(&case(key)).await;
        assert_eq!(
            (&case["Peyvand_Key__c"], &case["Subject"], &case["Description"]),
            (&json!(key), &json!(key), &json!(text))
        );
    }
}

#[tokio::test]
async fn a_read_gives_the_fields_that_were_asked_for() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    let made = crm.upserted("k", &json!({"Subject": "s", "SuppliedEmail": "a@example.com"})).await;
    let by_id = format!("{CASES}/{}", made["id"].as_str().unwrap());
    let expected = json!({
        "attributes": {"type": "Case", "url": by_id}, "Id": made["id"],
        "CaseNumber": "00001001", "SuppliedEmail": "a@example.com", "ContactId": null
    });
    for path in [&case("k"), &by_id] {
        for fields in ["CaseNumber,SuppliedEmail,ContactId", "Id,CaseNumber%2CSuppliedEmail%2CContactId"] {
            assert_eq!(crm.record(&format!("{path}?fields={fields}")).await, expected);
        }
        assert_eq!(crm.record(path).await.as_object().unwrap().len(), 12);
        let unknown = crm.get(&format!("{path}?fields=CaseNumber,Surprise__c")).await;
        assert_eq!(refused(unknown).await, (400, "INVALID_FIELD".into()));
    }
    let absent = json!([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]);
    for path in [case("other"), format!("{CASES}/500000000000000AAA")] {
        let response = crm.get(&path).await;
        assert_eq!(response.status(), 404);
        assert_eq!(response.json::<Value>().await.unwrap(), absent);
    }
}

#[tokio::test]
async fn a_refused_upsert_says_why_and_leaves_no_trace() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    let long = |length: usize| "پ".repeat(length);
    for (body, code) in [
        (json!({"Subject": "s", "Surprise__c": "x"}), "INVALID_FIELD"),
        (json!({"Subject": "s", "Peyvand_Key__c": "k"}), "INVALID_FIELD"),
        (json!({"Subject": "s", "CaseNumber": "1"}), "INVALID_FIELD"),
        (json!({"Origin": "Chat"}), "REQUIRED_FIELD_MISSING"),
        (json!({"Subject": ""}), "REQUIRED_FIELD_MISSING"),
        (json!({"Subject": null}), "REQUIRED_FIELD_MISSING"),
        (json!({"Subject": long(256)}), "STRING_TOO_LONG"),
        (json!({"Subject": "s", "Description": long(32_001)}), "STRING_TOO_LONG"),
        (json!({"Subject": "s", "Origin": "Pigeon"}), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (json!({"Subject": 7}), "JSON_PARSER_ERROR"),
        (json!(["Subject"]), "JSON_PARSER_ERROR"),
    ] {
        let response = crm.upsert("k", &body).send().await.unwrap();
        assert_eq!(refused(response).await, (400, code.to_owned()), "{code}");
    }
    let patch = || world.with_token(Method::PATCH, &case("k"), &crm.token);
    let broken = patch().header("content-type", "application/json").body("{\"Subject\"");
    assert_eq!(refused(broken.send().await.unwrap()).await, (400, "JSON_PARSER_ERROR".into()));
    let typeless = patch().body("{\"Subject\": \"s\"}").send().await.unwrap();
    assert_eq!(refused(typeless).await, (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    let key_too_long = crm.upsert(&"k".repeat(41), &json!({"Subject": "s"})).send().await.unwrap();
    assert_eq!(refused(key_too_long).await, (400, "STRING_TOO_LONG".into()));
    assert_eq!(crm.get(&case("k")).await.status(), 404);
    let whole = json!({"Subject": long(255), "Description": long(32_000)});
    assert_eq!(crm.upserted(&"k".repeat(40), &whole).await["created"], true);
    let emptied = crm.upsert(&"k".repeat(40), &json!({"Subject": null})).send().await.unwrap();
    assert_eq!(refused(emptied).await, (400, "REQUIRED_FIELD_MISSING".into()));
}

#[tokio::test]
async fn the_organisation_tells_its_versions_and_what_a_case_is() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    for path in ["/services/data/", "/services/data"] {
        let versions = crm.record(path).await;
        let urls: Vec<&str> =
            versions.as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap()).collect();
        assert_eq!(urls, ["/services/data/v66.0", "/services/data/v67.0"]);
    }
    let described = crm.record(&format!("{CASES}/describe")).await;
    let key = described["fields"].as_array().unwrap().iter().find(|field| field["name"] == "Peyvand_Key__c");
    let key = key.unwrap();
    assert_eq!((&key["externalId"], &key["unique"]), (&json!(true), &json!(true)));
    assert_eq!((&key["type"], &key["length"]), (&json!("string"), &json!(40)));
    for path in [
        "/services/data/v65.0/sobjects/Case/describe",
        "/services/data/v66.0/sobjects/Lead/describe",
        "/services/data/v66.0/sobjects/Case/Other_Key__c/k",
        "/services/data/v66.0/query?q=SELECT",
        "/services/nothing",
    ] {
        assert_eq!(refused(crm.get(path).await).await, (404, "NOT_FOUND".into()), "{path}");
    }
    for (method, path) in [(Method::POST, case("k")), (Method::PUT, case("k")), (Method::GET, TOKEN.into())] {
        let response = world.with_token(method, &path, &crm.token).send().await.unwrap();
        assert_eq!(refused(response).await, (405, "METHOD_NOT_ALLOWED".into()));
    }
}

#[tokio::test]
async fn every_answer_says_how_many_calls_are_used() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    world.fault(Fault { status: Some(503), ..fault("v67.0") });
    let mut seen = Vec::new();
    for path in ["/services/data/", &case("absent"), "/services/data/v67.0/x"] {
        let response = crm.get(path).await;
        seen.push(response.headers()["sforce-limit-info"].to_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["api-usage=2/100000", "api-usage=3/100000", "api-usage=4/100000"]);
}

#[tokio::test]
async fn a_failure_of_a_fault_has_salesforces_form() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    for (status, code) in [
        (503, "SERVER_UNAVAILABLE"),
        (403, "REQUEST_LIMIT_EXCEEDED"),
        (401, "INVALID_SESSION_ID"),
        (404, "NOT_FOUND"),
        (500, "UNKNOWN_EXCEPTION"),
    ] {
        world.fault(Fault { status: Some(status), count: Some(1), ..fault("sobjects/Case") });
        let response = crm.upsert("k", &json!({"Subject": "s"})).send().await.unwrap();
        assert_eq!(refused(response).await, (status, code.to_owned()));
    }
    assert_eq!(crm.get(&case("k")).await.status(), 404, "nothing was written");
    world.fault(Fault { status: Some(503), body: FaultBody::Html, ..fault("sobjects/Case") });
    assert!(crm.get(&case("k")).await.text().await.unwrap().starts_with("<html>"));
    world.fault(Fault { status: Some(401), ..fault(TOKEN) });
    let response = ask_token(&world, &GOOD).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_client");
}

#[tokio::test]
async fn an_expired_token_is_refused_until_a_new_one_is_fetched() {
    let world = World::new().await;
    let crm = Crm::of(&world).await;
    world.fault(Fault {
        expire_token: true,
        count: Some(1),
        method: Some("PATCH".into()),
        ..fault("sobjects/Case")
    });
    let struck = crm.upsert("k", &json!({"Subject": "s"})).send().await.unwrap();
    assert_eq!(refused(struck).await, (401, "INVALID_SESSION_ID".into()));
    let stale = crm.upsert("k", &json!({"Subject": "s"})).send().await.unwrap();
    assert_eq!(
        refused(stale).await,
        (401, "INVALID_SESSION_ID".into()),
        "the fault is used up, the token too"
    );
    let fresh = Crm::of(&world).await;
    assert_eq!(fresh.upserted("k", &json!({"Subject": "s"})).await["created"], true);
}

#[tokio::test]
async fn after_drop_after_commit_the_case_exists_though_nobody_was_told() {
    let notes = Notes::new();
    let world = notes.world().await;
    let crm = Crm::of(&world).await;
    world.fault(Fault { drop_after_commit: true, count: Some(1), ..fault("Peyvand_Key__c/lost") });
    let body = json!({"Subject": "s"});
    assert!(crm.upsert("lost", &body).send().await.is_err());
    assert_eq!(notes.lines()[0]["reference"], "lost");
    assert_eq!(crm.upserted("lost", &body).await["created"], false);
    assert_eq!(notes.lines().len(), 1);
    world.fault(Fault { drop: true, count: Some(1), ..fault("Peyvand_Key__c/never") });
    assert!(crm.upsert("never", &body).send().await.is_err());
    assert_eq!(crm.get(&case("never")).await.status(), 404);
    world.fault(Fault { half_body: true, count: Some(1), ..fault("Peyvand_Key__c/half") });
    let half = crm.upsert("half", &body).send().await.unwrap();
    assert_eq!(half.status(), 201);
    assert!(half.bytes().await.is_err());
    assert_eq!(crm.get(&case("half")).await.status(), 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_a_delayed_upsert() {
    let notes = Notes::new();
    let world = notes.world().await;
    let crm = Crm::of(&world).await;
    world.fault(Fault { delay_ms: 2_000, count: Some(1), ..fault("Peyvand_Key__c/slow") });
    let request = crm.upsert("slow", &json!({"Subject": "s"}));
    let sent = tokio::spawn(request.send());
    while world.sandbox.app.faults().list()[0].hits == 0 {
        tokio::task::yield_now().await;
    }
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while crm.get(&case("slow")).await.status() == 404 {
        assert!(std::time::Instant::now() < until, "the upsert was given up");
    }
    assert_eq!(notes.lines().len(), 1);
}
