//! The seam to the database: what one step of a conversation reads and commits. SQL stays behind it; it may not
//! know workers, codecs or the log.

mod step;

pub use step::{Commit, Found, Outgoing, Step, StepKey, StoreError, StoredReply};
