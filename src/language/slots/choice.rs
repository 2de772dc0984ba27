//! Values of which there are only a few, each with the words people have for it. Another such slot is another table.

use std::ops::Range;

use super::{Found, SlotName, overlaps, words};

/// A slot with all it may be.
struct Table {
    slot: SlotName,
    /// One of these must be in the message, unless the value was asked for: «ساعتی» alone is said of many things.
    cues: &'static [&'static str],
    /// Each value with its spellings in normal form.
    values: &'static [(&'static str, &'static [&'static str])],
}

const TABLES: &[Table] = &[Table {
    slot: SlotName::LeaveKind,
    cues: &["مرخصی", "مرخصیم", "morakhasi", "morkhasi", "morakhasie", "leave", "vacation", "off"],
    values: &[
        ("annual", &["استحقاقی", "سالانه", "سالیانه", "estehghaghi", "estehqaqi", "salane", "annual", "paid"]),
        ("sick", &["استعلاجی", "بیماری", "مریضی", "پزشکی", "estelaji", "bimari", "sick", "medical"]),
        (
            "unpaid",
            &[
                "بدون حقوق",
                "بی حقوق",
                "bedoone hoghoogh",
                "bedune hoghugh",
                "bedoon hoghoogh",
                "unpaid",
                "without pay",
            ],
        ),
        ("hourly", &["ساعتی", "چند ساعته", "saati", "saaty", "hourly", "by the hour"]),
    ],
}];

pub(super) fn find(text: &str, taken: &[Range<usize>], asked: Option<SlotName>) -> Vec<Found> {
    let words = words::places(text);
    TABLES
        .iter()
        .flat_map(|table| of_table(table, text, &words, asked))
        .filter(|f| !overlaps(&f.at, taken))
        .collect()
}

fn of_table(table: &Table, text: &str, words: &[Range<usize>], asked: Option<SlotName>) -> Vec<Found> {
    let word = |at: &Range<usize>| text.get(at.clone()).unwrap_or_default();
    let expected = asked == Some(table.slot) || words.iter().any(|at| table.cues.contains(&word(at)));
    if !expected {
        return Vec::new();
    }
    let spellings =
        || table.values.iter().flat_map(|(id, spellings)| spellings.iter().map(move |one| (*id, *one)));
    let mut found = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let hit = spellings().find_map(|(id, spelling)| {
            let count = spelling.split(' ').count();
            let said = words.get(place..place + count)?;
            spelling
                .split(' ')
                .eq(said.iter().map(word))
                .then(|| (id, said[0].start..said[count - 1].end, count))
        });
        match hit {
            Some((id, at, count)) => {
                found.push(Found::exact(table.slot, id, at));
                place += count;
            }
            None => place += 1,
        }
    }
    found
}
