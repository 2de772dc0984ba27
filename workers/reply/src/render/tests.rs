mod meant;
mod paged;
mod sides;
mod toned;

use super::*;
use peyvand::assistant::Assistant;
use peyvand::bus::{Offset, Record, TimestampType, Topic, TopicPartition};
use peyvand::codec::{self, Schemas};
use peyvand::event::{
    Answer, ChannelName, ConversationId, Doubt, Envelope, EventId, FailureKind, ORDERS_MAX, Operation,
    OperationStatus, Order, OrderItem, OrderProgress, Slot, SlotName, StockLevel, TenantId,
};

fn replies() -> Replies {
    Assistant::shipped().unwrap().replies
}

#[test]
fn the_shipped_replies_have_every_message_in_both_languages() {
    assert!(Renderer::new(&replies()).is_ok(), "{:?}", Renderer::new(&replies()));
}

#[test]
fn replies_that_lack_a_message_are_refused_by_name() {
    let mut replies = replies();
    replies.en = replies.en.replace("\nthanks =", "\nthank =");
    let error = Renderer::new(&replies).unwrap_err();
    assert_eq!(error.to_string(), "replies/en.ftl has mistakes: the message thanks is missing");
}

fn renderer() -> Renderer {
    Renderer::new(&replies()).unwrap()
}

/// What is said of a fact.
fn said(update: &OperationUpdated) -> String {
    told(update).text
}

/// What is said of a fact, and the buttons under it.
fn told(update: &OperationUpdated) -> Said {
    renderer().operation(&committed(update))
}

/// A fact, read from a record as the worker reads it.
fn committed(update: &OperationUpdated) -> Committed<OperationUpdated> {
    static SCHEMAS: std::sync::LazyLock<Schemas> = std::sync::LazyLock::new(Schemas::embedded);
    let schemas = &*SCHEMAS;
    let id = update.turn_id;
    let envelope = Envelope {
        event_id: id.derived("connector", 0),
        correlation_id: id,
        causation_id: Some(id),
        occurred_at_ms: 1,
        traceparent: None,
        event: update.clone(),
    };
    let new = codec::encode(schemas, Topic::new("t"), &envelope).unwrap();
    let record = Record {
        place: TopicPartition { topic: new.topic, partition: 0 },
        offset: Offset(0),
        timestamp_ms: 1,
        timestamp_type: TimestampType::default(),
        key: new.key,
        value: new.value,
        headers: new.headers,
    };
    codec::decode_committed(schemas, &record).unwrap().event
}

/// What is said of a decision, without the isolates.
fn spoken(turn: &TurnDecided) -> String {
    bare(&renderer().turn(turn).unwrap().text)
}

/// The buttons of a reply, each a label and a value.
fn pressed(said: &Said) -> Vec<(&str, &str)> {
    said.buttons.iter().map(|button| (button.label.expose().as_str(), button.value.as_str())).collect()
}

fn slot(name: SlotName, value: &str) -> Slot {
    Slot { name, value: value.to_owned().into(), raw: value.to_owned().into(), start: None, end: None }
}

