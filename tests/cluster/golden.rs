//! The golden conversations, spoken to the workers of a deployment: through Kafka, with the state in PostgreSQL. The replay
//! runs on an embedded log, so that both backings decide the same, byte for byte.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::deployment::{conversation, deployment};

const CONVERSATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assistant/tests/conversations");

#[tokio::test]
async fn every_golden_conversation_goes_the_same_way_on_kafka_and_in_the_replay_on_the_embedded_log() {
    let peyvand = deployment();
    // The classifier learns the product names soon after its start.
    let until = Instant::now() + Duration::from_secs(60);
    while !peyvand.ask(&conversation(), "is CEM-042 in stock?").await.contains("Stock of") {
        assert!(Instant::now() < until, "the classifier does not know the products");
    }
    let data = std::env::temp_dir().join(format!("peyvand-test-{}", Uuid::new_v4()));
    let data = data.to_str().unwrap().to_owned();
    let arguments = ["test", "--cluster", "--conversations", CONVERSATIONS, "--data", &data];
    let arguments = arguments.map(ToOwned::to_owned);
    let ran = tokio::task::spawn_blocking(move || peyvand.peyvand(&arguments.each_ref().map(String::as_str)));
    let (fine, said) = ran.await.unwrap();
    let _removed = std::fs::remove_dir_all(&data);
    assert!(fine, "{said}");
    let files = std::fs::read_dir(CONVERSATIONS).unwrap().count();
    assert!(said.contains(&format!("{files} ok, 0 failed")) && said.contains("replayed"), "{said}");
}
