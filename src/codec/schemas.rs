//! Which schema an id stands for, and under which id this process writes each event. Without a registry the ids are
//! fixed here; with one they are the registry's, looked up once and kept. A schema that somebody else wrote is looked at
//! before anything is read with it.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use apache_avro::{
    Schema, reader::datum::GenericDatumReader, schema_compatibility::SchemaCompatibility,
    writer::datum::GenericDatumWriter,
};

use super::{
    CodecError,
    doubts::Doubts,
    inspect::{self, Flaw},
    registry::{Registry, RegistryError},
};
use crate::topics;

/// Foreign schemas kept at most; an id beyond is treated as unknown.
const LEARNED_MAX: usize = 1024;

/// A schema as it was released.
pub struct Released {
    /// Its id where there is no registry. It never changes its meaning.
    pub id: u32,
    /// The event.
    pub event: &'static str,
    /// The topic the event travels on; its subject is `<topic>-value`.
    pub topic: &'static str,
    /// The schema's text.
    pub text: &'static str,
}

impl Released {
    /// The registry's subject.
    pub fn subject(&self) -> String {
        format!("{}-value", self.topic)
    }
}

macro_rules! released {
    ($id:literal, $event:literal, $topic:ident, $file:literal) => {
        Released {
            id: $id,
            event: $event,
            topic: topics::$topic,
            text: include_str!(concat!("../../schemas/released/", $file, ".avsc")),
        }
    };
}

/// Every released schema, the newest version of an event last.
pub const RELEASED: &[Released] = &[
    released!(1001, "MessageReceived", MESSAGE_RECEIVED, "message_received.1"),
    released!(2001, "TurnDecided", TURN_DECIDED, "turn_decided.1"),
    released!(2002, "TurnDecided", TURN_DECIDED, "turn_decided.2"),
    released!(2003, "TurnDecided", TURN_DECIDED, "turn_decided.3"),
    released!(2004, "TurnDecided", TURN_DECIDED, "turn_decided.4"),
    released!(2005, "TurnDecided", TURN_DECIDED, "turn_decided.5"),
    released!(3001, "OperationUpdated", OPERATION_UPDATED, "operation_updated.1"),
    released!(3002, "OperationUpdated", OPERATION_UPDATED, "operation_updated.2"),
    released!(3003, "OperationUpdated", OPERATION_UPDATED, "operation_updated.3"),
    released!(3004, "OperationUpdated", OPERATION_UPDATED, "operation_updated.4"),
    released!(4001, "ReplyReady", REPLY_READY, "reply_ready.1"),
    released!(4002, "ReplyReady", REPLY_READY, "reply_ready.2"),
    released!(5001, "DeliveryUpdated", DELIVERY_UPDATED, "delivery_updated.1"),
];

/// The schemas this process writes with: the newest of each event.
pub fn newest() -> impl Iterator<Item = &'static Released> {
    RELEASED
        .iter()
        .enumerate()
        .filter(|(at, one)| RELEASED.iter().skip(at + 1).all(|later| later.event != one.event))
        .map(|(_, one)| one)
}

/// A schema ready for reading and writing.
pub(super) struct Known {
    pub(super) id: u32,
    pub(super) event: &'static str,
    pub(super) reader: GenericDatumReader<'static>,
    pub(super) writer: GenericDatumWriter<'static>,
}

static OWN: LazyLock<Vec<(&'static Released, Schema)>> = LazyLock::new(|| {
    RELEASED.iter().filter_map(|one| Schema::parse_str(one.text).ok().map(|schema| (one, schema))).collect()
});

fn known(id: u32, event: &'static str, schema: &'static Schema) -> Option<Known> {
    Some(Known {
        id,
        event,
        reader: GenericDatumReader::builder(schema).build().ok()?,
        writer: GenericDatumWriter::builder(schema).build().ok()?,
    })
}

/// What asking about an id came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The id can be read now, or is known to be refused: decode again.
    Known,
    /// The registry does not know it, but it may only not know it yet: ask again after this time.
    NotYet(Duration),
    /// There is no such id.
    Unknown,
}

/// The newest schema of an event of ours.
pub(super) fn own(event: &str) -> Option<&'static Schema> {
    OWN.iter().rfind(|(own, _)| own.event == event).map(|(_, schema)| schema)
}

type Entry = Result<&'static Known, Flaw>;

/// The schemas of this process.
pub struct Schemas {
    by_id: RwLock<HashMap<u32, Entry>>,
    current: HashMap<&'static str, &'static Known>,
    doubts: Mutex<Doubts>,
    registry: Option<Registry>,
    asking: tokio::sync::Mutex<()>,
}

