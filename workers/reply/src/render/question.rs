//! What a person is asked: for a value, or whether to write. The same words serve when the question is open now and when it is
//! asked again after something else was answered.

use peyvand::event::{Decision, Doubt, Operation, Prompt, Slot, SlotName, TurnDecided};
use peyvand::language::calendar::format_date;
use peyvand::language::number::{decimal, persian_digits, plain};
use peyvand::language::script::Language;
use peyvand::language::spoken;

use super::buttons;
use super::words::Words;
use super::{EXAMPLE_ORDER, EXAMPLE_PRODUCT, Said};

/// A Sheba number that belongs to nobody.
const EXAMPLE_IBAN: &str = "IR820540102680020817909002";

/// A question, whether it is new or asked again.
pub(super) struct Question<'a> {
    operation: Option<Operation>,
    slots: &'a [Slot],
    asked: SlotName,
    doubt: Option<Doubt>,
    choices: &'a [String],
}

impl<'a> From<&'a TurnDecided> for Question<'a> {
    fn from(turn: &'a TurnDecided) -> Self {
        Self {
            operation: turn.operation,
            slots: &turn.slots,
            asked: turn.asked_slot.unwrap_or(SlotName::OrderNumber),
            doubt: turn.doubt,
            choices: &turn.choices,
        }
    }
}

impl<'a> From<&'a Prompt> for Question<'a> {
    fn from(prompt: &'a Prompt) -> Self {
        Self {
            operation: Some(prompt.operation),
            slots: &prompt.slots,
            asked: prompt.asked_slot.unwrap_or(SlotName::OrderNumber),
            doubt: prompt.doubt,
            choices: &prompt.choices,
        }
    }
}

/// The question that was open before, with a bridge back to it; none when nothing was asked.
pub(super) fn resumed(say: &Words<'_>, prompt: &Prompt) -> Option<Said> {
    let question = match prompt.decision {
        Decision::Ask => ask(say, &prompt.into()),
        Decision::Confirm => confirm(say, &prompt.into()),
        Decision::Execute | Decision::Answer | Decision::OutOfScope | Decision::Clarify => return None,
    };
    let bridge = match prompt.operation {
        Operation::OrderStatus => "resume-order-status",
        Operation::OrderList => "resume-order-list",
        Operation::StockLevel => "resume-stock",
        Operation::SalesOrderCreate => "resume-sales-order",
        Operation::CaseCreate => "resume-case",
        Operation::CallbackRequest => "resume-callback",
    };
    let text = format!("{} {}", say.text(bridge), question.text);
    Some(Said { text, buttons: question.buttons })
}

/// Asks for a value, with what was wrong about the one that was said.
pub(super) fn ask(say: &Words<'_>, question: &Question<'_>) -> Said {
    let asked = question.asked;
    let day = |id| if asked == SlotName::DeliveryDate { say.text(id).into() } else { value(say, question) };
    match question.doubt {
        None => value(say, question),
        Some(Doubt::NoSuchDay) => day("doubt-no-such-day"),
        Some(Doubt::DayOutOfReach) => day("doubt-day-out-of-reach"),
        Some(Doubt::NotOneDay) => day("doubt-not-one-day"),
        Some(Doubt::OneOfChoices) => one_of(say, question),
        Some(Doubt::WhichUnit) => unit(say, question),
        Some(Doubt::NotValid) => not_valid(say, asked).into(),
        Some(Doubt::NotUnderstood) if asked == SlotName::Phone => {
            say.text("doubt-not-understood-phone").into()
        }
        Some(Doubt::NotUnderstood) => {
            let Said { text, buttons } = value(say, question);
            Said { text: format!("{} {text}", say.text("doubt-not-understood")), buttons }
        }
    }
}

