mod context;
mod day;
mod interrupted;
mod items;
mod repair;
mod unclear;
mod values;

use std::sync::LazyLock;

use peyvand::{
    event::{
        Answer, ChannelMessageId, ChannelName, ConversationId, Doubt, EventId, MessageReceived, Operation,
        TenantId,
    },
    language::{
        dates::UtcOffset,
        finglish::Finglish,
        slots::{Extractors, ProductName},
    },
};

use peyvand::assistant::{Intent, IntentKind, SlotSpec};

use crate::understand::catalogue::Catalogue;

use super::{
    form::{Filled, Form},
    open::{PROPOSAL_MS, Question},
    *,
};

struct Trained {
    assistant: Assistant,
    model: Model,
    extractors: Extractors,
    finglish: Finglish,
}

static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let assistant = Assistant::shipped().unwrap();
    let model = Catalogue::of(&assistant).learn().unwrap();
    let product = |sku: &str, fa: &str, en: &str| ProductName {
        sku: sku.to_owned(),
        names: vec![fa.to_owned(), en.to_owned()],
    };
    let extractors = Extractors::new(&[
        product("CEM-007", "سیمان تیپ 1 پاکت 25 کیلویی", "Cement type 1 25 kg bag"),
        product("CEM-042", "سیمان تیپ 2 پاکت 50 کیلویی", "Cement type 2 50 kg bag"),
    ])
    .unwrap();
    let finglish = crate::finglish(&assistant);
    Trained { assistant, model, extractors, finglish }
});

fn message(text: &str, now_ms: i64) -> MessageReceived {
    MessageReceived {
        tenant: TenantId::parse("t").unwrap(),
        conversation_id: ConversationId::parse("c").unwrap(),
        channel: ChannelName::parse("web").unwrap(),
        channel_message_id: ChannelMessageId::parse(now_ms.to_string()).unwrap(),
        text: text.to_owned().into(),
        language: None,
    }
}

/// A conversation whose clock goes on by a second a message.
#[derive(Default)]
struct Talk {
    state: Dialogue,
    now_ms: i64,
}

impl Talk {
    /// What is decided about a message that gets one decision.
    fn say(&mut self, text: &str) -> TurnDecided {
        let mut turns = self.all(text);
        assert_eq!(turns.len(), 1, "{text}");
        turns.remove(0)
    }

    /// A part of a turn that goes on, a second before the next.
    fn begin(&mut self, text: &str) -> EventId {
        self.now_ms += 1000;
        let id = EventId::of_message("web", "t", &self.now_ms.to_string());
        let event = message(text, self.now_ms);
        let state = std::mem::take(&mut self.state);
        self.state = state.begun(Message { id, occurred_at_ms: self.now_ms, event: &event });
        id
    }

    fn all(&mut self, text: &str) -> Vec<TurnDecided> {
        self.decided(text, |_| {})
    }

    fn decided(&mut self, text: &str, change: impl FnOnce(&mut Read)) -> Vec<TurnDecided> {
        let trained = &*TRAINED;
        self.now_ms += 1000;
        let id = EventId::of_message("web", "t", &self.now_ms.to_string());
        let event = message(text, self.now_ms);
        let message = Message { id, occurred_at_ms: self.now_ms, event: &event };
        let today = UtcOffset::IRAN.day_at(self.now_ms);
        let Trained { assistant, model, extractors, finglish } = trained;
        let mut read =
            crate::read(message, today, &crate::Reader { extractors, model, finglish }, &self.state);
        change(&mut read);
        let state = std::mem::take(&mut self.state);
        let (turns, state) = decide(assistant, model, message, read, state);
        // What is remembered survives being written down.
        self.state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        turns
    }
}

fn order(turn: &TurnDecided) -> [Option<&str>; 3] {
    [SlotName::Quantity, SlotName::Product, SlotName::Customer].map(|name| turn.slot(name))
}

const WHOLE: [Option<&str>; 3] = [Some("20"), Some("CEM-042"), Some("1000000018")];

#[test]
fn a_write_is_proposed_and_done_only_after_a_yes() {
    for (wish, yes) in [
        ("order 20 bags of CEM-042 for customer 1000000018", "yes"),
        ("۲۰ کیسه سیمان CEM-042 برای مشتری ۱۰۰۰۰۰۰۰۱۸ سفارش بده", "بله"),
    ] {
        let mut talk = Talk::default();
        let proposed = talk.say(wish);
        assert_eq!((proposed.decision, order(&proposed)), (Decision::Confirm, WHOLE), "{wish}");
        let done = talk.say(yes);
        assert_eq!((done.decision, done.operation), (Decision::Execute, Some(Operation::SalesOrderCreate)));
        assert_eq!(order(&done), WHOLE);
        assert_ne!(talk.say(yes).decision, Decision::Execute, "a second yes counts for nothing");
    }
}

