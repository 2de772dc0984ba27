//! The channels worker: people's words in, replies out. It knows foreign chat protocols and nothing of what a message
//! means; to the log and the database it speaks only through [`desk::Desk`].

pub mod desk;
mod hub;
mod serve;
pub mod web;
mod worker;

pub use desk::{Desk, DeskError};
pub use hub::Hub;
pub use serve::serve;
pub use worker::{Channels, OpenDesk};
