use proptest::prelude::*;

use super::*;
use crate::language::normal::normalise;

fn said(text: &str, which: Said) -> String {
    let normal = normalise(text);
    let found = find(normal.as_str());
    let one = |amount: &FoundAmount| match amount.rials {
        Rials::One(rials) => rials.to_string(),
        Rials::Either(a, b) => format!("{a} | {b}"),
    };
    found.iter().filter(|one| one.said == which).map(one).collect::<Vec<_>>().join(" + ")
}

fn check(which: Said, table: &[(&str, &str)]) {
    for (texts, expected) in table {
        for text in texts.split('|') {
            assert_eq!(said(text.trim(), which), *expected, "{text}");
        }
    }
}

#[test]
fn an_amount_in_digits_has_separators_and_a_unit() {
    check(
        Said::WithUnit,
        &[
            (
                "۱۲٬۵۰۰٬۰۰۰ ریال|12,500,000 IRR|IRR 12,500,000|12.500.000 ریال|۱۲/۵۰۰/۰۰۰ ریال|۱۲۵۰۰۰۰۰ ﷼",
                "12500000",
            ),
            (
                "قیمتش 250000 تومان است|۲۵۰٬۰۰۰ تومان|250000تومان|250,000 tomans|مبلغ:۲۵۰۰۰۰ تومن|250000 toman",
                "2500000",
            ),
            ("۵۰۰ ت نه، ۵۰۰۰ ت", "5000 | 5000000 + 50000"),
            ("۲۵۰۰٫۵ تومان|2500.5 تومان", "25005"),
            ("۱۰۰۰ ریال و ۲۰۰۰ ریال", "1000 + 2000"),
            ("2 500 000 تومان|۲ ۵۰۰ ۰۰۰ تومن|سفارش ۴۵۰۰۱ - ۲۵۰۰۰۰۰ تومان", "25000000"),
        ],
    );
}

#[test]
fn thousands_and_millions_are_multiplied() {
    check(
        Said::WithUnit,
        &[
            (
                "۲/۵ میلیون تومان|۲٫۵ میلیون تومن|2.5 million toman|۲.۵ میلیون تومان|دو و نیم میلیون تومان",
                "25000000",
            ),
            (
                "دو میلیون و نیم تومان|۲ میلیون و نیم تومن|do milion o nim toman|2 و نیم میلیون تومان",
                "25000000",
            ),
            ("two and a half million rials|2.5 million rials|two million and a half rials", "2500000"),
            (
                "half a million rials|نیم میلیون ریال|500k rials|۵۰۰ هزار ریال|پانصد هزار ریال|500 hezar rial",
                "500000",
            ),
            (
                "یک میلیون و پانصد هزار تومان|۱ میلیون و ۵۰۰ هزار تومن|yek milion o pansad hezar toman",
                "15000000",
            ),
            (
                "one million five hundred thousand rials|one million and five hundred thousand rials",
                "1500000",
            ),
            ("۵۰۰هزارتومن|۵۰۰ هزار تومن|500 هزارتومان|500K toman|500k tomans", "5000000"),
            ("۱٫۵ میلیارد تومان|یک و نیم میلیارد تومن|1.5 milyard toman|1.5 bn tomans", "15000000000"),
        ],
    );
    check(
        Said::WithUnit,
        &[
            ("هزار میلیارد ریال|one trillion rials", "1000000000000"),
            ("هزار تومن|هزار تومان|1000 toman|یک هزار تومان", "10000"),
            ("دو هزار و پانصد تومن|۲۵۰۰ تومن|do hezar o pansad toman", "25000"),
            ("صد و بیست و پنج هزار تومان|one hundred and twenty-five thousand tomans", "1250000"),
            ("سه میلیارد و دویست و ده میلیون و چهل هزار و صد ریال", "3210040100"),
            ("a million rials", "1000000"),
            ("1.500 میلیون تومان", "15000000"),
        ],
    );
}

