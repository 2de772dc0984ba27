//! Answers reads: a page of a collection, a count, one record. Works on the tables under the caller's lock and gives text.

use std::cmp::Ordering;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::error::SapError;
use super::json::{Enveloped, Page, Record, Source, etag};
use super::model::Entity;
use super::query::{MAX_PAGE, Order, Query, RawQuery};
use super::resource::{Parent, ROOT};
use super::shape::Shape;
use super::table::Row;
use super::value::Value;
use crate::http::{percent_encode, plain};

/// The request as it came, for the address of the next page.
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) options: &'a RawQuery,
    pub(crate) page_size: usize,
}

/// A page of a collection, or of the children of one record.
pub(crate) fn collection(
    source: Source<'_>,
    entity: &'static Entity,
    parent: Option<&Parent>,
    asked: &Asked<'_>,
) -> Result<Response<Body>, SapError> {
    let query = asked.options.for_entity(entity)?;
    let rows = matching(source, entity, parent, &query)?;
    let total = rows.len();
    let wanted = query.top.unwrap_or(usize::MAX);
    let left = wanted.saturating_sub(query.given);
    let page = if query.top.is_some() { MAX_PAGE } else { asked.page_size }.min(left);
    let first = query.skip.saturating_add(query.given);
    let rows: Vec<&Row> = rows.into_iter().skip(first).take(page).collect();
    let given = query.given + rows.len();
    let more = query.skip.saturating_add(given) < total && given < wanted && !rows.is_empty();
    let next = more.then(|| next_page(source.origin, asked, given));
    let count = query.count.then_some(total);
    Ok(json(&Enveloped(Page { source, shape: &query.shape, rows, count, next })))
}

/// The number of records a collection holds, as plain text.
pub(crate) fn count(
    source: Source<'_>,
    entity: &'static Entity,
    parent: Option<&Parent>,
    options: &RawQuery,
) -> Result<Response<Body>, SapError> {
    let query = options.for_entity(entity)?;
    let total = matching(source, entity, parent, &query)?.len();
    Ok(plain(StatusCode::OK, "text/plain;charset=utf-8", total.to_string()))
}

/// One record by its key.
pub(crate) fn record(
    source: Source<'_>,
    entity: &'static Entity,
    key: &str,
    options: &RawQuery,
) -> Result<Response<Body>, SapError> {
    let query = options.for_entity(entity)?;
    let row = source.company.table(entity.set).find(key).ok_or(SapError::NoSuchRecord(entity.name))?;
    Ok(one(source, &query.shape, row))
}

/// One record with its ETag as a header.
pub(crate) fn one(source: Source<'_>, shape: &Shape, row: &Row) -> Response<Body> {
    let mut response = json(&Enveloped(Record { source, shape, row }));
    if let Some(value) = etag(shape.entity, row).and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        let _previous = response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// An answer in JSON.
pub(crate) fn json(body: &impl Serialize) -> Response<Body> {
    match serde_json::to_string(body) {
        Ok(text) => plain(StatusCode::OK, "application/json;charset=utf-8", text),
        Err(_) => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain;charset=utf-8",
            "The answer could not be written as JSON.".to_owned(),
        ),
    }
}

fn matching<'a>(
    source: Source<'a>,
    entity: &'static Entity,
    parent: Option<&Parent>,
    query: &Query,
) -> Result<Vec<&'a Row>, SapError> {
    let table = source.company.table(entity.set);
    let accepts = |row: &&Row| query.filter.as_ref().is_none_or(|filter| filter.accepts(row));
    let mut rows: Vec<&Row> = match parent {
        Some(parent) => {
            let exists = source.company.table(parent.entity.set).find(&parent.key).is_some();
            if !exists {
                return Err(SapError::NoSuchRecord(parent.entity.name));
            }
            table.children_of(&parent.key).filter(accepts).collect()
        }
        None => table.rows().filter(accepts).collect(),
    };
    if !query.order.is_empty() {
        rows.sort_by(|a, b| in_order(a, b, &query.order));
    }
    Ok(rows)
}

fn in_order(a: &Row, b: &Row, terms: &[Order]) -> Ordering {
    terms
        .iter()
        .map(|term| {
            let (a, b) = (a.get(term.prop), b.get(term.prop));
            // Nothing comes before something, as in the database.
            let order = a.compare(b).unwrap_or_else(|| (*b == Value::Null).cmp(&(*a == Value::Null)));
            if term.descending { order.reverse() } else { order }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn next_page(origin: &str, asked: &Asked<'_>, given: usize) -> String {
    let mut url = format!("{origin}{ROOT}/{}?", asked.path);
    for (name, value) in asked.options.without("$skiptoken") {
        if let Some(system) = name.strip_prefix('$') {
            url.push('$');
            percent_encode(system, &mut url);
        } else {
            percent_encode(name, &mut url);
        }
        url.push('=');
        percent_encode(value, &mut url);
        url.push('&');
    }
    url.push_str(&format!("$skiptoken={given}"));
    url
}
