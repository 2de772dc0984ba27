//! From a record to its event, and to the step that it is. It waits for a schema that may be on its way, and may not decide what
//! becomes of a record that cannot be read.

use sha2::{Digest, Sha256};

use super::{Handler, Input, patiently, settle::Settler};
use crate::{
    bus::Record,
    codec::{self, CodecError, Learned},
    event::Envelope,
    store::StepKey,
};

impl<H: Handler> Settler<H> {
    /// The event of a record, and which step it is.
    pub(super) async fn read(&self, record: &Record) -> Result<(StepKey, Envelope<H::In>), CodecError> {
        let input = self.decode(record).await?;
        Ok((Self::key_of(record, &input)?, input))
    }

    pub(super) fn key_of(record: &Record, input: &Envelope<H::In>) -> Result<StepKey, CodecError> {
        let conversation_id = codec::conversation_of(record).ok_or(CodecError::WrongKey)?;
        let fingerprint = Sha256::digest(record.value.as_deref().unwrap_or_default()).into();
        Ok(StepKey { group: H::GROUP, conversation_id, event_id: input.event_id, fingerprint })
    }

    /// A schema that nobody knows is a dead letter; a registry that is away, or may only not know it yet, is waited for.
    async fn decode(&self, record: &Record) -> Result<Envelope<H::In>, CodecError> {
        let id = match H::In::decode(&self.schemas, record) {
            Err(CodecError::UnknownSchema(id)) => id,
            other => return other,
        };
        loop {
            match patiently(|| self.schemas.learn(id)).await {
                Learned::Known => return H::In::decode(&self.schemas, record),
                Learned::NotYet(wait) => {
                    let Ok(_place) = self.late_schemas.try_acquire() else {
                        return Err(CodecError::UnknownSchema(id));
                    };
                    tokio::time::sleep(wait).await;
                }
                Learned::Unknown => return Err(CodecError::UnknownSchema(id)),
            }
        }
    }
}
