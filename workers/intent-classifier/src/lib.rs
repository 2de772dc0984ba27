//! The intent-classifier worker: from a person's message to a decision. It owns language and dialogue state and asks no system.

mod dialogue;

use std::sync::Arc;

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
    extractors: Extractors,
}

impl IntentClassifier {
    /// Learns the assistant's examples.
    ///
    /// # Errors
    /// [`StartError`] when the examples or the product names cannot be used.
    pub fn new(assistant: Arc<Assistant>, products: &[ProductName]) -> Result<Self, StartError> {
        let examples: Vec<Example> = assistant
            .examples()
            .into_iter()
            .map(|(text, intent)| Example { text: text.to_owned(), intent: intent.to_owned() })
            .collect();
        let background: Vec<String> = classifier::background().map(ToOwned::to_owned).collect();
        let model = classifier::train(&examples, &background, &TrainOptions::default())?;
        let extractors = Extractors::new(products)?;
        Ok(Self { assistant, model, extractors })
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
        let values = self.extractors.extract(text, &normal, state.asked_kind());
        let meaning = self.model.classify(&normal);
        let (turn, state) = dialogue::decide(&self.assistant, &self.model, input, &values, &meaning, state);
        let emit = vec![Emit::new(topics::TURN_DECIDED, turn)];
        Ok(Outcome { state: Some(state), emit, replies: Vec::new() })
    }
}
