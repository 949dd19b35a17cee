//! The source: one moment that all readers of a run share, read only. What the engine asks is typed
//! ([`crate::sql::query`]); only here it becomes statements.
//!
//! [`Source`], [`Reader`] and [`SourceRows`] have a variant per kind; `delegate` hands each question on, and
//! `tests/source` states what every kind answers.

mod bad_row;
mod delegate;
mod permits;
mod postgres;
pub mod sqlite;

use bytes::Bytes;
use serde::Deserialize;

pub use bad_row::{BadField, BadRow, KeyField};
pub use permits::{ReadPermit, ReadPermits};
pub use postgres::{Doubt, MaskVerdict, Visibility};

use crate::digest::Digest;
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::pg::catalog::Server;
use crate::pg::sequences::SequenceValue;
use crate::plan::TablePlan;
use crate::sql::dialect::Dialect;
use crate::sql::horizon::Horizon;
use crate::sql::mapping::{Relation, Timestamp};
use crate::sql::query::DigestQuery;
use crate::table::{ForeignKey, OtherRelation, Partition, Table};

/// One source.
#[allow(clippy::large_enum_variant, reason = "a run has one")]
pub enum Source {
    Postgres(postgres::Source),
    Sqlite(sqlite::Source),
}

/// One who reads the source. Several questions may be under way at once.
#[allow(clippy::large_enum_variant, reason = "a job has one")]
pub enum Reader {
    Postgres(postgres::Reader),
    Sqlite(sqlite::Reader),
}

/// Rows as the source sends them: COPY text, one row a message with its line feed.
pub enum SourceRows {
    Postgres(postgres::SourceRows),
    Sqlite(sqlite::SourceRows),
}

/// Whole rows of COPY text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowBundle {
    pub text: Bytes,
    pub rows: u64,
}

/// What a source says when its snapshot is taken.
pub struct SourceState {
    pub server: Server,
    pub tables: Vec<Table>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Those of tables, too.
    pub sequences: Vec<SequenceValue>,
    /// See [`crate::pg::catalog::partitions`].
    pub partitions: Vec<Partition>,
    /// See [`crate::pg::catalog::other_relations`].
    pub others: Vec<OtherRelation>,
    /// The schemas that have tables, where none is in those that were asked for.
    pub elsewhere: Vec<Ident>,
    /// Logs of runs that have written here.
    pub logs: Vec<TableName>,
    pub sight: Visibility,
    pub hash_probe: Option<String>,
    /// Whether slices of pages can be read without a look at all of them.
    pub page_ranges: bool,
    /// Whether pgsync itself prints and hashes the values, as those of a file.
    pub local: bool,
    /// How it writes what rules make of a table.
    pub dialect: Dialect,
    /// Tables that cannot be read, and why.
    pub failed: Vec<(TableName, Error)>,
    /// What somebody should know about tables that are made, by their names.
    pub notes: Vec<(TableName, String)>,
    /// Of geometries, where it is the file that names them.
    pub systems: Vec<ReferenceSystem>,
    /// Differs from that of an earlier snapshot wherever what is read does; none where the source cannot tell.
    pub mark: Option<String>,
}

/// A spatial reference system that geometries of a table are in, which the target has to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceSystem {
    pub table: TableName,
    pub srid: i32,
    /// Who has given it that number: EPSG.
    pub authority: String,
    /// As text, in the well-known form.
    pub definition: String,
}

/// The lock that a read of a table leaves on the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The table is read on: until then nobody may empty it.
    Kept,
    /// Whoever reads the table later looks first whether it is still the same one.
    LetGo,
}

/// A table of which rows are read, and what its storage was at the snapshot.
#[derive(Clone, Debug)]
pub struct ReadTable<'t> {
    pub relation: Relation,
    pub storage: &'t str,
}

/// A question about a table that is asked together with others.
#[derive(Clone, Copy, Debug)]
pub enum Question<'q> {
    Digest(DigestQuery<'q>),
    /// The greatest finite timestamp that may move a watermark.
    Greatest {
        timestamp: &'q Timestamp,
        horizon: &'q Horizon,
    },
}

/// What is asked about one table.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'q> {
    pub plan: &'q TablePlan,
    pub questions: &'q [Question<'q>],
}

/// The answer to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Of no rows, where the question was not about a digest.
    pub digest: Digest,
    /// A timestamp as the source prints it, where the question asks for one and there is one.
    pub greatest: Option<String>,
}

/// A table of the source into which runs of pgsync write.
#[derive(Debug, Deserialize)]
pub struct FedTable {
    #[serde(flatten)]
    pub table: TableName,
    /// Changes with each transaction of a run that has written rows.
    pub written: String,
}

/// What a log says about tables that were filled from another database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// How many of them.
    pub tables: u64,
    /// When that was last (UTC).
    pub latest: Option<String>,
    /// What the other database was called.
    pub from: Option<String>,
}

/// The target, as far as a source has to know it that leaves names and types open.
pub struct TargetView<'a> {
    /// `server_version_num`.
    pub version: u32,
    pub tables: &'a [Table],
    /// What the target calls a table of the source.
    pub named: &'a (dyn Fn(&TableName) -> TableName + Sync),
    /// What the target calls a column of a table of the source.
    pub column: &'a (dyn Fn(&TableName, &Ident) -> Ident + Sync),
    /// The columns of a table that travel.
    pub travelling: &'a (dyn Fn(&Table) -> Vec<Ident> + Sync),
    /// The schema of PostGIS, if it is there.
    pub postgis: Option<&'a Ident>,
    /// Whether a table of this name belongs to the run.
    pub wanted: &'a (dyn Fn(&TableName) -> bool + Sync),
}
