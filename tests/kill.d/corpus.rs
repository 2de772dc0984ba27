//! Payloads that want to be read wrongly, each with the class of the dead letter it has to become. Avro is written by hand
//! here: what is tested has no part in it.

use uuid::Uuid;

/// A piece of an event as Avro writes it.
#[derive(Clone)]
enum Part {
    Text(Vec<u8>),
    Enum(i64),
    Union(i64),
    Block(i64),
    Raw(Vec<u8>),
}

/// What is published, and the class it has to be refused with.
pub(crate) struct Hostile {
    pub(crate) what: String,
    pub(crate) class: &'static str,
    pub(crate) key: String,
    pub(crate) value: Option<Vec<u8>>,
}

/// One of the events whose readers are attacked.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    Message,
    Decided,
    Updated,
    Reply,
}

/// Zigzag, then seven bits a byte.
pub(crate) fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn text(text: &str) -> Part {
    Part::Text(text.as_bytes().to_vec())
}

fn new_key() -> String {
    format!("hostile:{}", Uuid::new_v4())
}

impl Event {
    /// The fields of a valid one, in the order of its schema.
    fn parts(self, key: &str) -> Vec<Part> {
        let (id, slot) = (Uuid::new_v4().to_string(), |name, value| {
            [Part::Enum(name), text(value), text(value), Part::Union(0), Part::Union(0)]
        });
        match self {
            Self::Message => {
                let texts = ["demo", key, "web", &id, "where is order 45001?"].map(text);
                texts.into_iter().chain([Part::Union(1), Part::Enum(1)]).collect()
            }
            Self::Decided => {
                let mut parts: Vec<Part> = ["demo", key, &id, "test"].map(text).into();
                parts.extend([Part::Enum(1), Part::Enum(1), Part::Union(0)]);
                parts.extend([
                    Part::Raw(1_f64.to_le_bytes().to_vec()),
                    text("test"),
                    Part::Union(1),
                    Part::Enum(3),
                ]);
                parts.push(Part::Block(3));
                parts.extend([slot(1, "CEM-042"), slot(4, "3"), slot(5, "1000000018")].into_iter().flatten());
                parts.extend([Part::Block(0), Part::Union(0), Part::Union(0)]);
                // No doubt, and no choices.
                parts.extend([Part::Union(0), Part::Block(0)]);
                // Nothing to resume, the first page, a customer, no ranks, built in, the first normal form, no parts, a time.
                parts.extend([
                    Part::Union(0),
                    Part::Raw(long(0)),
                    Part::Enum(2),
                    Part::Block(0),
                    Part::Enum(0),
                ]);
                parts.extend([Part::Raw(long(1)), Part::Block(0), Part::Raw(long(1))]);
                parts
            }
            Self::Updated => {
                let mut parts: Vec<Part> = ["demo", key, &id, "test"].map(text).into();
                // An order's status, in English, that was not found.
                parts.extend([Part::Enum(1), Part::Enum(0), text("sap"), Part::Enum(1)]);
                parts.extend([Part::Union(0), Part::Union(0), Part::Block(0), Part::Block(0)]);
                parts.extend([Part::Union(0), Part::Union(0), Part::Union(0), Part::Raw(long(0))]);
                parts.extend([Part::Enum(0), Part::Block(0), Part::Raw(long(1))]);
                parts
            }
            Self::Reply => {
                let mut parts: Vec<Part> = ["demo", key, &id, "test"].map(text).into();
                parts.extend([Part::Enum(1), text("hello"), Part::Block(1), text("yes"), text("yes")]);
                parts.extend([Part::Block(0), Part::Block(0)]);
                parts
            }
        }
    }

    /// A valid payload.
    pub(crate) fn valid(self, schema: u32, key: &str) -> Vec<u8> {
        payload(schema, &self.parts(key))
    }
}

fn payload(schema: u32, parts: &[Part]) -> Vec<u8> {
    let mut bytes = [&[0][..], &schema.to_be_bytes()].concat();
    for part in parts {
        match part {
            Part::Text(text) => bytes.extend(long(text.len() as i64).iter().chain(text)),
            Part::Enum(value) | Part::Union(value) | Part::Block(value) => bytes.extend(long(*value)),
            Part::Raw(raw) => bytes.extend(raw),
        }
    }
    bytes
}

/// Everything that is wrong with an event written with its own schema; `others` are ids of the other events.
pub(crate) fn of(event: Event, schema: u32, others: &[u32]) -> Vec<Hostile> {
    let mut all = Vec::new();
    let mut add = |what: String, class, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>| {
        let key = new_key();
        let value = change(event.valid(schema, &key));
        all.push(Hostile { what, class, key, value });
    };
    for length in 0..event.valid(schema, &new_key()).len() {
        let class = if length < 5 { "empty" } else { "malformed" };
        add(format!("cut at byte {length}"), class, &|mut valid| {
            valid.truncate(length);
            Some(valid)
        });
    }
    add("no value".to_owned(), "empty", &|_| None);
    add("one byte behind".to_owned(), "trailing_bytes", &|valid| Some([&valid[..], &[0]].concat()));
    add("twice".to_owned(), "trailing_bytes", &|valid| Some([&valid[..], &valid[5..]].concat()));
    add("wrong magic".to_owned(), "not_avro", &|mut valid| {
        valid[0] = 1;
        Some(valid)
    });
    for other in others {
        add(format!("schema {other}"), "wrong_event", &|valid| Some(with_id(valid, *other)));
    }
    for unknown in [0, 0x7fff_ffff, u32::MAX] {
        add(format!("schema {unknown}"), "unknown_schema", &|valid| Some(with_id(valid, unknown)));
    }
    all.extend(in_its_parts(event, schema));
    all
}

