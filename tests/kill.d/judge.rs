//! The verdict, from the outside: what was asked for against what the sandbox wrote to its disk and what the log tells.

use std::collections::HashMap;

use peyvand::event::{EventId, OperationStatus};

use crate::scene::{Heard, Scene};

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

/// What is known from outside.
struct Evidence<'a> {
    /// The key of each write that was asked for, by turn.
    asked: &'a HashMap<EventId, String>,
    /// The turns whose writes have an order among themselves, in that order.
    order: Vec<&'a [EventId]>,
    /// What the log tells of each turn.
    heard: &'a HashMap<EventId, Heard>,
    /// What stands in the systems, in the order it was written: number and key.
    journal: Vec<(String, String)>,
}

pub(crate) fn judge(scene: &Scene) -> Verdict {
    let heard = scene.heard.lock().unwrap();
    let evidence = Evidence {
        asked: &scene.asked,
        order: scene.order.values().map(Vec::as_slice).collect(),
        heard: &heard,
        journal: scene.journal(),
    };
    weigh(evidence, |key| scene.was_asked_before(key))
}

fn weigh(evidence: Evidence<'_>, was_asked_before: impl Fn(&str) -> bool) -> Verdict {
    let mut written: HashMap<String, Vec<(usize, String)>> = HashMap::new();
    for (place, (order, reference)) in evidence.journal.into_iter().enumerate() {
        written.entry(reference).or_default().push((place, order));
    }
    let mut verdict = Verdict { messages: evidence.asked.len(), ..Verdict::default() };
    for turns in evidence.order {
        let (mut last, mut last_told) = (None, [None; 2]);
        for turn in turns {
            let stands = written.remove(&evidence.asked[turn]).unwrap_or_default();
            let steps = evidence.heard.get(turn).map(|heard| heard.steps.as_slice()).unwrap_or_default();
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
    verdict.doubled += written.keys().filter(|reference| !was_asked_before(reference)).count();
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

/// What a judge has to see, in logs and journals that are made up.
mod seen {
    use std::time::{Duration, Instant};

    use super::*;

    /// Two writes of one conversation for one system, `a` before `b`: where they stand, and who is told what, in order.
    fn verdict(journal: &[(&str, &str)], told: &[(&str, OperationStatus, &str)]) -> Verdict {
        let turns = ["a", "b"].map(|turn| EventId::of_message("test", "demo", turn));
        let turn_of = |name: &str| turns[usize::from(name == "b")];
        let asked = HashMap::from([(turns[0], "key-a".to_owned()), (turns[1], "key-b".to_owned())]);
        let (mut heard, start): (HashMap<EventId, Heard>, _) = (HashMap::new(), Instant::now());
        for (at, (turn, status, number)) in (0_u32..).zip(told) {
            // The same words are the same event, however often they come.
            let id = EventId::of_message("test", turn, &format!("{status:?}{number}"));
            let number = (!number.is_empty()).then(|| (*number).to_owned());
            let step = (id, *status, number, start + at * Duration::from_millis(1));
            heard.entry(turn_of(turn)).or_default().steps.push(step);
        }
        let journal = journal.iter().map(|(number, key)| ((*number).to_owned(), (*key).to_owned())).collect();
        let evidence = Evidence { asked: &asked, order: vec![&turns], heard: &heard, journal };
        weigh(evidence, |key| key == "asked before")
    }

    use OperationStatus::{Accepted, Done};

    const STANDS: &[(&str, &str)] = &[("1", "key-a"), ("2", "key-b")];
    const TOLD: &[(&str, OperationStatus, &str)] =
        &[("a", Accepted, ""), ("b", Accepted, ""), ("a", Done, "1"), ("b", Done, "2")];

    fn counts(verdict: &Verdict) -> [usize; 4] {
        [verdict.lost, verdict.doubled, verdict.reordered, verdict.duplicates_delivered]
    }

    #[test]
    fn a_judge_finds_nothing_where_all_stands_and_is_told_in_order() {
        let verdict = verdict(STANDS, TOLD);
        assert!(verdict.is_clean() && verdict.messages == 2, "{verdict:?}");
        assert_eq!(counts(&super::seen::verdict(&[STANDS, &[("9", "asked before")]].concat(), TOLD)), [0; 4]);
    }

    #[test]
    fn a_judge_sees_what_is_lost_doubled_or_made_up() {
        for (journal, told, wanted) in [
            (&STANDS[..1], TOLD.to_vec(), [1, 0, 0, 0]),
            (STANDS, TOLD[..3].to_vec(), [1, 0, 0, 0]),
            (&[STANDS, &[("3", "key-b")]].concat(), TOLD.to_vec(), [0, 1, 0, 0]),
            (&[STANDS, &[("3", "nobody's")]].concat(), TOLD.to_vec(), [0, 1, 0, 0]),
            (STANDS, [&TOLD[..3], &[("b", Done, "7")]].concat(), [0, 1, 0, 0]),
            (STANDS, [TOLD, &TOLD[3..]].concat(), [0, 0, 0, 1]),
        ] {
            assert_eq!(counts(&verdict(journal, &told)), wanted, "{journal:?} {told:?}");
        }
    }

    #[test]
    fn a_judge_sees_what_stands_or_is_told_out_of_order() {
        let [accepted_a, accepted_b, done_a, done_b] = [TOLD[0], TOLD[1], TOLD[2], TOLD[3]];
        let journal = [("1", "key-b"), ("2", "key-a")];
        let told = [accepted_a, accepted_b, ("b", Done, "1"), ("a", Done, "2")];
        assert_eq!(verdict(&journal, &told).reordered, 2, "written and told the other way round");
        assert_eq!(verdict(STANDS, &[accepted_a, accepted_b, done_b, done_a]).reordered, 1, "done");
        assert_eq!(verdict(STANDS, &[accepted_b, accepted_a, done_a, done_b]).reordered, 1, "accepted");
        assert_eq!(verdict(STANDS, &[done_a, accepted_a, accepted_b, done_b]).reordered, 1, "done first");
        assert_eq!(verdict(STANDS, &[accepted_a, done_a, done_b]).reordered, 1, "never accepted");
    }
}
