//! The words of dates in normal form: Persian, English and the Persian ones in Latin letters. It may not decide what stands
//! beside a word: that is the grammar's.

use super::Calendar;

const MONTHS: &[(&str, Calendar, u8)] = {
    use Calendar::{Gregorian, Jalali};
    &[
        ("فروردین", Jalali, 1),
        ("اردیبهشت", Jalali, 2),
        ("خرداد", Jalali, 3),
        ("تیر", Jalali, 4),
        ("مرداد", Jalali, 5),
        ("امرداد", Jalali, 5),
        ("شهریور", Jalali, 6),
        ("مهر", Jalali, 7),
        ("ابان", Jalali, 8),
        ("اذر", Jalali, 9),
        ("دی", Jalali, 10),
        ("بهمن", Jalali, 11),
        ("اسفند", Jalali, 12),
        ("farvardin", Jalali, 1),
        ("ordibehesht", Jalali, 2),
        ("khordad", Jalali, 3),
        ("tir", Jalali, 4),
        ("mordad", Jalali, 5),
        ("shahrivar", Jalali, 6),
        ("mehr", Jalali, 7),
        ("aban", Jalali, 8),
        ("azar", Jalali, 9),
        ("dey", Jalali, 10),
        ("bahman", Jalali, 11),
        ("esfand", Jalali, 12),
        ("january", Gregorian, 1),
        ("jan", Gregorian, 1),
        ("february", Gregorian, 2),
        ("feb", Gregorian, 2),
        ("march", Gregorian, 3),
        ("mar", Gregorian, 3),
        ("april", Gregorian, 4),
        ("apr", Gregorian, 4),
        ("may", Gregorian, 5),
        ("june", Gregorian, 6),
        ("jun", Gregorian, 6),
        ("july", Gregorian, 7),
        ("jul", Gregorian, 7),
        ("august", Gregorian, 8),
        ("aug", Gregorian, 8),
        ("september", Gregorian, 9),
        ("sept", Gregorian, 9),
        ("sep", Gregorian, 9),
        ("october", Gregorian, 10),
        ("oct", Gregorian, 10),
        ("november", Gregorian, 11),
        ("nov", Gregorian, 11),
        ("december", Gregorian, 12),
        ("dec", Gregorian, 12),
        ("ژانویه", Gregorian, 1),
        ("فوریه", Gregorian, 2),
        ("مارس", Gregorian, 3),
        ("اوریل", Gregorian, 4),
        ("ژوین", Gregorian, 6),
        ("ژویه", Gregorian, 7),
        ("ژوییه", Gregorian, 7),
        ("مه", Gregorian, 5),
        ("جولای", Gregorian, 7),
        ("اوت", Gregorian, 8),
        ("اگوست", Gregorian, 8),
        ("سپتامبر", Gregorian, 9),
        ("اکتبر", Gregorian, 10),
        ("نوامبر", Gregorian, 11),
        ("دسامبر", Gregorian, 12),
    ]
};

/// A month by its name; the Persian word for month may be written onto it.
pub(super) fn month(word: &str) -> Option<(Calendar, u8)> {
    let of = |word: &str| {
        MONTHS.iter().find(|(name, _, _)| *name == word).map(|(_, calendar, number)| (*calendar, *number))
    };
    of(word).or_else(|| word.strip_suffix("ماه").and_then(of))
}

/// Whether a month's name says something else too, or is cut short: alone it is no date.
pub(super) fn is_vague_month(word: &str) -> bool {
    matches!(word, "تیر" | "مهر" | "دی" | "may" | "march" | "tir" | "mehr" | "dey") || word.len() <= 4
}

