//! What the stand-in saw, as evidence for tests: the newest requests with the answer each got. It keeps no headers and no bodies.

use std::collections::VecDeque;

use serde::Serialize;

const MAX_REQUESTS: usize = 1_000;

/// One request to one of the systems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenRequest {
    /// Its place among all requests, from 1.
    pub number: u64,
    /// The HTTP method.
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The status answered; none when the connection was closed instead.
    pub status: Option<u16>,
    /// Whether a fault struck it.
    pub fault: bool,
}

/// The newest requests.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    seen: VecDeque<SeenRequest>,
    total: u64,
}

impl Ledger {
    /// Notes a request; its number is given here.
    pub(crate) fn note(&mut self, request: SeenRequest) {
        self.total += 1;
        if self.seen.len() == MAX_REQUESTS {
            let _oldest = self.seen.pop_front();
        }
        self.seen.push_back(SeenRequest { number: self.total, ..request });
    }

    pub(crate) fn clear(&mut self) {
        self.seen.clear();
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn list(&self) -> Vec<SeenRequest> {
        self.seen.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_keeps_the_newest_thousand_and_counts_all() {
        let mut ledger = Ledger::default();
        for _ in 0..1_005 {
            ledger.note(SeenRequest {
                number: 0,
                method: "GET".into(),
                path: "/".into(),
                query: String::new(),
                status: Some(200),
                fault: false,
            });
        }
        assert_eq!(ledger.total(), 1_005);
        assert_eq!(ledger.list().first().map(|seen| seen.number), Some(6));
        assert_eq!(ledger.list().len(), 1_000);
    }
}
