//! Typed values in a message: numbers of documents, products, amounts, ids, names. They are found by shape and by the words around them,
//! never guessed by a model, and each leads back to the person's own words. It may not choose between several candidates: the
//! dialogue asks. Dates are found in `dates`; here they only keep others from their digits.

mod amount;
mod bank;
mod checks;
mod choice;
pub(super) mod cues;
mod customer;
mod description;
mod document;
mod email;
mod fuzzy;
mod grouped;
mod identity;
mod nameless;
mod order;
mod person;
mod phone;
mod product;
mod quantity;
#[cfg(test)]
mod tests;
mod units;
pub(super) mod words;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use description::DESCRIPTION_CHARS_MAX;

use super::normal::NormalText;

/// Longest stretch of a normal text that is searched, in bytes.
const SEARCHED_BYTES_MAX: usize = 16 * 1024;
/// Most values taken from one message.
const VALUES_MAX: usize = 16;
/// Most numbers that are looked at in one message.
const RUNS_MAX: usize = 512;

/// The values a message may say and an operation need, by their names in events and in the assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotName {
    /// Number of a sales order.
    OrderNumber,
    /// Product by name or SKU.
    Product,
    /// Phone number in E.164.
    Phone,
    /// E-mail address.
    Email,
    /// How much, a decimal number.
    Quantity,
    /// Number of a customer.
    Customer,
    /// What it is about, in the person's own words: the whole message, and only when it was asked for.
    Description,
    /// The day something is wanted on, `2026-11-26`.
    DeliveryDate,
    /// Number of an invoice.
    InvoiceNumber,
    /// Number of a ticket or case.
    TicketNumber,
    /// Number of a purchase order.
    PurchaseOrderNumber,
    /// An amount of money, a whole number of Rials.
    Amount,
    /// National id of a person.
    NationalId,
    /// National id of a company.
    LegalId,
    /// Bank account, `IR` and 24 digits.
    Iban,
    /// Bank card, its first six and last four digits only.
    Card,
    /// Name of a person.
    Person,
    /// Kind of a leave.
    LeaveKind,
}

/// One value found in a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Extracted {
    /// What it is.
    pub slot: SlotName,
    /// In normal form, ready for a system: ASCII digits, E.164, lower-case address, SKU or the name that several SKUs share.
    pub value: String,
    /// Where it stands in the original text, in bytes.
    pub raw_range: Range<usize>,
    /// Whether it names one thing; a name that several products share does not, nor does a value with a flaw.
    pub exact: bool,
    /// What is wrong with it, so that it has to be asked for again.
    pub flaw: Option<Flaw>,
    /// What it may be where that is to be asked: two amounts in Rials, the meaning in Tomans first.
    pub choices: Vec<String>,
}

/// What is wrong with a value that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Its check digits do not fit, or it has too few or too many.
    NotValid,
    /// An amount of which it is not said whether Tomans or Rials, or thousands or millions, are meant.
    WhichUnit,
}

impl std::fmt::Debug for Extracted {
    /// Without the value: it may be personal.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Extracted({:?} at {:?})", self.slot, self.raw_range)
    }
}

/// A product with the names people may use for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductName {
    /// SKU, as the system of record writes it.
    pub sku: String,
    /// Names in every language.
    pub names: Vec<String>,
}

/// A product list that cannot be searched.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProductsError {
    /// The list is longer than can be held in memory with all its names.
    #[error(
        "the product list has too many or too long names ({products} products); at most {} products are searched",
        product::PRODUCTS_MAX
    )]
    TooMany {
        /// How many there were.
        products: usize,
    },
}

impl ProductsError {
    /// The class of the error, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "too_many_products",
        }
    }
}

/// Finds all values of a message.
#[derive(Debug)]
pub struct Extractors {
    products: product::Products,
}

/// A value with its place in the normal text.
struct Found {
    slot: SlotName,
    value: String,
    at: Range<usize>,
    exact: bool,
    flaw: Option<Flaw>,
    choices: Vec<String>,
}

impl Found {
    fn exact(slot: SlotName, value: &str, at: Range<usize>) -> Self {
        Self { slot, value: value.to_owned(), at, exact: true, flaw: None, choices: Vec::new() }
    }

    /// A value with check digits.
    fn checked(slot: SlotName, value: String, at: Range<usize>, valid: bool) -> Self {
        let flaw = (!valid).then_some(Flaw::NotValid);
        Self { slot, value, at, exact: valid, flaw, choices: Vec::new() }
    }
}

