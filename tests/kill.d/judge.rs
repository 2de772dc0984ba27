//! The verdict, from the outside: what was asked for against what the sandbox wrote to its disk and what the log tells.

use std::collections::HashMap;

use peyvand::event::{EventId, OperationStatus};

use crate::scene::Scene;

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) messages: usize,
    /// Writes that stand nowhere, or are never told to be done.
    pub(crate) lost: usize,
    /// Writes that stand more than once, or are told to be done under another number.
    pub(crate) doubled: usize,
    /// Writes that stand, or are told to be accepted or done, before an earlier one of their conversation in the same system.
    pub(crate) reordered: usize,
    /// Events that came to the log more than once; their readers know them by their id.
    pub(crate) duplicates_delivered: usize,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        (self.lost, self.doubled, self.reordered) == (0, 0, 0)
    }
}

pub(crate) fn judge(scene: &Scene) -> Verdict {
    let mut written: HashMap<String, Vec<(usize, String)>> = HashMap::new();
    for (place, (order, reference)) in scene.journal().into_iter().enumerate() {
        written.entry(reference).or_default().push((place, order));
    }
    let heard = scene.heard.lock().unwrap();
    let mut verdict = Verdict { messages: scene.asked.len(), ..Verdict::default() };
    for turns in scene.order.values() {
        let (mut last, mut last_told) = (None, [None; 2]);
        for turn in turns {
            let stands = written.remove(&scene.asked[turn]).unwrap_or_default();
            let steps = heard.get(turn).map(|heard| heard.steps.as_slice()).unwrap_or_default();
            let mut done: Vec<&str> = steps
                .iter()
                .filter(|(_, status, _, _)| *status == OperationStatus::Done)
                .filter_map(|(_, _, reference, _)| reference.as_deref())
                .collect();
            done.dedup();
            verdict.lost += usize::from(stands.is_empty() || done.is_empty());
            let other_number = stands.first().is_some_and(|(_, order)| done.iter().any(|told| told != order));
            verdict.doubled += usize::from(stands.len() > 1 || other_number);
            let place = stands.first().map(|(place, _)| *place);
            verdict.reordered += usize::from(place.is_some() && place < last);
            last = place.or(last);
            verdict.reordered += usize::from(!is_in_order(steps));
            for (last_told, status) in
                last_told.iter_mut().zip([OperationStatus::Accepted, OperationStatus::Done])
            {
                // One reader heard all of a conversation, so in the log's order.
                let told = steps.iter().find(|(_, told, ..)| *told == status).map(|(.., heard)| *heard);
                verdict.reordered += usize::from(told.is_some() && told < *last_told);
                *last_told = told.or(*last_told);
            }
            let mut ids: Vec<EventId> = steps.iter().map(|(id, ..)| *id).collect();
            ids.sort_unstable();
            let all = ids.len();
            ids.dedup();
            verdict.duplicates_delivered += all - ids.len();
        }
    }
    // What stands under a key that nobody asked for was made up.
    verdict.doubled += written.keys().filter(|reference| !scene.was_asked_before(reference)).count();
    verdict
}

/// Accepted is told before done, when both are told for the first time.
fn is_in_order(steps: &[(EventId, OperationStatus, Option<String>, std::time::Instant)]) -> bool {
    let first = |wanted| steps.iter().position(|(_, status, _, _)| *status == wanted);
    match (first(OperationStatus::Accepted), first(OperationStatus::Done)) {
        (Some(accepted), Some(done)) => accepted < done,
        (None, Some(_)) => false,
        (_, None) => true,
    }
}
