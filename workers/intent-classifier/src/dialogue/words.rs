//! Words that a person says to the conversation itself: yes and no, give it up, once more, begin anew, more of it, the second. Only a
//! message that says nothing else counts: "yes, but 15" is no consent, and "cancel my order" cancels no question.

use std::{collections::HashSet, sync::OnceLock};

use peyvand::language::normal::normalise;

/// A longer message says more than a phrase, in bytes.
const PHRASE_BYTES_MAX: usize = 200;

/// Phrases that are one in meaning, between commas.
struct Phrases {
    written: &'static str,
    known: OnceLock<HashSet<String>>,
}

impl Phrases {
    const fn new(written: &'static str) -> Self {
        Self { written, known: OnceLock::new() }
    }

    /// Whether a text is one of them, however it is written, and nothing else.
    fn has(&self, text: &str) -> bool {
        text.len() <= PHRASE_BYTES_MAX && self.known().contains(&words(text))
    }

    fn known(&self) -> &HashSet<String> {
        self.known.get_or_init(|| self.written.split(',').map(words).collect())
    }
}

/// A person's word about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    Yes,
    No,
}

static YES: Phrases = Phrases::new(
    "yes, y, yeah, yep, yup, ok, okay, sure, confirm, confirmed, go ahead, do it, yes please, please do, \
     correct, right, بله, آره, اره, بلی, ارى, آری, باشه, حتما, تایید, تایید میکنم, تایید می کنم, تایید میشه, \
     درسته, درست است, موافقم, اوکی, ثبت کن, ثبت کنید, بله ثبت کن, بله لطفا, انجام بده, bale, baleh, are, \
     areh, bashe, taeed, yes that's right, that's right, yes correct, yes it is, yes confirm, yes do it, yes go ahead, yes sure, \
     بله لطفا ثبتش کن, ثبتش کن, بله ثبتش کن, بله درسته, آره درسته, آره ثبتش کن, آره ثبت کن, بله تایید میکنم, بله لطفا ثبت کنید, بله ثبت کنید, \
     are sabt kon, bale sabt kon, taid, dorost, doroste, sabt kon, hatman",
);
static NO: Phrases = Phrases::new("no, n, nope, no thanks, نه, خیر, نخیر, نه ممنون, na, kheir, nakheir");
/// Words that give up whatever is under way, and not only what was asked last.
static CANCEL: Phrases = Phrases::new(
    "cancel, cancel it, don't, do not, stop, never mind, لغو, لغو کن, لغوش کن, کنسل, کنسل کن, ولش کن, ول کن, \
     نمیخوام, نمی خوام, نمیخواهم, نمی خواهم, بی خیال, بیخیال, منصرف شدم, انصراف, nemikham, laghv, bikhial, \
     laghvesh kon",
);
/// Words that give up what is open, and may want something else where nothing is: an order that was placed is not wanted either.
static UNWANTED: Phrases = Phrases::new(
    "i don't want it, i don't want it anymore, i don't want it any more, i don't want that, i don't want that anymore, \
     i don't want this, i don't want this anymore, i dont want it, i dont want it anymore, i do not want it, \
     i do not want it anymore, i do not want it any more, don't want it, don't want it anymore, dont want it, dont want it anymore, \
     no i don't want it, no i don't want it anymore, i no longer want it, i don't need it, i don't need it anymore, \
     i dont need it anymore, i no longer need it, not anymore, i changed my mind, i've changed my mind, changed my mind, \
     forget it, forget about it, drop it, leave it, نمیخوامش, نمی خوامش, دیگه نمیخوام, دیگه نمی خوام, دیگه نمیخوامش, \
     دیگه نمی خوامش, نمیخوامش دیگه, نمی خوامش دیگه, نمیخوام دیگه, نمی خوام دیگه, نه نمیخوام, نه نمی خوام, نه نمیخوامش, \
     نه نمی خوامش, نه دیگه نمیخوام, نه دیگه نمی خوام, نه دیگه نمیخوامش, نه دیگه نمی خوامش, دیگه اینو نمیخوام, \
     دیگه اینو نمی خوام, اینو نمیخوام, اینو نمی خوام, دیگر نمیخواهم, دیگر نمی خواهم, دیگر نمیخواهمش, دیگر نمی خواهمش, \
     دیگر آن را نمی خواهم, دیگه لازمش ندارم, دیگه لازم ندارم, لازم نیست دیگه, دیگه لازم نیست, پشیمون شدم, پشیمان شدم, \
     نظرم عوض شد, نظرم عوض شده, فراموشش کن, ولش, dige nemikham, dige nemikhamesh, dige nemikhamsh, nemikhamesh, \
     nemikhamesh dige, nemikham dige, na nemikham, na nemikhamesh, na dige nemikham, na dige nemikhamesh, digeh nemikham, \
     digeh nemikhamesh, pashimoon shodam, pashimun shodam, nazaram avaz shod, velesh kon, velesh, vel kon",
);

