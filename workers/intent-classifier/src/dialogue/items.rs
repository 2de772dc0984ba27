//! Several wishes of one message, one after the other. Several products of one order are such wishes, so that each is said back and
//! confirmed by itself; what is said once, the customer or the day, goes for all of them. It may drop nothing: what stands beside
//! no product is asked about.

use std::ops::Range;

use peyvand::{
    assistant::{Intent, IntentKind},
    event::{Operation, Slot, SlotName},
    language::{dates::FoundDate, slots::Extracted},
};

use super::{
    Dialogue, Heard,
    form::{Filled, Form, fill, of_earlier},
    open::{Open, Proposal, Question},
    said::Said,
    turn::{SWITCH, Turn},
    words::words,
};
use crate::wishes::JOINS;

/// Products of one message that are followed; with more of them, it is asked for one after the other.
const ITEMS_MAX: usize = 5;

const STOPS: &[char] = &[',', '،', ';', '؛', '+', '\n'];
/// Words that put one thing in the place of another.
const INSTEAD: &[&str] =
    &["not", "no", "instead", "rather", "نه", "بجای", "جای", "بلکه", "na", "bejaye", "jaye", "balke"];
/// Words by which a number goes for every product.
const EACH: &[&str] = &["each", "هر", "هرکدام", "هرکدوم", "har", "harkodum", "harkodoom"];

/// Words that want a thing beside what was wanted before, and those that do so where a message begins with them.
const BESIDE: &[&str] = &[
    "also",
    "too",
    "plus",
    "additionally",
    "well",
    "add",
    "هم",
    "همچنین",
    "اضافه",
    "ham",
    "hamchenin",
    "ezafe",
];
const FIRST_BESIDE: &[&str] = &["and", "و", "va"];

/// A thing that is to be ordered, with its place in the message.
struct Item<'v> {
    at: Range<usize>,
    values: Vec<&'v Extracted>,
}

impl Item<'_> {
    fn has(&self, name: SlotName) -> bool {
        self.values.iter().any(|value| value.slot == name)
    }

    /// Whether it is known what and how much of it.
    fn is_whole(&self) -> bool {
        self.has(SlotName::Quantity)
            && self.values.iter().any(|value| value.slot == SlotName::Product && value.exact)
    }
}

fn orders(intent: &Intent) -> bool {
    intent.kind == IntentKind::Operation(Operation::SalesOrderCreate)
}

/// What every product of an order has for itself.
const fn is_of_one(name: SlotName) -> bool {
    matches!(name, SlotName::Product | SlotName::Quantity)
}

/// What is said while something is open and is more than a word about it.
pub(super) struct More<'a> {
    wishes: Vec<(&'a Intent, Heard<'a>)>,
    /// What goes for them too.
    known: Vec<Slot>,
    /// Whether they come in the place of what is open.
    instead: bool,
}

/// What is known of an order and goes for every product of it.
fn common(known: &[Slot]) -> Vec<Slot> {
    known.iter().filter(|slot| !is_of_one(slot.name)).map(of_earlier).collect()
}

