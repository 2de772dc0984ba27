use rdkafka::mocking::MockCluster;
use uuid::Uuid;

use super::*;
use crate::{
    bus::{Headers, NewRecord, Topic, kafka::KafkaConfig},
    store::SqliteStore,
    worker,
};

fn seconds(many: u64) -> Duration {
    Duration::from_secs(many)
}

#[tokio::test]
async fn a_process_that_has_to_write_to_a_missing_topic_says_which_until_it_is_there() {
    let cluster = MockCluster::new(1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let bus = KafkaBus::open(KafkaConfig { brokers, ..KafkaConfig::default() }).unwrap();
    let file = std::env::temp_dir().join(format!("peyvand-health-{}.sqlite", Uuid::new_v4()));
    let store = Store::Sqlite(SqliteStore::open(&file).await.unwrap());
    let health = Health::starting();
    health.serving(Probes { store, bus: Some(bus.clone()) });
    let topic = Topic::new("t.g.dlq");
    let letter = || NewRecord { topic: topic.clone(), key: None, value: None, headers: Headers::default() };
    let producer = bus.producer();
    assert!(producer.send(letter()).await.is_err());
    let why = "topic t.g.dlq does not exist; create it with `peyvand topics create`";
    assert_eq!(health.verdict().await, Verdict::Refused(why.to_owned()));
    cluster.create_topic(topic.as_str(), 1, 1).unwrap();
    let sent = worker::patiently(|| producer.send(letter()));
    timeout(seconds(60), sent).await.expect("the topic is there and takes nothing");
    *health.looked.lock().await = None;
    // Nobody has joined here.
    assert_eq!(health.verdict().await, Verdict::WaitingFor("group"));
}

#[test]
fn a_broker_that_is_silent_for_more_than_thirty_seconds_is_waited_for() {
    let signs = Signs::default();
    assert_eq!(judge(signs, Some(seconds(30)), Duration::ZERO), Verdict::Ready);
    assert_eq!(judge(signs, Some(seconds(31)), Duration::ZERO), Verdict::WaitingFor("kafka"));
    assert_eq!(judge(signs, None, Duration::ZERO), Verdict::Ready, "there is no broker");
}

#[test]
fn only_open_records_that_stand_still_are_no_progress() {
    let still =
        |open, still| judge(Signs { open, still: seconds(still), ..Signs::default() }, None, Duration::ZERO);
    assert_eq!(still(1, 60), Verdict::Ready);
    assert_eq!(still(1, 61), Verdict::WaitingFor("progress"));
    assert_eq!(still(0, 600), Verdict::Ready, "a quiet night is no fault");
}

#[test]
fn records_that_lie_there_for_a_minute_and_do_not_come_are_told_where_there_is_room_for_them() {
    let standing =
        |room, long| judge(Signs { open: 9, room: seconds(room), ..Signs::default() }, None, seconds(long));
    assert_eq!(standing(600, 59), Verdict::Ready);
    assert_eq!(standing(60, 60), Verdict::WaitingFor("records"));
    assert_eq!(standing(59, 600), Verdict::Ready, "it is we who read no further");
}

#[test]
fn a_member_is_ready_when_it_has_joined_and_as_long_as_its_group_serves_it() {
    let given = |given| Signs { given, ..Signs::default() };
    let member = |joined, unserved| Some(Membership { joined, unserved: seconds(unserved) });
    assert_eq!(judge_member(given(true), member(false, 3)), Verdict::Ready, "partitions came just now");
    assert_eq!(judge_member(given(false), member(true, 9)), Verdict::Ready, "there are none for it");
    for (signs, membership) in [
        (given(false), None),
        (given(false), member(false, 3)),
        (given(true), member(false, 31)),
        (given(true), member(true, 31)),
    ] {
        assert_eq!(judge_member(signs, membership), Verdict::WaitingFor("group"), "{signs:?} {membership:?}");
    }
}

#[test]
fn a_loop_that_has_not_turned_for_half_a_minute_is_not_ready_long_before_it_is_stuck() {
    let turned = |ago| Signs { turned: seconds(ago), begun: true, ..Signs::default() };
    assert_eq!(loops_turn(turned(30), Some(seconds(30))), Verdict::Ready);
    assert_eq!(loops_turn(turned(31), None), Verdict::WaitingFor("worker"));
    assert_eq!(loops_turn(turned(0), Some(seconds(31))), Verdict::WaitingFor("kafka thread"));
    assert_eq!(loops_turn(Signs::default(), None), Verdict::WaitingFor("worker"), "none has begun");
}

#[test]
fn a_loop_or_a_thread_that_has_not_turned_for_a_minute_is_stuck() {
    let turned = |ago| Signs { turned: seconds(ago), ..Signs::default() };
    assert_eq!(stuck(turned(60), Some(seconds(60))), None);
    assert_eq!(stuck(turned(61), None), Some("worker"));
    assert_eq!(stuck(turned(0), Some(seconds(61))), Some("kafka thread"));
}
