//! A real HTTP server that stands in for one of embeddings or of a language model and answers as each test tells it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The three directions in which the stand-in sees a text, by the words it holds.
const WORDS: [(&str, &[&str]); 3] = [
    ("order", &["order", "shipment", "سفارش"]),
    ("stock", &["stock", "cement", "inventory"]),
    ("", &["joke", "match", "song", "weather"]),
];

/// What the stand-in does with the next questions.
#[derive(Clone)]
pub(super) enum Does {
    /// Vectors by the words.
    Embed,
    /// An answer with this content.
    Say(String),
    /// This body with 200.
    Body(String),
    /// This status.
    Status(u16),
    /// Vectors by the words, so many times; then it is not there.
    EmbedTimes(Arc<AtomicUsize>),
    /// The same vectors turned, as another model under the same name would give them.
    EmbedTurned,
    /// Vectors by the words behind so many blanks.
    EmbedBehind(usize),
    /// No answer at all.
    Nothing,
}

/// A server of embeddings or of a language model.
pub(super) struct Server {
    pub(super) url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    does: Mutex<Does>,
    seen: Mutex<Vec<Value>>,
    keys: Mutex<Vec<String>>,
}

impl Server {
    pub(super) async fn start(does: Does) -> Self {
        let shared =
            Arc::new(Shared { does: Mutex::new(does), seen: Mutex::default(), keys: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, serving }
    }

    pub(super) fn now(&self, does: Does) {
        *self.shared.does.lock().unwrap() = does;
    }

    /// The bodies of the questions so far.
    pub(super) fn seen(&self) -> Vec<Value> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(super) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// The texts of the questions so far.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |text: &Value| text.as_str().unwrap().to_owned();
        self.seen().iter().flat_map(|question| question["input"].as_array().unwrap()).map(text).collect()
    }

    /// What the questions so far were let in with.
    pub(super) fn keys(&self) -> Vec<String> {
        self.shared.keys.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let key = request.headers().get("authorization").map(|key| key.to_str().unwrap().to_owned());
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 64 << 20).await.unwrap();
    let mut question: Value = serde_json::from_slice(&body).unwrap();
    question["path"] = json!(path);
    shared.seen.lock().unwrap().push(question.clone());
    shared.keys.lock().unwrap().extend(key);
    let does = shared.does.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let json = |value: Value| ([("content-type", "application/json")], value.to_string()).into_response();
    match does {
        Does::Embed => json(vectors(&question)),
        Does::EmbedTurned => {
            let mut vectors = vectors(&question);
            for one in vectors["data"].as_array_mut().unwrap() {
                one["embedding"].as_array_mut().unwrap().reverse();
            }
            json(vectors)
        }
        Does::EmbedTimes(left) => {
            let less = |left: usize| left.checked_sub(1);
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
                Ok(_) => json(vectors(&question)),
                Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
        Does::EmbedBehind(blanks) => (" ".repeat(blanks) + &vectors(&question).to_string()).into_response(),
        Does::Say(content) => json(json!({ "choices": [{ "message": { "content": content } }] })),
        Does::Body(body) => body.into_response(),
        Does::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Does::Nothing => std::future::pending().await,
    }
}

/// In the reverse order, as servers may.
fn vectors(question: &Value) -> Value {
    let texts = question["input"].as_array().unwrap();
    let vector = |text: &str| {
        let mut vector = vec![1.0, 1.0, 1.0, text.len() as f32 / 10_000.0];
        for (number, (_, words)) in vector.iter_mut().zip(WORDS) {
            *number += words.iter().filter(|word| text.contains(*word)).count() as f32 / 10.0;
        }
        vector
    };
    let data = texts.iter().enumerate().rev();
    let data: Vec<Value> = data
        .map(|(index, text)| json!({ "index": index, "embedding": vector(text.as_str().unwrap()) }))
        .collect();
    json!({ "data": data })
}
