//! What the words of a message mean before any system is asked: Persian and English text, pure, without clock, network or store.

pub mod bidi;
pub mod calendar;
pub mod classifier;
pub mod dates;
pub mod finglish;
mod money;
pub mod normal;
pub mod number;
pub mod script;
pub mod slots;
pub mod spoken;
mod tokens;
