//! The intent-classifier worker: from a person's message to a decision. It owns language and dialogue state and asks no system.

mod burst;
mod dialogue;
mod received;
mod serve;
pub mod understand;
mod wishes;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use peyvand::{
    assistant::Assistant,
    event::{Backend, Envelope, TurnDecided},
    language::{
        classifier::Model,
        dates::{self, Calendar, Context, Day, Prefer, UtcOffset},
        finglish::Finglish,
        normal::normalise,
        script::{Language, detect},
        slots::{Extractors, ProductName, ProductsError, SlotName},
    },
    topics,
    worker::{Emit, Handler, HandlerError, Outcome, longer_than},
};
use thiserror::Error;

pub use dialogue::Dialogue;
use dialogue::Read;
use received::Message;
pub use received::Received;
pub use serve::{renew_products, serve};
use understand::{
    Understanding, UnderstandingError,
    catalogue::{Catalogue, ModelError},
};

/// The extractors as they are now; product names come and go while the worker runs.
#[derive(Clone)]
pub struct Lexicon(Arc<RwLock<Arc<Extractors>>>);

impl Lexicon {
    /// A lexicon with these product names.
    ///
    /// # Errors
    /// [`ProductsError`] when they cannot be used.
    pub fn new(products: &[ProductName]) -> Result<Self, ProductsError> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(Extractors::new(products)?)))))
    }

    /// These are the product names from now on.
    ///
    /// # Errors
    /// [`ProductsError`] when they cannot be used; the earlier ones stay.
    pub fn renew(&self, products: &[ProductName]) -> Result<(), ProductsError> {
        let extractors = Arc::new(Extractors::new(products)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = extractors;
        Ok(())
    }

    fn now(&self) -> Arc<Extractors> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why the worker cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The settings of the servers cannot be used.
    #[error(transparent)]
    Understanding(#[from] UnderstandingError),
    /// The product names cannot be used.
    #[error("the product names cannot be used: {0}")]
    Products(#[from] ProductsError),
}

/// Decides what is to happen with each message.
pub struct IntentClassifier {
    assistant: Arc<Assistant>,
    understanding: Understanding,
    lexicon: Lexicon,
    finglish: Finglish,
    utc_offset: UtcOffset,
}

impl IntentClassifier {
    /// Learns the assistant's examples. The offset is that of the people who write: it says which day theirs is.
    ///
    /// # Errors
    /// [`StartError`] when the examples cannot be used.
    pub fn new(
        assistant: Arc<Assistant>,
        lexicon: Lexicon,
        utc_offset: UtcOffset,
    ) -> Result<Self, StartError> {
        let understanding = Understanding::built_in(Catalogue::of(&assistant).learn()?);
        Ok(Self::with(assistant, understanding, lexicon, utc_offset))
    }

    /// The same with what understands messages, which was made from the same assistant.
    pub fn with(
        assistant: Arc<Assistant>,
        understanding: Understanding,
        lexicon: Lexicon,
        utc_offset: UtcOffset,
    ) -> Self {
        let finglish = finglish(&assistant);
        Self { assistant, understanding, lexicon, finglish, utc_offset }
    }
}

impl IntentClassifier {
    fn read(&self, message: Message<'_>, state: &Dialogue) -> Read {
        let extractors = self.lexicon.now();
        let model = self.understanding.model();
        let reader = Reader { extractors: &extractors, model, finglish: &self.finglish };
        read(message, self.utc_offset.day_at(message.occurred_at_ms), &reader, state)
    }

    fn decide(&self, message: Message<'_>, read: Read, state: Dialogue) -> (Vec<TurnDecided>, Dialogue) {
        dialogue::decide(&self.assistant, self.understanding.model(), message, read, state)
    }
}

/// What tells Persian in Latin letters from English.
fn finglish(assistant: &Assistant) -> Finglish {
    let persian = assistant.intents.iter().flat_map(|intent| &intent.fa);
    let english = assistant.intents.iter().flat_map(|intent| &intent.en);
    Finglish::new(persian.map(String::as_str), english.map(String::as_str))
}

/// What a message is read with.
struct Reader<'a> {
    extractors: &'a Extractors,
    model: &'a Model,
    finglish: &'a Finglish,
}

/// Reads a message as far as no form and no proposal counts.
fn read(message: Message<'_>, today: Day, reader: &Reader<'_>, state: &Dialogue) -> Read {
    let Message { event: message, occurred_at_ms, .. } = message;
    let Reader { extractors, model, finglish } = reader;
    let (whole, before) = state.whole(message.text.expose(), occurred_at_ms);
    let text = whole.as_str();
    let normal = normalise(text);
    let written = match detect(text) {
        // Latin letters may be Persian; where the words do not tell, the conversation goes on in its language.
        Some(Language::En) => finglish.language(text).or(state.language()).or(Some(Language::En)),
        other => other,
    };
    let language = written.or(state.language()).or(message.language).unwrap_or_default();
    let calendar = match language {
        Language::Fa => Calendar::Jalali,
        Language::En => Calendar::Gregorian,
    };
    let asked = state.asked_slot();
    let asked_day = asked == Some(SlotName::DeliveryDate);
    let context = Context { today, calendar, prefer: Prefer::Future, asked: asked_day };
    let mut dates = dates::find(normal.as_str(), context);
    let in_dates: Vec<_> = dates.iter().map(|date| date.at.clone()).collect();
    let values = extractors.extract(text, &normal, asked, &in_dates);
    for date in &mut dates {
        date.at = normal.original_range(date.at.clone());
    }
    let parts = wishes::parts(text, model);
    let meaning = model.classify(&normal);
    Read { text: whole, before, language, values, dates, meaning, backend: Backend::BuiltIn, parts, today }
}

impl Handler for IntentClassifier {
    const GROUP: &'static str = "intent-classifier";
    type In = Received;
    type State = Dialogue;

    async fn handle(
        &self,
        input: &Envelope<Received>,
        state: Dialogue,
    ) -> Result<Outcome<Dialogue>, HandlerError> {
        let message = match &input.event {
            Received::Message(_) => Message::of(input),
            Received::Operation(update) => {
                let (assistant, model) = (&self.assistant, self.understanding.model());
                let (state, turn) = dialogue::after(assistant, model, update, input.occurred_at_ms, state);
                let emit = turn.into_iter().map(|turn| Emit::new(topics::TURN_DECIDED, turn)).collect();
                return Ok(Outcome { state, emit, ..Outcome::default() });
            }
        };
        let Some(message) = message else { return Ok(Outcome::default()) };
        let mut read = self.read(message, &state);
        // What was asked to be described in own words is not sorted, so it need not leave.
        let describes = state.asked_slot() == Some(SlotName::Description);
        if !describes && !dialogue::speaks_for_itself(&read) {
            (read.meaning, read.backend) =
                self.understanding.think_again(&read.text, &read.values, read.meaning).await;
        }
        let (turns, state) = self.decide(message, read, state);
        let emit = turns.into_iter().map(|turn| Emit::new(topics::TURN_DECIDED, turn)).collect();
        Ok(Outcome { state: Some(state), emit, ..Outcome::default() })
    }

    fn longest(&self) -> Duration {
        longer_than(self.understanding.deadline())
    }

    fn may_go_on(&self, input: &Envelope<Received>) -> Option<Duration> {
        burst::may_be_part(Message::of(input)?.text()).then_some(burst::FOLLOWS_WITHIN)
    }

    fn stands_alone(&self, input: &Envelope<Received>, state: &Dialogue) -> bool {
        let Some(message) = Message::of(input) else { return true };
        let decided = || self.decide(message, self.read(message, state), state.clone()).0;
        !state.may_begin(message.occurred_at_ms) || decided().iter().any(dialogue::is_understood)
    }

    fn goes_on(&self, input: &Envelope<Received>, next: &Envelope<Received>) -> bool {
        burst::follows(input.occurred_at_ms, next.occurred_at_ms)
    }

    fn begun(&self, input: &Envelope<Received>, state: Dialogue) -> Dialogue {
        match Message::of(input) {
            Some(message) => state.begun(message),
            None => state,
        }
    }
}
