//! Numbers that count something, and those that only look so.

use super::*;
use SlotName::{InvoiceNumber, Person};

fn quantity(text: &str, asked: bool) -> Option<String> {
    let found = values(text, asked.then_some(Quantity));
    found.into_iter().find(|(slot, _)| *slot == Quantity).map(|(_, value)| value)
}

#[test]
fn the_words_behind_an_order_number_make_no_quantity_of_it() {
    for text in [
        "سفارش ۴۵۰۰۱ تا کی می‌رسه؟",
        "سفارش ۴۵۰۰۱ تا حالا نرسیده",
        "سفارش ۴۵۰۰۱ تا الان نرسیده",
        "سفارش ۴۵۰۰۱ روز شنبه می‌رسه؟",
        "sefaresh 45001 ta key mirese",
        "sefaresh 45001 ta hala nareside",
        "Where is order 45001? Can you check?",
        "order 45001 can you tell me",
        "order 45001. Pack it well",
        "order 45001 set off yet?",
    ] {
        for asked in [None, Some(Quantity)] {
            assert_eq!(values(text, asked), [(OrderNumber, "45001".to_owned())], "{text}");
        }
    }
    check(
        None,
        &[
            ("سفارش ۱۰۰۰ کیسه", &[(Quantity, "1000")]),
            ("order 2000 bags", &[(Quantity, "2000")]),
            ("سفارش ۲۰۰۰ تا سیمان", &[(Quantity, "2000"), (Product, "سیمان")]),
            ("change order 45001 to 30 bags", &[(OrderNumber, "45001"), (Quantity, "30")]),
            ("45001 تا کی می‌رسه؟", &[(OrderNumber, "45001")]),
            ("45001 can you check", &[(OrderNumber, "45001")]),
            ("CEM-042 - 80 bags", &[(Product, "CEM-042"), (Quantity, "80")]),
            ("DOR-007 10 عدد", &[(Product, "DOR-007"), (Quantity, "10")]),
            ("سیمان تیپ ۲ ۳ تا", &[(Product, "CEM-042"), (Quantity, "3")]),
            ("gypsum type 2 - 20 bags", &[(Quantity, "20")]),
            ("line 10 to 20 bags", &[(Quantity, "20")]),
            ("5 can of paint", &[(Quantity, "5")]),
            ("5 can cement", &[(Quantity, "5"), (Product, "cement")]),
        ],
    );
    // A number with a date behind it stays an order's.
    let text = "45001 تا فردا می رسد";
    let at = text.find("تا فردا").unwrap();
    let date = at..at + "تا فردا".len();
    let found = extractors().extract(text, &normalise(text), None, std::slice::from_ref(&date));
    assert_eq!(found.iter().map(|f| f.slot).collect::<Vec<_>>(), [OrderNumber]);
}

