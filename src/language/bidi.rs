//! Keeps foreign text from turning the sentence around it: a number, a SKU or a Latin word inside Persian gets its own
//! direction, and whatever a person or a system wrote can not leave the place it was put into.

/// Starts a stretch whose direction follows its own first letter.
pub const ISOLATE: char = '\u{2068}';
/// Ends the stretch.
pub const POP: char = '\u{2069}';

/// Characters that steer the direction of text and are never part of its meaning.
pub(super) const fn is_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// `text` on one line without direction controls, at most `max_chars` characters long; an ellipsis marks what was cut off.
pub fn clean(text: &str, max_chars: usize) -> String {
    let mut out = String::with_capacity(text.len().min(4 * max_chars));
    for (kept, c) in text.chars().filter(|c| !is_control(*c)).enumerate() {
        if kept == max_chars {
            out.push('…');
            break;
        }
        let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        out.push(if breaks { ' ' } else { c });
    }
    out
}

/// `text` between isolates, cleaned of controls that would end them early.
pub fn isolate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 6);
    out.push(ISOLATE);
    out.extend(text.chars().filter(|c| !is_control(*c)));
    out.push(POP);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_that_tries_to_leave_its_isolate_stays_inside() {
        assert_eq!(isolate("CEM\u{2069}\u{202E}-042"), "\u{2068}CEM-042\u{2069}");
    }

    #[test]
    fn cleaned_text_is_one_short_line_without_controls() {
        assert_eq!(clean("a\u{202E}b\nc", 10), "ab c");
        assert_eq!(clean("سلام دنیا", 4), "سلام…");
    }

    #[test]
    fn a_persian_half_space_survives_cleaning() {
        assert_eq!(clean("می\u{200C}رسد", 10), "می\u{200C}رسد");
    }

    proptest! {
        #[test]
        fn an_isolate_is_opened_and_closed_exactly_once(text in any::<String>()) {
            let isolated = isolate(&text);
            prop_assert_eq!(isolated.chars().filter(|c| is_control(*c)).count(), 2);
            prop_assert!(isolated.starts_with(ISOLATE) && isolated.ends_with(POP));
        }
    }
}
