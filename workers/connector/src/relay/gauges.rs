//! How a target is, as its figures. Labels are names of targets and words of ours.

use peyvand::store::{Depth, Verdict};

use crate::breaker::State;

pub(super) fn breaker(target: &str, state: State) {
    let open = match state {
        State::Closed => 0.0,
        State::Probing => 0.5,
        State::Open(_) => 1.0,
    };
    metrics::gauge!("peyvand_breaker_open", "target" => target.to_owned()).set(open);
}

pub(super) fn depth(target: &str, depth: &Depth) {
    let gauge = |name: &'static str, value: u64| {
        // A count of rows is far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        metrics::gauge!(name, "target" => target.to_owned()).set(value as f64);
    };
    gauge("peyvand_outbox_waiting", depth.waiting);
    gauge("peyvand_outbox_in_doubt", depth.in_doubt);
    gauge("peyvand_outbox_parked", depth.parked);
    gauge("peyvand_outbox_oldest_seconds", depth.oldest.as_secs());
}

pub(super) fn verdict(target: &str, verdict: &Verdict) {
    let what = match verdict {
        Verdict::Done { .. } => "done",
        Verdict::Refused { .. } => "refused",
        Verdict::Again { .. } => "again",
        Verdict::Doubt { .. } => "doubt",
        Verdict::Parked { class, .. } => {
            tracing::warn!(target, class, "a write waits for a person's decision");
            "parked"
        }
    };
    metrics::counter!("peyvand_writes_total", "target" => target.to_owned(), "verdict" => what).increment(1);
}
