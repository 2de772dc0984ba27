//! Settings of a process on the cluster backing: a YAML file and `PEYVAND_*` variables, the variables winning. Everything
//! is read and checked at once, so that one start names every mistake. The only place that looks at the environment; it
//! may not open a connection.

mod settings;
mod understanding;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use thiserror::Error;

use crate::{
    bus::kafka::KafkaConfig,
    codec::RegistryConfig,
    event::TenantId,
    language::dates::UtcOffset,
    privacy::Sensitive,
    seal::SealKeys,
    store::{ParkedRoom, ParkedSize},
};
use settings::Settings;
pub use understanding::{BackendConfig, UnderstandingConfig};

/// Where the database is.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// Its address, such as `postgres://peyvand@db:5432/peyvand`; it may hold the password.
    pub url: Sensitive<String>,
    /// The password, where it does not stand in the address.
    pub password: Option<Sensitive<String>>,
}

/// Everything a process on the cluster backing needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose assistant this is.
    pub tenant: TenantId,
    /// The assistant folder; without it, the one that is part of the program.
    pub assistant: Option<PathBuf>,
    /// The brokers.
    pub kafka: KafkaConfig,
    /// The schema registry.
    pub registry: RegistryConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// A file that `peyvand train` wrote; without it, the intent-classifier learns the examples at each start.
    pub model: Option<PathBuf>,
    /// How messages are understood.
    pub understanding: UnderstandingConfig,
    /// Where the chat page and its interface are served.
    pub channels_listen: SocketAddr,
    /// How far the clocks of those who write are ahead of UTC: it says which day theirs is.
    pub utc_offset: UtcOffset,
    /// Where health and metrics are served; without it, only the channels worker serves them, beside its page.
    pub health_listen: Option<SocketAddr>,
    /// What dead letters are sealed with.
    pub letters_keys: Arc<SealKeys>,
    /// Whether a worker stops instead of making dead letters of everything.
    pub letters_guard: bool,
    /// How much may wait in the database before their lanes wait.
    pub parked: ParkedRoom,
    /// Addresses of targets that replace those of the assistant folder, by the target's name.
    pub target_urls: BTreeMap<String, String>,
    /// Passwords of targets, by the name the assistant folder gives them.
    pub secrets: BTreeMap<String, Sensitive<String>>,
}

/// One mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting or the variable or file that is wrong.
    pub place: String,
    /// What is wrong and what to do. Never a value.
    pub problem: String,
}

/// All mistakes in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the settings have mistakes:\n{}", lines(.0))]
pub struct ConfigError(pub Vec<Mistake>);

impl ConfigError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        "wrong_settings"
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    let line = |mistake: &Mistake| format!("  {}: {}", mistake.place, mistake.problem);
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What `letters.key` has to be.
const KEYS: &str = "32 random bytes in Base64, as `head -c 32 /dev/urandom | base64` makes them: dead letters are sealed \
                    with it (older keys may stand behind it)";
/// The name of the variable that says where the settings file is.
const FILE_VARIABLE: &str = "PEYVAND_CONFIG";

impl Config {
    /// Reads the settings of this process: a file (an argument or `PEYVAND_CONFIG`; neither is needed) and the
    /// environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake found.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        Self::check(Self::settings(file))
    }

    /// The same, or nothing where there is neither a file nor a single setting: the machine of somebody who only uses
    /// the embedded backing.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake found.
    pub fn load_if_given(file: Option<PathBuf>) -> Result<Option<Self>, ConfigError> {
        let settings = Self::settings(file);
        if settings.is_empty() { Ok(None) } else { Self::check(settings).map(Some) }
    }

    fn settings(file: Option<PathBuf>) -> Settings {
        #[allow(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        let variables: BTreeMap<String, String> =
            variables.filter(|(name, _)| name.starts_with("PEYVAND_")).collect();
        let file = file.or_else(|| variables.get(FILE_VARIABLE).map(PathBuf::from));
        Settings::read(file.as_deref(), variables)
    }

    fn check(mut settings: Settings) -> Result<Self, ConfigError> {
        let tenant =
            settings.parsed("tenant", "an id of 1 to 128 characters A-Z a-z 0-9 . _ : @ -", |text| {
                TenantId::parse(text).ok()
            });
        let assistant = settings.optional("assistant").map(PathBuf::from);
        let model = settings.optional("model").map(PathBuf::from);
        let understanding = understanding::understanding(&mut settings);
        let brokers = settings.needed("kafka.brokers", "host:port, several by commas");
        let group_instance_id = settings.optional("kafka.group_instance_id");
        let properties = settings.under("kafka.properties.");
        let properties = properties.into_iter().map(|(name, value)| (name, value.into())).collect();
        let url = settings.parsed("registry.url", "its Confluent-compatible http(s) address", http_address);
        let (user, password) = (settings.optional("registry.user"), settings.optional("registry.password"));
        let database_url =
            settings.parsed("database.url", "an address like postgres://user@host/database", |text| {
                let fits = text.starts_with("postgres://") || text.starts_with("postgresql://");
                fits.then(|| text.to_owned())
            });
        let database_password = settings.optional("database.password").map(Sensitive::new);
        let channels_listen =
            settings.or("channels.listen", "127.0.0.1:8080", "an address like 0.0.0.0:8080");
        let utc_offset = settings.or("utc_offset", "+03:30", "hours and minutes like +03:30");
        let health_listen = settings.maybe("health.listen", "an address like 0.0.0.0:9100");
        let letters_keys = settings.parsed("letters.key", KEYS, |text| SealKeys::parse(text).map(Arc::new));
        let letters_guard = settings.switch("worker.letters_guard", true);
        let parked = parked(&mut settings);
        let target_urls = settings.under("targets.");
        let target_urls = target_urls
            .into_iter()
            .filter_map(|(name, url)| match name.strip_suffix(".base_url") {
                Some(target) => Some((target.to_owned(), url)),
                None => {
                    settings.unknown(&format!("targets.{name}"));
                    None
                }
            })
            .collect();
        let secrets =
            settings.under("secrets.").into_iter().map(|(name, value)| (name, value.into())).collect();
        let mistakes = settings.finish();
        match (tenant, brokers, url, database_url, letters_keys, channels_listen, utc_offset) {
            (
                Some(tenant),
                Some(brokers),
                Some(url),
                Some(database_url),
                Some(letters_keys),
                Some(channels_listen),
                Some(utc_offset),
            ) if mistakes.is_empty() => Ok(Self {
                tenant,
                assistant,
                model,
                understanding,
                kafka: KafkaConfig { brokers, properties, group_instance_id },
                registry: RegistryConfig { url, user, password: password.map(Sensitive::new) },
                database: DatabaseConfig { url: database_url.into(), password: database_password },
                channels_listen,
                utc_offset,
                health_listen,
                letters_keys,
                letters_guard,
                parked,
                target_urls,
                secrets,
            }),
            _ => Err(ConfigError(mistakes)),
        }
    }
}

