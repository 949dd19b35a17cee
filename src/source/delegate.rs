//! Hands every question on to the kind of source that answers it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::Either;

use super::{
    Answer, FedTable, Filled, Lock, MaskVerdict, Question, ReadTable, SourceState, TargetView,
};
use super::{Reader, Source, SourceRows};
use super::{postgres, sqlite};
use crate::config::conninfo::SourceInfo;
use crate::digest::Digest;
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::pg;
use crate::pg::definitions::{FingerprintOf, LockedTable, SchemaFingerprint};
use crate::pg::uncopied::UncopiedObject;
use crate::plan::TablePlan;
use crate::schema_object::Definitions;
use crate::sql::Sql;
use crate::sql::check::Check;
use crate::sql::compared::ColumnQuery;
use crate::sql::horizon::Horizon;
use crate::sql::keys::NumberedKey;
use crate::sql::mapping::{PlanColumn, Relation, TableMapping, Timestamp};
use crate::sql::mask::{MaskHash, MaskTrial, Sample};
use crate::sql::query::{BucketQuery, DigestQuery, RowQuery};
use crate::sql::read::TimedTable;
use crate::sql::user_expression::UserExpression;
use crate::table::Table;

/// What the one that it is answers.
macro_rules! each {
    ($kinds:ident: $self:expr, $one:ident => $answer:expr) => {
        match $self {
            $kinds::Postgres($one) => $answer,
            $kinds::Sqlite($one) => $answer,
        }
    };
}

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
            Self::Sqlite(_) => {
                Ok(SchemaFingerprint { first: None, after: None, details: None, computed: None })
            }
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

impl Reader {
    /// For work that reads nothing.
    pub fn none() -> Self {
        Self::Postgres(postgres::Reader::none())
    }

    /// Ends it, and with it what is under way.
    pub fn close(&mut self) {
        each!(Self: self, one => one.close())
    }

    /// The reader, which its holder needs no longer.
    pub fn take(&mut self) -> Self {
        match self {
            Self::Postgres(reader) => Self::Postgres(reader.take()),
            Self::Sqlite(reader) => Self::Sqlite(reader.take()),
        }
    }

    /// Says that nothing is under way any more: it can be used again.
    pub fn set_clean(&mut self) {
        match self {
            Self::Postgres(reader) => reader.set_clean(),
            Self::Sqlite(_) => {}
        }
    }

    /// Reads rows, as COPY text.
    ///
    /// # Errors
    /// The source's. Errors in the middle of the stream come with the rows.
    pub async fn copy_out(
        &self,
        doing: &'static str,
        mapping: &TableMapping,
        query: RowQuery<'_>,
    ) -> Result<SourceRows> {
        match self {
            Self::Postgres(reader) => {
                reader.copy_out(doing, mapping, query).await.map(SourceRows::Postgres)
            }
            Self::Sqlite(reader) => {
                reader.copy_out(doing, mapping, query).await.map(SourceRows::Sqlite)
            }
        }
    }

    /// The digest of rows.
    ///
    /// # Errors
    /// The source's, and an answer that is no digest.
    pub async fn digest(
        &self,
        doing: &str,
        mapping: &TableMapping,
        query: DigestQuery<'_>,
    ) -> Result<Digest> {
        each!(Self: self, one => one.digest(doing, mapping, query).await)
    }