/// The words without the isolates around values.
fn bare(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

fn turn(language: Language, decision: Decision) -> TurnDecided {
    let whose = (TenantId::parse("t").unwrap(), ConversationId::parse("c").unwrap());
    let (turn_id, channel) = (EventId::of_message("web", "t", "1"), ChannelName::parse("web").unwrap());
    TurnDecided { stage: Stage::Customer, ..TurnDecided::bare(whose, turn_id, channel, language, decision) }
}

fn update(
    language: Language,
    operation: Operation,
    status: OperationStatus,
    subject: &str,
) -> OperationUpdated {
    OperationUpdated {
        tenant: TenantId::parse("t").unwrap(),
        conversation_id: ConversationId::parse("c").unwrap(),
        turn_id: EventId::of_message("web", "t", "1"),
        channel: ChannelName::parse("web").unwrap(),
        language,
        operation,
        target: "sap".to_owned(),
        status,
        failure: None,
        subject: Some(subject.to_owned().into()),
        orders: Vec::new(),
        stock: Vec::new(),
        tracking: None,
        reference: None,
        resumed: None,
        page: 0,
        stage: Stage::Customer,
        parts: Vec::new(),
        said_at_ms: 1,
    }
}

fn order(progress: OrderProgress, description: &str) -> Order {
    Order {
        number: "45001".to_owned(),
        progress,
        ordered_on: "2026-11-21".to_owned(),
        delivery_on: Some("2026-11-28".to_owned()),
        net_amount: "12500000.00".to_owned(),
        currency: "IRR".to_owned(),
        items: vec![OrderItem {
            product: "CEM-042".to_owned(),
            description: description.to_owned(),
            quantity: "1200".to_owned(),
            delivered: "200.5".to_owned(),
            unit: "BAG".to_owned(),
        }],
    }
}

fn level(plant: &str, quantity: &str) -> StockLevel {
    StockLevel {
        product: "CEM-042".to_owned(),
        description: "Cement".to_owned(),
        plant: plant.to_owned(),
        quantity: quantity.to_owned(),
        unit: "BAG".to_owned(),
    }
}

#[test]
fn an_order_is_told_with_items_date_and_amount() {
    let mut found = update(Language::Fa, Operation::OrderStatus, OperationStatus::Found, "45001");
    found.orders = vec![order(OrderProgress::PartlyDelivered, "سیمان تیپ 2")];
    let expected = "بخشی از سفارش ۴۵۰۰۱ تحویل شده است.\n\
        • سیمان تیپ ۲: ۱٬۲۰۰ کیسه، ۲۰۰٫۵ کیسه تحویل شده\n\
        تحویل باقی‌مانده: شنبه ۷ آذر ۱۴۰۵\nمبلغ: ۱۲٬۵۰۰٬۰۰۰ ریال";
    assert_eq!(bare(&said(&found)), expected);
    found.language = Language::En;
    found.orders = vec![order(OrderProgress::PartlyDelivered, "Cement type 2")];
    let expected = "Order 45001 is partly delivered.\n\
        • Cement type 2: 1,200 bags, 200.5 bags delivered\n\
        Delivery of the rest: Sat 28 November 2026\nAmount: 12,500,000 IRR";
    assert_eq!(bare(&said(&found)), expected);
}

#[test]
fn a_delivered_or_rejected_order_promises_no_delivery() {
    for (progress, first) in [
        (OrderProgress::Delivered, "Order 45001 is fully delivered."),
        (OrderProgress::Rejected, "Order 45001 was cancelled."),
    ] {
        let mut found = update(Language::En, Operation::OrderStatus, OperationStatus::Found, "45001");
        found.orders = vec![order(progress, "Cement")];
        let text = bare(&said(&found));
        assert!(text.starts_with(first) && !text.contains("November"), "{text}");
    }
}

#[test]
fn a_list_has_one_line_an_order() {
    let mut found = update(Language::En, Operation::OrderList, OperationStatus::Found, "45001");
    found.orders = vec![order(OrderProgress::Open, "")];
    let expected = "The latest orders of the customer of order 45001:\n\
        • 45001, Sat 21 November 2026, not delivered yet, 12,500,000 IRR";
    assert_eq!(bare(&said(&found)), expected);
    found.language = Language::Fa;
    let expected =
        "آخرین سفارش‌های مشتریِ سفارش ۴۵۰۰۱:\n• ۴۵۰۰۱، شنبه ۳۰ آبان ۱۴۰۵، تحویل‌نشده، ۱۲٬۵۰۰٬۰۰۰ ریال";
    assert_eq!(bare(&said(&found)), expected);
}

#[test]
fn stock_is_told_by_plant_with_its_total() {
    let mut found = update(Language::En, Operation::StockLevel, OperationStatus::Found, "cement");
    found.stock = vec![level("1010", "1000"), level("1020", "20.5"), level("9999", "1")];
    let expected = "Stock of Cement (CEM-042):\n• Tehran: 1,000 bags\n• Isfahan: 20.5 bags\n\
        • Warehouse 9999: 1 bag\nTotal: 1,021.5 bags";
    assert_eq!(bare(&said(&found)), expected);
    found.language = Language::Fa;
    found.stock = vec![level("1010", "1000")];
    assert_eq!(bare(&said(&found)), "موجودی Cement (CEM-042):\n• تهران: ۱٬۰۰۰ کیسه");
    found.stock = vec![level("1010", "0.00"), level("1030", "0")];
    assert_eq!(bare(&said(&found)), "Cement (CEM-042) اکنون در هیچ انباری موجود نیست.");
}

#[test]
fn what_is_not_there_is_said_with_its_name() {
    let order = update(Language::En, Operation::OrderStatus, OperationStatus::NotFound, "99999");
    assert!(bare(&said(&order)).starts_with("I could not find an order with number 99999."));
    let stock = update(Language::Fa, Operation::StockLevel, OperationStatus::NotFound, "XYZ-999");
    assert!(bare(&said(&stock)).starts_with("کالایی به نام یا کد XYZ-999 پیدا نکردم."));
}

#[test]
fn every_failure_has_its_own_honest_sentence() {
    let kinds = [
        FailureKind::Unavailable,
        FailureKind::Slow,
        FailureKind::Busy,
        FailureKind::Misconfigured,
        FailureKind::Unreadable,
    ];
    for language in [Language::Fa, Language::En] {
        let mut texts: Vec<String> = Vec::new();
        for kind in kinds {
            let mut failed = update(language, Operation::OrderStatus, OperationStatus::Failed, "45001");
            failed.failure = Some(kind);
            texts.push(said(&failed));
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), kinds.len());
    }
}

