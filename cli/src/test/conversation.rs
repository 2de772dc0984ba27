//! The files of golden conversations: what is said and when, and what is expected. They are read strictly, so that a
//! misspelt expectation is a mistake and not a check that never fails.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use peyvand::{
    event::{Answer, Decision, Doubt, Operation, SlotName, Stage},
    language::script::Language,
};
use serde::Deserialize;

const FILES_MAX: usize = 1000;
const FILE_BYTES_MAX: u64 = 256 << 10;
const TURNS_MAX: usize = 100;
/// Letters of one message, however often what is said is repeated: the largest a channel takes is below it.
const SAID_BYTES_MAX: usize = 512 << 10;
const NAME_BYTES_MAX: usize = 64;
/// Messages that are sent at once.
const BURST_MAX: usize = 10;
/// A minute: what comes later is a turn of its own.
const GAP_MS_MAX: i64 = 60 * 1000;
/// A month: no conversation goes on longer.
const APART_S_MAX: i64 = 30 * 24 * 60 * 60;

/// A conversation as it should go.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) name: String,
    pub(super) title: String,
    /// What the channel says of the person.
    pub(super) language: Option<Language>,
    /// Decisions to write, in the whole conversation.
    pub(super) writes: Option<usize>,
    /// How many of them a system refuses.
    pub(super) refused: usize,
    pub(super) turns: Vec<Turn>,
}

/// One message, or several that are sent at once, and what has to come of it; of a burst, only its last message is answered.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) say: Vec<String>,
    /// Seconds since the message before.
    pub(super) after_s: i64,
    /// Milliseconds between the messages of a burst.
    pub(super) gap_ms: i64,
    pub(super) decisions: Vec<Expected>,
    pub(super) reply_has: Vec<String>,
    pub(super) reply_lacks: Vec<String>,
    pub(super) buttons: Option<Vec<String>>,
}

/// What is expected of a decision; what is not named may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// Which message of a burst is answered, from 1; without it the last.
    pub(super) message: Option<usize>,
    pub(super) decision: Option<Decision>,
    /// What may not be decided, where several others are fine.
    pub(super) never: Option<Decision>,
    pub(super) intent: Option<String>,
    pub(super) operation: Option<Operation>,
    pub(super) asked: Option<SlotName>,
    /// A value that is null may not be known.
    #[serde(default)]
    pub(super) slots: BTreeMap<SlotName, Option<String>>,
    pub(super) answer: Option<Answer>,
    pub(super) doubt: Option<Doubt>,
    pub(super) choices: Option<Vec<String>>,
    /// The operation whose question is asked again.
    pub(super) resumed: Option<Operation>,
    pub(super) page: Option<u16>,
    pub(super) stage: Option<Stage>,
    pub(super) language: Option<Language>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    title: String,
    language: Option<Language>,
    writes: Option<usize>,
    #[serde(default)]
    refused: usize,
    turns: Vec<WrittenTurn>,
}

/// What is said: one message, or a burst.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`say` is a text, or a list of texts that are sent at once")]
enum Say {
    One(String),
    Burst(Vec<String>),
}

/// A turn as it is written: the expectations of its only decision stand in it, or those of several in a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTurn {
    say: Say,
    /// How often what is said is said in the one message.
    times: Option<usize>,
    #[serde(default = "soon")]
    after_s: i64,
    gap_ms: Option<i64>,
    decisions: Option<Vec<Expected>>,
    #[serde(default)]
    reply_has: Vec<String>,
    #[serde(default)]
    reply_lacks: Vec<String>,
    buttons: Option<Vec<String>>,
    decision: Option<Decision>,
    never: Option<Decision>,
    intent: Option<String>,
    operation: Option<Operation>,
    asked: Option<SlotName>,
    #[serde(default)]
    slots: BTreeMap<SlotName, Option<String>>,
    answer: Option<Answer>,
    doubt: Option<Doubt>,
    choices: Option<Vec<String>>,
    resumed: Option<Operation>,
    page: Option<u16>,
    stage: Option<Stage>,
    language: Option<Language>,
}

const fn soon() -> i64 {
    5
}

/// Between the messages of a burst.
const GAP_MS: i64 = 300;

/// Reads the conversations of a folder whose names hold `filter`, by name.
pub(super) fn load(folder: &Path, filter: Option<&str>) -> anyhow::Result<Vec<Conversation>> {
    let cannot = || format!("cannot read the folder of conversations {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let file = entry.with_context(cannot)?.file_name();
        let file = file.to_string_lossy();
        if let Some(name) = file.strip_suffix(".yaml").filter(|name| !name.starts_with('.')) {
            names.push(name.to_owned());
        }
    }
    anyhow::ensure!(names.len() <= FILES_MAX, "{} holds over {FILES_MAX} files", folder.display());
    names.retain(|name| filter.is_none_or(|filter| name.contains(filter)));
    names.sort();
    anyhow::ensure!(!names.is_empty(), "no conversation to run in {}", folder.display());
    names.into_iter().map(|name| read(&folder.join(format!("{name}.yaml")), name)).collect()
}

