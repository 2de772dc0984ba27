//! The seam to the database: what one step of a conversation reads and commits. SQL stays behind it; it may not
//! know workers, codecs or the log.

mod sqlite;
mod step;

pub use sqlite::SqliteStore;
pub use step::{Commit, Found, Outgoing, Step, StepKey, StoreError, StoredReply};
