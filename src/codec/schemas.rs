//! The released schemas and their ids where there is no registry. An id never changes its meaning: a new version gets
//! a new line.

use std::sync::LazyLock;

use apache_avro::Schema;

/// A schema that somebody may have written with.
pub(super) struct Known {
    pub(super) id: u32,
    pub(super) event: &'static str,
    pub(super) schema: Schema,
}

/// Id, event and text, the newest version of an event last.
const RELEASED: &[(u32, &str, &str)] = &[
    (1001, "MessageReceived", include_str!("../../schemas/released/message_received.1.avsc")),
    (2001, "TurnDecided", include_str!("../../schemas/released/turn_decided.1.avsc")),
    (3001, "OperationUpdated", include_str!("../../schemas/released/operation_updated.1.avsc")),
    (4001, "ReplyReady", include_str!("../../schemas/released/reply_ready.1.avsc")),
    (5001, "DeliveryUpdated", include_str!("../../schemas/released/delivery_updated.1.avsc")),
];

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let parse = |&(id, event, text): &(u32, &'static str, &str)| {
        Schema::parse_str(text).ok().map(|schema| Known { id, event, schema })
    };
    RELEASED.iter().filter_map(parse).collect()
});

/// The schema an id stands for.
pub(super) fn by_id(id: u32) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == id)
}

/// The newest schema of an event.
pub(super) fn current(event: &str) -> Option<&'static Known> {
    KNOWN.iter().rev().find(|known| known.event == event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_released_schema_parses() {
        assert_eq!(KNOWN.len(), RELEASED.len());
    }
}
