//! What a dead system costs its neighbours: cases are opened in Salesforce on a fixed schedule, first with SAP well, then with
//! SAP dropping every connection while orders for it keep coming, then with SAP answering nothing while it is asked as well.
//! A latency counts from the moment a case was due to the moment the log tells that it is done.

use std::{
    collections::HashMap,
    iter::repeat_n,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use peyvand::{
    bus::{Consumer, ConsumerEvent, Producer, Topic, kafka::KafkaBus},
    codec::{self, Registry, RegistryConfig, Schemas},
    event::{EventId, Operation, OperationStatus, OperationUpdated},
    topics,
};
use serde_json::json;

use crate::{
    deployment::{Deployment, deployment, server},
    figures::{Latencies, mib, resident_of},
    pass,
    turn::turn,
};

const EACH: Duration = Duration::from_millis(50);
const CASES: usize = 400;

/// What SAP is asked for beside each case.
#[derive(Clone, Copy)]
struct Beside {
    orders: usize,
    questions: usize,
}

const NOTHING: Beside = Beside { orders: 0, questions: 0 };
const ORDERS: Beside = Beside { orders: 1, questions: 0 };
const ORDERS_AND_QUESTIONS: Beside = Beside { orders: 1, questions: 10 };

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let deployment = deployment();
    runtime.block_on(async {
        println!("\na dead system and its neighbours: {CASES} cases in Salesforce, 20 a second, on two connectors");
        let log = Log::open().await;
        let _warm = log.cases(100, NOTHING).await;
        let memory = resident(deployment);
        let hangs = json!({"match": "/sap", "delay_ms": 60_000});
        for (what, fault, beside) in [
            ("SAP is dead, 20 orders a second as well", json!({"match": "/sap", "drop": true}), ORDERS),
            ("SAP hangs, and 200 questions a second", hangs, ORDERS_AND_QUESTIONS),
        ] {
            let well = log.cases(CASES, beside).await;
            println!("  {}", well.line("SAP is well, asked for the same"));
            deployment.fault(fault).await;
            let ill = log.cases(CASES, beside).await;
            println!("  {}", ill.line(what));
            let (p50, p99) = (ratio(&ill, &well, 0.5), ratio(&ill, &well, 0.99));
            println!(
                "  p50 {p50:.2} times, p99 {p99:.2} times; memory of the connectors {:.1} MiB before, {:.1} MiB after",
                mib(memory),
                mib(resident(deployment))
            );
            deployment.heal().await;
        }
    });
}

fn ratio(one: &Latencies, other: &Latencies, share: f64) -> f64 {
    one.at(share).as_secs_f64() / other.at(share).as_secs_f64()
}

fn resident(deployment: &Deployment) -> u64 {
    deployment.connectors.lock().unwrap().iter().map(|connector| resident_of(connector.pid())).sum()
}

/// Decisions go in, and what is done comes out.
struct Log {
    schemas: Arc<Schemas>,
    producer: Arc<dyn Producer>,
    done: Arc<Mutex<HashMap<EventId, Instant>>>,
}

impl Log {
    async fn open() -> Self {
        let bus = KafkaBus::open(pass::config()).unwrap();
        let url = server("PEYVAND_TEST_REGISTRY");
        let registry = Registry::new(&RegistryConfig { url, user: None, password: None }).unwrap();
        let schemas = Arc::new(Schemas::from_registry(registry).await.unwrap());
        let (done, producer) = (Arc::default(), bus.producer());
        let topic = Topic::new(topics::OPERATION_UPDATED);
        let mut consumer = bus.consumer(&format!("bench-{}", uuid::Uuid::new_v4()), &[topic]).unwrap();
        let ConsumerEvent::Assigned(_) = consumer.next(1).await.unwrap() else { panic!("no assignment") };
        drop(tokio::spawn(listen(consumer, Arc::clone(&schemas), Arc::clone(&done))));
        Self { schemas, producer, done }
    }

    /// Opens cases, each in its own conversation, and so is what is asked for beside each.
    async fn cases(&self, count: usize, beside: Beside) -> Latencies {
        let began = Instant::now() + Duration::from_millis(50);
        let mut due = Vec::with_capacity(count);
        for number in 0..count {
            let at = began + EACH * u32::try_from(number).unwrap();
            tokio::time::sleep_until(at.into()).await;
            let orders = repeat_n(Operation::SalesOrderCreate, beside.orders);
            let beside = orders.chain(repeat_n(Operation::StockLevel, beside.questions));
            drop(join_all(beside.map(|operation| self.decide(operation))).await);
            due.push((self.decide(Operation::CaseCreate).await, at));
        }
        let mut all = Vec::with_capacity(count);
        for (turn, at) in due {
            let until = Instant::now() + Duration::from_secs(60);
            let done = loop {
                let done = self.done.lock().unwrap().get(&turn).copied();
                match done {
                    Some(done) => break done,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
                assert!(Instant::now() < until, "a case is not done");
            };
            all.push(done.duration_since(at));
        }
        Latencies::of(all)
    }

    async fn decide(&self, operation: Operation) -> EventId {
        let envelope = turn(&format!("bench:{}", uuid::Uuid::new_v4()), operation, "3");
        let record = codec::encode(&self.schemas, Topic::new(topics::TURN_DECIDED), &envelope).unwrap();
        self.producer.send(record).await.unwrap();
        envelope.event.turn_id
    }
}

async fn listen(
    mut consumer: Box<dyn Consumer>,
    schemas: Arc<Schemas>,
    done: Arc<Mutex<HashMap<EventId, Instant>>>,
) {
    loop {
        let ConsumerEvent::Records(records) = consumer.next(1000).await.unwrap() else { continue };
        for (record, _) in records {
            let told = codec::decode::<OperationUpdated>(&schemas, &record).unwrap().event;
            if told.status == OperationStatus::Done {
                let _again = done.lock().unwrap().entry(told.turn_id).or_insert_with(Instant::now);
            }
        }
    }
}
