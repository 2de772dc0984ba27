//! A sandbox with a client on it, and a server that answers as a test tells it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode},
};
use peyvand::{event::Order, language::script::Language};
use peyvand_connector::{
    sap::Sap,
    target::{TargetConfig, TargetError},
};
use peyvand_sandbox::{Fault, Sandbox, SandboxConfig, SeenRequest};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Long enough for every answer that comes at all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const ORDERS: &str = "/sap/opu/odata/sap/API_SALES_ORDER_SRV";

/// A target at an address, with the sandbox's user.
pub(crate) fn target(base_url: &str) -> TargetConfig {
    let password = "welcome".to_owned().into();
    TargetConfig { deadline: DEADLINE, ..TargetConfig::new("sap", base_url, "PEYVAND", password) }
}

/// A sandbox and a client on it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) sap: Sap,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(1_000, |target| target).await
    }

    pub(crate) async fn with(page_size: usize, configure: impl FnOnce(TargetConfig) -> TargetConfig) -> Self {
        let today = jiff::civil::date(2026, 11, 23);
        let config = SandboxConfig { page_size, ..SandboxConfig::loopback(today) };
        let sandbox = peyvand_sandbox::start(config).await.unwrap();
        let sap = Sap::new(configure(target(&sandbox.base_url()))).unwrap();
        Self { sandbox, sap }
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.sandbox.clear_faults();
        self.sandbox.put_fault(fault).unwrap();
    }

    pub(crate) async fn order(&self, number: &str) -> Result<Option<Order>, TargetError> {
        self.sap.order(number, Language::En).await
    }

    /// The requests that came since some number of them.
    pub(crate) fn since(&self, seen: usize) -> Vec<SeenRequest> {
        self.sandbox.requests().split_off(seen)
    }

    /// A record or a page as the sandbox shows it to anybody who asks.
    pub(crate) async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("{}{path}", self.sandbox.base_url());
        let request = reqwest::Client::new().get(url).query(query).basic_auth("PEYVAND", Some("welcome"));
        let answer = request.header("accept", "application/json").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["d"].take()
    }
}

/// A fault that strikes every order, with nothing else set.
pub(crate) fn at_orders() -> Fault {
    Fault { pattern: "A_SalesOrder".to_owned(), ..Fault::default() }
}

/// A server of a few lines that counts its requests.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    hits: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn new<F, A>(answer: F) -> Self
    where
        F: Fn(Request) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        let router = Router::new().fallback(move |request: Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            answer(request)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, hits, serving }
    }

    /// A server that says the same to everybody.
    pub(crate) async fn saying(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        let body: String = body.into();
        Self::new(move |_| std::future::ready(answer(status, content_type, body.clone()))).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn sap(&self) -> Sap {
        Sap::new(target(&self.url())).unwrap()
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Body>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("content-type", content_type).body(body.into()).unwrap()
}

/// `{"d": ..}` with status 200.
pub(crate) fn d(value: &Value) -> Response<Body> {
    answer(200, "application/json", json!({"d": value}).to_string())
}

/// An order's header with whatever stands in the place of its items.
pub(crate) fn order_json(items: Value) -> Value {
    json!({
        "SalesOrder": "45001", "SoldToParty": "1000000018", "SalesOrderDate": "/Date(1796083200000)/",
        "RequestedDeliveryDate": "/Date(1796083200000)/", "TotalNetAmount": "12.50", "TransactionCurrency": "EUR",
        "OverallDeliveryStatus": "B", "OverallSDDocumentRejectionSts": "A", "to_Item": items,
    })
}
