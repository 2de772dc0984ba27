//! The order in which a message is understood: a word to the conversation itself, an answer to what is open, one wish or
//! several. What is open is never lost by something said in between: it waits, and is asked again.

use peyvand::{
    assistant::{Assistant, Intent, IntentKind},
    event::{Answer, Decision, Doubt, EventId, Operation, Slot},
};

use super::{
    Dialogue, Heard,
    form::{Filled, Form, fill, of_earlier, wants},
    open::{Open, Proposal, Question, Unclear},
    said::Said,
    words::{self, Consent, consent, gives_up, is_cancel},
};

/// Confidence from which an intent is taken.
const ACCEPT: f32 = 0.5;
/// Confidence from which a message that answers nothing leaves what is open.
pub(crate) const SWITCH: f32 = 0.8;
/// Below this, an intent is taken only when no other one comes close.
const SURE: f32 = 0.7;
/// How close a second one comes that may be meant as well.
const CLOSE: f32 = 0.15;
/// How often a proposal is said again when the answer is neither yes nor no.
const PROPOSALS_MAX: u8 = 2;
/// How often in a row a person is not understood before somebody else is offered.
const FAILURES_MAX: u8 = 2;
/// How long the last answer can be corrected, continued or said again.
pub(super) const LAST_MS: i64 = 30 * 60 * 1000;

/// One turn in the making.
pub(super) struct Turn<'a> {
    pub(super) assistant: &'a Assistant,
    pub(super) heard: &'a Heard<'a>,
    pub(super) state: &'a mut Dialogue,
    pub(super) turn_id: EventId,
}

