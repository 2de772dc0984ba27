//! Numbers of documents, ids, cards, amounts and names in messages.

use proptest::prelude::*;

use super::*;
use SlotName::{
    Amount, Card, Iban, InvoiceNumber, LeaveKind, LegalId, NationalId, Person, PurchaseOrderNumber,
    TicketNumber,
};

/// What is found, with what is wrong with it.
fn flaws(text: &str, asked: Option<SlotName>) -> Vec<(SlotName, Option<Flaw>)> {
    let found = extractors().extract(text, &normalise(text), asked, &[]);
    assert!(found.iter().all(|one| one.flaw.is_none() || !one.exact), "{text}");
    found.into_iter().map(|f| (f.slot, f.flaw)).collect()
}

#[test]
fn invoices_tickets_and_purchase_orders_are_known_by_their_words() {
    check(
        None,
        &[
            ("فاکتور ۹۰۰۱۲۳۴", &[(InvoiceNumber, "9001234")]),
            ("INV-2026-17", &[(InvoiceNumber, "INV-2026-17")]),
            ("فاکتور inv/2026/00017 رو بفرست", &[(InvoiceNumber, "INV/2026/00017")]),
            ("invoice no. 90012345", &[(InvoiceNumber, "90012345")]),
            ("شماره فاکتورم ۹۰۰۱۲۳۴ است", &[(InvoiceNumber, "9001234")]),
            ("faktor 9001234 ro befrest", &[(InvoiceNumber, "9001234")]),
            ("صورت حساب 9001234", &[(InvoiceNumber, "9001234")]),
            ("فاکتور ۹۰۰۱۲۳۴۵۶۷", &[(InvoiceNumber, "9001234567")]),
            ("invoice 0090012345", &[(InvoiceNumber, "90012345")]),
            ("۹۰۰۱۲۳۴ شماره فاکتور منه", &[(InvoiceNumber, "9001234")]),
            ("تیکت 5001", &[(TicketNumber, "5001")]),
            ("TCK-5001 چی شد", &[(TicketNumber, "TCK-5001")]),
            ("case 00001001", &[(TicketNumber, "00001001")]),
            ("tiket 501 baste shod?", &[(TicketNumber, "501")]),
            ("ticket #5001", &[(TicketNumber, "5001")]),
            ("سفارش خرید ۴۵۰۰۰۰۱۲۳", &[(PurchaseOrderNumber, "450000123")]),
            ("PO 4500000123", &[(PurchaseOrderNumber, "4500000123")]),
            ("PO-4500000123", &[(PurchaseOrderNumber, "4500000123")]),
            ("po4500000123 kojast", &[(PurchaseOrderNumber, "4500000123")]),
            ("purchase order number 4500000123", &[(PurchaseOrderNumber, "4500000123")]),
            ("sefareshe kharid 4500000123", &[(PurchaseOrderNumber, "4500000123")]),
        ],
    );
}

#[test]
fn a_number_is_called_by_the_nearest_word() {
    check(
        None,
        &[
            ("فاکتور سفارش ۴۵۰۰۱", &[(OrderNumber, "45001")]),
            ("invoice for order 45001", &[(OrderNumber, "45001")]),
            ("سفارش ۴۵۰۰۱ و فاکتور ۹۰۰۱۲۳۴", &[(OrderNumber, "45001"), (InvoiceNumber, "9001234")]),
            ("order 45001, ticket 5001", &[(OrderNumber, "45001"), (TicketNumber, "5001")]),
            ("فاکتور رو به 09123456789 بفرست", &[(Phone, "+989123456789")]),
            ("send the invoice to 9123456789", &[(Phone, "+989123456789")]),
            ("فاکتورهای سال 1405", &[]),
            ("invoices of 1405", &[]),
            ("in case 45001 is late", &[(OrderNumber, "45001")]),
            ("فاکتور ۲۰۰ کیسه سیمان", &[(Quantity, "200"), (Product, "سیمان")]),
            ("فاکتور ۵ میلیون ریال", &[(Amount, "5000000")]),
        ],
    );
}

