use proptest::prelude::*;

use super::*;
use crate::language::normal::normalise;

fn gregorian(text: &str) -> Day {
    let part = |range: Range<usize>| text[range].parse().unwrap();
    Day::new(Calendar::Gregorian, part(0..4), part(5..7).try_into().unwrap(), part(8..10).try_into().unwrap())
        .unwrap()
}

/// Thursday, 5 Azar 1405.
fn context() -> Context {
    Context {
        today: gregorian("2026-11-26"),
        calendar: Calendar::Jalali,
        prefer: Prefer::Nearest,
        asked: false,
    }
}

fn said(reading: &Reading) -> String {
    let one = |period: &Period| match period.start == period.end {
        true => period.start.to_string(),
        false => format!("{}..{}", period.start, period.end),
    };
    match reading {
        Reading::One(period) => one(period),
        Reading::Either(periods) => periods.iter().map(one).collect::<Vec<_>>().join(" | "),
        Reading::NoSuchDay => "no such day".to_owned(),
    }
}

fn read_as(text: &str, context: Context) -> String {
    let normal = normalise(text);
    let found = find(normal.as_str(), context);
    found.iter().map(|date| said(&date.reading)).collect::<Vec<_>>().join(" + ")
}

fn check(context: Context, table: &[(&str, &str)]) {
    for (texts, expected) in table {
        for text in texts.split('|') {
            assert_eq!(read_as(text.trim(), context), *expected, "{text}");
        }
    }
}

#[test]
fn days_in_digits_and_by_their_month_are_found() {
    check(
        context(),
        &[
            ("۱۴۰۵/۰۹/۰۵|1405-9-5|٥/٩/١٤٠٥|5 آذر|پنجم آذرماه ۱۴۰۵|۵ آذر ۱۴۰۵|۵ام آذر|5 azar", "2026-11-26"),
            ("2026-11-26|26 Nov|November 26, 2026|26th of November 2026|26/11/2026|11/26/2026", "2026-11-26"),
            ("۹۹/۰۵/۰۱", "2020-07-22"),
            ("05/06/2026", "2026-06-05 | 2026-05-06"),
            ("بیست و یکم مهر ۱۴۰۴|۲۱ مهر ماه ۱۴۰۴", "2025-10-13"),
            ("سی‌ام آبان", "2026-11-21"),
        ],
    );
}

#[test]
fn days_from_today_on_are_found() {
    check(
        context(),
        &[
            ("فردا|tomorrow|farda", "2026-11-27"),
            ("پس‌فردا|پسفردا|day after tomorrow", "2026-11-28"),
            ("دیروز|yesterday", "2026-11-25"),
            ("پریروز", "2026-11-24"),
            ("سه روز دیگه|3 روز بعد|in 3 days|three days later|3 days from now", "2026-11-29"),
            ("دو هفته پیش|two weeks ago", "2026-11-12"),
            ("یک ماه دیگه", "2026-12-26"),
            ("۱۰ روز گذشته|last 10 days", "2026-11-16..2026-11-26"),
        ],
    );
}

#[test]
fn weekdays_are_the_next_ones_and_asked_for_when_they_may_be_two() {
    check(
        context(),
        &[
            ("شنبه|saturday|shanbe", "2026-11-28"),
            ("شنبه هفته بعد|شنبه‌ی هفته‌ی آینده|next saturday", "2026-11-28 | 2026-12-05"),
            ("چهارشنبه هفته بعد", "2026-12-02 | 2026-12-09"),
            ("جمعه هفته بعد", "2026-12-04"),
            ("پنج‌شنبه|پنجشنبه|Thursday", "2026-11-26 | 2026-12-03"),
            ("سه‌شنبه هفته گذشته|last Tuesday", "2026-11-17"),
            ("جمعه این هفته", "2026-11-27"),
        ],
    );
    let past = Context { prefer: Prefer::Past, ..context() };
    check(past, &[("شنبه", "2026-11-21"), ("جمعه", "2026-11-20")]);
}

#[test]
fn weeks_months_quarters_and_years_are_stretches() {
    check(
        context(),
        &[
            ("هفته آینده|هفته‌ی بعد|next week", "2026-11-28..2026-12-04"),
            ("این هفته|this week", "2026-11-21..2026-11-27"),
            ("ماه گذشته|آبان|برج ۸|آبان ماه", "2026-10-23..2026-11-21"),
            ("نیمه آبان", "2026-11-06"),
            ("سه ماهه اول ۱۴۰۵", "2026-03-21..2026-06-21"),
            ("Q1 2026|first quarter of 2026", "2026-01-01..2026-03-31"),
            ("پارسال|سال گذشته", "2025-03-21..2026-03-20"),
            ("November 2026", "2026-11-01..2026-11-30"),
            ("اول ماه", "2026-11-22"),
            ("آخر آبان", "2026-11-21"),
        ],
    );
    let past = Context { prefer: Prefer::Past, ..context() };
    let future = Context { prefer: Prefer::Future, ..context() };
    check(past, &[("آبان", "2026-10-23..2026-11-21"), ("۱۰ آذر", "2025-12-01")]);
    check(future, &[("آبان", "2027-10-23..2027-11-21"), ("۱۰ آذر", "2026-12-01"), ("۱ آذر", "2026-11-22")]);
}

