//! What takes minutes: a server that is not dead, only never heard.

use std::time::Duration;

use peyvand::{
    privacy::Sensitive,
    store::{PostgresStore, Store},
};
use tokio::time::timeout;

use super::{
    crowd::Crowd,
    database::{Database, LONG},
};
use crate::line::Line;

/// Past the time after which a server that says nothing is given up (30 s), and the next attempts to reach it.
const CUT_FOR: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_given_up_and_what_it_hears_too_late_changes_nothing() {
    let database = Database::migrated().await;
    let url = database.url();
    let (before, rest) = url.expose().split_once('@').unwrap();
    let (far, name) = rest.split_once('/').unwrap();
    let line = Line::lay("127.0.0.1:0", far).await;
    let by_line = Sensitive::new(format!("{before}@{}/{name}", line.address));
    let by_line = PostgresStore::connect(&by_line, None).await.unwrap();
    let stores: [Store; 2] = [database.connect().await.into(), by_line.into()];
    let crowd = Crowd::new(20, 200);
    let mut progress = crowd.progress();
    let hurt = async {
        progress.wait_for(|done| *done >= 400).await.unwrap();
        line.cut();
        tokio::time::sleep(CUT_FOR).await;
        line.mend();
    };
    let all = timeout(CUT_FOR + LONG, async { tokio::join!(crowd.work(&stores), hurt) });
    let (faults, ()) = all.await.expect("the store never came back to its server");
    assert!(faults > 0, "nobody was waiting when the line was cut");
    let store = database.connect().await.into();
    crowd.check(&store).await;
    drop(stores);
    database.drop().await;
}
