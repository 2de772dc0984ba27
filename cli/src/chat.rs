//! `peyvand chat`: a conversation in the terminal over the same HTTP API that any channel can use.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use uuid::Uuid;

use crate::up;

/// How long an answer is waited for, in seconds.
const WAIT_SECONDS: u8 = 30;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Sends this one message, prints the reply alone and exits.
    text: Option<String>,
    /// A running instance; without it, an own one is started on a data directory of its own.
    #[arg(long)]
    url: Option<String>,
    /// Goes on with this conversation.
    #[arg(long)]
    conversation: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    replies: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    text: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    message: Bilingual,
}

#[derive(Deserialize)]
struct Bilingual {
    en: String,
    fa: String,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let conversation = arguments.conversation.unwrap_or_else(|| format!("cli:{}", Uuid::new_v4()));
    if let Some(url) = arguments.url {
        return talk(&url, &conversation, arguments.text).await;
    }
    let data = std::path::PathBuf::from(format!("data/chat-{}", Uuid::new_v4()));
    let instance = up::start(([127, 0, 0, 1], 0).into(), &data, None).await?;
    let talked = talk(&instance.url, &conversation, arguments.text).await;
    instance.stop().await?;
    clean(&data);
    talked
}

fn clean(data: &Path) {
    if let Err(error) = std::fs::remove_dir_all(data) {
        tracing::warn!("{} could not be removed: {error}", data.display());
    }
}

#[allow(clippy::print_stdout, reason = "the replies are the output")]
async fn talk(url: &str, conversation: &str, text: Option<String>) -> anyhow::Result<()> {
    let client = reqwest::Client::new();
    if let Some(text) = text {
        println!("{}", say(&client, url, conversation, &text).await?);
        return Ok(());
    }
    println!(
        "Write in Persian or English; an empty line or Ctrl-D ends. / فارسی یا انگلیسی بنویسید؛ خط خالی پایان است."
    );
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            break;
        }
        println!("{}\n", say(&client, url, conversation, &line).await?);
    }
    Ok(())
}

async fn say(client: &reqwest::Client, url: &str, conversation: &str, text: &str) -> anyhow::Result<String> {
    let body = json!({
        "conversation_id": conversation,
        "client_message_id": Uuid::new_v4().to_string(),
        "text": text,
    });
    let answer = client
        .post(format!("{}/v1/messages?wait={WAIT_SECONDS}", url.trim_end_matches('/')))
        .json(&body)
        .send()
        .await
        .with_context(|| format!("no Peyvand answers at {url}; start one with `peyvand up`"))?;
    if !answer.status().is_success() {
        let refused: Refused = answer.json().await.context("the answer cannot be understood")?;
        anyhow::bail!("{}\n{}", refused.error.message.en, refused.error.message.fa);
    }
    let answered: Answered = answer.json().await.context("the answer cannot be understood")?;
    anyhow::ensure!(
        !answered.replies.is_empty(),
        "no answer within {WAIT_SECONDS} seconds; the message is kept and its answer comes to this conversation"
    );
    Ok(answered.replies.into_iter().map(|reply| reply.text).collect::<Vec<_>>().join("\n"))
}
