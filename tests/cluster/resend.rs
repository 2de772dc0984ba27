//! A client that does not know whether its message arrived sends it again, at any time and in any order: it is one message.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    deployment::{Deployment, conversation, deployment},
    log,
};

const TIMES: usize = 10;
const AT_ONCE: usize = 7;
/// Conversations in which the same happens at the same moment.
const CROWD: usize = 5;
const TEXTS: [&str; 5] = [
    "where is order 45001?",
    "how much cement is there?",
    "hello",
    "where is order 45002?",
    "tell me a joke",
];

#[derive(Clone, Debug)]
struct Post {
    talk: String,
    client_id: String,
    text: &'static str,
}

/// Hands a message in; the id it is known by.
async fn post(running: &Deployment, post: &Post) -> String {
    let body = json!({"conversation_id": post.talk, "client_message_id": post.client_id, "text": post.text});
    let url = format!("{}/v1/messages", running.url);
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    answer["event_id"].as_str().unwrap().to_owned()
}

/// The same disorder each time, in which no message is next to itself.
fn shuffled(posts: Vec<Post>) -> Vec<Post> {
    let count = posts.len();
    (0..count).map(|at| posts[(at * 37 + 11) % count].clone()).collect()
}

/// The ids of the events that came of each message, by the message's own id.
async fn events(topic: &'static str, talks: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut events: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in log::all_of(topic).await.iter().filter(|record| talks.contains(&record.key)) {
        let of_message = events.entry(record.header("correlation-id").to_owned()).or_default();
        of_message.insert(record.header("event-id").to_owned());
    }
    events
}

async fn until_replies(running: &Deployment, talks: &[String], wanted: usize) {
    let until = Instant::now() + Duration::from_secs(60);
    for talk in talks {
        while running.replies(talk).await < wanted {
            assert!(Instant::now() < until, "{talk} has {} replies", running.replies(talk).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_message_posted_ten_times_out_of_order_is_one_turn_with_one_reply() {
    let running = deployment();
    let talks = [conversation(), conversation()];
    let message =
        |talk: &String, text| Post { talk: talk.clone(), client_id: uuid::Uuid::new_v4().to_string(), text };
    let messages: Vec<Post> = talks.iter().flat_map(|talk| TEXTS.map(|text| message(talk, text))).collect();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // First of all at once, then again when everything has been answered.
    for times in [TIMES - 3, 3] {
        let posts = shuffled((0..times).flat_map(|_| messages.clone()).collect());
        for at_once in posts.chunks(AT_ONCE) {
            let ids = join_all(at_once.iter().map(|one| post(running, one))).await;
            for (one, id) in at_once.iter().zip(ids) {
                known.entry(one.client_id.clone()).or_default().insert(id);
            }
        }
        until_replies(running, &talks, TEXTS.len()).await;
    }
    assert!(known.len() == messages.len() && known.values().all(|ids| ids.len() == 1), "{known:?}");
    // A message behind them all: when it is answered, so is everything before it.
    for talk in &talks {
        let _answer = running.ask(talk, "where is order 45003?").await;
    }
    for talk in &talks {
        assert_eq!(running.replies(talk).await, TEXTS.len() + 1, "{talk}");
    }
    let received = log::all_of("chat.message.received").await;
    let published = received.iter().filter(|record| talks.contains(&record.key)).count();
    assert_eq!(published, messages.len() * TIMES + talks.len(), "the log did not hear of every post");
    one_turn_each(&talks, &known).await;
}

/// Of each of these messages came one decision and one reply, and so of one more message in each conversation.
async fn one_turn_each(talks: &[String], known: &BTreeMap<String, BTreeSet<String>>) {
    for topic in ["chat.turn.decided", "chat.reply.ready"] {
        let events = events(topic, talks).await;
        assert_eq!(events.len(), known.len() + talks.len(), "{topic}: {events:?}");
        assert!(events.values().all(|ids| ids.len() == 1), "{topic}: {events:?}");
        let ids: BTreeSet<&String> = events.values().flatten().collect();
        assert_eq!(ids.len(), events.len(), "{topic}: {events:?}");
        let answered = known.values().flatten().all(|id| events.contains_key(id));
        assert!(answered, "{topic}: {known:?} {events:?}");
    }
}

#[tokio::test]
async fn a_message_posted_ten_times_at_the_same_moment_is_one_turn_with_one_reply() {
    let running = deployment();
    let talks: Vec<String> = (0..CROWD).map(|_| conversation()).collect();
    let messages: Vec<Post> = talks
        .iter()
        .map(|talk| Post {
            talk: talk.clone(),
            client_id: uuid::Uuid::new_v4().to_string(),
            text: "where is order 45001?",
        })
        .collect();
    let posts: Vec<&Post> = messages.iter().flat_map(|one| [one; TIMES]).collect();
    let ids = join_all(posts.iter().map(|one| post(running, one))).await;
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (one, id) in posts.iter().zip(ids) {
        known.entry(one.client_id.clone()).or_default().insert(id);
    }
    assert!(known.len() == CROWD && known.values().all(|ids| ids.len() == 1), "{known:?}");
    until_replies(running, &talks, 1).await;
    for talk in &talks {
        let _answer = running.ask(talk, "where is order 45003?").await;
    }
    for talk in &talks {
        assert_eq!(running.replies(talk).await, 2, "{talk}");
    }
    let received = log::all_of("chat.message.received").await;
    let published = received.iter().filter(|record| talks.contains(&record.key)).count();
    assert_eq!(published, posts.len() + talks.len(), "the log did not hear of every post");
    one_turn_each(&talks, &known).await;
}
