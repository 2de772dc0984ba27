//! The writer: takes the steps that have queued up and commits them together. A step that loses against another process
//! changes nothing and spoils nothing; one that the database refuses is tried alone, so that it fails alone.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    BATCH,
    link::{Link, Remedy, remedy},
    look, outbox_statements,
    statements::{self, Waiting},
    unopposed,
};
use crate::{
    event::{ConversationId, EventId},
    store::{Commit, Found, Outgoing, Step, StepKey, StoreError},
};

/// How long published events wait for a commit to ride with.
const FORGET_WITHIN: Duration = Duration::from_millis(200);
/// Times that the same steps are tried at once when others are in the way.
const ATTEMPTS: usize = 4;

/// What the writer is asked to do.
pub(super) enum Command {
    Commit(Box<Asked>),
    Published(Published),
    Barrier(oneshot::Sender<Result<(), StoreError>>),
    Close(oneshot::Sender<()>),
}

/// A step and who waits for it.
pub(super) struct Asked {
    pub(super) step: Step,
    pub(super) answer: oneshot::Sender<Result<Commit, StoreError>>,
}

/// Outgoing events of a conversation that are published up to this place.
pub(super) struct Published {
    pub(super) group: &'static str,
    pub(super) conversation_id: ConversationId,
    pub(super) through: i64,
}

/// The task that writes.
pub(super) struct Writer {
    link: Link,
    published: HashMap<(&'static str, ConversationId), i64>,
}

impl Writer {
    pub(super) fn new(link: Link) -> Self {
        Self { link, published: HashMap::new() }
    }

    /// Works until the store is closed or nobody can ask any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut forget_at = None;
        let mut closing = None;
        while closing.is_none() {
            let taken = match forget_at {
                Some(at) => timeout_at(at, commands.recv_many(&mut batch, BATCH)).await,
                None => Ok(commands.recv_many(&mut batch, BATCH).await),
            };
            if taken == Ok(0) {
                break;
            }
            closing = self.carry_out(batch.drain(..), taken.is_err()).await;
            forget_at = match forget_at {
                _ if self.published.is_empty() => None,
                Some(at) if at > Instant::now() => Some(at),
                Some(_) | None => Some(Instant::now() + FORGET_WITHIN),
            };
        }
        // What came behind the closing is dropped, and its callers are told so.
        drop(commands);
        if !self.published.is_empty() {
            let _lost = self.together(&[], Way::EachByItself).await;
        }
        drop(closing);
    }

