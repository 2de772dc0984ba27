//! Numbers and amounts in words, so that a slip of one digit is seen before something is written. What is no number, or is too
//! large to be said, has no words: nothing is guessed.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::number::{decimal, money};
use super::script::Language;

/// One above the largest number that is said.
const TOO_LARGE: u64 = 1_000_000_000_000;
const RIALS_A_TOMAN: u64 = 10;

const SMALL_FA: [&str; 20] = [
    "صفر",
    "یک",
    "دو",
    "سه",
    "چهار",
    "پنج",
    "شش",
    "هفت",
    "هشت",
    "نه",
    "ده",
    "یازده",
    "دوازده",
    "سیزده",
    "چهارده",
    "پانزده",
    "شانزده",
    "هفده",
    "هجده",
    "نوزده",
];
const TENS_FA: [&str; 10] = ["", "", "بیست", "سی", "چهل", "پنجاه", "شصت", "هفتاد", "هشتاد", "نود"];
const HUNDREDS_FA: [&str; 10] =
    ["", "صد", "دویست", "سیصد", "چهارصد", "پانصد", "ششصد", "هفتصد", "هشتصد", "نهصد"];
const SMALL_EN: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS_EN: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// What counts in thousands, the largest first.
const SCALES: [(u64, &str, &str); 3] =
    [(1_000_000_000, "میلیارد", "billion"), (1_000_000, "میلیون", "million"), (1_000, "هزار", "thousand")];

/// A decimal number in words, its decimals digit by digit: `1200.5` is «هزار و دویست ممیز پنج» and `one thousand two hundred
/// point five`. None for what is no number, or a million million and more.
pub fn in_words(number: &str, language: Language) -> Option<String> {
    let value = Decimal::from_str(number.trim()).ok()?.normalize();
    let text = value.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let mut said = whole_words(whole.parse().ok().filter(|whole| *whole < TOO_LARGE)?, language);
    let (minus, point) = match language {
        Language::Fa => ("منفی", "ممیز"),
        Language::En => ("minus", "point"),
    };
    if !fraction.is_empty() {
        said = format!("{said} {point}");
        for digit in fraction.chars().filter_map(|digit| digit.to_digit(10)) {
            said = format!("{said} {}", small(u64::from(digit), language));
        }
    }
    Some(if value.is_sign_negative() && !value.is_zero() { format!("{minus} {said}") } else { said })
}

/// An amount of whole Rials in digits, and in words in what people count in: «۲۰٬۰۰۰٬۰۰۰ ریال (دو میلیون تومان)».
pub fn amount(rials: &str, language: Language) -> String {
    let digits = match language {
        Language::Fa => money(rials, "IRR", language),
        Language::En => format!("{} Rial", decimal(rials, language)),
    };
    let whole = rials.trim().parse::<u64>().ok();
    let (count, unit) = match whole.filter(|whole| whole % RIALS_A_TOMAN == 0) {
        Some(whole) => ((whole / RIALS_A_TOMAN).to_string(), toman(language)),
        None => (rials.to_owned(), rial(language)),
    };
    match in_words(&count, language) {
        Some(words) if whole.is_some() => format!("{digits} ({words} {unit})"),
        Some(_) | None => digits,
    }
}

/// Whole Rials as an amount of Toman, the short way it is asked about: «۲٫۵ میلیون تومان». None when it is none.
pub fn short_toman(rials: &str, language: Language) -> Option<String> {
    let rials = rials.trim().parse::<u64>().ok().filter(|rials| rials % RIALS_A_TOMAN == 0)?;
    Some(format!("{} {}", short(rials / RIALS_A_TOMAN, language), toman(language)))
}

/// Whole Rials the short way: «۲ میلیون ریال». None when it is none.
pub fn short_rial(rials: &str, language: Language) -> Option<String> {
    Some(format!("{} {}", short(rials.trim().parse().ok()?, language), rial(language)))
}

const fn toman(language: Language) -> &'static str {
    match language {
        Language::Fa => "تومان",
        Language::En => "Toman",
    }
}