#[test]
fn what_may_be_two_amounts_is_given_as_both() {
    check(
        Said::WithUnit,
        &[
            ("۲ تومن|دو تومن|2 toman|۲ت|۲ تومان|2 tomans", "20000 | 20000000"),
            ("۵۰۰ تومن|پانصد تومن|۵۰۰ تومان|پانصد تومان", "5000 | 5000000"),
            ("دو و پانصد تومن|۲ و ۵۰۰ تومان", "25000 | 25000000"),
            ("یک میلیون و پانصد تومن", "15000000 | 10005000"),
            ("دو و نیم تومن", "25000 | 25000000"),
        ],
    );
    check(Said::InMillions, &[("۲/۵ میلیون|دو و نیم میلیون|2.5 million", "25000000 | 2500000")]);
    check(Said::Bare, &[("500000|۵۰۰ هزار", "5000000 | 500000"), ("دو و پانصد", "25000 | 25000000")]);
}

#[test]
fn what_is_no_amount_is_none() {
    let none = "۲ تا ۳ میلیون تومان|بین ۲ و ۳ میلیون تومان|۲ میلیون تا ۳ میلیون تومان|2 to 3 million tomans|\
                ۲۰ میلیون تومان تا ۳۰ میلیون تومان|چند هزار تومان|چند میلیون تومان|0 ریال|-500 ریال|$500|500 دلار|\
                ۰٫۲۵ ریال|1.500 تومان|12 500 تومان|2 و 500 هزار تومن|99999999999999999 میلیارد تومان|1,50,000 ریال|\
                inv-2026 ریال|می‌خوام تومان بدم|۱۴۰۵/۰۹/۰۵|2 million bags|دو سه میلیون تومان|۲ ۳ میلیون تومان|۵۰۰ درهم|۲ میلیون لیر|500 pounds|2 million yuan|سفارش 2 میلیون کیسه|5 m|20%";
    for which in [Said::WithUnit, Said::InMillions] {
        for text in none.split('|') {
            let text = text.trim();
            if text != "۲۰ میلیون تومان تا ۳۰ میلیون تومان" || which == Said::WithUnit
            {
                assert_eq!(said(text, which), "", "{text}");
            }
        }
    }
}

#[test]
fn a_long_text_of_the_same_words_gives_a_bounded_answer() {
    for word in ["1,", "1/", "هزار ", "دو و ", "و ", "صد ", "میلیون و ", "5 تومن ", "a ", "half "]
    {
        let text = word.repeat(100 * 1024 / word.len());
        assert!(find(normalise(&text).as_str()).len() <= AMOUNTS_MAX, "{word}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_place_is_in_the_text(
        text in any::<String>(),
        parts in prop::collection::vec(prop::sample::select(vec![
            "از", "تا", "5", "500", "1,000", "/", ".", "و", "نیم", "هزار", "میلیون", "تومن", "ریال", "صد", "بیست", "a", "half",
            "hundred", "million", "k", "999999999999999", "میلیارد", "دو", "and", "-",
        ]), 0..12),
    ) {
        for text in [text, parts.join(" "), parts.concat()] {
            let normal = normalise(&text);
            for one in find(normal.as_str()) {
                prop_assert!(normal.as_str().get(one.at.clone()).is_some_and(|words| !words.is_empty()));
                let (Rials::One(rials) | Rials::Either(rials, _)) = one.rials;
                prop_assert!((1..=RIALS_MAX).contains(&rials));
            }
        }
    }

    #[test]
    fn a_whole_number_is_found_as_it_is_shown(rials in 1_u64..=999_999_999_999) {
        use crate::language::{number::money, script::Language};
        for language in [Language::Fa, Language::En] {
            prop_assert_eq!(said(&money(&rials.to_string(), "IRR", language), Said::WithUnit), rials.to_string());
        }
    }
}
