mod counted;
mod values;

use proptest::prelude::*;

use super::*;
use crate::language::normal::normalise;
use SlotName::{Customer, Email, OrderNumber, Phone, Product, Quantity};

fn extractors() -> Extractors {
    let product = |sku: &str, fa: &str, en: &str| ProductName {
        sku: sku.to_owned(),
        names: vec![fa.to_owned(), en.to_owned()],
    };
    Extractors::new(&[
        product("CEM-007", "سیمان تیپ 1 پاکت 25 کیلویی", "Cement type 1 25 kg bag"),
        product("CEM-042", "سیمان تیپ 2 پاکت 50 کیلویی", "Cement type 2 50 kg bag"),
        product("PMP-021", "پمپ آب خانگی 5.5 اسب", "Water pump household 5.5 hp"),
        product("DOR-007", "در چوبی 80 سانتی", "Door wooden 80 cm"),
    ])
    .unwrap()
}

fn values(text: &str, asked: Option<SlotName>) -> Vec<(SlotName, String)> {
    let found = extractors().extract(text, &normalise(text), asked, &[]);
    found.into_iter().map(|f| (f.slot, f.value)).collect()
}

fn check(asked: Option<SlotName>, table: &[(&str, &[(SlotName, &str)])]) {
    for (text, expected) in table {
        let expected: Vec<_> = expected.iter().map(|(slot, value)| (*slot, (*value).to_owned())).collect();
        assert_eq!(values(text, asked), expected, "{text}");
    }
}

#[test]
fn an_order_number_is_known_by_its_cue() {
    check(
        None,
        &[
            ("where is order 45001?", &[(OrderNumber, "45001")]),
            ("سفارش ۴۵۰۰۱ کجاست؟", &[(OrderNumber, "45001")]),
            ("سفارش شماره‌ی ٤٥٠٠١ رسید؟", &[(OrderNumber, "45001")]),
            ("sefaresh 45001 kojast", &[(OrderNumber, "45001")]),
            ("status of ORD-45001 please", &[(OrderNumber, "45001")]),
            ("#45001?", &[(OrderNumber, "45001")]),
            ("45001", &[(OrderNumber, "45001")]),
            ("order 0000045001", &[(OrderNumber, "45001")]),
            ("سفارش‌های ۴۵۰۰۱ و ۴۵۰۰۲", &[(OrderNumber, "45001"), (OrderNumber, "45002")]),
            ("سفارش 9121234567 چی شد", &[(OrderNumber, "9121234567")]),
            ("سفارش ۴۵۰۰۱ با شماره ۰۹۱۲۳۴۵۶۷۸۹", &[(OrderNumber, "45001"), (Phone, "+989123456789")]),
        ],
    );
}

#[test]
fn other_numbers_are_no_order_numbers() {
    check(
        None,
        &[
            ("۱۲٬۵۰۰٬۰۰۰ ریال", &[(SlotName::Amount, "12500000")]),
            ("قیمتش 250000 تومان است", &[(SlotName::Amount, "2500000")]),
            ("200 bags", &[(Quantity, "200")]),
            ("2000 bags", &[(Quantity, "2000")]),
            ("1405/09/05", &[]),
            ("2026-11-26", &[]),
            ("order 123", &[]),
            ("order 12345678901", &[]),
            ("$4500", &[]),
            ("سال 1405", &[]),
            ("4500.50", &[]),
            ("45001 45002", &[]),
            ("id abc45001", &[]),
        ],
    );
}

#[test]
fn a_bare_number_answers_the_question_for_it() {
    check(
        Some(OrderNumber),
        &[
            ("۴۵۰۰۱", &[(OrderNumber, "45001")]),
            ("45001 or 45002", &[(OrderNumber, "45001"), (OrderNumber, "45002")]),
            ("09123456789", &[(Phone, "+989123456789")]),
        ],
    );
}

#[test]
fn a_quantity_stands_before_a_unit_or_a_product_or_is_asked_for() {
    check(
        None,
        &[
            ("order 20 bags of CEM-042", &[(Quantity, "20"), (Product, "CEM-042")]),
            ("۲۰ کیسه", &[(Quantity, "20")]),
            ("20 x CEM-042", &[(Quantity, "20"), (Product, "CEM-042")]),
            ("12 CEM-042", &[(Quantity, "12"), (Product, "CEM-042")]),
            ("۲٫۵ تن", &[(Quantity, "2.5")]),
            ("007 pieces", &[(Quantity, "7")]),
            ("0 bags", &[]),
            ("-5 bags", &[]),
            ("1,000 bags", &[(Quantity, "1000")]),
            ("12345678 bags", &[]),
            ("in 20 minutes", &[]),
        ],
    );
    check(Some(Quantity), &[("12", &[(Quantity, "12")]), ("12 or 15", &[]), ("2.50", &[(Quantity, "2.5")])]);
}

