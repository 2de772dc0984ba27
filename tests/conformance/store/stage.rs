//! Where a case plays: a file or a database of its own, and the steps it is made of.

use std::path::PathBuf;

use peyvand::{
    bus::{Headers, NewRecord, Topic},
    event::{Button, ConversationId, EventId, TenantId},
    language::script::Language,
    store::{Commit, Found, Outgoing, SqliteStore, Step, StepKey, Store, StoredReply},
};

pub(crate) const GROUP: &str = "reply";

/// A backing that is there for one case alone.
pub(crate) enum Stage {
    Sqlite(PathBuf),
    #[cfg(feature = "stack-tests")]
    Postgres(super::database::Database),
}

impl Stage {
    pub(crate) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("peyvand-store-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        Self::Sqlite(folder)
    }

    #[cfg(feature = "stack-tests")]
    pub(crate) async fn postgres() -> Self {
        Self::Postgres(super::database::Database::migrated().await)
    }

    pub(crate) async fn open(&self) -> Store {
        match self {
            Self::Sqlite(folder) => SqliteStore::open(&folder.join("store.sqlite")).await.unwrap().into(),
            #[cfg(feature = "stack-tests")]
            Self::Postgres(database) => database.connect().await.into(),
        }
    }

    /// Two that work at the same time: two processes where the backing has that, one store shared where it has not.
    pub(crate) async fn open_twice(&self) -> [Store; 2] {
        let first = self.open().await;
        let second = match self {
            Self::Sqlite(_) => first.clone(),
            #[cfg(feature = "stack-tests")]
            Self::Postgres(_) => self.open().await,
        };
        [first, second]
    }

    pub(crate) async fn end(self) {
        match self {
            Self::Sqlite(folder) => std::fs::remove_dir_all(folder).unwrap(),
            #[cfg(feature = "stack-tests")]
            Self::Postgres(database) => database.drop().await,
        }
    }
}

pub(crate) fn conversation(name: &str) -> ConversationId {
    ConversationId::parse(name).unwrap()
}

pub(crate) fn event(name: &str) -> EventId {
    EventId::of_message("test", "test", name)
}

pub(crate) fn key(conversation_name: &str, event_name: &str) -> StepKey {
    StepKey {
        group: GROUP,
        conversation_id: conversation(conversation_name),
        event_id: event(event_name),
        fingerprint: [7; 32],
    }
}

/// A step that only counts, of a conversation whose events were not looked at.
pub(crate) fn step(key: &StepKey, version: i64) -> Step {
    Step {
        key: key.clone(),
        version,
        last_seq: 0,
        state: None,
        outgoing: Vec::new(),
        replies: Vec::new(),
        entries: Vec::new(),
    }
}

pub(crate) fn record(value: &str) -> NewRecord {
    let mut headers = Headers::default();
    headers.push("event-type", "Test");
    headers.push("bytes", vec![0, 255, 10]);
    NewRecord {
        topic: Topic::new("chat.reply.ready"),
        key: Some(b"c".to_vec()),
        value: Some(value.into()),
        headers,
    }
}

pub(crate) fn reply(event_name: &str, text: &str) -> StoredReply {
    StoredReply {
        cursor: 0,
        event_id: event(event_name),
        turn_id: event("turn"),
        tenant: TenantId::parse("demo").unwrap(),
        language: Language::Fa,
        text: text.to_owned().into(),
        buttons: vec![Button { label: text.to_owned().into(), value: "1".to_owned() }],
        parts: vec![event("part")],
    }
}

pub(crate) fn places(outgoing: &[Outgoing]) -> Vec<(i64, String)> {
    let text = |record: &NewRecord| String::from_utf8(record.value.clone().unwrap()).unwrap();
    outgoing.iter().map(|one| (one.seq, text(&one.record))).collect()
}

/// What is to be published at which place, whoever is about to.
pub(crate) fn records(outgoing: &[Outgoing]) -> Vec<(i64, NewRecord)> {
    outgoing.iter().map(|one| (one.seq, one.record.clone())).collect()
}

/// What is left to publish of a step that somebody else has done.
pub(crate) async fn done_by_another(store: &Store, step: Step) -> Vec<Outgoing> {
    match store.commit(step).await.unwrap() {
        Commit::Seen(outgoing) => outgoing,
        other => panic!("expected Seen and got {other:?}"),
    }
}

pub(crate) async fn done(store: &Store, step: Step) -> Vec<Outgoing> {
    match store.commit(step).await.unwrap() {
        Commit::Done(outgoing) => outgoing,
        other => panic!("expected Done and got {other:?}"),
    }
}

pub(crate) async fn seen(store: &Store, key: &StepKey) -> Vec<Outgoing> {
    match store.look(key).await.unwrap() {
        Found::Seen(pending) => pending,
        other => panic!("expected Seen and got {other:?}"),
    }
}

/// What is read of a conversation that stands here: its version, and the place of its newest event.
pub(crate) fn fresh((version, last_seq): (i64, i64), state: Option<&[u8]>) -> Found {
    Found::Fresh { version, last_seq, state: state.map(<[u8]>::to_vec), parked: false }
}

/// Cursors and words of the replies after a cursor.
pub(crate) async fn replies(store: &Store, name: &str, after: i64, limit: u16) -> Vec<(i64, String)> {
    let found = store.replies_after(&conversation(name), after, limit).await.unwrap();
    found.into_iter().map(|reply| (reply.cursor, reply.text.expose().clone())).collect()
}