impl Extractors {
    /// Extractors that know these products.
    ///
    /// # Errors
    /// [`ProductsError`] when there are more products than can be searched.
    pub fn new(products: &[ProductName]) -> Result<Self, ProductsError> {
        Ok(Self { products: product::Products::new(products)? })
    }

    /// The values of a message in the order they are written; `asked` is the value the person was just asked for, which a bare
    /// number then answers. What stands in a date, by its place in the normal text, is nothing else.
    pub fn extract(
        &self,
        original: &str,
        normal: &NormalText,
        asked: Option<SlotName>,
        dates: &[Range<usize>],
    ) -> Vec<Extracted> {
        let mut found = self.find(searched(normal), asked, dates, person::NAMES_MAX);
        found.retain(|f| f.slot != SlotName::DeliveryDate);
        found.sort_by_key(|f| (f.at.start, f.slot));
        let mut values: Vec<Extracted> = Vec::new();
        if asked == Some(SlotName::Description) {
            values.extend(description::of(original));
        }
        for f in found {
            // "10 pumps and 10 doors": that many of each.
            let said = |v: &Extracted| v.slot == f.slot && v.value == f.value && v.slot != SlotName::Quantity;
            if values.len() < VALUES_MAX && !values.iter().any(said) {
                values.push(extracted(f, original, normal));
            }
        }
        values
    }

    /// Every value of a message wherever it stands, also a second time: for who must leave none of them. How many there are is
    /// bounded by the text alone, so that it is to be a short one.
    pub fn extract_all(&self, original: &str, normal: &NormalText) -> Vec<Extracted> {
        let found = self.find(searched(normal), None, &[], usize::MAX);
        found.into_iter().map(|f| extracted(f, original, normal)).collect()
    }

    /// What is plainer stands first: it keeps the others from its digits and words.
    fn find(
        &self,
        text: &str,
        asked: Option<SlotName>,
        dates: &[Range<usize>],
        names_max: usize,
    ) -> Vec<Found> {
        let is_asked = |slot: SlotName| asked == Some(slot);
        let in_date = |at: &Range<usize>| Found::exact(SlotName::DeliveryDate, "", at.clone());
        let mut found: Vec<Found> = dates.iter().map(in_date).collect();
        found.extend(email::find(text));
        found.extend(bank::find(text, &taken(&found), asked));
        found.extend(identity::find(text, &taken(&found), asked));
        found.extend(amount::find(text, &taken(&found), is_asked(SlotName::Amount)));
        found.extend(customer::find(text, &taken(&found), is_asked(SlotName::Customer)));
        found.extend(document::find(text, &taken(&found), asked));
        found.extend(phone::find(text, &taken(&found), is_asked(SlotName::Phone)));
        found.extend(self.products.find(text, &taken(&found)));
        found.extend(quantity::find(text, &found, is_asked(SlotName::Quantity)));
        found.extend(order::find(text, &found, is_asked(SlotName::OrderNumber)));
        found.extend(choice::find(text, &taken(&found), asked));
        found.extend(person::find(text, &taken(&found), is_asked(SlotName::Person), names_max));
        found
    }
}

fn searched(normal: &NormalText) -> &str {
    let text = normal.as_str();
    text.get(..text.floor_char_boundary(SEARCHED_BYTES_MAX)).unwrap_or_default()
}

fn extracted(found: Found, original: &str, normal: &NormalText) -> Extracted {
    let raw_range = normal.original_range(found.at.clone());
    debug_assert!(original.get(raw_range.clone()).is_some(), "the normal text is of another original");
    let value = match found.slot == SlotName::Person {
        true => person::written(original.get(raw_range.clone()).unwrap_or_default()),
        false => found.value,
    };
    let Found { slot, exact, flaw, choices, .. } = found;
    Extracted { slot, value, raw_range, exact, flaw, choices }
}

fn taken(found: &[Found]) -> Vec<Range<usize>> {
    found.iter().map(|f| f.at.clone()).collect()
}

fn overlaps(at: &Range<usize>, taken: &[Range<usize>]) -> bool {
    taken.iter().any(|t| at.start < t.end && t.start < at.end)
}

/// The first runs of digits.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()) {
        match runs.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => runs.push(at..at + 1),
        }
        if runs.len() > RUNS_MAX {
            runs.pop();
            break;
        }
    }
    runs
}
