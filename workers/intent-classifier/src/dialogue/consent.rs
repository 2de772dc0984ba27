//! Yes and no, when something was proposed. Only a message that says nothing else counts: "yes, but 15" is no consent.

use peyvand::language::normal::normalise;

/// A person's word about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    Yes,
    No,
}

const YES: &[&str] = &[
    "yes",
    "y",
    "yeah",
    "yep",
    "yup",
    "ok",
    "okay",
    "sure",
    "confirm",
    "confirmed",
    "go ahead",
    "do it",
    "yes please",
    "please do",
    "correct",
    "right",
    "بله",
    "آره",
    "اره",
    "بلی",
    "ارى",
    "آری",
    "باشه",
    "حتما",
    "تایید",
    "تایید میکنم",
    "تایید می کنم",
    "تایید میشه",
    "درسته",
    "درست است",
    "موافقم",
    "اوکی",
    "ثبت کن",
    "ثبت کنید",
    "بله ثبت کن",
    "بله لطفا",
    "انجام بده",
    "bale",
    "baleh",
    "are",
    "areh",
    "bashe",
    "taeed",
    "taid",
    "dorost",
    "doroste",
    "sabt kon",
    "hatman",
];
const NO: &[&str] =
    &["no", "n", "nope", "no thanks", "نه", "خیر", "نخیر", "نه ممنون", "na", "kheir", "nakheir"];
/// Words that give up whatever is under way, and not only what was asked last.
const CANCEL: &[&str] = &[
    "cancel",
    "cancel it",
    "don't",
    "do not",
    "stop",
    "never mind",
    "لغو",
    "لغو کن",
    "لغوش کن",
    "کنسل",
    "کنسل کن",
    "ولش کن",
    "ول کن",
    "نمیخوام",
    "نمی خوام",
    "نمیخواهم",
    "نمی خواهم",
    "بی خیال",
    "بیخیال",
    "منصرف شدم",
    "انصراف",
    "nemikham",
    "laghv",
    "bikhial",
    "laghvesh kon",
];

/// What a message says about a proposal, if it says nothing else.
pub(super) fn consent(text: &str) -> Option<Consent> {
    if text.contains(['?', '؟']) {
        // "Sure?" asks.
        return None;
    }
    match (says_one_of(text, YES), says_one_of(text, NO) || says_one_of(text, CANCEL)) {
        (true, false) => Some(Consent::Yes),
        (false, true) => Some(Consent::No),
        (_, _) => None,
    }
}

/// Whether a message gives up what is under way, and says nothing else.
pub(super) fn is_cancel(text: &str) -> bool {
    !text.contains(['?', '؟']) && says_one_of(text, CANCEL)
}

/// Whether a message is one of these, however it is written, and nothing else.
pub(super) fn says_one_of(text: &str, known: &[&str]) -> bool {
    let said = words(text);
    known.iter().any(|known| words(known) == said)
}

/// The words without what stands between them.
pub(super) fn words(text: &str) -> String {
    let normal = normalise(text);
    let letters = |c: char| if c.is_alphanumeric() || c == '\'' { c } else { ' ' };
    let spaced: String = normal.as_str().chars().map(letters).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_understood_however_they_are_written() {
        for yes in [
            "Yes!",
            "YES",
            "yes, please",
            "بله",
            "بلـــه",
            "آره.",
            "تأیید",
            "تایید می‌کنم",
            "bale",
            "ok 👍",
            "Go ahead.",
        ] {
            assert_eq!(consent(yes), Some(Consent::Yes), "{yes}");
        }
        for no in ["no", "No.", "نه", "خیر!", "نمی‌خوام", "cancel", "بی‌خیال", "na"] {
            assert_eq!(consent(no), Some(Consent::No), "{no}");
        }
    }

    #[test]
    fn whatever_says_more_or_nothing_is_no_consent() {
        for text in
            ["", "👍", "yes but 15", "بله ولی ۱۵ تا", "no yes", "where is order 45001?", "yesterday", "نهار"]
        {
            assert_eq!(consent(text), None, "{text}");
        }
    }
}
