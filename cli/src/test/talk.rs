//! Holds one conversation: says a message, waits for what has to come of it, compares, and goes on with the next. The times of
//! the messages are those of the file, never the clock's, so that the same is decided whenever it is run.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use anyhow::Context;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use peyvand::event::{
    ChannelMessageId, ChannelName, ConversationId, Decision, Envelope, EventId, MessageReceived, Operation,
    ReplyReady, TenantId, TurnDecided,
};
use tokio::{sync::mpsc::Receiver, time::timeout};

use super::{
    conversation::{Conversation, Turn},
    expect,
    scene::{Heard, Scene},
};

/// When the first message of every conversation is written: a Thursday, 9 o'clock in Tehran.
const BEGINS: &str = "2026-11-26T05:30:00Z";
/// How long is waited for what comes of a message.
const PATIENCE: Duration = Duration::from_secs(30);
/// The last message asks nothing: its decision is behind all others, and so nothing came that was not expected.
const LAST_WORDS: &str = "خداحافظ";
/// So long after the message before that both can be no one turn.
const LAST_AFTER_S: i64 = 24 * 60 * 60;
/// Letters of a message that are shown with a failure.
const SHOWN: usize = 60;

/// Who says it: the same in a replay.
pub(super) struct Speaker {
    pub(super) tenant: TenantId,
    pub(super) run: String,
}

impl Speaker {
    /// The conversation's id in this run.
    pub(super) fn id(&self, conversation: &Conversation) -> anyhow::Result<ConversationId> {
        Ok(ConversationId::parse(format!("test:{}:{}", self.run, conversation.name))?)
    }

    fn message(
        &self,
        conversation: &Conversation,
        number: usize,
        at_ms: i64,
        text: &str,
    ) -> anyhow::Result<Envelope<MessageReceived>> {
        let event = MessageReceived {
            tenant: self.tenant.clone(),
            conversation_id: self.id(conversation)?,
            channel: ChannelName::parse("web")?,
            channel_message_id: ChannelMessageId::parse(format!(
                "{}:{}:{number}",
                self.run, conversation.name
            ))?,
            text: text.to_owned().into(),
            language: conversation.language,
        };
        let id = EventId::of_message(
            event.channel.as_str(),
            event.tenant.as_str(),
            event.channel_message_id.as_str(),
        );
        Ok(Envelope {
            event_id: id,
            correlation_id: id,
            causation_id: None,
            occurred_at_ms: at_ms,
            traceparent: None,
            event,
        })
    }
}

/// How a conversation went.
pub(super) struct Went {
    /// What was decided, as it stands in the log.
    pub(super) decided: Vec<Vec<u8>>,
    /// What was not as expected.
    pub(super) failure: Option<String>,
}

/// Holds a conversation up to its end or its first failure.
pub(super) async fn hold(
    scene: &Scene,
    speaker: &Speaker,
    conversation: &Conversation,
    inbox: Receiver<Heard>,
) -> anyhow::Result<Went> {
    let mut ear = Ear {
        inbox,
        known: HashSet::new(),
        decisions: VecDeque::new(),
        replies: Vec::new(),
        decided: Vec::new(),
        writes: Vec::new(),
        answered: Vec::new(),
        before: scene.requests(),
    };
    let failure = go_through(scene, speaker, conversation, &mut ear).await?;
    Ok(Went { decided: ear.decided, failure })
}

async fn go_through(
    scene: &Scene,
    speaker: &Speaker,
    conversation: &Conversation,
    ear: &mut Ear,
) -> anyhow::Result<Option<String>> {
    let begins: Timestamp = BEGINS.parse().context("the time of the first message")?;
    let mut at_ms = begins.as_millisecond();
    let mut number = 0;
    for (index, turn) in conversation.turns.iter().enumerate() {
        at_ms += if index == 0 { 0 } else { turn.after_s * 1000 };
        let mut burst = Vec::with_capacity(turn.say.len());
        for (place, text) in turn.say.iter().enumerate() {
            at_ms += if place == 0 { 0 } else { turn.gap_ms };
            burst.push(speaker.message(conversation, number, at_ms, text)?);
            number += 1;
        }
        // At once, as a person does not wait for one to be stored before the next: so far apart they would be turns of their own.
        try_join_all(burst.iter().map(|message| scene.say(message))).await?;
        let said: Vec<EventId> = burst.iter().map(|message| message.event_id).collect();
        if let Some(problem) = ear.follow(turn, &said).await {
            let said: String = turn.say.join(" | ").chars().take(SHOWN).collect();
            return Ok(Some(format!("turn {} («{said}»): {problem}", index + 1)));
        }
    }
    at_ms += LAST_AFTER_S * 1000;
    let last = speaker.message(conversation, number, at_ms, LAST_WORDS)?;
    scene.say(&last).await?;
    let problem = match ear.next_decision().await {
        Some(turn) if turn.turn_id == last.event_id => match ear.written(scene, conversation).await {
            Some(problem) => Some(problem),
            None => ear.said_late(conversation, last.event_id).await,
        },
        Some(_) => Some("a decision more came than was expected".to_owned()),
        None => Some(nothing_came("decision")),
    };
    Ok(problem.map(|problem| format!("at the end: {problem}")))
}

