//! What every client of the cluster is told. An operator may add properties of librdkafka, but not those on which
//! Peyvand's promises hang. Knows no broker; never says a value aloud.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::KafkaConfig;
use super::anew::DEBUG;
use crate::bus::BusError;

/// How long the producer waits for more records before it sends a batch. Zero: a record that is alone goes at once,
/// and under load batches form by themselves while an earlier request is on its way.
const LINGER_MS: &str = "0";
/// How long the group waits for a silent member; also what a leaving member may wait for an absent coordinator.
pub(super) const SESSION_TIMEOUT_MS: u64 = 10_000;
/// What the cluster lets through: a record at Peyvand's limit, with its frame and the lengths of its headers.
pub(super) const MOST_MESSAGE_BYTES: &str = "1114112";
/// What a topic takes from any program. More than we read: such a record becomes a dead letter with its reason.
pub(super) const MOST_TOPIC_BYTES: &str = "4194304";

const SETTLED: &str = "a group moves past a record only when it is settled";
const ORDERED: &str = "records are kept once, in order, before a send is told to be done";
const KEYED: &str = "a conversation stays on its partition";
const GROUPED: &str = "members of a group hand their partitions over one by one";
const COMPLETE: &str = "a new group starts at the first record and reads only what is whole";
const MADE: &str = "topics are made with their number of partitions by `peyvand topics create`";
const ELSEWHERE: &str = "it has a setting of its own";
const BOUNDED: &str = "sending and leaving end in a time the workers count on";
const WATCHED: &str = "health is told by it";

/// Properties that are refused, and why.
const OURS: &[(&str, &str)] = &[
    ("acks", ORDERED),
    ("allow.auto.create.topics", MADE),
    ("auto.commit.enable", SETTLED),
    ("auto.commit.interval.ms", SETTLED),
    ("auto.offset.reset", COMPLETE),
    ("bootstrap.servers", ELSEWHERE),
    ("delivery.timeout.ms", BOUNDED),
    ("enable.auto.commit", SETTLED),
    ("enable.auto.offset.store", SETTLED),
    ("enable.idempotence", ORDERED),
    ("enable.partition.eof", COMPLETE),
    ("group.id", ELSEWHERE),
    ("group.instance.id", ELSEWHERE),
    ("group.protocol", GROUPED),
    ("group.remote.assignor", GROUPED),
    ("heartbeat.interval.ms", BOUNDED),
    ("isolation.level", COMPLETE),
    ("log.queue", WATCHED),
    ("max.in.flight", ORDERED),
    ("max.in.flight.requests.per.connection", ORDERED),
    ("max.poll.interval.ms", BOUNDED),
    ("message.max.bytes", ORDERED),
    ("message.timeout.ms", BOUNDED),
    ("metadata.broker.list", ELSEWHERE),
    ("offset.store.method", SETTLED),
    ("partition.assignment.strategy", GROUPED),
    ("partitioner", KEYED),
    ("queuing.strategy", ORDERED),
    ("request.required.acks", ORDERED),
    ("session.timeout.ms", BOUNDED),
    ("statistics.interval.ms", WATCHED),
    ("test.mock.num.brokers", ELSEWHERE),
    ("transactional.id", ORDERED),
];

/// The same for both sorts of clients; an operator's properties come on top.
const COMMON: &[(&str, &str)] = &[
    ("client.id", "peyvand"),
    ("reconnect.backoff.max.ms", "2000"),
    ("socket.keepalive.enable", "true"),
    ("statistics.interval.ms", "10000"),
];