/// What a message means where nothing is open.
enum Meant<'a> {
    One(&'a Intent),
    OneOf(Vec<&'a Intent>),
    Nothing,
}

impl<'a> Turn<'a> {
    /// What is said to the message.
    pub(super) fn said(mut self, open: Option<Open>) -> Vec<Said> {
        if let Some(command) = words::command(self.heard.text)
            && let Some(said) = self.commanded(command, open.as_ref())
        {
            return vec![said];
        }
        match open {
            Some(Open::Asked(question)) => match self.more_than_an_answer(&question) {
                Some(more) => self.beside(more, Open::Asked(question)),
                None => vec![self.answer_to_question(question)],
            },
            Some(Open::Proposed(proposal)) => match self.more_than_a_correction(&proposal) {
                Some(more) => self.beside(more, Open::Proposed(proposal)),
                None => vec![self.answer_to_proposal(proposal)],
            },
            Some(Open::Unclear(unclear)) => vec![self.answer_to_unclear(unclear)],
            None => self.begin_anew(),
        }
    }

    fn answer_to_question(&mut self, question: Question) -> Said {
        let Some(asked) = self.assistant.intent(&question.intent) else { return self.follow_one_wish() };
        let IntentKind::Operation(operation) = asked.kind else { return self.follow_one_wish() };
        let gives_up = if question.describes() {
            // Every other message is the description, whatever it resembles.
            consent(self.heard.text) == Some(Consent::No)
        } else {
            gives_up(self.heard.text)
                || question.is_handoff() && consent(self.heard.text) == Some(Consent::No)
        };
        if gives_up {
            return self.cancelled();
        }
        let stay = |tries| Form { intent: asked, operation, tries, known: question.known.clone() };
        if self.heard.picked {
            // Any day will do: the one that was said before will not, and where one is needed it counts as a try.
            let has_value = self.heard.values.iter().any(|value| value.slot == question.slot);
            let mut form = stay(if has_value { 0 } else { question.tries });
            form.known.retain(|slot| slot.name != question.slot);
            return self.fill(form, None);
        }
        let values = &self.heard.values;
        if values.iter().any(|value| value.slot == question.slot) {
            // What was said again and is still not one thing counts as a try.
            let exact = values.iter().any(|value| value.slot == question.slot && value.exact);
            let tries = if exact { 0 } else { question.tries };
            let other =
                self.sure_of(SWITCH).filter(|other| other.name != asked.name && !self.heard.is_bare());
            return match other {
                Some(other) if wants(other, question.slot) => self.begin(other, Vec::new(), None),
                Some(other) if other.kind == IntentKind::Answer(Answer::NotConnected) => {
                    self.begin(other, Vec::new(), Some(Open::Asked(question)))
                }
                Some(_) | None => self.fill(stay(tries), None),
            };
        }
        let least = if question.is_handoff() { ACCEPT } else { SWITCH };
        // What is needed cannot be passed over, and a value alone is an answer though it is none that fits.
        let passes = words::is_indifferent(self.heard.text) || self.heard.is_bare();
        match self.sure_of(least).filter(|other| other.name != asked.name && !passes) {
            Some(other) => self.begin(other, Vec::new(), Some(Open::Asked(question))),
            None => {
                // What else the form needs is no failure to answer.
                let is_new = |name| question.known.iter().all(|known| known.name != name);
                let says_more =
                    values.iter().any(|value| value.exact && wants(asked, value.slot) && is_new(value.slot));
                let said = self.fill(stay(question.tries.saturating_sub(u8::from(says_more))), None);
                self.named_again(&question, said)
            }
        }
    }

    fn answer_to_proposal(&mut self, proposal: Proposal) -> Said {
        let Some(intent) = self.assistant.intent(&proposal.intent) else { return self.follow_one_wish() };
        let IntentKind::Operation(operation) = intent.kind else { return self.follow_one_wish() };
        match consent(self.heard.text) {
            Some(Consent::Yes) => {
                self.pass_on(intent, operation, &proposal.slots);
                let slots = proposal.slots.iter().map(of_earlier).collect();
                let said = self.execute(intent, operation, slots);
                return self.come_back(said, None);
            }
            None if !gives_up(self.heard.text) => {}
            Some(Consent::No) | None => {
                self.pass_on(intent, operation, &proposal.slots);
                return self.cancelled();
            }
        }
        if let Some(other) = self.sure_of(SWITCH).filter(|other| other.name != intent.name) {
            return self.begin(other, Vec::new(), Some(Open::Proposed(proposal)));
        }
        let corrects = self.heard.values.iter().any(|value| wants(intent, value.slot));
        if !corrects && proposal.times >= PROPOSALS_MAX {
            return self.cancelled();
        }
        let form = Form { intent, operation, tries: 0, known: proposal.slots };
        let said = self.fill(form, None);
        if let Some(Open::Proposed(again)) = self.state.open.as_mut().filter(|_| !corrects) {
            again.times = proposal.times + 1;
        }
        said
    }

    fn answer_to_unclear(&mut self, unclear: Unclear) -> Said {
        let text = self.heard.text;
        if consent(text) == Some(Consent::No) || is_cancel(text) || words::is_neither(text) {
            return self.not_understood();
        }
        if consent(text) == Some(Consent::Yes) {
            // It says yes to neither.
            return self.not_understood_but(|turn| turn.ask_which(unclear.intents, unclear.known));
        }
        let named = words::place(text).and_then(|place| unclear.intents.get(place)).cloned();
        let best = self.heard.meaning.ranked.iter().find(|one| unclear.intents.contains(&one.intent));
        let sure = best.filter(|best| best.confidence >= ACCEPT).map(|best| best.intent.clone());
        let name = named.or(sure);
        match name.and_then(|name| self.assistant.intent(&name)) {
            Some(intent) => self.begin(intent, unclear.known, None),
            None => self.follow_one_wish(),
        }
    }

    fn begin_anew(&mut self) -> Vec<Said> {
        let meant = match self.meant() {
            Meant::One(intent) => Some(intent),
            Meant::OneOf(_) | Meant::Nothing => None,
        };
        let wishes = self.wishes(meant);
        if !wishes.is_empty() {
            return self.one_after_the_other(wishes, &[]);
        }
        vec![self.follow_one_wish()]
    }

    fn follow_one_wish(&mut self) -> Said {
        let text = self.heard.text;
        if consent(text).is_some() || is_cancel(text) {
            return Said::answer(Answer::NothingAsked, self.heard.slots());
        }
        if let Some((intent, known)) = self.goes_on() {
            return self.begin(intent, known, None);
        }
        match self.meant() {
            Meant::One(intent) => self.begin(intent, Vec::new(), None),
            Meant::OneOf(intents) => self.unclear(&intents),
            Meant::Nothing => self.not_understood(),
        }
    }

    /// The read that was done last, when the message says nothing but another value for it: "and 45002?", "no, I meant 45002".
    fn goes_on(&self) -> Option<(&'a Intent, Vec<Slot>)> {
        let last = self.state.last_within(LAST_MS, self.heard.now_ms)?;
        if last.decision != Decision::Execute || last.operation.is_none_or(Operation::is_write) {
            return None;
        }
        let intent = self.assistant.intent(last.intent.as_deref()?)?;
        let says_one = self.heard.values.iter().any(|value| wants(intent, value.slot));
        let known = || last.slots.iter().filter(|slot| wants(intent, slot.name)).map(of_earlier).collect();
        (says_one && words::goes_with_the_last(&self.heard.rest())).then(|| (intent, known()))
    }

    fn meant(&self) -> Meant<'a> {
        let meaning = self.heard.meaning;
        let Some(best) = meaning.ranked.first().filter(|_| meaning.in_scope) else { return Meant::Nothing };
        let close = |confidence: f32| best.confidence < SURE && best.confidence - confidence < CLOSE;
        let may_be = meaning.ranked.iter().take(2).filter(|one| close(one.confidence));
        let intents: Vec<&Intent> = may_be.filter_map(|one| self.assistant.intent(&one.intent)).collect();
        let small_talk = |intent: &&Intent| match intent.kind {
            IntentKind::Answer(answer) => answer != Answer::NotConnected,
            IntentKind::Operation(_) => false,
        };
        if intents.len() == 2 && !intents.iter().all(small_talk) && 2.0 * best.confidence >= ACCEPT {
            return Meant::OneOf(intents);
        }
        match self.sure_of(ACCEPT) {
            Some(intent) => Meant::One(intent),
            None => Meant::Nothing,
        }
    }

    /// The intent that is meant at least so surely.
    pub(super) fn sure_of(&self, least: f32) -> Option<&'a Intent> {
        let meaning = self.heard.meaning;
        let best = meaning.ranked.first().filter(|best| meaning.in_scope && best.confidence >= least)?;
        self.assistant.intent(&best.intent)
    }

    /// What is said to an intent; what was open waits until it is through.
    pub(super) fn begin(&mut self, intent: &'a Intent, known: Vec<Slot>, interrupted: Option<Open>) -> Said {
        match intent.kind {
            IntentKind::Answer(Answer::Cancelled) if interrupted.is_some() => self.cancelled(),
            IntentKind::Answer(Answer::Cancelled) => Said::answer(Answer::NothingAsked, self.heard.slots()),
            IntentKind::Answer(answer) => {
                self.state.failures = 0;
                let said =
                    Said { intent: Some(intent.name.clone()), ..Said::answer(answer, self.heard.slots()) };
                self.come_back(said, interrupted)
            }
            IntentKind::Operation(operation) => {
                self.fill(Form { intent, operation, tries: 0, known }, interrupted)
            }
        }
    }

    fn fill(&mut self, form: Form<'a>, interrupted: Option<Open>) -> Said {
        let (intent, operation) = (form.intent, form.operation);
        self.state.failures = 0;
        let (open, said) = match fill(form, self.heard, &self.state.spoken_of) {
            Filled::Execute(slots) => {
                let said = self.execute(intent, operation, slots);
                return self.come_back(said, interrupted);
            }
            Filled::GivenUp(slots) => return self.hand_off(Some(operation), slots),
            Filled::Propose(proposal) => {
                let said = Said::new(Decision::Confirm, proposal.slots.clone());
                (Open::Proposed(proposal), said)
            }
            Filled::Ask(question, slots) => {
                let (doubt, choices) = (question.doubt, question.choices.clone());
                let asked_slot = Some(question.slot);
                let said = Said { asked_slot, doubt, choices, ..Said::new(Decision::Ask, slots) };
                (Open::Asked(question), said)
            }
        };
        if let Some(interrupted) = interrupted {
            self.state.interrupted.push(interrupted);
        }
        self.state.open = Some(open);
        Said { intent: Some(intent.name.clone()), operation: Some(operation), ..said }
    }

    fn execute(&mut self, intent: &Intent, operation: Operation, slots: Vec<Slot>) -> Said {
        self.state.failures = 0;
        Said {
            intent: Some(intent.name.clone()),
            operation: Some(operation),
            ..Said::new(Decision::Execute, slots)
        }
    }

    /// It is through: what was open before is asked again. A proposal is said again only behind what a system answers: until then
    /// no yes can mean it.
    pub(super) fn come_back(&mut self, mut said: Said, open: Option<Open>) -> Said {
        let now_ms = self.heard.now_ms;
        if let Some(open) = open {
            self.state.interrupted.push(open);
        }
        self.state.comes_back = None;
        if said.decision == Decision::Execute && self.state.interrupted.proposes_next() {
            self.state.comes_back = Some(self.turn_id);
            return said;
        }
        if let Some((open, prompt)) = self.state.interrupted.again(self.assistant, now_ms) {
            self.state.open = Some(open);
            said.resumed = Some(prompt);
        }
        said
    }

    fn cancelled(&mut self) -> Said {
        self.state.failures = 0;
        let said = Said::answer(Answer::Cancelled, self.heard.slots());
        self.come_back(said, None)
    }

    fn unclear(&mut self, intents: &[&Intent]) -> Said {
        self.state.failures = 0;
        let names = intents.iter().map(|intent| intent.name.clone()).collect();
        self.ask_which(names, self.heard.slots())
    }

    fn ask_which(&mut self, intents: Vec<String>, known: Vec<Slot>) -> Said {
        let open = Unclear { intents: intents.clone(), known: known.clone(), at_ms: self.heard.now_ms };
        self.state.open = Some(Open::Unclear(open));
        Said { choices: intents, ..Said::new(Decision::Clarify, known) }
    }

    fn not_understood(&mut self) -> Said {
        self.not_understood_but(|turn| Said::new(Decision::OutOfScope, turn.heard.slots()))
    }

    /// This is said once; the next time somebody else is offered.
    fn not_understood_but(&mut self, say: impl FnOnce(&mut Self) -> Said) -> Said {
        self.state.failures = self.state.failures.saturating_add(1);
        if self.state.failures >= FAILURES_MAX {
            return self.hand_off(None, self.heard.slots());
        }
        say(self)
    }

    /// Somebody of the company is offered, where that can be done; but not because of the offer itself.
    fn hand_off(&mut self, given_up: Option<Operation>, slots: Vec<Slot>) -> Said {
        self.state.failures = 0;
        let call = IntentKind::Operation(Operation::CallbackRequest);
        let intent = self.assistant.intents.iter().find(|intent| intent.kind == call);
        let Some(intent) = intent.filter(|_| given_up != Some(Operation::CallbackRequest)) else {
            let said = match given_up {
                Some(_) => Said::answer(Answer::Help, slots),
                None => Said::new(Decision::OutOfScope, slots),
            };
            return self.come_back(said, None);
        };
        let said = self.begin(intent, Vec::new(), None);
        match &mut self.state.open {
            Some(Open::Asked(question)) => {
                question.doubt = Some(Doubt::NotUnderstood);
                Said { doubt: question.doubt, ..said }
            }
            Some(Open::Proposed(_) | Open::Unclear(_)) | None => said,
        }
    }
}