fn nothing_came(what: &str) -> String {
    format!("no {what} came within {} seconds", PATIENCE.as_secs())
}

/// What came of a conversation so far. A record may come twice and counts once.
struct Ear {
    inbox: Receiver<Heard>,
    known: HashSet<EventId>,
    /// Those nobody has asked for yet.
    decisions: VecDeque<TurnDecided>,
    replies: Vec<ReplyReady>,
    decided: Vec<Vec<u8>>,
    /// The messages that each turn of the conversation answers.
    answered: Vec<Vec<EventId>>,
    /// The turns that were decided to be written.
    writes: Vec<EventId>,
    /// What the systems had been asked before it.
    before: u64,
}

impl Ear {
    /// Waits for what has to come of a turn; gives what was not as expected.
    async fn follow(&mut self, turn: &Turn, said: &[EventId]) -> Option<String> {
        let mut problems = Vec::new();
        let mut answered = Vec::new();
        for expected in &turn.decisions {
            let Some(came) = self.next_decision().await else { return Some(nothing_came("decision")) };
            let message = expected.message.unwrap_or(said.len());
            let answers = said.iter().position(|id| *id == came.turn_id).map_or(0, |place| place + 1);
            if answers != message {
                problems.push(format!("message: expected {message}, came {answers}"));
            }
            problems.extend(expect::decision(expected, &came));
            answered.push(came.turn_id);
            if !problems.is_empty() {
                break;
            }
        }
        if !answered.is_empty() && problems.is_empty() {
            let replies = self.replies_to(turn, &answered).await;
            if replies.is_empty() {
                problems.push(nothing_came("reply"));
            }
            problems.extend(expect::reply(turn, &replies));
        }
        self.answered.push(answered);
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// What was written otherwise than it was decided and expected, once every write has come to its end and that was said.
    async fn written(&mut self, scene: &Scene, conversation: &Conversation) -> Option<String> {
        let ended = timeout(PATIENCE, async { while !self.is_all_told() && self.hear().await {} });
        if ended.await.is_err() || !self.is_all_told() {
            return Some(nothing_came("word of how a write ended"));
        }
        let decided = self.writes.len();
        let wanted = conversation.writes?;
        if wanted != decided {
            return Some(format!("writes: expected {wanted}, came {decided}"));
        }
        let (taken, wanted) = (scene.writes_since(self.before)?, wanted - conversation.refused);
        (taken != wanted).then(|| format!("writes that the systems took: expected {wanted}, came {taken}"))
    }

    /// What was said after all that may not be: a reply that came later than those that were waited for.
    async fn said_late(&mut self, conversation: &Conversation, last: EventId) -> Option<String> {
        let waited = timeout(PATIENCE, async { while self.to(&[last]).is_empty() && self.hear().await {} });
        if waited.await.is_err() {
            return Some(nothing_came("reply"));
        }
        let turns = conversation.turns.iter().zip(&self.answered);
        let wrong = turns.flat_map(|(turn, answered)| expect::forbidden(turn, &self.to(answered)));
        wrong.reduce(|all, one| format!("{all}; {one}"))
    }

    /// Whether each write was told twice: that it is noted, and how it ended.
    fn is_all_told(&self) -> bool {
        self.writes.iter().all(|turn| self.to(&[*turn]).len() >= 2)
    }

    async fn next_decision(&mut self) -> Option<TurnDecided> {
        let waited = timeout(PATIENCE, async { while self.decisions.is_empty() && self.hear().await {} });
        if waited.await.is_err() {
            tracing::debug!("no decision came");
        }
        self.decisions.pop_front()
    }

    /// The replies to these turns, once they say everything that is waited for or the patience ends.
    async fn replies_to(&mut self, turn: &Turn, answered: &[EventId]) -> Vec<&ReplyReady> {
        let waited = timeout(PATIENCE, async {
            while !expect::is_answered(turn, &self.to(answered)) && self.hear().await {}
        });
        if waited.await.is_err() {
            tracing::debug!("not everything that is expected was said");
        }
        self.to(answered)
    }

    fn to(&self, answered: &[EventId]) -> Vec<&ReplyReady> {
        self.replies.iter().filter(|reply| answered.contains(&reply.turn_id)).collect()
    }

    /// Keeps the next that comes; `false` when nothing more can come.
    async fn hear(&mut self) -> bool {
        let Some(heard) = self.inbox.recv().await else { return false };
        match heard {
            Heard::Decision { id, turn, datum } => {
                if self.known.insert(id) {
                    if turn.decision == Decision::Execute && turn.operation.is_some_and(Operation::is_write) {
                        self.writes.push(turn.turn_id);
                    }
                    self.decisions.push_back(*turn);
                    self.decided.push(datum);
                }
            }
            Heard::Reply { id, reply } => {
                if self.known.insert(id) {
                    self.replies.push(*reply);
                }
            }
        }
        true
    }
}
