//! What a comparison found, as values: a verdict per table, and the rows that differ.

use std::time::Duration;

use super::settings::Repair;
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::note::Note;
use crate::sql::Sql;
use crate::sql::compared::Values;

/// On which side a row is, or that both have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The target lacks it.
    Missing,
    /// The source does not have it.
    Extra,
    Changed,
}

impl RowKind {
    /// The word for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            RowKind::Missing => "missing",
            RowKind::Extra => "extra",
            RowKind::Changed => "changed",
        }
    }
}

/// One row that is not equal.
#[derive(Clone, Debug)]
pub struct RowDifference {
    pub kind: RowKind,
    /// In the order of [`DifferencePage::key`]; empty for a table without a key.
    pub key: Vec<String>,
    /// Which columns differ, of a row that both sides have.
    pub columns: Vec<Ident>,
    /// Its timestamp is later than the last run: the next one brings it.
    pub is_behind: bool,
    /// It differs only in columns that the target computes: no run can bring it.
    pub is_computed: bool,
    /// Values of the columns that differ, or of all where only one side has the row; where they are wanted.
    pub source: Option<Values>,
    pub target: Option<Values>,
    /// What would repair it, where that is wanted.
    pub statement: Option<Sql>,
}

impl RowDifference {
    /// A row of which nothing else is known.
    pub fn of(kind: RowKind) -> Self {
        Self {
            kind,
            key: Vec::new(),
            columns: Vec::new(),
            is_behind: false,
            is_computed: false,
            source: None,
            target: None,
            statement: None,
        }
    }
}

/// Rows of one table, as they are found.
#[derive(Clone, Debug)]
pub struct DifferencePage {
    pub table: TableName,
    pub key: Vec<Ident>,
    pub rows: Vec<RowDifference>,
}

/// What was found in one table.
#[derive(Clone, Debug)]
pub struct TableVerdict {
    pub table: TableName,
    pub key: Vec<Ident>,
    pub missing: u64,
    pub extra: u64,
    pub changed: u64,
    /// Those of them that the next run brings.
    pub behind: u64,
    /// Those of them that differ only in columns that the target computes.
    pub computed: u64,
    /// Those of them that changes of the source since the last run may explain.
    pub explained: u64,
    /// The first ones.
    pub first: Vec<RowDifference>,
    /// Whether the target's table has triggers, which fire for statements of anybody.
    pub has_triggers: bool,
    /// Whether the last run or repair of the table failed, was refused or was skipped: the next one may, too.
    pub last_failed: bool,
    /// Whether masked values differ for the mask key, which is not that of the last run: no repair is wanted.
    pub other_mask_key: bool,
    /// Why the table could not be compared.
    pub error: Option<Error>,
    pub elapsed: Duration,
}

impl TableVerdict {
    /// With nothing found yet.
    pub fn new(table: TableName, key: Vec<Ident>) -> Self {
        Self {
            table,
            key,
            missing: 0,
            extra: 0,
            changed: 0,
            behind: 0,
            computed: 0,
            explained: 0,
            first: Vec::new(),
            has_triggers: false,
            last_failed: false,
            other_mask_key: false,
            error: None,
            elapsed: Duration::ZERO,
        }
    }

    /// Rows that are not equal.
    pub fn rows(&self) -> u64 {
        self.missing + self.extra + self.changed
    }

    /// The word for people and programs.
    pub fn name(&self) -> &'static str {
        match self.rows() {
            _ if self.error.is_some() => "not comparable",
            0 => "equal",
            rows if rows == self.behind => "behind",
            _ => "differs",
        }
    }
}

/// What was found in all tables.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// `host:port/database`
    pub source: String,
    pub target: String,
    pub is_live: bool,
    /// What is done with the tables that differ.
    pub repair: Repair,
    /// In the order of their names.
    pub tables: Vec<TableVerdict>,
    pub notes: Vec<Note>,
    /// Why nothing could be compared.
    pub error: Option<Error>,
    pub elapsed: Duration,
}

impl VerifyReport {
    /// Rows of a table that count.
    pub fn counted(&self, table: &TableVerdict) -> u64 {
        if self.is_live { table.rows() - table.explained } else { table.rows() }
    }

    /// 0 all equal, 3 something is not, 1 something could not be compared and nothing else differs; as a run
    /// where nothing was compared.
    pub fn exit_status(&self) -> u8 {
        match &self.error {
            Some(Error::Stopped(signal)) => return signal.exit_status(),
            Some(Error::Config(_)) => return 2,
            Some(Error::Locked(_)) => return 4,
            Some(Error::Refused(_)) => return 5,
            Some(_) => return 1,
            None => {}
        }
        if self.tables.iter().any(|table| self.counted(table) > 0) {
            return 3;
        }
        u8::from(self.tables.iter().any(|table| table.error.is_some()))
    }
}