#[test]
fn spans_have_both_ends_or_today() {
    check(
        context(),
        &[
            (
                "از ۵ تا ۱۰ آذر|۵ الی ۱۰ آذر|بین ۵ و ۱۰ آذر|۵ تا ۱۰ آذر|از ۵ آذر تا ۱۰ آذر",
                "2026-11-26..2026-12-01",
            ),
            ("تا آخر ماه", "2026-11-26..2026-12-21"),
            ("از اول سال", "2026-03-21..2026-11-26"),
            ("از ۲۵ آبان تا ۲ آذر", "2026-11-16..2026-11-23"),
            ("from monday to wednesday", "2026-11-30..2026-12-02"),
            ("since 1 November", "2026-11-01..2026-11-26"),
            ("از ۱۴۰۵/۰۱/۰۱ تا ۱۴۰۵/۰۲/۳۱", "2026-03-21..2026-05-21"),
        ],
    );
}

#[test]
fn a_day_that_no_calendar_has_is_said_to_be_none() {
    check(
        context(),
        &[
            ("۳۱ مهر|۳۰ اسفند ۱۴۰۴|1405/13/01|۱۴۰۵/۰۷/۳۱|2026-02-29|30 Feb|31 November 2026", "no such day"),
            ("از ۳۱ مهر تا ۵ آبان", "no such day"),
        ],
    );
}

#[test]
fn day_and_month_without_a_year_are_a_date_only_where_one_is_expected() {
    check(context(), &[("۵/۹", ""), ("تاریخ ۵/۹", "2026-11-26 | 2026-07-31"), ("تاریخ ۲۵/۹", "2026-12-16")]);
    let asked = Context { asked: true, ..context() };
    check(asked, &[("۵/۹", "2026-11-26 | 2026-07-31"), ("۷/۷", "2026-09-29"), ("۲/۵ میلیون", "")]);
}

#[test]
fn what_only_looks_like_a_date_is_none() {
    check(
        context(),
        &[(
            "سفارش ۴۵۰۰۱ کجاست؟|۱۰ کیسه سیمان|INV-2026-11-26|1.2.3|192.168.1.1|0912-345-6789|با مهر و امضا|\
             may I ask|آن را دیدم|سلام، تا ۱۰ تا بفرست|6037-7016-8909-5443|یک سوال دارم|march on|۱۴۰۵|\
             این سفارش|بعد از ظهر|next please|in stock",
            "",
        )],
    );
}

#[test]
fn a_date_with_its_weekday_is_the_date_and_both_when_they_do_not_fit() {
    check(
        context(),
        &[
            (
                "شنبه ۱۴ آذر|شنبه ۱۴ آذر ۱۴۰۵|Saturday, December 5|Sat 5 December 2026|شنبه ۱۴۰۵/۹/۱۴",
                "2026-12-05",
            ),
            ("یکشنبه ۱۴ آذر", "2026-12-05 | 2026-11-29"),
            ("۵شنبه|۵ شنبه|panj shanbe", "2026-11-26 | 2026-12-03"),
            ("چارشنبه|chahar shanbe", "2026-12-02"),
            ("این شنبه|this Saturday|coming saturday", "2026-11-28"),
        ],
    );
}

#[test]
fn a_day_is_said_by_its_number_alone() {
    let future = Context { prefer: Prefer::Future, ..context() };
    check(
        future,
        &[
            ("on the 15th, please|deliver it on the 15th", "2026-12-06"),
            ("تا ۱۵ام", "2026-11-26..2026-12-06"),
            ("۳ام|روز سوم|تاریخ ۳ام", "2026-12-24"),
            ("۵ام", "2026-11-26"),
            ("پانزدهم ماه بعد|۱۵ام ماه آینده", "2027-01-05"),
            ("۳۱ام", "no such day"),
            ("از ۳ام تا ۱۰ آذر", "2026-11-24..2026-12-01"),
            ("از ۱۰ام تا ۱۵ام", "2026-12-01..2026-12-06"),
            ("پانزدهم آذر", "2026-12-06"),
            ("۱۵ام|۱۵‌ام|پانزدهم|پونزدهم بفرست|روز پانزدهم|15om|پانزدهم همین ماه", "2026-12-06"),
            (
                "طبقه ۱۵ام|بار دوم|سفارش دهم|the 15th floor|the second one|دوم|the second|for the 2nd time|15|۱۵",
                "",
            ),
        ],
    );
    let english = Context { calendar: Calendar::Gregorian, ..future };
    check(
        english,
        &[
            ("the 15th|on the 15th, please|the fifteenth|15th of next month|the 15th works", "2026-12-15"),
            ("15th of this month", "2026-11-15"),
            ("by the 15th", "2026-11-26..2026-12-15"),
            ("the 30th", "2026-11-30"),
            ("the 15th floor|the 15th one|the second|the second one", ""),
        ],
    );
    let past = Context { prefer: Prefer::Past, ..context() };
    check(past, &[("۱۵ام|the 15th", "2026-11-06")]);
    let asked = Context { asked: true, ..future };
    check(asked, &[("15|۱۵|the 15th|پانزدهم", "2026-12-06"), ("دوم", "2026-12-23"), ("45001|32|do", "")]);
}

