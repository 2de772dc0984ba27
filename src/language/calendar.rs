//! Dates as people say them: the Jalali calendar in Persian, the Gregorian one in English. Dates come as `YYYY-MM-DD`; what is
//! no such date is given back as it came.

use icu_calendar::Date;
use icu_calendar::cal::Persian;
use icu_calendar::types::Weekday;

use super::number::persian_digits;
use super::script::Language;

const MONTHS_FA: [&str; 12] =
    ["فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `2026-11-28` is «شنبه ۷ آذر ۱۴۰۵» and `Sat 28 November 2026`.
pub fn format_date(iso: &str, language: Language) -> String {
    let Some((year, month, day)) = parse(iso) else { return iso.to_owned() };
    let Ok(date) = Date::try_new_iso(year, month, day) else { return iso.to_owned() };
    let weekday = date.weekday();
    match language {
        Language::En => {
            format!("{} {day} {} {year}", weekday_en(weekday), name(&MONTHS_EN, month))
        }
        Language::Fa => {
            let jalali = date.to_calendar(Persian::new());
            let (year, month) = (jalali.year().extended_year(), jalali.month().ordinal);
            let day = jalali.day_of_month().0;
            persian_digits(&format!("{} {day} {} {year}", weekday_fa(weekday), name(&MONTHS_FA, month)))
        }
    }
}

fn name<'a>(months: &[&'a str; 12], month: u8) -> &'a str {
    usize::from(month).checked_sub(1).and_then(|index| months.get(index)).copied().unwrap_or_default()
}

fn parse(iso: &str) -> Option<(i32, u8, u8)> {
    let shape = iso.len() == 10
        && iso
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !shape {
        return None;
    }
    Some((iso[..4].parse().ok()?, iso[5..7].parse().ok()?, iso[8..].parse().ok()?))
}

const fn weekday_fa(day: Weekday) -> &'static str {
    match day {
        Weekday::Saturday => "شنبه",
        Weekday::Sunday => "یکشنبه",
        Weekday::Monday => "دوشنبه",
        Weekday::Tuesday => "سه\u{200C}شنبه",
        Weekday::Wednesday => "چهارشنبه",
        Weekday::Thursday => "پنجشنبه",
        Weekday::Friday => "جمعه",
    }
}

const fn weekday_en(day: Weekday) -> &'static str {
    match day {
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_is_said_in_the_calendar_of_its_language() {
        for (iso, fa, en) in [
            ("2026-11-28", "شنبه ۷ آذر ۱۴۰۵", "Sat 28 November 2026"),
            ("2026-03-21", "شنبه ۱ فروردین ۱۴۰۵", "Sat 21 March 2026"),
            ("2025-03-20", "پنجشنبه ۳۰ اسفند ۱۴۰۳", "Thu 20 March 2025"),
            ("2026-11-24", "سه\u{200C}شنبه ۳ آذر ۱۴۰۵", "Tue 24 November 2026"),
        ] {
            assert_eq!(format_date(iso, Language::Fa), fa);
            assert_eq!(format_date(iso, Language::En), en);
        }
    }

    #[test]
    fn what_is_no_date_is_given_back_as_it_came() {
        for text in
            ["", "2026-02-30", "2026-13-01", "0000-00-00", "26-11-2026", "۲۰۲۶-۱۱-۲۸", "2026-11-28T00:00"]
        {
            assert_eq!(format_date(text, Language::Fa), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), y in 0_u32..=9999, m in 0_u32..=99, d in 0_u32..=99) {
            let _shown = format_date(&text, Language::Fa);
            let date = format!("{y:04}-{m:02}-{d:02}");
            prop_assert!(!format_date(&date, Language::Fa).is_empty());
        }
    }
}
