use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Handler, HandlerError, OnFailure, Outcome, Pulses, Watch,
    tests::{AWAY, Echo, HURRY, SLOW, Stage, Working, message_of, next, stage},
};
use crate::{
    bus::{Consumer, Topic},
    codec::{self, Schemas},
    event::{ConversationId, DeliveryUpdated, Envelope, MessageReceived},
    store::{ParkedDecision, ParkedVerb},
    topics,
};

/// The same worker, but a conversation of its waits for a person where the other goes on.
struct Holding;

impl Handler for Holding {
    const GROUP: &'static str = "connector";
    const ON_FAILURE: OnFailure = OnFailure::Hold;
    type In = MessageReceived;
    type State = u32;

    async fn handle(
        &self,
        input: &Envelope<MessageReceived>,
        count: u32,
    ) -> Result<Outcome<u32>, HandlerError> {
        Echo.handle(input, count).await
    }
}

/// The same, but where the other cannot work it never comes back, and there is no room before it is opened.
struct Hanging {
    open: watch::Receiver<bool>,
}

impl Hanging {
    fn open() -> Self {
        Self { open: watch::channel(true).1 }
    }
}

const LONGEST: Duration = Duration::from_millis(200);

impl Handler for Hanging {
    const GROUP: &'static str = "connector";
    const ON_FAILURE: OnFailure = OnFailure::Hold;
    type In = MessageReceived;
    type State = u32;

    async fn handle(
        &self,
        input: &Envelope<MessageReceived>,
        count: u32,
    ) -> Result<Outcome<u32>, HandlerError> {
        if AWAY.lock().unwrap().contains(input.event.text.expose()) {
            std::future::pending::<()>().await;
        }
        Echo.handle(input, count).await
    }

    fn longest(&self) -> Duration {
        LONGEST
    }

    async fn room(&self, _input: &Envelope<MessageReceived>) {
        let mut open = self.open.clone();
        open.wait_for(|open| *open).await.unwrap();
    }
}

/// A message that cannot be worked on until [`back`] is called.
fn away() -> String {
    let text = format!("away {}", Uuid::new_v4());
    AWAY.lock().unwrap().insert(text.clone());
    text
}

fn back(text: &str) {
    assert!(AWAY.lock().unwrap().remove(text));
}

impl Stage {
    /// How many records of each conversation wait, once so many do.
    async fn waiting(&self, records: u64) -> Vec<(String, u64, bool)> {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let parked = self.store.parked_conversations(10).await.unwrap();
            if parked.iter().map(|one| one.records).sum::<u64>() == records {
                let one = |one: crate::store::ParkedConversation| {
                    (one.conversation_id.as_str().to_owned(), one.records, one.held)
                };
                return parked.into_iter().map(one).collect();
            }
            assert!(Instant::now() < until, "{parked:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self, working: Working) -> Self {
        self.shutdown.cancel();
        working.await.unwrap().unwrap();
        Self { shutdown: CancellationToken::new(), ..self }
    }
}

/// The conversation of the next effect, and how many went before it there.
async fn effect(effects: &mut Box<dyn Consumer>) -> (String, String) {
    let record = next(effects).await;
    let event = codec::decode::<DeliveryUpdated>(&Schemas::embedded(), &record).unwrap().event;
    (event.conversation_id.as_str().to_owned(), event.channel.to_string())
}

fn of(conversation: &str, count: &str) -> (String, String) {
    (conversation.to_owned(), count.to_owned())
}

#[tokio::test]
async fn a_conversation_that_cannot_go_on_waits_in_order_while_the_others_go_on() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let text = away();
    for (conversation, id, text) in
        [("c", "1", text.as_str()), ("c", "2", "hi"), ("c", "3", "hi"), ("d", "4", "hi")]
    {
        stage.send(message_of(conversation, id, text)).await;
    }
    let working = stage.work();
    assert_eq!(effect(&mut effects).await, of("d", "0"));
    assert_eq!(stage.waiting(3).await, [("c".to_owned(), 3, false)]);
    // What comes later waits behind them.
    stage.send(message_of("c", "5", "hi")).await;
    stage.waiting(4).await;
    back(&text);
    for count in ["0", "1", "2", "3"] {
        assert_eq!(effect(&mut effects).await, of("c", count));
    }
    stage.waiting(0).await;
    stage.send(message_of("c", "6", "hi")).await;
    assert_eq!(effect(&mut effects).await, of("c", "4"), "its lane has it again");
    stage.stop(working).await;
}