/// Words that want to hear the last answer again.
static REPEAT: Phrases = Phrases::new(
    "repeat, repeat please, repeat that, please repeat, say that again, say it again, again, again please, \
     once more, what did you say, come again, pardon, تکرار, تکرار کن, تکرار کنید, دوباره بگو, دوباره بگید, \
     دوباره بگین, دوباره, یه بار دیگه, یه بار دیگه بگو, یک بار دیگر, چی گفتی, چی گفتید, لطفا تکرار کنید, \
     لطفا دوباره بگید, tekrar kon, dobare begoo, dobare begu, dobare bego, chi gofti",
);
/// Words that want to begin anew.
static RESTART: Phrases = Phrases::new(
    "restart, start over, start again, begin again, start from the beginning, start new, reset, \
     new conversation, forget everything, از اول, از نو, از اول شروع کن, از اول شروع کنیم, شروع مجدد, \
     شروع دوباره, همه رو فراموش کن, همه چیز رو فراموش کن, گفتگوی جدید, az aval, az no, az avval, /start, \
     start",
);
/// Words that want the rest of a long answer.
static MORE: Phrases = Phrases::new(
    "more, show more, more please, next, next page, the rest, show me more, بیشتر, بقیه, بقیه اش, بقیش, \
     بقیه رو بگو, ادامه, ادامه بده, باز هم, بازم, بعدی, صفحه بعد, bishtar, baghie, baghiash, edame",
);
static FIRST: Phrases = Phrases::new(
    "1, one, first, the first, 1st, the 1st, the first one, first one, اول, اولی, اولیش, یک, avali, aval",
);
static SECOND: Phrases = Phrases::new(
    "2, two, second, the second, 2nd, the 2nd, the second one, second one, دوم, دومی, دومیش, دو, dovomi, dovom",
);
static NEITHER: Phrases = Phrases::new(
    "neither, none, none of them, neither of them, هیچکدام, هیچ کدام, هیچکدوم, هیچ کدوم, hichkodoom, \
     hich kodum",
);
static TOMAN: Phrases =
    Phrases::new("toman, tomans, in toman, in tomans, تومان, تومن, به تومان, tooman, toomen");
static RIAL: Phrases = Phrases::new("rial, rials, in rial, in rials, ریال, به ریال, riyal");
/// Words that leave a value to whoever does it, or pass over it.
static ANY: Phrases = Phrases::new(
    "any, any day, skip, skip it, whenever, it does not matter, it doesn't matter, doesn't matter, \
     no matter, i don't know, مهم نیست, فرقی نمیکنه, فرقی نمی کنه, فرقی نمی کند, فرقی نمیکند, هرچه زودتر, \
     هر چه زودتر, زودتر بهتر, asap, as soon as possible, doesnt matter, فرقی ندارد, \
     فرقی نداره, فرق نمیکنه, هر روزی, هر روز, هر وقت شد, هر موقع شد, نمیدونم, نمی دونم, رد کن, بگذر, \
     mohem nist, farghi nadare, har rooz",
);
/// Words beside a value that put right what was said last, or ask the same of something else: "no, I meant 45002 was it", "and
/// 45002?".
static BESIDE: Phrases = Phrases::new(
    "no, not, i, meant, mean, sorry, oops, correction, wrong, actually, it, was, is, the, and, what, about, \
     how, also, order, number, for, one, then, please, نه, منظورم, ببخشید, اشتباه, گفتم, شد, بود, است, هست, \
     شماره, سفارش, رو, را, میگم, می, گم, چی, چطور, هم, و, چه, خبر, اون, برای, لطفا, na, manzooram, manzuram, \
     bebakhshid, bood, va, chi, ham, shomare, sefaresh",
);
/// As many of them as say nothing more.
const BESIDE_MAX: usize = 6;