fn parked(settings: &mut Settings) -> ParkedRoom {
    let ParkedRoom { all, one } = ParkedRoom::default();
    ParkedRoom {
        all: ParkedSize {
            records: settings.positive("parked.records_max", all.records),
            bytes: settings.positive("parked.bytes_max", all.bytes),
        },
        one: ParkedSize {
            records: settings.positive("parked.conversation_records_max", one.records),
            bytes: settings.positive("parked.conversation_bytes_max", one.bytes),
        },
    }
}

fn http_address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
    (!rest.is_empty() && !rest.contains('@')).then(|| text.to_owned())
}

/// The place at which a test wants this process to end.
#[cfg(feature = "failpoints")]
#[allow(clippy::disallowed_methods, reason = "settings come in here")]
pub(crate) fn failpoint() -> Option<String> {
    std::env::var("PEYVAND_TEST_FAILPOINT").ok()
}

/// The conversation at which a test wants handlers to panic.
#[cfg(feature = "failpoints")]
#[allow(clippy::disallowed_methods, reason = "settings come in here")]
pub(crate) fn panicking_conversation() -> Option<String> {
    std::env::var("PEYVAND_TEST_PANIC").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], file: Option<&str>) -> Result<Config, ConfigError> {
        let path = file.map(|text| {
            let path = std::env::temp_dir().join(format!("peyvand-config-{}.yaml", uuid::Uuid::new_v4()));
            std::fs::write(&path, text).unwrap();
            path
        });
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let checked = Config::check(Settings::read(path.as_deref(), variables));
        if let Some(path) = path {
            std::fs::remove_file(path).unwrap();
        }
        checked
    }

    const ENOUGH: &[(&str, &str)] = &[
        ("PEYVAND_TENANT", "acme"),
        ("PEYVAND_KAFKA_BROKERS", "k1:9092"),
        ("PEYVAND_REGISTRY_URL", "http://r/apis/ccompat/v7"),
        ("PEYVAND_DATABASE_URL", "postgres://u:geheim@db/p"),
        ("PEYVAND_LETTERS_KEY", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="),
    ];

    fn places(error: &ConfigError) -> Vec<&str> {
        error.0.iter().map(|mistake| mistake.place.as_str()).collect()
    }

    #[test]
    fn every_missing_and_every_unknown_setting_is_named_at_once() {
        let error = check(&[("PEYVAND_KAFKA_BROKRES", "x")], None).unwrap_err();
        let wanted = [
            "PEYVAND_KAFKA_BROKRES",
            "database.url",
            "kafka.brokers",
            "letters.key",
            "registry.url",
            "tenant",
        ];
        assert_eq!(places(&error), wanted, "{error}");
    }

    #[test]
    fn a_variable_wins_over_the_file_and_both_are_read() {
        let file = "tenant: acme\nkafka:\n  brokers: file:9092\n  properties:\n    security.protocol: SSL\n";
        let config = check(&ENOUGH[1..], Some(file)).unwrap();
        assert_eq!((config.tenant.as_str(), config.kafka.brokers.as_str()), ("acme", "k1:9092"));
        assert_eq!(config.kafka.properties["security.protocol"].expose(), "SSL");
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own_and_is_never_printed() {
        let secret = std::env::temp_dir().join(format!("peyvand-secret-{}", uuid::Uuid::new_v4()));
        std::fs::write(&secret, "0123 geheim\n").unwrap();
        let with_file = ("PEYVAND_SECRETS_SAP_PASSWORD_FILE", secret.to_str().unwrap());
        let config = check(&[ENOUGH, &[with_file]].concat(), None).unwrap();
        std::fs::remove_file(&secret).unwrap();
        assert_eq!(config.secrets["SAP_PASSWORD"].expose(), "0123 geheim");
        assert!(!format!("{config:?}").contains("geheim"));
    }

    #[test]
    fn a_mistake_never_shows_the_value() {
        let wrong = [("PEYVAND_DATABASE_URL", "geheim"), ("PEYVAND_CHANNELS_LISTEN", "geheim")];
        let error = check(&wrong, Some("registry:\n  url: ftp://geheim\nhealth: [1]\n")).unwrap_err();
        assert!(!error.to_string().contains("geheim"), "{error}");
        assert!(places(&error).contains(&"health"), "{error}");
    }

    #[test]
    fn librdkafka_properties_come_from_variables_too() {
        let property = [("PEYVAND_KAFKA_PROPERTIES_SASL_USERNAME", "me")];
        let config = check(&[ENOUGH, &property].concat(), None).unwrap();
        assert_eq!(config.kafka.properties["sasl.username"].expose(), "me");
    }

    #[test]
    fn the_guard_over_letters_is_on_until_it_is_put_off_in_either_way_of_writing() {
        assert!(check(ENOUGH, None).unwrap().letters_guard);
        for file in ["worker:\n  letters_guard: off\n", "worker:\n  letters_guard: false\n"] {
            assert!(!check(ENOUGH, Some(file)).unwrap().letters_guard, "{file}");
        }
        let variable = |value| [ENOUGH, &[("PEYVAND_WORKER_LETTERS_GUARD", value)]].concat();
        assert!(!check(&variable("off"), None).unwrap().letters_guard);
        let error = check(&variable("maybe"), None).unwrap_err();
        assert_eq!(places(&error), ["PEYVAND_WORKER_LETTERS_GUARD"]);
    }

    #[test]
    fn how_much_may_wait_is_set_for_all_and_for_one_conversation_and_is_never_nothing() {
        assert_eq!(check(ENOUGH, None).unwrap().parked, ParkedRoom::default());
        let file = "parked:\n  records_max: 7\n  conversation_bytes_max: 5000000000\n";
        let parked = check(ENOUGH, Some(file)).unwrap().parked;
        assert_eq!((parked.all.records, parked.one.bytes), (7, 5_000_000_000));
        assert_eq!(parked.one.records, ParkedRoom::default().one.records);
        let none = [("PEYVAND_PARKED_BYTES_MAX", "0"), ("PEYVAND_PARKED_CONVERSATION_RECORDS_MAX", "many")];
        let error = check(&[ENOUGH, &none].concat(), None).unwrap_err();
        assert_eq!(places(&error), ["PEYVAND_PARKED_BYTES_MAX", "PEYVAND_PARKED_CONVERSATION_RECORDS_MAX"]);
    }

    #[test]
    fn the_servers_behind_the_classifier_are_off_until_they_are_set_and_then_whole() {
        let none = check(ENOUGH, None).unwrap().understanding;
        assert!(none.embeddings.is_none() && none.chat.is_none());
        let file = "model: m.model\nunderstanding:\n  below: \"0.8\"\n  embeddings:\n    url: http://e5\n    model: e5\n";
        let key = [("PEYVAND_UNDERSTANDING_EMBEDDINGS_KEY", "geheim")];
        let config = check(&[ENOUGH, &key].concat(), Some(file)).unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
        let set = config.understanding.embeddings.unwrap();
        assert_eq!((set.url.as_str(), set.model.as_str()), ("http://e5", "e5"));
        assert_eq!(set.key.unwrap().expose(), "geheim");
        assert!((config.understanding.below - 0.8).abs() < 1e-6);
        assert_eq!(config.model, Some(PathBuf::from("m.model")));
        let half = [("PEYVAND_UNDERSTANDING_CHAT_KEY", "geheim"), ("PEYVAND_UNDERSTANDING_BELOW", "70")];
        let error = check(&[ENOUGH, &half].concat(), None).unwrap_err();
        let wanted = ["PEYVAND_UNDERSTANDING_BELOW", "understanding.chat.model", "understanding.chat.url"];
        assert_eq!(places(&error), wanted);
    }

    #[test]
    fn a_target_gets_another_address_and_nothing_else() {
        let urls = [("PEYVAND_TARGETS_SAP_BASE_URL", "https://s4"), ("PEYVAND_TARGETS_SAP_USER", "x")];
        let error = check(&[ENOUGH, &urls].concat(), None).unwrap_err();
        assert_eq!(places(&error), ["PEYVAND_TARGETS_SAP_USER"]);
        let config = check(&[ENOUGH, &urls[..1]].concat(), None).unwrap();
        assert_eq!(config.target_urls["sap"], "https://s4");
    }
}
