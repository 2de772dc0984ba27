//! From a decision or a system's answer to the words a person reads.

use peyvand::{
    bus::Record,
    codec::{self, CodecError, Committed, Schemas},
    event::{Decision, Envelope, OperationUpdated, ReplyReady, TurnDecided},
    topics,
    worker::{Emit, Handler, HandlerError, Input, Outcome},
};

use crate::render::Renderer;

/// What the reply worker reads.
pub enum Told {
    /// A decision that is answered without a system.
    Turn(Box<TurnDecided>),
    /// What a system said.
    Operation(Box<Committed<OperationUpdated>>),
}

impl Input for Told {
    fn decode(schemas: &Schemas, record: &Record) -> Result<Envelope<Self>, CodecError> {
        if topics::origin(&record.place.topic) == topics::OPERATION_UPDATED {
            return Ok(
                codec::decode_committed(schemas, record)?.map(|event| Self::Operation(Box::new(event)))
            );
        }
        Ok(codec::decode(schemas, record)?.map(|event| Self::Turn(Box::new(event))))
    }
}

/// Finds the words.
pub struct Reply {
    renderer: Renderer,
}

impl Reply {
    /// A reply worker with these words.
    pub fn new(renderer: Renderer) -> Self {
        Self { renderer }
    }
}

impl Handler for Reply {
    const GROUP: &'static str = "reply";
    type In = Told;
    type State = ();

    fn concerns(&self, told: &Told) -> bool {
        match told {
            // What it comes to is told as an operation.
            Told::Turn(turn) => turn.decision != Decision::Execute,
            Told::Operation(_) => true,
        }
    }

    async fn handle(&self, input: &Envelope<Told>, (): ()) -> Result<Outcome<()>, HandlerError> {
        let ready = match &input.event {
            Told::Turn(turn) => self.renderer.turn(turn).map(|said| ReplyReady {
                tenant: turn.tenant.clone(),
                conversation_id: turn.conversation_id.clone(),
                turn_id: turn.turn_id,
                channel: turn.channel.clone(),
                language: turn.language,
                text: said.text.into(),
                buttons: said.buttons,
                parts: turn.parts.clone(),
            }),
            Told::Operation(told) => {
                let said = self.renderer.operation(told);
                Some(ReplyReady {
                    tenant: told.tenant.clone(),
                    conversation_id: told.conversation_id.clone(),
                    turn_id: told.turn_id,
                    channel: told.channel.clone(),
                    language: told.language,
                    text: said.text.into(),
                    buttons: said.buttons,
                    parts: told.parts.clone(),
                })
            }
        };
        let emit = ready.map(|ready| Emit::new(topics::REPLY_READY, ready)).into_iter().collect();
        Ok(Outcome { emit, ..Outcome::default() })
    }
}