    /// Carries out a batch; gives the one who waits for the end, when the store is to be closed.
    async fn carry_out(
        &mut self,
        batch: impl Iterator<Item = Command>,
        overdue: bool,
    ) -> Option<oneshot::Sender<()>> {
        let (mut steps, mut barriers, mut closing) = (Vec::new(), Vec::new(), None);
        for command in batch {
            match command {
                Command::Commit(waiting) => steps.push(*waiting),
                Command::Published(Published { group, conversation_id, through }) => {
                    let known = self.published.entry((group, conversation_id)).or_insert(through);
                    *known = through.max(*known);
                }
                Command::Barrier(done) => barriers.push(done),
                Command::Close(done) => closing = Some(done),
            }
        }
        let must_forget = overdue || !barriers.is_empty() || self.published.len() >= BATCH;
        let mut forgotten = Ok(());
        if steps.is_empty() && must_forget && !self.published.is_empty() {
            forgotten = self.together(&[], Way::EachByItself).await.map(drop);
        }
        while !steps.is_empty() {
            let later = take_repeats(&mut steps);
            self.commit(steps).await;
            steps = later;
        }
        for done in barriers {
            // Whoever waited and is gone needs no answer.
            let _gone = done.send(match &forgotten {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::of(error)),
            });
        }
        closing
    }

    /// Commits steps of different conversations and answers each.
    async fn commit(&mut self, steps: Vec<Asked>) {
        let in_company = steps.len() > 1 || !self.published.is_empty();
        match self.patiently(&steps).await {
            Ok(commits) => {
                for (waiting, won) in steps.into_iter().zip(commits) {
                    answer(waiting, won);
                }
            }
            Err(error) if in_company && remedy(&error) != Remedy::Later => {
                for waiting in steps {
                    match self.patiently(std::slice::from_ref(&waiting)).await {
                        Ok(mut commits) => {
                            let won = commits.pop().unwrap_or(Fate::Lost(Ok(Commit::Moved)));
                            answer(waiting, won);
                        }
                        Err(error) => answer(waiting, Fate::Lost(Err(StoreError::of(&error)))),
                    }
                }
            }
            Err(error) => {
                for waiting in steps {
                    answer(waiting, Fate::Lost(Err(StoreError::of(&error))));
                }
            }
        }
    }

    /// In one go when nobody is in the way of any; otherwise each as it deserves, and again while only others are in the way.
    async fn patiently(&mut self, steps: &[Asked]) -> Result<Vec<Fate>, sqlx::Error> {
        let steps: Vec<&Step> = steps.iter().map(|waiting| &waiting.step).collect();
        let mut way = Way::Unopposed;
        for _ in 1..ATTEMPTS {
            match self.together(&steps, way).await {
                Ok(Some(fates)) => return Ok(fates),
                Ok(None) => {}
                Err(error) if remedy(&error) == Remedy::Again => {}
                Err(error) => return Err(error),
            }
            way = Way::EachByItself;
        }
        Ok(self.together(&steps, way).await?.unwrap_or_default())
    }

    /// One transaction. What is published is forgotten with it; when it fails, with the next one: whatever is not forgotten,
    /// somebody publishes again.
    /// `None` when steps that were thought to be unopposed were not: nothing is done.
    async fn together(&mut self, steps: &[&Step], way: Way) -> Result<Option<Vec<Fate>>, sqlx::Error> {
        let published: Vec<Published> = self
            .published
            .iter()
            .map(|((group, conversation_id), through)| Published {
                group,
                conversation_id: conversation_id.clone(),
                through: *through,
            })
            .collect();
        let mut connection = self.link.take().await?;
        let process = self.link.process();
        let work = transaction(&mut connection, &published, steps, (way, &process));
        let fates = self.link.in_time(work).await?;
        self.link.keep(connection);
        if fates.is_some() {
            self.published.clear();
        }
        Ok(fates)
    }
}

/// How steps are committed together.
#[derive(Clone, Copy)]
enum Way {
    /// All of them win, or nothing is done.
    Unopposed,
    /// Under the lock of its conversation, each wins or loses.
    EachByItself,
}

/// What became of one step of a transaction.
enum Fate {
    /// Its outgoing events have the places from this one on, behind what waited before.
    Won(i64, Vec<Outgoing>),
    Lost(Result<Commit, StoreError>),
}

fn answer(waiting: Asked, fate: Fate) {
    let result = match fate {
        Fate::Won(first, mut outgoing) => {
            let own = (first..).zip(waiting.step.outgoing);
            outgoing.extend(own.map(|(seq, record)| Outgoing { seq, record, elsewhere_for: None }));
            Ok(Commit::Done(outgoing))
        }
        Fate::Lost(result) => result,
    };
    // A lane that was cancelled waits no more; its record is replayed and finds the step in the inbox.
    let _cancelled = waiting.answer.send(result);
}

