//! What of a message may leave the house: its words, but no value that says who wrote it or what they own. It may not know
//! where a text goes.

use std::{collections::BTreeMap, ops::Range};

use peyvand::language::{
    normal::{NormalText, normalise},
    slots::{Extracted, Extractors, SlotName},
};

/// What a person asks stands at the beginning.
const CHARS_MAX: usize = 1_000;
/// A number of so many digits may be somebody's, whatever it looks like: alone, or in groups.
const DIGITS_IN_A_ROW: usize = 5;
const DIGITS_IN_GROUPS: usize = 7;
/// A shorter value is not looked for a second time: it may be any word.
const REPEATED_CHARS_MIN: usize = 2;
/// How far behind the end of what may leave a value may go on.
const BEHIND_CHARS: usize = 64;
/// What stands for a name.
const NAME: &str = "<name>";

/// The text with a token for each value; nothing when no word would be left. The `values` that are known already may be only the
/// first of a message, and the others are looked for here.
pub(super) fn without_values(text: &str, values: &[Extracted], extractors: &Extractors) -> Option<String> {
    let text = beginning(text);
    let normal = normalise(text);
    let others = extractors.extract_all(text, &normal);
    let known = values.iter().filter(|v| text.get(v.raw_range.clone()).is_some());
    let all: Vec<&Extracted> = known.chain(&others).collect();
    let mut places: Vec<(Range<usize>, &str)> =
        all.iter().filter_map(|v| Some((v.raw_range.clone(), token(v.slot)?))).collect();
    places.extend(again(text, &normal, &all));
    places.sort_by_key(|(at, _)| (at.start, std::cmp::Reverse(at.end)));
    let out = without_numbers(&without_addresses(&replaced(text, &places)?));
    let out: String = out.chars().take(CHARS_MAX).collect();
    has_words(&out).then_some(out)
}

/// What may leave, and a little more: a value that goes over the end is to be found whole.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(CHARS_MAX + BEHIND_CHARS).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Where the values that were found are said again: of a name each of its words, of the others the whole, and both only as words of
/// their own, in whatever spelling has the same normal form.
fn again(text: &str, normal: &NormalText, values: &[&Extracted]) -> Vec<(Range<usize>, &'static str)> {
    let mut said: BTreeMap<String, &'static str> = BTreeMap::new();
    for value in values {
        let Some(token) = token(value.slot) else { continue };
        let raw = normalise(text.get(value.raw_range.clone()).unwrap_or_default());
        let parts: Vec<&str> = match value.slot == SlotName::Person {
            true => raw.as_str().split(|c: char| !c.is_alphanumeric()).collect(),
            false => vec![raw.as_str().trim()],
        };
        let long = parts.into_iter().filter(|part| part.chars().count() >= REPEATED_CHARS_MIN);
        said.extend(long.map(|part| (part.to_owned(), token)));
    }
    let text = normal.as_str();
    let whole = |at: &Range<usize>| {
        !text[..at.start].ends_with(char::is_alphanumeric)
            && !text[at.end..].starts_with(char::is_alphanumeric)
    };
    let places = said.iter().flat_map(|(part, token)| {
        text.match_indices(part.as_str()).map(move |(start, _)| (start..start + part.len(), *token))
    });
    places.filter(|(at, _)| whole(at)).map(|(at, token)| (normal.original_range(at), token)).collect()
}

/// The text with its places as tokens; one token for a name of several words.
fn replaced(text: &str, places: &[(Range<usize>, &str)]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut end, mut last) = (0, "");
    for (at, token) in places {
        if at.end <= end {
            continue;
        }
        if at.start >= end {
            let between = text.get(end..at.start)?;
            let goes_on = *token == last && *token == NAME && between.chars().all(is_blank);
            if !goes_on {
                out.push_str(between);
                out.push_str(token);
            }
        }
        (end, last) = (at.end, token);
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_unseen(c)
}

