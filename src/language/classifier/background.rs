//! Sentences that are none of an organisation's business, so that a small catalogue learns what it does not cover. They stay
//! away from orders, prices, deliveries, greetings and requests for help: an organisation may well want those as intents.
//! Their sources and licences stand in `background/ATTRIBUTION.md`.

const LISTS: [&str; 4] = [
    include_str!("background/clinc_oos.txt"),
    include_str!("background/massive_fa.txt"),
    include_str!("background/massive_en.txt"),
    include_str!("background/own.txt"),
];

/// The shipped sentences, Persian and English, about a thousand.
pub fn background() -> impl Iterator<Item = &'static str> {
    LISTS.into_iter().flat_map(str::lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assistant::Assistant,
        language::{
            normal::normalise,
            script::{Language, detect},
        },
    };
    use std::collections::HashSet;

    /// The words of a text in normal form, without its marks.
    fn plain(text: &str) -> String {
        let normal = normalise(text);
        let words = normal.as_str().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// What people say in the open test set and in the conversations.
    fn tested() -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assistant/tests");
        let conversations = std::fs::read_dir(folder.join("conversations")).unwrap();
        let files = conversations.map(|file| file.unwrap().path()).chain([folder.join("sentences.yaml")]);
        let mut said = Vec::new();
        for file in files {
            let content: serde_norway::Value =
                serde_norway::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let (list, key) = match content.get("turns") {
                Some(turns) => (turns, "say"),
                None => (&content, "text"),
            };
            let texts = list.as_sequence().unwrap().iter().filter_map(|one| one.get(key)?.as_str());
            said.extend(texts.map(ToOwned::to_owned));
        }
        said
    }

    #[test]
    fn no_line_is_a_sentence_of_a_test_or_an_example() {
        let assistant = Assistant::shipped().unwrap();
        let examples = assistant.examples();
        let tested = tested();
        assert!(tested.len() > 500 && examples.len() > 500, "{} {}", tested.len(), examples.len());
        let known: HashSet<String> = tested
            .iter()
            .map(String::as_str)
            .chain(examples.iter().map(|(text, _)| *text))
            .map(plain)
            .collect();
        let found: Vec<_> = background().filter(|line| known.contains(&plain(line))).collect();
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn both_languages_are_there_without_blank_or_double_lines() {
        let lines: Vec<_> = background().collect();
        let persian = lines.iter().filter(|line| detect(line) == Some(Language::Fa)).count();
        assert!(persian >= 400 && lines.len() - persian >= 400, "{persian} of {}", lines.len());
        assert!(lines.iter().all(|line| !line.trim().is_empty()));
        assert_eq!(lines.iter().collect::<HashSet<_>>().len(), lines.len());
    }

    #[test]
    fn nothing_in_it_is_the_business_of_a_trading_company() {
        for word in [
            "order",
            "price",
            "deliver",
            "invoice",
            "hello",
            "help",
            "سفارش",
            "قیمت",
            "فاکتور",
            "مرخصی",
            "سلام",
        ] {
            let found: Vec<_> =
                background().filter(|line| line.split_whitespace().any(|w| w == word)).collect();
            assert!(found.is_empty(), "{word}: {found:?}");
        }
    }
}