fn read(path: &Path, name: String) -> anyhow::Result<Conversation> {
    let cannot = || format!("cannot read {}", path.display());
    let size = fs::metadata(path).with_context(cannot)?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{} is over {FILE_BYTES_MAX} bytes", path.display());
    let text = fs::read_to_string(path).with_context(cannot)?;
    parse(&text, name).with_context(|| format!("{} is no conversation", path.display()))
}

fn parse(text: &str, name: String) -> anyhow::Result<Conversation> {
    let name_fits = name.len() <= NAME_BYTES_MAX
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    anyhow::ensure!(name_fits, "its name has 1 to {NAME_BYTES_MAX} characters of a-z 0-9 - _");
    let Written { title, language, writes, refused, turns } = serde_norway::from_str(text)?;
    anyhow::ensure!((1..=TURNS_MAX).contains(&turns.len()), "it has 1 to {TURNS_MAX} turns");
    anyhow::ensure!(refused <= writes.unwrap_or(0), "no more is refused than is written");
    let numbered = turns.into_iter().enumerate();
    let turns = numbered
        .map(|(index, turn)| turn.check().with_context(|| format!("turn {}", index + 1)))
        .collect::<anyhow::Result<_>>()?;
    Ok(Conversation { name, title, language, writes, refused, turns })
}

impl WrittenTurn {
    fn check(self) -> anyhow::Result<Turn> {
        let gap_ms = self.gap_ms.unwrap_or(GAP_MS);
        anyhow::ensure!((0..=GAP_MS_MAX).contains(&gap_ms), "gap_ms is 0 to {GAP_MS_MAX}");
        let say = match self.say {
            Say::One(text) => {
                anyhow::ensure!(self.gap_ms.is_none(), "gap_ms stands with several messages");
                let times = self.times.unwrap_or(1);
                let bytes = text.len().saturating_mul(times);
                anyhow::ensure!(
                    (1..=SAID_BYTES_MAX).contains(&bytes),
                    "1 to {SAID_BYTES_MAX} bytes are said"
                );
                vec![text.repeat(times)]
            }
            Say::Burst(texts) => {
                anyhow::ensure!(self.times.is_none(), "`times` stands with one message");
                anyhow::ensure!((2..=BURST_MAX).contains(&texts.len()), "2 to {BURST_MAX} are sent at once");
                anyhow::ensure!(
                    texts.iter().all(|text| !text.is_empty()),
                    "each message of a burst says something"
                );
                texts
            }
        };
        let near = (-APART_S_MAX..=APART_S_MAX).contains(&self.after_s);
        anyhow::ensure!(near, "after_s is at most {APART_S_MAX}");
        let only = Expected {
            message: None,
            decision: self.decision,
            never: self.never,
            intent: self.intent,
            operation: self.operation,
            asked: self.asked,
            slots: self.slots,
            answer: self.answer,
            doubt: self.doubt,
            choices: self.choices,
            resumed: self.resumed,
            page: self.page,
            stage: self.stage,
            language: self.language,
        };
        let decisions = match self.decisions {
            None => vec![only],
            Some(several) => {
                anyhow::ensure!(
                    only.is_empty(),
                    "what is expected stands in `decisions`, or beside `say`, not in both"
                );
                anyhow::ensure!(
                    !several.is_empty() || (self.reply_has.is_empty() && self.buttons.is_none()),
                    "without a decision nothing is answered"
                );
                several
            }
        };
        let is_said = |one: &Expected| one.message.is_none_or(|message| (1..=say.len()).contains(&message));
        anyhow::ensure!(decisions.iter().all(is_said), "a decision names no message that is said");
        Ok(Turn {
            say,
            after_s: self.after_s,
            gap_ms,
            decisions,
            reply_has: self.reply_has,
            reply_lacks: self.reply_lacks,
            buttons: self.buttons,
        })
    }
}

impl Expected {
    fn is_empty(&self) -> bool {
        let Self {
            message,
            decision,
            never,
            intent,
            operation,
            asked,
            slots,
            answer,
            doubt,
            choices,
            resumed,
            page,
            stage,
            language,
        } = self;
        message.is_none()
            && decision.is_none()
            && never.is_none()
            && intent.is_none()
            && operation.is_none()
            && asked.is_none()
            && slots.is_empty()
            && answer.is_none()
            && doubt.is_none()
            && choices.is_none()
            && resumed.is_none()
            && page.is_none()
            && stage.is_none()
            && language.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", parse(text, "a".to_owned()).unwrap_err())
    }

