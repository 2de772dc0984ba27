//! A new case, every way it can fail, and what may be said afterwards.

use peyvand::event::{Operation, SlotName};
use peyvand_connector::{
    salesforce::Salesforce,
    system::{Capability, Looked, Sent, Writer},
    target::{TargetConfig, TargetError},
    write::Write,
};
use peyvand_sandbox::{Fault, Sandbox, SandboxConfig};
use serde_json::Value;

use crate::{
    support::{DEADLINE, Server, answer},
    turns::{kind, write_of},
};

fn target(base_url: &str, secret: &str) -> TargetConfig {
    let config = TargetConfig::new("crm", base_url, "peyvand", secret.to_owned().into());
    TargetConfig { deadline: DEADLINE, ..config }
}

struct World {
    sandbox: Sandbox,
    salesforce: Salesforce,
}

impl World {
    async fn new() -> Self {
        let config = SandboxConfig::loopback(jiff::civil::date(2026, 11, 23));
        let secret = config.client_secret.clone();
        let sandbox = peyvand_sandbox::start(config).await.unwrap();
        let salesforce = Salesforce::new(target(&sandbox.base_url(), &secret)).unwrap();
        Self { sandbox, salesforce }
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.clear_faults();
        self.sandbox.put_fault(fault).unwrap();
    }

    async fn send(&self, write: &Write) -> Sent {
        self.salesforce.cases().send(write).await
    }

