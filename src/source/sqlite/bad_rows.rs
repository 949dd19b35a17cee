//! Rows with a value that the target's column cannot hold: what becomes of them, in which tables they were met,
//! and which they are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Statement};

use super::failure;
use super::row::RowShape;
use super::snapshot::Wanted;
use crate::config::source::BadRows;
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::source::BadRow;
use crate::sql::{Sql, sql};

const LISTING: &str = "listing bad rows";
/// Rows after which it is asked whether anybody still waits.
const ASKED: u64 = 1024;

/// Tables in which a scan has met bad rows, and what it does about them.
#[derive(Clone, Debug, Default)]
pub struct BadRowTables {
    treatment: BadRows,
    met: Arc<Mutex<BTreeSet<TableName>>>,
}

/// The same for the scans of one table.
#[derive(Clone, Debug)]
pub struct BadRowWatch {
    table: TableName,
    tables: BadRowTables,
}

impl BadRowTables {
    /// No bad row yet.
    pub fn new(treatment: BadRows) -> Self {
        Self { treatment, met: Arc::default() }
    }

    /// For the next snapshot.
    pub fn forget(&self) {
        self.met().clear();
    }

    /// Whether a table has bad rows, as far as it was read.
    pub fn are_in(&self, table: &TableName) -> bool {
        self.met().contains(table)
    }

    /// Whether such rows of the table were left out.
    pub fn are_left_out_of(&self, table: &TableName) -> bool {
        self.treatment == BadRows::Skip && self.are_in(table)
    }

    /// For the scans of a table.
    pub fn watch(&self, table: &TableName) -> BadRowWatch {
        BadRowWatch { table: table.clone(), tables: self.clone() }
    }

    fn met(&self) -> MutexGuard<'_, BTreeSet<TableName>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BadRowWatch {
    /// Notes a bad row.
    ///
    /// # Errors
    /// The row itself, unless such rows are left out.
    pub fn meet(&self, row: &BadRow) -> Result<()> {
        let mut met = self.tables.met();
        if !met.contains(&self.table) {
            met.insert(self.table.clone());
        }
        match self.tables.treatment {
            BadRows::Skip => Ok(()),
            BadRows::Fail => Err(Error::Blocked(row.describe())),
        }
    }
}

/// Hands on all bad rows of a table, or of what rules show of it. Where no key tells a row, its rowid does, if the
/// file gives it one.
///
/// # Errors
/// SQLite's, those of `each`, and that nobody waits any more.
pub fn list(
    connection: &Connection,
    wanted: &Wanted,
    shape: &RowShape,
    from: &Sql,
    each: &mut dyn FnMut(&BadRow) -> Result<()>,
) -> Result<()> {
    let told = |error: rusqlite::Error| failure::of(LISTING, &error);
    let names = || Sql::join(shape.columns.iter().map(|column| &column.name), ", ");
    let plain = sql!("select {names} from {from}", names = names(), from = from);
    let with_rowid = sql!("select {names}, rowid from {from}", names = names(), from = from);
    let prepare = |statement: &Sql| connection.prepare(statement.as_str());
    let with_rowid: Option<Statement<'_>> = prepare(&with_rowid).ok();
    let mut statement = with_rowid.map_or_else(|| prepare(&plain), Ok).map_err(told)?;
    let mut rows = statement.query([]).map_err(told)?;
    let mut seen = 0_u64;
    while let Some(row) = rows.next().map_err(told)? {
        seen += 1;
        if seen.is_multiple_of(ASKED) {
            wanted.check()?;
        }
        if let Some(bad) = shape.bad_row(row)? {
            each(&bad)?;
        }
    }
    Ok(())
}