/// A day of the week, counted from Saturday.
pub(super) fn weekday(words: &[&str]) -> Option<(i64, usize)> {
    const DAYS: &[(&[&str], i64)] = &[
        (&["یک", "شنبه"], 1),
        (&["دو", "شنبه"], 2),
        (&["سه", "شنبه"], 3),
        (&["چهار", "شنبه"], 4),
        (&["پنج", "شنبه"], 5),
        (&["چار", "شنبه"], 4),
        (&["1", "شنبه"], 1),
        (&["2", "شنبه"], 2),
        (&["3", "شنبه"], 3),
        (&["4", "شنبه"], 4),
        (&["5", "شنبه"], 5),
        (&["yek", "shanbe"], 1),
        (&["do", "shanbe"], 2),
        (&["se", "shanbe"], 3),
        (&["char", "shanbe"], 4),
        (&["chahar", "shanbe"], 4),
        (&["panj", "shanbe"], 5),
        (&["5", "shanbe"], 5),
        (&["شنبه"], 0),
        (&["چارشنبه"], 4),
        (&["یکشنبه"], 1),
        (&["دوشنبه"], 2),
        (&["سهشنبه"], 3),
        (&["چهارشنبه"], 4),
        (&["پنجشنبه"], 5),
        (&["جمعه"], 6),
        (&["shanbe"], 0),
        (&["shanbeh"], 0),
        (&["yekshanbe"], 1),
        (&["doshanbe"], 2),
        (&["seshanbe"], 3),
        (&["charshanbe"], 4),
        (&["chaharshanbe"], 4),
        (&["panjshanbe"], 5),
        (&["jome"], 6),
        (&["jomeh"], 6),
        (&["saturday"], 0),
        (&["sat"], 0),
        (&["sunday"], 1),
        (&["monday"], 2),
        (&["mon"], 2),
        (&["tuesday"], 3),
        (&["tue"], 3),
        (&["tues"], 3),
        (&["thur"], 5),
        (&["thurs"], 5),
        (&["yekshanbeh"], 1),
        (&["doshanbeh"], 2),
        (&["seshanbeh"], 3),
        (&["charshanbeh"], 4),
        (&["chaharshanbeh"], 4),
        (&["panjshanbeh"], 5),
        (&["wednesday"], 4),
        (&["wed"], 4),
        (&["thursday"], 5),
        (&["thu"], 5),
        (&["friday"], 6),
        (&["fri"], 6),
    ];
    DAYS.iter().find(|(name, _)| words.starts_with(name)).map(|(name, day)| (*day, name.len()))
}

/// Days that are named by how far they are from today.
pub(super) fn near_day(words: &[&str]) -> Option<(i64, usize)> {
    const DAYS: &[(&[&str], i64)] = &[
        (&["پس", "فردا"], 2),
        (&["پسفردا"], 2),
        (&["پریروز"], -2),
        (&["پری", "روز"], -2),
        (&["امروز"], 0),
        (&["امشب"], 0),
        (&["tonight"], 0),
        (&["فردا"], 1),
        (&["دیروز"], -1),
        (&["emrooz"], 0),
        (&["emruz"], 0),
        (&["farda"], 1),
        (&["pasfarda"], 2),
        (&["pas", "farda"], 2),
        (&["dirooz"], -1),
        (&["diruz"], -1),
        (&["parirooz"], -2),
        (&["pariruz"], -2),
        (&["the", "day", "after", "tomorrow"], 2),
        (&["day", "after", "tomorrow"], 2),
        (&["the", "day", "before", "yesterday"], -2),
        (&["day", "before", "yesterday"], -2),
        (&["today"], 0),
        (&["tomorrow"], 1),
        (&["yesterday"], -1),
    ];
    DAYS.iter().find(|(name, _)| words.starts_with(name)).map(|(name, day)| (*day, name.len()))
}

/// A stretch of time by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    /// Every day but Friday.
    WorkingDay,
    Week,
    Month,
    Year,
}

/// A unit by its word, and the calendar of that language.
pub(super) fn unit(word: &str) -> Option<(Unit, Calendar)> {
    use Calendar::{Gregorian, Jalali};
    Some(match word {
        "روز" | "rooz" | "ruz" => (Unit::Day, Jalali),
        "هفته" | "hafte" | "hafteh" => (Unit::Week, Jalali),
        "ماه" | "برج" | "mah" => (Unit::Month, Jalali),
        "سال" | "sal" => (Unit::Year, Jalali),
        "day" | "days" => (Unit::Day, Gregorian),
        "week" | "weeks" => (Unit::Week, Gregorian),
        "month" | "months" => (Unit::Month, Gregorian),
        "year" | "years" => (Unit::Year, Gregorian),
        _ => return None,
    })
}

/// Which one of several is meant by a word behind it: the one before, this one or the one after.
pub(super) fn which_behind(word: &str) -> Option<i64> {
    Some(match word {
        "گذشته" | "قبل" | "قبلی" | "پیش" | "پیشین" | "gozashte" | "ghabl" | "pish" => -1,
        "جاری" => 0,
        "اینده" | "بعد" | "بعدی" | "دیگه" | "دیگر" | "ayande" | "bad" | "dige" => 1,
        _ => return None,
    })
}

