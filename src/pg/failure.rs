//! From the driver's errors to ours. There is no `From<tokio_postgres::Error>` on purpose: side and
//! deed cannot be lost.

use std::error::Error as _;

use crate::error::{Cause, DbError, Error, Side};

/// Takes the server's own words out of a driver error, or those of the broken connection.
pub fn db_error(side: Side, doing: impl Into<String>, error: tokio_postgres::Error) -> Error {
    let doing = doing.into();
    let failure = match error.as_db_error() {
        Some(said) => DbError {
            side,
            doing,
            sqlstate: Some(said.code().code().to_owned()),
            message: said.message().to_owned(),
            detail: said.detail().map(str::to_owned),
            hint: said.hint().map(str::to_owned),
            constraint: said.constraint().map(str::to_owned),
            cause: Cause::Server,
        },
        None => DbError {
            side,
            doing,
            sqlstate: None,
            message: chain(&error),
            detail: None,
            hint: None,
            constraint: None,
            cause: Cause::Connection,
        },
    };
    Error::Database(Box::new(failure))
}

/// The error and what caused it, in one line.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
