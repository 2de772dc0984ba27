//! The query options of a request, checked and bounded: what is wanted (`$filter`, `$orderby`), how much of it (`$top`,
//! `$skip`, `$skiptoken`, `$inlinecount`) and in which shape (`$select`, `$expand`, `$format`).

use super::error::SapError;
use super::filter::Filter;
use super::model::Entity;
use super::shape::Shape;
use crate::http::{percent_decode, short};

/// A page when the client names no size, and the greatest page it may name.
pub(crate) const MAX_PAGE: usize = 5_000;
const MAX_ORDER_TERMS: usize = 8;

/// The options of one request.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) filter: Option<Filter>,
    pub(crate) order: Vec<Order>,
    pub(crate) top: Option<usize>,
    pub(crate) skip: usize,
    /// How many records earlier pages already gave.
    pub(crate) given: usize,
    pub(crate) count: bool,
    pub(crate) shape: Shape,
}

/// One term of `$orderby`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) prop: usize,
    pub(crate) descending: bool,
}

/// The options as sent: decoded, each at most once.
#[derive(Debug, Default)]
pub(crate) struct RawQuery {
    pairs: Vec<(String, String)>,
}

impl RawQuery {
    /// Splits and decodes a query string. A plus sign is a space, as in a form.
    pub(crate) fn parse(query: &str) -> Result<RawQuery, SapError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| {
                percent_decode(&text.replace('+', " ")).ok_or(SapError::Uri("the percent-encoding is broken"))
            };
            let (name, value) = (decode(name)?, decode(value)?);
            if name.starts_with('$') && pairs.iter().any(|(known, _)| *known == name) {
                return Err(SapError::Uri("a system query option stands twice"));
            }
            pairs.push((name, value));
        }
        Ok(RawQuery { pairs })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every pair but one, to build the address of the next page.
    pub(crate) fn without<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs
            .iter()
            .filter(move |(known, _)| known != name)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads the options for one entity.
    pub(crate) fn for_entity(&self, entity: &'static Entity) -> Result<Query, SapError> {
        let mut query = Query {
            filter: None,
            order: Vec::new(),
            top: None,
            skip: 0,
            given: 0,
            count: false,
            shape: Shape::new(entity, self.get("$expand"), self.get("$select"))?,
        };
        for (name, value) in &self.pairs {
            match name.as_str() {
                "$filter" => query.filter = Some(Filter::parse(entity, value)?),
                "$orderby" => query.order = order(entity, value)?,
                "$top" => query.top = Some(number("$top", value)?),
                "$skip" => query.skip = number("$skip", value)?,
                "$skiptoken" => query.given = number("$skiptoken", value)?,
                "$inlinecount" => query.count = inline_count(value)?,
                "$expand" | "$select" | "$format" => {}
                unknown if unknown.starts_with('$') => return Err(SapError::UnknownOption(short(unknown))),
                _custom => {}
            }
        }
        Ok(query)
    }
}

fn number(option: &'static str, value: &str) -> Result<usize, SapError> {
    let digits = value.len() <= 9 && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten().ok_or_else(|| SapError::Option {
        option,
        reason: "a number of at most nine digits is expected".into(),
    })
}

fn inline_count(value: &str) -> Result<bool, SapError> {
    match value {
        "allpages" => Ok(true),
        "none" => Ok(false),
        _ => Err(SapError::Option {
            option: "$inlinecount",
            reason: "'allpages' or 'none' is expected".into(),
        }),
    }
}

fn order(entity: &'static Entity, value: &str) -> Result<Vec<Order>, SapError> {
    let wrong = |reason: String| SapError::Option { option: "$orderby", reason };
    let mut terms = Vec::new();
    for term in value.split(',') {
        if terms.len() == MAX_ORDER_TERMS {
            return Err(wrong(format!("more than {MAX_ORDER_TERMS} terms")));
        }
        let mut words = term.split_whitespace();
        let name = words.next().unwrap_or_default();
        let (prop, _) = entity
            .prop(name)
            .ok_or_else(|| SapError::UnknownProperty { property: short(name), entity: entity.name })?;
        let descending = match (words.next(), words.next()) {
            (None | Some("asc"), None) => false,
            (Some("desc"), None) => true,
            _ => return Err(wrong("'asc' or 'desc' is expected".into())),
        };
        terms.push(Order { prop, descending });
    }
    Ok(terms)
}