/// The same of an example of the assistant, so that the server sees both alike.
pub(super) fn example(text: &str, extractors: &Extractors) -> String {
    let values = extractors.extract(text, &normalise(text), None, &[]);
    // An example that is one value alone is learned as its token.
    without_values(text, &values, extractors)
        .unwrap_or_else(|| values.first().and_then(|v| token(v.slot)).unwrap_or("<number>").to_owned())
}

/// What stands for a value; nothing where it is not personal and says much about what is meant.
fn token(slot: SlotName) -> Option<&'static str> {
    match slot {
        SlotName::OrderNumber | SlotName::PurchaseOrderNumber => Some("<order>"),
        SlotName::InvoiceNumber => Some("<invoice>"),
        SlotName::TicketNumber => Some("<ticket>"),
        SlotName::Customer => Some("<customer>"),
        SlotName::Phone => Some("<phone>"),
        SlotName::Email => Some("<email>"),
        SlotName::NationalId | SlotName::LegalId => Some("<id>"),
        SlotName::Iban => Some("<account>"),
        SlotName::Card => Some("<card>"),
        SlotName::Person => Some(NAME),
        SlotName::Product
        | SlotName::Quantity
        | SlotName::Amount
        | SlotName::DeliveryDate
        | SlotName::LeaveKind
        // The whole message, and not found by its shape.
        | SlotName::Description => None,
    }
}

/// Whatever the extractors missed that has the look of an address.
fn without_addresses(text: &str) -> String {
    let shown = |word: &'_ str| -> Option<&'static str> {
        let lower = word.to_lowercase();
        if word.contains('@') {
            Some("<email>")
        } else if lower.contains("://") || lower.starts_with("www.") {
            Some("<link>")
        } else {
            None
        }
    };
    text.split_inclusive(char::is_whitespace)
        .map(|word| match shown(word) {
            None => word.to_owned(),
            Some(token) => format!("{token}{}", &word[word.trim_end().len()..]),
        })
        .collect()
}

/// Whatever the extractors missed that has the look of somebody's number, in the digits of any script.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut group = Group::default();
    for c in text.chars() {
        if c.is_numeric() {
            group.digit(c);
        } else if group.digits > 0 && joins(c) {
            group.join(c);
        } else {
            group.end(&mut out);
            out.push(c);
        }
    }
    group.end(&mut out);
    out
}

fn joins(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+' | ',' | '_') || c.is_whitespace() || is_unseen(c)
}

/// Joiners and direction marks.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Digits that may be one number.
#[derive(Default)]
struct Group {
    text: String,
    /// Where its last digit ends.
    end: usize,
    digits: usize,
    run: usize,
    longest: usize,
}

impl Group {
    fn digit(&mut self, c: char) {
        self.text.push(c);
        self.end = self.text.len();
        self.digits += 1;
        self.run += 1;
        self.longest = self.longest.max(self.run);
    }

    fn join(&mut self, c: char) {
        self.text.push(c);
        self.run = 0;
    }

    fn end(&mut self, out: &mut String) {
        let somebodys = self.longest >= DIGITS_IN_A_ROW || self.digits >= DIGITS_IN_GROUPS;
        let (number, behind) = self.text.split_at(self.end);
        out.push_str(if somebodys { "<number>" } else { number });
        out.push_str(behind);
        *self = Self::default();
    }
}