impl Schemas {
    /// The released schemas under their fixed ids.
    pub fn embedded() -> Self {
        static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
            OWN.iter().filter_map(|(one, schema)| known(one.id, one.event, schema)).collect()
        });
        Self::of(KNOWN.iter(), None)
    }

    /// The newest released schemas under the ids that the registry has for them.
    ///
    /// # Errors
    /// [`RegistryError::NotRegistered`] when the registry does not have one of them, [`RegistryError::Unavailable`]
    /// when it cannot be asked just now.
    pub async fn from_registry(registry: Registry) -> Result<Self, RegistryError> {
        let mut all = Vec::new();
        for one in newest() {
            let id = registry.id_of(&one.subject(), one.text).await?;
            let Some((_, schema)) = OWN.iter().find(|(own, _)| own.id == one.id) else { continue };
            all.extend(known(id, one.event, schema).map(leak));
        }
        Ok(Self::of(all.into_iter(), Some(registry)))
    }

    fn of(all: impl Iterator<Item = &'static Known>, registry: Option<Registry>) -> Self {
        let (mut by_id, mut current) = (HashMap::new(), HashMap::new());
        for one in all {
            by_id.insert(one.id, Ok(one));
            current.insert(one.event, one);
        }
        Self {
            by_id: RwLock::new(by_id),
            current,
            doubts: Mutex::default(),
            registry,
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Under which id each event is written.
    pub fn ids(&self) -> Vec<(&'static str, u32)> {
        let mut ids: Vec<_> = self.current.values().map(|one| (one.event, one.id)).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn by_id(&self, id: u32) -> Result<&'static Known, CodecError> {
        match self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            Some(Ok(known)) => Ok(known),
            Some(Err(flaw)) => Err(CodecError::RefusedSchema(id, *flaw)),
            None => Err(CodecError::UnknownSchema(id)),
        }
    }

    pub(super) fn current(&self, event: &'static str) -> Result<&'static Known, CodecError> {
        self.current.get(event).copied().ok_or(CodecError::WrongEvent(event))
    }

    /// Asks the registry about an id that decoding did not know, one id at a time and each seldom, so that a flood of invented
    /// ids cannot become a flood of requests.
    ///
    /// # Errors
    /// [`RegistryError`] when it cannot be asked just now: nothing is known about the id then.
    pub async fn learn(&self, id: u32) -> Result<Learned, RegistryError> {
        let Some(registry) = &self.registry else { return Ok(Learned::Unknown) };
        let _one_at_a_time = self.asking.lock().await;
        if !matches!(self.by_id(id), Err(CodecError::UnknownSchema(_))) {
            return Ok(Learned::Known);
        }
        if let Some(said) = self.doubts().known(id, Instant::now()) {
            return Ok(said);
        }
        if self.by_id.read().unwrap_or_else(PoisonError::into_inner).len() >= LEARNED_MAX {
            return Ok(Learned::Unknown);
        }
        let Some(text) = registry.schema(id).await? else {
            return Ok(self.doubts().refused(id, Instant::now()));
        };
        let entry = foreign(id, &text);
        if let Err(flaw) = entry {
            tracing::warn!(id, flaw = flaw.as_str(), "a schema of the registry is refused");
        }
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, entry);
        self.doubts().forget(id);
        Ok(Learned::Known)
    }

    fn doubts(&self) -> MutexGuard<'_, Doubts> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, but an id in doubt is asked for so soon again.
    #[cfg(test)]
    pub(crate) fn asking_again_after(self, pause: Duration) -> Self {
        Self { doubts: Mutex::new(Doubts::asking_again_after(pause)), ..self }
    }
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schemas").field("ids", &self.ids()).finish_non_exhaustive()
    }
}

/// Readers borrow their schema for good, and schemas are kept for good: at most [`LEARNED_MAX`] of them.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// A schema that somebody wrote with, when it may be read with.
fn foreign(id: u32, text: &str) -> Entry {
    let schema = inspect::parse(text)?;
    let event = inspect::event_of(&schema).ok_or(Flaw::NotOurs)?;
    let (released, own) = OWN.iter().rfind(|(own, _)| own.event == event).ok_or(Flaw::NotOurs)?;
    SchemaCompatibility::can_read(&schema, own).map_err(|_| Flaw::Incompatible)?;
    known(id, released.event, leak(schema)).map(leak).ok_or(Flaw::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_released_schema_parses() {
        assert_eq!(Schemas::embedded().ids().len(), 5);
        assert_eq!(OWN.len(), RELEASED.len());
    }

    #[test]
    fn a_foreign_schema_is_taken_only_when_it_is_an_event_we_can_read() {
        let ours = RELEASED[0].text;
        assert!(foreign(7, ours).is_ok());
        let with_more = ours.replacen(
            "\"fields\": [",
            "\"fields\": [{\"name\": \"mood\", \"type\": \"string\", \"default\": \"\"},",
            1,
        );
        assert!(foreign(7, &with_more).is_ok());
        let flaw = |text: &str| foreign(7, text).err();
        assert_eq!(flaw(&ours.replace("MessageReceived", "Other")), Some(Flaw::NotOurs));
        assert_eq!(flaw(&ours.replace("ir.peyvand.event", "com.other")), Some(Flaw::NotOurs));
        let renamed = ours.replace("\"name\": \"text\"", "\"name\": \"body\"");
        assert_eq!(flaw(&renamed), Some(Flaw::Incompatible));
        assert_eq!(flaw("not json"), Some(Flaw::Unreadable));
    }

    #[tokio::test]
    async fn without_a_registry_an_unknown_id_stays_unknown() {
        assert_eq!(Schemas::embedded().learn(9).await.ok(), Some(Learned::Unknown));
    }
}
