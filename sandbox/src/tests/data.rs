//! The company itself: the orders known by number, the stock, the catalogue, and that it is the same on every start.

use super::*;
use crate::company::Company;
use crate::sap::model::{Edm, Entity, Set};
use crate::sap::table::Row;
use crate::sap::value::{Value as Cell, date_ms};
use jiff::ToSpan;

fn ms(json: &Value) -> i64 {
    let text = json.as_str().unwrap();
    text.trim_start_matches("/Date(").trim_end_matches(")/").parse().unwrap()
}

fn cell<'a>(row: &'a Row, entity: &Entity, name: &str) -> &'a Cell {
    row.get(entity.prop(name).unwrap().0)
}

#[tokio::test]
async fn order_45001_is_partly_delivered_and_the_rest_is_promised_for_the_coming_days() {
    let world = World::new().await;
    let query = [("$expand", "to_Item/to_ScheduleLine")];
    let order = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &query).await;
    assert_eq!(
        (&order["OverallDeliveryStatus"], &order["OverallSDProcessStatus"]),
        (&"B".into(), &"B".into())
    );
    assert_eq!(order["TransactionCurrency"], "IRR");
    let items = order["to_Item"]["results"].as_array().unwrap();
    let statuses: Vec<&str> = items.iter().map(|item| item["DeliveryStatus"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["C", "B", "A"]);
    let open = &items[2]["to_ScheduleLine"]["results"][0];
    let days = (ms(&open["ConfirmedDeliveryDate"]) - date_ms(today())) / 86_400_000;
    assert_eq!(days, 4);
}

#[tokio::test]
async fn order_45002_is_delivered_and_order_45003_is_rejected() {
    let world = World::new().await;
    let delivered = world.d(&format!("{ORDERS}/A_SalesOrder('45002')"), &[]).await;
    assert_eq!(
        (&delivered["OverallDeliveryStatus"], &delivered["OverallSDProcessStatus"]),
        (&"C".into(), &"C".into())
    );
    let rejected = world.d(&format!("{ORDERS}/A_SalesOrder('45003')"), &[("$expand", "to_Item")]).await;
    assert_eq!(rejected["OverallSDDocumentRejectionSts"], "C");
    assert_eq!(rejected["to_Item"]["results"][0]["SalesDocumentRjcnReason"], "02");
}

#[tokio::test]
async fn stock_lies_in_three_plants_and_one_product_has_none() {
    let world = World::new().await;
    let stock = format!("{STOCK}/A_MatlStkInAcctMod");
    let filter = [("$filter", "Material eq 'CEM-042' and InventoryStockType eq '01'")];
    let rows = world.list(&stock, &filter).await;
    let plants: Vec<&str> = rows.iter().map(|row| row["Plant"].as_str().unwrap()).collect();
    assert_eq!(plants, ["1010", "1020", "1030"]);
    assert!(rows.iter().all(|row| row["MatlWrhsStkQtyInMatlBaseUnit"].as_str().unwrap() != "0"));
    let empty = world.list(&stock, &[("$filter", "Material eq 'PMP-021'")]).await;
    assert!(!empty.is_empty());
    assert!(empty.iter().all(|row| row["MatlWrhsStkQtyInMatlBaseUnit"] == "0"));
}

#[tokio::test]
async fn one_stock_record_is_found_by_its_eleven_part_key() {
    let world = World::new().await;
    let rows = world.list(&format!("{STOCK}/A_MatlStkInAcctMod"), &[("$top", "1")]).await;
    let uri = rows[0]["__metadata"]["uri"].as_str().unwrap();
    let path = uri.strip_prefix(&world.sandbox.base_url()).unwrap();
    assert_eq!(world.d(path, &[]).await["Material"], rows[0]["Material"]);
}