#[tokio::test]
async fn what_waits_outlives_the_worker_and_goes_on_under_its_successor() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let text = away();
    stage.send(message_of("c", "1", &text)).await;
    stage.send(message_of("c", "2", "hi")).await;
    let working = stage.work();
    stage.waiting(2).await;
    let stage = stage.stop(working).await;
    stage.send(message_of("c", "3", "hi")).await;
    let working = stage.work();
    stage.waiting(3).await;
    back(&text);
    for count in ["0", "1", "2"] {
        assert_eq!(effect(&mut effects).await, of("c", count));
    }
    stage.waiting(0).await;
    stage.stop(working).await;
}

#[tokio::test]
async fn where_what_follows_may_hang_on_it_a_panic_holds_its_conversation_until_a_person_decides() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    for (conversation, id, text) in [("c", "1", "panic"), ("c", "2", "hi"), ("d", "3", "hi")] {
        stage.send(message_of(conversation, id, text)).await;
    }
    let working = stage.work_as(Holding, Schemas::embedded(), Watch::new(&Pulses::new()));
    assert_eq!(effect(&mut effects).await, of("d", "0"));
    assert_eq!(stage.waiting(2).await, [("c".to_owned(), 2, true)]);
    let decide = |verb| ParkedDecision {
        group: "connector".to_owned(),
        conversation_id: ConversationId::parse("c").unwrap(),
        verb,
        who: "sara".to_owned(),
        why: "seen".to_owned(),
    };
    let id = ConversationId::parse("c").unwrap();
    let waiting = stage.store.parked_records("connector", &id, 10).await.unwrap();
    let [first, second] = [waiting[0].event_id, waiting[1].event_id];
    assert_eq!(stage.store.decide_parked(decide(ParkedVerb::Skip(second))).await.unwrap(), None);
    assert_eq!(stage.store.decide_parked(decide(ParkedVerb::Skip(first))).await.unwrap(), Some(vec![first]));
    assert_eq!(effect(&mut effects).await, of("c", "0"), "the one behind it");
    stage.waiting(0).await;
    assert_eq!(stage.store.decide_parked(decide(ParkedVerb::Drop)).await.unwrap(), None);
    // What a person let go does not come back with a copy of it.
    stage.send(message_of("c", "1", "panic")).await;
    stage.send(message_of("c", "4", "hi")).await;
    assert_eq!(effect(&mut effects).await, of("c", "1"));
    stage.waiting(0).await;
    stage.stop(working).await;
}

#[tokio::test]
async fn a_waiting_record_with_which_three_processes_ended_is_held_and_one_with_two_is_tried_again() {
    let stage = stage().await;
    let texts = [away(), away()];
    for (conversation, text) in ["c", "d"].into_iter().zip(&texts) {
        stage.send(message_of(conversation, conversation, text)).await;
    }
    let working = stage.work();
    stage.waiting(2).await;
    let stage = stage.stop(working).await;
    // What processes leave that ended with them.
    let mut claimed = Vec::new();
    while claimed.len() < 2 {
        claimed.extend(stage.store.claim_parked(Echo::GROUP, 2, Duration::from_secs(60)).await.unwrap());
    }
    for turn in claimed {
        let begun = if turn.lease.conversation_id.as_str() == "c" { 3 } else { 2 };
        assert!(stage.store.parked_begun(&turn.lease, begun, Duration::ZERO).await.unwrap());
    }
    texts.iter().for_each(|text| back(text));
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let working = stage.work();
    assert_eq!(effect(&mut effects).await, of("d", "0"));
    assert_eq!(stage.waiting(1).await, [("c".to_owned(), 1, true)]);
    let stage = stage.stop(working).await;
    assert_eq!(stage.store.parked_conversations(10).await.unwrap()[0].class, "crash_loop");
}