const fn rial(language: Language) -> &'static str {
    match language {
        Language::Fa => "ریال",
        Language::En => "Rial",
    }
}

/// A round number with the word for its zeros, any other in digits alone.
fn short(number: u64, language: Language) -> String {
    let short = SCALES.iter().find(|(scale, _, _)| number >= *scale).and_then(|(scale, fa, en)| {
        let decimals = number % scale;
        let tenths = decimals.checked_mul(10).filter(|tenths| tenths % scale == 0)? / scale;
        let count = decimal(&format!("{}.{tenths}", number / scale), language);
        Some(match language {
            Language::Fa => format!("{count} {fa}"),
            Language::En => format!("{count} {en}"),
        })
    });
    short.unwrap_or_else(|| decimal(&number.to_string(), language))
}

fn whole_words(mut number: u64, language: Language) -> String {
    if number == 0 {
        return small(0, language).to_owned();
    }
    let mut parts = Vec::new();
    for (scale, fa, en) in SCALES {
        let count = number / scale;
        number %= scale;
        if count == 0 {
            continue;
        }
        match language {
            // Nobody says "one thousand" in Persian.
            Language::Fa if count == 1 && scale == 1_000 => parts.push(fa.to_owned()),
            Language::Fa => parts.push(format!("{} {fa}", below_thousand(count, language))),
            Language::En => parts.push(format!("{} {en}", below_thousand(count, language))),
        }
    }
    if number > 0 {
        parts.push(below_thousand(number, language));
    }
    match language {
        Language::Fa => parts.join(" و "),
        Language::En => parts.join(" "),
    }
}

fn below_thousand(number: u64, language: Language) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    let rest = (rest > 0).then(|| below_hundred(rest, language));
    let hundreds = (hundreds > 0).then(|| match language {
        Language::Fa => word(&HUNDREDS_FA, hundreds).to_owned(),
        Language::En => format!("{} hundred", small(hundreds, language)),
    });
    let parts: Vec<String> = hundreds.into_iter().chain(rest).collect();
    match language {
        Language::Fa => parts.join(" و "),
        Language::En => parts.join(" "),
    }
}

fn below_hundred(number: u64, language: Language) -> String {
    if number < 20 {
        return small(number, language).to_owned();
    }
    let (tens, ones) = (number / 10, number % 10);
    let (tens, joined) = match language {
        Language::Fa => (word(&TENS_FA, tens), " و "),
        Language::En => (word(&TENS_EN, tens), "-"),
    };
    if ones == 0 { tens.to_owned() } else { format!("{tens}{joined}{}", small(ones, language)) }
}

fn small(number: u64, language: Language) -> &'static str {
    match language {
        Language::Fa => word(&SMALL_FA, number),
        Language::En => word(&SMALL_EN, number),
    }
}

