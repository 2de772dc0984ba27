//! The intent-classifier worker: from a person's message to a decision. It owns language and dialogue state and asks no system.

mod dialogue;
mod serve;

use std::sync::{Arc, PoisonError, RwLock};

use peyvand::{
    assistant::Assistant,
    event::{Envelope, MessageReceived},
    language::{
        classifier::{self, ClassifierError, Example, Model, TrainOptions},
        normal::normalise,
        slots::{Extractors, ProductName, ProductsError},
    },
    topics,
    worker::{Emit, Handler, HandlerError, Outcome},
};
use thiserror::Error;

pub use dialogue::Dialogue;
pub use serve::{renew_products, serve};

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
    /// The catalogue cannot be learned.
    #[error("the assistant's examples cannot be learned: {0}")]
    Classifier(#[from] ClassifierError),
    /// The product names cannot be used.
    #[error("the product names cannot be used: {0}")]
    Products(#[from] ProductsError),
}

/// Decides what is to happen with each message.
pub struct IntentClassifier {
    assistant: Arc<Assistant>,
    model: Model,
    lexicon: Lexicon,
}

impl IntentClassifier {
    /// Learns the assistant's examples.
    ///
    /// # Errors
    /// [`StartError`] when the examples cannot be used.
    pub fn new(assistant: Arc<Assistant>, lexicon: Lexicon) -> Result<Self, StartError> {
        let examples: Vec<Example> = assistant
            .examples()
            .into_iter()
            .map(|(text, intent)| Example { text: text.to_owned(), intent: intent.to_owned() })
            .collect();
        let background: Vec<String> = classifier::background().map(ToOwned::to_owned).collect();
        let model = classifier::train(&examples, &background, &TrainOptions::default())?;
        Ok(Self { assistant, model, lexicon })
    }
}

impl Handler for IntentClassifier {
    const GROUP: &'static str = "intent-classifier";
    type In = MessageReceived;
    type State = Dialogue;

    async fn handle(
        &self,
        input: &Envelope<MessageReceived>,
        state: Dialogue,
    ) -> Result<Outcome<Dialogue>, HandlerError> {
        let text = input.event.text.expose();
        let normal = normalise(text);
        let values = self.lexicon.now().extract(text, &normal, state.asked_kind());
        let meaning = self.model.classify(&normal);
        let (turn, state) = dialogue::decide(&self.assistant, &self.model, input, &values, &meaning, state);
        let emit = vec![Emit::new(topics::TURN_DECIDED, turn)];
        Ok(Outcome { state: Some(state), emit, ..Outcome::default() })
    }
}
