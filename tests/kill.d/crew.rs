//! Every sort of worker of one installation, each of which may be killed: what they said is kept, because nothing of what persons
//! write may be in it.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    process::{Worker, ready},
    scene::{CANARIES, Scene},
};

const SORTS: [&str; 6] = ["connector", "connector", "connector", "intent-classifier", "reply", "channels"];

pub(crate) struct Crew {
    workers: Vec<(&'static str, Worker)>,
    /// Who is killed next, from the last on.
    to_die: Vec<usize>,
    logs: Vec<PathBuf>,
    metrics: String,
}

impl Crew {
    pub(crate) async fn begin(scene: &Scene) -> Self {
        let workers: Vec<_> = SORTS.iter().map(|sort| (*sort, begin(scene, sort))).collect();
        for (sort, worker) in &workers {
            ready(worker, sort).await;
        }
        Self { workers, to_die: Vec::new(), logs: Vec::new(), metrics: String::new() }
    }

    /// Kills one and starts another of its sort. Each has its turn before one has a second; the order is thrown.
    pub(crate) async fn kill_one(&mut self, scene: &Scene, mut below: impl FnMut(u64) -> u64) {
        if self.to_die.is_empty() {
            self.to_die = (0..SORTS.len()).collect();
            for last in (1..SORTS.len()).rev() {
                self.to_die.swap(last, usize::try_from(below(last as u64 + 1)).unwrap());
            }
        }
        let at = self.to_die.pop().unwrap();
        let sort = self.workers[at].0;
        // One that is still starting says nothing.
        let _said = self.measure(at).await;
        let (_, killed) = std::mem::replace(&mut self.workers[at], (sort, begin(scene, sort)));
        let log = killed.log_file();
        assert!(killed.kill(), "a {sort} had ended by itself: {}", log.display());
        self.logs.push(log);
    }

    async fn measure(&mut self, at: usize) -> Result<(), reqwest::Error> {
        let answer = reqwest::get(format!("{}/metrics", self.workers[at].1.health)).await?;
        self.metrics.push_str(&answer.text().await?);
        Ok(())
    }

    /// Kills them all; what they, and the program's view of dead letters, have said.
    pub(crate) async fn end(mut self, scene: &Scene) -> Vec<String> {
        for at in 0..self.workers.len() {
            ready(&self.workers[at].1, self.workers[at].0).await;
            self.measure(at).await.unwrap();
        }
        for (_, worker) in self.workers {
            self.logs.push(worker.log_file());
            worker.kill();
        }
        let mut said: Vec<String> = self.logs.iter().map(|log| fs::read_to_string(log).unwrap()).collect();
        assert!(
            said.iter().any(|log| log.contains("DEBUG")),
            "the logs hold nothing, so nothing is not in them"
        );
        said.push(self.metrics);
        said.extend(letters(scene));
        said
    }
}

/// One that says all it has to say, so that it is known to say nothing of persons.
fn begin(scene: &Scene, sort: &str) -> Worker {
    scene.begin_with(sort, [("RUST_LOG", "warn,peyvand=debug")])
}

/// What is shown of the dead letters.
fn letters(scene: &Scene) -> Vec<String> {
    let shown = |arguments: &[&str]| {
        let (fine, said) = scene.peyvand(arguments);
        assert!(fine, "{arguments:?}: {said}");
        said
    };
    let list = shown(&["dlq", "list", "--json"]);
    let own = list.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let own = own.filter(|letter| scene.broken.iter().any(|id| letter["event_id"] == id.to_string()));
    let places: Vec<String> = own.map(|letter| letter["at"].as_str().unwrap().to_owned()).collect();
    assert!(places.len() >= scene.broken.len(), "not every broken message is a dead letter: {list}");
    let each = places.iter().map(|place| shown(&["dlq", "show", place])).collect::<Vec<_>>();
    [vec![shown(&["dlq", "list"]), list], each].concat()
}

/// The first line that says aloud what a person wrote, or in which conversation.
pub(crate) fn told_of_persons(said: &[String]) -> Option<String> {
    let lines = said.iter().flat_map(|text| text.lines());
    let mut found = lines.filter(|line| CANARIES.iter().any(|canary| line.contains(canary)));
    found.next().map(ToOwned::to_owned)
}
