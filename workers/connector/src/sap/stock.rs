//! Unrestricted stock: what is free to sell, summed over storage places and batches.

use std::collections::BTreeMap;

use peyvand::event::StockLevel;
use peyvand::language::script::Language;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::STOCK;
use super::http::Http;
use super::odata::{Number, literal, plain, text};
use super::products::{self, Article};
use crate::target::TargetError;

const PRODUCTS_MAX: usize = 5;
/// Free to use; the other types are in inspection, blocked or under way.
const UNRESTRICTED: &str = "01";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawStock {
    material: String,
    plant: String,
    #[serde(default, deserialize_with = "text")]
    inventory_stock_type: String,
    /// Stock that belongs to an order, a project, a customer or a supplier; empty for our own free stock.
    #[serde(default, deserialize_with = "text")]
    inventory_special_stock_type: String,
    #[serde(default, deserialize_with = "text")]
    material_base_unit: String,
    #[serde(rename = "MatlWrhsStkQtyInMatlBaseUnit")]
    quantity: Number,
}

/// The stock of the products that go by a SKU or a name.
pub(super) async fn levels(
    http: &Http,
    query: &str,
    language: Language,
) -> Result<Vec<StockLevel>, TargetError> {
    let articles = products::search(http, query, PRODUCTS_MAX).await?;
    if articles.is_empty() {
        return Ok(Vec::new());
    }
    let one = |article: &Article| {
        format!("Material eq {} and InventoryStockType eq '{UNRESTRICTED}'", literal(&article.product.sku))
    };
    let filter = articles.iter().map(one).collect::<Vec<_>>().join(" or ");
    let rows: Vec<RawStock> =
        http.list(http.url(STOCK, &["A_MatlStkInAcctMod"], &[("$filter", &filter)])).await?;
    let mut levels = Vec::new();
    for article in &articles {
        let sums = sums(&rows, &article.product.sku).ok_or_else(|| http.line.unreadable())?;
        // Known but never stored: an entry without a plant, so that it is not taken for an unknown product.
        if sums.is_empty() {
            levels.push(level(article, language, ("", article.unit.as_str()), Decimal::ZERO));
        }
        levels.extend(sums.into_iter().map(|(place, sum)| level(article, language, place, sum)));
    }
    Ok(levels)
}

/// The sum for each plant and unit; none when a sum does not fit a decimal.
fn sums<'a>(rows: &'a [RawStock], sku: &str) -> Option<BTreeMap<(&'a str, &'a str), Decimal>> {
    let mut sums: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    let free = |row: &&RawStock| {
        row.inventory_stock_type == UNRESTRICTED && row.inventory_special_stock_type.is_empty()
    };
    for row in rows.iter().filter(|row| plain(&row.material) == sku).filter(free) {
        let sum = sums.entry((&row.plant, &row.material_base_unit)).or_default();
        *sum = sum.checked_add(row.quantity.0)?;
    }
    Some(sums)
}

fn level(
    article: &Article,
    language: Language,
    (plant, unit): (&str, &str),
    quantity: Decimal,
) -> StockLevel {
    let product = &article.product;
    StockLevel {
        product: product.sku.clone(),
        description: product.name(language).unwrap_or(&product.sku).to_owned(),
        plant: plant.to_owned(),
        quantity: quantity.normalize().to_string(),
        unit: unit.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_free_stock_is_summed_and_each_unit_by_itself() {
        let stock = |plant: &str, kind: &str, special: &str, unit: &str, quantity: &str| {
            let text = format!(
                r#"{{"Material":"A","Plant":"{plant}","InventoryStockType":"{kind}","InventorySpecialStockType":"{special}",
                "MaterialBaseUnit":"{unit}","MatlWrhsStkQtyInMatlBaseUnit":"{quantity}"}}"#
            );
            serde_json::from_str::<RawStock>(&text).unwrap()
        };
        let rows = [
            stock("1", "01", "", "PC", "0.1"),
            stock("1", "01", "", "PC", "0.20"),
            stock("1", "02", "", "PC", "7"),
            stock("1", "01", "E", "PC", "7"),
            stock("2", "01", "", "KG", "3"),
        ];
        let expected = BTreeMap::from([(("1", "PC"), Decimal::new(30, 2)), (("2", "KG"), Decimal::from(3))]);
        assert_eq!(sums(&rows, "A"), Some(expected));
        assert_eq!(sums(&rows, "B"), Some(BTreeMap::new()));
    }
}
