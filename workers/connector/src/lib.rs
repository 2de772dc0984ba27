//! The worker that asks and writes to the systems of record. Nothing else in Peyvand touches an enterprise system.

pub mod salesforce;
pub mod sap;
pub mod system;
pub mod target;
pub mod webhook;
pub mod write;

mod breaker;
mod gate;
mod handler;
mod line;
mod relay;
mod serve;
mod systems;

pub use handler::Connector;
pub use serve::{fetch_products, keep_products, serve};
pub use systems::{Client, Systems, configure};
