//! Peyvand joins chat channels to a company's CRM, ERP and own systems through Kafka. This library is what all workers share.

pub mod assistant;
pub mod bus;
pub mod codec;
pub mod config;
pub mod event;
pub mod failpoint;
pub mod language;
pub mod privacy;
pub mod process;
pub mod seal;
pub mod store;
pub mod telemetry;
pub mod topics;
pub mod worker;

/// A record's way makes and drops dozens of small pieces on several threads; the system's allocator was a quarter of that work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
