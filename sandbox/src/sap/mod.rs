//! The Gateway: takes one HTTP request to its end, logon first, then token, then the resource. It speaks OData v2 as SAP
//! does and knows nothing of faults; those are laid over it from outside.

mod csrf;
mod error;
mod filter;
mod json;
mod lexer;
mod literal;
mod metadata;
pub(crate) mod model;
mod query;
mod read;
mod resource;
mod shape;
pub(crate) mod table;
pub(crate) mod value;
mod write;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;

pub(crate) use error::{SapError, error_body, logon_failed};
pub(crate) use resource::ROOT;

use csrf::Sessions;
use json::{Source, record_uri};
use model::{Entity, Service, Set};
use query::RawQuery;
use read::Asked;
use resource::Resource;
use shape::Shape;

use crate::{auth::BasicAuth, company::Company, http::plain, journal::Journal, system::System};

/// The Gateway with its data.
pub(crate) struct Gateway {
    company: RwLock<Company>,
    auth: BasicAuth,
    sessions: Sessions,
    page_size: usize,
    addr: SocketAddr,
    journal: Arc<Journal>,
}

impl Gateway {
    pub(crate) fn new(
        company: Company,
        (user, password): (&str, &str),
        page_size: usize,
        addr: SocketAddr,
        journal: Arc<Journal>,
    ) -> Gateway {
        let page_size = page_size.clamp(1, query::MAX_PAGE);
        let auth = BasicAuth::new(user, password);
        Gateway {
            company: RwLock::new(company),
            auth,
            sessions: Sessions::default(),
            page_size,
            addr,
            journal,
        }
    }

    /// Ends every session, so that every token handed out so far is refused.
    pub(crate) fn expire_sessions(&self) {
        self.sessions.expire_all();
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: &Parts, body: &Bytes) -> Response<Body> {
        if !self.auth.allows(&request.headers) {
            return logon_failed();
        }
        let json = wants_json(request);
        let mut response = self.route(request, body, json).unwrap_or_else(|error| {
            tracing::debug!(kind = error.kind(), "the gateway refused a request");
            error.response(json)
        });
        let reading = matches!(request.method, Method::GET | Method::HEAD);
        if reading && Sessions::is_fetch(&request.headers) {
            self.sessions.hand_out(&request.headers, response.headers_mut());
        }
        let headers = response.headers_mut();
        if !headers.contains_key("dataserviceversion") {
            let _none = headers.insert("dataserviceversion", HeaderValue::from_static("2.0"));
        }
        response
    }

    fn route(&self, request: &Parts, body: &Bytes, json: bool) -> Result<Response<Body>, SapError> {
        let path = request.uri.path().strip_prefix(ROOT).unwrap_or_default().trim_start_matches('/');
        let options = RawQuery::parse(request.uri.query().unwrap_or_default())?;
        let resource = Resource::parse(path)?;
        match method(&request.method, &request.headers) {
            Asks::Read => self.read(request, &resource, (path, &options), json),
            Asks::Create => {
                self.sessions.check(&request.headers)?;
                self.create(request, &resource, body, json)
            }
            Asks::Change => {
                self.sessions.check(&request.headers)?;
                self.change(request, &resource, body)
            }
            Asks::Other => Err(SapError::MethodNotAllowed),
        }
    }

    fn read(
        &self,
        request: &Parts,
        resource: &Resource,
        (path, options): (&str, &RawQuery),
        json: bool,
    ) -> Result<Response<Body>, SapError> {
        let origin = self.origin(&request.headers);
        let company = self.company.read().unwrap_or_else(PoisonError::into_inner);
        let source = Source { company: &company, origin: &origin };
        match resource {
            Resource::Service(service) => Ok(service_root(*service, &origin, json)),
            Resource::Metadata(service) => {
                Ok(plain(StatusCode::OK, "application/xml;charset=utf-8", metadata::edmx(*service)))
            }
            Resource::Collection { entity, parent, count: true } => {
                read::count(source, entity, parent.as_ref(), options)
            }
            Resource::Collection { .. } | Resource::Record { .. } if !json => Err(SapError::NotAcceptable),
            Resource::Collection { entity, parent, count: false } => {
                let asked = Asked { path, options, page_size: self.page_size };
                read::collection(source, entity, parent.as_ref(), &asked)
            }
            Resource::Record { entity, key } => read::record(source, entity, key, options),
        }
    }

