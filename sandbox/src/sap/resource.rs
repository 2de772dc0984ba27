//! The path of a request, read into the thing it names: a service, its metadata, a collection, a record.

use super::error::SapError;
use super::lexer::quoted;
use super::model::{Edm, Entity, Service};
use super::table::{is_child_key, join_key};
use super::value::strip_zeros;
use crate::http::{percent_decode, short};

/// Where all services of the Gateway lie.
pub(crate) const ROOT: &str = "/sap/opu/odata/sap";
const MAX_SEGMENTS: usize = 6;

/// What a path names.
#[derive(Debug)]
pub(crate) enum Resource {
    Service(Service),
    Metadata(Service),
    Collection { entity: &'static Entity, parent: Option<Parent>, count: bool },
    Record { entity: &'static Entity, key: String },
}

/// The record a collection hangs on.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) entity: &'static Entity,
    pub(crate) key: String,
}

impl Resource {
    /// Reads a path below [`ROOT`], still percent-encoded.
    pub(crate) fn parse(path: &str) -> Result<Resource, SapError> {
        let mut segments = Vec::new();
        for raw in path.trim_matches('/').split('/').take(MAX_SEGMENTS + 1) {
            segments.push(percent_decode(raw).ok_or(SapError::Uri("the percent-encoding is broken"))?);
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(SapError::Uri("the path has too many segments"));
        }
        let mut segments = segments.iter().map(String::as_str);
        let first = segments.next().unwrap_or_default();
        let name = first.split(';').next().unwrap_or_default();
        let service = Service::by_name(name).ok_or_else(|| SapError::UnknownService(short(name)))?;
        match segments.next() {
            None | Some("") => Ok(Resource::Service(service)),
            Some("$metadata") => Ok(Resource::Metadata(service)),
            Some(segment) => walk(service, segment, segments),
        }
    }
}

fn walk<'a>(
    service: Service,
    first: &str,
    rest: impl Iterator<Item = &'a str>,
) -> Result<Resource, SapError> {
    let (name, key) = split_key(first);
    let entity = service.entity(name).ok_or_else(|| SapError::UnknownSegment(short(name)))?;
    let mut resource = address(entity, None, key)?;
    for segment in rest {
        resource = match resource {
            Resource::Collection { entity, parent, count: false } if segment == "$count" => {
                Resource::Collection { entity, parent, count: true }
            }
            Resource::Record { entity, key } => {
                let (name, child_key) = split_key(segment);
                let (_, nav) = entity.nav(name).ok_or_else(|| SapError::UnknownSegment(short(name)))?;
                address(nav.target.entity(), Some(Parent { entity, key }), child_key)?
            }
            Resource::Collection { .. } | Resource::Service(_) | Resource::Metadata(_) => {
                return Err(SapError::UnknownSegment(short(segment)));
            }
        };
    }
    Ok(resource)
}

fn address(entity: &'static Entity, parent: Option<Parent>, key: Option<&str>) -> Result<Resource, SapError> {
    match key {
        None | Some("") => Ok(Resource::Collection { entity, parent, count: false }),
        Some(predicate) => {
            let key = parse_key(entity, predicate)?;
            if parent.is_some_and(|parent| !is_child_key(&key, &parent.key)) {
                return Err(SapError::NoSuchRecord(entity.name));
            }
            Ok(Resource::Record { entity, key })
        }
    }
}

/// `A_SalesOrder('1')` into its name and what stands between the parentheses.
fn split_key(segment: &str) -> (&str, Option<&str>) {
    match segment.split_once('(') {
        Some((name, rest)) if rest.ends_with(')') => (name, rest.get(..rest.len() - 1)),
        Some(_) | None => (segment, None),
    }
}

fn parse_key(entity: &'static Entity, predicate: &str) -> Result<String, SapError> {
    let wrong = |reason| SapError::Key { entity: entity.name, reason };
    let mut parts: Vec<Option<String>> = vec![None; entity.keys];
    let mut rest = predicate;
    loop {
        let (index, value) = if rest.starts_with('\'') {
            if entity.keys != 1 {
                return Err(wrong("every key property must be named"));
            }
            (0, rest)
        } else {
            let (name, value) = rest.split_once('=').ok_or_else(|| wrong("a text in quotes is expected"))?;
            let found = entity.prop(name.trim()).filter(|(index, _)| *index < entity.keys);
            (found.ok_or_else(|| wrong("it names a property that is not a key"))?.0, value)
        };
        if !value.starts_with('\'') {
            return Err(wrong("a text in quotes is expected"));
        }
        let (text, length) = quoted(value, 0).map_err(|_| wrong("a quote is not closed"))?;
        let alpha = entity.props.get(index).is_some_and(|prop| matches!(prop.edm, Edm::Alpha(_)));
        let text = if alpha { strip_zeros(&text).to_owned() } else { text };
        if let Some(part) = parts.get_mut(index)
            && part.replace(text).is_some()
        {
            return Err(wrong("a key property stands twice"));
        }
        rest = value.get(length..).unwrap_or_default();
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.is_empty() => break,
            None => return Err(wrong("a comma is expected")),
        }
    }
    let parts: Option<Vec<String>> = parts.into_iter().collect();
    let parts = parts.ok_or_else(|| wrong("a key property is missing"))?;
    Ok(join_key(parts.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::percent_encode;
    use crate::sap::literal::from_json;
    use crate::sap::model::Set;
    use crate::sap::query::RawQuery;

    #[test]
    fn a_slash_or_a_quote_inside_a_key_survives() {
        let Ok(Resource::Record { key, .. }) =
            Resource::parse("API_PRODUCT_SRV;v=0002/A_Product('a%2Fb''c')")
        else {
            panic!("no record");
        };
        assert_eq!(key, "a/b'c");
    }

    proptest! {
        #[test]
        fn no_path_makes_the_parser_panic(rest in "\\PC{0,60}") {
            let _first = Resource::parse(&rest).is_ok();
            let _second = Resource::parse(&format!("API_SALES_ORDER_SRV/A_SalesOrderItem({rest})")).is_ok();
            let _third = Resource::parse(&format!("API_SALES_ORDER_SRV/A_SalesOrder('1')/{rest}")).is_ok();
        }

        #[test]
        fn no_query_makes_the_parser_panic(
            option in prop::sample::select(vec!["$select", "$expand", "$orderby", "$top", "$skiptoken", "$filter", ""]),
            value in "\\PC{0,60}",
        ) {
            if let Ok(raw) = RawQuery::parse(&format!("{option}={value}")) {
                let _read = raw.for_entity(Set::SalesOrder.entity()).is_ok();
            }
        }

        #[test]
        fn percent_encoding_is_undone(text in "\\PC{0,40}") {
            let mut encoded = String::new();
            percent_encode(&text, &mut encoded);
            prop_assert_eq!(percent_decode(&encoded), Some(text));
        }

        #[test]
        fn no_text_in_a_body_makes_a_field_panic(text in "(/Date\\()?\\PC{0,30}(\\)/)?") {
            for prop in Set::SalesOrder.entity().props.iter().chain(Set::SalesOrderItem.entity().props) {
                let _read = from_json(&serde_json::Value::String(text.clone()), prop.edm).is_ok();
            }
        }
    }
}