#[tokio::test]
async fn a_product_is_found_by_its_persian_name() {
    let world = World::new().await;
    let filter = [("$filter", "Language eq 'FA' and substringof('سیمان تیپ 2',ProductDescription)")];
    let found = world.list(&format!("{PRODUCTS}/A_ProductDescription"), &filter).await;
    assert!(found.iter().any(|row| row["Product"] == "CEM-042"));
    let names = world.list(&format!("{PRODUCTS}/A_Product('CEM-042')/to_Description"), &[]).await;
    let names: Vec<&str> = names.iter().map(|name| name["Language"].as_str().unwrap()).collect();
    assert_eq!(names, ["EN", "FA"]);
}

#[tokio::test]
async fn a_customer_has_a_name_and_a_city() {
    let world = World::new().await;
    let order = world.d(&format!("{ORDERS}/A_SalesOrder('45001')"), &[]).await;
    let path = format!("{PARTNERS}/A_BusinessPartner('{}')", order["SoldToParty"].as_str().unwrap());
    let partner = world.d(&path, &[("$expand", "to_BusinessPartnerAddress")]).await;
    assert!(!partner["BusinessPartnerFullName"].as_str().unwrap().is_empty());
    assert!(!partner["to_BusinessPartnerAddress"]["results"][0]["CityName"].as_str().unwrap().is_empty());
}

#[test]
fn two_starts_on_one_day_give_the_same_company() {
    let dump = || {
        let company = Company::seeded(today());
        Set::ALL.map(|set| company.table(set).rows().map(|row| format!("{row:?}")).collect::<Vec<_>>())
    };
    assert_eq!(dump(), dump());
}

#[test]
fn the_company_has_the_size_it_should_and_unique_customers() {
    let company = Company::seeded(today());
    let size = |set: Set| company.table(set).rows().count();
    assert_eq!((size(Set::SalesOrder), size(Set::Partner), size(Set::Product)), (2_500, 300, 252));
    let entity = Set::Partner.entity();
    let mut names: Vec<&str> = company
        .table(Set::Partner)
        .rows()
        .filter_map(|row| cell(row, entity, "BusinessPartnerFullName").as_text())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 300);
}

#[test]
fn every_value_fits_its_field_and_every_key_is_unique() {
    let company = Company::seeded(today());
    for set in Set::ALL {
        let entity = set.entity();
        for row in company.table(set).rows() {
            for (index, prop) in entity.props.iter().enumerate() {
                if let Edm::Text(max) | Edm::Alpha(max) = prop.edm {
                    let text = row.get(index).as_text().unwrap();
                    assert!(text.chars().count() <= max, "{} {} holds {text}", entity.name, prop.name);
                }
            }
            let found = company.table(set).find(&row.key(entity)).unwrap();
            assert!(std::ptr::eq(found, row), "{} has a key twice", entity.name);
        }
    }
}

#[test]
fn the_orders_lead_up_to_today_with_every_status() {
    let company = Company::seeded(today());
    let entity = Set::SalesOrder.entity();
    let rows = || company.table(Set::SalesOrder).rows();
    let created: Vec<i64> = rows()
        .map(|row| match cell(row, entity, "CreationDate") {
            Cell::Date(ms) => *ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(created.is_sorted());
    assert_eq!(created.first(), Some(&date_ms(today().saturating_sub(365.days()))));
    assert_eq!(created.last(), Some(&date_ms(today())));
    for (name, letters) in [("OverallSDProcessStatus", "ABC"), ("OverallDeliveryStatus", "ABC")] {
        for letter in letters.chars() {
            let held =
                rows().filter(|row| cell(row, entity, name).as_text() == Some(&letter.to_string())).count();
            assert!(held > 20, "{name} {letter} stands on {held} orders");
        }
    }
    let late_promises = company.table(Set::ScheduleLine).rows().any(|row| {
        let line = Set::ScheduleLine.entity();
        cell(row, line, "ConfirmedDeliveryDate") == &Cell::Null
    });
    assert!(late_promises, "some lines should have no promise yet");
}
