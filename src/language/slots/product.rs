//! Products by SKU and by name, whole or by its first words. A name that one product has is its SKU; a name that several
//! share stays a name, for the system of record to search.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::{Found, ProductName, ProductsError, SlotName, cues, fuzzy, overlaps, words};
use crate::language::normal::normalise;

/// Most products that are searched.
pub(super) const PRODUCTS_MAX: usize = 50_000;
/// Longest name that is searched, in words.
const WORDS_MAX: usize = 8;
/// Shorter names are everyday words too often: «در» is a door and "in".
const LETTERS_MIN: usize = 3;
/// Endings a Persian noun may carry in front of the next word.
const ENDINGS: &[&str] = &["ی", "ها", "های", "تون", "هاتون", "تان"];

#[derive(Debug)]
pub(super) struct Products {
    searcher: Option<AhoCorasick>,
    /// What each pattern stands for, and whether that is one product.
    values: Vec<(String, bool)>,
    names: fuzzy::Names,
}

/// Each way to write a product, with what it stands for.
struct Pattern {
    value: String,
    exact: bool,
    /// Whether it is a name, in which there may be a slip, and no SKU.
    is_name: bool,
}

impl Products {
    pub(super) fn new(products: &[ProductName]) -> Result<Self, ProductsError> {
        let too_many = ProductsError::TooMany { products: products.len() };
        if products.len() > PRODUCTS_MAX {
            return Err(too_many);
        }
        let patterns = patterns(products);
        let searcher = if patterns.is_empty() {
            None
        } else {
            Some(AhoCorasick::new(patterns.keys()).map_err(|_| too_many)?)
        };
        let mut names = fuzzy::Names::default();
        for (place, (text, _)) in patterns.iter().enumerate().filter(|(_, (_, pattern))| pattern.is_name) {
            names.add(text, place);
        }
        let values = patterns.into_values().map(|pattern| (pattern.value, pattern.exact)).collect();
        Ok(Self { searcher, values, names })
    }

    pub(super) fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<Found> {
        let mut found = self.known(text, taken);
        // A name that several products share may be the beginning of a longer one with a slip in it.
        let settled = found.iter().filter(|f| f.exact).map(|f| f.at.clone()).chain(taken.iter().cloned());
        let (alike, _) = self.names.find(text, &settled.collect::<Vec<_>>(), &self.values);
        for one in alike {
            let inside = |f: &Found| one.at.start <= f.at.start && f.at.end <= one.at.end && f.at != one.at;
            if found.iter().all(|f| inside(f) || !overlaps(&f.at, std::slice::from_ref(&one.at))) {
                found.retain(|f| !inside(f));
                found.push(one);
            }
        }
        let occupied: Vec<Range<usize>> = taken.iter().cloned().chain(super::taken(&found)).collect();
        found.extend(codes(text).filter(|f| !overlaps(&f.at, &occupied)));
        found
    }

    /// The longest of the known names that begin first, one after the other.
    fn known(&self, text: &str, taken: &[Range<usize>]) -> Vec<Found> {
        let Some(searcher) = &self.searcher else { return Vec::new() };
        let mut hits: Vec<(Range<usize>, usize)> = searcher
            .find_overlapping_iter(text)
            .map(|hit| (hit.range(), hit.pattern().as_usize()))
            .filter(|(at, _)| is_whole(text, at) && !overlaps(at, taken))
            .collect();
        hits.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
        let mut end = 0;
        let mut found = Vec::new();
        for (at, pattern) in hits {
            if at.start >= end
                && let Some((value, exact)) = self.values.get(pattern)
            {
                end = at.end;
                found.push(Found { exact: *exact, ..Found::exact(SlotName::Product, value, at) });
            }
        }
        found
    }
}

/// Every way to write a product.
fn patterns(products: &[ProductName]) -> BTreeMap<String, Pattern> {
    let mut patterns = BTreeMap::new();
    let mut shared: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut whole: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for product in products {
        for name in &product.names {
            let name = normalise(name);
            let words: Vec<&str> = name.as_str().split_whitespace().take(WORDS_MAX).collect();
            for count in 1..=words.len() {
                let pattern = words[..count].join(" ");
                let target = if count == words.len() { &mut whole } else { &mut shared };
                target.entry(pattern).or_default().insert(&product.sku);
            }
        }
    }
    for (name, skus) in shared.into_iter().chain(whole) {
        if name.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_MIN {
            continue;
        }
        let (value, exact) = match (skus.first(), skus.len()) {
            (Some(sku), 1) => ((*sku).to_owned(), true),
            _ => (name.clone(), false),
        };
        patterns.insert(name, Pattern { value, exact, is_name: true });
    }
    for product in products {
        let sku = normalise(&product.sku);
        let sku = sku.as_str().trim();
        for spelling in [sku.to_owned(), sku.replace('-', " "), sku.replace('-', ""), sku.replace('-', "_")] {
            if spelling.chars().count() >= LETTERS_MIN {
                let value = product.sku.clone();
                patterns.insert(spelling, Pattern { value, exact: true, is_name: false });
            }
        }
    }
    patterns
}

fn is_whole(text: &str, at: &Range<usize>) -> bool {
    if text[..at.start].ends_with(char::is_alphanumeric) {
        return false;
    }
    let rest =
        words::near_after(text, at.end).split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    rest.is_empty() || ENDINGS.contains(&rest)
}

/// Codes that look like a SKU though nobody told us of them: the system of record knows whether they exist.
fn codes(text: &str) -> impl Iterator<Item = Found> {
    text.match_indices('-').take(32).filter_map(|(dash, _)| {
        let bytes = text.as_bytes();
        let letters = bytes[..dash].iter().rev().take(6).take_while(|b| b.is_ascii_alphabetic()).count();
        let digits = bytes[dash + 1..].iter().take(7).take_while(|b| b.is_ascii_digit()).count();
        let at = dash - letters..dash + 1 + digits;
        let prefix = text.get(at.start..dash)?;
        let fits = (2..=5).contains(&letters)
            && (2..=6).contains(&digits)
            && cues::document(prefix, "").is_none()
            && !matches!(prefix, "no" | "tel" | "ext" | "num" | "covid")
            && !text[..at.start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '@' | '.'))
            && !text[at.end..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '@'));
        fits.then(|| Found::exact(SlotName::Product, &text[at.clone()].to_uppercase(), at))
    })
}
