//! One letter for a person to look at: its headers, and what its payload is without anything a person wrote.

use anyhow::Context;
use peyvand::{
    bus::Record,
    codec::{CodecError, Learned, Registry, RegistryConfig, Schemas, masked},
    seal::SealKeys,
    worker::{payload_of, redrive_id, redriven},
};

use super::{decided::place, header};

/// Headers that say something about a letter and nothing about a person.
const SHOWN: &[&str] = &[
    "x-error-class",
    "x-error-code",
    "x-error-msg",
    "x-attempts",
    "x-first-failure-ms",
    "x-last-failure-ms",
    "x-orig-topic",
    "x-orig-partition",
    "x-orig-offset",
    "x-orig-timestamp",
    "x-orig-timestamp-type",
    "x-orig-key-sha256",
    "x-group",
    "x-worker",
    "x-worker-version",
    "x-schema-id",
    "x-payload-mode",
    "x-payload-key-id",
    "x-payload-bytes",
    "x-payload-sha256",
    "x-event-id",
    "x-trace-parent",
    "x-redrive-count",
    "x-redrive-id",
];

#[allow(clippy::print_stdout, reason = "the letter is the output")]
pub(super) async fn show(letter: &Record, keys: &SealKeys, registry: &RegistryConfig) {
    println!("{:<20} {}", "at", place(letter));
    for name in SHOWN {
        if let Some(value) = header(letter, name) {
            println!("{:<20} {value}", name.trim_start_matches("x-"));
        }
    }
    let again = match redriven(letter, keys) {
        Ok(record) => format!("to {}, as {}", record.topic, redrive_id(letter)),
        Err(refusal) => format!("no: {refusal}"),
    };
    println!("{:<20} {again}", "redrive");
    match event_in(letter, keys, registry).await {
        Ok((name, json)) => println!("{name:<20} {json}"),
        Err(reason) => println!("{:<20} not shown: {reason:#}", "payload"),
    }
}

/// The event's name, and the event masked.
async fn event_in(
    letter: &Record,
    keys: &SealKeys,
    registry: &RegistryConfig,
) -> anyhow::Result<(&'static str, String)> {
    let payload = payload_of(letter, keys)?.context("the record had none")?;
    let schemas = Schemas::from_registry(Registry::new(registry)?).await?;
    let (name, json) = match masked(&schemas, &payload) {
        Err(CodecError::UnknownSchema(id)) if schemas.learn(id).await? == Learned::Known => {
            masked(&schemas, &payload)?
        }
        other => other?,
    };
    Ok((name, serde_json::to_string_pretty(&json)?))
}
