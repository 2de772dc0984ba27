//! What the classifier sees of a text: words and pairs of words, letter groups inside words, and the same of the consonant
//! skeletons, each as a 64-bit hash so that no string is built per feature. The hash is part of the model format: it may
//! never change without a new format version.

use super::skeleton;

/// How much of a message is read; what a person asks stands at its beginning.
const MAX_CHARS: usize = 2_000;

/// What a feature was made of. The value is part of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word = 1,
    Pair = 2,
    Letters = 3,
    SkeletonWord = 4,
    SkeletonPair = 5,
    SkeletonLetters = 6,
}

impl Kind {
    /// Skeletons are a bridge between scripts, and count half so that they do not blur words of one script.
    pub(super) fn weight(self) -> f32 {
        match self {
            Self::Word | Self::Pair | Self::Letters => 1.0,
            Self::SkeletonWord | Self::SkeletonPair | Self::SkeletonLetters => 0.5,
        }
    }
}

/// Takes the features of texts apart; keeps its buffers from one text to the next.
#[derive(Default)]
pub(super) struct Extractor {
    words: Words,
    skeletons: Words,
    skeleton: Vec<char>,
}

/// Words in one buffer, each padded with a space on both sides.
#[derive(Default)]
struct Words {
    chars: Vec<char>,
    ends: Vec<usize>,
}

impl Extractor {
    /// Calls `see` with every feature of `normal`, a text in normal form, as often as it occurs, and with its letters.
    pub(super) fn features(&mut self, normal: &str, mut see: impl FnMut(Kind, u64, &[char])) {
        self.words.split(normal);
        self.skeletons.clear();
        for word in self.words.iter() {
            skeleton::consonants(&word[1..word.len() - 1], &mut self.skeleton);
            if !self.skeleton.is_empty() {
                self.skeletons.push(self.skeleton.iter().copied());
            }
        }
        self.words.features([Kind::Word, Kind::Pair, Kind::Letters], &mut see);
        self.skeletons.features([Kind::SkeletonWord, Kind::SkeletonPair, Kind::SkeletonLetters], &mut see);
    }
}

impl Words {
    fn clear(&mut self) {
        self.chars.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &[char]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.chars[start..*end])
    }

    fn push(&mut self, word: impl IntoIterator<Item = char>) {
        self.chars.push(' ');
        self.chars.extend(word);
        self.chars.push(' ');
        self.ends.push(self.chars.len());
    }

    /// Splits at everything that is neither letter nor digit. Addresses and phone numbers become one word each, every digit
    /// becomes 0 and letters repeated for stress are cut to two: their exact form says nothing about what is meant.
    fn split(&mut self, normal: &str) {
        self.clear();
        let end = normal.char_indices().nth(MAX_CHARS).map_or(normal.len(), |(at, _)| at);
        for chunk in normal[..end].split_whitespace() {
            match shape(chunk) {
                Some(name) => self.push(name.chars()),
                None => self.split_chunk(chunk),
            }
        }
    }

    fn split_chunk(&mut self, chunk: &str) {
        for word in chunk.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            let (mut last, mut run) = (' ', 0);
            self.push(word.chars().filter_map(|c| {
                let c = if c.is_numeric() { '0' } else { c };
                run = if c == last { run + 1 } else { 1 };
                last = c;
                (run <= 2 || c == '0').then_some(c)
            }));
        }
    }

    fn features(
        &self,
        [word_kind, pair_kind, letters_kind]: [Kind; 3],
        see: &mut impl FnMut(Kind, u64, &[char]),
    ) {
        let (mut previous, mut start_of_pair, mut start_of_word) = (None, 0, 0);
        for word in self.iter() {
            let end_of_word = start_of_word + word.len();
            let hash = word.iter().fold(0, |h, c| mix(h, u64::from(*c)));
            see(word_kind, finish(word_kind, hash), word);
            if let Some(previous) = previous {
                let both = &self.chars[start_of_pair..end_of_word];
                see(pair_kind, finish(pair_kind, mix(previous, hash)), both);
            }
            previous = Some(hash);
            (start_of_pair, start_of_word) = (start_of_word, end_of_word);
            for start in 0..word.len() - 2 {
                let group = &word[start..start + 3];
                let three = group.iter().fold(0, |h, c| mix(h, u64::from(*c)));
                see(letters_kind, finish(letters_kind, three), group);
                if let Some(fourth) = word.get(start + 3) {
                    let four = &word[start..start + 4];
                    see(letters_kind, finish(letters_kind, mix(three, u64::from(*fourth))), four);
                }
            }
        }
    }
}

/// The one word that stands for an e-mail address, a web address or a phone number.
fn shape(chunk: &str) -> Option<&'static str> {
    if chunk.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
        return Some("email");
    }
    if ["http://", "https://", "www."].iter().any(|start| chunk.starts_with(start)) {
        return Some("url");
    }
    let digits = chunk.bytes().filter(u8::is_ascii_digit).count();
    let phone = chunk.starts_with(['0', '+']) && (10..=15).contains(&digits);
    (phone && chunk.bytes().all(|b| b.is_ascii_digit() || b"+-().".contains(&b))).then_some("phone")
}

fn mix(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(5) ^ next).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn finish(kind: Kind, hash: u64) -> u64 {
    let h = mix(hash, kind as u64);
    let h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    h ^ (h >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn features(text: &str) -> HashSet<u64> {
        let mut found = HashSet::new();
        Extractor::default().features(text, |_, hash, _| {
            found.insert(hash);
        });
        found
    }

    #[test]
    fn what_says_nothing_about_the_meaning_makes_no_difference() {
        for (a, b) in [
            ("order 45001", "order 98312"),
            ("pleasee!!!", "pleaseeeee"),
            ("mail it to a@b.ir", "mail it to someone.else@example.com"),
            ("see https://a.ir/x?y=1", "see www.example.com"),
            ("call 09121234567", "call +98-21-88776655"),
        ] {
            assert_eq!(features(a), features(b), "{a} / {b}");
        }
    }

    #[test]
    fn a_number_is_no_phone_number_and_a_word_no_address() {
        assert_ne!(features("45001"), features("09121234567"));
        assert_ne!(features("@ali"), features("a@b.ir"));
        assert!(features("👍 ؟!").is_empty());
    }

    #[test]
    fn only_the_beginning_of_an_endless_message_is_read() {
        let long = "سفارش ".repeat(MAX_CHARS);
        assert_eq!(features(&long), features(&long.repeat(2)));
        let late = long.clone() + "فاکتور";
        assert_eq!(features(&late), features(&long));
    }
}
