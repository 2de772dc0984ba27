//! Words for what was decided and found, from the Fluent texts of the assistant. Values enter as finished text in the digits
//! and calendar of the language, cleaned of everything that could turn or break the sentence. It may not ask or decide.

mod messages;
mod operation;
#[cfg(test)]
mod tests;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use peyvand::assistant::Replies;
use peyvand::codec::Committed;
use peyvand::event::{Answer, Decision, Doubt, Operation, OperationUpdated, SlotName, TurnDecided};
use peyvand::language::bidi::clean;
use peyvand::language::calendar::format_date;
use peyvand::language::number::{decimal, persian_digits, plain};
use peyvand::language::script::Language;
use peyvand::language::slots::DESCRIPTION_CHARS_MAX;
use unic_langid::LanguageIdentifier;

use messages::MESSAGES;

/// Longest value put into a sentence, in characters.
const VALUE_CHARS_MAX: usize = 80;
const EXAMPLE_ORDER: &str = "45001";
const EXAMPLE_PRODUCT: &str = "CEM-042";

/// Replies that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// The texts of a language are wrong.
    #[error("replies/{language}.ftl has mistakes: {}", problems.join("; "))]
    Wrong {
        /// Whose texts.
        language: Language,
        /// What is wrong, each with its place.
        problems: Vec<String>,
    },
}

impl RenderError {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wrong { .. } => "wrong_replies",
        }
    }
}

/// Makes the words.
pub struct Renderer {
    fa: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Renderer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Renderer")
    }
}

impl Renderer {
    /// A renderer of these texts.
    ///
    /// # Errors
    /// [`RenderError`] when a text does not parse, or a message that is needed is missing.
    pub fn new(replies: &Replies) -> Result<Self, RenderError> {
        Ok(Self { fa: bundle(Language::Fa, &replies.fa)?, en: bundle(Language::En, &replies.en)? })
    }

    /// The words for a decision; `None` when the words come only with the operation's result.
    pub fn turn(&self, turn: &TurnDecided) -> Option<String> {
        let say = Words { bundle: self.bundle(turn.language), language: turn.language };
        Some(match turn.decision {
            Decision::Execute => return None,
            Decision::Confirm => proposal(&say, turn),
            Decision::Ask => match turn.asked_slot {
                Some(SlotName::Product) if turn.operation.is_some_and(Operation::is_write) => {
                    say.with("ask-product-to-order", &[("example", EXAMPLE_PRODUCT)])
                }
                Some(SlotName::Quantity) => say.with("ask-quantity", &[]),
                Some(SlotName::Customer) => say.with("ask-customer", &[]),
                Some(SlotName::Product) => say.with("ask-product", &[("example", EXAMPLE_PRODUCT)]),
                Some(SlotName::Phone) => say.with("ask-phone", &[]),
                Some(SlotName::Email) => say.with("ask-email", &[]),
                Some(SlotName::Description) => say.with("ask-description", &[]),
                Some(SlotName::DeliveryDate) => delivery_date(&say, turn),
                Some(SlotName::InvoiceNumber) => say.with("ask-invoice-number", &[]),
                Some(SlotName::TicketNumber) => say.with("ask-ticket-number", &[]),
                Some(SlotName::PurchaseOrderNumber) => say.with("ask-purchase-order-number", &[]),
                Some(SlotName::Amount) => say.with("ask-amount", &[]),
                Some(SlotName::NationalId) => say.with("ask-national-id", &[]),
                Some(SlotName::LegalId) => say.with("ask-legal-id", &[]),
                Some(SlotName::Iban) => say.with("ask-iban", &[]),
                Some(SlotName::Card) => say.with("ask-card", &[]),
                Some(SlotName::Person) => say.with("ask-person", &[]),
                Some(SlotName::LeaveKind) => say.with("ask-leave-kind", &[]),
                Some(SlotName::OrderNumber) | None => {
                    say.with("ask-order-number", &[("example", &plain(EXAMPLE_ORDER, turn.language))])
                }
            },
            Decision::Answer => match turn.answer {
                Some(Answer::Greeting) => say.with("greeting", &[]),
                Some(Answer::Farewell) => say.with("farewell", &[]),
                Some(Answer::Thanks) => say.with("thanks", &[]),
                Some(Answer::Cancelled) => say.with("cancelled", &[]),
                Some(Answer::NothingAsked) => say.with("nothing-asked", &[]),
                Some(Answer::Restarted) => say.with("restarted", &[]),
                Some(Answer::NotConnected) => say.with("not-connected", &[]),
                Some(Answer::UnderWay) => say.with("under-way", &[]),
                Some(Answer::Help) | None => {
                    let order = plain(EXAMPLE_ORDER, turn.language);
                    say.with("help", &[("order", &order), ("product", EXAMPLE_PRODUCT)])
                }
            },
            Decision::OutOfScope => say.with("out-of-scope", &[]),
            Decision::Clarify => say.with("clarify", &[]),
        })
    }

