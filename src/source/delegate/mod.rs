//! Hands every question on to the kind of source that answers it.

use std::sync::Arc;
use std::time::Duration;

use super::{FedTable, Filled, ReadTable, SourceState, TargetView};
use super::{Reader, Source};
use super::{postgres, sqlite};
use crate::config::source::SourceInfo;
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::pg;
use crate::pg::definitions::{FingerprintOf, LockedTable, SchemaFingerprint};
use crate::pg::uncopied::UncopiedObject;
use crate::plan::TablePlan;
use crate::schema_object::Definitions;
use crate::sql::horizon::Horizon;
use crate::sql::read::TimedTable;
use crate::table::{OtherRelation, Partition};

/// What the one that it is answers.
macro_rules! each {
    ($kinds:ident: $self:expr, $one:ident => $answer:expr) => {
        match $self {
            $kinds::Postgres($one) => $answer,
            $kinds::Sqlite($one) => $answer,
        }
    };
}

// Below the macro, which it uses.
mod reader;

impl Source {
    /// Reads what connecting needs, such as certificates; connects to nothing yet. At most `readers` read
    /// at once.
    ///
    /// # Errors
    /// TLS files that cannot be used.
    pub fn new(
        info: &SourceInfo,
        readers: usize,
        lock_timeout: Duration,
        masking: pg::Masking,
    ) -> Result<Self> {
        match info {
            SourceInfo::Postgres(info) => {
                postgres::Source::new(info, readers, lock_timeout, masking).map(Self::Postgres)
            }
            SourceInfo::Sqlite(file) => {
                Ok(Self::Sqlite(sqlite::Source::new(file.clone(), readers, lock_timeout)))
            }
        }
    }

    /// The same, which need not be told again what is known of tables; a file is read as before.
    pub fn knowing(self, known: Arc<pg::KnownTables>) -> Self {
        match self {
            Self::Postgres(source) => Self::Postgres(source.knowing(known)),
            Self::Sqlite(source) => Self::Sqlite(source),
        }
    }

