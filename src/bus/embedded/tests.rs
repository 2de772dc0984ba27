//! What only this backing can show; what every backing has to do stands in `tests/conformance/bus`.

use std::{path::PathBuf, time::Duration};

use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::bus::{Consumer, ConsumerEvent, TopicSpec};

fn file() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("peyvand-bus-{}", Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("bus.sqlite")
}

async fn log(limits: Limits) -> EmbeddedBus {
    let bus = EmbeddedBus::open_with(&file(), limits).await.unwrap();
    let topic = Topic::new("t");
    bus.create_topics(&[TopicSpec { topic, partitions: 4, retention_ms: -1, retention_bytes: -1 }])
        .await
        .unwrap();
    bus
}

async fn event(consumer: &mut Box<dyn Consumer>) -> ConsumerEvent {
    timeout(Duration::from_secs(20), consumer.next(1)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_second_process_on_the_same_log_is_refused() {
    let file = file();
    let _bus = EmbeddedBus::open(&file).await.unwrap();
    let refused = EmbeddedBus::open(&file).await.err().unwrap();
    assert_eq!(refused.kind(), "unavailable");
}

#[tokio::test]
async fn a_member_of_an_unknown_topic_is_refused() {
    let bus = log(Limits::default()).await;
    let refused = bus.consumer("g", &[Topic::new("t"), Topic::new("nowhere")]).err().unwrap();
    assert_eq!(refused.kind(), "unknown_topic");
}

#[tokio::test]
async fn partitions_that_are_not_let_go_are_lost_in_the_end() {
    let bus = log(Limits { let_go: Duration::from_millis(50), ..Limits::default() }).await;
    let mut one = bus.consumer("g", &[Topic::new("t")]).unwrap();
    assert!(matches!(event(&mut one).await, ConsumerEvent::Assigned(held) if held.len() == 4));
    let mut other = bus.consumer("g", &[Topic::new("t")]).unwrap();
    let ConsumerEvent::Revoking(places, _kept) = event(&mut one).await else { panic!("not asked") };
    assert!(matches!(event(&mut one).await, ConsumerEvent::Lost(lost) if lost == places));
    let ConsumerEvent::Assigned(came) = event(&mut other).await else { panic!("not handed out") };
    assert_eq!(came.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), places);
}
