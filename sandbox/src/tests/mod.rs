//! The stand-in through its front door: HTTP on loopback, as a connector meets it.

mod data;
mod faults;
mod hook;
mod reads;
mod salesforce;
mod writes;

use std::path::PathBuf;

use jiff::civil::Date;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::{Fault, Sandbox, SandboxConfig, start};

const ORDERS: &str = "/sap/opu/odata/sap/API_SALES_ORDER_SRV";
const STOCK: &str = "/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV";
const PRODUCTS: &str = "/sap/opu/odata/sap/API_PRODUCT_SRV";
const PARTNERS: &str = "/sap/opu/odata/sap/API_BUSINESS_PARTNER";

fn today() -> Date {
    jiff::civil::date(2026, 11, 23)
}

/// A running stand-in with a client.
struct World {
    sandbox: Sandbox,
    client: Client,
}

impl World {
    async fn new() -> World {
        World::with(SandboxConfig::loopback(today())).await
    }

    async fn with(config: SandboxConfig) -> World {
        World { sandbox: start(config).await.unwrap(), client: Client::new() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.base_url());
        let request = self.client.request(method, url).basic_auth("PEYVAND", Some("welcome"));
        request.header("accept", "application/json")
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Response {
        self.request(Method::GET, path).query(query).send().await.unwrap()
    }

    /// A read that must succeed; gives what stands under `d`.
    async fn d(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let response = self.get(path, query).await;
        let status = response.status();
        let body = response.text().await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["d"].take()
    }

    /// The records of a collection.
    async fn list(&self, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
        self.d(path, query).await["results"].as_array().unwrap().clone()
    }

    /// A token with its cookies, ready to be sent.
    async fn token(&self) -> (String, String) {
        let path = format!("{ORDERS}/");
        let answer = self.request(Method::HEAD, &path).header("x-csrf-token", "Fetch").send().await.unwrap();
        let token = answer.headers()["x-csrf-token"].to_str().unwrap().to_owned();
        let cookies = answer.headers().get_all("set-cookie").iter();
        let cookies: Vec<&str> =
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect();
        (token, cookies.join("; "))
    }

    /// A write that carries a fresh token.
    async fn write(&self, method: &str, path: &str) -> RequestBuilder {
        let (token, cookies) = self.token().await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.request(method, path).header("x-csrf-token", token).header("cookie", cookies)
    }

    /// A request to one of the systems that know a bearer token.
    fn with_token(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.base_url())).bearer_auth(token)
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.put_fault(fault).unwrap();
    }
}

/// A fault with nothing set but what it matches.
fn fault(pattern: &str) -> Fault {
    Fault { pattern: pattern.to_owned(), ..Fault::default() }
}

async fn error(response: Response) -> Value {
    let body: Value = response.json().await.unwrap();
    body["error"].clone()
}

/// A journal on disk that ends with the test.
struct Notes(PathBuf);

impl Notes {
    fn new() -> Notes {
        Notes(std::env::temp_dir().join(format!("peyvand-sandbox-{}", Uuid::new_v4())))
    }

    async fn world(&self) -> World {
        World::with(SandboxConfig { journal: Some(self.0.clone()), ..SandboxConfig::loopback(today()) }).await
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}
