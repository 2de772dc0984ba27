//! Which of the two languages a person writes, so that the answer comes in the same one. It may not read meaning: only letters count.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The languages Peyvand speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Persian.
    #[default]
    Fa,
    /// English.
    En,
}

impl Language {
    /// The BCP 47 tag: `fa` or `en`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fa => "fa",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A language tag that is neither `fa` nor `en`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the language is unknown; write fa or en")]
pub struct UnknownLanguage;

impl UnknownLanguage {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        "unknown_language"
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        match tag {
            "fa" => Ok(Self::Fa),
            "en" => Ok(Self::En),
            _ => Err(UnknownLanguage),
        }
    }
}

/// The language of `text` by its letters; `None` when it has no letter at all, so that the conversation's language stays.
///
/// A third of Arabic-script letters is enough for Persian: Persian messages quote Latin product names far more often than
/// English messages quote Persian words.
pub fn detect(text: &str) -> Option<Language> {
    let (mut arabic, mut letters) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        arabic += usize::from(is_arabic_script(c));
    }
    match letters {
        0 => None,
        _ if arabic * 3 >= letters => Some(Language::Fa),
        _ => Some(Language::En),
    }
}

/// Whether `c` stands in one of Unicode's Arabic blocks, presentation forms included.
pub fn is_arabic_script(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{06FF}' | '\u{0750}'..='\u{077F}' | '\u{08A0}'..='\u{08FF}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_read_from_the_letters() {
        for (text, language) in [
            ("سفارش ۴۵۰۰۱ کجاست؟", Some(Language::Fa)),
            ("where is order 45001?", Some(Language::En)),
            ("sefaresh 45001 kojast", Some(Language::En)),
            ("قیمت لپتاپ Lenovo ThinkPad X1", Some(Language::Fa)),
            ("where is the order of شرکت پارس", Some(Language::En)),
            ("ﺳﻔﺎﺭﺵ", Some(Language::Fa)),
            ("45001", None),
            ("۴۵۰۰۱ ؟!", None),
            ("👍", None),
            ("", None),
        ] {
            assert_eq!(detect(text), language, "{text}");
        }
    }

    #[test]
    fn a_language_reads_back_from_its_tag() {
        for language in [Language::Fa, Language::En] {
            assert_eq!(language.to_string().parse(), Ok(language));
            assert_eq!(serde_json::to_value(language).unwrap(), serde_json::json!(language.as_str()));
        }
        assert_eq!("de".parse::<Language>(), Err(UnknownLanguage));
    }
}