#[test]
fn a_bare_number_is_what_was_asked_for() {
    for slot in [InvoiceNumber, TicketNumber, PurchaseOrderNumber] {
        check(Some(slot), &[("۴۵۰۰۱", &[(slot, "45001")]), ("سفارش 45001", &[(OrderNumber, "45001")])]);
        check(Some(slot), &[("09123456789", &[(Phone, "+989123456789")])]);
    }
    check(
        Some(NationalId),
        &[("0499370899", &[(NationalId, "0499370899")]), ("499370899", &[(NationalId, "0499370899")])],
    );
    check(Some(LegalId), &[("10380284790", &[(LegalId, "10380284790")])]);
    check(Some(Card), &[("6037701689095443", &[(Card, "603770******5443")])]);
    check(Some(Iban), &[("820540102680020817909002", &[(Iban, "IR820540102680020817909002")])]);
    check(Some(Person), &[("سارا احمدی", &[(Person, "سارا احمدی")]), ("نه", &[]), ("سفارشم کجاست", &[])]);
    check(Some(LeaveKind), &[("استعلاجی", &[(LeaveKind, "sick")]), ("hourly", &[(LeaveKind, "hourly")])]);
}

#[test]
fn ids_need_a_word_that_says_so() {
    check(
        None,
        &[
            ("کد ملی من ۰۴۹۹۳۷۰۸۹۹ است", &[(NationalId, "0499370899")]),
            ("کدملی: ۰۴۹-۹۳۷۰۸۹-۹", &[(NationalId, "0499370899")]),
            ("my national id is 0499370899", &[(NationalId, "0499370899")]),
            ("code meli 0499370899", &[(NationalId, "0499370899")]),
            ("شناسه ملی ۱۰۳۸۰۲۸۴۷۹۰", &[(LegalId, "10380284790")]),
            ("کد ملی شرکت 10380284790", &[(LegalId, "10380284790")]),
            ("legal id 14007650912", &[(LegalId, "14007650912")]),
            ("10380284790", &[]),
        ],
    );
    for (text, asked, slot) in [
        ("کد ملی 0499370898", None, NationalId),
        ("کد ملی 1111111111", None, NationalId),
        ("کد ملی 049937", None, NationalId),
        ("شناسه ملی ۱۰۳۸۰۲۸۴۷۹۱", None, LegalId),
        ("0499370898", Some(NationalId), NationalId),
        ("0499370899", Some(LegalId), LegalId),
    ] {
        assert_eq!(flaws(text, asked), [(slot, Some(Flaw::NotValid))], "{text}");
    }
}

#[test]
fn an_account_is_known_by_its_letters_or_by_a_word() {
    for text in [
        "IR820540102680020817909002",
        "شبا: IR82 0540 1026 8002 0817 9090 02",
        "ir-82-0540-1026-8002-0817-9090-02",
        "شماره شبا ۸۲۰۵۴۰۱۰۲۶۸۰۰۲۰۸۱۷۹۰۹۰۰۲",
        "sheba 82 0540 1026 8002 0817 9090 02",
        "my iban is IR820540102680020817909002.",
    ] {
        assert_eq!(values(text, None), [(Iban, "IR820540102680020817909002".to_owned())], "{text}");
    }
    assert_eq!(flaws("IR820540102680020817909003", None), [(Iban, Some(Flaw::NotValid))]);
    assert_eq!(flaws("IR82054010268002081790900", None), [(Iban, Some(Flaw::NotValid))]);
    assert_eq!(values("820540102680020817909002", None), []);
}

