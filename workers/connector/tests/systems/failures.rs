//! Every way a system fails to answer, and what becomes of it: which class, how many requests, how long.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use peyvand::{
    event::{Operation, SlotName},
    language::script::Language,
};
use peyvand_connector::{
    sap::Sap,
    system::{Looked, Writer},
    target::{TargetConfig, TargetError},
};
use peyvand_sandbox::{Fault, FaultBody};

use crate::{
    support::{Server, World, at_orders, target},
    turns::write_of,
};

/// The class of failure under a fault, and how many requests it took.
async fn failure(world: &World, fault: Fault) -> (TargetError, usize) {
    world.fault(fault);
    let before = world.sandbox.requests().len();
    let error = world.order("45001").await.unwrap_err();
    (error, world.since(before).len())
}

fn status(status: u16) -> Fault {
    Fault { status: Some(status), ..at_orders() }
}

#[tokio::test]
async fn a_missing_order_and_a_page_of_a_proxy_are_told_apart() {
    let world = World::new().await;
    world.fault(status(404));
    assert_eq!(world.order("45001").await, Ok(None), "the Gateway itself says that there is none");
    for body in [FaultBody::Html, FaultBody::Empty] {
        let (error, requests) = failure(&world, Fault { body, ..status(404) }).await;
        assert_eq!((error.kind(), requests), ("misconfigured", 1), "{body:?}");
    }
}

#[tokio::test]
async fn each_status_has_its_class_and_is_asked_once() {
    for (code, kind) in [
        (400, "unreadable"),
        (401, "misconfigured"),
        (403, "misconfigured"),
        (405, "unreadable"),
        (406, "unreadable"),
        (408, "slow"),
        (410, "unreadable"),
        (500, "unavailable"),
        (501, "unavailable"),
        (502, "unavailable"),
        (504, "unavailable"),
    ] {
        // A client of its own for each: after ten failures it is not asked any more.
        let world = World::new().await;
        for body in [FaultBody::Sap, FaultBody::Html, FaultBody::Empty] {
            let (error, requests) = failure(&world, Fault { body, ..status(code) }).await;
            assert_eq!((error.kind(), requests), (kind, 1), "{code} {body:?}");
        }
        world.sandbox.clear_faults();
        assert!(world.order("45001").await.unwrap().is_some(), "a failure stays with its operation");
    }
}

#[tokio::test]
async fn a_wrong_password_is_misconfigured_and_is_not_in_the_error() {
    let world = World::with(1_000, |mut target| {
        target.password = "geheim".to_owned().into();
        target
    })
    .await;
    let error = world.order("45001").await.unwrap_err();
    assert_eq!(error.kind(), "misconfigured");
    assert!(!format!("{error} {error:?}").contains("geheim"));
    assert_eq!(world.sap.ping().await.unwrap_err().kind(), "misconfigured");
}