#[test]
fn a_word_that_is_also_a_number_counts_nothing_where_nothing_is_counted() {
    for text in [
        "نه، تا حالا نرسیده",
        "نه تا حالا نرسیده",
        "یه سری کاشی می‌خوام",
        "which one can you deliver",
        "do units differ?",
        "do bags come in sizes",
    ] {
        assert_eq!(quantity(text, false), None, "{text}");
    }
    assert_ne!(quantity("do bags come in 50 kg", false).as_deref(), Some("2"));
    for text in [
        "نه",
        "نه ممنون",
        "نه، ممنون",
        "یه لحظه",
        "one moment",
        "do it",
        "do please",
        "ten minutes",
        "2nd",
        "call me in 5 minutes",
        "۵ دقیقه دیگه",
    ] {
        assert_eq!(quantity(text, true), None, "{text}");
    }
    for (text, expected) in [
        ("نه تا", "9"),
        ("نه کیسه", "9"),
        ("پنج لطفا", "5"),
        ("ten please", "10"),
        ("do ta", "2"),
        ("20, please", "20"),
        ("20.", "20"),
    ] {
        assert_eq!(quantity(text, true).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_number_that_lies_between_two_is_no_quantity() {
    for text in [
        "دو سه تا کیسه",
        "ده بیست تا",
        "یکی دو تا",
        "۲ ۳ تا",
        "۲ تا ۳ کیسه",
        "2 to 3 bags",
        "2-3 bags",
        "2 - 3 bags",
        "12 or 15 bags",
        "ده بیست",
        "۱ ۰۰۰",
    ] {
        for asked in [true, false] {
            assert_eq!(quantity(text, asked), None, "{text}");
        }
    }
    assert_eq!(quantity("یه بیست تا کیسه", false).as_deref(), Some("20"));
    assert_eq!(values("دو سه میلیون تومان", None), []);
    assert_eq!(values("۲ ۳ میلیون تومان", None), []);
}

#[test]
fn a_number_is_taken_whole() {
    for (text, expected) in [("۲ هزار", "2000"), ("2 thousand", "2000"), ("دو هزار", "2000"), ("2k", "2000")]
    {
        assert_eq!(quantity(text, true).as_deref(), Some(expected), "{text}");
    }
    for (text, expected) in [
        ("۲ و نیم تن", "2.5"),
        ("۵ و نیم تن", "5.5"),
        ("دو و نیم تن", "2.5"),
        ("2 and a half tons", "2.5"),
        ("۱٬۰۰۰ کیسه", "1000"),
        ("1,500 bags", "1500"),
        ("۲/۵ تن", "2.5"),
        ("2 thousand bags", "2000"),
        ("هزار تا کیسه", "1000"),
        ("20kg", "20"),
        ("5m", "5"),
    ] {
        for asked in [true, false] {
            assert_eq!(quantity(text, asked).as_deref(), Some(expected), "{text}");
        }
    }
    for text in ["1/2 ton", "1,50 bags", "5 و 500 کیسه", "1 000 bags", "2 million bags"] {
        assert_ne!(quantity(text, false).as_deref(), Some("1"), "{text}");
        assert_ne!(quantity(text, false).as_deref(), Some("2"), "{text}");
    }
}

#[test]
fn what_is_counted_is_no_number_of_a_document() {
    check(
        None,
        &[
            ("پیش‌فاکتور ۵۰۰ شاخه میلگرد", &[(Quantity, "500")]),
            ("پیش‌فاکتور ۵۰۰ تا میلگرد", &[(Quantity, "500")]),
            ("invoice for 200 boxes", &[(Quantity, "200")]),
            ("invoice 90012345 can you send it", &[(InvoiceNumber, "90012345")]),
            ("تیکت ۵۰۱ بسته شد؟", &[(SlotName::TicketNumber, "501")]),
            ("۵۰ بسته میخ", &[(Quantity, "50")]),
            ("فاکتور ۹۰۰۱۲ تا کی میاد", &[(InvoiceNumber, "90012")]),
        ],
    );
    check(Some(InvoiceNumber), &[("9000012345", &[(InvoiceNumber, "9000012345")])]);
}

#[test]
fn the_nearest_word_says_whether_a_number_is_a_phones() {
    for text in [
        "tell me order 45001",
        "tell me if 45001 shipped",
        "لطفاً تماس بگیرید سفارش ۴۵۰۰۱ نرسیده",
        "همراه با سفارش ۴۵۰۰۱ فاکتور نبود",
    ] {
        assert_eq!(values(text, None), [(OrderNumber, "45001".to_owned())], "{text}");
    }
    check(
        None,
        &[
            ("phone number 45001", &[]),
            ("شماره همراه ۴۵۰۰۱۲", &[]),
            ("تلفنم ۴۵۰۰۱۲۳۴ است", &[]),
            ("call customer 1000000018 by phone", &[(Customer, "1000000018")]),
        ],
    );
}

#[test]
fn a_bank_is_no_id_and_its_account_no_customer_and_no_order() {
    check(
        None,
        &[
            ("به حساب بانک ملی ۵۰۰۰۰۰۰ تومان واریز کردم", &[(SlotName::Amount, "50000000")]),
            ("کد ملی ۵۰۰۰۰۰۰ تومان", &[(SlotName::Amount, "50000000")]),
            ("national bank 12345678", &[(OrderNumber, "12345678")]),
            ("bank account 12345678", &[]),
            ("bank account number 12345678", &[]),
            ("شماره حساب ۱۲۳۴۵۶۷۸", &[]),
            ("account 12345678", &[(Customer, "12345678")]),
            ("کارت ملی ۰۴۹۹۳۷۰۸۹۹", &[(SlotName::NationalId, "0499370899")]),
            ("national code 0499370899", &[(SlotName::NationalId, "0499370899")]),
        ],
    );
    for asked in [Customer, InvoiceNumber, OrderNumber] {
        assert_eq!(values("شماره حساب ۱۲۳۴۵۶۷۸", Some(asked)), [], "{asked:?}");
    }
}

#[test]
fn a_name_that_was_asked_for_may_stand_in_a_sentence() {
    for text in ["علی رضایی هستم", "من علی رضایی هستم", "سلام، من علی رضایی هستم", "علی رضایی‌ام"]
    {
        assert_eq!(values(text, Some(Person)), [(Person, "علی رضایی".to_owned())], "{text}");
    }
    for text in
        ["it's Sara Ahmadi", "I'm Sara Ahmadi", "I am Sara Ahmadi", "this is Sara Ahmadi", "Sara Ahmadi here"]
    {
        assert_eq!(values(text, Some(Person)), [(Person, "Sara Ahmadi".to_owned())], "{text}");
    }
    for text in [
        "خودم",
        "بعداً میگم",
        "نمیخوام بگم",
        "نمی‌خوام بگم",
        "من",
        "I'm",
        "later",
        "هیچکس",
        "it's me",
        "I'm busy",
        "منتظر هستم",
        "سلام صبح بخیر",
        "prices please",
        "hi team",
    ] {
        assert_eq!(values(text, Some(Person)), [], "{text}");
    }
}

#[test]
fn what_only_sounds_like_a_name_is_none() {
    for text in [
        "فردا سرکار نمیام",
        "با خانم صحبت کردم",
        "اسم من چیه",
        "the product name is gypsum",
        "did I miss delivery yesterday",
        "don't miss delivery",
        "به نام شرکت پارس",
        "به نام خدا",
    ] {
        assert_eq!(values(text, None), [], "{text}");
    }
    check(
        None,
        &[
            ("سرکار خانم رضایی", &[(Person, "رضایی")]),
            ("the name is Sara", &[(Person, "Sara")]),
            ("Miss Ahmadi called", &[(Person, "Ahmadi")]),
        ],
    );
}

#[test]
fn a_year_of_a_budget_and_another_money_are_no_amounts() {
    for text in ["budget 2026", "بودجه ۱۴۰۴", "مبلغ ۵۰۰ درهم", "۲ میلیون لیر", "مبلغ ۵۰۰ پوند", "500000 yuan"]
    {
        assert_eq!(values(text, None), [], "{text}");
    }
    check(
        None,
        &[
            ("2 500 000 تومان", &[(SlotName::Amount, "25000000")]),
            ("سفارش ۴۵۰۰۱ - ۵۰۰۰۰۰ تومان", &[(OrderNumber, "45001"), (SlotName::Amount, "5000000")]),
            ("سفارش ۴۵۰۰۱ - ۲۰ کیسه", &[(OrderNumber, "45001"), (Quantity, "20")]),
        ],
    );
}

#[test]
fn a_name_does_not_reach_over_the_word_that_joins_it_to_the_next() {
    for (text, name) in [
        ("۲۰ کیسه سیمان تیپ ۲ و ۵ تا در چوبی سفارش بده", "سیمان تیپ ۲"),
        ("order 20 bags of cement typ 2 and 5 doors", "cement typ 2"),
    ] {
        let found = extractors().extract(text, &normalise(text), None, &[]);
        let names: Vec<&str> =
            found.iter().filter(|one| one.slot == Product).map(|one| &text[one.raw_range.clone()]).collect();
        assert_eq!(names.first(), Some(&name), "{names:?}");
    }
}
