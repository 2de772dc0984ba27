//! A program that is not ours publishes to the topics: a valid message is answered, rubbish becomes a dead letter with
//! its reason, and the next message is served.

use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value as Avro, writer::datum::GenericDatumWriter,
};
use serde_json::Value;

use crate::{
    deployment::{Deployment, conversation, deployment, server},
    kcat,
};

const RECEIVED: &str = "chat.message.received";
/// A nonce of 12 and a tag of 16 bytes (NIST SP 800-38D).
const SEAL_BYTES: usize = 28;
const DEAD: &str = "chat.message.received.intent-classifier.dlq";

/// A schema as the registry has it, and its id.
async fn registered(subject: &str) -> (u32, Schema) {
    let url = format!("{}/subjects/{subject}/versions/latest", server("PEYVAND_TEST_REGISTRY"));
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let schema = Schema::parse_str(answer["schema"].as_str().unwrap()).unwrap();
    (u32::try_from(answer["id"].as_u64().unwrap()).unwrap(), schema)
}

/// A message in Confluent's wire format, made with the registry's schema alone.
pub(crate) async fn message(conversation: &str, text: &str) -> Vec<u8> {
    message_of("portal", &uuid::Uuid::new_v4().to_string(), conversation, text).await
}

async fn message_of(channel: &str, id: &str, conversation: &str, text: &str) -> Vec<u8> {
    let (schema_id, schema) = registered("chat.message.received-value").await;
    let field = |name: &str, value: &str| (name.to_owned(), Avro::String(value.to_owned()));
    let record = Avro::Record(vec![
        field("tenant", "demo"),
        field("conversation_id", conversation),
        field("channel", channel),
        field("channel_message_id", id),
        field("text", text),
        ("language".to_owned(), Avro::Union(0, Box::new(Avro::Null))),
    ]);
    let datum = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(record).unwrap();
    [&[0][..], &schema_id.to_be_bytes(), &datum].concat()
}

async fn reply_to(conversation: &str) -> String {
    let (_, schema) = registered("chat.reply.ready-value").await;
    let key = conversation.to_owned();
    let shown = tokio::task::spawn_blocking(move || kcat::find("chat.reply.ready", |shown| shown.key == key));
    let value = shown.await.unwrap().value;
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let Avro::Record(fields) = reader.read_value(&mut &value[5..]).unwrap() else { panic!("no record") };
    let text = fields.into_iter().find(|(name, _)| name == "text").unwrap().1;
    let Avro::String(text) = text else { panic!("the text is no text") };
    text
}

#[tokio::test]
async fn another_program_publishes_a_message_and_reads_its_answer() {
    let (_running, talk): (&Deployment, String) = (deployment(), conversation());
    kcat::publish(RECEIVED, &talk, &message(&talk, "سفارش ۴۵۰۰۱ کجاست؟").await);
    let answer = reply_to(&talk).await;
    assert!(answer.contains("۴۵۰۰۱"), "{answer}");
}

#[tokio::test]
async fn each_kind_of_rubbish_is_a_dead_letter_with_its_reason_and_the_next_message_is_served() {
    let _running = deployment();
    let good = message("x", "hello").await;
    let (reply_id, _) = registered("chat.reply.ready-value").await;
    let other_event = [&[0][..], &reply_id.to_be_bytes(), &good[5..]].concat();
    let invalid_utf8 = {
        let mut bytes = message("k-utf8", "abc").await;
        let at = bytes.windows(3).position(|part| part == b"abc").unwrap();
        bytes[at] = 0xFF;
        bytes
    };
    let rubbish: Vec<(&str, Vec<u8>)> = vec![
        ("not_avro", b"{\"text\":\"hello\"}".to_vec()),
        ("unknown_schema", [&[0, 0x7F, 1, 2, 3][..], &good[5..]].concat()),
        ("malformed", good[..good.len() - 3].to_vec()),
        ("trailing_bytes", [&good[..], b"!"].concat()),
        ("too_large", vec![0; 2 << 20]),
        ("empty", Vec::new()),
        ("wrong_key", good.clone()),
        ("wrong_event", other_event),
        ("malformed", invalid_utf8),
        ("malformed", message_of(&"p".repeat(65), "m", "k", "hello").await),
        ("malformed", message_of("portal", &"m".repeat(513), "k", "hello").await),
        ("malformed", message_of("portal", "m\n1", "k", "hello").await),
    ];
    for (reason, bytes) in rubbish {
        // The key marks the record: a rubbish payload says nothing of its own.
        let mark = conversation();
        kcat::publish(RECEIVED, &mark, &bytes);
        let mark_of = mark.clone();
        let letter = tokio::task::spawn_blocking(move || kcat::find(DEAD, |shown| shown.key == mark_of));
        let letter = letter.await.unwrap();
        let wanted = format!("x-error-class={reason}");
        assert!(letter.headers.contains(&wanted), "{reason}: {}", letter.headers);
        if reason == "too_large" {
            assert!(letter.value.is_empty() && letter.headers.contains("x-payload-mode=pointer"));
        } else {
            // That they are those very bytes, a redrive shows (letters.rs).
            let kept = format!("x-payload-bytes={}", bytes.len());
            assert!(letter.headers.contains(&kept), "{reason}: {}", letter.headers);
            let sealed = bytes.is_empty() || letter.value.len() == bytes.len() + SEAL_BYTES;
            assert!(sealed, "{reason}: {} bytes", letter.value.len());
        }
    }
    let talk = conversation();
    kcat::publish(RECEIVED, &talk, &message(&talk, "hello").await);
    assert!(!reply_to(&talk).await.is_empty());
}
