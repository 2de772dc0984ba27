//! Cuts the text of a `$filter` into tokens. It knows letters and quotes, no properties and no operators.

use super::error::SapError;
use super::filter::refuse;
use super::literal::{self, Literal};

/// One piece of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Open,
    Close,
    Comma,
    /// A property, an operator or a function.
    Word(String),
    /// A value written out.
    Literal(Literal),
}

impl Token {
    /// How the token looks, for an error.
    pub(crate) fn sign(&self) -> &'static str {
        match self {
            Token::Open => "(",
            Token::Close => ")",
            Token::Comma => ",",
            Token::Word(_) => "a name",
            Token::Literal(_) => "a literal",
        }
    }
}

/// All tokens with the position at which each begins.
pub(crate) fn lex(text: &str) -> Result<Vec<(Token, usize)>, SapError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let position = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(tokens);
        };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '\'' => {
                let (value, length) = quoted(rest, position)?;
                (Token::Literal(Literal::Text(value)), length)
            }
            '0'..='9' | '-' => number(rest, position)?,
            c if c.is_ascii_alphabetic() || c == '_' => word(rest, position)?,
            _ => return Err(refuse("Invalid token detected", position)),
        };
        tokens.push((token, position));
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// A text in single quotes, an inner quote doubled; gives the text and how many bytes it took.
pub(crate) fn quoted(rest: &str, position: usize) -> Result<(String, usize), SapError> {
    let mut value = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Ok((value, at + 1));
        }
    }
    Err(refuse("a quote is not closed", position))
}

fn number(rest: &str, position: usize) -> Result<(Token, usize), SapError> {
    let length =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(rest.len());
    let literal = rest.get(..length).and_then(literal::number);
    literal
        .map(|literal| (Token::Literal(literal), length))
        .ok_or_else(|| refuse("a number is expected", position))
}

fn word(rest: &str, position: usize) -> Result<(Token, usize), SapError> {
    let length =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '/')).unwrap_or(rest.len());
    let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
    if !after.starts_with('\'') {
        return Ok((Token::Word(word.to_owned()), length));
    }
    let (inner, quoted_length) = quoted(after, position)?;
    literal::prefixed(word, &inner)
        .map(|literal| (Token::Literal(literal), length + quoted_length))
        .ok_or_else(|| refuse("the literal is not valid", position))
}
