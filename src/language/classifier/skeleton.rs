//! One consonant string for a word in either script, so that `sefaresh` meets «سفارش» without a dictionary: Persian is mostly
//! written without its short vowels, and Latin spellings of it differ mostly in the vowels. It may not see whole texts.

/// Writes the consonant skeleton of `word`, which is in normal form, to `out`; empty when the word has no consonant.
///
/// Vowels and the letters that may stand for one are left out, doubles are written once, a silent final `h` goes.
pub(super) fn consonants(word: &[char], out: &mut Vec<char>) {
    out.clear();
    let mut rest = word.iter().copied().peekable();
    while let Some(c) = rest.next() {
        let consonant = match (c, rest.peek()) {
            ('k', Some('h')) => digraph(&mut rest, 'x'),
            ('c', Some('h')) => digraph(&mut rest, 'C'),
            ('s', Some('h')) => digraph(&mut rest, 'S'),
            ('z', Some('h')) => digraph(&mut rest, 'Z'),
            ('g', Some('h')) => digraph(&mut rest, 'q'),
            _ => consonant(c),
        };
        if let Some(consonant) = consonant
            && out.last() != Some(&consonant)
        {
            out.push(consonant);
        }
    }
    if out.len() > 1 && matches!(word.last(), Some('h' | 'ه')) && out.last() == Some(&'h') {
        out.pop();
    }
}

fn digraph(rest: &mut impl Iterator<Item = char>, consonant: char) -> Option<char> {
    rest.next().map(|_| consonant)
}

fn consonant(c: char) -> Option<char> {
    Some(match c {
        'b' | 'ب' => 'b',
        'p' | 'پ' => 'p',
        't' | 'ت' | 'ط' => 't',
        's' | 'ث' | 'س' | 'ص' => 's',
        'j' | 'ج' => 'j',
        'چ' => 'C',
        'h' | 'ح' | 'ه' => 'h',
        'x' | 'خ' => 'x',
        'd' | 'د' => 'd',
        'z' | 'ذ' | 'ز' | 'ض' | 'ظ' => 'z',
        'r' | 'ر' => 'r',
        'ژ' => 'Z',
        'ش' => 'S',
        'q' | 'غ' | 'ق' => 'q',
        'f' | 'ف' => 'f',
        'k' | 'c' | 'ک' => 'k',
        'g' | 'گ' => 'g',
        'l' | 'ل' => 'l',
        'm' | 'م' => 'm',
        'n' | 'ن' => 'n',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton(word: &str) -> String {
        let mut out = Vec::new();
        consonants(&word.chars().collect::<Vec<_>>(), &mut out);
        out.into_iter().collect()
    }

    #[test]
    fn a_persian_word_and_its_latin_spelling_meet() {
        for (persian, latin, expected) in [
            ("سفارش", "sefaresh", "sfrS"),
            ("کجاست", "kojast", "kjst"),
            ("خرید", "kharid", "xrd"),
            ("چقدر", "cheqadr", "Cqdr"),
            ("قیمت", "gheymat", "qmt"),
            ("موجودی", "mojoodi", "mjd"),
            ("مرخصی", "morakhasi", "mrxs"),
            ("خانه", "khaneh", "xn"),
            ("محصول", "mahsool", "mhsl"),
        ] {
            assert_eq!(skeleton(persian), expected, "{persian}");
            assert_eq!(skeleton(latin), expected, "{latin}");
        }
    }

    #[test]
    fn a_word_without_consonants_has_no_skeleton() {
        for word in ["", "i", "ای", "45001", "👍"] {
            assert_eq!(skeleton(word), "", "{word}");
        }
    }
}