#[tokio::test]
async fn a_handler_that_hangs_frees_its_lane_and_is_tried_again_later_while_the_others_go_on() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let text = away();
    for (conversation, id, text) in [("c", "1", text.as_str()), ("c", "2", "hi"), ("d", "3", "hi")] {
        stage.send(message_of(conversation, id, text)).await;
    }
    let working = stage.work_as(Hanging::open(), Schemas::embedded(), Watch::new(&Pulses::new()));
    assert_eq!(effect(&mut effects).await, of("d", "0"));
    assert_eq!(stage.waiting(2).await, [("c".to_owned(), 2, false)]);
    // A round that hangs is one of the rounds that end.
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let waiting = stage.store.parked_conversations(10).await.unwrap().remove(0);
        assert_eq!(waiting.class, "too_long");
        if waiting.attempts >= 3 {
            break;
        }
        assert!(Instant::now() < until, "{waiting:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    back(&text);
    for count in ["0", "1"] {
        assert_eq!(effect(&mut effects).await, of("c", count));
    }
    stage.waiting(0).await;
    stage.stop(working).await;
}

#[tokio::test]
async fn what_waits_for_room_of_our_own_is_not_cut_however_long_it_waits() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    stage.send(message_of("c", "1", "hi")).await;
    let (door, open) = watch::channel(false);
    let working = stage.work_as(Hanging { open }, Schemas::embedded(), Watch::new(&Pulses::new()));
    let until = Instant::now() + Duration::from_secs(30);
    while door.receiver_count() < 2 {
        assert!(Instant::now() < until, "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(5 * LONGEST).await;
    assert!(stage.store.parked_conversations(10).await.unwrap().is_empty());
    door.send(true).unwrap();
    assert_eq!(effect(&mut effects).await, of("c", "0"));
    stage.stop(working).await;
}

#[tokio::test]
async fn a_conversation_with_more_records_than_a_worker_has_places_holds_up_no_other_and_keeps_its_order() {
    const FLOOD: u32 = 1_300;
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let send = async |talk: &str, id: u32| {
        let text = if talk == "flood" { SLOW } else { "hi" };
        stage.bus.producer().send(message_of(talk, &format!("{talk}:{id}"), text)).await.unwrap().0
    };
    let flooded = send("flood", 0).await;
    for id in 1..FLOOD {
        send("flood", id).await;
    }
    // Behind all of them in the same partition.
    let mut others = (0..).map(|other| format!("other-{other}"));
    let other = loop {
        let other = others.next().unwrap();
        if send(&other, 0).await == flooded {
            break other;
        }
    };
    let working = stage.work();
    let mut before = 0;
    loop {
        let (conversation, count) = effect(&mut effects).await;
        if conversation == other {
            break;
        }
        if conversation == "flood" {
            assert_eq!(count, before.to_string());
            before += 1;
        }
    }
    // A thousand have a place, so the other would come after three hundred at the earliest.
    assert!(before < 250, "{before} of the flood came before it");
    HURRY.store(true, Ordering::Relaxed);
    for count in before..FLOOD {
        assert_eq!(effect(&mut effects).await, of("flood", &count.to_string()));
    }
    stage.waiting(0).await;
    stage.stop(working).await;
}

#[tokio::test]
async fn what_waits_in_the_database_for_room_of_our_own_costs_it_no_round_however_long() {
    let stage = stage().await;
    let mut effects = stage.watch(Topic::new(topics::DELIVERY_UPDATED));
    let text = away();
    stage.send(message_of("c", "1", &text)).await;
    let (door, open) = watch::channel(true);
    let working = stage.work_as(Hanging { open }, Schemas::embedded(), Watch::new(&Pulses::new()));
    stage.waiting(1).await;
    door.send(false).unwrap();
    back(&text);
    let rounds = async || stage.store.parked_conversations(10).await.unwrap().remove(0).attempts;
    let seen = async |time: Duration| {
        let (mut seen, until) = (Vec::new(), Instant::now() + time);
        while Instant::now() < until {
            seen.push(rounds().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        seen
    };
    // Turns that had begun before the door was shut have ended afterwards.
    let _ending = seen(Duration::from_secs(3)).await;
    let before = seen(Duration::from_secs(4)).await.into_iter().min();
    // Longer than two rounds and their pauses; a turn is one more while it lasts.
    let most = seen(Duration::from_secs(25)).await.into_iter().max();
    assert!(most <= before.map(|before| before + 1), "{most:?} rounds after {before:?}");
    door.send(true).unwrap();
    assert_eq!(effect(&mut effects).await, of("c", "0"));
    stage.waiting(0).await;
    stage.stop(working).await;
}
