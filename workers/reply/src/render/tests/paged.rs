//! Long results: a few lines at a time, and more when the person asks for it.

use super::*;

fn orders(language: Language, count: usize, page: u16) -> OperationUpdated {
    let mut found = update(language, Operation::OrderList, OperationStatus::Found, "45001");
    found.orders = (0..count)
        .map(|place| Order { number: (70_000 + place).to_string(), ..order(OrderProgress::Open, "") })
        .collect();
    found.page = page;
    found
}

fn numbers(text: &str) -> Vec<usize> {
    let points = text.lines().filter_map(|line| line.strip_prefix("• 700"));
    points.map(|rest| rest[..2].parse().unwrap()).collect()
}

#[test]
fn a_long_list_is_shown_in_pages_of_five_and_every_order_once() {
    let pages: Vec<Said> = (0..3).map(|page| told(&orders(Language::En, 12, page))).collect();
    let shown: Vec<usize> = pages.iter().flat_map(|page| numbers(&bare(&page.text))).collect();
    assert_eq!(shown, (0..12).collect::<Vec<_>>());
    for (page, rest) in [(0, "… and 7 more orders; write \"more\" to see them."), (1, "… and 2 more orders;")]
    {
        let last = bare(pages[page].text.lines().last().unwrap());
        assert!(last.starts_with(rest), "{last}");
        assert_eq!(pressed(&pages[page]), [("More", "more")]);
    }
    assert!(pages[2].buttons.is_empty(), "nothing more is offered at the end");
    assert!(bare(&pages[1].text).starts_with("More orders of the customer of order 45001:"));
}

#[test]
fn one_order_more_is_no_plural_and_persian_asks_in_persian() {
    let english = bare(&told(&orders(Language::En, 6, 0)).text);
    assert!(english.ends_with("… and 1 more order; write \"more\" to see it."), "{english}");
    let persian = told(&orders(Language::Fa, 17, 0));
    assert!(bare(&persian.text).ends_with("… و ۱۲ سفارش دیگر؛ برای دیدن بقیه بنویسید «بیشتر»."));
    assert_eq!(pressed(&persian), [("بیشتر", "بیشتر")]);
}

#[test]
fn a_page_beyond_the_end_says_that_it_was_all() {
    for page in [2, 3, u16::MAX] {
        let said = told(&orders(Language::En, 10, page));
        assert_eq!(said.text, "That was all; there are no more orders to show.");
        assert!(said.buttons.is_empty());
    }
    assert!(told(&orders(Language::En, 0, 0)).text.starts_with("I found no other orders"));
}

#[test]
fn more_orders_than_are_read_are_said_to_be_at_least_so_many() {
    for (language, more, older) in [
        (Language::En, "… and at least 45 more orders;", "There are older orders too"),
        (Language::Fa, "… و دست‌کم ۴۵ سفارش دیگر؛", "سفارش‌های قدیمی‌تری هم هست"),
    ] {
        let first = bare(&told(&orders(language, ORDERS_MAX + 1, 0)).text);
        assert!(first.lines().last().unwrap().starts_with(more), "{first}");
        let last = told(&orders(language, ORDERS_MAX + 1, 9));
        assert_eq!(last.text.lines().filter(|line| line.starts_with('•')).count(), 5, "{}", last.text);
        assert!(last.text.lines().last().unwrap().starts_with(older), "{}", last.text);
        assert!(last.buttons.is_empty(), "nothing more can be shown");
        let end = told(&orders(language, ORDERS_MAX + 1, 10));
        assert!(end.text.starts_with(older), "{}", end.text);
    }
    let last = bare(&told(&orders(Language::En, ORDERS_MAX + 1, 9)).text);
    assert_eq!(numbers(&last), (45..50).collect::<Vec<_>>(), "the one beyond is not shown");
    let exact = bare(&told(&orders(Language::En, ORDERS_MAX, 0)).text);
    assert!(exact.lines().last().unwrap().starts_with("… and 45 more orders;"), "{exact}");
}

#[test]
fn many_items_are_counted_by_the_plural_of_their_number() {
    for (count, last) in [(13, "• and 1 more item"), (14, "• and 2 more items")] {
        let mut found = update(Language::En, Operation::OrderStatus, OperationStatus::Found, "45001");
        let mut long = order(OrderProgress::Delivered, "Cement");
        long.items = vec![long.items[0].clone(); count];
        found.orders = vec![long];
        let text = bare(&said(&found));
        assert!(text.lines().any(|line| line == last), "{text}");
    }
}

#[test]
fn a_unit_follows_its_number() {
    let mut found = update(Language::En, Operation::OrderStatus, OperationStatus::Found, "45001");
    let mut one = order(OrderProgress::Open, "Cement");
    (one.items[0].quantity, one.items[0].delivered) = ("1.000".to_owned(), "0".to_owned());
    found.orders = vec![one];
    assert!(bare(&said(&found)).contains("• Cement: 1 bag, 0 bags delivered"), "{}", said(&found));
}
