//! The records of one entity set in memory, with the two look-ups OData needs: by key and by parent.

use std::collections::HashMap;

use super::model::Entity;
use super::value::Value;

/// Joins key parts; no seeded or accepted key part can hold it.
const SEPARATOR: char = '\u{1}';

/// One record; values stand in the order of the entity's properties.
#[derive(Clone, Debug)]
pub(crate) struct Row(Vec<Value>);

impl Row {
    /// Builds a record from named values; what is not named gets its initial value.
    pub(crate) fn new(entity: &Entity, named: Vec<(&str, Value)>) -> Row {
        let mut row = Row(entity.props.iter().map(|prop| Value::initial(prop.edm)).collect());
        for (name, value) in named {
            row.set(entity, name, value);
        }
        row
    }

    pub(crate) fn get(&self, index: usize) -> &Value {
        self.0.get(index).unwrap_or(&Value::Null)
    }

    pub(crate) fn set(&mut self, entity: &Entity, name: &str, value: Value) {
        let found = entity.prop(name);
        debug_assert!(found.is_some(), "{} has no property {name}", entity.name);
        if let Some(slot) = found.and_then(|(index, _)| self.0.get_mut(index)) {
            *slot = value;
        }
    }

    /// The key parts of this record, as text.
    pub(crate) fn key_parts(&self, entity: &Entity) -> impl Iterator<Item = &str> {
        self.0.iter().take(entity.keys).map(|value| value.as_text().unwrap_or_default())
    }

    pub(crate) fn key(&self, entity: &Entity) -> String {
        join_key(self.key_parts(entity))
    }
}

/// One key out of its parts.
pub(crate) fn join_key<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            key.push(SEPARATOR);
        }
        key.push_str(part);
    }
    key
}

/// Whether a key belongs to a child of the record with the parent's key.
pub(crate) fn is_child_key(key: &str, parent: &str) -> bool {
    key.strip_prefix(parent).is_some_and(|rest| rest.starts_with(SEPARATOR))
}

/// All records of one entity set, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Table {
    entity: &'static Entity,
    rows: Vec<Row>,
    by_key: HashMap<String, usize>,
    by_parent: HashMap<String, Vec<usize>>,
}

impl Table {
    pub(crate) fn new(entity: &'static Entity) -> Table {
        Table { entity, rows: Vec::new(), by_key: HashMap::new(), by_parent: HashMap::new() }
    }

    pub(crate) fn insert(&mut self, row: Row) {
        let at = self.rows.len();
        let key = row.key(self.entity);
        if let Some((parent, _)) = key.rsplit_once(SEPARATOR) {
            self.by_parent.entry(parent.to_owned()).or_default().push(at);
        }
        let _previous = self.by_key.insert(key, at);
        self.rows.push(row);
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).and_then(|at| self.rows.get(*at))
    }

    pub(crate) fn find_mut(&mut self, key: &str) -> Option<&mut Row> {
        self.by_key.get(key).and_then(|at| self.rows.get_mut(*at))
    }

    pub(crate) fn children_of<'a>(&'a self, parent: &str) -> impl Iterator<Item = &'a Row> + use<'a> {
        self.by_parent.get(parent).into_iter().flatten().filter_map(|at| self.rows.get(*at))
    }
}
