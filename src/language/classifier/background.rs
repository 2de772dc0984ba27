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
    use crate::language::script::{Language, detect};
    use std::collections::HashSet;

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
