//! The reply worker: turns decisions and results into words in the person's language. It asks no system and decides nothing.

pub mod render;

mod handler;

pub use handler::Reply;
