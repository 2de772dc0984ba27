//! Answers a channel may offer as buttons. A value is what the dialogue understands in the language of the turn, so it stands
//! here and not among the texts that a company may change. Every text names its choices too: a channel may show no button.

use peyvand::event::Button;
use peyvand::language::bidi::clean;
use peyvand::language::script::Language;

/// Most buttons under one reply.
pub(super) const BUTTONS_MAX: usize = 5;
/// Longest label in characters, the mark of what was cut off included.
pub(super) const LABEL_CHARS_MAX: usize = 60;

pub(super) fn button(label: &str, value: &str) -> Button {
    Button { label: clean(label, LABEL_CHARS_MAX - 1).into(), value: value.to_owned() }
}

fn said(words: &str) -> Button {
    button(words, words)
}

/// For what is answered by place: the first, the second.
pub(super) fn by_place(labels: &[String]) -> Vec<Button> {
    let placed = labels.iter().take(BUTTONS_MAX).enumerate();
    placed.map(|(place, label)| button(label, &(place + 1).to_string())).collect()
}

pub(super) fn yes_and_no(language: Language) -> Vec<Button> {
    match language {
        Language::Fa => vec![said("بله"), said("نه")],
        Language::En => vec![said("Yes"), said("No")],
    }
}

pub(super) fn more(language: Language) -> Button {
    match language {
        Language::Fa => said("بیشتر"),
        Language::En => button("More", "more"),
    }
}

pub(super) fn call_back(language: Language) -> Button {
    match language {
        Language::Fa => said("با من تماس بگیرید"),
        Language::En => button("Please call me back", "please call me back"),
    }
}

/// The kinds of leave by their names.
pub(super) fn leave_kinds(language: Language) -> Vec<Button> {
    match language {
        Language::Fa => ["استحقاقی", "استعلاجی", "بدون حقوق", "ساعتی"].map(said).to_vec(),
        Language::En => ["annual", "sick", "unpaid", "hourly"].map(said).to_vec(),
    }
}
