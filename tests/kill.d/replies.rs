//! What persons are told, as the log has it: each write that is done is told with its number, by a reply that was delivered.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use peyvand::{
    bus::{ConsumerEvent, Topic, kafka::KafkaBus},
    codec::{self, Schemas},
    event::{DeliveryUpdated, EventId, ReplyReady},
    topics,
};
use uuid::Uuid;

use crate::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Told {
    /// The replies to a turn, by its id.
    replies: HashMap<EventId, Vec<(EventId, String)>>,
    delivered: HashSet<EventId>,
}

/// The replies there are, from the beginning of this on.
pub(crate) struct Replies {
    told: Arc<Mutex<Told>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Replies {
    pub(crate) fn listen(bus: &KafkaBus, schemas: &Arc<Schemas>) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let listening = tokio::spawn(listen(bus.clone(), Arc::clone(schemas), Arc::clone(&told)));
        Self { told, listening }
    }

    /// Waits until each write is told; how many are not in the end.
    pub(crate) async fn missing(self, scene: &Scene) -> usize {
        let numbers: HashMap<String, String> =
            scene.journal().into_iter().map(|(number, key)| (key, number)).collect();
        let until = Instant::now() + PATIENCE;
        loop {
            let missing = self.untold(scene, &numbers);
            if missing == 0 || Instant::now() > until {
                self.listening.abort();
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn untold(&self, scene: &Scene, numbers: &HashMap<String, String>) -> usize {
        let told = self.told.lock().unwrap();
        let is_told = |turn: &EventId, target: &str| {
            let replies = told.replies.get(turn).map(Vec::as_slice).unwrap_or_default();
            numbers.get(&scene.asked[turn]).is_some_and(|number| {
                // The number of a call means nothing to a person.
                let says_so =
                    |text: &str| text.starts_with("Done") && (target == "desk" || text.contains(number));
                replies.iter().any(|(id, text)| says_so(text) && told.delivered.contains(id))
            })
        };
        let each =
            scene.order.iter().flat_map(|((_, target), turns)| turns.iter().map(|turn| (turn, *target)));
        each.filter(|(turn, target)| !is_told(turn, target)).count()
    }
}

async fn listen(bus: KafkaBus, schemas: Arc<Schemas>, told: Arc<Mutex<Told>>) {
    let topics = [topics::REPLY_READY, topics::DELIVERY_UPDATED].map(Topic::new);
    let mut consumer = bus.consumer(&format!("kill-{}", Uuid::new_v4()), &topics).unwrap();
    loop {
        let ConsumerEvent::Records(records) = consumer.next(1000).await.unwrap() else { continue };
        for (record, _) in records {
            let mut told = told.lock().unwrap();
            if record.place.topic.as_str() == topics::REPLY_READY {
                let Ok(reply) = codec::decode::<ReplyReady>(&schemas, &record) else { continue };
                let text = reply.event.text.expose().clone();
                told.replies.entry(reply.event.turn_id).or_default().push((reply.event_id, text));
            } else if let Ok(updated) = codec::decode::<DeliveryUpdated>(&schemas, &record) {
                told.delivered.insert(updated.event.reply_id);
            }
        }
    }
}