/// Whether a word is left beside the tokens.
fn has_words(text: &str) -> bool {
    let (mut inside, mut word) = (false, false);
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c => word |= !inside && c.is_alphabetic(),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> Option<String> {
        let extractors = Extractors::new(&[]).unwrap();
        without_values(text, &extractors.extract(text, &normalise(text), None, &[]), &extractors)
    }

    #[test]
    fn values_leave_as_tokens_and_the_words_around_them_stay() {
        for (text, expected) in [
            ("where is order 45001?", "where is order <order>?"),
            ("سفارش ۴۵۰۰۱ کجاست؟", "سفارش <order> کجاست؟"),
            ("call me on 09121234567 please", "call me on <phone> please"),
            ("mail it to a.b@example.com", "mail it to <email>"),
            ("3 bags of cement", "3 bags of cement"),
        ] {
            assert_eq!(left(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_long_number_and_no_address_leaves_even_where_no_extractor_knows_it() {
        for text in [
            "my code is 0 0 1 2 3 4 5 6 7 8 ok",
            "کد ملی من ۰۰۱۲۳۴۵۶۷۸ است",
            "card 6037 7016 8909 5443 and again 6037-7016-8909-5443",
            "sheba IR820540102680020817909002 thanks",
            "شبا ٨٢٠٥٤٠١٠٢٦٨٠٠٢٠٨١٧٩٠٩٠٠٢ ممنون",
            "first 09121234567 then 09121234567 then +98 912 123 4567",
            "tel (021) 8877-6655 office",
            "0\u{200C}9\u{200C}1\u{200C}2\u{200C}1\u{200C}2\u{200C}3\u{200C}4 hidden",
        ] {
            let left = left(text).unwrap();
            let digits = left.chars().filter(|c| c.is_numeric()).count();
            assert!(digits < DIGITS_IN_A_ROW, "{text} -> {left}");
        }
        assert_eq!(left("look at https://x.ir/?id=7 now").as_deref(), Some("look at <link> now"));
        assert_eq!(left("hi me@home bye").as_deref(), Some("hi <email> bye"));
    }

    #[test]
    fn a_name_that_was_found_leaves_nowhere_in_the_text() {
        for (text, expected) in [
            ("My name is Sara Ahmadi. Sara Ahmadi!", "My name is <name>. <name>!"),
            (
                "my name is Sara Ahmadi, please tell sara or Mrs AHMADI.",
                "my name is <name>, please tell <name> or Mrs <name>.",
            ),
            ("آقای علي كريمى زنگ زد، به علی کریمی بگو", "آقای <name> زنگ زد، به <name> بگو"),
            ("آقای علی زنگ زد، علیرضا کجاست؟ به علی بگو", "آقای <name> زنگ زد، علیرضا کجاست؟ به <name> بگو"),
            (
                "mr Ann called, the annual plan is from ann",
                "mr <name> called, the annual plan is from <name>",
            ),
        ] {
            assert_eq!(left(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_fifth_name_and_the_twentieth_number_do_not_leave_either() {
        let names = ["Abbas", "Babak", "Cyrus", "Dara", "Ehsan", "Farid", "Giti", "Homa"];
        let text: String = names.iter().map(|name| format!("mr {name} called. ")).collect();
        assert_eq!(left(&text).unwrap(), "mr <name> called. ".repeat(names.len()));
        let text: String = (0..24).map(|n| format!("order {} and ", 4_001 + n)).collect();
        assert_eq!(left(&text).unwrap(), "order <order> and ".repeat(24));
    }

    #[test]
    fn a_value_over_the_end_of_what_may_leave_is_found_whole() {
        for words in 0..24 {
            let text = format!("{}{} 0912 345 6789", "a".repeat(CHARS_MAX - 12), " b".repeat(words));
            let left = left(&text).unwrap();
            assert!(!left.chars().any(char::is_numeric), "{left}");
        }
    }

    #[test]
    fn what_is_values_alone_or_no_words_does_not_leave_at_all() {
        for text in ["45001", "09121234567", "a@b.ir", "👍", "", "۱۲ ۳"] {
            assert_eq!(left(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_beginning_of_an_endless_message_leaves() {
        let left = left(&"سلام ".repeat(50_000)).unwrap();
        assert_eq!(left.chars().count(), CHARS_MAX);
    }

    #[test]
    fn an_example_leaves_as_a_message_would() {
        let extractors = Extractors::new(&[]).unwrap();
        assert_eq!(example("سفارش ۴۵۰۰۱ کجاست؟", &extractors), "سفارش <order> کجاست؟");
        assert_eq!(example("09121234567", &extractors), "<phone>");
    }
}
