//! What is answered without any system: small talk, help, what cannot be done, and which of several things is meant.

use peyvand::event::{Answer, Stage, TurnDecided};
use peyvand::language::number::plain;

use super::buttons;
use super::question::choose;
use super::words::Words;
use super::{EXAMPLE_ORDER, EXAMPLE_PRODUCT, Said};

/// The answer to small talk.
pub(super) fn answer(say: &Words<'_>, turn: &TurnDecided) -> Said {
    let id = match turn.answer {
        Some(Answer::Greeting) => return in_tone(say, "greeting"),
        Some(Answer::Farewell) => return in_tone(say, "farewell"),
        Some(Answer::Thanks) => return in_tone(say, "thanks"),
        Some(Answer::Cancelled) => "cancelled",
        Some(Answer::NothingAsked) => "nothing-asked",
        Some(Answer::Restarted) => "restarted",
        Some(Answer::UnderWay) => "under-way",
        Some(Answer::NotConnected) => return not_connected(say, turn),
        Some(Answer::Help) | None => {
            let order = plain(EXAMPLE_ORDER, say.language);
            return say.with("help", &[("order", &order), ("product", EXAMPLE_PRODUCT)]).into();
        }
    };
    say.text(id).into()
}

/// What this assistant cannot do.
pub(super) fn out_of_scope(say: &Words<'_>) -> Said {
    in_tone(say, "out-of-scope")
}

/// Which of several intents is meant.
pub(super) fn clarify(say: &Words<'_>, turn: &TurnDecided) -> Said {
    let labels: Vec<String> = turn.choices.iter().map(|intent| label(say, intent)).collect();
    choose(say, "clarify", "clarify-many", &labels).unwrap_or_else(|| say.text("clarify-nothing").into())
}

/// Whoever is about to leave is offered a call in words, and gets a button for it.
fn in_tone(say: &Words<'_>, id: &str) -> Said {
    let offers = say.stage == Stage::AtRisk;
    Said {
        text: say.text(id),
        buttons: offers.then(|| buttons::call_back(say.language)).into_iter().collect(),
    }
}

fn not_connected(say: &Words<'_>, turn: &TurnDecided) -> Said {
    let text = match &turn.intent {
        Some(intent) => say.with("not-connected", &[("label", &label(say, intent))]),
        None => say.text("not-connected-unnamed"),
    };
    Said { text, buttons: vec![buttons::call_back(say.language)] }
}

/// What an intent is called among people; an assistant may have intents that nobody has named.
fn label(say: &Words<'_>, intent: &str) -> String {
    let named = say.maybe(&format!("intent-{intent}"), &[]);
    named.unwrap_or_else(|| intent.replace('_', " "))
}
