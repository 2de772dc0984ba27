//! Writes records as OData v2 JSON, straight from the tables to text: `d`, `results`, `__metadata`, `__deferred`, `__next`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::model::{Edm, Entity};
use super::resource::ROOT;
use super::shape::{Children, Shape};
use super::table::Row;
use super::value::Value;
use crate::company::Company;
use crate::http::percent_encode;

/// Where records are read from and how the client reaches this server.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) company: &'a Company,
    /// `http://host:port`
    pub(crate) origin: &'a str,
}

/// One page of a collection.
pub(crate) struct Page<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) shape: &'a Shape,
    pub(crate) rows: Vec<&'a Row>,
    pub(crate) count: Option<usize>,
    pub(crate) next: Option<String>,
}

/// One record.
pub(crate) struct Record<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) shape: &'a Shape,
    pub(crate) row: &'a Row,
}

/// `{"d": ..}` around an answer.
pub(crate) struct Enveloped<T>(pub(crate) T);

impl<T: Serialize> Serialize for Enveloped<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("d", &self.0)?;
        map.end()
    }
}

impl Serialize for Page<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(count) = self.count {
            map.serialize_entry("__count", &count.to_string())?;
        }
        map.serialize_entry(
            "results",
            &Records { source: self.source, shape: self.shape, rows: &self.rows },
        )?;
        if let Some(next) = &self.next {
            map.serialize_entry("__next", next)?;
        }
        map.end()
    }
}

struct Records<'a> {
    source: Source<'a>,
    shape: &'a Shape,
    rows: &'a [&'a Row],
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.rows.len()))?;
        for row in self.rows {
            seq.serialize_element(&Record { source: self.source, shape: self.shape, row })?;
        }
        seq.end()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entity = self.shape.entity;
        let uri = record_uri(self.source.origin, entity, self.row);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("__metadata", &Metadata { entity, row: self.row, uri: &uri })?;
        for (index, prop) in entity.props.iter().enumerate() {
            if self.shape.props.get(index) == Some(&true) {
                map.serialize_entry(prop.name, self.row.get(index))?;
            }
        }
        for (nav, children) in entity.navs.iter().zip(&self.shape.navs) {
            match children {
                Children::Hidden => {}
                Children::Deferred => {
                    map.serialize_entry(nav.name, &Deferred { uri: &format!("{uri}/{}", nav.name) })?;
                }
                Children::Expanded(shape) => {
                    let rows = self.source.company.table(nav.target).children_of(&self.row.key(entity));
                    let page =
                        Page { source: self.source, shape, rows: rows.collect(), count: None, next: None };
                    map.serialize_entry(nav.name, &page)?;
                }
            }
        }
        map.end()
    }
}

struct Metadata<'a> {
    entity: &'a Entity,
    row: &'a Row,
    uri: &'a str,
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", self.uri)?;
        map.serialize_entry("uri", self.uri)?;
        map.serialize_entry("type", &format!("{}.{}", self.entity.service.name(), self.entity.type_name()))?;
        if let Some(etag) = etag(self.entity, self.row) {
            map.serialize_entry("etag", &etag)?;
        }
        map.end()
    }
}

struct Deferred<'a> {
    uri: &'a str,
}

impl Serialize for Deferred<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Uri<'a>(&'a str);
        impl Serialize for Uri<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("uri", self.0)?;
                map.end()
            }
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("__deferred", &Uri(self.uri))?;
        map.end()
    }
}

/// The address of a record: one key bare, several by name.
pub(crate) fn record_uri(origin: &str, entity: &Entity, row: &Row) -> String {
    let mut uri = format!("{origin}{ROOT}/{}/{}(", entity.service.name(), entity.name);
    for (index, (prop, part)) in entity.props.iter().zip(row.key_parts(entity)).enumerate() {
        if index > 0 {
            uri.push(',');
        }
        if entity.keys > 1 {
            uri.push_str(prop.name);
            uri.push('=');
        }
        uri.push('\'');
        percent_encode(&part.replace('\'', "''"), &mut uri);
        uri.push('\'');
    }
    uri.push(')');
    uri
}

/// The ETag of a record, as Gateway writes it: weak, the change time inside, its colons encoded.
pub(crate) fn etag(entity: &Entity, row: &Row) -> Option<String> {
    let (index, prop) = entity.prop(entity.etag?)?;
    match (prop.edm, row.get(index)) {
        (Edm::Instant, Value::Instant(ms)) => {
            let time = jiff::Timestamp::from_millisecond(*ms).ok()?;
            Some(format!("W/\"datetimeoffset'{}'\"", time.to_string().replace(':', "%3A")))
        }
        (Edm::Instant | Edm::Text(_) | Edm::Alpha(_) | Edm::Decimal(_, _) | Edm::Date, _) => None,
    }
}
