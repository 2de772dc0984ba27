//! `peyvand chat`: a conversation in the terminal over the same HTTP API that any channel can use.

use std::{path::Path, time::Duration};

use anyhow::Context;
use peyvand::{event::Button, language::normal::normalise};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::interval,
};
use uuid::Uuid;

use crate::up;

/// How long an answer is waited for, in seconds.
const WAIT_SECONDS: u8 = 30;
/// How often it looks for what comes later.
const LOOK_EACH: Duration = Duration::from_secs(1);

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

/// What came since a cursor.
#[derive(Deserialize)]
struct Page {
    replies: Vec<Reply>,
    cursor: i64,
}

#[derive(Deserialize)]
struct Reply {
    text: String,
    /// A server of an earlier version sends none.
    #[serde(default)]
    buttons: Vec<Button>,
}

impl Reply {
    /// The words, and below them the buttons by the numbers that press them.
    fn shown(&self) -> String {
        let mut shown = self.text.clone();
        for (place, button) in self.buttons.iter().enumerate() {
            shown.push_str(&format!("\n[{}] {}", place + 1, button.label.expose()));
        }
        shown
    }
}

/// What a conversation was shown so far.
struct Shown {
    cursor: i64,
    /// What the last reply offered.
    buttons: Vec<Button>,
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
    let instance = up::start(([127, 0, 0, 1], 0).into(), &data, None, up::Switch::On).await?;
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
    let mut look = interval(LOOK_EACH);
    let (cursor, earlier) = news(&client, url, conversation, 0).await?;
    let buttons = earlier.into_iter().next_back().map(|reply| reply.buttons).unwrap_or_default();
    let mut shown = Shown { cursor, buttons };
    loop {
        tokio::select! {
            line = lines.next_line() => match line?.filter(|line| !line.trim().is_empty()) {
                Some(line) => {
                    let _shown_below = say(&client, url, conversation, meant(&line, &shown.buttons)).await?;
                    show_news(&client, url, conversation, &mut shown).await;
                }
                None => return Ok(()),
            },
            // A result may come long after the question.
            _ = look.tick() => show_news(&client, url, conversation, &mut shown).await,
        }
    }
}

/// What a line says: the number of a button that the last reply offered presses it, anything else is said as it is.
fn meant<'a>(line: &'a str, buttons: &'a [Button]) -> &'a str {
    let place = normalise(line).as_str().trim().parse::<usize>().ok();
    let pressed = place.and_then(|place| buttons.get(place.checked_sub(1)?));
    pressed.map_or(line, |button| button.value.as_str())
}

/// Shows what came since then. A server that is away is told of by the next message.
#[allow(clippy::print_stdout, reason = "the replies are the output")]
async fn show_news(client: &reqwest::Client, url: &str, conversation: &str, shown: &mut Shown) {
    let Ok((cursor, replies)) = news(client, url, conversation, shown.cursor).await else { return };
    shown.cursor = cursor;
    for reply in replies {
        println!("{}\n", reply.shown());
        shown.buttons = reply.buttons;
    }
}

/// Everything a conversation was told after a cursor, and the cursor of its last reply.
async fn news(
    client: &reqwest::Client,
    url: &str,
    conversation: &str,
    after: i64,
) -> anyhow::Result<(i64, Vec<Reply>)> {
    let (mut cursor, mut replies) = (after, Vec::new());
    loop {
        let url = format!("{}/v1/conversations/{conversation}/replies", url.trim_end_matches('/'));
        let answer = client.get(&url).query(&[("after", cursor)]).send().await;
        let answer =
            answer.with_context(|| format!("no Peyvand answers at {url}; start one with `peyvand up`"))?;
        let page: Page = answer.json().await.context("the answer cannot be understood")?;
        if page.replies.is_empty() || page.cursor <= cursor {
            return Ok((cursor, replies));
        }
        cursor = page.cursor;
        replies.extend(page.replies);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(buttons: &[(&str, &str)]) -> Reply {
        let button = |(label, value): &(&str, &str)| Button {
            label: (*label).to_owned().into(),
            value: (*value).to_owned(),
        };
        Reply { text: "ثبت کنم؟".to_owned(), buttons: buttons.iter().map(button).collect() }
    }

    #[test]
    fn buttons_stand_below_the_words_by_their_numbers() {
        let reply = reply(&[("بله", "yes"), ("نه", "no")]);
        assert_eq!(reply.shown(), "ثبت کنم؟\n[1] بله\n[2] نه");
    }

    #[test]
    fn a_number_presses_its_button_and_anything_else_is_said() {
        let Reply { buttons, .. } = reply(&[("بله", "yes"), ("نه", "no")]);
        for (line, said) in [
            ("1", "yes"),
            (" ۲ ", "no"),
            ("0", "0"),
            ("3", "3"),
            ("1 bag", "1 bag"),
            ("-1", "-1"),
            ("بله", "بله"),
        ] {
            assert_eq!(meant(line, &buttons), said);
        }
        assert_eq!(meant("1", &[]), "1");
    }
}
