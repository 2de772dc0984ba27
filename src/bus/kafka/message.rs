//! A message of librdkafka's as a record of ours: copied, so that nothing of the library's memory is held. It may not decide what
//! becomes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Headers as _, Message, Timestamp};

use crate::bus::{Headers, Offset, Record, TimestampType, TopicPartition};

/// A message as our own.
pub(super) fn record_of(place: TopicPartition, message: &BorrowedMessage<'_>) -> Record {
    Record {
        place,
        offset: Offset(message.offset()),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        timestamp_type: match message.timestamp() {
            Timestamp::NotAvailable => TimestampType::NotAvailable,
            Timestamp::CreateTime(_) => TimestampType::CreateTime,
            Timestamp::LogAppendTime(_) => TimestampType::LogAppendTime,
        },
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers(message),
    }
}

/// Names that are not UTF-8 make the library panic. Such headers are nobody's whom Peyvand knows: the record comes
/// without them and is judged by its value.
fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let Some(native) = message.headers() else { return Headers::default() };
    let copied = catch_unwind(AssertUnwindSafe(|| {
        let pair = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.unwrap_or_default().to_vec());
        native.iter().map(|header| pair(header.key, header.value)).collect()
    }));
    Headers(copied.unwrap_or_default())
}
