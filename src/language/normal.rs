//! The normal form: one spelling for what a person wrote, whatever keyboard, font or platform it came from, so that slots and
//! the classifier see `ی` where five code points are in use. Every place in it leads back to the original text, which stays
//! what is shown and quoted. It may not guess: a step that loses meaning belongs to the reader that wants it lost.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Grows with every change of the normal form: a model trained on another version no longer fits.
pub const NORMAL_FORM_VERSION: u16 = 1;

/// A text in normal form, with the way back to the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalText {
    text: String,
    segments: Vec<Segment>,
    original_len: usize,
}

/// A stretch of the normal text and where it began in the original; it ends where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    normal: usize,
    original: usize,
    /// Every character came from one character of equal length, so that offsets inside count along; otherwise the stretch
    /// can only be mapped as a whole.
    parallel: bool,
}

impl NormalText {
    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The byte range of the original text that `normal`, a byte range of the normal text, came from. A range that is out of
    /// bounds or splits a character is cut or widened to whole characters.
    pub fn original_range(&self, normal: Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(normal.start);
        let end = self.text.ceil_char_boundary(normal.end).max(start);
        if start == end {
            let at = self.original_start(start);
            return at..at;
        }
        self.original_start(start)..self.original_end(end)
    }

    fn original_start(&self, at: usize) -> usize {
        if at >= self.text.len() {
            return self.original_len;
        }
        self.segment_of(at)
            .map_or(0, |(_, s)| if s.parallel { s.original + (at - s.normal) } else { s.original })
    }

    fn original_end(&self, end: usize) -> usize {
        self.segment_of(end - 1).map_or(0, |(next, s)| {
            if s.parallel {
                s.original + (end - s.normal)
            } else {
                self.segments.get(next).map_or(self.original_len, |n| n.original)
            }
        })
    }

    fn segment_of(&self, at: usize) -> Option<(usize, Segment)> {
        let next = self.segments.partition_point(|s| s.normal <= at);
        next.checked_sub(1).and_then(|i| self.segments.get(i)).map(|s| (next, *s))
    }
}

/// Brings `original` into normal form: compatibility forms folded (NFKC), Arabic and Urdu letters to the Persian ones, vowel
/// marks, tatweel and bidi controls gone, joiners to spaces, Persian and Arabic digits and punctuation to ASCII, lower case.
pub fn normalise(original: &str) -> NormalText {
    let mut text = String::with_capacity(original.len());
    let mut segments: Vec<Segment> = Vec::with_capacity(8);
    let mut scratch = String::new();
    let mut chars = original.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        let mut end = start + first.len_utf8();
        let first_end = end;
        while let Some((at, c)) = chars.next_if(|(_, c)| joins_previous(*c)) {
            end = at + c.len_utf8();
        }
        let normal = text.len();
        let one_char = if end == first_end && first.is_ascii() {
            text.push(first.to_ascii_lowercase());
            true
        } else {
            fold_cluster(&original[start..end], &mut scratch);
            let mut folded = scratch.chars();
            if folded.next().is_some() && folded.next().is_none() {
                text.push_str(&scratch);
                end == first_end
            } else {
                text.extend(scratch.nfc());
                false
            }
        };
        let parallel = one_char && text.len() - normal == end - start;
        if !parallel || !segments.last().is_some_and(|s| s.parallel) {
            segments.push(Segment { normal, original: start, parallel });
        }
    }
    NormalText { text, segments, original_len: original.len() }
}

/// Whether `c` may melt into the character before it, so that both must be folded together.
fn joins_previous(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    if is_dropped(c) {
        return true;
    }
    if c < '\u{0300}' {
        return false;
    }
    let mut first = None;
    decompose_compatible(c, |d| first = first.or((!is_dropped(d)).then_some(d)));
    first.is_none_or(|d| {
        canonical_combining_class(d) != 0 || is_nfkc_quick(std::iter::once(d)) == IsNormalized::Maybe
    })
}

/// Folds the decomposed letters of one cluster into `out`. Folding stands between decomposing and composing, else a mark
/// that goes or a letter that changes would leave neighbours that compose only the next time.
fn fold_cluster(cluster: &str, out: &mut String) {
    out.clear();
    for c in cluster.nfkd().filter(|c| !is_dropped(*c)) {
        match fold_char(c) {
            Some(folded) => out.push(folded),
            None => out.extend(c.to_lowercase()),
        }
    }
}

/// Marks that carry no letter: Arabic vowel marks and hamza signs, tatweel, bidi controls, invisible joiners and selectors.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{0640}' | '\u{061C}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2060}' | '\u{00AD}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

