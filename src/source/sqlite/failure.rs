//! What SQLite says when something goes wrong, in one line with what to do.

use rusqlite::ErrorCode;

use crate::error::{Cause, DbError, Error, Side};

/// An error of SQLite.
pub fn of(action: &str, error: &rusqlite::Error) -> Error {
    let Words { message, hint } = match error {
        rusqlite::Error::SqliteFailure(failure, text) => {
            let text = text.clone().unwrap_or_else(|| failure.to_string());
            Words::of(failure, text)
        }
        error => Words { message: error.to_string(), hint: None },
    };
    refused(action, message, hint)
}

/// A file that cannot be read as it is: trying again changes nothing.
pub fn refused(action: &str, message: impl Into<String>, hint: Option<&str>) -> Error {
    Error::Database(Box::new(DbError {
        side: Side::Source,
        action: action.to_owned(),
        sqlstate: None,
        message: message.into(),
        detail: None,
        hint: hint.map(str::to_owned),
        constraint: None,
        inner_right: None,
        cause: Cause::Refused,
    }))
}

/// A file beside which a journal stands that has to be rolled back.
pub fn hot_journal() -> Error {
    refused("opening the file", HOT_JOURNAL, Some(OPEN_ONCE))
}

/// `SQLITE_READONLY_ROLLBACK`: a hot journal.
const ROLLBACK: i32 = 776;

/// What failed, and what helps.
struct Words {
    message: String,
    hint: Option<&'static str>,
}

impl Words {
    fn of(failure: &rusqlite::ffi::Error, text: String) -> Self {
        let (message, hint) = match failure.code {
            _ if failure.extended_code == ROLLBACK => (HOT_JOURNAL.to_owned(), OPEN_ONCE),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                ("another program holds the file locked".to_owned(), WAIT)
            }
            ErrorCode::NotADatabase => {
                ("the file is no SQLite database, or it is encrypted".to_owned(), DECRYPT)
            }
            ErrorCode::DatabaseCorrupt => (format!("the file is damaged ({text})"), RECOVER),
            ErrorCode::CannotOpen | ErrorCode::ReadOnly => {
                (format!("the file cannot be opened ({text})"), MAKE_WRITABLE)
            }
            _ => return Self { message: text, hint: None },
        };
        Self { message, hint: Some(hint) }
    }
}

const HOT_JOURNAL: &str =
    "a program that wrote the file has crashed, and its journal is not rolled back yet";
const OPEN_ONCE: &str =
    "open the file once with the program that writes it, or with sqlite3, then run again";
const WAIT: &str =
    "wait for it, raise -lock-timeout, or set the file to WAL mode, in which nobody waits";
const DECRYPT: &str = "an encrypted file has to be decrypted first";
const RECOVER: &str =
    "PRAGMA integrity_check tells more; sqlite3's .recover saves what can be saved";
const MAKE_WRITABLE: &str = "in WAL mode the folder must be writable; a file that nobody writes, with no -wal beside it, \
     can be read with ?immutable=1 behind its path";
