//! What the words of a message mean before any system is asked: Persian and English text, pure, without clock, network or store.

pub mod classifier;
pub mod normal;
pub mod script;