fn with_id(mut valid: Vec<u8>, id: u32) -> Vec<u8> {
    valid[1..5].copy_from_slice(&id.to_be_bytes());
    valid
}

/// Each field of a valid event with every wrong thing in its place.
fn in_its_parts(event: Event, schema: u32) -> Vec<Hostile> {
    let mut all = Vec::new();
    for at in 0..event.parts("").len() {
        for (what, bad) in bad(&event.parts("")[at]) {
            let key = new_key();
            let mut parts = event.parts(&key);
            parts[at] = Part::Raw(bad);
            let what = format!("field {at}: {what}");
            all.push(Hostile { what, class: "malformed", key, value: Some(payload(schema, &parts)) });
        }
    }
    all
}

fn bad(part: &Part) -> Vec<(&'static str, Vec<u8>)> {
    const GIB: i64 = 1 << 30;
    let mut endless = vec![0x80; 10];
    endless.push(0);
    let mut bad = vec![
        ("a number of eleven bytes", endless),
        ("a number above 64 bits", [&[0xff; 9][..], &[0x7f]].concat()),
    ];
    let mut add = |what, bytes| bad.push((what, bytes));
    match part {
        Part::Text(_) => {
            add("a length of 1 GiB", long(GIB));
            add("the longest length", long(i64::MAX));
            add("a length below zero", long(-1));
            add("the lowest length", long(i64::MIN));
            add("a text that is not UTF-8", [&long(2)[..], &[0xff, 0xfe]].concat());
        }
        Part::Enum(_) => {
            add("no symbol of the enum", long(99));
            add("a symbol below zero", long(-1));
            add("the last number", long(i64::MAX));
        }
        Part::Union(_) => {
            add("no branch of the union", long(2));
            add("a branch below zero", long(-1));
            add("the lowest number", long(i64::MIN));
        }
        Part::Block(_) => {
            add("a block of 1 Gi items", long(GIB));
            add("the longest block", long(i64::MAX));
            add("1 Gi items in 1 GiB", [long(-GIB), long(GIB)].concat());
            add("the lowest count", [long(i64::MIN), long(i64::MAX)].concat());
            // Each is an order number of two empty texts.
            add("as many empty items as fit", [long(GIB << 10), vec![0; 900_000]].concat());
        }
        Part::Raw(_) => return Vec::new(),
    }
    bad
}

/// The shipped schema of a decision with more fields behind its own, which its readers may pass over.
pub(crate) fn schema_with(fields: &str) -> String {
    let shipped = include_str!("../../schemas/turn_decided.avsc").trim_end();
    let fields_end = shipped.rfind(']').unwrap();
    format!("{},{fields}]}}", &shipped[..fields_end])
}

/// More fields, and what stands in them to be read without an end, without a bottom or as something else.
pub(crate) fn bombs() -> Vec<(&'static str, String, Vec<u8>)> {
    let link = r#"{"name":"more","type":["null",{"type":"record","name":"Link","fields":
        [{"name":"next","type":["null","Link"]}]}],"default":null}"#;
    let nulls = r#"{"name":"nothing","type":{"type":"array","items":"null"},"default":[]}"#;
    let empties =
        r#"{"name":"nothing","type":{"type":"array","items":{"type":"record","name":"Empty","fields":[]}}}"#;
    let room = r#"{"name":"room","type":{"type":"fixed","name":"Room","size":1000000000}}"#;
    let chain: Vec<String> = (0..CHAIN)
        .map(|n| record(n, &[&if n == 0 { r#""string""#.to_owned() } else { format!(r#""T{}""#, n - 1) }]))
        .collect();
    let doubled: Vec<String> = (0..50)
        .map(|n| {
            let under = if n == 0 { r#""null""#.to_owned() } else { format!(r#""T{}""#, n - 1) };
            record(n, &[&under, &under])
        })
        .collect();
    vec![
        ("a type that contains itself", link.to_owned(), vec![2; 200_000]),
        ("a list of any number of nothings", nulls.to_owned(), [long(1 << 50), vec![0]].concat()),
        ("a list of any number of empty records", empties.to_owned(), [long(1 << 50), vec![0]].concat()),
        ("room for a gigabyte", room.to_owned(), vec![0; 9]),
        ("types in types in types, by name", chain.join(","), vec![0; CHAIN]),
        ("types that double and hold nothing", doubled.join(","), Vec::new()),
    ]
}

/// A field of a record type whose own fields are of these types.
fn record(number: usize, types: &[&str]) -> String {
    let fields = types.iter().enumerate().map(|(at, kind)| format!(r#"{{"name":"f{at}","type":{kind}}}"#));
    let fields: Vec<String> = fields.collect();
    format!(
        r#"{{"name":"t{number}","type":{{"type":"record","name":"T{number}","fields":[{}]}}}}"#,
        fields.join(",")
    )
}

/// Under the number of types that a schema may have.
const CHAIN: usize = 900;