#[test]
fn decisions_are_said_and_an_execution_waits_for_its_result() {
    let renderer = renderer();
    assert_eq!(renderer.turn(&turn(Language::Fa, Decision::Execute)), None);
    let asked = spoken(&turn(Language::Fa, Decision::Ask));
    assert_eq!(asked, "لطفاً شماره‌ی سفارش را بفرمایید؛ مثلاً ۴۵۰۰۱.");
    let mut product = turn(Language::En, Decision::Ask);
    product.asked_slot = Some(SlotName::Product);
    assert!(spoken(&product).ends_with("\"cement\" or CEM-042."));
    assert!(spoken(&turn(Language::En, Decision::OutOfScope)).starts_with("I am sorry"));
    let help = spoken(&turn(Language::En, Decision::Answer));
    assert_eq!(help.lines().count(), 7, "{help}");
}

#[test]
fn a_hostile_value_cannot_leave_its_place() {
    let hostile = "X\u{2069}\u{202E}\n{ thanks }\u{2028}\u{2066}";
    let text = said(&update(Language::En, Operation::StockLevel, OperationStatus::NotFound, hostile));
    assert!(text.contains("\u{2068}X { thanks } \u{2069}"), "{text:?}");
    assert!(!text.contains(['\n', '\u{202E}', '\u{2066}', '\u{2028}']), "{text:?}");
}

#[test]
fn a_write_is_told_by_its_steps_and_done_only_with_the_systems_number() {
    let step = |language, status| OperationUpdated {
        tracking: Some("7K3M9-Q2TB1".to_owned()),
        ..update(language, Operation::SalesOrderCreate, status, "")
    };
    let done = OperationUpdated {
        reference: Some("45500".to_owned().into()),
        ..step(Language::Fa, OperationStatus::Done)
    };
    assert_eq!(bare(&said(&done)), "انجام شد: سفارش شما با شماره‌ی ۴۵۵۰۰ ثبت شد (درخواست 7K3M9-Q2TB1).");
    for (status, word) in [
        (OperationStatus::Accepted, "I have noted your request under 7K3M9-Q2TB1"),
        (OperationStatus::Refused, "Request 7K3M9-Q2TB1 was not accepted"),
        (OperationStatus::Failed, "request 7K3M9-Q2TB1 could not be carried out"),
        (OperationStatus::Unknown, "whether request 7K3M9-Q2TB1 was carried out"),
        // Done without a number is no promise.
        (OperationStatus::Done, "I do not know for certain"),
    ] {
        let text = bare(&said(&step(Language::En, status)));
        assert!(text.contains(word), "{status:?}: {text}");
    }
}

