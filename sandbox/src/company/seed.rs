//! A year of trade, made from a fixed seed: 2,500 orders whose rhythm grows towards today, and the few orders that
//! demonstrations and tests know by number.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::orders::{Order, OrderItem, OrderState, ScheduleLine};
use super::random::Random;
use super::{Company, PLANTS, PriceLine, customers, products, stock};
use crate::sap::value::date_ms;

/// The first order of the year.
pub(crate) const FIRST_ORDER: u32 = 43_000;
/// How many orders there are.
pub(crate) const ORDERS: u32 = 2_500;
/// Three items, partly delivered, the rest confirmed for a few days from today.
pub(crate) const PARTLY_DELIVERED: u32 = 45_001;
/// Fully delivered and billed.
pub(crate) const DELIVERED: u32 = 45_002;
/// Rejected as a whole.
pub(crate) const REJECTED: u32 = 45_003;
/// More orders of the customer of [`PARTLY_DELIVERED`].
const SAME_CUSTOMER: [u32; 6] = [43_120, 44_310, 44_802, PARTLY_DELIVERED, 45_230, 45_411];
const KNOWN_CUSTOMER: usize = 17;
const DAYS: u32 = 365;

/// Fills every table.
pub(crate) fn fill(company: &mut Company) {
    let mut random = Random::new(0x5045_5956_414E_4431);
    customers::fill(company, &mut random);
    let materials = products::fill(company);
    stock::fill(company, &mut random, &materials);
    let catalogue: Vec<PriceLine> =
        materials.iter().filter_map(|(material, _)| company.price(material).cloned()).collect();
    for index in 0..ORDERS {
        let number = company.take_order_number();
        let order = match number {
            PARTLY_DELIVERED => partly_delivered(company),
            DELIVERED | REJECTED => known(company, &mut random, &catalogue, (number, index)),
            _ => draw(company, &mut random, &catalogue, (number, index)),
        };
        order.record(company);
    }
}

/// How an order fares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Rejected,
    Delivered,
    Partly,
    Open,
    /// Nothing is promised yet.
    Unconfirmed,
}

fn draw(company: &Company, random: &mut Random, catalogue: &[PriceLine], at: (u32, u32)) -> Order {
    let created = created(company.today(), at.1);
    let requested = plus(created, random.between(4, 24));
    let promised = if random.percent(25) { plus(requested, random.between(1, 6)) } else { requested };
    let fate = fate(random, promised, company.today());
    build(company, random, catalogue, (at.0, fate), (created, requested, promised))
}

fn known(company: &Company, random: &mut Random, catalogue: &[PriceLine], at: (u32, u32)) -> Order {
    let created = created(company.today(), at.1);
    let requested = plus(created, 9);
    let fate = if at.0 == REJECTED { Fate::Rejected } else { Fate::Delivered };
    build(company, random, catalogue, (at.0, fate), (created, requested, requested))
}

fn fate(random: &mut Random, promised: Date, today: Date) -> Fate {
    let chance = random.between(1, 100);
    if chance <= 3 {
        return Fate::Rejected;
    }
    if promised < today {
        return if chance <= 92 {
            Fate::Delivered
        } else if chance <= 97 {
            Fate::Partly
        } else {
            Fate::Open
        };
    }
    if chance <= 12 {
        Fate::Delivered
    } else if chance <= 26 {
        Fate::Partly
    } else if chance <= 97 {
        Fate::Open
    } else {
        Fate::Unconfirmed
    }
}

fn build(
    company: &Company,
    random: &mut Random,
    catalogue: &[PriceLine],
    (number, fate): (u32, Fate),
    (created, requested, promised): (Date, Date, Date),
) -> Order {
    let today = company.today();
    let customer = if SAME_CUSTOMER.contains(&number) {
        KNOWN_CUSTOMER
    } else {
        random.favouring_first(customers::CUSTOMERS)
    };
    // Most late promises were renewed; a few stay overdue.
    let rest =
        if promised < today && random.percent(70) { plus(today, random.between(1, 10)) } else { promised };
    let count = random.between(1, 5);
    let plant = PLANTS[random.favouring_first(PLANTS.len())].0;
    let items = (1..=count)
        .map(|line| {
            let product = &catalogue[random.between(0, catalogue.len() as u32 - 1) as usize];
            let quantity = quantity(random, product.unit);
            let schedule = schedule(random, (fate, quantity), (promised, rest), line);
            item(product, (line * 10, plant), schedule)
        })
        .collect();
    let old = promised < minus(today, 14);
    let state = match fate {
        Fate::Rejected => OrderState::Rejected,
        Fate::Delivered | Fate::Partly if old => OrderState::Billed,
        Fate::Delivered | Fate::Partly | Fate::Open | Fate::Unconfirmed => OrderState::Standing,
    };
    let changed = if fate == Fate::Open { created } else { promised.min(today) };
    order((number, customer), (created, requested, changed), state, items)
}

