//! The database: one step of a conversation, all or nothing.