/// The pause a busy system's answer is understood to ask for.
async fn pause(world: &World, retry_after: Option<&str>) -> Option<Duration> {
    let fault = Fault { retry_after: retry_after.map(str::to_owned), ..status(429) };
    match failure(world, fault).await.0 {
        TargetError::Busy { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_pause_of_a_busy_system_is_read_as_seconds_or_date_and_nonsense_counts_as_nothing() {
    let world = World::new().await;
    let day = Duration::from_secs(24 * 3_600);
    for (said, understood) in [
        (None, None),
        (Some("7"), Some(Duration::from_secs(7))),
        (Some(" 7 "), Some(Duration::from_secs(7))),
        (Some("999999999"), Some(day)),
        (Some("99999999999999999999999999"), None),
        (Some("Wed, 21 Oct 2099 07:28:00 GMT"), Some(day)),
        (Some("soon, perhaps"), None),
        (Some("-5"), None),
        (Some("1.5"), None),
        (Some("7 8"), None),
        (Some("Wed, 99 Oct 2099 07:28:00 GMT"), None),
    ] {
        assert_eq!(pause(&world, said).await, understood, "{said:?}");
    }
    let soon = Timestamp::now() + 90.seconds();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon).unwrap();
    let read = pause(&world, Some(&date)).await.unwrap();
    assert!((Duration::from_secs(60)..=Duration::from_secs(90)).contains(&read), "{read:?}");
}

#[tokio::test]
async fn a_system_that_asks_for_a_short_pause_is_asked_once_more() {
    let world = World::new().await;
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    for (code, retry_after) in [
        (429, Some("0")),
        (429, Some("1")),
        (429, Some(past)),
        (503, None),
        (503, Some("0")),
        (503, Some("1")),
        (503, Some("perhaps")),
        (503, Some(past)),
    ] {
        let fault = Fault { retry_after: retry_after.map(str::to_owned), ..status(code) };
        world.fault(Fault { count: Some(1), ..fault.clone() });
        assert!(world.order("45001").await.unwrap().is_some(), "{code} {retry_after:?}");
        let (error, requests) = failure(&world, fault).await;
        let kind = if code == 429 { "busy" } else { "unavailable" };
        assert_eq!((error.kind(), requests), (kind, 2), "{code} {retry_after:?}");
    }
}

#[tokio::test]
async fn a_system_that_asks_for_a_long_pause_or_names_none_when_busy_is_left_alone() {
    let world = World::new().await;
    for (code, retry_after) in
        [(429, None), (429, Some("2")), (429, Some("perhaps")), (503, Some("2")), (503, Some("3600"))]
    {
        let fault = Fault { retry_after: retry_after.map(str::to_owned), ..status(code) };
        let began = Instant::now();
        let (error, requests) = failure(&world, fault).await;
        let kind = if code == 429 { "busy" } else { "unavailable" };
        assert_eq!((error.kind(), requests), (kind, 1), "{code} {retry_after:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "a person was kept waiting for nothing");
    }
}

#[tokio::test]
async fn what_breaks_off_is_asked_once_more_and_then_told() {
    let world = World::new().await;
    for fault in [
        Fault { drop: true, ..at_orders() },
        Fault { half_body: true, ..at_orders() },
        Fault { drop_after_commit: true, ..at_orders() },
    ] {
        world.fault(Fault { count: Some(1), ..fault.clone() });
        assert!(world.order("45001").await.unwrap().is_some(), "{fault:?}");
        let (error, requests) = failure(&world, fault.clone()).await;
        assert_eq!((error.kind(), requests), ("unavailable", 2), "{fault:?}");
    }
}

#[tokio::test]
async fn half_of_a_long_list_is_not_told_as_the_whole() {
    let world = World::new().await;
    world.fault(Fault { pattern: "A_ProductDescription".to_owned(), half_body: true, ..Fault::default() });
    assert_eq!(world.sap.products().await.unwrap_err().kind(), "unavailable");
}

#[tokio::test]
async fn a_slow_system_is_told_as_slow_within_the_deadline() {
    let deadline = Duration::from_millis(400);
    let world = World::with(1_000, |target| TargetConfig { deadline, ..target }).await;
    world.fault(Fault { delay_ms: 60_000, ..at_orders() });
    let began = Instant::now();
    assert_eq!(world.order("45001").await.unwrap_err().kind(), "slow");
    let took = began.elapsed();
    assert!((deadline..deadline + Duration::from_secs(3)).contains(&took), "{took:?}");
    // The repeat after a pause counts into the same deadline.
    world.fault(Fault { retry_after: Some("1".to_owned()), ..status(503) });
    let began = Instant::now();
    assert_eq!(world.order("45001").await.unwrap_err().kind(), "slow");
    assert!(began.elapsed() < deadline + Duration::from_secs(3));
}

#[tokio::test]
async fn questions_to_a_system_that_hangs_stop_going_out_while_writes_are_still_asked_for() {
    let deadline = Duration::from_secs(2);
    let hanging = Server::new(|_| std::future::pending()).await;
    let sap = Sap::new(TargetConfig { deadline, ..target(&hanging.url()) }).unwrap();
    let questions = (0..10).map(|_| sap.order("45001", Language::En));
    for answer in futures_util::future::join_all(questions).await {
        assert_eq!(answer.unwrap_err().kind(), "slow");
    }
    let before = hanging.hits();
    assert_eq!(sap.order("45001", Language::En).await.unwrap_err().kind(), "slow");
    assert_eq!(sap.stock("CEM-042", Language::Fa).await.unwrap_err().kind(), "slow");
    assert_eq!(hanging.hits(), before, "a question went out");
    let write = write_of("1", Operation::SalesOrderCreate, &[(SlotName::Product, "CEM-042")]);
    let looked = sap.sales_orders().reconcile(&write).await;
    assert!(matches!(looked, Looked::CannotTell(TargetError::Slow { .. })), "{looked:?}");
    assert_eq!(hanging.hits(), before + 1, "the relay has a breaker of its own");
}

#[tokio::test]
async fn a_system_that_is_not_there_is_unavailable_at_once() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let sap = Sap::new(target(&format!("http://{gone}"))).unwrap();
    let began = Instant::now();
    assert_eq!(sap.order("45001", Language::En).await.unwrap_err().kind(), "unavailable");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_address_that_no_system_has_is_misconfigured_from_the_start() {
    for address in
        ["", "sap", "ftp://sap.example.com", "http://", "http://user:geheim@sap.example.com", "file:///etc"]
    {
        let error = Sap::new(target(address)).err().unwrap_or_else(|| panic!("{address} was taken"));
        assert_eq!(error.kind(), "misconfigured", "{address}");
        assert!(!error.to_string().contains("geheim"));
    }
}