#[test]
fn a_proposal_says_back_exactly_what_would_be_written() {
    let turn = TurnDecided {
        operation: Some(Operation::SalesOrderCreate),
        slots: vec![
            slot(SlotName::Product, "CEM-042"),
            slot(SlotName::Quantity, "1200"),
            slot(SlotName::Customer, "1000000018"),
        ],
        ..turn(Language::Fa, Decision::Confirm)
    };
    assert_eq!(
        spoken(&turn),
        "سفارش ۱٬۲۰۰ (هزار و دویست) × CEM-042 را برای مشتری ۱۰۰۰۰۰۰۰۱۸ ثبت کنم؟ لطفاً با «بله» یا «نه» پاسخ دهید."
    );
}

#[test]
fn a_day_is_said_in_the_calendar_of_the_language_and_asked_for_with_the_reason() {
    let asked = |language, doubt, choices: &[&str]| {
        let choices = choices.iter().map(|day| (*day).to_owned()).collect();
        let asked_slot = Some(SlotName::DeliveryDate);
        let turn = TurnDecided { asked_slot, doubt, choices, ..turn(language, Decision::Ask) };
        spoken(&turn)
    };
    let days = ["2026-11-28", "2026-12-05"];
    let which = Some(Doubt::OneOfChoices);
    assert_eq!(
        asked(Language::Fa, which, &days),
        "کدام روز تحویل داده شود: شنبه ۷ آذر ۱۴۰۵ یا شنبه ۱۴ آذر ۱۴۰۵؟ اگر مهم نیست، لطفاً بنویسید «مهم نیست»."
    );
    assert_eq!(
        asked(Language::En, which, &days),
        "Which day should it be delivered on: Sat 28 November 2026 or Sat 5 December 2026? Or write \"it does not matter\"."
    );
    let mut said = std::collections::BTreeSet::new();
    for doubt in [None, Some(Doubt::NoSuchDay), Some(Doubt::DayOutOfReach), Some(Doubt::NotOneDay)] {
        for language in [Language::Fa, Language::En] {
            assert!(said.insert(asked(language, doubt, &[])), "each reason has words of its own");
        }
    }
}

#[test]
fn an_order_for_a_day_is_proposed_with_the_day() {
    for (language, day) in [
        (Language::Fa, "تحویل در شنبه ۱۴ آذر ۱۴۰۵"),
        (Language::En, "to be delivered on Sat 5 December 2026"),
    ] {
        let turn = TurnDecided {
            operation: Some(Operation::SalesOrderCreate),
            slots: vec![slot(SlotName::Product, "CEM-042"), slot(SlotName::DeliveryDate, "2026-12-05")],
            ..turn(language, Decision::Confirm)
        };
        let text = spoken(&turn);
        assert!(text.contains(day) && text.contains("CEM-042"), "{text}");
    }
}

#[test]
fn a_case_and_a_call_back_are_proposed_and_told_in_both_languages() {
    let propose = |language, operation, slots| {
        let turn = TurnDecided { operation: Some(operation), slots, ..turn(language, Decision::Confirm) };
        spoken(&turn)
    };
    let case = || vec![slot(SlotName::Description, "پمپ نشتی دارد")];
    let call = || vec![slot(SlotName::Phone, "+989123456789")];
    assert!(propose(Language::Fa, Operation::CaseCreate, case()).contains("«پمپ نشتی دارد»"));
    assert!(propose(Language::En, Operation::CaseCreate, case()).contains("\"پمپ نشتی دارد\""));
    assert!(propose(Language::Fa, Operation::CallbackRequest, call()).contains("+۹۸۹۱۲۳۴۵۶۷۸۹"));
    assert!(propose(Language::En, Operation::CallbackRequest, call()).contains("+989123456789"));
    let told = |language, operation| {
        bare(&said(&OperationUpdated {
            tracking: Some("7K3M9-Q2TB1".to_owned()),
            reference: Some("00001001".to_owned().into()),
            ..update(language, operation, OperationStatus::Done, "")
        }))
    };
    assert!(told(Language::Fa, Operation::CaseCreate).contains("۰۰۰۰۱۰۰۱"));
    assert!(told(Language::En, Operation::CaseCreate).contains("case has the number 00001001"));
    assert!(!told(Language::En, Operation::CallbackRequest).contains("1001"), "a message's id says nothing");
    assert!(told(Language::Fa, Operation::CallbackRequest).contains("7K3M9-Q2TB1"));
}
