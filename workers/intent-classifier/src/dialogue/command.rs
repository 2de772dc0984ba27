//! Words to the conversation itself: begin anew, say it again, the next page. No write is done by any of them.

use peyvand::event::{Answer, Decision, Operation};

use super::{
    Dialogue,
    form::of_earlier,
    open::Open,
    said::Said,
    turn::{LAST_MS, Turn},
    words::Command,
};

impl Turn<'_> {
    /// What is said to a word to the conversation; `None` when there is nothing it can mean.
    pub(super) fn commanded(&mut self, command: Command, open: Option<&Open>) -> Option<Said> {
        match command {
            Command::Restart => {
                let (language, stage) = (self.state.language, self.state.stage);
                *self.state = Dialogue { language, stage, ..Dialogue::default() };
                Some(Said::answer(Answer::Restarted, Vec::new()))
            }
            Command::Repeat => self.said_again(open),
            Command::More => {
                let last = self.state.last_within(LAST_MS, self.heard.now_ms)?;
                if !last.executes(Operation::OrderList) {
                    return None;
                }
                let slots = last.slots.iter().map(of_earlier).collect();
                let said = Said { slots, page: last.page.saturating_add(1), resumed: None, ..last.clone() };
                Some(self.come_back(said, open.cloned()))
            }
        }
    }

    /// What was said last, once more; a question only while it is open.
    fn said_again(&mut self, open: Option<&Open>) -> Option<Said> {
        let last = self.state.last_within(LAST_MS, self.heard.now_ms)?.clone();
        let is_write = last.operation.is_some_and(Operation::is_write);
        let again = Said { slots: last.slots.iter().map(of_earlier).collect(), resumed: None, ..last };
        match again.decision {
            Decision::Execute if is_write => {
                let under_way = Said::answer(Answer::UnderWay, Vec::new());
                Some(self.come_back(under_way, open.cloned()))
            }
            Decision::Execute | Decision::Answer | Decision::OutOfScope => {
                Some(self.come_back(again, open.cloned()))
            }
            Decision::Clarify => {
                self.state.open = Some(open?.clone());
                Some(again)
            }
            Decision::Ask | Decision::Confirm => {
                let (open, _said) = open?.clone().again(self.assistant, self.heard.now_ms)?;
                self.state.open = Some(open);
                Some(again)
            }
        }
    }
}