    /// The names of the tables of some schemas, outside of the snapshot; nothing where that is no shorter than to
    /// open the source.
    ///
    /// # Errors
    /// The source's.
    pub async fn table_names(&self, schemas: &[Ident]) -> Result<Option<Vec<TableName>>> {
        match self {
            Self::Postgres(source) => source.table_names(schemas).await.map(Some),
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// See [`pg::catalog::partitions`].
    ///
    /// # Errors
    /// The source's.
    pub async fn partitions(&self, schemas: &[Ident], names: &[&str]) -> Result<Vec<Partition>> {
        match self {
            Self::Postgres(source) => source.partitions(schemas, names).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// What these names name outside of the schemas. A file has no others.
    ///
    /// # Errors
    /// The source's.
    pub async fn other_relations(
        &self,
        schemas: &[Ident],
        names: &[&str],
    ) -> Result<Vec<OtherRelation>> {
        match self {
            Self::Postgres(source) => source.other_relations(schemas, names).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The schemas that have tables that the role may read. A file has none.
    ///
    /// # Errors
    /// The source's.
    pub async fn filled_schemas(&self) -> Result<Vec<Ident>> {
        match self {
            Self::Postgres(source) => source.filled_schemas().await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The schemas that a pattern may mean; outside of the snapshot.
    ///
    /// # Errors
    /// The source's, and that there are none.
    pub async fn schemas(&self) -> Result<Vec<Ident>> {
        each!(Self: self, one => one.schemas().await)
    }

    /// Looks for the horizon, takes the snapshot and reads the catalog in it, in that order.
    ///
    /// `names` are those by which somebody may ask for a partition, a view and the like.
    ///
    /// # Errors
    /// The source's.
    pub async fn open(
        &self,
        schemas: &[Ident],
        names: &[&str],
        overlap: Option<Duration>,
    ) -> Result<SourceState> {
        each!(Self: self, one => one.open(schemas, names, overlap).await)
    }

    /// Lets what was opened agree with the target where the source has no word of its own: the names and
    /// types that tables have there.
    ///
    /// # Errors
    /// The source's.
    pub async fn settle(&self, state: &mut SourceState, target: &TargetView<'_>) -> Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(source) => source.settle(state, target).await,
        }
    }

    /// A row of a table that refers to nothing (in `parent`, if that is known), and what to do about it, where the
    /// source lets such rows be.
    pub async fn orphan(&self, child: &TableName, parent: Option<&TableName>) -> Option<String> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(source) => source.orphan(child, parent).await,
        }
    }

    /// Adds to plans how large the tables are that will be read, where the catalog does not say.
    ///
    /// # Errors
    /// The source's.
    pub async fn measure(&self, plans: &mut [TablePlan]) -> Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(source) => source.measure(plans).await,
        }
    }

    /// Whether one session reads for all.
    pub async fn is_read_alone(&self) -> bool {
        match self {
            Self::Postgres(source) => source.is_read_alone().await,
            Self::Sqlite(_) => false,
        }
    }

    /// The newest timestamps of tables as they are by now, whatever the snapshot shows: seconds of Unix time.
    ///
    /// # Errors
    /// The source's.
    pub async fn newest(
        &self,
        doing: &str,
        tables: &[TimedTable<'_>],
        horizon: &Horizon,
    ) -> Result<Vec<Option<f64>>> {
        each!(Self: self, one => one.newest(doing, tables, horizon).await)
    }

    /// The error with what to grant, where a right is missing.
    pub async fn explained(&self, error: Error) -> Error {
        match self {
            Self::Postgres(one) => one.explained(error).await,
            _ => error,
        }
    }

    /// Tries whether a table may be read as a run reads it; reads no row.
    ///
    /// # Errors
    /// The source's.
    pub async fn try_rights(&self, plan: &TablePlan) -> Result<()> {
        match self {
            Self::Postgres(source) => source.try_rights(plan).await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// One that reads the run's snapshot and holds no lock of any table. Reading the snapshot costs one
    /// round trip per reader, not per use: see [`Source::release`].
    ///
    /// # Errors
    /// The source cannot be reached, or the snapshot is gone.
    pub async fn reader(&self) -> Result<Reader> {
        match self {
            Self::Postgres(source) => source.reader().await.map(Reader::Postgres),
            Self::Sqlite(source) => source.reader().await.map(Reader::Sqlite),
        }
    }

    /// Gives a reader back and lets the locks of all tables go that it has read: who wants to alter
    /// or empty one of them waits for its own reader, not for the end of the run.
    ///
    /// Where nobody will ask for it again, a round trip is spared: see [`super::ReadPermits`].
    pub async fn release(&self, reader: Reader, is_last: bool) {
        match (self, reader) {
            (Self::Postgres(source), Reader::Postgres(reader)) => {
                source.release(reader, is_last).await;
            }
            (_, reader) => drop(reader),
        }
    }

    /// Remembers that a table was replaced under a snapshot: the next one reads it first.
    pub fn note_replaced(&self, table: &TableName) {
        match self {
            Self::Postgres(source) => source.note_replaced(table),
            Self::Sqlite(_) => {}
        }
    }

    /// Whether the table was replaced under a snapshot of this run.
    pub fn was_replaced(&self, table: &TableName) -> bool {
        match self {
            Self::Postgres(source) => source.was_replaced(table),
            Self::Sqlite(_) => false,
        }
    }

    /// Whether the snapshot can still be read.
    pub async fn snapshot_lives(&self) -> bool {
        match self {
            Self::Postgres(source) => source.snapshot_lives().await,
            Self::Sqlite(_) => true,
        }
    }

    /// Asks the source to give up what it is working on for this run.
    pub async fn cancel_all(&self) {
        each!(Self: self, one => one.cancel_all().await)
    }

    /// Whether a table has rows with values that the target cannot hold, as far as it was read.
    pub fn has_bad_rows(&self, table: &TableName) -> bool {
        match self {
            Self::Postgres(_) => false,
            Self::Sqlite(source) => source.bad_rows().are_in(table),
        }
    }

    /// Whether such rows of a table were left out: the target's rows of their keys are as they were.
    pub fn leaves_rows_out(&self, table: &TableName) -> bool {
        match self {
            Self::Postgres(_) => false,
            Self::Sqlite(source) => source.bad_rows().are_left_out_of(table),
        }
    }

    /// Whether pgsync itself prints and hashes the values, as those of a file.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Whether rows may refer to rows that are not there: SQLite looks only where its program asks for it.
    pub fn may_have_orphans(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Whether there can be such rows at all.
    pub fn may_have_bad_rows(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Whether a source has ever let us in.
    pub fn was_reached(&self) -> bool {
        each!(Self: self, one => one.was_reached())
    }

    /// Lets the snapshot go, and all sessions.
    pub async fn close(&self) {
        each!(Self: self, one => one.close().await)
    }

    /// Whether any of the tables holds a row; one that is locked or may not be read may.
    ///
    /// # Errors
    /// Others than those, and a table that was rewritten under the snapshot.
    pub async fn any_row(&self, tables: &[ReadTable<'_>]) -> Result<bool> {
        each!(Self: self, one => one.any_row(tables).await)
    }

    /// Whether a partition of `table` is known to hold rows.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn has_rows_in(&self, partition: &TableName, table: &TableName) -> Result<bool> {
        match self {
            Self::Postgres(one) => one.has_rows_in(partition, table).await,
            Self::Sqlite(_) => Ok(false),
        }
    }

    /// The tables into which runs of pgsync write, going by a log of such runs; none, where it cannot be
    /// read: it is no part of the run.
    ///
    /// # Errors
    /// A lost connection, and a log that is none.
    pub async fn fed_tables(&self, log: &TableName) -> Result<Vec<FedTable>> {
        match self {
            Self::Postgres(source) => source.fed_tables(log).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// Which of the tables were last filled from the database with this identity, going by a log of runs.
    ///
    /// # Errors
    /// As [`Source::fed_tables`].
    pub async fn filled_from<'a>(
        &self,
        log: &TableName,
        tables: impl Iterator<Item = &'a TableName>,
        identity: &str,
    ) -> Result<Filled> {
        match self {
            Self::Postgres(source) => source.filled_from(log, tables, identity).await,
            Self::Sqlite(_) => Ok(Filled::default()),
        }
    }

    /// Whether a session of the same database holds this advisory lock.
    ///
    /// # Errors
    /// The source's.
    pub async fn sees_lock(&self, key: &str) -> Result<bool> {
        match self {
            Self::Postgres(source) => source.sees_lock(key).await,
            Self::Sqlite(_) => Ok(false),
        }
    }

    /// A short name for what the schemas hold: equal where nothing differs.
    ///
    /// # Errors
    /// The source's.
    pub async fn schema_fingerprint(&self, what: FingerprintOf<'_>) -> Result<SchemaFingerprint> {
        match self {
            Self::Postgres(source) => source.schema_fingerprint(what).await,
            Self::Sqlite(_) => Ok(SchemaFingerprint::default()),
        }
    }

    /// Another text as soon as a definition has changed; none of a source that cannot tell.
    ///
    /// # Errors
    /// The source's.
    pub async fn catalog_version(&self) -> Result<Option<String>> {
        match self {
            Self::Postgres(source) => source.catalog_version().await.map(Some),
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// What the schemas hold; but for the tables `locked`, which cannot be read. Names of objects in the
    /// schemas of `path` are printed without a schema.
    ///
    /// # Errors
    /// The source's.
    pub async fn definitions(
        &self,
        schemas: &[Ident],
        path: &[Ident],
        locked: &[u32],
    ) -> Result<Definitions> {
        match self {
            Self::Postgres(source) => source.definitions(schemas, path, locked).await,
            Self::Sqlite(source) => source.definitions(path),
        }
    }

    /// What the schemas hold that pgsync does not copy.
    ///
    /// # Errors
    /// The source's.
    pub async fn uncopied(&self, schemas: &[Ident]) -> Result<Vec<UncopiedObject>> {
        match self {
            Self::Postgres(source) => source.uncopied(schemas).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The tables of which somebody else keeps the definitions from being read.
    ///
    /// # Errors
    /// The source's.
    pub async fn locked_tables(&self, schemas: &[Ident]) -> Result<Vec<LockedTable>> {
        match self {
            Self::Postgres(source) => source.locked_tables(schemas).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }
}
