//! Many conversations, each worked on by two at the same time, as a rebalance or a zombie does it. The evidence is in
//! the states: each lists the events in the order in which they took effect.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use peyvand::store::{Commit, Found, Outgoing, Step, Store, StoreError};
use tokio::sync::watch;

use super::stage::{key, places, record, records, replies, reply, seen, step};

pub(crate) struct Crowd {
    conversations: usize,
    steps: u8,
    done: Mutex<BTreeMap<(usize, u8), Vec<Outgoing>>>,
    faults: AtomicU32,
    progress: watch::Sender<usize>,
}

impl Crowd {
    pub(crate) fn new(conversations: usize, steps: u8) -> Self {
        let (progress, _) = watch::channel(0);
        Self { conversations, steps, done: Mutex::default(), faults: AtomicU32::new(0), progress }
    }

    /// How many steps were answered with Done so far.
    #[cfg(feature = "stack-tests")]
    pub(crate) fn progress(&self) -> watch::Receiver<usize> {
        self.progress.subscribe()
    }

    /// Works until every step is done; gives how often the database could not be used.
    pub(crate) async fn work(&self, stores: &[Store; 2]) -> u32 {
        let workers = stores.iter().flat_map(|store| (0..self.conversations).map(move |n| (store, n)));
        join_all(workers.map(|(store, n)| self.converse(store, n))).await;
        self.faults.load(Ordering::Relaxed)
    }

    async fn converse(&self, store: &Store, n: usize) {
        for event in 0..self.steps {
            let key = key(&format!("c{n}"), &format!("{n}-{event}"));
            loop {
                let (mut state, version, last_seq) =
                    match self.patiently(async || store.look(&key).await).await {
                        Found::Seen(_) => break,
                        Found::Conflict => panic!("nobody forged anything"),
                        Found::Fresh { state, version, last_seq, .. } => {
                            (state.unwrap_or_default(), version, last_seq)
                        }
                    };
                state.push(event);
                let text = format!("{n}-{event}");
                let step = Step {
                    last_seq,
                    state: Some(state),
                    outgoing: vec![record(&text); usize::from(event % 3)],
                    replies: vec![reply(&text, &text)],
                    ..step(&key, version)
                };
                match self.patiently(async || store.commit(step.clone()).await).await {
                    Commit::Done(outgoing) => {
                        let before = self.done.lock().unwrap().insert((n, event), outgoing);
                        assert_eq!(before, None, "event {text} is done twice");
                        self.progress.send_modify(|done| *done += 1);
                        break;
                    }
                    Commit::Seen(_) => break,
                    Commit::Moved => {}
                }
            }
        }
    }

    async fn patiently<T>(&self, mut attempt: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => {
                    assert!(error.is_transient(), "{error}");
                    self.faults.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Each step took effect once and in order, and what was answered is what is there.
    pub(crate) async fn check(&self, store: &Store) {
        let mut answered = std::mem::take(&mut *self.done.lock().unwrap());
        for n in 0..self.conversations {
            let name = format!("c{n}");
            let expected = Found::Fresh {
                state: Some((0..self.steps).collect()),
                version: i64::from(self.steps),
                last_seq: (0..self.steps).map(|event| i64::from(event % 3)).sum(),
                parked: false,
            };
            assert_eq!(store.look(&key(&name, &format!("{n}-new"))).await.unwrap(), expected, "{name}");
            let events = (0..self.steps).map(|event| format!("{n}-{event}"));
            assert_eq!(replies(store, &name, 0, 1000).await, (1..).zip(events).collect::<Vec<_>>());
            let pending = seen(store, &key(&name, &format!("{n}-0"))).await;
            let texts =
                (0..self.steps).flat_map(|event| vec![format!("{n}-{event}"); usize::from(event % 3)]);
            assert_eq!(places(&pending), (1..).zip(texts).collect::<Vec<_>>());
            for event in 0..self.steps {
                let own = format!("{n}-{event}");
                // Nobody publishes here, so each step is answered with everything up to its own last event.
                let last = pending.iter().rposition(|one| one.record == record(&own));
                let own = &pending[..last.map_or(0, |last| last + 1)];
                if let Some(answered) = answered.remove(&(n, event)) {
                    assert_eq!(records(&answered), records(own), "event {n}-{event}");
                }
            }
        }
    }
}