#[test]
fn a_number_that_is_called_an_order_is_no_answer_to_another_question() {
    for asked in [Quantity, Customer] {
        for text in ["where is order 45002?", "سفارش ۴۵۰۰۲ کجاست؟", "sefaresh 45002 kojast"] {
            check(Some(asked), &[(text, &[(OrderNumber, "45002")])]);
        }
    }
}

#[test]
fn a_quantity_may_be_said_in_words() {
    check(
        None,
        &[
            ("order twenty bags of CEM-042", &[(Quantity, "20"), (Product, "CEM-042")]),
            ("صد و بیست کیسه", &[(Quantity, "120")]),
            ("یه کیسه", &[(Quantity, "1")]),
            ("bist ta", &[(Quantity, "20")]),
            ("two or three bags", &[]),
            ("یه سوال دارم", &[]),
            ("do you have one?", &[]),
        ],
    );
    check(
        Some(Quantity),
        &[
            ("بیست تا", &[(Quantity, "20")]),
            ("twenty-five", &[(Quantity, "25")]),
            ("بیست و پنج", &[(Quantity, "25")]),
            ("the second one", &[]),
            ("one of those you sent last week", &[]),
        ],
    );
}

#[test]
fn a_customer_is_known_by_its_cue_and_is_no_order() {
    check(
        None,
        &[
            ("order for customer 1000000018", &[(Customer, "1000000018")]),
            ("برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", &[(Customer, "1000000018")]),
            ("baraye moshtari 1000000018", &[(Customer, "1000000018")]),
            ("customer number 0000045001", &[(Customer, "45001")]),
            ("customer 12", &[]),
            ("customer 9999999999", &[(Customer, "9999999999")]),
            ("customer phone 9123456789", &[(Phone, "+989123456789")]),
        ],
    );
    check(Some(Customer), &[("۱۰۰۰۰۰۰۰۱۸", &[(Customer, "1000000018")])]);
}

#[test]
fn a_phone_is_read_in_every_usual_spelling() {
    for text in [
        "09123456789",
        "۰۹۱۲۳۴۵۶۷۸۹",
        "0912 345 6789",
        "0912-345-67-89",
        "+989123456789",
        "+98 912 345 6789",
        "00989123456789",
        "989123456789",
        "9123456789",
        "شماره موبایلم ۰۹۱۲۳۴۵۶۷۸۹ است",
    ] {
        assert_eq!(values(text, None), [(Phone, "+989123456789".to_owned())], "{text}");
    }
    check(
        None,
        &[("021-88776655", &[(Phone, "+982188776655")]), ("+49 30 901820", &[(Phone, "+4930901820")])],
    );
}

#[test]
fn an_email_is_lower_cased_and_loses_the_full_stop_after_it() {
    check(
        None,
        &[
            ("Write to Sara.Ahmadi@Example.COM.", &[(Email, "sara.ahmadi@example.com")]),
            ("ایمیلم ali@shop.ir هست", &[(Email, "ali@shop.ir")]),
            ("a@b", &[]),
            ("@example.com", &[]),
            ("x@-bad-.com", &[]),
        ],
    );
}

#[test]
fn a_product_is_known_by_sku_and_by_name() {
    check(
        None,
        &[
            ("موجودی CEM-042", &[(Product, "CEM-042")]),
            ("stock of cem 042?", &[(Product, "CEM-042")]),
            ("cem042 darid?", &[(Product, "CEM-042")]),
            ("سیمان دارید؟", &[(Product, "سیمان")]),
            ("how much cement is left", &[(Product, "cement")]),
            ("سیمان تیپ ۲ موجوده؟", &[(Product, "CEM-042")]),
            ("سیمان‌ها", &[(Product, "سیمان")]),
            ("پمپ آب خانگی", &[(Product, "PMP-021")]),
            ("cement type 25", &[(Product, "cement type")]),
            ("stock of XYZ-999", &[(Product, "XYZ-999")]),
            ("در چه وضعیتی است", &[]),
            ("پسیمان", &[]),
        ],
    );
}

