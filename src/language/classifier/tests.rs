use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::language::normal::normalise;

const CATALOGUE: [(&str, &[&str]); 4] = [
    (
        "order_status",
        &[
            "سفارش من کجاست",
            "سفارشم به کجا رسید",
            "وضعیت سفارش ۴۵۰۰۱ چیست",
            "پیگیری سفارش",
            "سفارش من کی می‌رسد",
            "سفارش ۱۲۳ ارسال شده؟",
            "می‌خواهم سفارشم را پیگیری کنم",
            "where is my order",
            "where is order 45001",
            "what is the status of my order",
            "track my order",
            "has my order shipped yet",
            "when will my order arrive",
        ],
    ),
    (
        "stock_level",
        &[
            "موجودی انبار چقدر است",
            "از این کالا موجود دارید",
            "موجودی لپ‌تاپ را بگو",
            "چند تا در انبار مانده",
            "این محصول موجود است؟",
            "how many are in stock",
            "do you have this product in stock",
            "stock level of the laptop",
            "is the printer available",
            "what is left in the warehouse",
        ],
    ),
    (
        "invoice",
        &[
            "فاکتور من را بفرست",
            "فاکتور خرید قبلی را می‌خواهم",
            "صورتحساب سفارش ۱۲",
            "نسخه فاکتور را ایمیل کنید",
            "send me my invoice",
            "i need a copy of the invoice",
            "invoice for order 12",
            "please email the bill",
        ],
    ),
    (
        "leave_request",
        &[
            "برای شنبه مرخصی می‌خواهم",
            "درخواست مرخصی دارم",
            "فردا مرخصی بگیرم",
            "مرخصی ساعتی ثبت کن",
            "i want to take leave on saturday",
            "request a day off",
            "book vacation for next week",
            "i need leave tomorrow",
        ],
    ),
];

fn examples() -> Vec<Example> {
    let example = |text: &&str, intent: &str| Example { text: (*text).to_owned(), intent: intent.to_owned() };
    CATALOGUE.iter().flat_map(|(intent, texts)| texts.iter().map(|text| example(text, intent))).collect()
}

/// One model for all tests: training is quick, but not in an unoptimised build many times over.
fn model() -> &'static Model {
    static MODEL: std::sync::LazyLock<Model> = std::sync::LazyLock::new(|| {
        let negatives: Vec<String> = background().step_by(3).map(str::to_owned).collect();
        train(&examples(), &negatives, &TrainOptions::default()).unwrap()
    });
    &MODEL
}

fn classify(text: &str) -> Classification {
    model().classify(&normalise(text))
}

#[test]
fn both_languages_and_persian_in_latin_letters_find_the_intent() {
    for (text, intent) in [
        ("سفارش ۴۵۰۰۱ کجاست؟", "order_status"),
        ("where is order 45001?", "order_status"),
        ("WHERE IS MY ORDER", "order_status"),
        ("سفارشِ مَن كجاست", "order_status"),
        ("sefaresh 45001 kojast", "order_status"),
        ("mojoodi anbar cheqadr ast", "stock_level"),
        ("فاکتور رو برام بفرست", "invoice"),
        ("برای دوشنبه مرخصی می‌خوام", "leave_request"),
    ] {
        let found = classify(text);
        assert_eq!(found.ranked[0].intent, intent, "{text}");
        assert!(found.in_scope && found.out_of_scope <= 0.5, "{text}: {}", found.out_of_scope);
    }
}

#[test]
fn what_is_no_business_of_the_catalogue_is_out_of_scope() {
    for text in [
        "یه جوک بگو",
        "tell me a joke",
        "what is the capital of france",
        "هوا فردا چطور است",
        "یک آهنگ شاد پخش کن",
        "play some jazz music",
    ] {
        let found = classify(text);
        assert!(!found.in_scope && found.out_of_scope > 0.5, "{text}: {}", found.out_of_scope);
    }
}

#[test]
fn a_text_without_anything_known_is_surely_out_of_scope() {
    for text in ["", "   ", "👍🎉", "؟!", "\u{200F}", "жщ"] {
        let found = classify(text);
        assert_eq!((found.ranked.len(), found.in_scope), (0, false), "{text:?}");
        assert!(found.out_of_scope >= 1.0);
    }
}

