//! `$filter`: text in, a checked condition out, and the condition's answer for one record.
//! The text comes from outside: its length, depth and number of conditions are bounded and parsing never panics.

use std::cmp::Ordering;

use super::error::SapError;
use super::lexer::{Token, lex};
use super::literal::{self, Literal};
use super::model::{Edm, Entity};
use super::table::Row;
use super::value::Value;
use crate::http::short;

/// Longest `$filter` in bytes, deepest nesting of parentheses, and most conditions.
const MAX_LENGTH: usize = 4_000;
const MAX_DEPTH: usize = 16;
const MAX_CONDITIONS: usize = 100;

/// A checked condition on records of one entity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// All parts hold.
    All(Vec<Filter>),
    /// One part holds.
    Any(Vec<Filter>),
    /// A property against a value.
    Compare { prop: usize, operator: Operator, value: Value },
    /// A text function against a property; `expected` is false after `eq false`.
    Text { function: Function, prop: usize, needle: String, expected: bool },
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A test on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    SubstringOf,
    StartsWith,
    EndsWith,
}

impl Filter {
    /// Reads the text of `$filter` for one entity.
    pub(crate) fn parse(entity: &'static Entity, text: &str) -> Result<Filter, SapError> {
        if text.len() > MAX_LENGTH {
            return Err(refuse(format!("longer than {MAX_LENGTH} bytes"), MAX_LENGTH));
        }
        let mut parser =
            Parser { entity, tokens: lex(text)?, at: 0, end: text.len(), depth: 0, conditions: 0 };
        let filter = parser.any()?;
        match parser.peek() {
            None => Ok(filter),
            Some(_) => Err(refuse("Invalid token detected", parser.position())),
        }
    }

    /// Whether a record meets the condition.
    pub(crate) fn accepts(&self, row: &Row) -> bool {
        match self {
            Filter::All(parts) => parts.iter().all(|part| part.accepts(row)),
            Filter::Any(parts) => parts.iter().any(|part| part.accepts(row)),
            Filter::Compare { prop, operator, value } => compare(row.get(*prop), *operator, value),
            Filter::Text { function, prop, needle, expected } => {
                let text = row.get(*prop).as_text().unwrap_or_default();
                let holds = match function {
                    Function::SubstringOf => text.contains(needle.as_str()),
                    Function::StartsWith => text.starts_with(needle.as_str()),
                    Function::EndsWith => text.ends_with(needle.as_str()),
                };
                holds == *expected
            }
        }
    }
}

fn compare(stored: &Value, operator: Operator, wanted: &Value) -> bool {
    let both_null = *stored == Value::Null && *wanted == Value::Null;
    let order = stored.compare(wanted);
    match operator {
        Operator::Eq => both_null || order == Some(Ordering::Equal),
        Operator::Ne => !both_null && order != Some(Ordering::Equal),
        Operator::Gt => order == Some(Ordering::Greater),
        Operator::Ge => order.is_some_and(Ordering::is_ge),
        Operator::Lt => order == Some(Ordering::Less),
        Operator::Le => order.is_some_and(Ordering::is_le),
    }
}

