//! Products and their names. People type names as they speak, SAP searches letter by letter: the search asks SAP for the
//! longest word in its likely spellings and compares the other words here, in Peyvand's normal form.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use peyvand::language::normal::normalise;
use peyvand::language::script::Language;
use serde::Deserialize;

use super::PRODUCTS;
use super::http::Http;
use super::odata::{Collection, literal, plain, text};
use crate::target::TargetError;

/// Conditions in one filter: Gateways bound the length of an address.
const FILTER_PARTS: usize = 20;
const QUERY_CHARS_MAX: usize = 80;
const WORD_CHARS_MIN: usize = 2;
const SKU_CHARS_MAX: usize = 40;
const CANDIDATES: &str = "1000";
const CATALOGUE_PAGE: usize = 1_000;
const CATALOGUE_MAX: usize = 10_000;
const BOTH: &str = "Language eq 'EN' or Language eq 'FA'";

/// A product with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// SKU.
    pub sku: String,
    /// Its Persian name.
    pub name_fa: Option<String>,
    /// Its English name.
    pub name_en: Option<String>,
}

impl Product {
    /// Its name in a language.
    pub fn name(&self, language: Language) -> Option<&str> {
        match language {
            Language::Fa => self.name_fa.as_deref(),
            Language::En => self.name_en.as_deref(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawDescription {
    product: String,
    #[serde(default, deserialize_with = "text")]
    language: String,
    #[serde(default, deserialize_with = "text")]
    product_description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawProduct {
    product: String,
    #[serde(default, deserialize_with = "text")]
    base_unit: String,
    #[serde(default, rename = "to_Description")]
    descriptions: Collection<RawDescription>,
}

/// A product with its unit.
pub(super) struct Article {
    pub(super) product: Product,
    pub(super) unit: String,
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::Fa => "FA",
        Language::En => "EN",
    }
}

/// The names of these products in a language, by SKU without leading zeros.
pub(super) async fn names(
    http: &Http,
    skus: &[&str],
    language: Language,
) -> Result<HashMap<String, String>, TargetError> {
    let mut names = HashMap::new();
    for some in skus.chunks(FILTER_PARTS) {
        // `and` binds before `or`: without brackets, which some Gateways refuse.
        let one = |sku: &&str| format!("Product eq {} and Language eq '{}'", literal(sku), tag(language));
        let filter = some.iter().map(one).collect::<Vec<_>>().join(" or ");
        let url = http.url(PRODUCTS, &["A_ProductDescription"], &[("$filter", &filter)]);
        let rows: Vec<RawDescription> = http.list(url).await?;
        let wanted = rows.into_iter().filter(|row| row.language == tag(language));
        names.extend(wanted.map(|row| (plain(&row.product).to_owned(), row.product_description)));
    }
    names.retain(|_, name| !name.is_empty());
    Ok(names)
}

/// The products that go by a SKU or by a part of a name, the closest first.
pub(super) async fn search(http: &Http, query: &str, limit: usize) -> Result<Vec<Article>, TargetError> {
    let query = query.trim();
    if query.chars().count() > QUERY_CHARS_MAX {
        return Ok(Vec::new());
    }
    let normal = normalise(query);
    if let Some(sku) = sku(normal.as_str()) {
        let found = articles(http, &[sku]).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let Some(word) = longest_word(query) else { return Ok(Vec::new()) };
    let filter = spellings(word)
        .iter()
        .map(|spelling| format!("substringof({},ProductDescription)", literal(spelling)))
        .collect::<Vec<_>>()
        .join(" or ");
    let options = [("$filter", filter.as_str()), ("$orderby", "Product"), ("$top", CANDIDATES)];
    let rows: Vec<RawDescription> =
        http.list(http.url(PRODUCTS, &["A_ProductDescription"], &options)).await?;
    let found = closest(&rows, normal.as_str(), limit);
    articles(http, &found).await
}

/// A text that may be a SKU, as SAP writes SKUs.
fn sku(normal: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_graphic() && c != '\'';
    let short = (1..=SKU_CHARS_MAX).contains(&normal.len());
    (short && normal.chars().all(fits)).then(|| normal.to_ascii_uppercase())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == '\u{200C}').filter(|word| !word.is_empty())
}

fn longest_word(query: &str) -> Option<&str> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).count();
    words(query).max_by_key(|word| letters(word)).filter(|word| letters(word) >= WORD_CHARS_MIN)
}

/// A word as it may stand in the system: as typed, in normal form, with another case, with Arabic keyboards' letters.
fn spellings(word: &str) -> BTreeSet<String> {
    let normal = normalise(word).as_str().trim().to_owned();
    let capital = {
        let mut chars = normal.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let arabic = normal.replace('ی', "ي").replace('ک', "ك");
    let upper = normal.to_uppercase();
    [word.to_owned(), normal, capital, upper, arabic].into_iter().filter(|text| !text.is_empty()).collect()
}

/// The SKUs whose name holds every word of the query: whole names first, then beginnings, then by SKU.
fn closest(rows: &[RawDescription], query: &str, limit: usize) -> Vec<String> {
    let mut best: BTreeMap<&str, u8> = BTreeMap::new();
    let query = words(query).collect::<Vec<_>>().join(" ");
    for row in rows {
        let name = normalise(&row.product_description);
        let name = words(name.as_str()).collect::<Vec<_>>().join(" ");
        if !words(&query).all(|word| name.contains(word)) {
            continue;
        }
        let rank = if name == query { 0 } else { 2 - u8::from(name.starts_with(&query)) };
        let held = best.entry(row.product.as_str()).or_insert(rank);
        *held = rank.min(*held);
    }
    let mut found: Vec<(u8, &str)> = best.into_iter().map(|(sku, rank)| (rank, sku)).collect();
    found.sort_unstable();
    found.into_iter().take(limit).map(|(_, sku)| sku.to_owned()).collect()
}

/// Products by their SKUs, in the order of these; those that do not exist are left out.
async fn articles(http: &Http, skus: &[String]) -> Result<Vec<Article>, TargetError> {
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    let filter =
        skus.iter().map(|sku| format!("Product eq {}", literal(sku))).collect::<Vec<_>>().join(" or ");
    let options = [("$filter", filter.as_str()), ("$expand", "to_Description")];
    let rows: Vec<RawProduct> = http.list(http.url(PRODUCTS, &["A_Product"], &options)).await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let key = format!("A_Product({})", literal(&row.product));
        let own = http.url(PRODUCTS, &[&key, "to_Description"], &[]);
        let mut product = Product { sku: plain(&row.product).to_owned(), name_fa: None, name_en: None };
        for description in http.children(row.descriptions, own).await? {
            note(&mut product, description);
        }
        if let Some(place) = skus.iter().position(|sku| plain(sku) == product.sku) {
            let _twice: Option<Article> = found.insert(place, Article { product, unit: row.base_unit });
        }
    }
    Ok(found.into_values().collect())
}

fn note(product: &mut Product, row: RawDescription) {
    let name = Some(row.product_description).filter(|name| !name.is_empty());
    match row.language.as_str() {
        "FA" => product.name_fa = name,
        "EN" => product.name_en = name,
        _other => {}
    }
}

/// Every product that has a Persian or an English name.
pub(super) async fn all(http: &Http) -> Result<Vec<Product>, TargetError> {
    let mut found: BTreeMap<String, Product> = BTreeMap::new();
    let mut skip = 0;
    loop {
        let (top, from) = (CATALOGUE_PAGE.to_string(), skip.to_string());
        let options = [
            ("$filter", BOTH),
            ("$orderby", "Product,Language"),
            ("$select", "Product,Language,ProductDescription"),
            ("$top", &top),
            ("$skip", &from),
        ];
        let rows: Vec<RawDescription> =
            http.list(http.url(PRODUCTS, &["A_ProductDescription"], &options)).await?;
        let came = rows.len();
        for row in rows {
            let sku = plain(&row.product).to_owned();
            if found.len() == CATALOGUE_MAX && !found.contains_key(&sku) {
                tracing::warn!(system = http.line.name(), limit = CATALOGUE_MAX, "the catalogue was cut off");
                return Ok(found.into_values().collect());
            }
            let empty = Product { sku: sku.clone(), name_fa: None, name_en: None };
            note(found.entry(sku).or_insert(empty), row);
        }
        skip += came;
        if came < CATALOGUE_PAGE {
            return Ok(found.into_values().collect());
        }
    }
}