/// The same of words that stand before it.
pub(super) fn which_before(word: &str) -> Option<i64> {
    Some(match word {
        "last" | "previous" | "past" => -1,
        "این" | "همین" | "this" | "current" | "hamin" => 0,
        "next" | "coming" => 1,
        _ => return None,
    })
}

/// Whether a word beside a name says that it is a person's: «آذر خانم».
pub(super) fn is_title(word: &str) -> bool {
    matches!(
        word,
        "خانم"
            | "خانوم"
            | "اقا"
            | "اقای"
            | "جناب"
            | "سرکار"
            | "دکتر"
            | "مهندس"
            | "نام"
            | "اسمم"
            | "mr"
            | "mrs"
            | "ms"
            | "miss"
            | "khanom"
            | "khanoom"
            | "khanome"
            | "agha"
            | "aghaye"
            | "esmam"
    )
}

/// Words that are numbers only beside what is counted: "a", "do", «نه».
pub(super) fn is_also_no_number(word: &str) -> bool {
    matches!(word, "a" | "an" | "one" | "do" | "یه" | "نه")
}

/// A number in words, from one to ninety-nine, also as an order; with how many words it takes.
pub(super) fn number(words: &[&str]) -> Option<(u32, usize)> {
    let first = words.first()?;
    if let (Some(tens), Some(&("و" | "o")), Some(ones)) =
        (tens(first), words.get(1), words.get(2).and_then(|word| small(word)))
        && ones < 10
    {
        return Some((tens + ones, 3));
    }
    if let (Some(tens), Some(ones)) = (tens(first), words.get(1).and_then(|word| small(word)))
        && first.is_ascii()
        && ones < 10
    {
        return Some((tens + ones, 2));
    }
    small(first).or_else(|| tens(first)).map(|number| (number, 1))
}

fn tens(word: &str) -> Option<u32> {
    let bare = word.strip_suffix("م").unwrap_or(word);
    Some(match bare {
        "بیست" | "twenty" | "twentieth" => 20,
        "سی" | "thirty" | "thirtieth" => 30,
        "چهل" | "forty" => 40,
        "پنجاه" | "fifty" => 50,
        "شصت" | "sixty" => 60,
        "هفتاد" | "seventy" => 70,
        "هشتاد" | "eighty" => 80,
        "نود" | "ninety" => 90,
        _ => return None,
    })
}

fn small(word: &str) -> Option<u32> {
    const WORDS: &[&[&str]] = &[
        &["یک", "یه", "اول", "یکم", "one", "first", "a", "an", "yek", "aval", "avval"],
        &["دو", "دوم", "two", "second", "do", "dovom"],
        &["سه", "سوم", "three", "third", "se", "sevom"],
        &["چهار", "چهارم", "four", "fourth", "chahar", "chaharom"],
        &["پنج", "پنجم", "five", "fifth", "panj", "panjom"],
        &["شش", "ششم", "six", "sixth", "shish"],
        &["هفت", "هفتم", "seven", "seventh", "haft"],
        &["هشت", "هشتم", "eight", "eighth", "hasht"],
        &["نه", "نهم", "nine", "ninth"],
        &["ده", "دهم", "ten", "tenth", "dah"],
        &["یازده", "یازدهم", "eleven", "eleventh"],
        &["دوازده", "دوازدهم", "twelve", "twelfth"],
        &["سیزده", "سیزدهم", "thirteen", "thirteenth"],
        &["چهارده", "چهاردهم", "fourteen", "fourteenth"],
        &["پانزده", "پونزده", "پانزدهم", "پونزدهم", "fifteen", "fifteenth"],
        &["شانزده", "شونزده", "شانزدهم", "شونزدهم", "sixteen", "sixteenth"],
        &["هفده", "هیفده", "هفدهم", "seventeen", "seventeenth"],
        &["هجده", "هیجده", "هجدهم", "eighteen", "eighteenth"],
        &["نوزده", "نوزدهم", "nineteen", "nineteenth"],
    ];
    let index = WORDS.iter().position(|words| words.contains(&word))?;
    u32::try_from(index + 1).ok()
}
