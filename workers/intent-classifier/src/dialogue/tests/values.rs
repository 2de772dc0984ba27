//! Values that are asked for again: wrong check digits, and amounts without a unit. The assistant is one that an organisation might
//! write, as no shipped intent asks for these yet.

use super::*;

/// A call back that wants a bank account and an amount.
fn refund() -> Intent {
    let spec = |name| SlotSpec { name, required: true, max_tries: 2 };
    Intent {
        name: "refund".to_owned(),
        kind: IntentKind::Operation(Operation::CallbackRequest),
        slots: vec![spec(SlotName::Iban), spec(SlotName::Amount)],
        fa: Vec::new(),
        en: Vec::new(),
    }
}

/// What is done with the form when this is said, and asked before that.
fn heard(text: &str, asked: &Question) -> Filled {
    let trained = &*TRAINED;
    let normal = peyvand::language::normal::normalise(text);
    let values = trained.extractors.extract(text, &normal, Some(asked.slot), &[]);
    let read = Read {
        text: text.to_owned(),
        before: 0,
        language: Language::En,
        values,
        dates: Vec::new(),
        meaning: trained.model.classify(&normal),
        backend: Backend::BuiltIn,
        parts: Vec::new(),
        today: UtcOffset::IRAN.day_at(0),
    };
    let heard = Heard::new(text, Some(asked), &read, 0);
    let (intent, operation) = (&refund(), Operation::CallbackRequest);
    let form = Form { intent, operation, tries: 0, known: asked.known.clone() };
    form::fill(form, &heard, &SpokenOf::default())
}

fn asked_for(slot: SlotName) -> Question {
    let intent = "refund".to_owned();
    Question { intent, slot, tries: 1, known: Vec::new(), at_ms: 0, doubt: None, choices: Vec::new() }
}

fn asked(filled: Filled) -> Question {
    match filled {
        Filled::Ask(question, _) => question,
        Filled::Execute(_) | Filled::Propose(_) | Filled::GivenUp(_) => panic!("nothing is asked"),
    }
}

#[test]
fn a_number_whose_check_digits_do_not_fit_is_asked_for_again_and_not_kept() {
    let again = asked(heard("IR820540102680020817909003", &asked_for(SlotName::Iban)));
    assert_eq!((again.slot, again.doubt), (SlotName::Iban, Some(Doubt::NotValid)));
    assert!(again.known.is_empty());
    let next = asked(heard("IR820540102680020817909002", &again));
    assert_eq!((next.slot, next.doubt), (SlotName::Amount, None));
    assert_eq!(next.known.len(), 1);
}

#[test]
fn an_amount_without_a_unit_is_asked_about_and_picked_by_place_or_unit() {
    for (answer, rials) in
        [("the first", "25000000"), ("تومان", "25000000"), ("2", "2500000"), ("ریال", "2500000")]
    {
        let iban = asked(heard("IR820540102680020817909002", &asked_for(SlotName::Iban)));
        let unit = asked(heard("2.5 million", &iban));
        assert_eq!((unit.slot, unit.doubt), (SlotName::Amount, Some(Doubt::WhichUnit)), "{answer}");
        assert_eq!(unit.choices, ["25000000", "2500000"]);
        let Filled::Propose(proposal) = heard(answer, &unit) else { panic!("{answer} is not taken") };
        let amount = proposal.slots.iter().find(|slot| slot.name == SlotName::Amount).unwrap();
        assert_eq!(amount.value.expose(), rials, "{answer}");
    }
}
