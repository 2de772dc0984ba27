//! The customers: Persian building-trade firms, one address each.

use super::Company;
use super::random::Random;
use crate::sap::model::Set;
use crate::sap::value::Value;
use jiff::ToSpan;

/// How many customers there are.
pub(crate) const CUSTOMERS: usize = 300;

const TRADES: [&str; 12] = [
    "بازرگانی",
    "شرکت ساختمانی",
    "فروشگاه مصالح",
    "گروه صنعتی",
    "پخش سراسری",
    "تعاونی مسکن",
    "مهندسی عمران",
    "صنایع فلزی",
    "انبوه‌سازان",
    "تجهیزات ساختمانی",
    "ابزار و یراق",
    "تأسیسات",
];

const NAMES: [&str; 50] = [
    "رضایی",
    "کریمی",
    "احمدی",
    "حسینی",
    "موسوی",
    "جعفری",
    "صادقی",
    "هاشمی",
    "رحیمی",
    "نوری",
    "پارسا",
    "آریا",
    "البرز",
    "دماوند",
    "زاگرس",
    "کاوه",
    "سپهر",
    "مهر",
    "کیان",
    "پارس",
    "یزدانی",
    "شیرازی",
    "تبریزی",
    "اصفهانی",
    "کاشانی",
    "نیشابوری",
    "گیلانی",
    "خراسانی",
    "کرمانی",
    "سمنانی",
    "امیری",
    "فرهادی",
    "رستمی",
    "بهرامی",
    "داوودی",
    "اکبری",
    "قاسمی",
    "محمدی",
    "ابراهیمی",
    "یوسفی",
    "ستاره شرق",
    "آسمان آبی",
    "راه نو",
    "پل فیروزه",
    "خانه سبز",
    "سنگ و سیمان",
    "آذر",
    "سهند",
    "بینالود",
    "ارگ",
];

const CITIES: [(&str, &str); 14] = [
    ("تهران", "1411713116"),
    ("اصفهان", "8138634111"),
    ("مشهد", "9133913411"),
    ("شیراز", "7134814111"),
    ("تبریز", "5138913111"),
    ("کرج", "3149711111"),
    ("اهواز", "6135713111"),
    ("قم", "3715613111"),
    ("کرمان", "7613913111"),
    ("رشت", "4133713111"),
    ("یزد", "8915713111"),
    ("همدان", "6515613111"),
    ("ساری", "4815713111"),
    ("بندرعباس", "7914713111"),
];

/// The number of the customer with this index: ten digits.
pub(crate) fn number(index: usize) -> String {
    format!("{}", 1_000_000_001 + index)
}

/// The name of the customer with this index; no two are alike.
pub(crate) fn name(index: usize) -> String {
    let trade = TRADES[index % TRADES.len()];
    let name = NAMES[(index / TRADES.len() + index % TRADES.len() * 7) % NAMES.len()];
    format!("{trade} {name}")
}

/// Puts all customers into the tables.
pub(crate) fn fill(company: &mut Company, random: &mut Random) {
    let opened = company.today().saturating_sub(3.years());
    for index in 0..CUSTOMERS {
        let (number, name) = (number(index), name(index));
        let (city, postal_code) = CITIES[random.favouring_first(CITIES.len())];
        let text = |text: &str| Value::Text(text.to_owned());
        company.insert(
            Set::Partner,
            vec![
                ("BusinessPartner", Value::alpha(&number)),
                ("Customer", Value::alpha(&number)),
                ("BusinessPartnerCategory", text("2")),
                ("BusinessPartnerFullName", text(&name)),
                ("OrganizationBPName1", text(&name)),
                ("CreationDate", Value::date(opened)),
            ],
        );
        company.insert(
            Set::PartnerAddress,
            vec![
                ("BusinessPartner", Value::alpha(&number)),
                ("AddressID", Value::alpha(&(20_001 + index).to_string())),
                ("CityName", text(city)),
                ("Country", text("IR")),
                ("Language", text("FA")),
                ("PostalCode", text(postal_code)),
            ],
        );
    }
}
