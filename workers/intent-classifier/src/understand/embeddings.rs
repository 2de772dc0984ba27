//! Asks a server of embeddings (`/v1/embeddings`, as OpenAI has it) for vectors and knows what they mean by a linear head trained on
//! the catalogue. It may not decide whether to ask.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use peyvand::{
    config::BackendConfig,
    language::{
        classifier::{Classification, Example, Head, Model, TrainOptions, examples_of},
        normal::NormalText,
        slots::Extractors,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Outcome, PrepareError,
    cache::{self, Vectors},
    call::{Line, WrongAddress},
    catalogue::Catalogue,
    redact,
};

/// Texts in one question while the catalogue is read in, and how long its answer may take.
const TEXTS_AT_ONCE: usize = 64;
const READING_IN: Duration = Duration::from_secs(60);
/// Questions after which what is known so far is written down.
const QUESTIONS_PER_WRITE: usize = 20;

/// A server of embeddings and what was learned from it.
pub(super) struct Embeddings {
    line: Line,
    model: String,
    /// The examples and the background, and what leaves the house of both.
    examples: Vec<Example>,
    background: Vec<String>,
    texts: Vec<String>,
    cache: Option<PathBuf>,
    head: Arc<OnceLock<Head>>,
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    index: usize,
    embedding: Vec<f32>,
}

impl Embeddings {
    pub(super) fn new(
        config: &BackendConfig,
        cache: Option<&PathBuf>,
        catalogue: &Catalogue,
        extractors: &Extractors,
        pause: Duration,
    ) -> Result<Self, WrongAddress> {
        let inside = catalogue.sentences.iter().filter(|s| s.intent.is_some()).map(|s| &s.text);
        Ok(Self {
            line: Line::new(config, "/v1/embeddings", "understanding.embeddings.url", pause)?,
            model: config.model.clone(),
            examples: examples_of(&catalogue.sentences),
            background: catalogue.background.clone(),
            texts: inside
                .chain(&catalogue.background)
                .map(|text| redact::example(text, extractors))
                .collect(),
            cache: cache.map(|folder| cache::file(folder, &config.model)),
            head: Arc::new(OnceLock::new()),
        })
    }

    /// What a text means. The built-in model speaks too, on the whole text.
    pub(super) async fn ask(
        &self,
        text: &str,
        built_in: (&Model, &NormalText),
        until: Instant,
    ) -> Result<Classification, Outcome> {
        let head = self.head.get().ok_or(Outcome::NotReady)?;
        let vectors = self.vectors(&[text], until).await?;
        let vector = vectors.first().ok_or(Outcome::Garbage)?;
        head.classify(vector, Some(built_in)).ok_or(Outcome::Garbage)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.head.get().is_some()
    }

    /// Reads the catalogue in and trains the head; what the cache knows is not asked for.
    pub(super) async fn prepare(&self) -> Result<(), PrepareError> {
        if self.is_ready() {
            return Ok(());
        }
        let mut known = self.cache.as_deref().map(cache::read).unwrap_or_default();
        let keys: Vec<cache::Key> = self.texts.iter().map(|text| cache::key(&self.model, text)).collect();
        // What is no longer in the catalogue goes, so that the file does not grow for ever.
        let wanted: std::collections::HashSet<&cache::Key> = keys.iter().collect();
        known.retain(|key, _| wanted.contains(key));
        let mut missing: Vec<usize> = (0..keys.len()).filter(|i| !known.contains_key(&keys[*i])).collect();
        missing.sort_by_key(|i| keys[*i]);
        missing.dedup_by_key(|i| keys[*i]);
        for (number, some) in missing.chunks(TEXTS_AT_ONCE).enumerate() {
            let texts: Vec<&str> = some.iter().map(|i| self.texts[*i].as_str()).collect();
            let vectors = match self.vectors(&texts, Instant::now() + READING_IN).await {
                Ok(vectors) => vectors,
                Err(outcome) => {
                    self.keep(&known);
                    return Err(PrepareError::Server { outcome });
                }
            };
            known.extend(some.iter().map(|i| keys[*i]).zip(vectors));
            if number % QUESTIONS_PER_WRITE == QUESTIONS_PER_WRITE - 1 {
                self.keep(&known);
            }
        }
        if !missing.is_empty() {
            self.keep(&known);
        }
        let vectors: Vec<Vec<f32>> = keys.iter().filter_map(|key| known.get(key).cloned()).collect();
        let (examples, background) = (self.examples.clone(), self.background.clone());
        let trained = tokio::task::spawn_blocking(move || {
            Head::train(&examples, &background, &vectors, &TrainOptions::default())
        });
        match trained.await.map_err(|_| PrepareError::Ended)? {
            Ok(head) => {
                // Another call may have been as far at the same time, from the same vectors.
                drop(self.head.set(head));
                Ok(())
            }
            Err(error) => {
                // Vectors of two kinds: the server's model is another under the same name.
                self.keep(&Vectors::new());
                Err(PrepareError::Head(error))
            }
        }
    }

    fn keep(&self, known: &Vectors) {
        let Some(path) = &self.cache else { return };
        if let Err(error) = cache::write(path, known) {
            tracing::warn!(
                "the embeddings of the catalogue cannot be kept in {} ({}); the next start asks for them again",
                path.display(),
                error.kind()
            );
        }
    }

    /// One vector for each text, in their order.
    async fn vectors(&self, texts: &[&str], until: Instant) -> Result<Vec<Vec<f32>>, Outcome> {
        let question = Question { model: &self.model, input: texts, encoding_format: "float" };
        let Answer { mut data } = self.line.ask(&question, until).await?;
        data.sort_by_key(|one| one.index);
        let whole = data.len() == texts.len() && (0..).zip(&data).all(|(at, one)| one.index == at);
        let usable = data.iter().all(|one| !one.embedding.is_empty());
        if !whole || !usable {
            return Err(Outcome::Garbage);
        }
        Ok(data.into_iter().map(|one| one.embedding).collect())
    }
}
