//! What plans are made of: a table as both sides have it, what the last run left, and what is the same for all tables.

use super::references::References;
use super::renamed_columns::RenamedColumn;
use crate::ddl_step::Step;
use crate::error::{Error, Side};
use crate::ident::{Ident, TableName};
use crate::rules::TableRules;
use crate::sql::Sql;
use crate::sql::digest::HashFamily;
use crate::sql::view::GrownColumn;
use crate::table::Table;
/// What the last run left in `sync_log` for a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastRun {
    /// How far it got.
    pub watermark: Option<String>,
    /// How far the last one got that came to its end, for the same fingerprint.
    pub settled: Option<String>,
    pub fingerprint: Option<String>,
    /// What the source was called.
    pub source: Option<String>,
    /// What is kept of the source's rows: see [`crate::recall`].
    pub rows: Option<String>,
    /// The fingerprint of the last run that had one: as what it wrote rows, if it wrote any.
    pub written_as: Option<String>,
    /// Whether it did not come to its end.
    pub interrupted: bool,
    /// Whether the last run or repair of the table failed, was refused or was skipped.
    pub failed: bool,
}

impl LastRun {
    /// Whether a run came to its end with the table, as far as the log tells.
    pub fn has_ended(&self) -> bool {
        self.written_as.is_some() && !self.interrupted
    }
}

/// The roles that pgsync works as, as SQL names them.
#[derive(Clone, Debug)]
pub struct Roles {
    pub source: String,
    pub target: String,
    /// The target's database, as SQL names it.
    pub target_database: String,
    /// Whether the target's server lets a superuser grant the right to set a parameter (from PostgreSQL 15 on).
    pub target_grants_parameters: bool,
}

impl Default for Roles {
    /// Where nobody knows their names.
    fn default() -> Self {
        Self {
            source: "the source role".to_owned(),
            target: "the target role".to_owned(),
            target_database: "the target database".to_owned(),
            target_grants_parameters: true,
        }
    }
}

impl Roles {
    /// The one of a side.
    pub fn of(&self, side: Side) -> &str {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }
}

/// What is the same for every table of a run.
#[derive(Clone, Debug)]
pub struct PlanContext {
    /// Source system, database and timeline, and the hash family.
    pub source_identity: String,
    pub hasher: HashFamily,
    /// Whether triggers and foreign keys are off on the target.
    pub replica_role: bool,
    pub fire_triggers: bool,
    /// Whether nothing is written at all.
    pub dry_run: bool,
    /// Whether rows are compared and nothing follows.
    pub only_compares: bool,
    /// The right that temporary tables need, where it is missing.
    pub needs_temporary: Option<String>,
    pub roles: Roles,
    pub reconcile: bool,
    /// Whether safety checks refuse nothing.
    pub force: bool,
    /// See [`super::TablePlan::path`].
    pub path: Option<Sql>,
    /// Whether the source is no server: its rows travel as text, and its hashes are computed by pgsync.
    pub local: bool,
    /// Both servers print numbers alike (both before PostgreSQL 12, or neither).
    pub same_floats: bool,
    /// Both servers have infinite intervals (from PostgreSQL 17), or neither has: the others take their bytes for
    /// millions of years.
    pub same_intervals: bool,
    /// Both databases store text in one encoding that takes a text back from UTF-8 as it was.
    pub same_text: bool,
    /// See [`crate::source::SourceState::mark`].
    pub mark: Option<String>,
    /// The time on the source, in UTC, as `2024-12-13 15:25:30.5`.
    pub now: String,
}

/// One selected table with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub source: &'a Table,
    pub target: Option<&'a Table>,
    pub target_name: &'a TableName,
    pub target_is_empty: bool,
    pub last: Option<&'a LastRun>,
    pub references: &'a References,
    pub rules: &'a TableRules,
    /// See [`super::shown::ShownTable::view`].
    pub view: Option<&'a Sql>,
    /// See [`super::shown::ShownTable::made`].
    pub made: &'a str,
    /// See [`super::shown::ShownTable::mask_key`].
    pub mask_key: &'a str,
    /// What is built once the rows are there.
    pub post_data: &'a [Step],
    /// What the target has otherwise, and rows may violate.
    pub differing: &'a [DifferingPart],
    /// See [`super::TablePlan::is_widened`].
    pub is_widened: bool,
    /// What to do where rows have no place, if a partition for them could not be made.
    pub lost_partition: Option<&'a str>,
    /// Whether it has been said that a key is missing.
    pub key_is_named: bool,
    /// What drops the target's key, if the source has another one instead.
    pub other_key: Option<&'a str>,
    /// What is to be done about partitions that only the target has.
    pub left_partitions: Option<&'a str>,
    /// Whether generated columns may have other values on the target, in rows that nobody has changed.
    pub computes_otherwise: bool,
    /// In a dry run: partitions of the target that a run would detach.
    pub detaching: &'a [TableName],
    /// In a dry run: the columns of the target that would grow.
    pub grown: &'a [GrownColumn],
    /// Columns that only the target has, and that the source may have renamed.
    pub renamed: &'a [RenamedColumn],
}

impl Candidate<'_> {
    /// Whether the target has rows, and no run is known to have written any.
    pub(super) fn has_rows_of_others(&self) -> bool {
        let has_rows = self.target.is_some() && !self.target_is_empty;
        has_rows && self.last.is_none_or(|last| last.written_as.is_none())
    }

    /// Why the table cannot be brought in sync. Where no run has written its rows, it may not be the source's table at all.
    pub fn asked_whether_other(&self, error: Error) -> Error {
        match error {
            Error::Blocked(text) if self.has_rows_of_others() => Error::Blocked(format!(
                "no run has filled {} on the target: if it is another table, rename it there, or exclude this one; otherwise, {text}",
                self.target_name
            )),
            error => error,
        }
    }
}

/// A constraint or an index that the target has otherwise than the source.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferingPart {
    pub name: Ident,
    /// What differs, and what to do about it.
    pub text: String,
}
