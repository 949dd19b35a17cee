//! What can go wrong, as values: which side, doing what, why, and what to try.
//!
//! Every error is worded once, here: lower case, no full stop, no chain of "failed to". The table it
//! belongs to is named by whoever reports it, the password of a connection by nobody.

use std::fmt;

use crate::stop::Signal;

/// A result with this crate's error, unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Source => "source",
            Side::Target => "target",
        })
    }
}

/// Why a run or a table did not get where it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A statement or a connection of one side. Boxed: it is large and rare.
    #[error("{0}")]
    Database(Box<DbError>),
    /// The command line or configuration; every problem found, one per line. Exit status 2.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// A table cannot be brought in sync as things are; says why and what to do.
    #[error("{0}")]
    Blocked(String),
    /// A safety check refused before anything changed. Exit status 5.
    #[error("{0}")]
    Refused(String),
    /// Another run holds the lock. Exit status 4.
    #[error("{0}")]
    Locked(String),
    /// A stop was requested and honoured.
    #[error("stopped by {}", .0.name())]
    Stopped(Signal),
    /// The tool itself went wrong: a panic in a task, an answer no server should give.
    #[error("internal error: {0}")]
    Internal(String),
}

/// A failure that a server or a connection reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbError {
    pub side: Side,
    /// What was under way, as it follows "while": `writing a batch`.
    pub action: String,
    /// Five characters, when a server said it.
    pub sqlstate: Option<String>,
    pub message: String,
    /// What can carry row values, the server's DETAIL among it: shown with `-verbose` only.
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub constraint: Option<String>,
    /// The right that the innermost statement needs, where that is one of a trigger or of a function.
    pub inner_right: Option<&'static str>,
    pub cause: Cause,
}

/// With what the hint begins of a NULL that the target refuses, as long as nobody knows the source's column.
pub const IF_NULLABLE: &str = "if the column takes NULL on the source";

/// Who reported a [`DbError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server answered with an error.
    Server,
    /// The connection broke or could not be made.
    Connection,
    /// The server answered, and the answer cannot be used; trying again changes nothing.
    Refused,
    /// The server has moved on from the run's snapshot, which is of no more use.
    Snapshot,
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} while {}: {}", self.side, self.action, self.message)?;
        if let Some(state) = &self.sqlstate {
            write!(f, " (SQLSTATE {state})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

/// SQLSTATEs after which the same work may succeed, each with the reason it passes by itself.
const TRANSIENT: &[(&str, &str)] = &[
    ("08", "connection exception: the network or the server went away"),
    ("57P01", "admin shutdown: the server restarts or the backend was terminated"),
    ("57P02", "crash shutdown: the server recovers"),
    ("57P03", "cannot connect now: the server starts"),
    ("53300", "too many connections: others will leave"),
    ("40001", "serialization failure: another transaction won"),
    ("40P01", "deadlock: another transaction won"),
    ("55P03", "lock not available: another transaction will end"),
];

impl DbError {
    /// Whether the same work may succeed when tried again, on a new connection.
    pub fn is_transient(&self) -> bool {
        match (&self.sqlstate, self.cause) {
            (Some(state), _) => TRANSIENT.iter().any(|(prefix, _)| state.starts_with(prefix)),
            (None, cause) => cause != Cause::Refused,
        }
    }
}

/// What a server has denied for want of a right. Other words of a server on what was only tried say nothing of a run.
///
/// # Errors
/// What no server said.
pub fn denied(tried: Result<()>) -> Result<Option<Error>> {
    match tried {
        Err(error) if error.sqlstate() == Some("42501") => Ok(Some(error)),
        Err(error) if error.sqlstate().is_none() => Err(error),
        _ => Ok(None),
    }
}

impl Error {
    /// What a server says where a right is missing, by what its catalog tells.
    pub fn denied(side: Side, action: &str, message: String) -> Self {
        Self::said(side, action, "42501", message)
    }

    /// What a server says, by what its catalog tells.
    pub fn said(side: Side, action: &str, sqlstate: &str, message: String) -> Self {
        Self::Database(Box::new(DbError {
            side,
            action: action.to_owned(),
            sqlstate: Some(sqlstate.to_owned()),
            message,
            detail: None,
            hint: None,
            constraint: None,
            inner_right: None,
            cause: Cause::Server,
        }))
    }

    /// The same, with something more that the user should know.
    pub fn with_remark(self, remark: &str) -> Self {
        match self {
            Self::Blocked(text) => Self::Blocked(format!("{text}; {remark}")),
            Self::Refused(text) => Self::Refused(format!("{text}; {remark}")),
            Self::Database(mut error) => {
                let hint = error.hint.take().map(|hint| format!("{hint}; {remark}"));
                error.hint = Some(hint.unwrap_or_else(|| remark.to_owned()));
                Self::Database(error)
            }
            other => other,
        }
    }

    /// Whether it is what the snapshot cannot show: in another one the same work may succeed.
    pub fn is_of_snapshot(&self) -> bool {
        matches!(self, Error::Database(db) if db.cause == Cause::Snapshot)
    }

    /// Whether the same work may succeed when it is tried again; only a database's error can be so.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Database(db) if db.is_transient())
    }

    /// Whether only a new snapshot can help.
    pub fn outdates_snapshot(&self) -> bool {
        matches!(self, Error::Database(db) if db.cause == Cause::Snapshot)
    }

    /// The SQLSTATE, when a server reported this error.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Error::Database(db) => db.sqlstate.as_deref(),
            _ => None,
        }
    }

    /// The server's DETAIL, which can carry row values.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Error::Database(db) => db.detail.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(sqlstate: Option<&str>, cause: Cause) -> DbError {
        DbError {
            side: Side::Target,
            action: "writing a batch".into(),
            sqlstate: sqlstate.map(Into::into),
            message: "duplicate key value violates unique constraint \"orders_ref_key\"".into(),
            detail: Some("Key (ref)=(secret) already exists.".into()),
            hint: None,
            constraint: Some("orders_ref_key".into()),
            inner_right: None,
            cause,
        }
    }

    #[test]
    fn an_error_says_side_deed_reason_and_state_but_no_row_values() {
        assert_eq!(
            failed(Some("23505"), Cause::Server).to_string(),
            "target while writing a batch: duplicate key value violates unique constraint \
             \"orders_ref_key\" (SQLSTATE 23505)"
        );
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let cases = [
            (Some("08006"), Cause::Server, true),
            (Some("57P01"), Cause::Server, true),
            (Some("57P03"), Cause::Server, true),
            (Some("53300"), Cause::Server, true),
            (Some("40001"), Cause::Server, true),
            (Some("40P01"), Cause::Server, true),
            (Some("55P03"), Cause::Server, true),
            (None, Cause::Connection, true),
            (Some("57014"), Cause::Server, false),
            (Some("23505"), Cause::Server, false),
            (Some("53100"), Cause::Server, false),
            (Some("28P01"), Cause::Server, false),
            (None, Cause::Refused, false),
            (None, Cause::Snapshot, true),
        ];
        for (state, cause, transient) in cases {
            assert_eq!(failed(state, cause).is_transient(), transient, "{state:?} {cause:?}");
        }
    }
}
