//! `peyvand test`: golden conversations through the real topics. Each is held, compared with what its file expects, and held
//! again on a fresh log, where the decisions have to be the same bytes.

mod conversation;
mod expect;
mod scene;
mod talk;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use anyhow::Context;
use peyvand::{
    config::Config,
    event::{ConversationId, TenantId},
    process::{self, Health},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use conversation::Conversation;
use scene::Scene;
use talk::{Speaker, Went};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The assistant folder; without it, the one that is part of the program.
    #[arg(long, value_name = "FOLDER")]
    assistant: Option<PathBuf>,
    /// The folder of the conversations, one YAML file each.
    #[arg(long, value_name = "FOLDER", default_value = "assistant/tests/conversations")]
    conversations: PathBuf,
    /// Only conversations with this in their names.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Where the logs of the test are made; they are removed afterwards.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Talks to the workers that run on Kafka, a schema registry and PostgreSQL. What a conversation says yes to is then
    /// written in the systems that those workers know.
    #[arg(long)]
    cluster: bool,
    #[command(flatten)]
    settings: process::ConfigArguments,
    /// Does not hold the conversations a second time.
    #[arg(long)]
    no_replay: bool,
}

#[allow(clippy::print_stdout, reason = "what was found is the output")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let conversations = conversation::load(&arguments.conversations, arguments.filter.as_deref())?;
    let stop = CancellationToken::new();
    drop(tokio::spawn(process::stop_on_signal(stop.clone(), Arc::new(Health::starting()))));
    let config = arguments.cluster.then(|| Config::load(arguments.settings.config.clone())).transpose()?;
    let (speaker, assistant) = match &config {
        // On a log that others use too, every run has conversations of its own.
        Some(config) => {
            let run = Uuid::new_v4().simple().to_string();
            (Speaker { tenant: config.tenant.clone(), run }, config.assistant.as_deref())
        }
        None => (Speaker { tenant: TenantId::parse("demo")?, run: "golden".to_owned() }, None),
    };
    let assistant = arguments.assistant.as_deref().or(assistant);
    let ids: Vec<ConversationId> =
        conversations.iter().map(|one| speaker.id(one)).collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    let scene = match &config {
        Some(config) => Scene::cluster(config, &ids).await?,
        None => Scene::embedded(&arguments.data, assistant, &ids).await?,
    };
    let mut held = pass(scene, &speaker, &conversations, &stop, "held").await?;
    if !arguments.no_replay {
        let scene = Scene::embedded(&arguments.data, assistant, &ids).await?;
        let again = pass(scene, &speaker, &conversations, &stop, "replayed").await?;
        for (first, second) in held.iter_mut().zip(&again) {
            first.failure = first.failure.take().or_else(|| differs(first, second));
        }
    }
    let mut failed = 0;
    for (conversation, went) in conversations.iter().zip(&held) {
        match &went.failure {
            None => println!("ok      {:<32} {}", conversation.name, conversation.title),
            Some(problem) => {
                failed += 1;
                println!("FAILED  {:<32} {problem}", conversation.name);
            }
        }
    }
    let decisions: usize = held.iter().map(|went| went.decided.len()).sum();
    let replayed = if arguments.no_replay { "" } else { ", replayed" };
    println!(
        "{} conversations with {decisions} decisions{replayed} in {:.1} s: {} ok, {failed} failed",
        held.len(),
        began.elapsed().as_secs_f64(),
        held.len() - failed
    );
    anyhow::ensure!(failed == 0, "{failed} conversations did not go as expected");
    Ok(())
}

/// Holds all conversations one after the other, so that each time the systems give the same numbers to what is written.
async fn pass(
    mut scene: Scene,
    speaker: &Speaker,
    conversations: &[Conversation],
    stop: &CancellationToken,
    word: &str,
) -> anyhow::Result<Vec<Went>> {
    let mut all = Vec::with_capacity(conversations.len());
    let holding = async {
        for conversation in conversations {
            progress(&format!("{word} {} of {}", all.len(), conversations.len()));
            let inbox = scene.inbox(&speaker.id(conversation)?).context("a conversation has no inbox")?;
            all.push(talk::hold(&scene, speaker, conversation, inbox).await?);
        }
        anyhow::Ok(())
    };
    let held = stop.run_until_cancelled(holding).await;
    progress("");
    scene.close().await?;
    let failed = all.iter().filter(|went| went.failure.is_some()).count();
    held.with_context(|| {
        let (done, of) = (all.len(), conversations.len());
        format!("stopped by a signal: {done} of {of} conversations were {word}, {failed} of them failed")
    })??;
    Ok(all)
}

/// Where a replay decided something else.
fn differs(first: &Went, second: &Went) -> Option<String> {
    if let Some(problem) = &second.failure {
        return Some(format!("in the replay, {problem}"));
    }
    let places = first.decided.len().max(second.decided.len());
    let place = (0..places).find(|place| first.decided.get(*place) != second.decided.get(*place))?;
    Some(format!("the replay differs in decision {} of {}", place + 1, first.decided.len()))
}

/// How far it is, on one line that is written over; for people only.
fn progress(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal()
        && let Err(error) = write!(err, "\r{text:<32}\r").and_then(|()| err.flush())
    {
        tracing::debug!("the progress cannot be shown ({})", error.kind());
    }
}