#[test]
fn what_is_missing_is_asked_for_one_by_one_and_kept() {
    let mut talk = Talk::default();
    for (text, asked) in [
        ("I want to place an order", SlotName::Product),
        ("CEM-042", SlotName::Quantity),
        ("20", SlotName::Customer),
    ] {
        let turn = talk.say(text);
        assert_eq!((turn.decision, turn.asked_slot), (Decision::Ask, Some(asked)), "{text}");
    }
    let turn = talk.say("1000000018");
    assert_eq!((turn.decision, order(&turn)), (Decision::Confirm, WHOLE));
}

#[test]
fn a_yes_without_a_proposal_and_a_no_write_nothing() {
    let mut talk = Talk::default();
    assert_ne!(talk.say("yes").decision, Decision::Execute);
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    let no = talk.say("no");
    assert_eq!((no.decision, no.answer), (Decision::Answer, Some(Answer::Cancelled)));
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn a_proposal_falls_after_ten_minutes() {
    let mut talk = Talk::default();
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    talk.now_ms += PROPOSAL_MS;
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn a_yes_that_is_older_than_the_proposal_counts_for_nothing() {
    let mut talk = Talk { now_ms: 1_000_000, ..Talk::default() };
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    talk.now_ms -= 60_000;
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn a_correction_is_proposed_anew_and_a_yes_means_the_corrected() {
    let mut talk = Talk::default();
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    let corrected = talk.say("15 bags");
    let fifteen = [Some("15"), Some("CEM-042"), Some("1000000018")];
    assert_eq!((corrected.decision, order(&corrected)), (Decision::Confirm, fifteen));
    let done = talk.say("yes");
    assert_eq!((done.decision, order(&done)), (Decision::Execute, fifteen));
}

#[test]
fn a_name_that_several_products_share_is_asked_for_again_before_a_write() {
    let mut talk = Talk::default();
    let turn = talk.say("order 20 bags of cement for customer 1000000018");
    assert_eq!((turn.decision, turn.asked_slot), (Decision::Ask, Some(SlotName::Product)));
    let turn = talk.say("CEM-042");
    assert_eq!((turn.decision, order(&turn)), (Decision::Confirm, WHOLE));
}

#[test]
fn an_answer_that_is_neither_yes_nor_no_is_asked_again_and_then_given_up() {
    let mut talk = Talk::default();
    talk.say("order 20 bags of CEM-042 for customer 1000000018");
    assert_eq!(talk.say("what a beautiful day").decision, Decision::Confirm);
    let given_up = talk.say("let me think about the weather");
    assert_eq!((given_up.decision, given_up.answer), (Decision::Answer, Some(Answer::Cancelled)));
    assert_ne!(talk.say("yes").decision, Decision::Execute);
}

#[test]
fn a_case_is_opened_with_the_persons_own_words_whatever_they_resemble() {
    for (wish, words, yes) in [
        ("I want to file a complaint", "where is order 45001? It came broken, ok?", "yes"),
        ("می‌خوام شکایت ثبت کنم", "سفارش ۴۵۰۰۱ شکسته رسید، ۲۰ کیسه سیمان کم بود", "بله"),
    ] {
        let mut talk = Talk::default();
        let asked = talk.say(wish);
        assert_eq!(
            (asked.decision, asked.asked_slot),
            (Decision::Ask, Some(SlotName::Description)),
            "{wish}"
        );
        let proposed = talk.say(words);
        assert_eq!((proposed.decision, proposed.operation), (Decision::Confirm, Some(Operation::CaseCreate)));
        assert_eq!(proposed.slot(SlotName::Description), Some(words));
        assert_eq!(proposed.slot(SlotName::OrderNumber), Some("45001"), "the order it is about");
        let done = talk.say(yes);
        assert_eq!((done.decision, done.slot(SlotName::Description)), (Decision::Execute, Some(words)));
    }
}

#[test]
fn a_case_is_given_up_by_a_no_instead_of_a_description() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("I want to file a complaint").decision, Decision::Ask);
    assert_eq!(talk.say("never mind").answer, Some(Answer::Cancelled));
    assert_ne!(talk.say("where is order 45001?").operation, Some(Operation::CaseCreate));
}

#[test]
fn a_call_back_needs_a_phone_number_and_a_yes() {
    for (wish, number, yes) in
        [("please call me back", "09123456789", "yes"), ("لطفاً با من تماس بگیرید", "۰۹۱۲۳۴۵۶۷۸۹", "بله")]
    {
        let mut talk = Talk::default();
        let asked = talk.say(wish);
        assert_eq!((asked.decision, asked.asked_slot), (Decision::Ask, Some(SlotName::Phone)), "{wish}");
        let proposed = talk.say(number);
        assert_eq!(proposed.operation, Some(Operation::CallbackRequest));
        assert_eq!(proposed.slot(SlotName::Phone), Some("+989123456789"));
        assert_eq!(talk.say(yes).decision, Decision::Execute);
    }
}

#[test]
fn what_is_proposed_is_what_is_written_when_two_numbers_are_said() {
    let mut talk = Talk::default();
    let proposed = talk.say("please call me at 09123456789 or 09351234567");
    assert_eq!(proposed.decision, Decision::Confirm);
    let phones = |turn: &TurnDecided| turn.slots.iter().filter(|slot| slot.name == SlotName::Phone).count();
    assert_eq!((phones(&proposed), proposed.slot(SlotName::Phone)), (1, Some("+989123456789")));
    let done = talk.say("yes");
    assert_eq!((phones(&done), done.slot(SlotName::Phone)), (1, Some("+989123456789")));
}

#[test]
fn whatever_is_said_much_later_is_no_description() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("I want to file a complaint").decision, Decision::Ask);
    talk.now_ms += PROPOSAL_MS;
    let later = talk.say("where is order 45001?");
    assert_eq!(later.operation, Some(Operation::OrderStatus));
    assert_eq!(later.slot(SlotName::Description), None);
}

