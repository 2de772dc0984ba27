//! Places at which a test may end this process as a power cut would. Built in only with the feature `failpoints`, which
//! no shipped program has; without it a place costs nothing.

/// Ends the process by SIGKILL when the setting `PEYVAND_TEST_FAILPOINT` names this place, as `name` or `name:N` for its
/// N-th time.
#[cfg(feature = "failpoints")]
pub fn failpoint(name: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    };
    static ARMED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let setting = crate::config::failpoint()?;
        match setting.split_once(':') {
            Some((name, count)) => Some((name.to_owned(), count.parse().ok()?)),
            None => Some((setting, 1)),
        }
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);
    if let Some((armed, count)) = &*ARMED
        && armed == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        end(name);
    }
}

/// Ends the process in the same way whenever this place works on what the setting names: `name=subject`.
#[cfg(feature = "failpoints")]
pub fn failpoint_at(name: &str, subject: &[u8]) {
    static ARMED: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(crate::config::failpoint);
    if let Some(armed) = ARMED.as_deref().and_then(|setting| setting.split_once('='))
        && armed.0 == name
        && armed.1.as_bytes() == subject
    {
        end(name);
    }
}

/// Panics whenever this conversation is worked on and the setting `PEYVAND_TEST_PANIC` names it.
#[cfg(feature = "failpoints")]
pub fn panic_at(conversation: &str) {
    static ARMED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(crate::config::panicking_conversation);
    assert!(ARMED.as_deref() != Some(conversation), "told to by a test");
}

#[cfg(feature = "failpoints")]
fn end(name: &str) {
    let own = std::process::id().to_string();
    let killed = std::process::Command::new("kill").args(["-9", &own]).status();
    // Only reached when there is no `kill`.
    tracing::error!("the failpoint {name} could not kill: {killed:?}");
    std::process::abort();
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn failpoint(_name: &str) {}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn failpoint_at(_name: &str, _subject: &[u8]) {}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn panic_at(_conversation: &str) {}
