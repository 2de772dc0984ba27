//! Looks at a schema that somebody else wrote before anything is read with it: decoding a recursive one can exhaust the
//! stack, and a huge one the memory. Pure.

use apache_avro::{Schema, schema::Name};

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
    walk(&schema, &mut Vec::new(), &mut 0)?;
    Ok(schema)
}

/// The name of the event a schema describes, when it is in Peyvand's namespace.
pub(super) fn event_of(schema: &Schema) -> Option<&str> {
    match schema {
        Schema::Record(record) if record.name.namespace() == Some(NAMESPACE) => Some(record.name.name()),
        _ => None,
    }
}

fn walk<'a>(schema: &'a Schema, inside: &mut Vec<&'a Name>, nodes: &mut usize) -> Result<(), Flaw> {
    *nodes += 1;
    if *nodes > NODES_MAX || inside.len() > DEPTH_MAX {
        return Err(Flaw::TooLarge);
    }
    match schema {
        Schema::Record(record) => {
            inside.push(&record.name);
            record.fields.iter().try_for_each(|field| walk(&field.schema, inside, nodes))?;
            inside.pop();
            Ok(())
        }
        Schema::Ref { name } if inside.contains(&name) => Err(Flaw::Recursive),
        Schema::Array(array) => walk(&array.items, inside, nodes),
        Schema::Map(map) => walk(&map.types, inside, nodes),
        Schema::Union(union) => union.variants().iter().try_for_each(|one| walk(one, inside, nodes)),
        // Every other type has no types inside it.
        _ => Ok(()),
    }
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

    #[test]
    fn a_schema_beyond_all_measure_is_refused_before_it_is_parsed() {
        assert_eq!(parse(&" ".repeat(TEXT_BYTES_MAX + 1)).err(), Some(Flaw::TooLarge));
    }
}