    /// The case under the write's key as the sandbox shows it to anybody who logs on.
    async fn standing(&self, write: &Write) -> Option<Value> {
        let (base, client) = (self.sandbox.base_url(), reqwest::Client::new());
        let logon = "grant_type=client_credentials&client_id=peyvand&client_secret=secret-of-peyvand";
        let granted = client
            .post(format!("{base}/services/oauth2/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(logon);
        let granted: Value = granted.send().await.unwrap().json().await.unwrap();
        let key = write.id.key();
        let url = format!("{base}/services/data/v66.0/sobjects/Case/Peyvand_Key__c/{key}");
        let asked = client.get(url).bearer_auth(granted["access_token"].as_str().unwrap());
        let answer = asked.send().await.unwrap();
        match answer.status().as_u16() {
            200 => Some(answer.json().await.unwrap()),
            404 => None,
            other => panic!("{other}"),
        }
    }
}

fn at_writes() -> Fault {
    Fault { pattern: "/services/data".to_owned(), method: Some("PATCH".to_owned()), ..Fault::default() }
}

fn case(name: &str) -> Write {
    let words = "پمپ نشتی دارد؛ it's \"broken\" \\ %_+&#/;\nand wet";
    write_of(name, Operation::CaseCreate, &[(SlotName::Description, words), (SlotName::OrderNumber, "45001")])
}

#[tokio::test]
async fn a_case_gets_a_number_and_stands_once_however_often_it_is_sent() {
    let world = World::new().await;
    let write = case("1");
    let cases = world.salesforce.cases();
    assert_eq!((cases.capability(), cases.reconcile(&write).await), (Capability::Upsert, Looked::Absent));
    let Sent::Done { reference } = world.send(&write).await else { panic!("not written") };
    assert_eq!(world.send(&write).await, Sent::Done { reference: reference.clone() });
    assert_eq!(cases.reconcile(&write).await, Looked::Found { reference: reference.clone() });
    let standing = world.standing(&write).await.unwrap();
    assert_eq!(standing["CaseNumber"], reference.as_str());
    assert_eq!(standing["Description"].as_str(), write.slot(SlotName::Description));
    assert!(standing["Subject"].as_str().unwrap().starts_with("45001: پمپ نشتی"), "{standing}");
}

#[tokio::test]
async fn each_failure_says_truly_whether_a_case_may_have_been_written() {
    let world = World::new().await;
    let status = |code| Fault { status: Some(code), ..at_writes() };
    for (name, fault, expected, stands) in [
        ("429", status(429), ("not sent", "busy"), false),
        ("408", status(408), ("maybe sent", "slow"), false),
        ("500", status(500), ("maybe sent", "unavailable"), false),
        ("503", status(503), ("maybe sent", "unavailable"), false),
        ("drop", Fault { drop: true, ..at_writes() }, ("maybe sent", "unavailable"), false),
        ("lost", Fault { drop_after_commit: true, ..at_writes() }, ("maybe sent", "unavailable"), true),
    ] {
        let write = case(name);
        world.fault(fault);
        assert_eq!(kind(&world.send(&write).await), expected, "{name}");
        world.sandbox.clear_faults();
        assert_eq!(world.standing(&write).await.is_some(), stands, "{name}");
        // A repeat is safe, whatever came before it.
        assert_eq!(kind(&world.send(&write).await), ("done", ""), "{name}");
    }
}

#[tokio::test]
async fn a_case_whose_number_could_not_be_read_is_not_done_yet() {
    let world = World::new().await;
    let write = case("1");
    let reading =
        Fault { pattern: "Peyvand_Key__c".to_owned(), method: Some("GET".to_owned()), ..Fault::default() };
    world.fault(Fault { status: Some(503), ..reading });
    assert_eq!(kind(&world.send(&write).await), ("maybe sent", "unavailable"));
    assert!(matches!(world.salesforce.cases().reconcile(&write).await, Looked::CannotTell(_)));
    world.sandbox.clear_faults();
    assert!(world.standing(&write).await.is_some());
    assert_eq!(kind(&world.send(&write).await), ("done", ""));
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let world = World::new().await;
    assert_eq!(kind(&world.send(&case("first")).await).0, "done");
    world.fault(Fault { expire_token: true, count: Some(1), ..at_writes() });
    assert_eq!(kind(&world.send(&case("second")).await).0, "done");
    world.fault(Fault { expire_token: true, ..at_writes() });
    assert_eq!(kind(&world.send(&case("third")).await), ("not sent", "misconfigured"));
    world.sandbox.clear_faults();
    assert!(world.standing(&case("third")).await.is_none());
}

#[tokio::test]
async fn a_wrong_secret_and_an_organisation_that_is_away_have_written_nothing() {
    let world = World::new().await;
    let stranger = Salesforce::new(target(&world.sandbox.base_url(), "guess")).unwrap();
    assert_eq!(kind(&stranger.cases().send(&case("1")).await), ("not sent", "misconfigured"));
    assert!(matches!(stranger.ping().await, Err(TargetError::Misconfigured { .. })));
    assert_eq!(world.salesforce.ping().await, Ok(()));
    let away = Salesforce::new(target("http://127.0.0.1:9", "x")).unwrap();
    assert_eq!(kind(&away.cases().send(&case("1")).await), ("not sent", "unavailable"));
}

#[tokio::test]
async fn nothing_is_written_where_the_key_is_not_unique() {
    let server = Server::new(|request| async move {
        let body = match request.uri().path() {
            "/services/oauth2/token" => r#"{"access_token":"t"}"#,
            path if path.ends_with("/describe") => {
                r#"{"fields":[{"name":"Peyvand_Key__c","externalId":true,"unique":false}]}"#
            }
            _ => r#"{"id":"500","success":true,"errors":[],"created":true}"#,
        };
        answer(200, "application/json", body)
    })
    .await;
    let salesforce = Salesforce::new(target(&server.url(), "x")).unwrap();
    assert_eq!(kind(&salesforce.cases().send(&case("1")).await), ("not sent", "misconfigured"));
    assert_eq!(server.hits(), 2, "the token and the description, no write");
}

#[tokio::test]
async fn somebody_elses_case_under_our_key_is_told_as_different() {
    let world = World::new().await;
    assert_eq!(kind(&world.send(&case("1")).await).0, "done");
    let other = write_of("1", Operation::CaseCreate, &[(SlotName::Description, "something else")]);
    assert_eq!(world.salesforce.cases().reconcile(&other).await, Looked::Different);
}
