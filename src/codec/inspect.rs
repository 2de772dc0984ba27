//! Looks at a schema that somebody else wrote before anything is read with it: decoding a recursive one can exhaust the
//! stack, a huge one the memory, and one whose values take no bytes never ends. Pure.

use std::collections::HashMap;

use apache_avro::{
    Schema,
    schema::{DecimalSchema, FixedSchema, InnerDecimalSchema, Name, UuidSchema},
};

use super::PAYLOAD_BYTES_MAX;

const TEXT_BYTES_MAX: usize = 256 << 10;
const NODES_MAX: usize = 2000;
const DEPTH_MAX: usize = 32;
const NAMESPACE: &str = "ir.peyvand.event";

/// Why a schema is not read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no Avro schema.
    Unreadable,
    /// It is too long, too deep or has too many types.
    TooLarge,
    /// A type contains itself.
    Recursive,
    /// A value takes no bytes, so that a short payload can hold any number of them.
    Weightless,
    /// It is not one of Peyvand's events.
    NotOurs,
    /// It is one of Peyvand's events, in a form that this version cannot read.
    Incompatible,
}

impl Flaw {
    /// A bounded label for logs and dead letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::Recursive => "recursive",
            Self::Weightless => "weightless",
            Self::NotOurs => "not_ours",
            Self::Incompatible => "incompatible",
        }
    }
}

/// Parses a schema and looks at its shape.
pub(super) fn parse(text: &str) -> Result<Schema, Flaw> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Flaw::TooLarge);
    }
    let schema = Schema::parse_str(text).map_err(|_| Flaw::Unreadable)?;
    let mut walk = Walk::default();
    let _shape = walk.through(&schema)?;
    Ok(schema)
}

/// The name of the event a schema describes, when it is in Peyvand's namespace.
pub(super) fn event_of(schema: &Schema) -> Option<&str> {
    match schema {
        Schema::Record(record) if record.name.namespace() == Some(NAMESPACE) => Some(record.name.name()),
        _ => None,
    }
}

/// What reading one value of a type comes to.
#[derive(Clone, Copy)]
struct Shape {
    /// Types in types, however they are written down: a name stands for all that it names.
    depth: usize,
    takes_bytes: bool,
}

#[derive(Default)]
struct Walk<'a> {
    inside: Vec<&'a Name>,
    known: HashMap<&'a Name, Shape>,
    nodes: usize,
}

impl<'a> Walk<'a> {
    fn through(&mut self, schema: &'a Schema) -> Result<Shape, Flaw> {
        self.nodes += 1;
        let shape = match schema {
            Schema::Record(record) => {
                self.inside.push(&record.name);
                let mut depth = 0;
                for field in &record.fields {
                    depth = depth.max(self.weighty(&field.schema)?);
                }
                let _left = self.inside.pop();
                Shape { depth: depth + 1, takes_bytes: !record.fields.is_empty() }
            }
            Schema::Ref { name } if self.inside.contains(&name) => return Err(Flaw::Recursive),
            Schema::Ref { name } => *self.known.get(name).ok_or(Flaw::Unreadable)?,
            Schema::Array(array) => Shape { depth: self.weighty(&array.items)? + 1, takes_bytes: true },
            Schema::Map(map) => Shape { depth: self.weighty(&map.types)? + 1, takes_bytes: true },
            Schema::Union(union) => {
                let mut depth = 0;
                for variant in union.variants() {
                    // Which branch it is takes a byte, so that the branch itself need not.
                    depth = depth.max(self.through(variant)?.depth);
                }
                Shape { depth: depth + 1, takes_bytes: true }
            }
            Schema::Null => Shape { depth: 1, takes_bytes: false },
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed))
            | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) => {
                of_fixed(fixed)?
            }
            // Every other type has no types inside it, and a value of it has a length or is one byte at least.
            _ => Shape { depth: 1, takes_bytes: true },
        };
        if self.nodes > NODES_MAX || shape.depth > DEPTH_MAX {
            return Err(Flaw::TooLarge);
        }
        if let Some(name) = schema.name() {
            self.known.insert(name, shape);
        }
        Ok(shape)
    }

    /// A field, an item or a value of a map: with each taking a byte, no payload takes longer than its length to read.
    fn weighty(&mut self, schema: &'a Schema) -> Result<usize, Flaw> {
        let shape = self.through(schema)?;
        if shape.takes_bytes { Ok(shape.depth) } else { Err(Flaw::Weightless) }
    }
}