impl<'a> Heard<'a> {
    /// The message once for each thing that is to be ordered; empty when that is one or none.
    fn items(&self, intent: &Intent) -> Vec<Heard<'a>> {
        if !orders(intent) || self.says_one_of(INSTEAD) {
            return Vec::new();
        }
        let items = self.things();
        match items.len() {
            0 | 1 => Vec::new(),
            2..=ITEMS_MAX => self.each(&items),
            _ => vec![self.without_things()],
        }
    }

    /// Whether another product is wanted beside the one that is known of an order.
    fn adds(&self, intent: &Intent, known: &[Slot]) -> bool {
        let product = |slot: &&Slot| slot.name == SlotName::Product;
        let Some(before) = known.iter().find(product) else { return false };
        let is_other =
            |value: &Extracted| value.slot == SlotName::Product && value.value != *before.value.expose();
        let begins_beside = || self.rest().split(' ').next().is_some_and(|word| FIRST_BESIDE.contains(&word));
        orders(intent)
            && self.values.iter().any(is_other)
            && !self.says_one_of(INSTEAD)
            && (self.says_one_of(BESIDE) || begins_beside())
    }

    fn says_one_of(&self, some: &[&str]) -> bool {
        self.rest().split(' ').any(|word| some.contains(&word))
    }

    /// Products and numbers in their order, a number with the product it stands beside.
    fn things(&self) -> Vec<Item<'_>> {
        let mut said: Vec<&Extracted> = self.values.iter().filter(|value| is_of_one(value.slot)).collect();
        said.sort_by_key(|value| value.raw_range.start);
        let number_first = said.first().is_some_and(|first| first.slot == SlotName::Quantity);
        let mut items: Vec<Item<'_>> = Vec::new();
        for (place, value) in said.iter().enumerate() {
            let product_next = said.get(place + 1).is_some_and(|next| next.slot == SlotName::Product);
            let begins_another = |item: &Item<'_>| {
                let between = item.at.end..value.raw_range.start;
                match value.slot == SlotName::Product {
                    true => item.is_whole() && !number_first || self.joined(&between).is_some(),
                    false if !number_first => false,
                    false if product_next => item.is_whole() || self.joined(&between).is_some(),
                    // Of something that is not known.
                    false => self.ends_joined(&between),
                }
            };
            let last = items.last_mut();
            match last.filter(|item| !item.has(SlotName::Product) || !begins_another(item)) {
                Some(item) => {
                    item.at.end = value.raw_range.end.max(item.at.end);
                    item.values.push(value);
                }
                None => items.push(Item { at: value.raw_range.clone(), values: vec![value] }),
            }
        }
        items
    }

    /// Where the last word or stop ends that says that both are wanted.
    fn joined(&self, between: &Range<usize>) -> Option<usize> {
        let text = self.text.get(between.clone())?;
        let (mut end, mut last) = (between.start, None);
        for piece in text.split_inclusive(|c: char| c.is_whitespace() || STOPS.contains(&c)) {
            end += piece.len();
            if piece.ends_with(STOPS) || JOINS.contains(&words(piece).as_str()) {
                last = Some(end);
            }
        }
        last
    }

    fn ends_joined(&self, between: &Range<usize>) -> bool {
        let said = words(self.text.get(between.clone()).unwrap_or_default());
        said.rsplit(' ').next().is_some_and(|word| JOINS.contains(&word))
    }

    /// The message as if each of the things were all it wants.
    fn each(&self, items: &[Item<'_>]) -> Vec<Heard<'a>> {
        let begins: Vec<usize> = items
            .windows(2)
            .map(|pair| self.joined(&(pair[0].at.end..pair[1].at.start)).unwrap_or(pair[1].at.start))
            .collect();
        let region = |place: usize| {
            let start = place.checked_sub(1).and_then(|before| begins.get(before)).copied().unwrap_or(0);
            start..begins.get(place).copied().unwrap_or(self.text.len())
        };
        let of_name = |name| self.values.iter().filter(|value| value.slot == name).count();
        let for_each = of_name(SlotName::Quantity) == 1 && self.says_one_of(EACH);
        let one = |(place, item): (usize, &Item<'_>)| {
            let within = region(place);
            let goes = |value: &&Extracted| match value.slot {
                SlotName::Quantity if for_each => true,
                SlotName::Quantity | SlotName::Product => item.values.contains(value),
                name => of_name(name) == 1 || within.contains(&value.raw_range.start),
            };
            let of_day = |date: &&FoundDate| self.dates().len() == 1 || within.contains(&date.at.start);
            let values = self.values.iter().filter(goes).cloned().collect();
            self.with(values, self.dates().iter().filter(of_day).cloned().collect())
        };
        items.iter().enumerate().map(one).collect()
    }

    /// The message as if it named no product, so that it is asked for.
    fn without_things(&self) -> Heard<'a> {
        let values = self.values.iter().filter(|value| !is_of_one(value.slot)).cloned().collect();
        self.with(values, self.dates().to_vec())
    }
}

