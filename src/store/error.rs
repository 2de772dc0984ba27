//! What can go wrong with a database, in words for people. A driver's own words may hold values, so of a server's error
//! only its code is told.

use std::io;

use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

/// A server that takes no writes says so with this code.
pub(super) const READ_ONLY: &str = "25006";

/// What can go wrong with the database.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be reached, is locked or full; the same call may succeed later.
    #[error("the database cannot be used just now: {0}")]
    Unavailable(String),
    /// It refuses what this call holds, and will again; nothing was committed.
    #[error(
        "the database refuses a value of this step (SQLSTATE {code}); it will refuse it again, so look at the event"
    )]
    Refused {
        /// The server's five-character code.
        code: String,
    },
    /// It holds something this version cannot read.
    #[error("the database holds a {what} that this version cannot read; run `peyvand doctor`")]
    Unreadable {
        /// Which thing.
        what: &'static str,
    },
    /// Its schema is not the one of this version.
    #[error("the database's schema does not fit this version: {0}")]
    Migration(String),
}

impl StoreError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Refused { .. } => "refused",
            Self::Unreadable { .. } => "unreadable",
            Self::Migration(_) => "migration",
        }
    }

    /// Whether the same call may succeed later without anybody mending anything.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Refused { .. } | Self::Unreadable { .. } | Self::Migration(_) => false,
        }
    }

    /// The store was closed while somebody still used it.
    pub(super) fn closed() -> Self {
        Self::Unavailable("it is closed".to_owned())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::of(&error)
    }
}

impl StoreError {
    /// An error of the driver, as often as there are callers to tell it to.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_) => Self::Unreadable { what: "row" },
            sqlx::Error::Configuration(_) => Self::Unavailable(
                "its address cannot be read; write it like postgres://user:password@host:5432/database"
                    .to_owned(),
            ),
            _ => match Self::code_of(error) {
                Some(code) => of_code(code),
                None => Self::Unavailable(error.to_string()),
            },
        }
    }

    /// The server's five-character code, also where the server said it without an error.
    pub(super) fn code_of(error: &sqlx::Error) -> Option<&str> {
        match error {
            sqlx::Error::Database(inner) => {
                inner.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
            }
            sqlx::Error::Io(inner) if inner.kind() == io::ErrorKind::ReadOnlyFilesystem => Some(READ_ONLY),
            _ => None,
        }
    }
}

/// Whether a code says that the values themselves are at fault: bad data, a broken constraint, more than fits.
pub(super) fn is_of_values(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("23") || code.starts_with("54")
}

fn of_code(code: &str) -> StoreError {
    if is_of_values(code) && code != "23505" {
        return StoreError::Refused { code: code.to_owned() };
    }
    let what = match code {
        "28000" | "28P01" => "it refuses this user or password; check the database address",
        "3D000" => "it has no database of this name; create it or check the database address",
        "42501" => "this user may not do that; grant it the rights on Peyvand's tables",
        "42P01" | "42703" => "a table or column is missing; run `peyvand database migrate`",
        "53100" => "its disk is full; free space on it, writes go on by themselves then",
        "53200" => "its memory is used up; give it more, or start fewer processes",
        "53400" => "a limit of its configuration is reached; look into its log and raise that limit",
        "53300" => "it has no connection left; raise max_connections or start fewer processes",
        READ_ONLY => "it takes no writes; point the database address at the primary, or allow writes again",
        "55P03" => "another process holds a row for too long",
        "57014" => "a statement took too long",
        "57P01" | "57P02" | "57P03" => "it is stopping or starting",
        "40001" | "40P01" | "23505" => "other processes were faster each time",
        _ => "it answered with an error",
    };
    StoreError::Unavailable(format!("{what} (SQLSTATE {code})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_of_the_values_themselves_is_final() {
        for code in ["40001", "40P01", "23505", "57P01", "57P02", "57P03", "53000", "08006", "55P03", "XX000"]
        {
            assert!(of_code(code).is_transient(), "{code}");
        }
        // What is short is said with what to do, and the way out is another one each time.
        let short = ["25006", "53100", "53200", "53300", "53400"];
        let said = short.map(|code| of_code(code).to_string().replace(code, ""));
        for (code, words) in short.iter().zip(&said) {
            assert!(of_code(code).is_transient() && words.contains("; "), "{code}: {words}");
            assert_eq!(said.iter().filter(|others| *others == words).count(), 1, "{code}: {words}");
        }
        for code in ["22021", "22P02", "23514", "54000"] {
            assert_eq!(of_code(code).kind(), "refused", "{code}");
        }
    }
}
