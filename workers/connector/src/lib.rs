//! The worker that asks the systems of record. Nothing else in Peyvand touches an enterprise system.

pub mod sap;
pub mod target;

mod handler;
mod serve;

pub use handler::Connector;
pub use serve::{configure, fetch_products, keep_products, serve, target};
