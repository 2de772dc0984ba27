//! Any order of calls against a model that fits on a page. What the model says follows from the words of the seam, not
//! from how a database does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, Ordering},
};

use peyvand::{
    bus::NewRecord,
    event::EventId,
    store::{Commit, Found, Outgoing, Step, StepKey, Store, StoredReply},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::stage::{Stage, conversation, event, record, reply};

const GROUPS: [&str; 2] = ["reply", "connector"];

#[derive(Clone, Debug)]
enum Call {
    Look(Which),
    Commit { which: Which, behind: i64, unread: i64, state: Option<u8>, outgoing: u8, replies: Vec<u8> },
    Published { which: Which, back: i64 },
    Replies { which: Which, after: i64, limit: u16 },
}

#[derive(Clone, Debug)]
struct Which {
    group: usize,
    conversation: u8,
    event: u8,
    forged: bool,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let which = || {
        (0..2_usize, 0..3_u8, 0..12_u8, prop::bool::weighted(0.1))
            .prop_map(|(group, conversation, event, forged)| Which { group, conversation, event, forged })
    };
    let behind = prop_oneof![4 => Just(0_i64), 1 => Just(1), 1 => Just(-1)];
    // What is told of a write moves the events' place and not the version: the step wins all the same.
    let unread = prop_oneof![3 => Just(0_i64), 1 => Just(1)];
    let replies = prop::collection::vec(0..12_u8, 0..4);
    let commit = (which(), (behind, unread), any::<Option<u8>>(), 0..4_u8, replies).prop_map(
        |(which, (behind, unread), state, outgoing, replies)| Call::Commit {
            which,
            behind,
            unread,
            state,
            outgoing,
            replies,
        },
    );
    let call = prop_oneof![
        2 => which().prop_map(Call::Look),
        4 => commit,
        1 => (which(), 0..3_i64).prop_map(|(which, back)| Call::Published { which, back }),
        1 => (which(), 0..4_i64, 0..4_u16)
            .prop_map(|(which, after, limit)| Call::Replies { which, after, limit }),
    ];
    prop::collection::vec(call, 1..40)
}

#[derive(Default)]
struct Conversation {
    version: i64,
    last_seq: i64,
    state: Option<Vec<u8>>,
    outgoing: Vec<Outgoing>,
}

#[derive(Default)]
struct Model {
    inbox: BTreeMap<(&'static str, EventId), [u8; 32]>,
    conversations: BTreeMap<(&'static str, String), Conversation>,
    replies: BTreeMap<String, Vec<StoredReply>>,
    said: BTreeSet<EventId>,
}

impl Model {
    fn of(&mut self, key: &StepKey) -> &mut Conversation {
        self.conversations.entry((key.group, key.conversation_id.to_string())).or_default()
    }

    fn look(&mut self, key: &StepKey) -> Found {
        match self.inbox.get(&(key.group, key.event_id)).copied() {
            Some(fingerprint) if fingerprint != key.fingerprint => Found::Conflict,
            Some(_) => Found::Seen(self.of(key).outgoing.clone()),
            None => {
                let known = self.of(key);
                let Conversation { state, version, last_seq, .. } = known;
                Found::Fresh { state: state.clone(), version: *version, last_seq: *last_seq, parked: false }
            }
        }
    }

    fn commit(&mut self, step: &Step) -> Commit {
        match self.look(&step.key) {
            Found::Seen(pending) => return Commit::Seen(pending),
            Found::Fresh { version, .. } if version == step.version => {}
            Found::Fresh { .. } | Found::Conflict => return Commit::Moved,
        }
        self.inbox.insert((step.key.group, step.key.event_id), step.key.fingerprint);
        for reply in &step.replies {
            if self.said.insert(reply.event_id) {
                let said = self.replies.entry(step.key.conversation_id.to_string()).or_default();
                let cursor = i64::try_from(said.len()).unwrap() + 1;
                said.push(StoredReply { cursor, ..reply.clone() });
            }
        }
        let known = self.of(&step.key);
        known.version += 1;
        known.state = step.state.clone().or(known.state.take());
        for record in &step.outgoing {
            known.last_seq += 1;
            let record = NewRecord::clone(record);
            known.outgoing.push(Outgoing { seq: known.last_seq, record, elsewhere_for: None });
        }
        // Nothing of one's own to publish is nothing to publish.
        Commit::Done(if step.outgoing.is_empty() { Vec::new() } else { known.outgoing.clone() })
    }

    fn page(&self, name: &str, after: i64, limit: u16) -> Vec<StoredReply> {
        let said = self.replies.get(name).into_iter().flatten();
        said.filter(|reply| reply.cursor > after).take(limit.into()).cloned().collect()
    }
}

/// Names are those of one run, so that all runs share a database.
struct Names(u32);

impl Names {
    fn conversation(&self, which: &Which) -> String {
        format!("{}-{}", self.0, which.conversation)
    }

    fn key(&self, which: &Which) -> StepKey {
        StepKey {
            group: GROUPS[which.group],
            conversation_id: conversation(&self.conversation(which)),
            event_id: event(&format!("{}-{}", self.0, which.event)),
            fingerprint: [u8::from(which.forged); 32],
        }
    }
}

async fn play(store: &Store, names: &Names, calls: Vec<Call>) {
    let mut model = Model::default();
    for (place, call) in calls.into_iter().enumerate() {
        match call {
            Call::Look(which) => {
                let key = names.key(&which);
                assert_eq!(store.look(&key).await.unwrap(), model.look(&key), "call {place}");
            }
            Call::Commit { which, behind, unread, state, outgoing, replies } => {
                let key = names.key(&which);
                let replies =
                    replies.iter().map(|n| reply(&format!("{}-reply-{n}", names.0), &format!("{place}")));
                let step = Step {
                    version: model.of(&key).version - behind,
                    last_seq: model.of(&key).last_seq - unread,
                    state: state.map(|byte| vec![byte]),
                    outgoing: (0..outgoing).map(|n| record(&format!("{place}-{n}"))).collect(),
                    replies: replies.collect(),
                    entries: Vec::new(),
                    key,
                };
                assert_eq!(store.commit(step.clone()).await.unwrap(), model.commit(&step), "call {place}");
            }
            Call::Published { which, back } => {
                let key = names.key(&which);
                let known = model.of(&key);
                let through = known.last_seq - back;
                known.outgoing.retain(|one| one.seq > through);
                store.published(key.group, key.conversation_id, through).await;
            }
            Call::Replies { which, after, limit } => {
                let name = names.conversation(&which);
                let found = store.replies_after(&conversation(&name), after, limit).await.unwrap();
                assert_eq!(found, model.page(&name, after, limit), "call {place}");
            }
        }
    }
}

pub(crate) fn any_order_of_calls_ends_as_the_model_says(stage: impl AsyncFn() -> Stage) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(stage());
    let store = runtime.block_on(stage.open());
    let run = AtomicU32::new(0);
    let config = Config { cases: 64, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let held = TestRunner::new(config).run(&calls(), |calls| {
        let names = Names(run.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(play(&store, &names, calls));
        Ok(())
    });
    runtime.block_on(store.close());
    runtime.block_on(stage.end());
    if let Err(error) = held {
        panic!("{error}");
    }
}
