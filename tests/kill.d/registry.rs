//! The registry is killed while a connector needs a schema that it does not know yet.

use std::time::{Duration, Instant};

use peyvand::event::Operation;
use tokio::time::sleep;

use crate::{
    away::Away,
    corpus,
    hostile_avro::register,
    log,
    play::{PATIENCE, Play, all_say},
    scene::Scene,
};

const DEAD: &str = "chat.turn.decided.connector.dlq";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_nobody_knows_yet_waits_for_the_registry_and_nobody_else_does() {
    let mut play = Play::begin().await;
    let more = r#"{"name":"mood","type":"string","default":""}"#;
    let id = register(&format!("{}-value", Scene::conversation()), &corpus::schema_with(more)).await;
    let away = Away::kill("registry").await;
    let (waits, never) = (Scene::conversation(), Scene::conversation());
    let newer = |value: &mut Vec<u8>| {
        value[1..5].copy_from_slice(&id.to_be_bytes());
        value.push(0);
    };
    let _turn = play.scene.ask_by(&waits, Operation::SalesOrderCreate, newer).await;
    let _turn = play.scene.ask(&waits).await;
    log::publish("chat.turn.decided", &[(&never, Some(&[0, 0x7f, 1, 2, 3, 9]))]).await;
    let healths = play.healths();
    let happens = async move { all_say(&healths, "ready", Duration::from_secs(6)).await };
    play.while_asking(Duration::from_millis(50), happens).await;
    let (others, until) = (play.scene.asked.len() - 2, Instant::now() + PATIENCE);
    while play.scene.done() < others {
        assert!(Instant::now() < until, "{} of {others} others are done", play.scene.done());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(play.scene.done(), others, "a write with an unknown schema did not wait");
    let letters = async |key: &str| {
        let all = log::all_of(DEAD).await.into_iter().filter(|letter| letter.key == key);
        all.map(|letter| letter.header("x-error-class").to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(letters(&never).await, [] as [String; 0]);
    away.end().await;
    play.scene.all_done().await;
    let until = Instant::now() + PATIENCE;
    while letters(&never).await.is_empty() {
        assert!(Instant::now() < until, "an id that the registry does not have is no dead letter");
        sleep(Duration::from_millis(200)).await;
    }
    // A letter may be there twice, when the record's partition moved while it waited.
    let classes = letters(&never).await;
    assert!(classes.iter().all(|class| class == "unknown_schema"), "{classes:?}");
    assert_eq!(letters(&waits).await, [] as [String; 0]);
    play.end("registry killed").await;
}
