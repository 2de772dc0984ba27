//! Product names with a slip of the keyboard in them. Digits are never a slip: they tell one product from the next. Long texts and
//! long lists are searched as far as a fixed amount of work goes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Found, SlotName, overlaps, words};

/// How alike two names are at least, in hundredths: letters they have in common to letters they have.
const ALIKE_MIN: usize = 85;
/// Shorter names are like too many others.
const LETTERS_MIN: usize = 5;
/// Longer names are compared no more; a letter is a bit of a word.
const CHARS_MAX: usize = 64;
/// Longest name, in words.
const WORDS_MAX: usize = 8;
/// Words of a message that are looked at.
const SEARCHED_WORDS_MAX: usize = 48;
/// Most names of which the letters are looked at in one message.
pub(super) const GLANCES_MAX: usize = 400_000;
/// Most names that are compared with a stretch of one message.
pub(super) const COMPARISONS_MAX: usize = 4_000;

/// Names by their first letter and their length.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_start: BTreeMap<(char, usize), Vec<Name>>,
}

#[derive(Debug)]
struct Name {
    text: String,
    letters: u64,
    /// Which of the values it stands for.
    value: usize,
}

/// What was looked at for one message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) glances: usize,
    pub(super) comparisons: usize,
}

/// A stretch of a message and the names nearest to it.
struct Near<'a> {
    at: Range<usize>,
    alike: usize,
    names: Vec<&'a Name>,
}

impl Names {
    /// Adds a name that stands for a value; whether it is long enough is decided here.
    pub(super) fn add(&mut self, name: &str, value: usize) {
        let chars = name.chars().count();
        if let Some(first) = name.chars().next().filter(|_| is_long_enough(name, chars)) {
            let name = Name { text: name.to_owned(), letters: letters(name), value };
            self.by_start.entry((first, chars)).or_default().push(name);
        }
    }

    /// The names that stretches of a text are nearly, the likest first where they lie over one another.
    pub(super) fn find(
        &self,
        text: &str,
        taken: &[Range<usize>],
        values: &[(String, bool)],
    ) -> (Vec<Found>, Work) {
        let mut work = Work::default();
        let mut near = self.near(text, taken, &mut work);
        near.sort_by_key(|near| std::cmp::Reverse((near.alike, near.at.len())));
        let mut found: Vec<Found> = Vec::new();
        for near in near {
            if !overlaps(&near.at, &super::taken(&found)) {
                found.extend(meant(&near, values));
            }
        }
        (found, work)
    }

    fn near(&self, text: &str, taken: &[Range<usize>], work: &mut Work) -> Vec<Near<'_>> {
        let places = words::places(text);
        let places = &places[..places.len().min(SEARCHED_WORDS_MAX)];
        let mut all = Vec::new();
        if self.by_start.is_empty() {
            return all;
        }
        let joins = |at: &Range<usize>| text.get(at.clone()).is_some_and(words::joins);
        for (first, begin) in places.iter().enumerate().filter(|(_, begin)| !joins(begin)) {
            for last in places.iter().skip(first).take(WORDS_MAX) {
                let at = begin.start..last.end;
                // "Cement and" is cement, and something else.
                if joins(last) {
                    continue;
                }
                if at.len() > 4 * CHARS_MAX || overlaps(&at, taken) {
                    break;
                }
                let words = text.get(at.clone()).unwrap_or_default().split_whitespace();
                all.extend(self.nearest(&words.collect::<Vec<_>>().join(" "), at, work));
            }
        }
        all
    }

    /// The names that are most alike to a stretch of words.
    fn nearest(&self, said: &str, at: Range<usize>, work: &mut Work) -> Option<Near<'_>> {
        let chars: Vec<char> = said.chars().collect();
        if !is_long_enough(said, chars.len()) {
            return None;
        }
        let (mask, places) = (letters(said), places(&chars));
        let shortest = (chars.len() * ALIKE_MIN).div_ceil(200 - ALIKE_MIN);
        let longest = chars.len() * (200 - ALIKE_MIN) / ALIKE_MIN;
        let mut best: Option<Near<'_>> = None;
        for ((_, length), names) in self.by_start.range((chars[0], shortest)..=(chars[0], longest)) {
            let apart_max = (100 - ALIKE_MIN) * (chars.len() + length) / 100;
            for name in names {
                if work.glances >= GLANCES_MAX || work.comparisons >= COMPARISONS_MAX {
                    return best;
                }
                work.glances += 1;
                if (mask ^ name.letters).count_ones() as usize > apart_max {
                    continue;
                }
                work.comparisons += 1;
                let alike = 200 * common(&places, &name.text) * 100 / (chars.len() + length);
                if alike < ALIKE_MIN * 100 || !digits(said).eq(digits(&name.text)) {
                    continue;
                }
                match &mut best {
                    Some(best) if best.alike == alike => best.names.push(name),
                    Some(best) if best.alike > alike => {}
                    Some(_) | None => best = Some(Near { at: at.clone(), alike, names: vec![name] }),
                }
            }
        }
        // What is a name as it stands was found before.
        best.filter(|best| best.alike < 100 * 100)
    }
}