const PRODUCER: &[(&str, &str)] = &[
    ("acks", "all"),
    // A producer would make a topic it does not find, with a number of partitions of the broker's choice.
    ("allow.auto.create.topics", "false"),
    ("enable.idempotence", "true"),
    ("linger.ms", LINGER_MS),
    ("message.max.bytes", MOST_MESSAGE_BYTES),
    ("message.timeout.ms", "30000"),
    ("partitioner", "murmur2_random"),
    // Twice what the sender lets in flight, so that a full queue is the exception.
    ("queue.buffering.max.kbytes", "131072"),
    ("queue.buffering.max.messages", "200000"),
    ("request.timeout.ms", "10000"),
    // How long a topic that is not there may still be on its way.
    ("topic.metadata.propagation.max.ms", "5000"),
    // How soon a topic that refused us is looked at again; librdkafka refuses it by itself until then.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

const CONSUMER: &[(&str, &str)] = &[
    ("allow.auto.create.topics", "false"),
    ("auto.commit.interval.ms", "1000"),
    ("auto.offset.reset", "earliest"),
    ("check.crcs", "true"),
    ("enable.auto.commit", "true"),
    ("enable.auto.offset.store", "false"),
    // The default pauses fetching for a second each time the queue was full.
    ("fetch.queue.backoff.ms", "20"),
    ("group.protocol", "classic"),
    ("heartbeat.interval.ms", "3000"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "1000"),
    // How soon a topic that is made, or made anew, is known when no answer to a fetch tells it: brokers before 3.1 fetch by a
    // topic's name alone.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

/// Refuses the properties that are Peyvand's own, and those this program was not built for.
pub(super) fn check(config: &KafkaConfig) -> Result<(), BusError> {
    let ours = OURS
        .iter()
        .filter(|(name, _)| config.properties.contains_key(*name))
        .map(|(name, why)| format!("{name} is not open to change ({why})"));
    let without_tls = !cfg!(feature = "kafka-tls");
    let too_much = config
        .properties
        .iter()
        .filter(|(name, value)| without_tls && wants_tls(name, value.expose()))
        .map(|(name, _)| {
            format!(
                "{name} wants TLS or SCRAM, and this program was built without; take the container image, or build \
                 it with --features kafka-tls"
            )
        });
    let refused: Vec<String> = ours.chain(too_much).collect();
    if refused.is_empty() { Ok(()) } else { Err(BusError::Settings(refused.join("; "))) }
}

/// What librdkafka can only do with OpenSSL.
fn wants_tls(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    match name {
        "security.protocol" => matches!(value.as_str(), "ssl" | "sasl_ssl"),
        "sasl.mechanism" | "sasl.mechanisms" => value.starts_with("scram-") || value == "oauthbearer",
        _ => name.starts_with("ssl."),
    }
}

/// The settings of the producer.
pub(super) fn producer(config: &KafkaConfig) -> ClientConfig {
    with(config, PRODUCER)
}

/// The settings of a member of a group.
pub(super) fn consumer(config: &KafkaConfig, group: &str) -> ClientConfig {
    let mut client = with(config, CONSUMER);
    client.set("group.id", group).set("session.timeout.ms", SESSION_TIMEOUT_MS.to_string());
    // Only so is everything said that has to be heard; what it is not heard for is not shown.
    let debug = client.get("debug").map_or_else(|| DEBUG.to_owned(), |own| format!("{DEBUG},{own}"));
    client.set("debug", debug).set_log_level(RDKafkaLogLevel::Debug);
    if let Some(instance) = &config.group_instance_id {
        client.set("group.instance.id", format!("{instance}-{group}"));
    }
    client
}

/// The settings of one who looks at a group's offsets without being a member.
pub(super) fn onlooker(config: &KafkaConfig, group: &str) -> ClientConfig {
    let mut client = with(config, CONSUMER);
    client.set("group.id", group).set("enable.auto.commit", "false").set("statistics.interval.ms", "0");
    client
}

/// The settings of one who makes topics.
pub(super) fn admin(config: &KafkaConfig) -> ClientConfig {
    let mut client = with(config, &[]);
    client.set("statistics.interval.ms", "0");
    client
}

fn with(config: &KafkaConfig, kind: &[(&str, &str)]) -> ClientConfig {
    let mut client = ClientConfig::new();
    for (name, value) in COMMON.iter().chain(kind) {
        client.set(*name, *value);
    }
    for (name, value) in &config.properties {
        client.set(name.clone(), value.expose().clone());
    }
    client.set("bootstrap.servers", config.brokers.clone());
    client
}

/// Why a client could not be made. librdkafka's own text repeats the value, which may be a password.
pub(super) fn refused(error: &KafkaError) -> BusError {
    BusError::Settings(match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
            format!("librdkafka knows no property {name}; look for a misspelling")
        }
        KafkaError::ClientConfig(_, _, name, _) => {
            format!("librdkafka refuses the value of {name}; look it up in its list of properties")
        }
        KafkaError::ClientCreation(reason) => format!("{reason}; correct the Kafka properties"),
        KafkaError::Nul(_) => "a property holds a zero byte".to_owned(),
        other => format!("{other}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bus::kafka::KafkaBus;

    fn config(name: &str, value: &str) -> KafkaConfig {
        KafkaConfig {
            brokers: "127.0.0.1:1".to_owned(),
            properties: BTreeMap::from([(name.to_owned(), value.to_owned().into())]),
            group_instance_id: Some("one".to_owned()),
        }
    }

    #[test]
    fn every_property_of_ours_is_refused_with_its_reason() {
        for (name, why) in OURS {
            let refused = KafkaBus::open(config(name, "x")).err().unwrap().to_string();
            assert!(refused.contains(name) && refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn an_unknown_property_and_a_bad_value_are_refused_without_saying_the_value() {
        for (name, value) in [("sasl.pasword", "s3cret"), ("security.protocol", "s3cret")] {
            let refused = KafkaBus::open(config(name, value)).err().unwrap();
            assert_eq!(refused.kind(), "settings");
            assert!(refused.to_string().contains(name) && !refused.to_string().contains("s3cret"));
        }
    }

    #[test]
    fn tls_without_the_feature_is_refused_with_the_way_out_and_taken_with_it() {
        for (name, value) in [("security.protocol", "ssl"), ("sasl.mechanism", "SCRAM-SHA-512")] {
            let opened = KafkaBus::open(config(name, value));
            if cfg!(feature = "kafka-tls") {
                assert!(opened.is_ok(), "{name}");
            } else {
                let refused = opened.err().unwrap().to_string();
                assert!(refused.contains(name) && refused.contains("--features kafka-tls"), "{refused}");
            }
        }
        assert!(KafkaBus::open(config("sasl.mechanism", "PLAIN")).is_ok());
    }

    #[test]
    fn a_configuration_prints_no_value() {
        assert!(!format!("{:?}", config("sasl.password", "s3cret")).contains("s3cret"));
    }

    #[test]
    fn both_sorts_of_clients_can_be_made_without_a_broker() {
        let bus = KafkaBus::open(config("socket.timeout.ms", "3000")).unwrap();
        assert!(bus.consumer("g", &[crate::bus::Topic::new("t")]).is_ok());
    }

    #[test]
    fn members_of_one_process_have_different_static_names() {
        let config = config("client.id", "x");
        let name = |group| consumer(&config, group).get("group.instance.id").map(ToOwned::to_owned);
        assert_eq!((name("a"), name("b")), (Some("one-a".to_owned()), Some("one-b".to_owned())));
    }
}
