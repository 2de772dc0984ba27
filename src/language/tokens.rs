//! A normal text as words, numbers and signs, each with its place.

use std::ops::Range;

/// One word, number or sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::language) struct Token<'a> {
    pub(in crate::language) text: &'a str,
    pub(in crate::language) at: Range<usize>,
}

impl Token<'_> {
    /// Its digits as a number, when it is one.
    pub(in crate::language) fn number(&self) -> Option<u32> {
        if self.text.bytes().all(|b| b.is_ascii_digit()) { self.text.parse().ok() } else { None }
    }
}

/// The tokens of a text; space is none.
pub(in crate::language) fn tokens(text: &str) -> Vec<Token<'_>> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Word,
        Number,
        Sign,
    }
    let kind = |c: char| match c {
        c if c.is_ascii_digit() => Kind::Number,
        c if c.is_alphanumeric() => Kind::Word,
        _ => Kind::Sign,
    };
    let mut tokens: Vec<(Kind, Range<usize>)> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let (of, end) = (kind(c), at + c.len_utf8());
        match tokens.last_mut() {
            Some((last, range)) if *last == of && of != Kind::Sign && range.end == at => range.end = end,
            _ => tokens.push((of, at..end)),
        }
    }
    tokens.into_iter().map(|(_, at)| Token { text: &text[at.clone()], at }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_signs_stand_apart() {
        let texts = |text| tokens(text).into_iter().map(|token| token.text.to_owned()).collect::<Vec<_>>();
        assert_eq!(texts("5th of nov, 2026-11"), ["5", "th", "of", "nov", ",", "2026", "-", "11"]);
        assert_eq!(texts(" 12اذر "), ["12", "اذر"]);
        assert!(texts("  ").is_empty());
    }
}
