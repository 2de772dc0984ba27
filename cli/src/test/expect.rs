//! Compares what came with what is expected, and says every difference in the words of the files.

use peyvand::event::{ReplyReady, TurnDecided};
use serde::Serialize;

use super::conversation::{Expected, Turn};

/// Letters of a reply that are shown with a difference.
const SHOWN: usize = 160;

/// Where a decision is not as expected.
pub(super) fn decision(expected: &Expected, came: &TurnDecided) -> Vec<String> {
    let mut found = Vec::new();
    if expected.never == Some(came.decision) {
        found.push(format!("decision: {} came, and may never", name(&came.decision)));
    }
    let mut compare = |what: &str, wanted: Option<String>, came: String| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != came) {
            found.push(format!("{what}: expected {wanted}, came {came}"));
        }
    };
    compare("decision", expected.decision.as_ref().map(name), name(&came.decision));
    compare("intent", expected.intent.clone(), came.intent.clone().unwrap_or_else(nothing));
    compare("operation", expected.operation.as_ref().map(name), maybe(came.operation.as_ref()));
    compare("asked", expected.asked.as_ref().map(name), maybe(came.asked_slot.as_ref()));
    compare("answer", expected.answer.as_ref().map(name), maybe(came.answer.as_ref()));
    compare("doubt", expected.doubt.as_ref().map(name), maybe(came.doubt.as_ref()));
    compare("choices", expected.choices.as_ref().map(|all| all.join(", ")), came.choices.join(", "));
    let resumed = came.resumed.as_ref().map(|prompt| prompt.operation);
    compare("resumed", expected.resumed.as_ref().map(name), maybe(resumed.as_ref()));
    compare("page", expected.page.map(|page| page.to_string()), came.page.to_string());
    compare("stage", expected.stage.as_ref().map(name), name(&came.stage));
    compare("language", expected.language.as_ref().map(name), name(&came.language));
    for (slot, value) in &expected.slots {
        let known = came.slot(*slot).map_or_else(nothing, ToOwned::to_owned);
        compare(&name(slot), Some(value.clone().unwrap_or_else(nothing)), known);
    }
    found
}

/// Whether everything that is waited for is said and offered.
pub(super) fn is_answered(turn: &Turn, replies: &[&ReplyReady]) -> bool {
    let offered = turn.buttons.as_ref().is_none_or(|wanted| *wanted == buttons(replies));
    !replies.is_empty() && offered && missing(turn, replies).is_empty()
}

/// Where replies are not as expected.
pub(super) fn reply(turn: &Turn, replies: &[&ReplyReady]) -> Vec<String> {
    let text = text(replies);
    let shown: String = text.chars().take(SHOWN).collect();
    let mut found = Vec::new();
    found.extend(
        missing(turn, replies).into_iter().map(|part| format!("the reply lacks «{part}»: «{shown}»")),
    );
    found.extend(forbidden(turn, replies));
    if let Some(wanted) = turn.buttons.as_ref().filter(|wanted| **wanted != buttons(replies)) {
        let came = buttons(replies).join(", ");
        found.push(format!("buttons: expected {}, came {came}", wanted.join(", ")));
    }
    found
}

/// What is said that may not be.
pub(super) fn forbidden(turn: &Turn, replies: &[&ReplyReady]) -> Vec<String> {
    let text = text(replies);
    let shown: String = text.chars().take(SHOWN).collect();
    let wrong = turn.reply_lacks.iter().filter(|part| text.contains(part.as_str()));
    wrong.map(|part| format!("the reply has «{part}»: «{shown}»")).collect()
}

fn missing<'a>(turn: &'a Turn, replies: &[&ReplyReady]) -> Vec<&'a str> {
    let text = text(replies);
    turn.reply_has.iter().map(String::as_str).filter(|part| !text.contains(part)).collect()
}

/// What was said, without the marks that only direct the reading.
fn text(replies: &[&ReplyReady]) -> String {
    let said: Vec<&str> = replies.iter().map(|reply| reply.text.expose().as_str()).collect();
    said.join("\n").replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{200e}', '\u{200f}'], "")
}

fn buttons(replies: &[&ReplyReady]) -> Vec<String> {
    replies.iter().flat_map(|reply| &reply.buttons).map(|button| button.value.clone()).collect()
}

fn nothing() -> String {
    "nothing".to_owned()
}

fn maybe<T: Serialize>(value: Option<&T>) -> String {
    value.map_or_else(nothing, name)
}

/// The name a value has in events and files.
fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