    /// The words for a step of an operation.
    ///
    /// "Done" can only be said from a fact that was read from the log, and so was committed before:
    ///
    /// ```compile_fail,E0308
    /// # use peyvand::event::OperationUpdated;
    /// fn promise(renderer: &peyvand_reply::render::Renderer, hoped_for: &OperationUpdated) -> String {
    ///     renderer.operation(hoped_for)
    /// }
    /// ```
    pub fn operation(&self, update: &Committed<OperationUpdated>) -> String {
        let say = Words { bundle: self.bundle(update.language), language: update.language };
        operation::words(&say, update)
    }

    fn bundle(&self, language: Language) -> &FluentBundle<FluentResource> {
        match language {
            Language::Fa => &self.fa,
            Language::En => &self.en,
        }
    }
}

/// Asks for the day, with what was wrong about the one that was said.
fn delivery_date(say: &Words<'_>, turn: &TurnDecided) -> String {
    match (turn.doubt, turn.choices.as_slice()) {
        (Some(Doubt::NoSuchDay), _) => say.with("doubt-no-such-day", &[]),
        (Some(Doubt::DayOutOfReach), _) => say.with("doubt-day-out-of-reach", &[]),
        (Some(Doubt::NotOneDay), _) => say.with("doubt-not-one-day", &[]),
        (Some(Doubt::OneOfChoices), [first, second, ..]) => {
            let (first, second) = (format_date(first, say.language), format_date(second, say.language));
            say.with("doubt-one-of-choices", &[("first", &first), ("second", &second)])
        }
        (Some(Doubt::OneOfChoices | Doubt::NotUnderstood | Doubt::NotValid | Doubt::WhichUnit), _)
        | (None, _) => say.with("ask-delivery-date", &[]),
    }
}

/// What is to be written, said back, so that a yes means exactly this.
fn proposal(say: &Words<'_>, turn: &TurnDecided) -> String {
    let value = |name| turn.slot(name).unwrap_or_default();
    match turn.operation {
        Some(Operation::SalesOrderCreate) => {
            let quantity = decimal(value(SlotName::Quantity), say.language);
            let customer = plain(value(SlotName::Customer), say.language);
            let order =
                [("product", value(SlotName::Product)), ("quantity", &*quantity), ("customer", &*customer)];
            match turn.slot(SlotName::DeliveryDate) {
                None => say.with("confirm-sales-order", &order),
                Some(day) => {
                    let [product, quantity, customer] = order;
                    let day = format_date(day, say.language);
                    say.with("confirm-sales-order-for-day", &[product, quantity, customer, ("date", &day)])
                }
            }
        }
        Some(Operation::CaseCreate) => {
            let description = [("description", value(SlotName::Description))];
            match turn.slot(SlotName::OrderNumber) {
                None => say.whole("confirm-case", &description),
                Some(order) => {
                    let order = plain(order, say.language);
                    say.whole("confirm-case-of-order", &[description[0], ("order", &order)])
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
            say.with("out-of-scope", &[])
        }
    }
}

fn bundle(language: Language, text: &str) -> Result<FluentBundle<FluentResource>, RenderError> {
    let wrong = |problems| RenderError::Wrong { language, problems };
    let resource = FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| {
        wrong(errors.iter().map(|e| place(text, e.pos.start, &e.kind.to_string())).collect())
    })?;
    let id: LanguageIdentifier = language.as_str().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(true);
    bundle
        .add_resource(resource)
        .map_err(|errors| wrong(errors.iter().map(|error| format!("{error}")).collect()))?;
    let missing: Vec<String> =
        MESSAGES.iter().flat_map(|(id, values)| unusable(&bundle, id, values)).collect();
    if missing.is_empty() { Ok(bundle) } else { Err(wrong(missing)) }
}

fn place(text: &str, at: usize, problem: &str) -> String {
    let line = text.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
    format!("line {line}: {problem}")
}

/// Why a message cannot be said: it is missing, or it wants values nobody gives it.
fn unusable(bundle: &FluentBundle<FluentResource>, id: &str, values: &[&str]) -> Option<String> {
    let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
        return Some(format!("the message {id} is missing"));
    };
    let mut args = FluentArgs::new();
    for value in values {
        args.set(*value, "x");
    }
    let mut errors = Vec::new();
    let _text = bundle.format_pattern(pattern, Some(&args), &mut errors);
    errors.first().map(|error| format!("the message {id} cannot be said ({error})"))
}

/// One language's words.
struct Words<'a> {
    bundle: &'a FluentBundle<FluentResource>,
    language: Language,
}

impl Words<'_> {
    /// The message with its values, each cleaned and isolated.
    fn with(&self, id: &str, values: &[(&'static str, &str)]) -> String {
        self.maybe(id, values).unwrap_or_default()
    }

    /// The message with values as long as a person may write them, because what is said back is what is done.
    fn whole(&self, id: &str, values: &[(&'static str, &str)]) -> String {
        self.cut(id, values, DESCRIPTION_CHARS_MAX).unwrap_or_default()
    }

    /// The message when there is one: units and plants have one each as far as they are known.
    fn maybe(&self, id: &str, values: &[(&'static str, &str)]) -> Option<String> {
        self.cut(id, values, VALUE_CHARS_MAX)
    }

    fn cut(&self, id: &str, values: &[(&'static str, &str)], chars_max: usize) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, clean(value, chars_max));
        }
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    }
}
