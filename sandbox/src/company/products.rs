//! The catalogue: 21 families of building material, each in four kinds and three sizes, with a Persian and an English name.

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::{Company, PriceLine};
use crate::sap::model::Set;
use crate::sap::value::{Value, date_ms};

/// A kind or size in both languages.
type Words = (&'static str, &'static str);

struct Family {
    prefix: &'static str,
    name: Words,
    unit: &'static str,
    /// Price of the cheapest article in rials.
    price: u32,
    kinds: [Words; 4],
    sizes: [Words; 3],
}

const fn family(
    prefix: &'static str,
    name: Words,
    (unit, price): (&'static str, u32),
    kinds: [Words; 4],
    sizes: [Words; 3],
) -> Family {
    Family { prefix, name, unit, price, kinds, sizes }
}

static FAMILIES: [Family; 21] = [
    family(
        "CEM",
        ("سیمان", "Cement"),
        ("BAG", 1_450_000),
        [("تیپ 1", "type 1"), ("تیپ 2", "type 2"), ("تیپ 5", "type 5"), ("سفید", "white")],
        [("پاکت 25 کیلویی", "25 kg bag"), ("پاکت 40 کیلویی", "40 kg bag"), ("پاکت 50 کیلویی", "50 kg bag")],
    ),
    family(
        "REB",
        ("میلگرد", "Steel rebar"),
        ("TO", 385_000_000),
        [("آجدار A2", "ribbed A2"), ("آجدار A3", "ribbed A3"), ("آجدار A4", "ribbed A4"), ("ساده", "plain")],
        [("12 میلی‌متر", "12 mm"), ("16 میلی‌متر", "16 mm"), ("20 میلی‌متر", "20 mm")],
    ),
    family(
        "BEA",
        ("تیرآهن", "Steel beam"),
        ("PC", 48_000_000),
        [("IPE 14", "IPE 14"), ("IPE 16", "IPE 16"), ("IPE 18", "IPE 18"), ("IPE 20", "IPE 20")],
        [("6 متری", "6 m"), ("12 متری", "12 m"), ("12 متری سنگین", "12 m heavy")],
    ),
    family(
        "SHT",
        ("ورق فولادی", "Steel sheet"),
        ("TO", 420_000_000),
        [("سیاه", "black"), ("گالوانیزه", "galvanised"), ("روغنی", "cold rolled"), ("رنگی", "coloured")],
        [("0.5 میلی‌متر", "0.5 mm"), ("1 میلی‌متر", "1 mm"), ("2 میلی‌متر", "2 mm")],
    ),
    family(
        "TIL",
        ("کاشی دیواری", "Wall tile"),
        ("M2", 2_900_000),
        [("سفید", "white"), ("کرم", "cream"), ("طوسی", "grey"), ("آبی", "blue")],
        [("25x40", "25x40"), ("30x60", "30x60"), ("30x90", "30x90")],
    ),
    family(
        "CRM",
        ("سرامیک کف", "Floor tile"),
        ("M2", 3_600_000),
        [("مات", "matt"), ("براق", "glossy"), ("طرح چوب", "wood look"), ("طرح سنگ", "stone look")],
        [("60x60", "60x60"), ("80x80", "80x80"), ("60x120", "60x120")],
    ),
    family(
        "PNT",
        ("رنگ", "Paint"),
        ("CAN", 2_100_000),
        [("پلاستیک", "emulsion"), ("اکریلیک", "acrylic"), ("روغنی", "oil"), ("اپوکسی", "epoxy")],
        [("1 لیتری", "1 l"), ("4 لیتری", "4 l"), ("20 لیتری", "20 l")],
    ),
    family(
        "CBL",
        ("کابل برق", "Power cable"),
        ("M", 480_000),
        [("دو رشته", "2-core"), ("سه رشته", "3-core"), ("چهار رشته", "4-core"), ("پنج رشته", "5-core")],
        [("1.5", "1.5 mm2"), ("2.5", "2.5 mm2"), ("6", "6 mm2")],
    ),
    family(
        "PMP",
        ("پمپ آب", "Water pump"),
        ("PC", 62_000_000),
        [
            ("خانگی", "household"),
            ("شناور", "submersible"),
            ("گریز از مرکز", "centrifugal"),
            ("کفکش", "drainage"),
        ],
        [("1 اسب", "1 hp"), ("2 اسب", "2 hp"), ("5.5 اسب", "5.5 hp")],
    ),
    family(
        "PIP",
        ("لوله", "Pipe"),
        ("M", 390_000),
        [
            ("پلی‌اتیلن", "polyethylene"),
            ("پنج لایه", "five-layer"),
            ("پی وی سی", "PVC"),
            ("گالوانیزه", "galvanised"),
        ],
        [("20 میلی‌متر", "20 mm"), ("32 میلی‌متر", "32 mm"), ("63 میلی‌متر", "63 mm")],
    ),
    family(
        "VLV",
        ("شیر", "Valve"),
        ("PC", 1_800_000),
        [("توپی", "ball"), ("کشویی", "gate"), ("یک‌طرفه", "check"), ("پروانه‌ای", "butterfly")],
        [("نیم اینچ", "1/2 inch"), ("یک اینچ", "1 inch"), ("دو اینچ", "2 inch")],
    ),
    family(
        "INS",
        ("عایق", "Insulation"),
        ("ROL", 5_400_000),
        [
            ("پشم سنگ", "rock wool"),
            ("پشم شیشه", "glass wool"),
            ("الاستومری", "elastomeric"),
            ("رطوبتی", "bitumen"),
        ],
        [("3 سانتی", "3 cm"), ("5 سانتی", "5 cm"), ("10 سانتی", "10 cm")],
    ),
    family(
        "BRK",
        ("آجر", "Brick"),
        ("PC", 55_000),
        [("سفال", "hollow"), ("نسوز", "refractory"), ("نما", "facing"), ("لفتون", "lightweight")],
        [("10 سانتی", "10 cm"), ("15 سانتی", "15 cm"), ("20 سانتی", "20 cm")],
    ),
    family(
        "GYP",
        ("گچ", "Gypsum"),
        ("BAG", 620_000),
        [
            ("ساختمانی", "building"),
            ("سفیدکاری", "finishing"),
            ("میکرونیزه", "micronised"),
            ("پلیمری", "polymer"),
        ],
        [("20 کیلویی", "20 kg"), ("30 کیلویی", "30 kg"), ("40 کیلویی", "40 kg")],
    ),
    family(
        "GLS",
        ("شیشه", "Glass"),
        ("M2", 6_200_000),
        [("ساده", "float"), ("سکوریت", "tempered"), ("دوجداره", "double"), ("رفلکس", "reflective")],
        [("4 میل", "4 mm"), ("6 میل", "6 mm"), ("10 میل", "10 mm")],
    ),
    family(
        "DOR",
        ("در", "Door"),
        ("PC", 74_000_000),
        [("چوبی", "wooden"), ("ضد سرقت", "security"), ("یو پی وی سی", "UPVC"), ("فلزی", "steel")],
        [("80 سانتی", "80 cm"), ("90 سانتی", "90 cm"), ("100 سانتی", "100 cm")],
    ),
    family(
        "LMP",
        ("چراغ ال‌ای‌دی", "LED lamp"),
        ("PC", 850_000),
        [("حبابی", "bulb"), ("پنلی", "panel"), ("پروژکتور", "floodlight"), ("خطی", "linear")],
        [("9 وات", "9 W"), ("20 وات", "20 W"), ("50 وات", "50 W")],
    ),
    family(
        "SWT",
        ("کلید و پریز", "Switch"),
        ("PC", 920_000),
        [("تک پل", "single"), ("دو پل", "double"), ("تبدیل", "two-way"), ("پریز ارت‌دار", "earthed socket")],
        [("سفید", "white"), ("طلایی", "gold"), ("نقره‌ای", "silver")],
    ),
    family(
        "RAD",
        ("رادیاتور", "Radiator"),
        ("SET", 38_000_000),
        [("آلومینیومی", "aluminium"), ("استیل", "stainless"), ("پنلی", "panel"), ("حوله‌ای", "towel")],
        [("7 پره", "7 fins"), ("10 پره", "10 fins"), ("12 پره", "12 fins")],
    ),
    family(
        "CHM",
        ("افزودنی بتن", "Concrete admixture"),
        ("CAN", 3_300_000),
        [
            ("روان‌کننده", "plasticiser"),
            ("زودگیر", "accelerator"),
            ("ضد یخ", "antifreeze"),
            ("آب‌بند", "sealer"),
        ],
        [("5 لیتری", "5 l"), ("20 لیتری", "20 l"), ("220 لیتری", "220 l")],
    ),
    family(
        "SCR",
        ("پیچ", "Screw"),
        ("PKT", 740_000),
        [("خودکار", "self-tapping"), ("چوب", "wood"), ("رول‌پلاک", "anchor"), ("سرمته‌ای", "self-drilling")],
        [("4 سانتی", "4 cm"), ("6 سانتی", "6 cm"), ("8 سانتی", "8 cm")],
    ),
];

/// Puts the catalogue into the tables and the price list; gives the materials in order with their units.
pub(crate) fn fill(company: &mut Company) -> Vec<(String, &'static str)> {
    let mut materials = Vec::new();
    for family in &FAMILIES {
        for (kind_at, kind) in family.kinds.iter().enumerate() {
            for (size_at, size) in family.sizes.iter().enumerate() {
                // Seven apart, as catalogues leave room between articles.
                let material = format!("{}-{:03}", family.prefix, 7 * (3 * kind_at + size_at + 1));
                let percent = 100 + 12 * kind_at + 35 * size_at;
                record(company, family, &material, (kind, size), percent);
                materials.push((material, family.unit));
            }
        }
    }
    materials
}

fn record(
    company: &mut Company,
    family: &Family,
    material: &str,
    (kind, size): (&Words, &Words),
    percent: usize,
) {
    let text = |text: &str| Value::Text(text.to_owned());
    let created = company.today().saturating_sub(2.years());
    let fa = format!("{} {} {}", family.name.0, kind.0, size.0);
    let en = format!("{} {} {}", family.name.1, kind.1, size.1);
    let group = format!("TR-{}", family.prefix);
    company.insert(
        Set::Product,
        vec![
            ("Product", Value::alpha(material)),
            ("ProductType", text("HAWA")),
            ("CreationDate", Value::date(created)),
            ("CreatedByUser", text("MDADMIN")),
            ("LastChangeDate", Value::date(created)),
            ("ProductGroup", text(&group)),
            ("BaseUnit", text(family.unit)),
            ("ItemCategoryGroup", text("NORM")),
            ("LastChangeDateTime", Value::Instant(date_ms(created))),
        ],
    );
    for (language, name) in [("EN", &en), ("FA", &fa)] {
        company.insert(
            Set::ProductDescription,
            vec![
                ("Product", Value::alpha(material)),
                ("Language", text(language)),
                ("ProductDescription", text(name)),
            ],
        );
    }
    let price = Decimal::from(family.price) * Decimal::from(percent) / Decimal::from(100);
    let line = PriceLine { material: material.to_owned(), group, text: fa, unit: family.unit, price };
    let _previous = company.prices.insert(material.to_owned(), line);
}
