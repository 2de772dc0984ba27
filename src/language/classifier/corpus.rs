//! The training texts as numbers: which feature is which row, how much each counts, and every text as a unit vector. It may not
//! know intents; the model measures a new text with the same two functions, so that training and use cannot drift apart.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::features::{Extractor, Kind};
use super::svm::Row;

/// Feature hash to row. The keys are well mixed already and fixed when the model is made, so nobody can choose them to collide.
pub(super) type Table = HashMap<u64, u32, BuildHasherDefault<AsIs>>;

/// Passes a 64-bit hash through.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The features of one text: known rows with how often they occur, and how much of the text was known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) rows: Vec<(u32, u32)>,
    pub(super) words: u32,
    pub(super) known_words: u32,
    pub(super) all: u32,
}

impl Counts {
    /// Counts sorted row numbers.
    fn tally(&mut self, found: &mut [u32]) {
        found.sort_unstable();
        for row in found.iter() {
            match self.rows.last_mut() {
                Some((last, times)) if last == row => *times += 1,
                _ => self.rows.push((*row, 1)),
            }
        }
    }
}

/// Takes `normal` apart and looks its features up.
pub(super) fn count(normal: &str, table: &Table, extractor: &mut Extractor) -> Counts {
    let mut counts = Counts::default();
    let mut found = Vec::with_capacity(4 * normal.len());
    extractor.features(normal, |kind, hash, _| {
        let row = table.get(&hash).copied();
        counts.all += 1;
        if kind == Kind::Word {
            counts.words += 1;
            counts.known_words += u32::from(row.is_some());
        }
        found.extend(row);
    });
    counts.tally(&mut found);
    counts
}

/// The unit vector of a text: rare features count more, repetition counts by its logarithm. Rows of no importance are left out.
pub(super) fn unit_vector(counts: &Counts, importance: &[f32]) -> Row {
    let mut row: Row = Vec::with_capacity(counts.rows.len());
    let mut square = 0.0;
    for (feature, times) in &counts.rows {
        let value =
            importance[*feature as usize] * if *times == 1 { 1.0 } else { 1.0 + (*times as f32).ln() };
        if value > 0.0 {
            square += value * value;
            row.push((*feature, value));
        }
    }
    let scale = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
    row.iter_mut().for_each(|(_, value)| *value *= scale);
    row
}

/// All training texts.
pub(super) struct Corpus {
    pub(super) hashes: Vec<u64>,
    pub(super) texts: Vec<Counts>,
    kinds: Vec<Kind>,
    words: Vec<Vec<u32>>,
}

impl Corpus {
    /// Reads `normal` texts; every feature that occurs gets a row, in the order of first sight.
    pub(super) fn read<'a>(normal: impl Iterator<Item = &'a str>) -> Self {
        let mut corpus = Self { hashes: Vec::new(), texts: Vec::new(), kinds: Vec::new(), words: Vec::new() };
        let (mut table, mut extractor, mut found) = (Table::default(), Extractor::default(), Vec::new());
        for text in normal {
            found.clear();
            let (mut counts, mut words) = (Counts::default(), Vec::new());
            extractor.features(text, |kind, hash, _| {
                let row = *table.entry(hash).or_insert_with(|| {
                    corpus.hashes.push(hash);
                    corpus.kinds.push(kind);
                    corpus.hashes.len() as u32 - 1
                });
                if kind == Kind::Word {
                    words.push(row);
                }
                found.push(row);
            });
            counts.all = found.len() as u32;
            counts.words = words.len() as u32;
            counts.known_words = counts.words;
            counts.tally(&mut found);
            corpus.texts.push(counts);
            corpus.words.push(words);
        }
        corpus
    }

    /// Inverse document frequency of every row over the texts in `seen`, 0 for a row they do not hold. A pair of words seen
    /// once says nothing that its words do not say, and would be half of the model.
    pub(super) fn importance(&self, seen: &[usize]) -> Vec<f32> {
        let mut texts_with = vec![0_u32; self.hashes.len()];
        for (row, _) in seen.iter().flat_map(|i| &self.texts[*i].rows) {
            texts_with[*row as usize] += 1;
        }
        let all = seen.len() as f32;
        let value = |(with, kind): (&u32, &Kind)| match (with, kind) {
            (0, _) | (1, Kind::Pair | Kind::SkeletonPair) => 0.0,
            (with, kind) => kind.weight() * (((1.0 + all) / (1.0 + *with as f32)).ln() + 1.0),
        };
        texts_with.iter().zip(&self.kinds).map(value).collect()
    }

    /// Forgets the rows that have no importance even over all texts, and numbers the others anew.
    pub(super) fn prune(&mut self) {
        let all: Vec<usize> = (0..self.texts.len()).collect();
        let kept: Vec<bool> = self.importance(&all).iter().map(|i| *i > 0.0).collect();
        let mut next = 0;
        let new: Vec<Option<u32>> = kept
            .iter()
            .map(|kept| {
                kept.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        let renumber = |row: u32| new[row as usize];
        retain(&mut self.hashes, &kept);
        retain(&mut self.kinds, &kept);
        for text in &mut self.texts {
            text.rows = text.rows.iter().filter_map(|(row, times)| Some((renumber(*row)?, *times))).collect();
        }
        for words in &mut self.words {
            *words = words.iter().filter_map(|row| renumber(*row)).collect();
        }
    }

    /// The counts of text `i` as a model would see them that knows only rows with importance.
    pub(super) fn counts_under(&self, i: usize, importance: &[f32]) -> Counts {
        let known = |row: u32| importance[row as usize] > 0.0;
        let rows = self.texts[i].rows.iter().copied().filter(|(row, _)| known(*row)).collect();
        let known_words = self.words[i].iter().filter(|row| known(**row)).count() as u32;
        Counts { rows, known_words, ..self.texts[i].clone() }
    }
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().is_some_and(|kept| *kept));
}