/// What a message asks of the conversation, if it says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Repeat,
    Restart,
    More,
}

/// What a message asks of the conversation, if it says nothing else.
pub(super) fn command(text: &str) -> Option<Command> {
    let known = [(&REPEAT, Command::Repeat), (&RESTART, Command::Restart), (&MORE, Command::More)];
    known.into_iter().find(|(phrases, _)| phrases.has(text)).map(|(_, command)| command)
}

/// The choice that a message names by its place, from 0.
pub(super) fn place(text: &str) -> Option<usize> {
    if FIRST.has(text) { Some(0) } else { SECOND.has(text).then_some(1) }
}

/// The place of the unit that a message names, where Tomans stand before Rials.
pub(super) fn unit_place(text: &str) -> Option<usize> {
    if TOMAN.has(text) { Some(0) } else { RIAL.has(text).then_some(1) }
}

/// Whether a message wants none of what was offered.
pub(super) fn is_neither(text: &str) -> bool {
    NEITHER.has(text)
}

/// Whether a message leaves a value open.
pub(super) fn is_indifferent(text: &str) -> bool {
    ANY.has(text)
}

/// Whether what a message says beside its values only puts right, or asks the same of, what was said before; `rest` is the message
/// without its values.
pub(super) fn goes_with_the_last(rest: &str) -> bool {
    let said = words(rest);
    let beside: Vec<&str> = said.split(' ').filter(|word| !word.is_empty()).collect();
    beside.len() <= BESIDE_MAX && beside.iter().all(|word| BESIDE.known().contains(*word))
}

/// What a message says about a proposal, if it says nothing else.
pub(super) fn consent(text: &str) -> Option<Consent> {
    if text.contains(['?', '؟']) {
        // "Sure?" asks.
        return None;
    }
    match (YES.has(text), NO.has(text) || CANCEL.has(text)) {
        (true, false) => Some(Consent::Yes),
        (false, true) => Some(Consent::No),
        (_, _) => None,
    }
}

/// Whether a message gives up what is under way, and says nothing else.
pub(super) fn is_cancel(text: &str) -> bool {
    !text.contains(['?', '؟']) && CANCEL.has(text)
}

/// Whether a message gives up what is open; where nothing is, it may want something else.
pub(super) fn gives_up(text: &str) -> bool {
    is_cancel(text) || !text.contains(['?', '؟']) && UNWANTED.has(text)
}

/// The words without what stands between them.
pub(super) fn words(text: &str) -> String {
    let normal = normalise(text);
    let letters = |c: char| match c {
        '\'' | '’' => '\'',
        c if c.is_alphanumeric() => c,
        _ => ' ',
    };
    let spaced: String = normal.as_str().chars().map(letters).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_understood_however_they_are_written() {
        for yes in [
            "Yes!",
            "YES",
            "yes, please",
            "بله",
            "بلـــه",
            "آره.",
            "تأیید",
            "تایید می‌کنم",
            "bale",
            "ok 👍",
            "Go ahead.",
        ] {
            assert_eq!(consent(yes), Some(Consent::Yes), "{yes}");
        }
        for no in ["no", "No.", "نه", "خیر!", "نمی‌خوام", "cancel", "بی‌خیال", "na"] {
            assert_eq!(consent(no), Some(Consent::No), "{no}");
        }
    }

    #[test]
    fn what_is_no_longer_wanted_is_given_up_and_a_question_or_more_words_are_not() {
        for text in [
            "I don't want it anymore",
            "i don’t want it any more.",
            "I changed my mind",
            "دیگه نمی‌خوامش",
            "نه، دیگه نمی‌خوام",
            "دیگر نمی‌خواهم",
            "پشیمون شدم",
            "dige nemikham",
            "nemikhamesh dige",
            "cancel",
        ] {
            assert!(gives_up(text), "{text}");
        }
        for text in [
            "I don't want it on Friday",
            "جمعه نمی‌خوام",
            "نمی‌خوام گرون باشه",
            "I don't want it anymore?",
            "don't want to wait",
        ] {
            assert!(!gives_up(text), "{text}");
        }
    }

    #[test]
    fn whatever_says_more_or_nothing_is_no_consent() {
        for text in
            ["", "👍", "yes but 15", "بله ولی ۱۵ تا", "no yes", "where is order 45001?", "yesterday", "نهار"]
        {
            assert_eq!(consent(text), None, "{text}");
        }
    }
}