#[test]
fn the_best_three_come_in_order_with_confidences_that_are_shares() {
    let ranked = classify("where is my order").ranked;
    assert_eq!(ranked.len(), 3);
    assert!(ranked.is_sorted_by(|a, b| a.confidence >= b.confidence));
    let sum: f32 = ranked.iter().map(|r| r.confidence).sum();
    assert!(ranked[0].confidence > 0.5 && sum <= 1.0 + 1e-5, "{ranked:?}");
}

#[test]
fn the_same_catalogue_gives_the_same_bytes_whatever_the_threads() {
    let negatives = ["tell me a joke".to_owned(), "who won the match".to_owned()];
    let bytes = |threads| {
        let options = TrainOptions { threads, ..TrainOptions::default() };
        train(&examples(), &negatives, &options).unwrap().to_bytes()
    };
    assert_eq!(bytes(1), bytes(2));
}

#[test]
fn another_catalogue_has_another_hash() {
    let mut other = examples();
    other[0].text.push('؟');
    let hash = |examples: &[Example]| {
        train(examples, &[], &TrainOptions::default()).unwrap().catalogue_hash().to_owned()
    };
    assert_ne!(hash(&examples()), hash(&other));
    assert_eq!(hash(&other).len(), 64);
}

#[test]
fn a_catalogue_of_one_example_trains_and_answers() {
    let one = [Example { text: "سفارش من کجاست".to_owned(), intent: "order_status".to_owned() }];
    let model = train(&one, &[], &TrainOptions::default()).unwrap();
    assert_eq!(model.classify(&normalise("سفارش کجاست")).ranked[0].intent, "order_status");
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_its_reason() {
    let example = |text: &str| [Example { text: text.to_owned(), intent: "thanks".to_owned() }];
    let kind =
        |examples: &[Example], options: &TrainOptions| train(examples, &[], options).unwrap_err().kind();
    let options = TrainOptions::default();
    assert_eq!(kind(&[], &options), "no_examples");
    assert_eq!(kind(&example("👍"), &options), "no_words");
    for bad in [
        TrainOptions { folds: 1, ..options.clone() },
        TrainOptions { threads: 0, ..options.clone() },
        TrainOptions { cost: f32::NAN, ..options.clone() },
        TrainOptions { rejected_share: 2.0, ..options.clone() },
    ] {
        assert_eq!(kind(&example("thanks"), &bad), "option", "{bad:?}");
    }
}

#[test]
fn a_model_reads_back_from_its_bytes() {
    assert_eq!(&Model::from_bytes(&model().to_bytes()).unwrap(), model());
}

fn small_bytes() -> &'static [u8] {
    static BYTES: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let two: Vec<Example> = examples().into_iter().step_by(15).collect();
        train(&two, &["tell me a joke".to_owned()], &TrainOptions::default()).unwrap().to_bytes()
    });
    &BYTES
}

/// Makes the checksum fit again, as someone would who wants to be believed.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_model_of_another_version_or_none_at_all_is_named_as_such() {
    let changed = |at: usize| {
        let mut bytes = small_bytes().to_vec();
        bytes[at] ^= 0x7F;
        Model::from_bytes(&signed(bytes)).unwrap_err().kind()
    };
    assert_eq!(changed(0), "not_a_model");
    assert_eq!(changed(8), "other_version");
    assert_eq!(changed(12), "other_version");
    assert_eq!(Model::from_bytes(b"").unwrap_err().kind(), "not_a_model");
}

proptest! {
    #[test]
    fn a_cut_model_is_refused(keep in 0.0_f64..1.0) {
        let bytes = small_bytes();
        prop_assert!(Model::from_bytes(&bytes[..(bytes.len() as f64 * keep) as usize]).is_err());
    }

    #[test]
    fn a_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = small_bytes().to_vec();
        bytes[at.index(small_bytes().len())] ^= 1 << bit;
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_forged_model_is_refused_or_usable(at in 16_usize..200, value in any::<u8>()) {
        let mut bytes = small_bytes().to_vec();
        bytes[at] = value;
        if let Ok(model) = Model::from_bytes(&signed(bytes)) {
            model.classify(&normalise("where is my order"));
        }
    }

    #[test]
    fn any_text_gets_an_answer_in_bounds(text in any::<String>()) {
        let found = classify(&text);
        prop_assert!((0.0..=1.0).contains(&found.out_of_scope));
        prop_assert!(found.ranked.iter().all(|r| (0.0..=1.0001).contains(&r.confidence)));
    }
}