/// The order everybody asks about: one line delivered, one begun, one to come.
fn partly_delivered(company: &Company) -> Order {
    let today = company.today();
    let (created, requested) = (created(today, PARTLY_DELIVERED - FIRST_ORDER), minus(today, 2));
    let (sent, promised) = (minus(today, 3), plus(today, 4));
    let line = |quantity: u32, confirmed: Date, delivered: u32| ScheduleLine {
        quantity: quantity.into(),
        confirmed: Some(confirmed),
        delivered: delivered.into(),
    };
    let lines = [
        ("CEM-042", vec![line(200, sent, 200)]),
        ("TIL-014", vec![line(120, sent, 120), line(60, promised, 0)]),
        ("PNT-014", vec![line(24, promised, 0)]),
    ];
    let items = lines
        .into_iter()
        .zip([10, 20, 30])
        .filter_map(|((material, schedule), number)| {
            company.price(material).map(|product| item(product, (number, PLANTS[0].0), schedule))
        })
        .collect();
    order((PARTLY_DELIVERED, KNOWN_CUSTOMER), (created, requested, sent), OrderState::Standing, items)
}

fn order(
    (number, customer): (u32, usize),
    (created, requested, changed): (Date, Date, Date),
    state: OrderState,
    items: Vec<OrderItem>,
) -> Order {
    Order {
        number,
        kind: "OR".to_owned(),
        organization: "1010".to_owned(),
        channel: "10".to_owned(),
        division: "00".to_owned(),
        customer: customers::number(customer),
        customer_reference: format!("PO-{}", 700_000 + number * 3),
        created,
        created_by: "SALES01",
        // A moment of the day that differs from order to order.
        changed_ms: date_ms(changed) + i64::from(number % 36_000) * 1_000 + 28_800_000,
        requested,
        payment_terms: "0001".to_owned(),
        billing_block: String::new(),
        delivery_block: String::new(),
        state,
        items,
    }
}

fn item(product: &PriceLine, (number, plant): (u32, &str), schedule: Vec<ScheduleLine>) -> OrderItem {
    let quantity: Decimal = schedule.iter().map(|line| line.quantity).sum();
    OrderItem {
        number: number.to_string(),
        material: product.material.clone(),
        group: product.group.clone(),
        text: product.text.clone(),
        unit: product.unit.to_owned(),
        net: quantity * product.price,
        plant: plant.to_owned(),
        schedule,
    }
}

fn schedule(
    random: &mut Random,
    (fate, quantity): (Fate, Decimal),
    (promised, rest): (Date, Date),
    line: u32,
) -> Vec<ScheduleLine> {
    let one = |confirmed, delivered| vec![ScheduleLine { quantity, confirmed, delivered }];
    match fate {
        Fate::Delivered => one(Some(promised), quantity),
        Fate::Open => one(Some(rest), Decimal::ZERO),
        Fate::Rejected | Fate::Unconfirmed => one(None, Decimal::ZERO),
        // The first line of a partly delivered order is always begun and never finished.
        Fate::Partly if line == 1 || random.percent(40) => {
            let first =
                (quantity * Decimal::new(i64::from(random.between(2, 8)), 1)).round_dp(0).max(Decimal::ONE);
            let first = first.min(quantity - Decimal::ONE);
            vec![
                ScheduleLine { quantity: first, confirmed: Some(promised), delivered: first },
                ScheduleLine { quantity: quantity - first, confirmed: Some(rest), delivered: Decimal::ZERO },
            ]
        }
        Fate::Partly if random.percent(50) => one(Some(promised), quantity),
        Fate::Partly => one(Some(rest), Decimal::ZERO),
    }
}

fn quantity(random: &mut Random, unit: &str) -> Decimal {
    match unit {
        "TO" => Decimal::new(i64::from(random.between(4, 90)) * 5, 1),
        "PC" | "SET" => Decimal::from(random.between(2, 60)),
        "M" | "M2" => Decimal::from(random.between(3, 80) * 10),
        _ => Decimal::from(random.between(2, 60) * 5),
    }
}

/// The day the order came in: trade grows through the year, so the days fill up towards today.
fn created(today: Date, index: u32) -> Date {
    let part = (u64::from(index) * 1_000_000_000_000 / u64::from(ORDERS - 1)).isqrt();
    let day = u32::try_from(part * u64::from(DAYS) / 1_000_000).unwrap_or(DAYS);
    minus(today, DAYS - day.min(DAYS))
}

fn plus(date: Date, days: u32) -> Date {
    date.saturating_add(i64::from(days).days())
}

fn minus(date: Date, days: u32) -> Date {
    date.saturating_sub(i64::from(days).days())
}
