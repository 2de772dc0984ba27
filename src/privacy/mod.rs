//! Personal values in a wrapper that cannot be printed by accident. It may not know where a value comes from or goes to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A personal value: text a person wrote, a name, a phone number. `Debug` and `Display` print `***`; only
/// [`Sensitive::expose`] gives the value, so every place that shows it can be found by that word.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a personal value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Never for a log, a metric or an error text.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_prints_as_stars_in_every_format() {
        let phone = Sensitive::new("09121234567".to_owned());
        assert_eq!(format!("{phone} {phone:?} {:#?}", Some(&phone)), "*** *** Some(\n    ***,\n)");
    }
}