struct Parser {
    entity: &'static Entity,
    tokens: Vec<(Token, usize)>,
    at: usize,
    end: usize,
    depth: usize,
    conditions: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Filter, SapError> {
        let mut parts = vec![self.all()?];
        while self.eat_word("or") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, SapError> {
        let mut parts = vec![self.condition()?];
        while self.eat_word("and") {
            parts.push(self.condition()?);
        }
        Ok(single_or(parts, Filter::All))
    }

    fn condition(&mut self) -> Result<Filter, SapError> {
        let position = self.position();
        match self.next() {
            Some(Token::Open) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(refuse(format!("more than {MAX_DEPTH} nested parentheses"), position));
                }
                let inner = self.any()?;
                self.expect(&Token::Close)?;
                self.depth -= 1;
                Ok(inner)
            }
            Some(Token::Word(name)) => {
                self.conditions += 1;
                if self.conditions > MAX_CONDITIONS {
                    return Err(refuse(format!("more than {MAX_CONDITIONS} conditions"), position));
                }
                if self.peek() == Some(&Token::Open) {
                    self.call(&name, position)
                } else {
                    self.comparison(&name)
                }
            }
            Some(Token::Close | Token::Comma | Token::Literal(_)) | None => {
                Err(refuse("Invalid token detected", position))
            }
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Filter, SapError> {
        let (prop, edm) = self.property(name)?;
        let position = self.position();
        let operator = match self.next() {
            Some(Token::Word(word)) => operator(&word),
            Some(Token::Open | Token::Close | Token::Comma | Token::Literal(_)) | None => None,
        };
        let operator = operator.ok_or_else(|| refuse("a comparison operator is expected", position))?;
        let position = self.position();
        let literal = self.literal()?;
        let value = literal::fit(literal, edm).ok_or_else(|| {
            refuse(format!("the literal does not fit the type of '{}'", short(name)), position)
        })?;
        Ok(Filter::Compare { prop, operator, value })
    }

    fn call(&mut self, name: &str, position: usize) -> Result<Filter, SapError> {
        let function = match name {
            "substringof" => Function::SubstringOf,
            "startswith" => Function::StartsWith,
            "endswith" => Function::EndsWith,
            other => return Err(refuse(format!("function '{}' is not supported", short(other)), position)),
        };
        self.expect(&Token::Open)?;
        let (prop, needle) = if function == Function::SubstringOf {
            let needle = self.text()?;
            self.expect(&Token::Comma)?;
            (self.text_property()?, needle)
        } else {
            let prop = self.text_property()?;
            self.expect(&Token::Comma)?;
            (prop, self.text()?)
        };
        self.expect(&Token::Close)?;
        let expected = if self.eat_word("eq") { self.truth()? } else { true };
        Ok(Filter::Text { function, prop, needle, expected })
    }

    fn truth(&mut self) -> Result<bool, SapError> {
        if self.eat_word("true") {
            return Ok(true);
        }
        if self.eat_word("false") {
            return Ok(false);
        }
        Err(refuse("'true' or 'false' is expected", self.position()))
    }

    fn text(&mut self) -> Result<String, SapError> {
        let position = self.position();
        match self.literal()? {
            Literal::Text(text) => Ok(text),
            Literal::Null | Literal::Number(_) | Literal::Date(_) | Literal::Instant(_) => {
                Err(refuse("a text in quotes is expected", position))
            }
        }
    }

    fn text_property(&mut self) -> Result<usize, SapError> {
        let position = self.position();
        let Some(Token::Word(name)) = self.next() else {
            return Err(refuse("a property is expected", position));
        };
        match self.property(&name)? {
            (index, Edm::Text(_) | Edm::Alpha(_)) => Ok(index),
            (_, Edm::Decimal(_, _) | Edm::Date | Edm::Instant) => {
                Err(refuse(format!("'{}' is not a text property", short(&name)), position))
            }
        }
    }

    fn property(&self, name: &str) -> Result<(usize, Edm), SapError> {
        self.entity
            .prop(name)
            .map(|(index, prop)| (index, prop.edm))
            .ok_or_else(|| SapError::UnknownProperty { property: short(name), entity: self.entity.name })
    }

    fn literal(&mut self) -> Result<Literal, SapError> {
        let position = self.position();
        match self.next() {
            Some(Token::Literal(literal)) => Ok(literal),
            Some(Token::Word(word)) if word == "null" => Ok(Literal::Null),
            Some(Token::Word(_) | Token::Open | Token::Close | Token::Comma) | None => {
                Err(refuse("a literal is expected", position))
            }
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(_, position)| *position)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), SapError> {
        if self.peek() == Some(token) {
            self.at += 1;
            return Ok(());
        }
        Err(refuse(format!("'{}' is expected", token.sign()), self.position()))
    }
}

fn operator(word: &str) -> Option<Operator> {
    match word {
        "eq" => Some(Operator::Eq),
        "ne" => Some(Operator::Ne),
        "gt" => Some(Operator::Gt),
        "ge" => Some(Operator::Ge),
        "lt" => Some(Operator::Lt),
        "le" => Some(Operator::Le),
        _ => None,
    }
}

fn single_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

pub(crate) fn refuse(reason: impl Into<String>, position: usize) -> SapError {
    SapError::Filter { reason: reason.into(), position }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
