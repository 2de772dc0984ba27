//! The worker that asks the systems of record. Nothing else in Peyvand touches an enterprise system.

pub mod sap;
pub mod target;

mod handler;

pub use handler::Connector;
