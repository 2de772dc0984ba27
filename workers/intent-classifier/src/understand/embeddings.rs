//! Asks a server of embeddings (`/v1/embeddings`, as OpenAI has it) for vectors and knows what they mean by a linear head trained on
//! the catalogue. It may not decide whether to ask.

use std::{
    collections::HashSet,
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
    cache::{self, Key, Source, Vectors},
    call::{Line, WrongAddress},
    catalogue::Catalogue,
    redact,
};

/// Texts in one question while the catalogue is read in: some servers take no more. And how long its answer may take.
const TEXTS_AT_ONCE: usize = 32;
const READING_IN: Duration = Duration::from_secs(60);
/// Questions after which what is known so far is written down.
const QUESTIONS_PER_WRITE: usize = 40;
/// How far apart two vectors of one text may be, as a share of their length.
const ALIKE: f32 = 0.1;
/// Twice what the longest vectors in use have.
const NUMBERS_MAX: usize = 8_192;
/// What an answer may need: each number with its digits, comma and line, and what stands around the vectors.
const VECTOR_BYTES_MAX: usize = NUMBERS_MAX * 32;
const ENVELOPE_BYTES_MAX: usize = 16 << 10;

/// A server of embeddings and what was learned from it.
pub(super) struct Embeddings {
    line: Line,
    model: String,
    /// The examples and the background, and what leaves the house of both.
    examples: Vec<Example>,
    background: Vec<String>,
    texts: Vec<String>,
    source: Source,
    cache: Option<PathBuf>,
    /// The vectors that are read in already, until the head is trained.
    known: tokio::sync::Mutex<Arc<Vectors>>,
    head: OnceLock<Head>,
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
        let line = Line::new(config, "/v1/embeddings", "understanding.embeddings.url", pause)?;
        let source = Source::new(line.address(), &config.model);
        Ok(Self {
            line,
            model: config.model.clone(),
            examples: examples_of(&catalogue.sentences),
            background: catalogue.background.clone(),
            texts: inside
                .chain(&catalogue.background)
                .map(|text| redact::example(text, extractors))
                .collect(),
            source,
            cache: cache.map(|folder| cache::file(folder, source)),
            known: tokio::sync::Mutex::default(),
            head: OnceLock::new(),
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
        self.asked(&[text], until, |vectors| head.classify(vectors.first()?, Some(built_in))).await
    }

    /// Reads the catalogue in and trains the head; what is known already is not asked for. `told` hears how many of how many
    /// texts are known. Of several calls at once one does it.
    pub(super) async fn prepare(&self, told: impl FnMut(usize, usize)) -> Result<(), PrepareError> {
        let mut known = self.known.lock().await;
        if self.head.get().is_some() {
            return Ok(());
        }
        let keys: Vec<Key> = self.texts.iter().map(|text| self.source.key(text)).collect();
        self.read_in(&keys, &mut known, told).await.map_err(|outcome| PrepareError::Server { outcome })?;
        let vectors: Vec<Vec<f32>> = keys.iter().filter_map(|key| known.get(key).cloned()).collect();
        // Trained or not, they have done what they are for.
        *known = Arc::default();
        let (examples, background) = (self.examples.clone(), self.background.clone());
        let trained = tokio::task::spawn_blocking(move || {
            Head::train(&examples, &background, &vectors, &TrainOptions::default())
        });
        match trained.await.map_err(|_| PrepareError::Ended)? {
            Ok(head) => {
                // Nobody else sets it: `known` is held.
                drop(self.head.set(head));
                Ok(())
            }
            Err(error) => {
                // Vectors of two kinds: the server's model is another under the same name.
                self.keep(&known).await;
                Err(PrepareError::Head(error))
            }
        }
    }

    /// Asks for what is not known yet. After a fault the next call goes on from there.
    async fn read_in(
        &self,
        keys: &[Key],
        known: &mut Arc<Vectors>,
        mut told: impl FnMut(usize, usize),
    ) -> Result<(), Outcome> {
        if known.is_empty() {
            let kept = self.kept().await;
            match self.gives_the_same(keys, &kept).await {
                Ok(true) => *known = Arc::new(kept),
                Ok(false) => {}
                // Nothing has to be asked, and nothing is known against what was kept.
                Err(_) if keys.iter().all(|key| kept.contains_key(key)) => *known = Arc::new(kept),
                // Old vectors and those of another model would be mixed: the next call looks again.
                Err(why) => return Err(why),
            }
        }
        // What is no longer in the catalogue goes, so that the file does not grow for ever.
        let wanted: HashSet<&Key> = keys.iter().collect();
        Arc::make_mut(known).retain(|key, _| wanted.contains(key));
        let mut missing: Vec<usize> = (0..keys.len()).filter(|i| !known.contains_key(&keys[*i])).collect();
        missing.sort_by_key(|i| keys[*i]);
        missing.dedup_by_key(|i| keys[*i]);
        told(known.len(), wanted.len());
        let mut unwritten = 0;
        let mut outcome = Ok(());
        for some in missing.chunks(TEXTS_AT_ONCE) {
            let texts: Vec<&str> = some.iter().map(|i| self.texts[*i].as_str()).collect();
            match self.asked(&texts, Instant::now() + READING_IN, Some).await {
                Ok(vectors) => Arc::make_mut(known).extend(some.iter().map(|i| keys[*i]).zip(vectors)),
                Err(why) => {
                    outcome = Err(why);
                    break;
                }
            }
            told(known.len(), wanted.len());
            unwritten += 1;
            if unwritten == QUESTIONS_PER_WRITE {
                self.keep(known).await;
                unwritten = 0;
            }
        }
        if unwritten > 0 {
            self.keep(known).await;
        }
        outcome
    }

    /// Whether the server still gives what the cache holds: its model may be another under the same name by now.
    async fn gives_the_same(&self, keys: &[Key], kept: &Vectors) -> Result<bool, Outcome> {
        let first = keys.iter().zip(&self.texts).find_map(|(key, text)| Some((text, kept.get(key)?)));
        let Some((text, before)) = first else { return Ok(true) };
        let now =
            self.asked(&[text], Instant::now() + READING_IN, |vectors| vectors.into_iter().next()).await?;
        Ok(are_alike(&now, before))
    }

    /// What the cache holds.
    async fn kept(&self) -> Vectors {
        let Some(path) = self.cache.clone() else { return Vectors::new() };
        tokio::task::spawn_blocking(move || cache::read(&path)).await.unwrap_or_default()
    }

    async fn keep(&self, known: &Arc<Vectors>) {
        let Some(path) = self.cache.clone() else { return };
        let known = Arc::clone(known);
        let written = tokio::task::spawn_blocking(move || match cache::write(&path, &known) {
            Ok(()) => {}
            Err(error) => tracing::warn!(
                "the embeddings of the catalogue cannot be kept in {} ({}); the next start asks for them again",
                path.display(),
                error.kind()
            ),
        });
        // It ends early only with the whole process.
        drop(written.await);
    }

    /// Asks for one vector for each text, in their order; `read` refuses what cannot be right.
    async fn asked<R>(
        &self,
        texts: &[&str],
        until: Instant,
        read: impl FnOnce(Vec<Vec<f32>>) -> Option<R>,
    ) -> Result<R, Outcome> {
        let question = Question { model: &self.model, input: texts, encoding_format: "float" };
        let bytes_max = ENVELOPE_BYTES_MAX + texts.len() * VECTOR_BYTES_MAX;
        let read = |Answer { mut data }: Answer| {
            data.sort_by_key(|one| one.index);
            let whole = data.len() == texts.len() && (0..).zip(&data).all(|(at, one)| one.index == at);
            let usable = data.iter().all(|one| (1..=NUMBERS_MAX).contains(&one.embedding.len()));
            let vectors = (whole && usable).then(|| data.into_iter().map(|one| one.embedding).collect());
            vectors.and_then(read).ok_or(Outcome::Garbage)
        };
        self.line.ask(&question, bytes_max, until, read).await
    }
}

/// The same model rounds a little differently on another day; another one gives something else altogether.
fn are_alike(one: &[f32], other: &[f32]) -> bool {
    let squares = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| x * x).sum::<f32>();
    let apart = squares(&mut one.iter().zip(other).map(|(a, b)| a - b));
    one.len() == other.len() && apart <= ALIKE * ALIKE * squares(&mut other.iter().copied())
}
