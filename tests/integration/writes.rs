//! A person orders something: it is said back, done after a yes and no sooner, and told with its number.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peyvand::language::{
    calendar::format_date,
    dates::{Calendar, UtcOffset},
    script::Language,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Peyvand, data};

/// Waits for a reply of a conversation that has all these words.
async fn told(peyvand: &Peyvand, conversation: &str, words: &[&str]) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let texts = peyvand.texts(conversation).await;
        if let Some(text) = texts.iter().find(|text| words.iter().all(|word| text.contains(word))) {
            return text.clone();
        }
        assert!(Instant::now() < until, "{words:?} was not said: {texts:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn say(peyvand: &Peyvand, conversation: &str, text: &str) -> String {
    let answer = peyvand.send(conversation, &Uuid::new_v4().to_string(), text).await;
    answer["replies"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_is_proposed_confirmed_and_told_with_its_number_in_both_languages() {
    let peyvand = Peyvand::up(data());
    let proposed = say(&peyvand, "web:en", "order 20 bags of CEM-042 for customer 1000000018").await;
    for word in ["20", "CEM-042", "1000000018", "yes or no"] {
        assert!(proposed.contains(word), "{proposed}");
    }
    let noted = say(&peyvand, "web:en", "yes").await;
    assert!(noted.contains("I have noted your request"), "{noted}");
    let done = told(&peyvand, "web:en", &["Done", "45500"]).await;
    let tracking = noted.split(['\u{2068}', '\u{2069}']).nth(1).unwrap();
    assert!(done.contains(tracking), "{noted} {done}");
    let found = say(&peyvand, "web:en", "where is order 45500?").await;
    assert!(found.contains("20") && found.contains("bags"), "{found}");
    let proposed = say(&peyvand, "web:fa", "۵ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده").await;
    assert!(proposed.contains("ثبت کنم؟") && proposed.contains('۵'), "{proposed}");
    let _noted = say(&peyvand, "web:fa", "بله").await;
    let _done = told(&peyvand, "web:fa", &["انجام شد", "۴۵۵۰۱"]).await;
}

#[tokio::test]
async fn an_order_for_a_day_is_said_back_and_delivered_on_it_and_no_day_is_guessed() {
    let peyvand = Peyvand::up(data());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let day = UtcOffset::IRAN.day_at(now.try_into().unwrap()).plus(30);
    let (year, month, in_month) = day.parts(Calendar::Jalali);
    let wish =
        format!("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ برای {year}/{month}/{in_month} سفارش بده");
    let said = format_date(&day.to_string(), Language::Fa);
    let proposed = say(&peyvand, "web:fa", &wish).await;
    assert!(proposed.contains(&said), "{said}: {proposed}");
    let _noted = say(&peyvand, "web:fa", "بله").await;
    let _done = told(&peyvand, "web:fa", &["انجام شد", "۴۵۵۰۰"]).await;
    let found = say(&peyvand, "web:fa", "سفارش ۴۵۵۰۰ کی می‌رسه؟").await;
    assert!(found.contains(&said), "{said}: {found}");
    let asked = say(&peyvand, "web:en", "order 20 bags of CEM-042 for customer 1000000018 for 31 mehr").await;
    assert!(asked.contains("no such day"), "{asked}");
    let proposed = say(&peyvand, "web:en", &day.to_string()).await;
    assert!(proposed.contains(&format_date(&day.to_string(), Language::En)), "{proposed}");
}

#[tokio::test]
async fn a_no_orders_nothing_and_an_order_the_system_does_not_take_is_told_so() {
    let peyvand = Peyvand::up(data());
    let _proposed = say(&peyvand, "web:a", "order 20 bags of CEM-042 for customer 1000000018").await;
    let given_up = say(&peyvand, "web:a", "no").await;
    assert!(given_up.contains("dropped"), "{given_up}");
    let _proposed = say(&peyvand, "web:b", "order 20 bags of CEM-042 for customer 1999999999").await;
    let _noted = say(&peyvand, "web:b", "yes").await;
    let _told = told(&peyvand, "web:b", &["was not accepted"]).await;
    let missing = say(&peyvand, "web:c", "where is order 45500?").await;
    assert!(missing.contains("could not find"), "{missing}");
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_told_as_done_and_stands_once() {
    let peyvand = Peyvand::up(data());
    let lost = json!({"match": "A_SalesOrder", "method": "POST", "count": 1, "drop_after_commit": true});
    peyvand.fault(lost).await;
    let _proposed = say(&peyvand, "web:a", "order 20 bags of CEM-042 for customer 1000000018").await;
    let _noted = say(&peyvand, "web:a", "yes").await;
    let _done = told(&peyvand, "web:a", &["Done", "45500"]).await;
    let missing = say(&peyvand, "web:b", "where is order 45501?").await;
    assert!(missing.contains("could not find"), "a second order stands: {missing}");
}

#[tokio::test]
async fn the_terminal_shows_a_result_that_comes_after_the_answer() {
    let peyvand = Peyvand::up(data());
    let slow = json!({"match": "A_SalesOrder", "method": "POST", "count": 1, "delay_ms": 2000});
    peyvand.fault(slow).await;
    let _proposed = say(&peyvand, "cli:t", "order 20 bags of CEM-042 for customer 1000000018").await;
    let mut terminal = peyvand.terminal("cli:t");
    terminal.write("yes");
    let said = terminal.read_until("45500");
    assert!(said.contains("I have noted your request"), "{said}");
}

#[tokio::test]
async fn a_case_is_opened_in_the_persons_words_and_told_with_its_number_in_both_languages() {
    let peyvand = Peyvand::up(data());
    let asked = say(&peyvand, "web:en", "I want to file a complaint").await;
    assert!(asked.contains("own words"), "{asked}");
    let proposed = say(&peyvand, "web:en", "order 45001 came broken").await;
    assert!(proposed.contains("order 45001 came broken") && proposed.contains("yes or no"), "{proposed}");
    let _noted = say(&peyvand, "web:en", "yes").await;
    let _done = told(&peyvand, "web:en", &["Done", "00001001"]).await;
    let _asked = say(&peyvand, "web:fa", "می‌خوام شکایت ثبت کنم").await;
    let proposed = say(&peyvand, "web:fa", "پمپ نشتی دارد").await;
    assert!(proposed.contains("پمپ نشتی دارد"), "{proposed}");
    let _noted = say(&peyvand, "web:fa", "بله").await;
    let _done = told(&peyvand, "web:fa", &["انجام شد", "۰۰۰۰۱۰۰۲"]).await;
}

#[tokio::test]
async fn a_case_whose_answer_is_lost_is_told_as_done_and_stands_once() {
    let peyvand = Peyvand::up(data());
    let lost = json!({"match": "/services/data", "method": "PATCH", "count": 1, "drop_after_commit": true});
    peyvand.fault(lost).await;
    for (conversation, number) in [("web:a", "00001001"), ("web:b", "00001002")] {
        let _asked = say(&peyvand, conversation, "I want to file a complaint").await;
        let _proposed = say(&peyvand, conversation, "the bags were torn").await;
        let _noted = say(&peyvand, conversation, "yes").await;
        let _done = told(&peyvand, conversation, &["Done", number]).await;
    }
}

#[tokio::test]
async fn a_call_back_is_arranged_and_one_that_may_be_lost_is_told_honestly() {
    let peyvand = Peyvand::up(data());
    let _asked = say(&peyvand, "web:fa", "لطفاً با من تماس بگیرید").await;
    let proposed = say(&peyvand, "web:fa", "۰۹۱۲۳۴۵۶۷۸۹").await;
    assert!(proposed.contains("+۹۸۹۱۲۳۴۵۶۷۸۹"), "{proposed}");
    let _noted = say(&peyvand, "web:fa", "بله").await;
    let _done = told(&peyvand, "web:fa", &["با شما تماس می‌گیرند"]).await;
    peyvand.fault(json!({"match": "/hook", "count": 1, "drop_after_commit": true})).await;
    let _proposed = say(&peyvand, "web:en", "call me at 09123456789").await;
    let _noted = say(&peyvand, "web:en", "yes").await;
    let unknown = told(&peyvand, "web:en", &["do not know for certain"]).await;
    assert!(unknown.contains("do not ask for it again"), "{unknown}");
}