/// The reader makes room for one before it looks for its bytes.
fn of_fixed(fixed: &FixedSchema) -> Result<Shape, Flaw> {
    if fixed.size > PAYLOAD_BYTES_MAX {
        return Err(Flaw::TooLarge);
    }
    Ok(Shape { depth: 1, takes_bytes: fixed.size > 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_contains_itself_is_refused_also_through_another() {
        let direct = r#"{"type":"record","name":"A","fields":[{"name":"a","type":["null","A"]}]}"#;
        let through = r#"{"type":"record","name":"A","fields":[{"name":"b","type":
            {"type":"record","name":"B","fields":[{"name":"list","type":{"type":"array","items":"A"}}]}}]}"#;
        assert_eq!(parse(direct).err(), Some(Flaw::Recursive));
        assert_eq!(parse(through).err(), Some(Flaw::Recursive));
    }

    #[test]
    fn a_type_used_twice_is_no_recursion() {
        let twice = r#"{"type":"record","name":"A","fields":[
            {"name":"a","type":{"type":"enum","name":"E","symbols":["x"]}},{"name":"b","type":"E"}]}"#;
        assert!(parse(twice).is_ok());
    }

    fn with(fields: &str) -> Option<Flaw> {
        parse(&format!(r#"{{"type":"record","name":"A","fields":[{fields}]}}"#)).err()
    }

    #[test]
    fn values_that_take_no_bytes_are_refused_but_as_the_branch_of_a_union() {
        let empty = r#"{"type":"record","name":"E","fields":[]}"#;
        let nothing = r#"{"type":"fixed","name":"F","size":0}"#;
        for weightless in [r#""null""#, empty, nothing] {
            let field = |kind: &str| format!(r#"{{"name":"a","type":{kind}}}"#);
            assert_eq!(with(&field(weightless)), Some(Flaw::Weightless));
            let of = |around: &str| field(&format!(r#"{{"type":"{around}:{weightless}}}"#));
            assert_eq!(with(&of(r#"array","items""#)), Some(Flaw::Weightless));
            assert_eq!(with(&of(r#"map","values""#)), Some(Flaw::Weightless));
            assert_eq!(with(&field(&format!(r#"[{weightless},"string"]"#))), None);
        }
        let by_name = format!(r#"{{"name":"a","type":["string",{empty}]}},{{"name":"b","type":"E"}}"#);
        assert_eq!(with(&by_name), Some(Flaw::Weightless));
    }

    #[test]
    fn depth_is_counted_through_names() {
        let chain = |types: usize| -> String {
            let link = |n: usize| {
                let under = if n == 0 { "string".to_owned() } else { format!("T{}", n - 1) };
                format!(
                    r#"{{"name":"t{n}","type":{{"type":"record","name":"T{n}","fields":[{{"name":"x","type":"{under}"}}]}}}}"#
                )
            };
            (0..types).map(link).collect::<Vec<_>>().join(",")
        };
        assert_eq!(with(&chain(DEPTH_MAX - 2)), None);
        assert_eq!(with(&chain(DEPTH_MAX)), Some(Flaw::TooLarge));
    }

    #[test]
    fn room_is_not_made_for_more_than_a_payload() {
        let fixed = |size: u64| {
            with(&format!(r#"{{"name":"a","type":{{"type":"fixed","name":"F","size":{size}}}}}"#))
        };
        assert_eq!(fixed(64), None);
        assert_eq!(fixed(1 << 46), Some(Flaw::TooLarge));
    }

    #[test]
    fn a_schema_beyond_all_measure_is_refused_before_it_is_parsed() {
        assert_eq!(parse(&" ".repeat(TEXT_BYTES_MAX + 1)).err(), Some(Flaw::TooLarge));
    }
}