    /// The digest of the rows with these keys.
    ///
    /// # Errors
    /// As [`Reader::digest`].
    pub async fn digest_of_keys(
        &self,
        doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Digest> {
        each!(Self: self, one => one.digest_of_keys(doing, mapping, keys).await)
    }

    /// The digest of every bucket that holds rows, in the order of buckets: `bucket, count, sum` as COPY text.
    ///
    /// # Errors
    /// As [`Reader::copy_out`].
    pub async fn bucket_digests(
        &self,
        doing: &'static str,
        mapping: &TableMapping,
        query: BucketQuery<'_>,
    ) -> Result<SourceRows> {
        match self {
            Self::Postgres(reader) => {
                reader.bucket_digests(doing, mapping, query).await.map(SourceRows::Postgres)
            }
            Self::Sqlite(reader) => {
                reader.bucket_digests(doing, mapping, query).await.map(SourceRows::Sqlite)
            }
        }
    }

    /// From now on one server process digests, not one and its parallel workers.
    ///
    /// # Errors
    /// The source's.
    pub async fn without_helpers(&self, doing: &str) -> Result<()> {
        match self {
            Self::Postgres(reader) => reader.without_helpers(doing).await,
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// The hash of each column of the row with this key, if there is one.
    ///
    /// # Errors
    /// The source's.
    pub async fn column_hashes(
        &self,
        doing: &str,
        mapping: &TableMapping,
        key: &NumberedKey,
    ) -> Result<Option<Vec<Option<String>>>> {
        each!(Self: self, one => one.column_hashes(doing, mapping, key).await)
    }

    /// The columns of the rows with these keys: see [`TableMapping::compared_columns`].
    ///
    /// # Errors
    /// The source's.
    pub async fn compared_columns(
        &self,
        doing: &str,
        mapping: &TableMapping,
        query: &ColumnQuery<'_>,
    ) -> Result<Vec<Vec<Option<String>>>> {
        each!(Self: self, one => one.compared_columns(doing, mapping, query).await)
    }

    /// The least and the greatest key of a table with one integer key column.
    ///
    /// # Errors
    /// The source's.
    pub async fn key_bounds(&self, doing: &str, mapping: &TableMapping) -> Result<Vec<i128>> {
        each!(Self: self, one => one.key_bounds(doing, mapping).await)
    }

    /// The greatest finite timestamp that may move a watermark.
    ///
    /// # Errors
    /// The source's.
    pub async fn greatest_timestamp(
        &self,
        mapping: &TableMapping,
        timestamp: &Timestamp,
        horizon: &Horizon,
    ) -> Result<Option<String>> {
        each!(Self: self, one => one.greatest_timestamp(mapping, timestamp, horizon).await)
    }

    /// Makes sure that the snapshot still shows the rows of a table.
    ///
    /// # Errors
    /// [`crate::error::Cause::Snapshot`], where it does not.
    pub async fn check_not_rewritten(
        &self,
        doing: &str,
        plan: &TablePlan,
        lock: Lock,
    ) -> Result<()> {
        match self {
            Self::Postgres(reader) => reader.check_not_rewritten(doing, plan, lock).await,
            // Whatever becomes of a file, the snapshot of it stays.
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Answers to all questions, once it is sure that the snapshot still shows the table's rows.
    ///
    /// # Errors
    /// As [`Reader::check_not_rewritten`].
    pub async fn answers(
        &self,
        doing: &str,
        plan: &TablePlan,
        lock: Lock,
        questions: &[Question<'_>],
    ) -> Result<Vec<Answer>> {
        match self {
            Self::Postgres(reader) => reader.answers(doing, plan, lock, questions).await,
            Self::Sqlite(reader) => reader.answers(doing, &plan.mapping, questions).await,
        }
    }

    /// Which row is the first whose text is not UTF-8, in words.
    ///
    /// # Errors
    /// The source's.
    pub async fn unreadable_row(&self, mapping: &TableMapping) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.unreadable_row(mapping).await,
            // A value that is no text fails with the name of its row.
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Whether the database holds large objects.
    ///
    /// # Errors
    /// The source's.
    pub async fn has_large_objects(&self) -> Result<bool> {
        match self {
            Self::Postgres(reader) => reader.has_large_objects().await,
            Self::Sqlite(_) => Ok(false),
        }
    }

    /// How many rows hold the number of a large object in a column.
    ///
    /// # Errors
    /// The source's.
    pub async fn count_large_objects(
        &self,
        mapping: &TableMapping,
        column: &PlanColumn,
    ) -> Result<u64> {
        match self {
            Self::Postgres(reader) => reader.count_large_objects(mapping, column).await,
            Self::Sqlite(_) => Ok(0),
        }
    }

    /// Which of the keys the source has: their numbers. A key that its type does not take there, say a label
    /// that an enum does not have, is a key that no row has.
    ///
    /// # Errors
    /// The source's, other than of values that its types do not take.
    pub async fn find_keys(
        &self,
        doing: &str,
        mapping: &TableMapping,
        keys: &[NumberedKey],
    ) -> Result<Vec<u64>> {
        each!(Self: self, one => one.find_keys(doing, mapping, keys).await)
    }

    /// What the source has against a filter of a table's rows.
    ///
    /// # Errors
    /// The source's, other than about the filter.
    pub async fn refuses_filter(
        &self,
        relation: &Relation,
        filter: &UserExpression,
        moment: &str,
    ) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.refuses_filter(relation, filter, moment).await,
            Self::Sqlite(reader) => reader.refuses_filter(relation, filter, moment).await,
        }
    }

    /// What becomes of each of the masks of one table.
    ///
    /// # Errors
    /// The source's, other than about the masks.
    pub async fn try_masks(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<MaskVerdict>> {
        match self {
            Self::Postgres(reader) => reader.try_masks(sample, trials).await,
            Self::Sqlite(_) => {
                let none =
                    MaskVerdict { objection: Some(sqlite::NO_MASKS.to_owned()), digest: None };
                Ok(vec![none; trials.len()])
            }
        }
    }

    /// Digests of what expressions of users give for a sample, in the order of `trials`.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_digests(
        &self,
        sample: &Sample<'_>,
        trials: &[MaskTrial<'_>],
    ) -> Result<Vec<Option<String>>> {
        match self {
            Self::Postgres(reader) => reader.mask_digests(sample, trials).await,
            Self::Sqlite(_) => Ok(vec![None; trials.len()]),
        }
    }

    /// The conditions that tables lay down for their rows.
    ///
    /// # Errors
    /// The source's.
    pub async fn checks(&self, tables: &[&Table]) -> Result<Vec<Check>> {
        match self {
            Self::Postgres(reader) => reader.checks(tables).await,
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// For how many of some rows a condition does not hold, in words.
    ///
    /// # Errors
    /// The source's, other than about the condition.
    pub async fn breach(&self, rows: &Sql, check: &Check) -> Result<Option<String>> {
        match self {
            Self::Postgres(reader) => reader.breach(rows, check).await,
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Some rows as rules show them, as COPY text; none of a source without masks.
    ///
    /// # Errors
    /// The source's. Errors in the middle of the stream come with the rows.
    pub async fn sample(
        &self,
        relation: &Relation,
        columns: &[Ident],
    ) -> Result<Option<SourceRows>> {
        match self {
            Self::Postgres(reader) => {
                Ok(Some(SourceRows::Postgres(reader.sample(relation, columns).await?)))
            }
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// A word that is another one for another key of masks.
    ///
    /// # Errors
    /// The source's.
    pub async fn mask_key_mark(&self, hash: MaskHash) -> Result<String> {
        match self {
            Self::Postgres(reader) => reader.mask_key_mark(hash).await,
            Self::Sqlite(_) => Ok(String::new()),
        }
    }
}

impl SourceRows {
    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// The source's.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        each!(Self: self, one => one.next().await)
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Unpin {
        match self {
            Self::Postgres(rows) => Either::Left(rows.into_stream()),
            Self::Sqlite(rows) => Either::Right(Box::pin(rows.into_stream())),
        }
    }
}