#[test]
fn a_description_that_is_too_long_to_be_shown_is_asked_for_again() {
    let mut talk = Talk::default();
    assert_eq!(talk.say("I want to file a complaint").decision, Decision::Ask);
    let again = talk.say(&"broken ".repeat(200));
    assert_eq!((again.decision, again.asked_slot), (Decision::Ask, Some(SlotName::Description)));
}

#[test]
fn a_word_that_points_back_means_the_order_that_was_spoken_of() {
    for (first, then) in [
        ("where is order 45001?", "and when is it delivered?"),
        ("سفارش ۴۵۰۰۱ کجاست؟", "وضعیتش چیه؟"),
        ("سفارش ۴۵۰۰۱ کجاست؟", "مبلغش چقدره؟"),
        ("سفارش ۴۵۰۰۱ کجاست؟", "مبلغ اون سفارش چقدره؟"),
    ] {
        let mut talk = Talk::default();
        talk.say(first);
        let turn = talk.say(then);
        assert_eq!(
            (turn.decision, turn.slot(SlotName::OrderNumber)),
            (Decision::Execute, Some("45001")),
            "{then}"
        );
        let mut alone = Talk::default();
        assert_eq!(alone.say(then).slot(SlotName::OrderNumber), None, "nothing was spoken of before");
    }
}

#[test]
fn whoever_points_nowhere_or_much_later_is_asked() {
    let mut talk = Talk::default();
    talk.say("where is order 45001?");
    let other = talk.say("where is my order?");
    assert_eq!((other.decision, other.asked_slot), (Decision::Ask, Some(SlotName::OrderNumber)));
    let mut talk = Talk::default();
    talk.say("where is order 45001?");
    talk.now_ms += 31 * 60 * 1000;
    assert_eq!(talk.say("and when is it delivered?").decision, Decision::Ask);
}

#[test]
fn a_question_is_given_up_by_a_word_that_cancels() {
    for (wish, cancel) in [
        ("where is my order?", "never mind"),
        ("سفارشم کجاست؟", "بی‌خیال"),
        ("I want to place an order", "cancel"),
    ] {
        let mut talk = Talk::default();
        assert_eq!(talk.say(wish).decision, Decision::Ask, "{wish}");
        let turn = talk.say(cancel);
        assert_eq!((turn.decision, turn.answer), (Decision::Answer, Some(Answer::Cancelled)), "{cancel}");
        assert_ne!(talk.say("45001").decision, Decision::Ask, "nothing is asked any more");
    }
}
