//! What a message means: the built-in classifier first, and a server only for what it is not sure of. A server that is away, slow
//! or wrong changes nothing but the answer it would have given. It may not decide what is done about a message, and no text of
//! one is ever in a log.

mod breaker;
mod cache;
mod call;
pub mod catalogue;
mod chat;
mod embeddings;
mod outcome;
mod redact;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use peyvand::{
    config::UnderstandingConfig,
    event::Backend,
    language::{
        classifier::{Classification, ClassifierError, Model},
        normal::normalise,
        slots::{Extracted, Extractors, ProductsError},
    },
};
use thiserror::Error;
use tokio::{sync::Semaphore, time::timeout_at};
use tokio_util::sync::CancellationToken;

pub use call::WrongAddress;
use catalogue::Catalogue;
use chat::Chat;
use embeddings::Embeddings;
pub use outcome::Outcome;
use outcome::{backend_label, count};

/// Between these, the figure says neither that a message is in scope nor that it is not.
const SCOPE_IN_DOUBT: std::ops::RangeInclusive<f32> = 0.3..=0.7;
/// How long an open breaker lets nobody through.
const PAUSE: Duration = Duration::from_secs(15);
/// How often it is tried to read the catalogue in, at first and at last.
const TRY_FIRST: Duration = Duration::from_secs(5);
const TRY_LAST: Duration = Duration::from_secs(5 * 60);

/// Why a server of embeddings is not asked yet.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// It did not give the vectors of the catalogue.
    #[error("the server of embeddings did not give the catalogue's vectors ({}); see that it runs and that address, model and key are its own", .outcome.label())]
    Server {
        /// What became of the question.
        outcome: Outcome,
    },
    /// Nothing can be learned from its vectors.
    #[error("nothing can be learned from the vectors of the server of embeddings: {0}")]
    Head(#[source] ClassifierError),
    /// The training ended early.
    #[error("the training on the vectors of the server of embeddings ended early; start again")]
    Ended,
}

impl PrepareError {
    /// A bounded label for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Server { outcome } => outcome.label(),
            Self::Head(error) => error.kind(),
            Self::Ended => "ended",
        }
    }
}

/// Why the settings of the servers cannot be used.
#[derive(Debug, Error)]
pub enum UnderstandingError {
    /// An address.
    #[error(transparent)]
    Address(#[from] WrongAddress),
    /// What finds the values that do not leave.
    #[error(transparent)]
    Extractors(#[from] ProductsError),
}

impl UnderstandingError {
    /// A bounded label for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "wrong_address",
            Self::Extractors(error) => error.kind(),
        }
    }
}

/// What a text means and what said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// What it means.
    pub found: Classification,
    /// What said so.
    pub backend: Backend,
    /// Why the server that was asked last did not, where one was asked.
    pub unanswered: Option<Outcome>,
}

impl Understood {
    fn built_in(found: Classification) -> Self {
        Self { found, backend: Backend::BuiltIn, unanswered: None }
    }

    /// Takes up what a server answered.
    fn hear(&mut self, backend: Backend, answer: Result<Classification, Outcome>) {
        match answer {
            Ok(found) => {
                count(backend_label(backend), Outcome::Decided);
                *self = Self { found, backend, unanswered: None };
            }
            Err(outcome) => {
                count(backend_label(backend), outcome);
                self.unanswered = Some(outcome);
            }
        }
    }
}

/// The built-in classifier and, where they are set, the servers behind it.
#[derive(Clone)]
pub struct Understanding {
    model: Arc<Model>,
    behind: Option<Arc<Behind>>,
}

/// The servers.
struct Behind {
    below: f32,
    /// For one message and all servers together, waiting for a place included.
    deadline: Duration,
    places: Semaphore,
    extractors: Extractors,
    embeddings: Option<Embeddings>,
    chat: Option<Chat>,
}

impl Understanding {
    /// The built-in classifier alone.
    pub fn built_in(model: Model) -> Self {
        Self { model: Arc::new(model), behind: None }
    }

    /// The built-in classifier and the servers of the settings; the catalogue is that of the model.
    ///
    /// # Errors
    /// [`UnderstandingError`] when the settings cannot be used. No server is asked here.
    pub fn new(
        model: Model,
        catalogue: &Catalogue,
        config: &UnderstandingConfig,
    ) -> Result<Self, UnderstandingError> {
        Self::with_pause(model, catalogue, config, PAUSE)
    }