fn fold_char(c: char) -> Option<char> {
    Some(match c {
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        'ة' | 'ە' | 'ہ' => 'ه',
        'ٱ' => 'ا',
        '\u{200C}' | '\u{200D}' | '\u{200B}' => ' ',
        '۰'..='۹' => ascii_digit(c, '۰'),
        '٠'..='٩' => ascii_digit(c, '٠'),
        '٬' | '،' => ',',
        '٫' => '.',
        '٪' => '%',
        '؛' => ';',
        '؟' => '?',
        _ => return None,
    })
}

fn ascii_digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        normalise(text).as_str().to_owned()
    }

    #[test]
    fn one_spelling_comes_out_of_many() {
        for (original, expected) in [
            ("", ""),
            ("علي كريمى", "علی کریمی"),
            ("مسئول خانۀ آقای مؤمن، إيران أمّة ٱلف", "مسیول خانه اقای مومن, ایران امه الف"),
            ("ۀ ۂ ة ہ", "ه ه ه ه"),
            ("سفارش ۴۵۰۰۱", "سفارش 45001"),
            ("سفارش ٤٥٠٠١", "سفارش 45001"),
            ("۱٬۲۰۰٫۵ ٪؛ ؟", "1,200.5 %; ?"),
            ("می\u{200C}خواهم", "می خواهم"),
            ("a\u{200D}b\u{00A0}c", "a b c"),
            ("سَفارِشٌ مُحَمَّد", "سفارش محمد"),
            ("ســـفـــارش", "سفارش"),
            ("\u{FEFF}\u{202B}سفارش\u{202C}\u{200F} \u{2067}12\u{2069}", "سفارش 12"),
            ("ﺳﻔﺎﺭﺵ ﻻ", "سفارش لا"),
            ("Ｏrder １２ ＡＢ ™", "order 12 ab tm"),
            ("CAFÉ Cafe\u{0301}", "café café"),
            ("a\u{200E}\u{0301} H\u{0331}", "á ẖ"),
            ("a\u{0300}ﹽ\u{0316}", "à\u{0316}"),
        ] {
            assert_eq!(normal(original), expected, "{original:?}");
        }
    }

    #[test]
    fn a_place_in_the_normal_form_leads_back_to_the_original() {
        for (original, found, expected) in [
            ("where is ORDER 45001?", "45001", "45001"),
            ("سفارش ۴۵۰۰۱ کجاست", "45001", "۴۵۰۰۱"),
            ("\u{200F}سَفارِش ٤٥", "سفارش", "سَفارِش"),
            ("می\u{200C}خواهم ﻻ بعد", "لا", "ﻻ"),
            ("قیمت Ｌaptop چند", "laptop", "Ｌaptop"),
            ("علي ۱۲", "12", "۱۲"),
        ] {
            let text = normalise(original);
            let at = text.as_str().find(found).unwrap();
            assert_eq!(&original[text.original_range(at..at + found.len())], expected);
        }
    }

    #[test]
    fn half_of_a_folded_pair_leads_back_to_the_whole() {
        let original = "aﻻb";
        let text = normalise(original);
        assert_eq!(text.as_str(), "aلاb");
        assert_eq!(&original[text.original_range(1..3)], "ﻻ");
        assert_eq!(&original[text.original_range(3..5)], "ﻻ");
        assert_eq!(text.original_range(0..99), 0..original.len());
        assert_eq!(text.original_range(99..99), original.len()..original.len());
    }

    fn hostile_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[a-zA-Z0-9 ]{0,6}",
            "[\u{0600}-\u{06FF}]{0,6}",
            "[\u{0300}-\u{0345}\u{0653}\u{0654}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{FE70}-\u{FEFF}\u{FB50}-\u{FDFF}]{0,6}",
            "[\u{1100}-\u{11FF}\u{AC00}-\u{AC20}\u{3099}\u{FF66}-\u{FF9F}\u{1E00}-\u{1FFF}\u{2100}-\u{2190}]{0,6}",
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(original in hostile_text()) {
            let once = normal(&original);
            prop_assert_eq!(normal(&once), once);
        }

        #[test]
        fn every_range_leads_to_whole_characters_in_bounds(original in hostile_text(), a in 0_usize..80, b in 0_usize..80) {
            let text = normalise(&original);
            let range = text.original_range(a..b);
            prop_assert!(original.get(range.clone()).is_some(), "{range:?}");
            prop_assert_eq!(text.original_range(0..text.as_str().len()).end, if text.as_str().is_empty() { range.end } else { original.len() });
        }

        #[test]
        fn a_range_of_untouched_text_is_itself(original in "[a-z0-9 ]{0,40}", a in 0_usize..40, b in 0_usize..40) {
            let (a, b) = (a.min(original.len()), b.min(original.len()));
            let range = a.min(b)..a.max(b);
            prop_assert_eq!(normalise(&original).original_range(range.clone()), range);
        }
    }
}
