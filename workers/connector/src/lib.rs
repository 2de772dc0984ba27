//! The worker that asks and writes to the systems of record. Nothing else in Peyvand touches an enterprise system.

pub mod sap;
pub mod system;
pub mod target;
pub mod write;

mod handler;
mod relay;
mod serve;

pub use handler::Connector;
pub use relay::Relay;
pub use serve::{configure, fetch_products, keep_products, serve, target};