    fn with_pause(
        model: Model,
        catalogue: &Catalogue,
        config: &UnderstandingConfig,
        pause: Duration,
    ) -> Result<Self, UnderstandingError> {
        if config.embeddings.is_none() && config.chat.is_none() {
            return Ok(Self::built_in(model));
        }
        let extractors = Extractors::new(&[])?;
        let embeddings = config
            .embeddings
            .as_ref()
            .map(|server| Embeddings::new(server, config.cache.as_ref(), catalogue, &extractors, pause))
            .transpose()?;
        let chat = config
            .chat
            .as_ref()
            .map(|server| Chat::new(server, catalogue, &extractors, pause))
            .transpose()?;
        let behind = Behind {
            below: config.below,
            deadline: config.deadline,
            places: Semaphore::new(config.calls_max.clamp(1, Semaphore::MAX_PERMITS)),
            extractors,
            embeddings,
            chat,
        };
        Ok(Self { model: Arc::new(model), behind: Some(Arc::new(behind)) })
    }

    /// The built-in model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How long a message may wait for the servers; no time without one.
    pub fn deadline(&self) -> Duration {
        self.behind.as_ref().map_or(Duration::ZERO, |behind| behind.deadline)
    }

    /// What a text means, with nothing known of it yet.
    pub async fn ask(&self, text: &str) -> Understood {
        let normal = normalise(text);
        let first = self.model.classify(&normal);
        let values = match &self.behind {
            Some(behind) => behind.extractors.extract(text, &normal, None, &[]),
            None => Vec::new(),
        };
        self.think(text, &values, first).await
    }

    /// Asks the servers where the built-in classifier is not sure. `first` is what that says of the text; the `values` that
    /// were found in it do not leave.
    pub async fn think_again(
        &self,
        text: &str,
        values: &[Extracted],
        first: Classification,
    ) -> (Classification, Backend) {
        let Understood { found, backend, .. } = self.think(text, values, first).await;
        (found, backend)
    }

    async fn think(&self, text: &str, values: &[Extracted], first: Classification) -> Understood {
        let Some(behind) = &self.behind else { return Understood::built_in(first) };
        if !behind.is_unsure(&first) {
            count(backend_label(Backend::BuiltIn), Outcome::Decided);
            return Understood::built_in(first);
        }
        let Some(left) = redact::without_values(text, values, &behind.extractors) else {
            return Understood::built_in(first);
        };
        let began = Instant::now();
        let decided = behind.decide(text, &left, &self.model, first).await;
        metrics::histogram!("peyvand_understanding_seconds").record(began.elapsed());
        decided
    }

    /// Reads the catalogue in where a server of embeddings is set.
    ///
    /// # Errors
    /// [`PrepareError`] when it is not there or cannot be learned from; until this succeeds, it is not asked.
    pub async fn prepare(&self) -> Result<(), PrepareError> {
        self.prepare_telling(|_, _| {}).await
    }

    /// The same, and `told` hears on the way how many of how many texts are read in.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub async fn prepare_telling(&self, told: impl FnMut(usize, usize)) -> Result<(), PrepareError> {
        match self.behind.as_ref().and_then(|behind| behind.embeddings.as_ref()) {
            Some(embeddings) => embeddings.prepare(told).await,
            None => Ok(()),
        }
    }

    /// Prepares again and again until it succeeds.
    pub async fn prepare_patiently(self, shutdown: CancellationToken) {
        let mut pause = TRY_FIRST;
        loop {
            let Some(prepared) = shutdown.run_until_cancelled(self.prepare()).await else { return };
            let Err(error) = prepared else { return };
            tracing::warn!(kind = error.kind(), "{error}; the built-in classifier decides alone for now");
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(TRY_LAST);
        }
    }
}

impl Behind {
    fn is_unsure(&self, found: &Classification) -> bool {
        let confidence = found.ranked.first().map_or(0.0, |best| best.confidence);
        confidence < self.below || SCOPE_IN_DOUBT.contains(&found.out_of_scope)
    }

    /// Asks one server after the other until somebody is sure or the time is over.
    async fn decide(&self, text: &str, left: &str, model: &Model, first: Classification) -> Understood {
        let until = Instant::now() + self.deadline;
        let mut understood = Understood::built_in(first);
        // The semaphore is never closed.
        let Ok(Ok(_place)) = timeout_at(until.into(), self.places.acquire()).await else {
            count("any", Outcome::Busy);
            understood.unanswered = Some(Outcome::Busy);
            return understood;
        };
        if let Some(embeddings) = &self.embeddings {
            let until = self.end_of_first_turn(until);
            let answer = embeddings.ask(left, (model, &normalise(text)), until).await;
            understood.hear(Backend::Embeddings, answer);
        }
        if let Some(chat) = self.chat.as_ref().filter(|_| self.is_unsure(&understood.found)) {
            let answer = chat.ask(left, &understood.found, until).await;
            understood.hear(Backend::Chat, answer);
        }
        understood
    }

    /// Until when the embeddings may be waited for. With a language model behind them, half of what is left is kept for it, so
    /// that one that is slow does not silence the other; what the first does not use is the second's too.
    fn end_of_first_turn(&self, until: Instant) -> Instant {
        let now = Instant::now();
        let left = until.saturating_duration_since(now);
        if self.chat.is_some() { now + left / 2 } else { until }
    }
}