#[test]
fn a_card_is_masked_wherever_it_is_found() {
    for text in [
        "6037701689095443",
        "۶۰۳۷-۷۰۱۶-۸۹۰۹-۵۴۴۳",
        "شماره کارت 6037 7016 8909 5443",
        "my card is 6037701689095443",
        "kart 603770 1689095443",
    ] {
        let found = extractors().extract(text, &normalise(text), None, &[]);
        let [card] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!((card.slot, card.value.as_str(), card.exact), (Card, "603770******5443", true), "{text}");
        let raw = normalise(&text[card.raw_range.clone()]).as_str().replace(['-', ' '], "");
        assert_eq!(raw, "6037701689095443");
        assert!(!format!("{found:?}").contains("168909") && !card.value.contains("168909"));
    }
    assert_eq!(flaws("6037-7016-8909-5444", None), [(Card, Some(Flaw::NotValid))]);
    assert_eq!(flaws("کارت 603770168909544", None), [(Card, Some(Flaw::NotValid))]);
    assert_eq!(values("کارت 603770168909544", None), [(Card, "603770*****9544".to_owned())]);
    assert_eq!(values("شماره پیگیری 6037701689095443", None), []);
}

#[test]
fn an_amount_is_in_rials_and_asked_about_where_its_unit_is_not_said() {
    check(
        None,
        &[
            ("۱۲٬۵۰۰٬۰۰۰ ریال", &[(Amount, "12500000")]),
            ("قیمتش 250000 تومان است", &[(Amount, "2500000")]),
            ("۲/۵ میلیون تومان واریز کردم", &[(Amount, "25000000")]),
            (
                "برای فاکتور ۹۰۰۱۲۳۴ یک میلیون و پانصد هزار تومان دادم",
                &[(InvoiceNumber, "9001234"), (Amount, "15000000")],
            ),
            ("سفارش ۴۵۰۰۱ به مبلغ ۵۰۰ هزار تومان", &[(OrderNumber, "45001"), (Amount, "5000000")]),
            ("مبلغ سفارش ۴۵۰۰۱ چقدره", &[(OrderNumber, "45001")]),
        ],
    );
    for (text, asked, toman, rial) in [
        ("۲ تومن", None, "20000", "20000000"),
        ("۲ میلیون واریز کردم", None, "20000000", "2000000"),
        ("مبلغ ۵۰۰۰۰۰ رو زدم", None, "5000000", "500000"),
        ("500000", Some(Amount), "5000000", "500000"),
        ("۵۰۰ هزار", Some(Amount), "5000000", "500000"),
        ("9123456789", Some(Amount), "91234567890", "9123456789"),
    ] {
        let found = extractors().extract(text, &normalise(text), asked, &[]);
        let [amount] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!(
            (amount.slot, amount.flaw, amount.exact),
            (Amount, Some(Flaw::WhichUnit), false),
            "{text}"
        );
        assert_eq!(amount.choices, [toman, rial], "{text}");
    }
    check(
        Some(Amount),
        &[
            ("نه", &[]),
            ("09123456789", &[(Phone, "+989123456789")]),
            ("سفارش 45001", &[(OrderNumber, "45001")]),
        ],
    );
}

#[test]
fn a_name_stands_behind_what_announces_it_and_ends() {
    check(
        None,
        &[
            ("آقای رضایی زنگ زد", &[(Person, "رضایی")]),
            ("به نام سارا احمدی ثبت کن", &[(Person, "سارا احمدی")]),
            ("اسمم سید محمد رضایی است", &[(Person, "سید محمد رضایی")]),
            ("My name is Sara O'Neil and I want 20 bags", &[(Person, "Sara O'Neil"), (Quantity, "20")]),
            ("Mr. Smith called", &[(Person, "Smith")]),
            ("Mr Smith called about order 45001", &[(Person, "Smith"), (OrderNumber, "45001")]),
            ("esmam sara ahmadi ast", &[(Person, "sara ahmadi")]),
            ("خانم آذر‌نوش، سلام", &[(Person, "آذر‌نوش")]),
            ("سلام خانم سفارشم کجاست؟", &[]),
            ("خانم احمدی سیمان می‌خواد", &[(Person, "احمدی"), (Product, "سیمان")]),
            ("سلام خوبید؟", &[]),
        ],
    );
}