fn is_long_enough(name: &str, chars: usize) -> bool {
    chars <= CHARS_MAX && name.chars().filter(|c| c.is_alphabetic()).count() >= LETTERS_MIN
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

/// Which letters a name has, one bit for each, so that a letter too many changes one bit at most.
fn letters(name: &str) -> u64 {
    name.chars().fold(0, |mask, c| mask | 1 << (u32::from(c) % 64))
}

/// The places of each letter, a bit for each.
fn places(name: &[char]) -> BTreeMap<char, u64> {
    let mut places = BTreeMap::new();
    for (at, c) in name.iter().enumerate().take(CHARS_MAX) {
        *places.entry(*c).or_default() |= 1 << at;
    }
    places
}

/// How many letters another name has in common with one, in the same order: the longest common subsequence, with a bit for each
/// letter of the first (Hyyrö 2004).
fn common(places: &BTreeMap<char, u64>, other: &str) -> usize {
    let mut open = u64::MAX;
    for c in other.chars() {
        let matched = open & places.get(&c).copied().unwrap_or_default();
        open = open.wrapping_add(matched) | (open - matched);
    }
    let whole = places.values().fold(0, |all, places| all | places);
    (!open & whole).count_ones() as usize
}

/// The one product that is meant; of several it is what their names begin with, for the system of record to search.
fn meant(near: &Near<'_>, values: &[(String, bool)]) -> Option<Found> {
    let distinct: BTreeSet<&(String, bool)> =
        near.names.iter().filter_map(|name| values.get(name.value)).collect();
    let (value, exact) = match (distinct.first(), distinct.len()) {
        (Some((value, exact)), 1) => (value.clone(), *exact),
        _ => (beginning(&near.names)?, false),
    };
    Some(Found { exact, ..Found::exact(SlotName::Product, &value, near.at.clone()) })
}

/// The words with which all the names begin, or else the first name.
fn beginning(names: &[&Name]) -> Option<String> {
    let (first, others) = names.split_first()?;
    let same = |(place, word): &(usize, &str)| {
        others.iter().all(|name| name.text.split(' ').nth(*place) == Some(word))
    };
    let words: Vec<&str> = first.text.split(' ').enumerate().take_while(same).map(|(_, word)| word).collect();
    Some(if words.is_empty() { first.text.clone() } else { words.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::normal::normalise;

    fn names(texts: impl Iterator<Item = String>) -> (Names, Vec<(String, bool)>) {
        let mut names = Names::default();
        let mut values = Vec::new();
        for text in texts {
            names.add(&text, values.len());
            values.push((text, true));
        }
        (names, values)
    }

    #[test]
    fn letters_in_common_are_counted_in_their_order() {
        let common = |a: &str, b: &str| common(&places(&a.chars().collect::<Vec<_>>()), b);
        for (a, b, expected) in
            [("abc", "abc", 3), ("abc", "cba", 1), ("abcde", "acxe", 3), ("", "a", 0), ("a", "", 0)]
        {
            assert_eq!(common(a, b), expected, "{a} {b}");
        }
        assert_eq!(common(&"ab".repeat(32), &"ba".repeat(32)), 63);
    }

    #[test]
    fn a_slip_is_found_among_twenty_thousand_names() {
        let list = (0..20_000).map(|n| format!("{} {} valve {n}", word(n), word(n / 26 + 7)));
        let (names, values) = names(list);
        let said = format!("do you have the {} {} vallve 777 in stock", word(777), word(777 / 26 + 7));
        let (found, work) = names.find(&said, &[], &values);
        let found: Vec<&str> = found.iter().map(|found| found.value.as_str()).collect();
        assert_eq!(found, [format!("{} {} valve 777", word(777), word(777 / 26 + 7))]);
        assert!(work.comparisons < COMPARISONS_MAX && work.glances < GLANCES_MAX, "{work:?}");
    }

    fn word(n: usize) -> String {
        (0..5)
            .map(|at| char::from(b'a' + u8::try_from((n * (at * at + 3) + 11 * at) % 26).unwrap()))
            .collect()
    }

    #[test]
    fn a_hostile_text_and_a_long_list_end_with_a_fixed_amount_of_work() {
        let alike = (0..20_000).map(|n| format!("aaaa{}aaaa{}", "b".repeat(n % 7), "a".repeat(n % 11)));
        let (names, values) = names(alike);
        for text in ["aaaabaaa ".repeat(12_000), "a".repeat(100 * 1024), "aaaaaaaa ".repeat(12_000)] {
            let (_, work) = names.find(normalise(&text).as_str(), &[], &values);
            assert!(work.comparisons <= COMPARISONS_MAX && work.glances <= GLANCES_MAX, "{work:?}");
        }
        let (_, work) = names.find(&"aaaabaaa ".repeat(12_000), &[], &values);
        assert_eq!(work.comparisons, COMPARISONS_MAX);
    }
}
