//! The scanners: each takes text and returns what it found, with file and line. Simple on purpose: they read what
//! rustfmt writes, not all of Rust.

use super::source::File;
use std::fmt;

/// One offender.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn found(path: &str, line: usize, what: impl Into<String>) -> Found {
    Found { path: path.to_owned(), line, what: what.into() }
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Every line of `text` that holds `word`.
pub(crate) fn holds(path: &str, text: &str, word: &str) -> Vec<Found> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(word));
    lines.map(|(at, line)| found(path, at + 1, line.trim())).collect()
}

pub(crate) fn longer_than(file: &File, limit: usize) -> Vec<Found> {
    let lines = file.text.lines().count();
    if lines > limit { vec![found(&file.path, lines, format!("{lines} lines"))] } else { Vec::new() }
}

/// The text with comments and the insides of string and character literals turned to blanks; lines stay lines.
pub(crate) fn code_only(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < source.len() {
        let end = literal_or_comment_end(&source, at).min(source.len());
        if end == at {
            code.push(source[at]);
            at += 1;
        } else {
            code.extend(source[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Where the comment or literal that starts at `at` ends; `at` itself when none starts there.
fn literal_or_comment_end(source: &[char], at: usize) -> usize {
    let starts = |word: &str| word.chars().enumerate().all(|(i, c)| source.get(at + i) == Some(&c));
    let after_a_name = at > 0 && (source[at - 1].is_alphanumeric() || source[at - 1] == '_');
    if starts("//") {
        return source[at..].iter().position(|c| *c == '\n').map_or(source.len(), |n| at + n);
    }
    if starts("/*") {
        return block_comment_end(source, at);
    }
    if starts("\"") {
        return quoted_end(source, at + 1, '"');
    }
    if (starts("r\"") || starts("r#") || starts("br")) && !after_a_name {
        return raw_string_end(source, at);
    }
    let closes_at_two = source.get(at + 2) == Some(&'\'') && source.get(at + 1) != Some(&'\\');
    if starts("'") && (closes_at_two || source.get(at + 1) == Some(&'\\')) {
        return quoted_end(source, at + 1, '\'');
    }
    at
}

fn quoted_end(source: &[char], mut at: usize, quote: char) -> usize {
    while at < source.len() && source[at] != quote {
        at += if source[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn block_comment_end(source: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < source.len() {
        match (source[at], source.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string_end(source: &[char], at: usize) -> usize {
    let mut body = at + if source[at] == 'b' { 2 } else { 1 };
    let hashes = source[body.min(source.len())..].iter().take_while(|c| **c == '#').count();
    body += hashes;
    if source.get(body) != Some(&'"') {
        return at; // a raw identifier, or a name that begins with br
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let rest = &source[body + 1..];
    rest.windows(closing.len())
        .position(|part| part == closing)
        .map_or(source.len(), |n| body + 1 + n + closing.len())
}

/// Blanks the modules and functions that stand under `#[cfg(test)]`. Takes code without comments and literals.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let item = &rest[at..];
        let end = match (item.find('{'), item.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|semicolon| open < semicolon) => {
                closing(item, open)
            }
            (_, Some(semicolon)) => semicolon + 1,
            (_, None) => item.len(),
        };
        kept.push_str(&rest[..at]);
        kept.extend(item[..end].chars().filter(|c| *c == '\n'));
        rest = &item[end..];
    }
    kept.push_str(rest);
    kept
}

/// Just behind the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at + 1;
        }
    }
    code.len()
}

/// Where the file's code names `wanted` (`sqlx`, `std::env`, `peyvand::event`), in whatever way it is spelled:
/// in full, by `crate::`, `super::` or `self::`, or inside the braces of a `use`.
pub(crate) fn names(file: &File, wanted: &str) -> Vec<Found> {
    let home = module_path(&file.path);
    let mut all: Vec<Found> = paths(&file.code)
        .into_iter()
        .map(|(line, path)| (line, absolute(&home, &path)))
        .filter(|(_, path)| is_under(path, wanted))
        .map(|(line, path)| found(&file.path, line, path))
        .collect();
    all.dedup_by_key(|one| one.line);
    all
}

/// A single word alone may be a variable: a crate is named by what is taken from it.
fn is_under(path: &str, wanted: &str) -> bool {
    path.strip_prefix(wanted)
        .is_some_and(|rest| rest.starts_with("::") || (rest.is_empty() && wanted.contains("::")))
}

/// `src/bus/kafka/consumer.rs` is `peyvand::bus::kafka::consumer`; `workers/reply/src/lib.rs` is `peyvand_reply`.
fn module_path(file: &str) -> Vec<String> {
    let (package, inside) = file.split_once("src/").unwrap_or(("", file));
    let name = package.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let mut path = vec![if name.is_empty() {
        "peyvand".to_owned()
    } else {
        format!("peyvand_{}", name.replace('-', "_"))
    }];
    path.extend(inside.trim_end_matches(".rs").split('/').map(str::to_owned));
    if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        path.pop();
    }
    path
}

fn absolute(home: &[String], path: &str) -> String {
    let mut base = home.to_vec();
    let mut relative = false;
    let mut rest = Vec::new();
    for part in path.split("::") {
        match part {
            "crate" => base.truncate(1),
            "super" => base.truncate(base.len().saturating_sub(1).max(1)),
            "self" if rest.is_empty() => {}
            _ => {
                rest.push(part.to_owned());
                continue;
            }
        }
        relative = true;
    }
    if relative { base.into_iter().chain(rest).collect::<Vec<_>>().join("::") } else { rest.join("::") }
}

/// Every path in the code with its line; the braces of a `use` are written out.
fn paths(code: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut prefixes: Vec<String> = Vec::new(); // of the use trees we stand in
    let mut current = String::new();
    let mut in_use = false;
    let mut line = 1;
    for token in tokens(code) {
        match token {
            "\n" => line += 1,
            "use" => (in_use, current) = (true, String::new()),
            "::" => current.push_str("::"),
            "{" if in_use => prefixes.push(std::mem::take(&mut current)),
            "," | "}" if in_use => {
                current.clear();
                if token == "}" {
                    prefixes.pop();
                }
            }
            ";" => {
                prefixes.clear();
                (in_use, current) = (false, String::new());
            }
            word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                if !current.ends_with("::") {
                    current.clear();
                }
                current.push_str(word);
                all.push((line, format!("{}{current}", prefixes.concat())));
            }
            _ => current.clear(),
        }
    }
    all
}

/// Words, `::`, line ends and single signs; blanks are dropped.
fn tokens(code: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_word(first) {
            rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if first == '\n' || !first.is_whitespace() {
            all.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    all
}

/// Where each function of the code starts, with its name.
fn functions(code: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let begins = at == 0 || code[..at].ends_with(|c: char| c.is_whitespace() || c == '(');
        let name =
            code[at + 3..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if begins && !name.is_empty() {
            all.push((at, name));
        }
    }
    all
}

/// Functions of more than `limit` lines, from the line of `fn` to the closing brace.
pub(crate) fn long_functions(file: &File, limit: usize) -> Vec<Found> {
    let code = &file.code;
    let mut long = Vec::new();
    for (at, name) in functions(code) {
        let Some(open) = code[at..].find(['{', ';']).map(|n| at + n) else { continue };
        if code[open..].starts_with(';') && !code[at..open].contains('[') {
            continue; // a declaration; `[u8; 4]` in a signature is not its end
        }
        let Some(open) = code[at..].find('{').map(|n| at + n) else { continue };
        let lines = code[at..closing(code, open)].lines().count();
        if lines > limit {
            long.push(found(&file.path, line_at(code, at), format!("{name} has {lines} lines")));
        }
    }
    long
}

/// Test functions whose name has fewer than `words` words.
pub(crate) fn short_test_names(file: &File, words: usize) -> Vec<Found> {
    let code = &file.code;
    let mut short = Vec::new();
    for (at, name) in functions(code) {
        let attributes = code[..at].rsplit(['}', ';', '{']).next().unwrap_or_default();
        let is_test = ["#[test]", "#[tokio::test", "::test]"].iter().any(|mark| attributes.contains(mark));
        if is_test && name.split('_').filter(|word| !word.is_empty()).count() < words {
            short.push(found(&file.path, line_at(code, at), name));
        }
    }
    short
}

/// The sources in a lock file that are not the public registry.
pub(crate) fn foreign_sources(path: &str, lock: &str) -> Vec<Found> {
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    holds(path, lock, "source = ").into_iter().filter(|found| found.what != public).collect()
}

/// `NAME=value` in a shell script.
pub(crate) fn shell_value(script: &str, name: &str) -> Option<String> {
    let assigned = script
        .lines()
        .find_map(|line| line.trim_start_matches("readonly ").strip_prefix(&format!("{name}=")))?;
    assigned.split_whitespace().next().map(str::to_owned)
}

/// The tag of `image: NAME:TAG` in a compose file.
pub(crate) fn image_tag(compose: &str, image: &str) -> Option<String> {
    let wanted = format!("image: {image}:");
    compose.lines().find_map(|line| line.trim().strip_prefix(&wanted)).map(str::to_owned)
}

/// `key = "value"` in a TOML file.
pub(crate) fn quoted_value(toml: &str, key: &str) -> Option<String> {
    toml.lines()
        .find_map(|line| line.strip_prefix(&format!("{key} = \""))?.strip_suffix('"'))
        .map(str::to_owned)
}

#[path = "scan_tests.rs"]
mod tests;