/// Asks for a value as for the first time.
fn value(say: &Words<'_>, question: &Question<'_>) -> Said {
    let order = plain(EXAMPLE_ORDER, say.language);
    let id = match question.asked {
        SlotName::OrderNumber => {
            let of_list = question.operation == Some(Operation::OrderList);
            let id = if of_list { "ask-order-number-of-list" } else { "ask-order-number" };
            return say.with(id, &[("example", &order)]).into();
        }
        SlotName::Product if question.operation.is_some_and(Operation::is_write) => {
            if let [name] = question.choices {
                let values = [("name", name.as_str()), ("example", EXAMPLE_PRODUCT)];
                return say.with("ask-which-product-to-order", &values).into();
            }
            return say.with("ask-product-to-order", &[("example", EXAMPLE_PRODUCT)]).into();
        }
        SlotName::Product => return say.with("ask-product", &[("example", EXAMPLE_PRODUCT)]).into(),
        SlotName::Iban => return say.with("ask-iban", &[("example", EXAMPLE_IBAN)]).into(),
        SlotName::LeaveKind => {
            let buttons = buttons::leave_kinds(say.language);
            return Said { text: say.text("ask-leave-kind"), buttons };
        }
        SlotName::Quantity => "ask-quantity",
        SlotName::Customer => "ask-customer",
        SlotName::Phone => "ask-phone",
        SlotName::Email => "ask-email",
        SlotName::Description => "ask-description",
        SlotName::DeliveryDate => "ask-delivery-date",
        SlotName::InvoiceNumber => "ask-invoice-number",
        SlotName::TicketNumber => "ask-ticket-number",
        SlotName::PurchaseOrderNumber => "ask-purchase-order-number",
        SlotName::Amount => "ask-amount",
        SlotName::NationalId => "ask-national-id",
        SlotName::LegalId => "ask-legal-id",
        SlotName::Card => "ask-card",
        SlotName::Person => "ask-person",
    };
    say.text(id).into()
}

fn not_valid(say: &Words<'_>, asked: SlotName) -> String {
    let id = match asked {
        SlotName::NationalId => "doubt-not-valid-national-id",
        SlotName::LegalId => "doubt-not-valid-legal-id",
        SlotName::Iban => "doubt-not-valid-iban",
        SlotName::Card => "doubt-not-valid-card",
        SlotName::OrderNumber
        | SlotName::Product
        | SlotName::Phone
        | SlotName::Email
        | SlotName::Quantity
        | SlotName::Customer
        | SlotName::Description
        | SlotName::DeliveryDate
        | SlotName::InvoiceNumber
        | SlotName::TicketNumber
        | SlotName::PurchaseOrderNumber
        | SlotName::Amount
        | SlotName::Person
        | SlotName::LeaveKind => "doubt-not-valid",
    };
    say.text(id)
}

fn one_of(say: &Words<'_>, question: &Question<'_>) -> Said {
    let label = |choice: &String| match question.asked {
        SlotName::DeliveryDate => format_date(choice, say.language),
        SlotName::Amount => spoken::short_rial(choice, say.language).unwrap_or_else(|| choice.clone()),
        SlotName::Quantity => decimal(choice, say.language),
        SlotName::OrderNumber
        | SlotName::Product
        | SlotName::Phone
        | SlotName::Email
        | SlotName::Customer
        | SlotName::Description
        | SlotName::InvoiceNumber
        | SlotName::TicketNumber
        | SlotName::PurchaseOrderNumber
        | SlotName::NationalId
        | SlotName::LegalId
        | SlotName::Iban
        | SlotName::Card
        | SlotName::Person
        | SlotName::LeaveKind => plain(choice, say.language),
    };
    let labels: Vec<String> = question.choices.iter().map(label).collect();
    let two = if question.asked == SlotName::DeliveryDate { "doubt-one-of-choices" } else { "choose-two" };
    choose(say, two, "choose-many", &labels).unwrap_or_else(|| value(say, question))
}