    fn create(
        &self,
        request: &Parts,
        resource: &Resource,
        body: &Bytes,
        json: bool,
    ) -> Result<Response<Body>, SapError> {
        let Resource::Collection { entity, parent: None, count: false } = resource else {
            return Err(SapError::MethodNotAllowed);
        };
        only_orders(entity)?;
        sends_json(&request.headers)?;
        if !json {
            return Err(SapError::NotAcceptable);
        }
        let mut company = self.company.write().unwrap_or_else(PoisonError::into_inner);
        let key = write::create_order(&mut company, body)?;
        let row = company.table(entity.set).find(&key).ok_or(SapError::NoSuchRecord(entity.name))?;
        let reference = entity
            .prop("PurchaseOrderByCustomer")
            .and_then(|(index, _)| row.get(index).as_text())
            .unwrap_or_default();
        self.journal.note(System::Sap, &key, reference);
        let origin = self.origin(&request.headers);
        let source = Source { company: &company, origin: &origin };
        let shape = Shape::new(entity, Some("to_Item"), None)?;
        let mut response = read::one(source, &shape, row);
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(location) = HeaderValue::from_str(&record_uri(&origin, entity, row)) {
            let _none = response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(response)
    }

    fn change(&self, request: &Parts, resource: &Resource, body: &Bytes) -> Result<Response<Body>, SapError> {
        let Resource::Record { entity, key } = resource else {
            return Err(SapError::MethodNotAllowed);
        };
        only_orders(entity)?;
        sends_json(&request.headers)?;
        let if_match = request.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
        let mut company = self.company.write().unwrap_or_else(PoisonError::into_inner);
        write::change_order(&mut company, key, if_match, body)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    /// How the client reached this server, for the addresses in the answer; a strange Host header counts for nothing.
    fn origin(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let plausible = |host: &&str| {
            host.len() <= 255
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
        };
        match host.filter(plausible) {
            Some(host) => format!("http://{host}"),
            None => format!("http://{}", self.addr),
        }
    }
}

/// What a request means to do.
enum Asks {
    Read,
    Create,
    Change,
    Other,
}

/// A POST may stand for a MERGE where a proxy lets no other method through.
fn method(method: &Method, headers: &HeaderMap) -> Asks {
    let tunnelled = headers.get("x-http-method").map(HeaderValue::as_bytes);
    match (method.as_str(), tunnelled) {
        ("GET" | "HEAD", _) => Asks::Read,
        ("PATCH" | "MERGE", _) | ("POST", Some(b"MERGE" | b"PATCH")) => Asks::Change,
        ("POST", None) => Asks::Create,
        _ => Asks::Other,
    }
}

fn only_orders(entity: &Entity) -> Result<(), SapError> {
    if entity.set == Set::SalesOrder { Ok(()) } else { Err(SapError::MethodNotAllowed) }
}

fn sends_json(headers: &HeaderMap) -> Result<(), SapError> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if sent.to_ascii_lowercase().starts_with("application/json") { Ok(()) } else { Err(SapError::MediaType) }
}

/// JSON is given only to who asks for it; the real system's default is XML.
fn wants_json(request: &Parts) -> bool {
    let format = RawQuery::parse(request.uri.query().unwrap_or_default())
        .ok()
        .and_then(|options| options.get("$format").map(str::to_owned));
    match format {
        Some(format) => format == "json",
        None => request
            .headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_lowercase().contains("application/json")),
    }
}

fn service_root(service: Service, origin: &str, json: bool) -> Response<Body> {
    if json {
        let sets: Vec<&str> = service.entities().map(|entity| entity.name).collect();
        return read::json(&json!({"d": {"EntitySets": sets}}));
    }
    plain(
        StatusCode::OK,
        "application/atomsvc+xml;charset=utf-8",
        metadata::service_document(service, origin),
    )
}