/// Takes out the steps whose conversation or event an earlier one has already.
fn take_repeats(steps: &mut Vec<Asked>) -> Vec<Asked> {
    let mut conversations: HashSet<(&'static str, ConversationId)> = HashSet::new();
    let mut events: HashSet<(&'static str, EventId)> = HashSet::new();
    let (first, later) = std::mem::take(steps).into_iter().partition(|waiting| {
        let key = &waiting.step.key;
        // Both are noted even when one is known: what follows a repeat has to stay behind it.
        let new_conversation = conversations.insert((key.group, key.conversation_id.clone()));
        let new_event = events.insert((key.group, key.event_id));
        new_conversation && new_event
    });
    *steps = first;
    later
}

async fn transaction(
    connection: &mut PgConnection,
    published: &[Published],
    steps: &[&Step],
    (way, process): (Way, &str),
) -> Result<Option<Vec<Fate>>, sqlx::Error> {
    let mut transaction = connection.begin_with(statements::BEGIN).await?;
    if !published.is_empty() {
        statements::forget(&mut transaction, published).await?;
    }
    let mut fates = Vec::new();
    if !steps.is_empty() {
        let won = match way {
            Way::Unopposed => unopposed(&mut transaction, steps, process).await?,
            Way::EachByItself => Some(each_by_itself(&mut transaction, steps, process).await?),
        };
        let Some(won) = won else {
            transaction.rollback().await?;
            return Ok(None);
        };
        fates = won;
    }
    transaction.commit().await?;
    Ok(Some(fates))
}

async fn unopposed(
    connection: &mut PgConnection,
    steps: &[&Step],
    process: &str,
) -> Result<Option<Vec<Fate>>, sqlx::Error> {
    let Some(mut before) = unopposed::win_all(connection, steps, process).await? else { return Ok(None) };
    let winners: Vec<(&Step, i64)> = steps.iter().map(|step| (*step, step.last_seq + 1)).collect();
    keep_rest(connection, &winners, process).await?;
    let fates = winners.iter().map(|(step, first)| Fate::Won(*first, take_of(&mut before, &step.key)));
    Ok(Some(fates.collect()))
}

async fn each_by_itself(
    connection: &mut PgConnection,
    steps: &[&Step],
    process: &str,
) -> Result<Vec<Fate>, sqlx::Error> {
    let keys: Vec<&StepKey> = steps.iter().map(|step| &step.key).collect();
    let conversations: Vec<_> = keys.iter().map(|key| (key.group, key.conversation_id.as_str())).collect();
    statements::lock(connection, &conversations).await?;
    let last = statements::win(connection, steps).await?;
    let firsts: Vec<Option<i64>> = last
        .iter()
        .zip(steps)
        .map(|(last, step)| last.map(|last| last + 1 - i64::try_from(step.outgoing.len()).unwrap_or(0)))
        .collect();
    let winners: Vec<(&Step, i64)> =
        firsts.iter().zip(steps).filter_map(|(first, step)| Some((*step, (*first)?))).collect();
    let before = statements::keep_outgoing(connection, &winners, process).await?;
    keep_rest(connection, &winners, process).await?;
    with_losers(connection, &keys, &firsts, before, process).await
}

/// What the winners leave besides their events.
async fn keep_rest(
    connection: &mut PgConnection,
    winners: &[(&Step, i64)],
    process: &str,
) -> Result<(), sqlx::Error> {
    outbox_statements::enqueue(connection, &outbox_statements::entries_of(winners), process).await?;
    statements::keep_replies(connection, winners).await
}

fn take_of(waiting: &mut Waiting, key: &StepKey) -> Vec<Outgoing> {
    let place = (key.group.to_owned(), key.conversation_id.as_str().to_owned());
    waiting.remove(&place).unwrap_or_default()
}

async fn with_losers(
    connection: &mut PgConnection,
    keys: &[&StepKey],
    firsts: &[Option<i64>],
    mut before: Waiting,
    process: &str,
) -> Result<Vec<Fate>, sqlx::Error> {
    let losers: Vec<&StepKey> =
        firsts.iter().zip(keys).filter(|(first, _)| first.is_none()).map(|(_, key)| *key).collect();
    let mut lost =
        if losers.is_empty() { Vec::new() } else { look::found(connection, &losers, process).await? }
            .into_iter();
    let fates = firsts.iter().zip(keys).map(|(first, key)| match first {
        Some(first) => Fate::Won(*first, take_of(&mut before, key)),
        None => Fate::Lost(match lost.next() {
            Some(Ok(Found::Seen(pending))) => Ok(Commit::Seen(pending)),
            Some(Ok(Found::Fresh { .. } | Found::Conflict)) | None => Ok(Commit::Moved),
            Some(Err(error)) => Err(error),
        }),
    });
    Ok(fates.collect())
}
