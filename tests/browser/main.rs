//! The chat page in a real browser: Chromium, driven over WebDriver, against the program as its user starts it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod buttons;
mod connection;
mod conversation;
mod driver;
mod hostile;
mod looks;
mod page;
#[allow(dead_code, reason = "shared with the integration tests; a part of it is enough here")]
#[path = "../integration/support.rs"]
mod support;
