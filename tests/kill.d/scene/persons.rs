//! What persons say in a scene, by words.

use peyvand::{
    event::{EntryId, EventId, Operation},
    worker::patiently,
};

use super::{EVERY_KEY, Scene, target};
use crate::message::message;

/// What persons write of themselves in the conversations: nothing but the log and the database may have it.
pub(crate) const CANARIES: [&str; 3] = ["Tavakoli", "9123456789", CONVERSATIONS];

/// How the ids of a scene's conversations begin; whoever knows one may read its replies.
pub(crate) const CONVERSATIONS: &str = "talk:";

impl Scene {
    /// A person orders in a conversation of their own, by words; the write that has to come of it is asked for as any other.
    pub(crate) async fn order_by_message(&mut self) {
        let talk = Self::conversation();
        let _asked = self.say(&talk, "order 3 bags of CEM-042 for customer 1000000018").await;
        let yes = self.say(&talk, "yes").await;
        let (turn, operation) = (yes.derived("intent-classifier", 0), Operation::SalesOrderCreate);
        let key = EntryId::of(&turn, target(operation), operation.name()).key();
        EVERY_KEY.lock().unwrap().push(key.clone());
        assert!(self.asked.insert(yes, key).is_none());
        self.order.entry((talk, target(operation))).or_default().push(yes);
    }

    /// A person says who they are, once as it should be and once in a record that breaks off.
    pub(crate) async fn say_who(&mut self) {
        let text = "my name is Shirin Tavakoli and my number is +989123456789";
        let _heard = self.say(&Self::conversation(), text).await;
        let (mut record, id) = message(&self.schemas, &Self::conversation(), text);
        // Only what follows the text is missing.
        let value = record.value.as_mut().unwrap();
        value.truncate(value.len() - 1);
        let _place = patiently(|| self.producer.send(record.clone())).await;
        self.broken.push(id);
    }

    async fn say(&self, conversation: &str, text: &str) -> EventId {
        let (record, id) = message(&self.schemas, conversation, text);
        let _place = patiently(|| self.producer.send(record.clone())).await;
        id
    }
}
