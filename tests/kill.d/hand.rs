//! A write that nobody can settle but a person.

use std::time::{Duration, Instant};

use peyvand::event::{Envelope, Operation, TurnDecided};
use peyvand_connector::{
    sap::Sap,
    system::{Sent, Writer},
    target::{SalesArea, TargetConfig},
    write::Write,
};
use peyvand_sandbox::Fault;

use crate::{
    judge::judge,
    scene::{Scene, entry, turn},
};

/// Puts another order under the key of a turn that is still to come.
async fn somebody_elses(scene: &Scene, asked: &Envelope<TurnDecided>) -> String {
    let text = |text: &str| text.to_owned();
    let area = SalesArea {
        order_type: text("OR"),
        organization: text("1010"),
        channel: text("10"),
        division: text("00"),
    };
    let target = TargetConfig::new("sap", scene.sap(), "PEYVAND", text("welcome").into());
    let sap = Sap::new(TargetConfig { sales_area: Some(area), ..target }).unwrap();
    let mut other = turn(asked.event.conversation_id.as_str(), Operation::SalesOrderCreate, "99");
    other.event_id = asked.event_id;
    match sap.sales_orders().send(&Write::of(&other, Operation::SalesOrderCreate, "sap")).await {
        Sent::Done { reference } => reference,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_nobody_can_settle_waits_for_a_person_and_is_told_as_decided() {
    let mut scene = Scene::open().await;
    let conversation = Scene::conversation();
    // The connector comes later, so that the other order is there first; its own attempt is then lost.
    let asked = scene.ask(&conversation).await;
    let reference = somebody_elses(&scene, &asked).await;
    scene.fault(Operation::SalesOrderCreate, Fault { drop: true, ..Fault::default() });
    let connector = scene.connector(None).await;
    let tracking = entry(&asked).tracking();
    let until = Instant::now() + Duration::from_secs(60);
    while !scene.peyvand(&["outbox", "list"]).1.contains(&tracking) {
        assert!(Instant::now() < until, "the write was not parked");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    scene.no_faults();
    let (_, list) = scene.peyvand(&["outbox", "list"]);
    assert!(list.contains("conflict (may be written)") && list.contains("1 writes wait"), "{list}");
    let (fine, said) =
        scene.peyvand(&["outbox", "done", &tracking, "--reference", &reference, "--by", "sara"]);
    assert!(!fine && said.contains("--why"), "{said}");
    let done =
        ["outbox", "done", &tracking, "--reference", &reference, "--by", "sara", "--why", "it is ours"];
    let (fine, said) = scene.peyvand(&done);
    assert!(fine, "{said}");
    scene.all_done().await;
    let (fine, said) = scene.peyvand(&done);
    assert!(!fine && said.contains("no single write"), "{said}");
    // The conversation goes on.
    let _next = scene.ask(&conversation).await;
    scene.all_done().await;
    connector.kill();
    let verdict = judge(&scene);
    assert!(verdict.is_clean(), "{verdict:?}");
    scene.close().await;
}