#[test]
fn working_days_leave_the_friday_out() {
    check(
        context(),
        &[
            (
                "سه روز کاری دیگه|in 3 business days|3 working days later|۳ روز کاری بعد|se rooz kari dige",
                "2026-11-30",
            ),
            ("یک روز کاری دیگه", "2026-11-28"),
            ("دو روز کاری پیش", "2026-11-24"),
            ("ظرف ۷ روز کاری|within 7 business days", "2026-11-26..2026-12-05"),
            ("سه هفته کاری دیگه", ""),
        ],
    );
}

#[test]
fn a_year_in_short_has_two_digits() {
    let asked = Context { asked: true, ..context() };
    for context in [context(), asked] {
        check(context, &[("1/2/3|۱/۲/۳", ""), ("۰۵/۹/۵|5/9/05", "2026-11-26")]);
    }
}

#[test]
fn a_month_that_is_a_person_is_no_date() {
    check(
        context(),
        &[
            (
                "آذر خانم زنگ زد|خانم آذر|آقای بهمن|با خانم مهر صحبت کردم|Mr Bahman|بهمن آقا|برای آذر خانم|اسمم آذر است",
                "",
            ),
            ("۵ آذر خانم احمدی زنگ زد", "2026-11-26"),
            ("آقا آبان ماه بفرست", "2026-10-23..2026-11-21"),
        ],
    );
}

#[test]
fn words_that_are_dates_elsewhere_are_none_here() {
    check(
        context(),
        &[
            ("جمعه بعد از ظهر|جمعه قبل از ظهر", "2026-11-27"),
            ("can you do December 5?", "2026-12-05"),
            ("۲۰ تیر آهن|روز بعد از عید|۳ روز بعد از پرداخت|یه روز دیگه|این روزها|may a colleague call", ""),
            ("تاریخ ۲/۵ تن|برای ۳۰/۶۰|a quarter of a ton|برج ۱۵", ""),
            ("برای ۱۰ آذر ۲۰۰۰ کیسه|December 1, 2000 bags", "2026-12-01"),
            ("هفته دوم آذر|نیمه اول آذر", "2026-11-22..2026-12-21"),
            ("از چهارشنبه تا شنبه", "2026-12-02..2026-12-05"),
            ("قبل از شنبه|before saturday", "2026-11-26..2026-11-27"),
        ],
    );
    let future = Context { prefer: Prefer::Future, ..context() };
    check(future, &[("از ۳ آذر تا ۱۰ آذر", "2026-11-24..2026-12-01"), ("۳ آذر|24 November", "2026-11-24")]);
}

#[test]
fn a_long_text_of_the_same_words_goes_no_deeper_than_a_short_one() {
    for word in ["end ", "اول ", "تا ", "از ", "next ", "سه ", "1/", "شنبه، "] {
        let text = word.repeat(16 * 1024 / word.len());
        assert!(find(normalise(&text).as_str(), context()).len() <= DATES_MAX, "{word}");
    }
}

#[test]
fn several_dates_stand_in_the_order_of_the_words() {
    let text = normalise("فاکتور ۵ آذر را فردا بفرست");
    let found = find(text.as_str(), context());
    let words: Vec<&str> = found.iter().map(|date| &text.as_str()[date.at.clone()]).collect();
    assert_eq!(words, ["5 اذر", "فردا"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_place_is_in_the_text(
        text in any::<String>(),
        words in prop::collection::vec(prop::sample::select(vec![
            "از", "تا", "5", "31", "مهر", "اذر", "1405", "2026", "/", "-", "هفته", "بعد", "شنبه", "next", "in", "اول", "سال",
            "q", "1", "سه", "ماهه", "و", "بیست", "of", "nov", "day", "999999999999", "between",
        ]), 0..12),
    ) {
        for text in [text, words.join(" "), words.concat()] {
            let normal = normalise(&text);
            for date in find(normal.as_str(), context()) {
                prop_assert!(normal.as_str().get(date.at.clone()).is_some_and(|words| !words.is_empty()));
                let periods = match date.reading {
                    Reading::One(period) => vec![period],
                    Reading::Either(periods) => { prop_assert!(periods.len() > 1); periods }
                    Reading::NoSuchDay => Vec::new(),
                };
                for period in periods {
                    prop_assert!(period.start <= period.end);
                }
            }
        }
    }

    #[test]
    fn every_day_is_found_as_it_is_written(days in 0_i64..65_000, persian in any::<bool>()) {
        let day = gregorian("1921-03-21").plus(days);
        let calendar = if persian { Calendar::Jalali } else { Calendar::Gregorian };
        let (year, month, in_month) = day.parts(calendar);
        let context = context();
        for text in [format!("{year}/{month:02}/{in_month:02}"), format!("{year}-{month}-{in_month}")] {
            prop_assert_eq!(read_as(&text, context), day.to_string());
        }
    }
}
