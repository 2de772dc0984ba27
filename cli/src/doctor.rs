//! `peyvand doctor`: looks at everything a start would need, says what is wrong and how to mend it, and changes nothing.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use peyvand::{
    assistant::Assistant,
    bus::kafka::KafkaBus,
    codec::{self, Registry},
    config::Config,
    language::dates::UtcOffset,
    process,
    store::PostgresStore,
    topics,
};
use peyvand_connector::{Client, configure};
use peyvand_intent_classifier::{IntentClassifier, Lexicon};
use peyvand_reply::render::Renderer;
use tokio::time::timeout;

use crate::cluster;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: process::ConfigArguments,
    /// Looks at this assistant folder alone; no settings and no servers are needed for it.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// Where `peyvand up` keeps conversations; looked at when there are no settings for Kafka.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

/// What was found, printed as it is found.
#[derive(Default)]
struct Findings {
    wrong: usize,
}

impl Findings {
    #[allow(clippy::print_stdout, reason = "the findings are the output")]
    fn note<E: std::fmt::Display>(&mut self, what: &str, found: Result<String, E>) {
        match found {
            Ok(state) => println!("ok     {what:<14} {state}"),
            Err(problem) => {
                self.wrong += 1;
                let text = problem.to_string();
                let mut lines = text.lines();
                println!("WRONG  {what:<14} {}", lines.next().unwrap_or_default());
                for line in lines {
                    println!("       {:<14} {}", "", line.trim_start());
                }
            }
        }
    }

    #[allow(clippy::print_stdout, reason = "the findings are the output")]
    fn warn(&self, what: &str, advice: &str) {
        println!("note   {what:<14} {advice}");
    }
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    if let Some(folder) = arguments.assistant {
        assistant(&mut findings, Some(folder));
    } else {
        match Config::load_if_given(arguments.settings.config) {
            Ok(None) => {
                findings.warn("settings", "none for Kafka, so this looks at what `peyvand up` needs");
                assistant(&mut findings, None);
                findings.note("data directory", data_directory(&arguments.data));
            }
            Ok(Some(config)) => {
                findings.note::<String>("settings", Ok(format!("tenant {}", config.tenant)));
                let key = config.letters_keys.newest().as_str();
                findings.note::<String>("letters key", Ok(format!("{key} seals dead letters")));
                let assistant = assistant(&mut findings, config.assistant.clone());
                kafka(&mut findings, &config).await;
                registry(&mut findings, &config).await;
                findings.note("database", within(database(&config)).await);
                if let Some(assistant) = assistant {
                    targets(&mut findings, &config, &assistant).await;
                }
            }
            Err(error) => {
                findings.note("settings", Err(error));
                assistant(&mut findings, None);
            }
        }
    }
    anyhow::ensure!(findings.wrong == 0, "{} things are wrong", findings.wrong);
    Ok(())
}

/// A server that says nothing is a finding, not a reason to wait.
async fn within(look: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    timeout(PATIENCE, look).await.unwrap_or_else(|_| {
        Err(format!("no answer within {} seconds; check that it runs and its address", PATIENCE.as_secs()))
    })
}

fn assistant(findings: &mut Findings, folder: Option<PathBuf>) -> Option<Assistant> {
    let loaded = folder.as_deref().map_or_else(Assistant::shipped, Assistant::load);
    let assistant = match loaded {
        Ok(assistant) => assistant,
        Err(error) => {
            findings.note("assistant", Err(error));
            return None;
        }
    };
    for warning in &assistant.warnings {
        findings.warn("assistant", &warning.to_string());
    }
    findings.note("replies", Renderer::new(&assistant.replies).map(|_| "fa and en".to_owned()));
    let learned = Lexicon::new(&[])
        .map_err(|error| error.to_string())
        .and_then(|lexicon| {
            IntentClassifier::new(assistant.clone().into(), lexicon, UtcOffset::IRAN)
                .map_err(|error| error.to_string())
        })
        .map(|_| format!("{} intents, {} examples", assistant.intents.len(), assistant.examples().len()));
    findings.note("assistant", learned);
    Some(assistant)
}

/// Whether `up` could write there. The directory itself is made by `up`, so it may be missing, but not its place.
fn data_directory(data: &Path) -> Result<String, String> {
    let place = data.ancestors().find(|place| place.as_os_str().is_empty() || place.exists());
    let place = place.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let probe = place.join(format!(".peyvand-doctor-{}", uuid::Uuid::new_v4()));
    let wrong = |error: std::io::Error| {
        format!(
            "{} cannot be written ({}); check who owns it and the disk's free space",
            place.display(),
            error.kind()
        )
    };
    std::fs::write(&probe, b"peyvand").map_err(wrong)?;
    std::fs::remove_file(&probe).map_err(wrong)?;
    Ok(format!("{} can be written", data.display()))
}

async fn kafka(findings: &mut Findings, config: &Config) {
    let look = async {
        let bus = KafkaBus::open(config.kafka.clone()).map_err(|error| error.to_string())?;
        bus.ping(PATIENCE).await.map_err(|error| error.to_string())?;
        bus.check_topics(&topics::all()).await.map_err(|error| error.to_string())?;
        Ok(format!("{} topics", topics::all().len()))
    };
    findings.note("kafka", within(look).await);
}

async fn registry(findings: &mut Findings, config: &Config) {
    let registry = match Registry::new(&config.registry) {
        Ok(registry) => registry,
        Err(error) => return findings.note("registry", Err(error)),
    };
    for schema in codec::newest() {
        let look = async {
            match cluster::schema_state(&registry, schema).await {
                Ok((true, state)) => Ok(format!("{} {state}", schema.event)),
                Ok((false, state)) => Err(format!("{}: {state}", schema.event)),
                Err(error) => Err(error.to_string()),
            }
        };
        findings.note("registry", within(look).await);
    }
}

async fn database(config: &Config) -> Result<String, String> {
    let (url, password) = (&config.database.url, config.database.password.as_ref());
    let store = PostgresStore::connect(url, password).await.map_err(|error| error.to_string())?;
    store.ping().await.map_err(|error| error.to_string())?;
    store.close().await;
    Ok("tables of this version".to_owned())
}

async fn targets(findings: &mut Findings, config: &Config, assistant: &Assistant) {
    for target in &assistant.targets {
        let url = config.target_urls.get(&target.name).map(String::as_str);
        let look = async {
            let config = configure(target, url, |secret| config.secrets.get(secret).cloned())?;
            let client = Client::new(target.system, config).map_err(|error| error.to_string())?;
            client.ping().await.map_err(|error| error.to_string())?;
            Ok("answers".to_owned())
        };
        findings.note(&format!("target {}", target.name), within(look).await);
    }
}
