//! Numbers and money as people read them in Persian and in English. A text that is no number is given back as it came: a
//! system's answer is shown, never repaired.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::script::Language;

/// ASCII digits as Persian ones; everything else stays.
pub fn persian_digits(text: &str) -> String {
    text.chars().map(persian_digit).collect()
}

fn persian_digit(c: char) -> char {
    match c {
        '0'..='9' => char::from_u32(u32::from('۰') + u32::from(c) - u32::from('0')).unwrap_or(c),
        _ => c,
    }
}

/// A plain number of a document, such as an order number: the language's digits, no grouping. A number with letters in it
/// is a code and stays.
pub fn plain(number: &str, language: Language) -> String {
    match language {
        Language::Fa if number.bytes().all(|b| b.is_ascii_digit()) => persian_digits(number),
        Language::Fa | Language::En => number.to_owned(),
    }
}

/// A decimal number with its digits in threes and without zeros at its end: `1200.500` is `1,200.5` and «۱٬۲۰۰٫۵».
pub fn decimal(number: &str, language: Language) -> String {
    Decimal::from_str(number.trim()).map_or_else(|_| number.to_owned(), |value| format(value, language))
}

/// Adds decimal numbers up; `None` when one of them is no number or the sum is too large.
pub fn sum<'a>(numbers: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut sum = Decimal::ZERO;
    for number in numbers {
        sum = sum.checked_add(Decimal::from_str(number.trim()).ok()?)?;
    }
    Some(sum.normalize().to_string())
}

/// An amount with its currency: «۱۲٬۵۰۰٬۰۰۰ ریال», `12,500,000 IRR`.
pub fn money(amount: &str, currency: &str, language: Language) -> String {
    let name = match (language, currency) {
        (Language::Fa, "IRR") => "ریال",
        (Language::Fa, "EUR") => "یورو",
        (Language::Fa, "USD") => "دلار",
        (Language::Fa | Language::En, code) => code,
    };
    std::format!("{} {name}", decimal(amount, language))
}

fn format(value: Decimal, language: Language) -> String {
    let text = value.normalize().to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (thousands, point) = match language {
        Language::Fa => ('٬', '٫'),
        Language::En => (',', '.'),
    };
    let mut out = String::with_capacity(2 * text.len());
    out.push_str(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(thousands);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    match language {
        Language::Fa => persian_digits(&out),
        Language::En => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_grouped_and_lose_empty_decimals() {
        for (number, fa, en) in [
            ("0", "۰", "0"),
            ("12500000.00", "۱۲٬۵۰۰٬۰۰۰", "12,500,000"),
            ("1200.500", "۱٬۲۰۰٫۵", "1,200.5"),
            ("-999", "-۹۹۹", "-999"),
            ("1000", "۱٬۰۰۰", "1,000"),
            ("no number", "no number", "no number"),
        ] {
            assert_eq!(decimal(number, Language::Fa), fa);
            assert_eq!(decimal(number, Language::En), en);
        }
    }

    #[test]
    fn money_names_its_currency_in_the_language() {
        assert_eq!(money("12500000", "IRR", Language::Fa), "۱۲٬۵۰۰٬۰۰۰ ریال");
        assert_eq!(money("12500000", "IRR", Language::En), "12,500,000 IRR");
        assert_eq!(money("5", "CHF", Language::Fa), "۵ CHF");
    }

    #[test]
    fn a_code_with_letters_keeps_its_digits() {
        assert_eq!(plain("45001", Language::Fa), "۴۵۰۰۱");
        assert_eq!(plain("ORD-45001", Language::Fa), "ORD-45001");
    }

    #[test]
    fn a_sum_with_something_that_is_no_number_is_refused() {
        assert_eq!(sum(["1.5", "2.50"]), Some("4".to_owned()));
        assert_eq!(sum(["1", "x"]), None);
        assert_eq!(sum(["79228162514264337593543950335", "1"]), None);
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked_for_and_whole_numbers_keep_their_digits(number in any::<i64>(), text in any::<String>()) {
            prop_assert_eq!(decimal(&number.to_string(), Language::En).replace(',', ""), number.to_string());
            let _shown = decimal(&text, Language::Fa);
        }
    }
}