#[test]
fn a_value_leads_back_to_the_persons_own_words() {
    let text = "سفارشِ ۴۵۰۰۱ و ایمیل Ali@Shop.ir";
    let found = extractors().extract(text, &normalise(text), None, &[]);
    let raw: Vec<&str> = found.iter().map(|f| &text[f.raw_range.clone()]).collect();
    assert_eq!(raw, ["۴۵۰۰۱", "Ali@Shop.ir"]);
    assert!(!format!("{found:?}").contains("45001"), "a value shows in debug output");
}

#[test]
fn a_product_list_beyond_the_limit_is_refused() {
    let one = ProductName { sku: "A-1".to_owned(), names: Vec::new() };
    let many = vec![one; product::PRODUCTS_MAX + 1];
    let error = Extractors::new(&many).unwrap_err();
    assert_eq!(error.kind(), "too_many_products");
}

#[test]
fn a_flood_of_numbers_gives_a_bounded_answer() {
    let text = (45_000..49_000).map(|n| format!("order {n} ")).collect::<String>();
    assert_eq!(extractors().extract(&text, &normalise(&text), None, &[]).len(), VALUES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_makes_it_panic_and_every_range_is_valid(
        pieces in prop::collection::vec(prop_oneof![any::<String>(), "[0-9۰-۹+@. #,/()-]{0,14}",
            Just("سفارش ".to_owned()), Just("cem-".to_owned()), Just("order ".to_owned())], 0..8),
        asked in prop::option::of(Just(OrderNumber)),
    ) {
        let text = pieces.concat();
        for found in extractors().extract(&text, &normalise(&text), asked, &[]) {
            prop_assert!(text.get(found.raw_range.clone()).is_some_and(|raw| !raw.is_empty()));
            prop_assert!(!found.value.is_empty());
        }
    }
}

#[test]
fn an_order_number_before_a_date_is_no_quantity() {
    for (text, slot, value, date) in [
        ("سفارش ۴۵۰۰۱ تا فردا می‌رسد؟", OrderNumber, "45001", "تا فردا"),
        ("۲۰ تا فردا بفرست", Quantity, "20", "تا فردا"),
        ("سفارش ۲۰۰۰ کیسه سیمان", Quantity, "2000", ""),
    ] {
        let normal = normalise(text);
        let at = normal.as_str().find(date).unwrap();
        let dates: Vec<Range<usize>> =
            Some(at..at + date.len()).into_iter().filter(|at| !at.is_empty()).collect();
        let found = extractors().extract(text, &normal, None, &dates);
        assert!(found.iter().any(|one| one.slot == slot && one.value == value), "{text}: {found:?}");
    }
}

#[test]
fn the_beginning_of_a_phone_number_is_no_order_and_is_asked_for_again_where_a_phone_number_was_asked_for() {
    check(None, &[("۰۹۱۲۳", &[]), ("09123", &[]), ("شماره‌ی من ۰۹۱۲۳۴۵", &[])]);
    check(Some(OrderNumber), &[("09123", &[]), ("0000045001", &[(OrderNumber, "45001")])]);
    check(None, &[("سفارش ۰۴۵۰۰۱", &[(OrderNumber, "45001")])]);
    for text in ["۰۹۱۲۳", "0912 345", "+98912", "my number is 0912345678"] {
        let found = extractors().extract(text, &normalise(text), Some(Phone), &[]);
        let flaws: Vec<_> = found.iter().map(|one| (one.slot, one.exact, one.flaw)).collect();
        assert_eq!(flaws, [(Phone, false, Some(Flaw::NotValid))], "{text}");
    }
    check(Some(Phone), &[("09123456789", &[(Phone, "+989123456789")])]);
    check(Some(Phone), &[("where is order 045001", &[(OrderNumber, "45001")])]);
}

#[test]
fn what_was_written_freely_keeps_its_half_spaces_and_loses_what_turns_the_text_around() {
    const TURNS: &str = "\u{061C}\u{200E}\u{200F}\u{202A}\u{202E}\u{2066}\u{2069}";
    let (text, name) = (format!("نمی\u{200C}رسد{TURNS}\nخراب"), format!("نام من علی{TURNS} رضایی"));
    assert_eq!(values(&text, Some(SlotName::Description))[0].1, "نمی\u{200C}رسد\nخراب", "a description");
    assert_eq!(values(&name, None)[0], (SlotName::Person, "علی رضایی".to_owned()));
}

#[test]
fn as_many_of_one_thing_as_of_another_are_two_numbers() {
    let found = values("10 bags of CEM-042 and 10 bags of CEM-007", None);
    assert_eq!(found.iter().filter(|(slot, _)| *slot == Quantity).count(), 2, "{found:?}");
}