/// The first is what the amount is in Toman, the second what it is in Rial; both are whole Rials.
fn unit(say: &Words<'_>, question: &Question<'_>) -> Said {
    let labels = match question.choices {
        [toman, rial, ..] => {
            spoken::short_toman(toman, say.language).zip(spoken::short_rial(rial, say.language))
        }
        [] | [_] => None,
    };
    let labels = labels.map(|(toman, rial)| [toman, rial]);
    let chosen = labels.and_then(|labels| choose(say, "choose-unit", "choose-many", &labels));
    chosen.unwrap_or_else(|| value(say, question))
}

/// Two choices in a sentence, more in a list, numbered as they may be answered; none when there is nothing to choose.
pub(super) fn choose(say: &Words<'_>, two: &str, many: &str, labels: &[String]) -> Option<Said> {
    let text = match labels {
        [] | [_] => return None,
        [first, second] => say.with(two, &[("first", first), ("second", second)]),
        [_, _, _, ..] => {
            let mut lines = vec![say.text(many)];
            for (place, label) in labels.iter().take(buttons::BUTTONS_MAX).enumerate() {
                let place = decimal(&(place + 1).to_string(), say.language);
                lines.push(say.with("choice-line", &[("place", &place), ("label", label)]));
            }
            lines.join("\n")
        }
    };
    Some(Said { text, buttons: buttons::by_place(labels) })
}

/// What is to be written, said back in digits and words, so that a yes means exactly this.
pub(super) fn confirm(say: &Words<'_>, question: &Question<'_>) -> Said {
    let value = |name| known(question, name).unwrap_or_default();
    let text = match question.operation {
        Some(Operation::SalesOrderCreate) => sales_order(say, question),
        Some(Operation::CaseCreate) => {
            let description = ("description", value(SlotName::Description));
            match known(question, SlotName::OrderNumber) {
                None => say.whole("confirm-case", &[description]),
                Some(order) => {
                    let order = plain(order, say.language);
                    say.whole("confirm-case-of-order", &[description, ("order", &order)])
                }
            }
        }
        Some(Operation::CallbackRequest) => {
            let phone = value(SlotName::Phone);
            let phone = match say.language {
                Language::Fa => persian_digits(phone),
                Language::En => phone.to_owned(),
            };
            say.with("confirm-callback", &[("phone", &phone)])
        }
        // Nothing else is proposed; nothing may be said to be.
        Some(Operation::OrderStatus | Operation::OrderList | Operation::StockLevel) | None => {
            return say.text("out-of-scope").into();
        }
    };
    let amount = known(question, SlotName::Amount).map(|rials| spoken::amount(rials, say.language));
    let amount = amount.map(|amount| say.whole("confirm-amount", &[("amount", &amount)]));
    let parts = [Some(text), amount, Some(say.text("confirm-yes-or-no"))];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Said { text, buttons: buttons::yes_and_no(say.language) }
}

fn sales_order(say: &Words<'_>, question: &Question<'_>) -> String {
    let quantity = known(question, SlotName::Quantity).unwrap_or_default();
    let mut digits = decimal(quantity, say.language);
    if let Some(words) = spoken::in_words(quantity, say.language) {
        digits = say.whole("number-in-words", &[("number", &digits), ("words", &words)]);
    }
    let customer = plain(known(question, SlotName::Customer).unwrap_or_default(), say.language);
    let product = ("product", known(question, SlotName::Product).unwrap_or_default());
    let (quantity, customer) = (("quantity", digits.as_str()), ("customer", customer.as_str()));
    match known(question, SlotName::DeliveryDate) {
        None => say.whole("confirm-sales-order", &[product, quantity, customer]),
        Some(day) => {
            let day = format_date(day, say.language);
            say.whole("confirm-sales-order-for-day", &[product, quantity, customer, ("date", &day)])
        }
    }
}

fn known<'a>(question: &Question<'a>, name: SlotName) -> Option<&'a str> {
    question.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.expose().as_str())
}
