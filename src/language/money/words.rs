//! The words of amounts in normal form: Persian, English and the Persian ones in Latin letters.

/// What an amount is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Rial,
    /// As it is spoken, two of them are two thousand or two million.
    Toman,
}

/// A unit by its word.
pub(super) fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "ریال" | "ریالی" | "ریاله" | "rial" | "rials" | "riyal" | "riyals" | "irr" | "rls" => {
            Unit::Rial
        }
        "تومان" | "تومانی" | "تومانه" | "tomans" | "irt" | "تومن" | "تومنی" | "تومنه" | "ت" | "toman"
        | "tooman" | "tomani" | "tomane" | "tomn" | "tumen" | "tuman" => Unit::Toman,
        _ => return None,
    })
}

/// A word that makes thousands, millions or more of the number before it.
pub(super) fn scale(word: &str) -> Option<u64> {
    Some(match word {
        "هزار" | "هزارتا" | "hezar" | "hezaar" | "thousand" | "thousands" => 1_000,
        "میلیون" | "ملیون" | "milion" | "milyon" | "melyon" | "million" | "millions" | "mln" => {
            1_000_000
        }
        "میلیارد" | "ملیارد" | "milyard" | "miliard" | "milliard" | "billion" | "billions" | "bn" => {
            1_000_000_000
        }
        "تریلیون" | "trillion" | "trillions" => 1_000_000_000_000,
        _ => return None,
    })
}

/// The same by one letter, right behind the digits.
pub(super) fn scale_letter(word: &str) -> Option<u64> {
    Some(match word {
        "k" => 1_000,
        "m" => 1_000_000,
        "b" => 1_000_000_000,
        _ => return None,
    })
}

/// A word that multiplies and its unit written as one: `هزارتومن`.
pub(super) fn glued(word: &str) -> Option<usize> {
    ["هزار", "میلیون", "ملیون", "میلیارد", "ملیارد"]
        .iter()
        .find(|scale| word.strip_prefix(**scale).is_some_and(|rest| unit(rest).is_some()))
        .map(|scale| scale.len())
}

/// Whether a word joins the parts of a number.
pub(super) fn joins(word: &str) -> bool {
    is_spoken_and(word) || word == "and"
}

/// Whether it joins them in Persian, where what follows may be thousands that nobody names.
pub(super) fn is_spoken_and(word: &str) -> bool {
    matches!(word, "و" | "o" | "va")
}

/// Whether a word is a half.
pub(super) fn is_half(word: &str) -> bool {
    matches!(word, "نیم" | "nim" | "half")
}

/// Whether a word says from one number to another.
pub(super) fn is_up_to(word: &str) -> bool {
    matches!(word, "تا" | "الی" | "یا" | "to" | "or" | "ta" | "ya" | "-")
}

/// Whether nobody knows how many thousands are meant: «چند هزار».
pub(super) fn is_some(word: &str) -> bool {
    matches!(word, "چند" | "چندین" | "چندصد" | "هر" | "chand" | "few" | "several" | "many" | "per" | "each")
}

/// A number below a thousand that is one word.
pub(super) fn small(word: &str) -> Option<u32> {
    const ONES: [&[&str]; 19] = [
        &["یک", "یه", "یکی", "one", "yek", "ye"],
        &["دو", "two", "do"],
        &["سه", "three", "se"],
        &["چهار", "چار", "four", "chahar", "char"],
        &["پنج", "five", "panj"],
        &["شش", "شیش", "six", "shesh", "shish"],
        &["هفت", "seven", "haft"],
        &["هشت", "eight", "hasht"],
        &["نه", "nine", "noh"],
        &["ده", "ten", "dah"],
        &["یازده", "eleven", "yazdah"],
        &["دوازده", "twelve", "davazdah"],
        &["سیزده", "thirteen", "sizdah"],
        &["چهارده", "چارده", "fourteen", "chahardah"],
        &["پانزده", "پونزده", "fifteen", "panzdah", "poonzdah"],
        &["شانزده", "شونزده", "sixteen", "shanzdah", "shoonzdah"],
        &["هفده", "هیفده", "seventeen", "hefdah"],
        &["هجده", "هیجده", "eighteen", "hejdah"],
        &["نوزده", "nineteen", "noozdah"],
    ];
    const TENS: [&[&str]; 8] = [
        &["بیست", "twenty", "bist"],
        &["سی", "thirty", "si"],
        &["چهل", "forty", "chehel"],
        &["پنجاه", "fifty", "panjah"],
        &["شصت", "sixty", "shast"],
        &["هفتاد", "seventy", "haftad"],
        &["هشتاد", "eighty", "hashtad"],
        &["نود", "ninety", "navad"],
    ];
    const HUNDREDS: [&[&str]; 9] = [
        &["صد", "یکصد", "sad", "yeksad"],
        &["دویست", "devist"],
        &["سیصد", "sisad"],
        &["چهارصد", "چارصد", "chaharsad"],
        &["پانصد", "پونصد", "pansad", "poonsad"],
        &["ششصد", "شیشصد", "sheshsad", "shishsad"],
        &["هفتصد", "haftsad"],
        &["هشتصد", "hashtsad"],
        &["نهصد", "nohsad"],
    ];
    let find = |words: &[&[&str]], first: u32, step: u32| {
        let place = words.iter().position(|words| words.contains(&word))?;
        Some(first + step * u32::try_from(place).ok()?)
    };
    find(&ONES, 1, 1).or_else(|| find(&TENS, 20, 10)).or_else(|| find(&HUNDREDS, 100, 100))
}