impl<'a> Turn<'a> {
    /// What is said beside an answer: other wishes, several products where one was asked for, or one more.
    pub(super) fn more_than_an_answer(&self, question: &Question) -> Option<More<'a>> {
        if question.describes() {
            return None;
        }
        let asked = self.assistant.intent(&question.intent)?;
        let meant = Some(asked).filter(|_| question.slot == SlotName::Product);
        let wishes = self.wishes(meant.or_else(|| self.sure_of(SWITCH)));
        self.more(asked, wishes, &question.known)
    }

    /// What is said beside a correction of what is proposed: several products instead, or one more.
    pub(super) fn more_than_a_correction(&self, proposal: &Proposal) -> Option<More<'a>> {
        let proposed = self.assistant.intent(&proposal.intent)?;
        let wishes = self.wishes(self.sure_of(SWITCH).or(Some(proposed)));
        let is_about_it = wishes.iter().all(|(intent, _)| intent.name == proposed.name);
        self.more(proposed, if is_about_it { wishes } else { Vec::new() }, &proposal.slots)
    }

    fn more(
        &self,
        open: &'a Intent,
        mut wishes: Vec<(&'a Intent, Heard<'a>)>,
        known: &[Slot],
    ) -> Option<More<'a>> {
        let adds =
            self.heard.adds(open, known) && self.sure_of(SWITCH).is_none_or(|sure| sure.name == open.name);
        if wishes.is_empty() && adds {
            wishes.push((open, self.heard.with(self.heard.values.clone(), self.heard.dates().to_vec())));
        }
        let is_about_it = wishes.iter().all(|(intent, _)| intent.name == open.name);
        let known = if is_about_it { common(known) } else { Vec::new() };
        (!wishes.is_empty()).then_some(More { wishes, known, instead: is_about_it && !adds })
    }

    /// What is said to that; what is open waits behind it, unless it is replaced.
    pub(super) fn beside(&mut self, more: More<'a>, open: Open) -> Vec<Said> {
        if !more.instead {
            self.state.interrupted.push(open);
        }
        self.one_after_the_other(more.wishes, &more.known)
    }

    /// A question that is asked once more says the name again that several things share.
    pub(super) fn named_again(&mut self, before: &Question, mut said: Said) -> Said {
        if let Some(Open::Asked(again)) = &mut self.state.open
            && (again.slot, again.doubt, before.doubt) == (before.slot, None, None)
            && again.intent == before.intent
            && again.choices.is_empty()
        {
            again.choices.clone_from(&before.choices);
            said.choices.clone_from(&before.choices);
        }
        said
    }

    /// The wishes of a message that has several, or several products of one; `meant` is what it is about as a whole.
    pub(super) fn wishes(&self, meant: Option<&'a Intent>) -> Vec<(&'a Intent, Heard<'a>)> {
        let several = self.heard.several(self.assistant);
        let first = several.first().map(|(intent, _)| *intent);
        let differ =
            several.iter().any(|(intent, _)| Some(intent.name.as_str()) != first.map(|f| f.name.as_str()));
        if !differ {
            let intent = if several.len() > 1 { first } else { meant };
            let items = intent.map(|intent| (intent, self.heard.items(intent)));
            return match items {
                Some((intent, items)) if !items.is_empty() => {
                    items.into_iter().map(|item| (intent, item)).collect()
                }
                Some(_) | None if several.len() > 1 => several,
                Some(_) | None => Vec::new(),
            };
        }
        let items: Vec<Vec<Heard<'a>>> = several.iter().map(|(intent, part)| part.items(intent)).collect();
        let has_room = items.iter().map(|items| items.len().max(1)).sum::<usize>() <= ITEMS_MAX;
        let mut wishes = Vec::new();
        for ((intent, part), items) in several.into_iter().zip(items) {
            match (items.is_empty(), has_room) {
                (true, _) => wishes.push((intent, part)),
                (false, true) => wishes.extend(items.into_iter().map(|item| (intent, item))),
                (false, false) => wishes.push((intent, part.without_things())),
            }
        }
        wishes
    }

    /// What goes for all products of an order goes for those of them that wait, too.
    pub(super) fn pass_on(&mut self, intent: &'a Intent, operation: Operation, slots: &[Slot]) {
        let common = common(slots);
        let silent = self.heard.silent();
        let Dialogue { interrupted, spoken_of, .. } = &mut *self.state;
        for open in interrupted.about(&intent.name) {
            let Open::Asked(question) = open else { continue };
            let lacks = |slot: &&Slot| question.known.iter().all(|known| known.name != slot.name);
            let more: Vec<Slot> = common.iter().filter(lacks).cloned().collect();
            question.known.extend(more);
            if question.doubt.is_some() {
                continue;
            }
            let form = Form { intent, operation, tries: 0, known: question.known.clone() };
            match fill(form, &silent, spoken_of) {
                Filled::Propose(proposal) => *open = Open::Proposed(proposal),
                // What was said of it stays.
                Filled::Ask(again, _) if again.slot == question.slot => {
                    *question = Question { choices: std::mem::take(&mut question.choices), ..again };
                }
                Filled::Ask(next, _) => *open = Open::Asked(next),
                Filled::Execute(_) | Filled::GivenUp(_) => {}
            }
        }
    }

    /// Several wishes: what can be done is done, the first that lacks something is asked for, the others wait behind it.
    pub(super) fn one_after_the_other(
        &mut self,
        wishes: Vec<(&'a Intent, Heard<'a>)>,
        known: &[Slot],
    ) -> Vec<Said> {
        let (mut done, mut waiting) = (Vec::new(), Vec::new());
        // What was open before comes behind all of them.
        let behind = std::mem::take(&mut self.state.interrupted);
        for (intent, heard) in wishes {
            let turn_id = self.turn_id;
            let mut part =
                Turn { assistant: self.assistant, heard: &heard, state: &mut *self.state, turn_id };
            let said = part.begin(intent, known.to_vec(), None);
            match self.state.open.take() {
                Some(open) => waiting.push((open, said)),
                None => done.push(said),
            }
        }
        self.state.interrupted = behind;
        let mut waiting = waiting.into_iter();
        let first = waiting.next();
        for (open, _) in waiting.rev() {
            self.state.interrupted.push(open);
        }
        match (done.pop(), first) {
            (Some(last), first) => {
                let last = self.come_back(last, first.map(|(open, _)| open));
                done.push(last);
            }
            (None, Some((open, asked))) => {
                self.state.open = Some(open);
                done.push(asked);
            }
            (None, None) => {}
        }
        done
    }
}
