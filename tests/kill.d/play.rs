//! Connectors that serve while something happens to a server or to a system, and what they say of themselves meanwhile.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    judge::judge,
    process::{Worker, ready},
    scene::Scene,
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a connector says of itself: that it is ready, or what it waits for.
async fn says(health: &str) -> String {
    let answer = reqwest::get(format!("{health}/health/ready")).await.unwrap();
    let status = answer.status().as_u16();
    let said: Value = answer.json().await.unwrap();
    match status {
        200 => "ready".to_owned(),
        503 => said["for"].as_str().unwrap().to_owned(),
        other => panic!("a health of {other}"),
    }
}

pub(crate) async fn until_all_say(connectors: &[String], wanted: &str) {
    let until = Instant::now() + PATIENCE;
    for health in connectors {
        let mut said = says(health).await;
        while said != wanted {
            assert!(Instant::now() < until, "{health} says {said} and not {wanted}");
            sleep(Duration::from_millis(100)).await;
            said = says(health).await;
        }
    }
}

/// Nothing else is said for as long, but for a moment: a server that took its time once says nothing of the others.
pub(crate) async fn all_say(connectors: &[String], wanted: &str, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for health in connectors {
            let mut said = says(health).await;
            if said != wanted {
                // Longer than a look is kept in mind.
                sleep(Duration::from_millis(1500)).await;
                said = says(health).await;
            }
            assert_eq!(said, wanted, "{health}");
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Connectors that serve, the conversations they are asked in, and what they say.
pub(crate) struct Play {
    pub(crate) scene: Scene,
    pub(crate) connectors: Vec<Worker>,
    pub(crate) talks: Vec<String>,
    began: Instant,
}

impl Play {
    pub(crate) async fn begin() -> Self {
        Self::of(Scene::open().await).await
    }

    pub(crate) async fn of(scene: Scene) -> Self {
        Self::with(scene, None).await
    }

    /// The second connector has this setting besides.
    pub(crate) async fn with(scene: Scene, second: Option<(&str, &str)>) -> Self {
        let began = Instant::now();
        let connectors = vec![scene.connector(None).await, scene.begin_with("connector", second)];
        ready(&connectors[1], "connector").await;
        let talks = (0..20).map(|_| Scene::conversation()).collect();
        Self { scene, connectors, talks, began }
    }

    pub(crate) fn healths(&self) -> Vec<String> {
        self.connectors.iter().map(|connector| connector.health.clone()).collect()
    }

    /// Asks for writes, one conversation after the other, until something has happened.
    pub(crate) async fn while_asking<T: Send + 'static>(
        &mut self,
        each: Duration,
        happens: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let happens = tokio::spawn(happens);
        for talk in self.talks.iter().cycle() {
            if happens.is_finished() {
                break;
            }
            let _turn = self.scene.ask(talk).await;
            sleep(each).await;
        }
        happens.await.unwrap()
    }

    /// Everything is done, once, in order, by the processes of the beginning.
    pub(crate) async fn end(mut self, what: &str) {
        self.scene.all_done().await;
        until_all_say(&self.healths(), "ready").await;
        assert!(!self.connectors.iter_mut().any(Worker::has_ended), "a connector has ended by itself");
        for connector in self.connectors {
            let took = connector.stop();
            assert!(took < Duration::from_secs(30), "a connector took {took:?} to stop");
        }
        let verdict = judge(&self.scene);
        println!("{what}: {:.1} s, {verdict:?}", self.began.elapsed().as_secs_f64());
        assert!(verdict.is_clean(), "{verdict:?}");
        let (_, parked) = self.scene.peyvand(&["outbox", "list"]);
        assert!(parked.contains("0 writes wait"), "{parked}");
        self.scene.close().await;
    }
}

/// A number that a connector counts.
pub(crate) async fn counted(health: &str, name: &str) -> u64 {
    let text = reqwest::get(format!("{health}/metrics")).await.unwrap().text().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}
