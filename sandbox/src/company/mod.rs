//! The trading company the stand-in serves: its tables, and the few things that may happen to them.
//! Everything is made from a fixed seed and one date, so two runs on one day give the same answers.

mod customers;
mod orders;
mod products;
mod random;
mod seed;
mod stock;

use std::collections::HashMap;
use std::time::Instant;

use jiff::civil::Date;
use rust_decimal::Decimal;

pub(crate) use orders::{Order, OrderItem, OrderState, ScheduleLine};

use crate::sap::model::Set;
use crate::sap::table::{Row, Table};
use crate::sap::value::{Value, date_ms};

/// The currency of every order.
pub(crate) const CURRENCY: &str = "IRR";
/// The plants with their cities: the first delivers when an order names none.
pub(crate) const PLANTS: [(&str, &str); 3] = [("1010", "Tehran"), ("1020", "Isfahan"), ("1030", "Mashhad")];
/// The working day begins at eight; change times count from there.
const MORNING_MS: i64 = 8 * 3_600_000;

/// What a sale needs to know of a product.
#[derive(Clone, Debug)]
pub(crate) struct PriceLine {
    pub(crate) material: String,
    pub(crate) group: String,
    pub(crate) text: String,
    pub(crate) unit: &'static str,
    pub(crate) price: Decimal,
}

/// The tables of the company.
pub(crate) struct Company {
    tables: Vec<Table>,
    prices: HashMap<String, PriceLine>,
    today: Date,
    next_order: u32,
    started: Instant,
    last_change: i64,
}

impl Company {
    /// The company as it stands on a day.
    pub(crate) fn seeded(today: Date) -> Company {
        let mut company = Company {
            tables: Set::ALL.into_iter().map(|set| Table::new(set.entity())).collect(),
            prices: HashMap::new(),
            today,
            next_order: seed::FIRST_ORDER,
            started: Instant::now(),
            last_change: 0,
        };
        seed::fill(&mut company);
        company
    }

    pub(crate) fn today(&self) -> Date {
        self.today
    }

    pub(crate) fn table(&self, set: Set) -> &Table {
        &self.tables[set as usize]
    }

    pub(crate) fn table_mut(&mut self, set: Set) -> &mut Table {
        &mut self.tables[set as usize]
    }

    pub(crate) fn insert(&mut self, set: Set, named: Vec<(&str, Value)>) {
        let row = Row::new(set.entity(), named);
        self.table_mut(set).insert(row);
    }

    pub(crate) fn price(&self, material: &str) -> Option<&PriceLine> {
        self.prices.get(material)
    }

    /// The number the next order gets; it is then taken.
    pub(crate) fn take_order_number(&mut self) -> u32 {
        let number = self.next_order;
        self.next_order += 1;
        number
    }

    /// Notes a change that was made at a known moment.
    pub(crate) fn changed_at(&mut self, ms: i64) {
        self.last_change = self.last_change.max(ms);
    }

    /// The moment of a change made now: on the company's day, and later than every change before.
    pub(crate) fn change_time(&mut self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or_default();
        self.last_change = (date_ms(self.today) + MORNING_MS + elapsed).max(self.last_change + 1);
        self.last_change
    }
}