    #[test]
    fn a_misspelt_expectation_is_a_mistake_with_its_place() {
        for (turn, word) in [
            ("{ say: hi, desicion: ask }", "desicion"),
            ("{ say: hi, decision: asks }", "asks"),
            ("{ say: hi, slots: { colour: red } }", "colour"),
            ("{ say: hi, decisions: [{ decision: ask, reply_has: [x] }] }", "reply_has"),
            ("{ decision: ask }", "say"),
            ("{ say: 45001 }", "list of texts"),
            ("{ say: [hi, 1] }", "list of texts"),
            ("{ say: [a, b], gap: 3 }", "gap"),
        ] {
            let text = format!("title: t\nturns:\n  - {turn}\n");
            let said = refused(&text);
            assert!(said.contains(word) && said.contains("line 3"), "{turn}: {said}");
        }
        assert!(refused("title: t\ncolour: red\nturns: [{ say: hi }]\n").contains("colour"));
        assert!(refused("title: t\nwrites: none\nturns: [{ say: hi }]\n").contains("writes"));
        assert!(refused("title: t\nwrites: -1\nturns: [{ say: hi }]\n").contains("writes"));
        for text in ["refused: 1", "writes: 1\nrefused: 2"] {
            let said = refused(&format!("title: t\n{text}\nturns: [{{ say: hi }}]\n"));
            assert!(said.contains("no more is refused"), "{text}: {said}");
        }
    }

    #[test]
    fn expectations_stand_beside_the_words_or_in_a_list_and_not_in_both() {
        let both = refused("title: t\nturns: [{ say: hi, decision: ask, decisions: [] }]\n");
        assert!(both.contains("turn 1") && both.contains("not in both"), "{both}");
        let none = refused("title: t\nturns: [{ say: hi, decisions: [], reply_has: [x] }]\n");
        assert!(none.contains("nothing is answered"), "{none}");
        let text = "title: t\nturns: [{ say: hi }, { say: a, decisions: [{ decision: ask }, {}] }]\n";
        let conversation = parse(text, "a".to_owned()).unwrap();
        let counts: Vec<usize> = conversation.turns.iter().map(|turn| turn.decisions.len()).collect();
        assert_eq!(counts, [1, 2]);
    }

    #[test]
    fn several_messages_at_once_are_one_turn_with_their_gap() {
        let text = "title: t\nwrites: 0\nturns: [{ say: [a, b, c], gap_ms: 700 }, { say: [a, b] }, { say: ab, times: 2 }]\n";
        let conversation = parse(text, "a".to_owned()).unwrap();
        let said: Vec<_> = conversation.turns.iter().map(|turn| (turn.say.join("|"), turn.gap_ms)).collect();
        let wanted = [("a|b|c", 700), ("a|b", GAP_MS), ("abab", GAP_MS)];
        assert_eq!(said, wanted.map(|(say, gap_ms)| (say.to_owned(), gap_ms)));
        assert_eq!(conversation.writes, Some(0));
        for (turn, word) in [
            ("say: []", "2 to 10"),
            ("say: [a]", "2 to 10"),
            ("say: [a, b, c, d, e, f, g, h, i, j, k]", "2 to 10"),
            ("say: [a, '']", "says something"),
            ("say: [a, b], times: 2", "`times`"),
            ("say: hi, gap_ms: 300", "several messages"),
            ("say: [a, b], decisions: [{ message: 3 }]", "names no message"),
            ("say: [a, b], decisions: [{ message: 0 }]", "names no message"),
            ("say: [a, b], gap_ms: -1", "gap_ms"),
            ("say: [a, b], gap_ms: 60001", "gap_ms"),
        ] {
            let said = refused(&format!("title: t\nturns: [{{ {turn} }}]\n"));
            assert!(said.contains("turn 1") && said.contains(word), "{turn}: {said}");
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        assert!(refused("title: t\nturns: []\n").contains("1 to 100 turns"));
        assert!(refused("title: t\nturns: [{ say: '' }]\n").contains("bytes are said"));
        assert!(refused("title: t\nturns: [{ say: hi, times: 1000000 }]\n").contains("bytes are said"));
        assert!(refused("title: t\nturns: [{ say: hi, after_s: 9999999 }]\n").contains("after_s"));
        assert!(parse("title: t\nturns: [{ say: hi }]\n", "A b".to_owned()).is_err());
    }
}
