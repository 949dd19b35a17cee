//! The transactions that read the snapshot, and how it is known that a table is still the one that it shows.

use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::TableName;
use crate::pg::{OWN_SNAPSHOT, Row};
use crate::sql::{Literal, Sql, sql};

/// The number of statements in [`import_again`].
pub(super) const IMPORT_AGAIN: usize = 3;

pub(super) const BEGIN: &str = "begin transaction isolation level repeatable read read only";

pub(super) const EXPORT: &str = "begin transaction isolation level repeatable read read only; \
     select pg_catalog.pg_export_snapshot()";

/// The first query takes the snapshot; gives [`OWN_SNAPSHOT`].
pub(super) const BEGIN_ALONE: &str = "begin transaction isolation level repeatable read read only; \
     select 1; savepoint pgsync; select 'of its own'";

/// Begins a transaction that reads the snapshot.
pub(super) fn import(snapshot: &str) -> Sql {
    sql!(
        "{begin}; set transaction snapshot {snapshot}",
        begin = Sql::trusted(BEGIN),
        snapshot = Literal(snapshot),
    )
}

/// Ends a transaction that reads the snapshot, and with it the locks of what was read, and begins
/// another one. Where the snapshot is the session's own, a subtransaction.
pub(super) fn import_again(snapshot: &str) -> Sql {
    if snapshot == OWN_SNAPSHOT {
        return sql!("rollback to savepoint pgsync; release savepoint pgsync; savepoint pgsync");
    }
    sql!("rollback; {import}", import = import(snapshot))
}

/// The error of a snapshot that nobody holds any more: it was let go for a table that it cannot show, or lost.
pub(super) fn lost(outdated_by: Option<&TableName>) -> Error {
    let message = match outdated_by {
        Some(table) => &format!(
            "pgsync begins again with a new snapshot, because {table} was changed after this one was taken"
        ),
        None => "the session that held the snapshot was lost",
    };
    failed("reading the snapshot", message, Cause::Connection)
}

/// Whether a table is what it was at the snapshot; `now` answers
/// [`crate::sql::mapping::Relation::storage`].
///
/// # Errors
/// [`Cause::Snapshot`], when it is not.
pub(super) fn check_not_rewritten(
    table: &TableName,
    storage: &str,
    now: Option<&Row>,
) -> Result<()> {
    if now.and_then(|row| row.text(0)) == Some(storage) {
        return Ok(());
    }
    let message = format!(
        "{table} was emptied or rewritten, or a partition of it came or went (TRUNCATE, ALTER TABLE), after the snapshot \
         was taken"
    );
    Err(failed("looking at the table", &message, Cause::Snapshot))
}

fn failed(action: &str, message: &str, cause: Cause) -> Error {
    Error::Database(Box::new(DbError {
        side: Side::Source,
        action: action.to_owned(),
        sqlstate: None,
        message: message.to_owned(),
        detail: None,
        hint: None,
        constraint: None,
        inner_right: None,
        cause,
    }))
}
