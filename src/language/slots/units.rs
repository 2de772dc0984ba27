//! Words behind a number that say it counts things. Some of them are everyday words too: «تا» is also "until", and "can" a verb. It
//! may not know whether the number is something else.

use super::words;

/// What the words behind a number say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// A unit and nothing else.
    Unit,
    /// A unit or an everyday word.
    Perhaps,
    /// Nothing that counts.
    Nothing,
}

/// What stands behind byte `at`; `product` says whether a product begins at a byte.
pub(super) fn behind(text: &str, at: usize, product: impl Fn(usize) -> bool) -> Behind {
    let near = words::near_after(text, at);
    // A stop or a comma ends what a number can count.
    let rest = near.trim_start();
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let end = at + (near.len() - rest.len()) + word.len();
    let (next, after) = (words::after(text, end, 1).next().unwrap_or_default(), words::near_after(text, end));
    let blank = after.len() - after.trim_start().len();
    match word {
        "تا" | "ta" if goes_on_as_until(next) => Behind::Nothing,
        "تا" | "ta" if product(end + blank) || is_unit(next) => Behind::Unit,
        "can" if product(end + blank) || next == "of" || after.trim().is_empty() => Behind::Perhaps,
        "can" => Behind::Nothing,
        "بسته" | "baste" if is_of_closing(next) => Behind::Nothing,
        "تا" | "ta" | "set" | "pack" | "unit" | "m" | "ست" | "سری" => Behind::Perhaps,
        word if is_unit(word) => Behind::Unit,
        _ => Behind::Nothing,
    }
}

/// Whether «تا» with this behind it is "until", or the middle of a range.
fn goes_on_as_until(next: &str) -> bool {
    matches!(
        next,
        "کی" | "حالا"
            | "الان"
            | "اکنون"
            | "کنون"
            | "امروز"
            | "چه"
            | "key"
            | "kay"
            | "hala"
            | "alan"
            | "che"
            | "emrooz"
    ) || next.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the packet before it is the word for closed: «تیکت ۵۰۱ بسته شد؟»
fn is_of_closing(next: &str) -> bool {
    ["شد", "نشد", "بشه", "بشو", "میش", "نمیش", "shod", "nashod", "beshe", "mishe"]
        .iter()
        .any(|verb| next.starts_with(verb))
        || matches!(
            next,
            "است"
                | "ست"
                | "س"
                | "هست"
                | "بود"
                | "کن"
                | "کنید"
                | "می"
                | "نمی"
                | "ast"
                | "hast"
                | "bood"
                | "kon"
        )
}

/// Whether only Persian in Latin letters has this unit: "do bags" is no two bags.
pub(super) fn is_finglish(word: &str) -> bool {
    matches!(
        word,
        "adad"
            | "ta"
            | "kise"
            | "kiseh"
            | "paket"
            | "pakat"
            | "kilo"
            | "metr"
            | "shakhe"
            | "baste"
            | "karton"
            | "ton"
            | "tan"
            | "dune"
            | "doone"
    )
}

/// Whether a word counts pieces or measures goods.
pub(in crate::language) fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "عدد"
            | "تا"
            | "دونه"
            | "دانه"
            | "کیسه"
            | "پاکت"
            | "تن"
            | "کیلو"
            | "کیلوگرم"
            | "متر"
            | "مترمربع"
            | "متری"
            | "رول"
            | "قوطی"
            | "حلب"
            | "شاخه"
            | "بسته"
            | "کارتن"
            | "جعبه"
            | "لیتر"
            | "ست"
            | "سری"
            | "دستگاه"
            | "adad"
            | "ta"
            | "kise"
            | "kiseh"
            | "paket"
            | "kilo"
            | "metr"
            | "shakhe"
            | "baste"
            | "karton"
            | "piece"
            | "pieces"
            | "pcs"
            | "pc"
            | "bag"
            | "bags"
            | "kg"
            | "kilos"
            | "ton"
            | "tons"
            | "tonnes"
            | "m"
            | "m2"
            | "meter"
            | "meters"
            | "metres"
            | "roll"
            | "rolls"
            | "can"
            | "cans"
            | "box"
            | "boxes"
            | "carton"
            | "cartons"
            | "pack"
            | "packs"
            | "set"
            | "sets"
            | "unit"
            | "units"
            | "litres"
            | "liters"
    )
}
