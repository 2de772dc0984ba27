//! What the relay does while its own log makes it wait, and when its outbox is full.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use peyvand::{
    bus::{BusError, NewRecord, Offset, Producer, TopicPartition},
    codec::Schemas,
    event::{ConversationId, Decision, Envelope, EventId, Operation, TenantId, TurnDecided},
    language::script::Language,
    store::{Commit, Depth, SqliteStore, Step, StepKey, Store},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Relay, is_full};
use crate::{
    system::{Capability, Looked, Sent, Writer},
    target::TargetConfig,
    write::Write,
};

const TARGET: &str = "desk";
const PATIENCE: Duration = Duration::from_secs(30);

/// A system that answers at once and says when it was sent the second conversation's write; the way to it has a fault of ours
/// for one.
#[derive(Default)]
struct Desk {
    second_sent: Notify,
}

impl Writer for Desk {
    fn operation(&self) -> Operation {
        Operation::CallbackRequest
    }

    fn capability(&self) -> Capability {
        Capability::Key
    }

    fn send<'a>(&'a self, write: &'a Write) -> BoxFuture<'a, Sent> {
        async move {
            assert!(write.conversation_id.as_str() != "faulty", "a fault");
            if write.conversation_id.as_str() == "second" {
                self.second_sent.notify_one();
            }
            Sent::Done { reference: "1".to_owned() }
        }
        .boxed()
    }

    fn reconcile<'a>(&'a self, _write: &'a Write) -> BoxFuture<'a, Looked> {
        std::future::ready(Looked::Absent).boxed()
    }
}

/// A log that takes all, and counts it.
#[derive(Default)]
struct Log(AtomicUsize);

impl Producer for Log {
    fn send(&self, record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok((TopicPartition { topic: record.topic, partition: 0 }, Offset(0)))).boxed()
    }
}

/// A log that takes nothing, and says when it was asked to.
struct StuckLog(Arc<Notify>);

impl Producer for StuckLog {
    fn send(&self, _record: NewRecord) -> BoxFuture<'_, Result<(TopicPartition, Offset), BusError>> {
        self.0.notify_one();
        std::future::pending().boxed()
    }
}

async fn intend(store: &Store, conversation: &str) {
    let conversation_id = ConversationId::parse(conversation).unwrap();
    let event_id = EventId::of_message("test", "demo", conversation);
    let tenant = TenantId::parse("demo").unwrap();
    let turn = TurnDecided::bare(
        (tenant, conversation_id.clone()),
        event_id,
        "test".to_owned().try_into().unwrap(),
        Language::En,
        Decision::Execute,
    );
    let input = Envelope {
        event_id,
        correlation_id: event_id,
        causation_id: None,
        occurred_at_ms: 1,
        traceparent: None,
        event: turn,
    };
    let entry = Write::of(&input, Operation::CallbackRequest, TARGET).entry().unwrap();
    let step = Step {
        key: StepKey { group: "connector", conversation_id, event_id, fingerprint: [0; 32] },
        version: 0,
        last_seq: 0,
        state: None,
        outgoing: Vec::new(),
        replies: Vec::new(),
        entries: vec![entry],
    };
    assert!(matches!(store.commit(step).await.unwrap(), Commit::Done(_)));
}

#[tokio::test]
async fn an_event_that_the_log_does_not_take_holds_up_no_other_write() {
    let file = std::env::temp_dir().join(format!("peyvand-relay-{}.sqlite", uuid::Uuid::new_v4()));
    let store: Store = SqliteStore::open(&file).await.unwrap().into();
    intend(&store, "first").await;
    let desk = Arc::new(Desk::default());
    let told = Arc::new(Notify::new());
    let config = TargetConfig::new(TARGET, "http://127.0.0.1:9", "nobody", String::new().into());
    let (writer, log) = (Arc::clone(&desk), Arc::new(StuckLog(Arc::clone(&told))));
    let relay = Relay::new(&config, writer, store.clone(), log, Arc::new(Schemas::embedded()));
    let (full, _is_full) = watch::channel(false);
    let running = tokio::spawn(relay.run(Arc::new(Notify::new()), full, CancellationToken::new()));
    timeout(PATIENCE, told.notified()).await.unwrap();
    intend(&store, "second").await;
    timeout(PATIENCE, desk.second_sent.notified())
        .await
        .expect("the second write waited for the first's event");
    running.abort();
    store.close().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_write_that_makes_the_program_panic_waits_for_a_person_and_the_others_go_on() {
    let file = std::env::temp_dir().join(format!("peyvand-relay-{}.sqlite", uuid::Uuid::new_v4()));
    let store: Store = SqliteStore::open(&file).await.unwrap().into();
    for conversation in ["faulty", "first"] {
        intend(&store, conversation).await;
    }
    let config = TargetConfig::new(TARGET, "http://127.0.0.1:9", "nobody", String::new().into());
    let schemas = Arc::new(Schemas::embedded());
    let log = Arc::new(Log::default());
    let relay = Relay::new(&config, Arc::new(Desk::default()), store.clone(), Arc::clone(&log) as _, schemas);
    let (full, _is_full) = watch::channel(false);
    let stop = CancellationToken::new();
    let running = tokio::spawn(relay.run(Arc::new(Notify::new()), full, stop.clone()));
    let settled = async {
        loop {
            let depth = store.depth(TARGET).await.unwrap();
            if (depth.waiting, depth.parked) == (1, 1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, settled).await.expect("the panic stopped the relay, or was forgotten");
    let parked = store.parked(10).await.unwrap().remove(0);
    assert_eq!((parked.class.as_str(), parked.in_doubt), ("panic", true));
    assert_eq!(parked.conversation_id.as_str(), "faulty");
    stop.cancel();
    running.await.unwrap();
    assert_eq!(log.0.load(Ordering::SeqCst), 2, "both are told what became of theirs");
    store.close().await;
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_full_outbox_is_full_until_a_tenth_of_it_is_free() {
    let waiting = |waiting| Depth { waiting, in_doubt: 0, parked: 0, oldest: Duration::ZERO };
    let mut full = false;
    let seen: Vec<bool> = [0, 99, 100, 95, 91, 90, 99, 100]
        .map(|depth| {
            full = is_full(full, &waiting(depth), 100);
            full
        })
        .to_vec();
    assert_eq!(seen, [false, false, true, true, true, false, false, true]);
}
