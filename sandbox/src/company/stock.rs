//! The stock of every product in the three plants: unrestricted, in quality inspection, blocked.

use rust_decimal::Decimal;

use super::random::Random;
use super::{Company, PLANTS};
use crate::sap::model::Set;
use crate::sap::value::Value;

/// The product nobody has: its records stand, with nothing in them.
pub(crate) const OUT_OF_STOCK: &str = "PMP-021";

const UNRESTRICTED: &str = "01";
const QUALITY: &str = "02";
const BLOCKED: &str = "07";

/// Puts the stock of these materials into the tables.
pub(crate) fn fill(company: &mut Company, random: &mut Random, materials: &[(String, &'static str)]) {
    for (material, unit) in materials {
        for (plant, _city) in PLANTS {
            let empty = material == OUT_OF_STOCK;
            let mut put = |kind: &str, quantity: u32| {
                let quantity = if empty { Decimal::ZERO } else { amount(unit, quantity) };
                insert(company, (material, unit), plant, (kind, quantity));
            };
            put(UNRESTRICTED, random.between(40, 2_400));
            if random.percent(35) {
                put(QUALITY, random.between(5, 160));
            }
            if random.percent(8) {
                put(BLOCKED, random.between(1, 20));
            }
        }
    }
}

/// Tonnes are weighed, the rest is counted.
fn amount(unit: &str, quantity: u32) -> Decimal {
    if unit == "TO" {
        Decimal::new(i64::from(quantity) * 125, 3).normalize()
    } else {
        Decimal::from(quantity)
    }
}

fn insert(
    company: &mut Company,
    (material, unit): (&str, &str),
    plant: &str,
    (kind, quantity): (&str, Decimal),
) {
    let text = |text: &str| Value::Text(text.to_owned());
    company.insert(
        Set::Stock,
        vec![
            ("Material", Value::alpha(material)),
            ("Plant", text(plant)),
            ("StorageLocation", text("101A")),
            ("InventoryStockType", text(kind)),
            ("MaterialBaseUnit", text(unit)),
            ("MatlWrhsStkQtyInMatlBaseUnit", Value::Decimal(quantity)),
        ],
    );
}