#[test]
fn a_kind_of_leave_is_known_beside_the_word_for_leave() {
    check(
        None,
        &[
            ("مرخصی استحقاقی می‌خوام", &[(LeaveKind, "annual")]),
            ("مرخصی بدون حقوق", &[(LeaveKind, "unpaid")]),
            ("مرخصی ساعتی برای فردا", &[(LeaveKind, "hourly")]),
            ("sick leave tomorrow", &[(LeaveKind, "sick")]),
            ("morakhasi estelaji", &[(LeaveKind, "sick")]),
            ("unpaid leave", &[(LeaveKind, "unpaid")]),
            ("the annual report", &[]),
            ("ساعتی چند؟", &[]),
        ],
    );
}

#[test]
fn a_slip_in_a_name_is_understood_and_digits_are_no_slip() {
    check(
        None,
        &[
            ("سیمان تیب ۲ دارید", &[(Product, "CEM-042")]),
            ("stock of cemment type 2?", &[(Product, "CEM-042")]),
            ("cemnt type 3", &[(Product, "cement type")]),
            ("پمپ اب خانکی", &[(Product, "PMP-021")]),
            ("woter pump household", &[(Product, "PMP-021")]),
            ("payment terms", &[]),
            ("وضعیت سفارشم", &[]),
        ],
    );
}

#[test]
fn a_slip_that_may_be_two_products_is_not_exact() {
    let product = |sku: &str, name: &str| ProductName { sku: sku.to_owned(), names: vec![name.to_owned()] };
    let two = [
        product("A-1", "paint marble white"),
        product("A-2", "paint marbre white"),
        product("B-1", "other thing"),
    ];
    let text = "paint marbe white";
    let found = Extractors::new(&two).unwrap().extract(text, &normalise(text), None, &[]);
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.value.as_str(), one.exact, one.flaw), ("paint", false, None));
}

#[test]
fn long_hostile_texts_give_a_bounded_answer() {
    for piece in [
        "6037 ",
        "ir ",
        "IR82-",
        "a1234",
        "کد ملی 0499370899 ",
        "فاکتور ",
        "inv-",
        "inv-2026-",
        "به نام ",
        "mr a ",
        "مرخصی ",
        "5 تومن ",
        "1,",
        "سیمان ",
        "po",
        "1234",
        "-1-1-1",
        "سیمانسیمان",
    ] {
        let text = piece.repeat(100 * 1024 / piece.len());
        for asked in [None, Some(NationalId), Some(Amount)] {
            assert!(
                extractors().extract(&text, &normalise(&text), asked, &[]).len() <= VALUES_MAX,
                "{piece}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_mixture_makes_it_panic_and_no_card_shows(
        pieces in prop::collection::vec(prop_oneof![any::<String>(), "[0-9۰-۹+@. #,/()-]{0,20}", "[a-z]{1,9} ",
            prop::sample::select(vec!["کارت ", "شبا ", "IR", "کد ملی ", "6037701689095443", "6037-7016-8909-5443", "فاکتور ",
                "INV-", "تومن ", "میلیون ", "خانم ", "سیمان تیب ", "مرخصی ", "case "]).prop_map(str::to_owned)], 0..8),
        asked in prop::option::of(prop::sample::select(vec![Card, Iban, NationalId, LegalId, InvoiceNumber, Amount, Person])),
    ) {
        let text = pieces.concat();
        for found in extractors().extract(&text, &normalise(&text), asked, &[]) {
            prop_assert!(text.get(found.raw_range.clone()).is_some_and(|raw| !raw.is_empty()));
            prop_assert!(!found.value.is_empty());
            prop_assert!(found.slot != Card || found.value.contains("***"));
            prop_assert_eq!(found.flaw == Some(Flaw::WhichUnit), found.choices.len() == 2);
        }
    }
}