fn word(words: &[&'static str], place: u64) -> &'static str {
    usize::try_from(place).ok().and_then(|place| words.get(place)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_said_as_a_person_says_it() {
        for (number, fa, en) in [
            ("0", "صفر", "zero"),
            ("20", "بیست", "twenty"),
            ("21.0", "بیست و یک", "twenty-one"),
            ("115", "صد و پانزده", "one hundred fifteen"),
            ("1000", "هزار", "one thousand"),
            ("1200.50", "هزار و دویست ممیز پنج", "one thousand two hundred point five"),
            ("2.05", "دو ممیز صفر پنج", "two point zero five"),
            ("1001000", "یک میلیون و هزار", "one million one thousand"),
            ("-3", "منفی سه", "minus three"),
            (
                "999999999999",
                "نهصد و نود و نه میلیارد و نهصد و نود و نه میلیون و نهصد و نود و نه هزار و نهصد و نود و نه",
                "nine hundred ninety-nine billion nine hundred ninety-nine million nine hundred ninety-nine thousand \
                 nine hundred ninety-nine",
            ),
        ] {
            assert_eq!(in_words(number, Language::Fa).as_deref(), Some(fa));
            assert_eq!(in_words(number, Language::En).as_deref(), Some(en));
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_has_no_words() {
        for text in ["", "x", "12 bags", "1000000000000", "79228162514264337593543950335"] {
            assert_eq!(in_words(text, Language::Fa), None, "{text}");
        }
    }

    #[test]
    fn an_amount_is_told_in_rial_and_in_toman() {
        assert_eq!(amount("20000000", Language::Fa), "۲۰٬۰۰۰٬۰۰۰ ریال (دو میلیون تومان)");
        assert_eq!(amount("20000000", Language::En), "20,000,000 Rial (two million Toman)");
        assert_eq!(amount("25", Language::En), "25 Rial (twenty-five Rial)");
        assert_eq!(amount("2.5", Language::En), "2.5 Rial");
        assert_eq!(amount("x", Language::Fa), "x ریال");
    }

    #[test]
    fn a_round_amount_is_asked_about_the_short_way() {
        for (rials, fa, en) in [
            ("20000000", "۲ میلیون تومان", "2 million Toman"),
            ("25000000", "۲٫۵ میلیون تومان", "2.5 million Toman"),
            ("12345670", "۱٬۲۳۴٬۵۶۷ تومان", "1,234,567 Toman"),
            ("5000", "۵۰۰ تومان", "500 Toman"),
            ("30000000000", "۳ میلیارد تومان", "3 billion Toman"),
        ] {
            assert_eq!(short_toman(rials, Language::Fa).as_deref(), Some(fa));
            assert_eq!(short_toman(rials, Language::En).as_deref(), Some(en));
        }
        assert_eq!(short_rial("2000000", Language::Fa).as_deref(), Some("۲ میلیون ریال"));
        assert_eq!(short_rial("2000000", Language::En).as_deref(), Some("2 million Rial"));
        assert_eq!(short_toman("25", Language::Fa), None);
        assert_eq!(short_rial("x", Language::En), None);
    }

    /// Reads Persian words back: the sum of the groups, each times its scale.
    fn read(said: &str) -> u64 {
        let mut sum = 0;
        let mut group = 0;
        for part in said.split([' ']).filter(|part| *part != "و") {
            if let Some((scale, _, _)) = SCALES.iter().find(|(_, fa, _)| *fa == part) {
                sum += scale * if group == 0 { 1 } else { group };
                group = 0;
                continue;
            }
            let tables = [(&SMALL_FA[..], 1), (&TENS_FA[..], 10), (&HUNDREDS_FA[..], 100)];
            let found = tables
                .iter()
                .find_map(|(table, worth)| Some(table.iter().position(|w| *w == part)? as u64 * worth));
            group += found.unwrap();
        }
        sum + group
    }

    proptest! {
        #[test]
        fn persian_words_read_back_as_the_number(number in 0..TOO_LARGE) {
            prop_assert_eq!(read(&in_words(&number.to_string(), Language::Fa).unwrap()), number);
        }

        #[test]
        fn two_numbers_never_have_the_same_words(one in 0..TOO_LARGE, other in 0..TOO_LARGE, near in 0_u64..2_000) {
            for (one, other) in [(one, other), (one, (one + near + 1) % TOO_LARGE), (near, near + 1)] {
                for language in [Language::Fa, Language::En] {
                    let words = [one, other].map(|number| in_words(&number.to_string(), language).unwrap());
                    prop_assert_eq!(words[0] == words[1], one == other);
                }
            }
        }

        #[test]
        fn a_round_number_is_one_group_and_its_scale(count in 2_u64..1_000, place in 0_usize..3) {
            let (scale, fa, en) = SCALES[place];
            let number = (count * scale).to_string();
            let said = |language| in_words(&number, language).unwrap();
            prop_assert_eq!(said(Language::Fa), format!("{} {fa}", in_words(&count.to_string(), Language::Fa).unwrap()));
            prop_assert_eq!(said(Language::En), format!("{} {en}", in_words(&count.to_string(), Language::En).unwrap()));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), number in any::<i64>()) {
            for text in [text, number.to_string()] {
                let _said = (in_words(&text, Language::Fa), amount(&text, Language::En));
                let _short = (short_toman(&text, Language::Fa), short_rial(&text, Language::En));
            }
        }
    }
}
