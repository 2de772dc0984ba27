//! The catalogue is read in once: what is known already is not asked for, and what belongs to another server is not known.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize},
};

use super::*;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("peyvand-vectors-{}", uuid::Uuid::new_v4())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn embeddings_that_are_not_read_in_yet_leave_the_built_in_answer() {
    let server = Server::start(Does::Status(503)).await;
    let config = UnderstandingConfig { embeddings: at(&server.url), ..doubting() };
    let understanding = understanding(&config);
    let error = understanding.prepare().await.unwrap_err();
    assert_eq!(error.kind(), "refused");
    server.forget();
    assert_stays(&understanding, VAGUE).await;
    assert!(server.seen().is_empty());
    server.now(Does::Embed);
    understanding.prepare().await.unwrap();
    assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Embeddings);
}

#[tokio::test]
async fn a_restart_asks_for_one_text_of_the_catalogue_and_for_none_while_the_server_is_away() {
    let folder = Folder::new();
    let server = Server::start(Does::Embed).await;
    let config =
        UnderstandingConfig { embeddings: at(&server.url), cache: Some(folder.0.clone()), ..doubting() };
    understanding(&config).prepare().await.unwrap();
    let asked = server.texts();
    assert_eq!(asked.len(), asked.iter().collect::<BTreeSet<_>>().len());
    for does in [Does::Embed, Does::Status(503)] {
        server.now(does);
        server.forget();
        let again = understanding(&config);
        again.prepare().await.unwrap();
        assert_eq!(server.texts().len(), 1);
        server.now(Does::Embed);
        assert_eq!(again.ask(VAGUE).await.backend, Backend::Embeddings);
    }
}

#[tokio::test]
async fn another_model_is_asked_anew_be_it_under_the_same_name() {
    let folder = Folder::new();
    let server = Server::start(Does::Embed).await;
    let mut config =
        UnderstandingConfig { embeddings: at(&server.url), cache: Some(folder.0.clone()), ..doubting() };
    understanding(&config).prepare().await.unwrap();
    let all: BTreeSet<String> = server.texts().into_iter().collect();
    for does in [Does::EmbedTurned, Does::Embed] {
        server.now(does);
        server.forget();
        let changed = understanding(&config);
        changed.prepare().await.unwrap();
        assert_eq!(server.texts().into_iter().collect::<BTreeSet<_>>(), all);
        assert_eq!(best(&changed.ask(VAGUE).await.found), Some("order"));
    }
    config.embeddings.as_mut().unwrap().model = "other".to_owned();
    server.forget();
    understanding(&config).prepare().await.unwrap();
    assert_eq!(server.texts().len(), all.len());
}

#[tokio::test]
async fn another_server_under_the_same_model_name_is_asked_anew() {
    let folder = Folder::new();
    let (first, second) = (Server::start(Does::Embed).await, Server::start(Does::Embed).await);
    for server in [&first, &second] {
        let config =
            UnderstandingConfig { embeddings: at(&server.url), cache: Some(folder.0.clone()), ..doubting() };
        understanding(&config).prepare().await.unwrap();
    }
    let texts = |server: &Server| server.texts().into_iter().collect::<BTreeSet<String>>();
    assert!(!texts(&first).is_empty());
    assert_eq!(texts(&second), texts(&first));
}

/// So many sentences that they do not go into one question.
fn large() -> Catalogue {
    let mut large = catalogue();
    let letters = || "abcdefghijkl".chars();
    let words = letters().flat_map(|a| letters().map(move |b| format!("joke about {a}{b}{a}{b}")));
    large.background.extend(words);
    large
}

#[tokio::test]
async fn what_was_read_before_a_fault_is_not_asked_for_again() {
    let folder = Folder::new();
    for cache in [None, Some(folder.0.clone())] {
        let server = Server::start(Does::EmbedTimes(Arc::new(AtomicUsize::new(1)))).await;
        let config = UnderstandingConfig { embeddings: at(&server.url), cache, ..doubting() };
        let catalogue = large();
        let model = catalogue.learn().unwrap();
        let understanding = Understanding::new(model, &catalogue, &config).unwrap();
        assert_eq!(understanding.prepare().await.unwrap_err().kind(), "refused");
        let asked = server.seen();
        assert_eq!(asked.len(), 2);
        let of_first = asked[0]["input"].as_array().unwrap().len();
        let read: BTreeSet<String> = server.texts().into_iter().take(of_first).collect();
        server.forget();
        server.now(Does::Embed);
        understanding.prepare().await.unwrap();
        let again = server.texts().into_iter().filter(|text| read.contains(text)).count();
        assert_eq!((again, read.len()), (0, of_first));
        assert_eq!(understanding.ask(VAGUE).await.backend, Backend::Embeddings);
    }
}
