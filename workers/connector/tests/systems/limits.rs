//! Size, time and number of what is under way at once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, future::join_all, stream};
use peyvand::language::script::Language;
use peyvand_connector::{sap::Sap, target::TargetConfig};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{Server, answer, d, order_json, target};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_body_over_the_limit_is_not_read_to_its_end() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let server = Server::new(move |_| {
        let counted = Arc::clone(&counted);
        // Without an end, so that only the reader's limit can stop it.
        let chunks = stream::repeat(Bytes::from(vec![b' '; 64 * 1024])).map(move |chunk| {
            counted.fetch_add(chunk.len(), Ordering::SeqCst);
            Ok::<_, Infallible>(chunk)
        });
        std::future::ready(answer(200, "application/json", Body::from_stream(chunks)))
    })
    .await;
    let error = server.sap().order("45001", Language::En).await.unwrap_err();
    assert_eq!((error.kind(), server.hits()), ("unreadable", 1));
    let sent = sent.load(Ordering::SeqCst);
    assert!((4 * MIB..32 * MIB).contains(&sent), "{sent} bytes were sent");
}

#[tokio::test]
async fn a_missing_order_with_an_endless_page_is_bounded_too() {
    let server = Server::new(|_| {
        let chunks = stream::repeat(Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024])));
        std::future::ready(answer(404, "text/html", Body::from_stream(chunks)))
    })
    .await;
    let error = server.sap().order("45001", Language::En).await.unwrap_err();
    assert_eq!((error.kind(), server.hits()), ("unreadable", 1));
}

#[tokio::test]
async fn a_body_that_trickles_is_slow_within_the_deadline() {
    let server = Server::new(|_| {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        });
        std::future::ready(answer(200, "application/json", Body::from_stream(trickle)))
    })
    .await;
    let deadline = Duration::from_millis(500);
    let sap = Sap::new(TargetConfig { deadline, ..target(&server.url()) }).unwrap();
    let began = Instant::now();
    assert_eq!(sap.order("45001", Language::En).await.unwrap_err().kind(), "slow");
    assert!(began.elapsed() < deadline + Duration::from_secs(3), "{:?}", began.elapsed());
}

/// A server that lets nobody go before it is told to, and counts how many it holds at once.
struct Gate {
    server: Server,
    open: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gate {
    async fn new() -> Self {
        let open = Arc::new(Semaphore::new(0));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let held = (Arc::clone(&open), Arc::clone(&inside), Arc::clone(&most));
        let server = Server::new(move |_| {
            let (open, inside, most) = held.clone();
            async move {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                open.acquire().await.unwrap().forget();
                inside.fetch_sub(1, Ordering::SeqCst);
                d(&order_json(json!({"results": []})))
            }
        })
        .await;
        Self { server, open, inside, most }
    }

    fn sap(&self, deadline: Duration, in_flight_max: usize) -> Arc<Sap> {
        let config = TargetConfig { deadline, in_flight_max, ..target(&self.server.url()) };
        Arc::new(Sap::new(config).unwrap())
    }

    async fn holds(&self, number: usize) {
        while self.inside.load(Ordering::SeqCst) < number {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn no_more_operations_than_allowed_are_under_way_and_all_are_answered() {
    let gate = Gate::new().await;
    let sap = gate.sap(Duration::from_secs(30), 3);
    let asked = join_all((0..12).map(|_| sap.order("45001", Language::En)));
    let (answers, ()) = tokio::join!(asked, async {
        gate.holds(3).await;
        gate.open.add_permits(12);
    });
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Some(_)))), "{answers:?}");
    assert_eq!(gate.most.load(Ordering::SeqCst), 3);
    assert_eq!(gate.server.hits(), 12);
}

#[tokio::test]
async fn nobody_waits_for_a_place_longer_than_the_deadline_and_the_places_are_free_again() {
    let gate = Gate::new().await;
    let sap = gate.sap(Duration::from_secs(2), 2);
    let began = Instant::now();
    let answers = join_all((0..20).map(|_| sap.order("45001", Language::En))).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let kinds: Vec<&str> = answers.iter().map(|answer| answer.as_ref().unwrap_err().kind()).collect();
    assert!(kinds.iter().all(|kind| ["slow", "busy"].contains(kind)), "{kinds:?}");
    assert_eq!(kinds[..2], ["slow", "slow"], "who was under way was not told busy");
    gate.open.add_permits(100);
    assert!(matches!(sap.order("45001", Language::En).await, Ok(Some(_))));
}

#[tokio::test]
async fn an_operation_that_is_given_up_frees_its_place() {
    let gate = Gate::new().await;
    let sap = gate.sap(Duration::from_secs(30), 1);
    let given_up = tokio::spawn({
        let sap = Arc::clone(&sap);
        async move { sap.order("45001", Language::En).await }
    });
    gate.holds(1).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    gate.open.add_permits(10);
    assert!(matches!(sap.order("45001", Language::En).await, Ok(Some(_))));
}
